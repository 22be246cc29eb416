"""Release a push 放行: its package was held because something was missing; now it has come, or somebody lets it go as it is.
Who has the decision already is corrected as soon as all has come: see hub.pushing.send_late.

Guarantees: package, signature, outbox row, the push's clock (from today) and the move are one transaction; released twice is
released once. What a package holds is what was decided (as corrected meanwhile), with the materials, reuse and promises as
they are now. What is still missing is named in it as ever.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from hub.case import Case, Decision
from hub.deciding.decide import lane_for
from hub.deciding.gathered import Gathered, gather, opened
from hub.deciding.owed_rows import EVENT_TYPE, clock_columns, held_context, kept_days, push_part
from hub.errors import Conflict, NotFound, Rejected
from hub.exchange.outbox import OutboxRow
from hub.ports import Desk
from hub.pushing.completeness import Required, missing, read_required, required
from hub.pushing.move import move_by_hand
from hub.pushing.package import seal_event
from hub.pushing.push import GONE, Push
from hub.pushing.rulebook import read_rulebook, rulebook_questions
from hub.pushing.send_late import send_if_whole, stored_late
from hub.pushing.withhold import withhold
from hub.reuse.list_of_case import VERSION
from hub.round_trips import Rows, ask, write
from hub.upload import Upload
from hub.workday import local_day
from schemas import dumps, loads

COMPLETED = "缺少的内容已补齐"
CHECKER = "program:completeness"


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a case's pushes again came to."""

    released: tuple[uuid.UUID, ...]
    missing: tuple[dict[str, Any], ...]  # of what is held still
    corrected: tuple[str, ...] = ()  # departments that had it already and get what came late, by name


def release_push(tx: Connection, push_id: uuid.UUID, desk: Desk, *, actor: str, reason: str) -> None:
    """Let a held push go as it is now. Raises NotFound, Rejected without a reason, Conflict where it is not held."""
    if len(reason.strip()) < 2:
        raise Rejected("请写明放行的理由（至少两个字）。")
    case_no = tx.execute(select(Push.case_no).where(Push.id == push_id)).scalar()
    if case_no is None:
        raise NotFound("没有找到这次推送。请刷新页面后再试。")
    found = _held(tx, case_no, desk, only=push_id)
    if not found:
        raise Conflict("这次推送没有在等待补齐，不需要放行。请刷新页面后再看。")
    _release(tx, found, desk, actor=actor, reason=reason.strip()[:500])


def check_again(tx: Connection, case_no: str, desk: Desk, *, actor: str = CHECKER) -> Checked:
    """Let go of a case's held pushes that lack nothing any more, and note what the others lack still."""
    corrected = send_if_whole(
        tx, case_no, desk, actor=actor
    )  # first: it locks the decision before the pushes
    found = _held(tx, case_no, desk)
    whole = [one for one in found if not one.lacking]
    lacking = [one for one in found if one.lacking]
    for one in lacking:
        tx.execute(update(Push).where(Push.id == one.push.id).values(missing=one.lacking))
    if whole:
        _release(tx, whole, desk, actor=actor, reason=COMPLETED)
    return Checked(
        tuple(one.push.id for one in whole), tuple(lacking[0].lacking if lacking else ()), corrected
    )


#: Cases of which a material came that a held push lacked, or was reused for it.
_COME = f"""
SELECT DISTINCT p.case_no FROM pushes p JOIN cases c ON c.case_no = p.case_no
CROSS JOIN LATERAL jsonb_array_elements(p.missing) AS one
JOIN requirements r ON r.version_id = {VERSION} AND r.code = one ->> 'code'
WHERE p.state = 'held' AND one ->> 'kind' = 'material' AND (EXISTS (
  SELECT FROM materials m
  WHERE m.case_no = p.case_no AND m.requirement_id = r.id AND m.state IN ('usable', 'superseded'))
OR EXISTS (
  SELECT FROM material_uses u
  WHERE u.case_no = p.case_no AND u.requirement_id = r.id AND u.withdrawn_at IS NULL))
ORDER BY p.case_no LIMIT %(limit)s
"""  # noqa: S608 - our own words


def incomplete(tx: Connection, case_no: str | None) -> str | None:
    """'held' where a push of the case waits to be completed, 'sent' where one went without something; None: neither."""
    lacks = select(Push.state).where(
        Push.case_no == case_no, Push.missing.is_not(None), Push.state.not_in(GONE)
    )
    states = set(tx.scalars(lacks)) if case_no is not None else set()
    return "held" if "held" in states else "sent" if states else None


def check_for_upload(tx: Connection, upload_id: uuid.UUID, desk: Desk) -> None:
    """What was just handed in may be what a push of its case lacks, held or sent."""
    pushed = select(Push.case_no).join(Upload, Upload.case_no == Push.case_no)
    case_no = tx.execute(pushed.where(Upload.id == upload_id, Push.state.not_in(GONE)).limit(1)).scalar()
    if case_no is not None:
        check_again(tx, case_no, desk)


def complete_held(tx: Connection, desk: Desk, limit: int = 100) -> int:
    """Check the cases again for whose pushes something came meanwhile; gives how many went on. Any program may call it."""
    (rows,) = ask(tx, (_COME, {"limit": limit}))
    for (case_no,) in rows:
        check_again(tx, case_no, desk)
    late = [send_if_whole(tx, case_no, desk, actor=CHECKER) for case_no in stored_late(tx, limit)]
    return len(rows) + sum(map(bool, late))


@dataclass(frozen=True, slots=True)
class _Held:
    """One held push, and its package's data as of now."""

    push: Any
    kept: Mapping[str, Any]
    data: dict[str, Any]
    lacking: list[dict[str, Any]]
    taken_for: Mapping[str, str]


def _held(tx: Connection, case_no: str, desk: Desk, only: uuid.UUID | None = None) -> list[_Held]:
    case = tx.execute(select(Case.item_code, Case.source).where(Case.case_no == case_no)).one_or_none()
    if case is None:
        raise NotFound(f"没有办件编号为 {case_no[:60]} 的办件。")
    cases_open, versions = ask(
        tx, opened([case_no]), required([case.item_code], [case_no])
    )  # the case is locked first
    wanted = select(*Push.__table__.c).where(Push.case_no == case_no, Push.state == "held")
    if only is not None:
        wanted = wanted.where(Push.id == only)
    rows = tx.execute(wanted.order_by(Push.id).with_for_update()).all()
    if not rows:
        return []
    gathered = gather(tx, cases_open, desk).get(case_no) or Gathered()
    asked = read_required(versions).of(gathered.version_id, case.item_code)
    return [_one(row, gathered, asked, case.source, desk) for row in rows]


def _one(row: Any, gathered: Gathered, asked: Required | None, source: str, desk: Desk) -> _Held:
    sealed = bytes(row.held_package)
    kept = loads(desk.identities.unseal_text(sealed, context=held_context(row.id)))
    data = {**kept["data"]}
    known = {str(one["id"]) for one in gathered.materials}
    data["materials"] = [
        *gathered.materials, *(one for one in data["materials"] if str(one["id"]) not in known)
    ]  # fmt: skip
    for part in ("reused", "promised", "form"):
        data.pop(part, None)
    data |= gathered.data()
    lacking = missing(asked, data, gathered.met, source=source) if asked else []
    if asked is not None:
        data["completeness"] = {"required": len(asked), "missing": lacking}
    return _Held(row, kept, data, lacking, gathered.taken_for)


def _release(tx: Connection, found: Sequence[_Held], desk: Desk, *, actor: str, reason: str) -> None:
    now = desk.clock()
    today = local_day(now)
    book = read_rulebook(*ask(tx, *rulebook_questions(today)))
    lane = lane_for(tx, found[0].push.case_no)
    outbox = []
    for one in found:
        push, kept = one.push, one.kept
        revision = tx.execute(select(Decision.revision).where(Decision.id == push.decision_id)).scalar_one()
        clock = book.clock(today, kept_days(kept["days"]))
        part = push_part(push.id, push.department, clock, push.withheld or ())
        sealed = seal_event(
            desk,
            push.department,
            EVENT_TYPE,
            push.case_no,
            {"push": {**part, "revision": revision}},
            event_id=push.event_id,
            lane=lane,
            rest=dumps(withhold(one.data, kept["left_out"], kept["masked"], one.taken_for)),
        )
        outbox.append(sealed.row)
        tx.execute(
            update(Push)
            .where(Push.id == push.id)
            .values(
                package_sha256=sealed.sha256,
                missing=one.lacking or push.missing,
                revision=revision,
                created_at=now,
                **clock_columns(clock),
            )
        )
        detail = {"missing": one.lacking, "sha256": sealed.sha256.hex()}
        move_by_hand(tx, push.id, "released", actor=actor, reason=reason, now=now, detail=detail)
        after = {"held_package": None} if one.lacking else {"held_package": None, "missing": None}
        tx.execute(update(Push).where(Push.id == push.id).values(after))
    write(tx, Rows(OutboxRow, outbox))
