"""Act on a push: what people of the hub do with one - insist 坚持, recall 撤回, reopen 重开, send again.

Guarantees: each needs a reason, stands in `push_moves` and the ledger, and its department is told in the same
transaction: of insisting and reopening by 协调建议 on the case, which it can answer; of a recall by approval.withdrawn.v1,
which it signs for.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hub.advice.speak import Asked, Speaker, open_thread
from hub.deciding.told import Recipient, Standing, Telling, Withdrawal, look
from hub.deciding.withdraw_decision import recall
from hub.errors import Conflict, NotFound, Rejected
from hub.exchange.announcement import Announcement
from hub.exchange.resend import resend
from hub.ports import Desk
from hub.pushing.move import move_by_hand
from hub.pushing.push import Push
from hub.round_trips import write

#: What a department must sign for anew.
RENEWED = ("approval.corrected.v1", "approval.withdrawn.v1")
MOST_AT_ONCE = 2000


def reasoned(reason: str) -> str:
    """The reason as it is kept. Raises Rejected."""
    reason = reason.strip()
    if not 2 <= len(reason) <= 1000:
        raise Rejected("请写明理由，2 到 1000 字；它会发给该部门。")
    return reason


def recipient(tx: Connection, push_id: uuid.UUID, now: datetime) -> tuple[Standing, Recipient]:
    """A push with its decision, locked. Raises NotFound."""
    case_no = tx.execute(select(Push.case_no).where(Push.id == push_id)).scalar()
    if case_no is None:
        raise NotFound("没有找到这次推送。请刷新页面后再试。")
    standing = look(tx, case_no, now, lock=True)
    return standing, next(one for one in standing.recipients if one.id == push_id)


def insist_on_push(tx: Connection, push_id: uuid.UUID, *, reason: str, by: Speaker, desk: Desk) -> None:
    """It was returned, and stays with the department, which is told why. Its other limits begin anew."""
    reason, now = reasoned(reason), desk.clock()
    standing, to = recipient(tx, push_id, desk.clock())
    clock = standing.clock(to.department, now)
    limits = {"claim_by": clock.claim_by, "plan_by": clock.plan_by, "feedback_by": clock.feedback_by}
    tx.execute(update(Push).where(Push.id == push_id, Push.state == "returned").values(**limits))
    move_by_hand(tx, push_id, "insisted", actor=by.actor, reason=reason, now=now)
    _tell(tx, standing, to, "退回不成立，请继续办理", reason, by, desk)


def reopen_push(tx: Connection, push_id: uuid.UUID, *, reason: str, by: Speaker, desk: Desk) -> None:
    """The department closed it, and there is more to do."""
    reason = reasoned(reason)
    standing, to = recipient(tx, push_id, desk.clock())
    if to.state == "reassigned":
        raise Conflict("这次推送已经转派。需要转回时，请在现在办理的部门退回后，从它的推送上转派回来。")
    move_by_hand(tx, push_id, "reopened", actor=by.actor, reason=reason, now=desk.clock())
    _tell(tx, standing, to, "已办结的推送重新打开，请继续监管", reason, by, desk)


def _tell(
    tx: Connection, standing: Standing, to: Recipient, subject: str, reason: str, by: Speaker, desk: Desk
) -> None:
    asked = Asked(standing.decision.case_no, to.department, "proposal", subject, reason)
    # Who acts was asked for already; the thread is the window's, whoever of the hub opens it.
    open_thread(tx, asked, desk, by=Speaker(by.actor, by.name), once=uuid.uuid4())


def recall_push(tx: Connection, push_id: uuid.UUID, *, reason: str, by: Speaker, desk: Desk) -> None:
    """It should not have gone to this department; the decision itself stands."""
    reason, now = reasoned(reason), desk.clock()
    standing, to = recipient(tx, push_id, desk.clock())
    if not recall(tx, [push_id], reason, by.actor, desk):
        raise Conflict("这次推送已经撤回或转派，不能再撤回。")
    if not to.has_it:
        return
    telling = Telling.begin(tx, desk, standing.decision.case_no, now)
    withdraw_from(tx, telling, standing, to, reason, by.name)
    write(tx, *telling.tables())


def withdraw_from(
    tx: Connection, telling: Telling, standing: Standing, to: Recipient, reason: str, by: str
) -> None:
    """Tell one department that this push of it is withdrawn."""
    sign_by = standing.clock(to.department, telling.now).sign_by
    document_no = standing.decision.document_no
    telling.withdraw(to, Withdrawal(document_no, to.revision + 1, reason, by, "push", sign_by))
    telling.notice(to, f"推送已撤回：{document_no}", f"{reason}。这件决定不再由本部门监管。", sign_by)
    tx.execute(update(Push).where(Push.id == to.id).values(revision=to.revision + 1, unsigned_revision=True))


def resend_push(tx: Connection, push_id: uuid.UUID, *, reason: str, actor: str) -> int:
    """Send again what a department was sent about a push and has not signed for; if it has signed for all, its package.

    The same bytes: departments drop what they have. Gives how many messages go out.
    """
    push = tx.execute(select(Push.event_id, Push.signed_at).where(Push.id == push_id)).one_or_none()
    if push is None:
        raise NotFound("没有找到这次推送。请刷新页面后再试。")
    told: Any = tx.execute(
        select(Announcement.event_id).where(Announcement.push_id == push_id, Announcement.signed_at.is_(None))
    ).scalars()
    events = list(told)
    if push.signed_at is None or not events:
        events.append(push.event_id)
    count = resend(tx, actor=actor, reason=reason, event_ids=events)
    if not count:
        raise Conflict("没有可以补发的消息：它们还在发件箱中等待发出。")
    return count


def resend_revisions(tx: Connection, *, reason: str, actor: str, department: str | None = None) -> int:
    """Send again corrections and withdrawals that nobody signed for, of one department or all; the oldest first.

    At most MOST_AT_ONCE; gives how many messages go out.
    """
    waiting = (
        select(Announcement.event_id)
        .where(Announcement.kind.in_(RENEWED), Announcement.signed_at.is_(None))
        .order_by(Announcement.created_at)
        .limit(MOST_AT_ONCE)
    )
    if department:
        waiting = waiting.where(Announcement.department == department)
    events = tx.execute(waiting).scalars().all()
    count = resend(tx, actor=actor, reason=reason, event_ids=events) if events else 0
    if not count:
        raise Conflict("没有可以补发的更正或撤回：都已签收，或还在发件箱中等待发出。")
    return count
