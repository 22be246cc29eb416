"""Hold licences: what departments' newest inspections do to licences, and through them to cases and pushes.

Guarantees: after it, a department holds a licence exactly if its newest finding freezes; a licence is 暂扣 exactly while
someone holds it. A licence that ended for another reason (撤销, 注销, 失效, 吊销) keeps that status.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from hub.case import Case
from hub.finding import Finding
from hub.licence import FROZEN, VALID, Hold, Licence
from hub.push import Push
from hub.round_trips import Rows, write

Seat = tuple[uuid.UUID, str]  # (licence, department)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The part of a finding that can move a licence."""

    finding_id: uuid.UUID
    licence_id: uuid.UUID
    department: str
    inspected_at: datetime
    finding_no: str
    effect: str
    push_id: uuid.UUID

    @property
    def rank(self) -> tuple[datetime, str]:
        """Newer is greater."""
        return self.inspected_at, self.finding_no


def hold_licences(
    tx: Connection, spoken: Sequence[Spoken], now: datetime
) -> tuple[set[uuid.UUID], dict[uuid.UUID, str]]:
    """Apply findings. Returns the ids that spoke last when they were heard, and what changed: 'frozen' or 'lifted'."""
    if not spoken:
        return set(), {}
    licences = _locked(tx, {one.licence_id for one in spoken})
    newest, effects = _newest(tx, licences)
    holds = _open_holds(tx, licences)
    before = set(holds)
    applied: set[uuid.UUID] = set()
    changes: dict[uuid.UUID, str] = {}
    for one in spoken:
        seat = (one.licence_id, one.department)
        if seat in newest and one.rank <= newest[seat]:
            continue
        newest[seat], effects[seat] = one.rank, one.effect
        applied.add(one.finding_id)
        was_held = any(licence_id == one.licence_id for licence_id, _ in holds)
        if one.effect == "freeze":
            holds.setdefault(seat, one.finding_id)
        else:
            holds.pop(seat, None)
        is_held = any(licence_id == one.licence_id for licence_id, _ in holds)
        if was_held != is_held:
            changes[one.finding_id] = "frozen" if is_held else "lifted"
    _save_holds(tx, before, holds, spoken, now)
    _save_licences(tx, licences, holds, now)
    _save_cases(tx, licences, holds, effects)
    _save_pushes(tx, spoken, now)
    return applied, changes


def _locked(tx: Connection, ids: set[uuid.UUID]) -> dict[uuid.UUID, Any]:
    rows = tx.execute(
        select(Licence.id, Licence.case_no, Licence.status)
        .where(Licence.id.in_(ids))
        .order_by(Licence.id)
        .with_for_update()
    )
    return {row.id: row for row in rows}


def _newest(
    tx: Connection, licences: dict[uuid.UUID, Any]
) -> tuple[dict[Seat, tuple[datetime, str]], dict[Seat, str]]:
    rows = tx.execute(
        select(
            Finding.licence_id, Finding.department, Finding.inspected_at, Finding.finding_no, Finding.effect
        )
        .ext(distinct_on(Finding.licence_id, Finding.department))
        .where(Finding.licence_id.in_(licences))
        .order_by(
            Finding.licence_id,
            Finding.department,
            Finding.inspected_at.desc(),
            Finding.finding_no.collate("C").desc(),
        )
    ).all()
    ranks = {(row.licence_id, row.department): (row.inspected_at, row.finding_no) for row in rows}
    return ranks, {(row.licence_id, row.department): row.effect for row in rows}


def _open_holds(tx: Connection, licences: dict[uuid.UUID, Any]) -> dict[Seat, uuid.UUID]:
    rows = tx.execute(
        select(Hold.licence_id, Hold.department, Hold.placed_by).where(
            Hold.licence_id.in_(licences), Hold.lifted_at.is_(None)
        )
    )
    return {(row.licence_id, row.department): row.placed_by for row in rows}


def _save_holds(
    tx: Connection, before: set[Seat], holds: dict[Seat, uuid.UUID], spoken: Sequence[Spoken], now: datetime
) -> None:
    placed = [
        {
            "id": uuid.uuid5(finding_id, str(licence_id)),
            "licence_id": licence_id,
            "department": department,
            "placed_by": finding_id,
            "placed_at": now,
        }
        for (licence_id, department), finding_id in holds.items()
        if (licence_id, department) not in before
    ]
    write(tx, Rows(Hold, placed))
    lifted = before - set(holds)
    if not lifted:
        return
    by = {
        (one.licence_id, one.department): one.finding_id for one in sorted(spoken, key=lambda one: one.rank)
    }
    tx.execute(
        update(Hold.__table__)  # type: ignore[arg-type]
        .where(
            Hold.__table__.c.licence_id == bindparam("of_licence"),
            Hold.__table__.c.department == bindparam("of_department"),
            Hold.__table__.c.lifted_at.is_(None),
        )
        .values(lifted_at=now, lifted_by=bindparam("by_finding")),
        [
            {"of_licence": seat[0], "of_department": seat[1], "by_finding": by[seat]}
            for seat in sorted(lifted)
        ],
    )


def _save_licences(
    tx: Connection, licences: dict[uuid.UUID, Any], holds: dict[Seat, uuid.UUID], now: datetime
) -> None:
    held = {licence_id for licence_id, _ in holds}
    for status, ids in (
        (FROZEN, [id_ for id_, row in licences.items() if row.status == VALID and id_ in held]),
        (VALID, [id_ for id_, row in licences.items() if row.status == FROZEN and id_ not in held]),
    ):
        if ids:
            tx.execute(update(Licence).where(Licence.id.in_(ids)).values(status=status, status_at=now))


def _save_cases(
    tx: Connection, licences: dict[uuid.UUID, Any], holds: dict[Seat, uuid.UUID], effects: dict[Seat, str]
) -> None:
    alert = {licences[licence_id].case_no for licence_id, _ in holds if licence_id in licences}
    watch = {
        licences[licence_id].case_no for (licence_id, _), effect in effects.items() if effect == "warn"
    } - alert
    clear = {row.case_no for row in licences.values()} - alert - watch
    for standing, case_nos in (("alert", alert), ("watch", watch), ("clear", clear)):
        if case_nos:
            tx.execute(
                update(Case)
                .where(Case.case_no.in_(case_nos), Case.standing != standing)
                .values(standing=standing)
            )


def _save_pushes(tx: Connection, spoken: Sequence[Spoken], now: datetime) -> None:
    counts: dict[uuid.UUID, int] = {}
    for one in spoken:
        counts[one.push_id] = counts.get(one.push_id, 0) + 1
    table: Any = Push.__table__
    tx.execute(
        update(table)
        .where(table.c.id == bindparam("push_id"))
        .values(findings=table.c.findings + bindparam("more"), last_finding_at=now),
        [{"push_id": push_id, "more": more} for push_id, more in sorted(counts.items())],
    )
