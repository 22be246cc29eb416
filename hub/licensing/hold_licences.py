"""Hold licences: what departments' newest inspections do to licences, and through them to cases and pushes.

Guarantees: after it, a department holds a licence exactly if its newest finding freezes; a licence is 暂扣 exactly while
someone holds it. A licence that ended for another reason (撤销, 注销, 失效, 吊销) keeps that status.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from hub.licensing.licence import FROZEN, VALID, Hold
from hub.round_trips import Question, Rows, ask, tell, write

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
    newest, effects, holds = _spoken_before(tx, list(licences))
    before = set(holds)
    holders = Counter(licence_id for licence_id, _ in holds)
    applied: set[uuid.UUID] = set()
    changes: dict[uuid.UUID, str] = {}
    for one in spoken:
        seat = (one.licence_id, one.department)
        if seat in newest and one.rank <= newest[seat]:
            continue
        newest[seat], effects[seat] = one.rank, one.effect
        applied.add(one.finding_id)
        was_held = holders[one.licence_id] > 0
        if one.effect == "freeze" and seat not in holds:
            holds[seat] = one.finding_id
            holders[one.licence_id] += 1
        elif one.effect != "freeze" and seat in holds:
            del holds[seat]
            holders[one.licence_id] -= 1
        is_held = holders[one.licence_id] > 0
        if was_held != is_held:
            changes[one.finding_id] = "frozen" if is_held else "lifted"
    _save_holds(tx, before, holds, spoken, now)
    tell(
        tx,
        *_changed_licences(licences, holds, now),
        *_changed_cases(licences, holds, effects),
        _changed_pushes(spoken, now),
    )
    return applied, changes


class _Licence(NamedTuple):
    case_no: str
    status: str


_LOCK = "SELECT id, case_no, status FROM licences WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"
_NEWEST = """
SELECT DISTINCT ON (licence_id, department) licence_id, department, inspected_at, finding_no, effect
FROM findings WHERE licence_id = ANY(%(ids)s)
ORDER BY licence_id, department, inspected_at DESC, finding_no COLLATE "C" DESC
"""
_HOLDS = "SELECT licence_id, department, placed_by FROM holds WHERE licence_id = ANY(%(ids)s) AND lifted_at IS NULL"


def _locked(tx: Connection, ids: set[uuid.UUID]) -> dict[uuid.UUID, _Licence]:
    (rows,) = ask(tx, (_LOCK, {"ids": list(ids)}))
    return {id_: _Licence(case_no, status) for id_, case_no, status in rows}


def _spoken_before(
    tx: Connection, ids: list[uuid.UUID]
) -> tuple[dict[Seat, tuple[datetime, str]], dict[Seat, str], dict[Seat, uuid.UUID]]:
    """The rank and effect of each department's newest finding, and the open holds. Asked after the lock."""
    newest, holds = ask(tx, (_NEWEST, {"ids": ids}), (_HOLDS, {"ids": ids}))
    return (
        {(licence, department): (at, number) for licence, department, at, number, _ in newest},
        {(licence, department): effect for licence, department, _, _, effect in newest},
        {(licence, department): placed_by for licence, department, placed_by in holds},
    )


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
    lifted = sorted(before - set(holds))
    if lifted:
        by = {
            (one.licence_id, one.department): one.finding_id
            for one in sorted(spoken, key=lambda one: one.rank)
        }
        of = {
            "licences": [licence_id for licence_id, _ in lifted],
            "departments": [department for _, department in lifted],
            "findings": [by[seat] for seat in lifted],
            "now": now,
        }
        tell(tx, (_LIFT, of))


_LIFT = """
UPDATE holds h SET lifted_at = %(now)s, lifted_by = n.finding
FROM unnest(%(licences)s::uuid[], %(departments)s::text[], %(findings)s::uuid[]) AS n(licence, department, finding)
WHERE h.licence_id = n.licence AND h.department = n.department AND h.lifted_at IS NULL
"""
_STATUS = "UPDATE licences SET status = %(status)s, status_at = %(now)s WHERE id = ANY(%(ids)s)"
_STAND = (
    "UPDATE cases SET standing = %(standing)s WHERE case_no = ANY(%(case_nos)s) AND standing <> %(standing)s"
)
_COUNT = """
UPDATE pushes p SET findings = p.findings + n.more, last_finding_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(more)s::int[]) AS n(id, more) WHERE p.id = n.id
"""


def _changed_licences(
    licences: dict[uuid.UUID, _Licence], holds: dict[Seat, uuid.UUID], now: datetime
) -> Iterator[Question]:
    held = {licence_id for licence_id, _ in holds}
    for status, ids in (
        (FROZEN, [id_ for id_, licence in licences.items() if licence.status == VALID and id_ in held]),
        (VALID, [id_ for id_, licence in licences.items() if licence.status == FROZEN and id_ not in held]),
    ):
        if ids:
            yield _STATUS, {"status": status, "now": now, "ids": ids}


def _changed_cases(
    licences: dict[uuid.UUID, _Licence], holds: dict[Seat, uuid.UUID], effects: dict[Seat, str]
) -> Iterator[Question]:
    alert = {licences[licence_id].case_no for licence_id, _ in holds}
    watch = {
        licences[licence_id].case_no for (licence_id, _), effect in effects.items() if effect == "warn"
    } - alert
    clear = {licence.case_no for licence in licences.values()} - alert - watch
    for standing, case_nos in (("alert", alert), ("watch", watch), ("clear", clear)):
        if case_nos:
            yield _STAND, {"standing": standing, "case_nos": list(case_nos)}


def _changed_pushes(spoken: Sequence[Spoken], now: datetime) -> Question:
    counts = Counter(one.push_id for one in spoken)
    return _COUNT, {"ids": list(counts), "more": list(counts.values()), "now": now}
