"""Promise a deferral 容缺: a required material may follow until a day, if the line allows it.

Guarantees: no promise goes beyond the limit of working days that line or area set, counted from the day it was first
given, however often it is changed; one open promise a line; it ends by itself when the material arrives or something on
file is used. Who let the day pass is told once.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, text, update

from hub.catalogue.published import RequirementLine
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, LedgerRow, record
from hub.material import Material
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.deferral import Deferral
from hub.reuse.material_use import MaterialUse
from hub.reuse.renew_series import renew_series
from hub.reuse.working_case import working_case
from hub.round_trips import Rows, write
from hub.sharing.limit import DEFERRAL, Limit
from hub.workday import LOCAL, due, exceptions

BATCH = 500
LONGEST_NAME = 100


def promise_deferral(
    tx: Connection,
    *,
    case_no: str,
    requirement_id: uuid.UUID,
    until: date | None,
    promised_by: str,
    actor: str,
    desk: Desk,
) -> date:
    """Record that the material follows until `until` (None: as long as allowed). Gives the day."""
    promised_by = " ".join(promised_by.split())
    if not 1 <= len(promised_by) <= LONGEST_NAME:
        raise Rejected("请填写由谁承诺补交。")
    case = working_case(tx, case_no, doing="登记容缺")
    line = case.item.requirement(requirement_id)
    if not line.may_follow:
        raise Rejected(f"“{line.name}”不允许容缺，须当场提交或复用。")
    if _arrived(tx, case_no, requirement_id):
        raise Conflict(f"“{line.name}”已经提交或复用，不需要容缺。")
    today = desk.clock().astimezone(LOCAL).date()
    known = tx.execute(
        select(Deferral.id, Deferral.promised_until, Deferral.recorded_at).where(
            Deferral.case_no == case_no,
            Deferral.requirement_id == requirement_id,
            Deferral.settled_at.is_(None),
        )
    ).one_or_none()
    first = known.recorded_at.astimezone(LOCAL).date() if known else today
    latest = latest_day(tx, line, first)
    until = latest if until is None else until
    if until < today:
        raise Rejected(f"补交日期 {until} 已经过去。请选 {today} 至 {latest} 之间的日期。")
    if until > latest:
        raise Rejected(f"补交日期最晚为 {latest}。请选 {today} 至 {latest} 之间的日期。")
    if known and known.promised_until == until:
        return until
    if known:
        changed = update(Deferral).where(Deferral.id == known.id)
        tx.execute(changed.values(promised_until=until, promised_by=promised_by, overdue_told_at=None))
    else:
        tx.execute(
            insert(Deferral).values(
                id=uuid.uuid4(),
                case_no=case_no,
                requirement_id=requirement_id,
                promised_until=until,
                promised_by=promised_by,
                recorded_by=actor,
                recorded_at=desk.clock(),
            )
        )
    detail = {"requirement": line.code, "until": until.isoformat(), "promised_by": promised_by}
    record(tx, Entry(actor, "deferral.promised", f"case:{case_no}", case_no, detail=detail))
    return until


def latest_day(tx: Connection, line: RequirementLine, first: date) -> date:
    """The last day that may be promised for this line on `first`."""
    days = line.deferral_days
    if days is None:
        days = tx.execute(select(Limit.working_days).where(Limit.name == DEFERRAL)).scalar_one()
    return due(first, days, exceptions(tx))


def _arrived(tx: Connection, case_no: str, requirement_id: uuid.UUID) -> bool:
    used = select(MaterialUse.id).where(
        MaterialUse.case_no == case_no,
        MaterialUse.requirement_id == requirement_id,
        MaterialUse.withdrawn_at.is_(None),
    )
    taken = select(Material.id).where(
        Material.case_no == case_no,
        Material.requirement_id == requirement_id,
        Material.state.in_(("pending", "usable")),
    )
    return tx.execute(used.union_all(taken).limit(1)).first() is not None


def cancel_deferral(
    tx: Connection, *, case_no: str, requirement_id: uuid.UUID, actor: str, desk: Desk
) -> None:
    """Take a promise back while the case is prepared. Twice is once. After acceptance it stands: Conflict."""
    case = working_case(tx, case_no, doing="取消容缺")
    case.item.requirement(requirement_id)
    if case.state == "accepted":
        raise Conflict(f"办件 {case_no} 已经受理，容缺承诺不能取消。请补交材料。")
    settle_deferral(tx, case_no, requirement_id, "cancelled", actor=actor, now=desk.clock())


def settle_deferral(
    tx: Connection,
    case_no: str,
    requirement_id: uuid.UUID,
    how: str,
    *,
    actor: str,
    now: datetime | None = None,
) -> bool:
    """End an open promise: `how` is 'material:<id>', 'use:<id>' or 'cancelled'. Gives whether there was one.

    To be called for every material that arrives, promised or not: on an accepted case it supersedes older material.
    """
    at = now or tx.execute(select(func.now())).scalar_one()
    if how.startswith("material:"):
        _renew_if_accepted(tx, case_no, actor, at)
    ended = tx.execute(
        update(Deferral)
        .where(
            Deferral.case_no == case_no,
            Deferral.requirement_id == requirement_id,
            Deferral.settled_at.is_(None),
        )
        .values(settled_at=at, settled_how=how)
    )
    if ended.rowcount:
        detail = {"requirement": str(requirement_id), "how": how}
        record(tx, Entry(actor, "deferral.settled", f"case:{case_no}", case_no, detail=detail))
    return bool(ended.rowcount)


def _renew_if_accepted(tx: Connection, case_no: str, actor: str, now: datetime) -> None:
    state = tx.execute(
        text("SELECT state FROM cases WHERE case_no = :case_no"), {"case_no": case_no}
    ).scalar()
    if state is None:
        raise NotFound(f"没有办件编号为 {case_no} 的办件。请核对编号。")
    if state == "accepted":
        renew_series(tx, case_no, actor=actor, now=now)


_OVERDUE = text("""
UPDATE deferrals SET overdue_told_at = :now WHERE id IN (
  SELECT p.id FROM deferrals p JOIN cases c USING (case_no)
  WHERE p.settled_at IS NULL AND p.overdue_told_at IS NULL AND p.promised_until < :today AND c.state <> 'withdrawn'
  ORDER BY p.promised_until, p.id LIMIT :batch FOR UPDATE OF p SKIP LOCKED)
RETURNING case_no, promised_until, promised_by,
  (SELECT r.name FROM requirements r WHERE r.id = requirement_id) AS name
""")


def tell_overdue(tx: Connection, now: datetime) -> int:
    """Tell the window of promises whose day has passed, one notice a case. Gives how many promises; call until 0."""
    of = {"now": now, "today": now.astimezone(LOCAL).date(), "batch": BATCH}
    rows = tx.execute(_OVERDUE, of).all()
    by_case: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row.case_no, row.promised_until, row.name)):
        by_case.setdefault(row.case_no, []).append(
            f"“{row.name}”（{row.promised_by}承诺 {row.promised_until} 前补交）"
        )
    notices = [
        {
            "audience": "clerk",
            "severity": "warning",
            "title": "容缺材料到期未补交",
            "body": f"{'、'.join(lines)}至今未交。请联系申请人补交，或按规定处理。",
            "case_no": case_no,
        }
        for case_no, lines in by_case.items()
    ]
    ledger = [
        {
            "actor": "program:housekeeping",
            "action": "deferral.overdue",
            "subject": f"case:{case_no}",
            "case_no": case_no,
            "reason": None,
            "detail": {"promises": len(lines)},
        }
        for case_no, lines in by_case.items()
    ]
    write(tx, Rows(Notice, notices), Rows(LedgerRow, ledger))
    return len(rows)
