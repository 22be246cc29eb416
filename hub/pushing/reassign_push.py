"""Reassign a push 转派: a department gave it back, and another one is to have it.

Guarantees: the new push has its own package with its own event and clock, made of what was sent of the decision as it
stands, with what the new department may not see withheld; it names where it came from. The old one is over, and its
department is told. A department that had given it back itself has its own push again: with a reason, new limits and the
package sent anew, to be signed for. All in the caller's transaction.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, select, update

from hub.advice.speak import Speaker
from hub.deciding.correct_decision import EVENT_TYPE as CORRECTED
from hub.deciding.corrected_package import about
from hub.deciding.decide import lane_for
from hub.deciding.gathered import taken_for
from hub.deciding.told import Recipient, Standing, Telling
from hub.department import Department
from hub.errors import Conflict, Rejected
from hub.exchange.outbox import OutboxRow
from hub.ports import Desk
from hub.pushing.act_on_push import insist_on_push, reasoned, recipient, withdraw_from
from hub.pushing.move import move_by_hand
from hub.pushing.package import instant, seal_event
from hub.pushing.push import Push
from hub.pushing.rulebook import Clock, Owed
from hub.pushing.withhold import withhold
from hub.round_trips import Rows, write

#: A department that gave its push back may have it again.
GIVEN_BACK = ("returned", "reassigned")
_LIMITS = ("sign_by", "claim_by", "plan_by", "feedback_by")


def reassign_push(
    tx: Connection, push_id: uuid.UUID, department: str, *, reason: str, by: Speaker, desk: Desk
) -> uuid.UUID:
    """Give it to another department; the new push. Raises NotFound, Rejected, Conflict."""
    reason, now = reasoned(reason), desk.clock()
    standing, old = recipient(tx, push_id, desk.clock())
    name, again = _check_target(tx, standing, department)
    if standing.decision.withdrawn_at is not None:
        raise Conflict("这份决定已经撤回，不能再转派。")
    new_id = again.id if again else uuid.uuid5(standing.decision.id, department)
    move_by_hand(
        tx,
        push_id,
        "reassigned",
        actor=by.actor,
        reason=reason,
        now=now,
        detail={"to": department, "push": str(new_id)},
    )
    telling = Telling.begin(tx, desk, standing.decision.case_no, now)
    withdraw_from(tx, telling, standing, old, f"转派{name}：{reason}", by.name)
    rows: tuple[Rows, ...] = ()
    if again is None:
        push, row = new_push(tx, standing, department, new_id, push_id, desk)
        rows = Rows(Push, [push]), Rows(OutboxRow, [row])
    elif again.state == "reassigned":
        _give_back(tx, telling, standing, again, reason, by)
    write(tx, *rows, *telling.tables())
    if again is not None and again.state == "returned":
        insist_on_push(tx, again.id, reason=reason, by=by, desk=desk)
    return new_id


def _check_target(tx: Connection, standing: Standing, department: str) -> tuple[str, Recipient | None]:
    """The department's name, and its own push where it had given that back."""
    found = tx.execute(
        select(Department.name, Department.active).where(Department.code == department)
    ).one_or_none()
    if found is None or not found.active:
        raise Rejected("请选择一个启用的部门。")
    known = next((one for one in standing.recipients if one.department == department), None)
    if known is not None and known.state not in GIVEN_BACK:
        raise Rejected(f"这件决定已经推送过{found.name}，请选择其他部门。")
    return str(found.name), known


def _give_back(
    tx: Connection, telling: Telling, standing: Standing, to: Recipient, reason: str, by: Speaker
) -> None:
    """Their own push is theirs again: the package as it stands, as one more version of what they were told."""
    decision, now = standing.decision, telling.now
    clock = standing.clock(to.department, now)
    revision = max(decision.revision, to.revision) + 1
    data, withheld, _ = _package(tx, standing, to.department)
    push: dict[str, Any] = {"id": str(to.id), "department": to.department, **_times(clock)}
    push["revision"] = revision
    if withheld:
        push["withheld"] = withheld
    correction = {
        "revision": revision,
        "replaces_event_id": str(to.event_id),
        "replaces_sha256": bytes(to.sha256).hex(),
        **about(f"转派回本部门：{reason}", None, [], now),
    }
    telling.say(CORRECTED, to, revision, {"push": push, **data, "correction": correction}, clock.sign_by)
    title = f"推送转派回本部门：{decision.document_no}"
    telling.notice(to, title, f"{reason}。推送包已重新发出，请签收并继续办理。", clock.sign_by)
    limits = {"claim_by": clock.claim_by, "plan_by": clock.plan_by, "feedback_by": clock.feedback_by}
    told = {"revision": revision, "unsigned_revision": True, "withheld": withheld or None}
    tx.execute(update(Push).where(Push.id == to.id).values(**limits, **told))
    move_by_hand(tx, to.id, "reopened", actor=by.actor, reason=reason, now=now)


def _package(
    tx: Connection, standing: Standing, department: str
) -> tuple[dict[str, Any], list[str], Owed | None]:
    """What a department gets of the decision as it stands, what is withheld of it, and the rule's word."""
    owed = next(
        (one for one in standing.rulebook.owed(standing.decision.marks) if one.department == department), None
    )
    fullest = _fullest(standing)
    left_out, masked = (owed.left_out, owed.masked) if owed else ((), ())
    data = {key: value for key, value in fullest.data.items() if key not in ("push", "correction")}
    withheld = sorted({*left_out, *masked, *(fullest.withheld or ())})
    lines = taken_for(tx, standing.decision.case_no)
    return withhold(data, left_out, masked, lines), withheld, owed


def new_push(
    tx: Connection, standing: Standing, department: str, new_id: uuid.UUID, old: uuid.UUID, desk: Desk
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The new push's row, and its package's."""
    decision, now = standing.decision, desk.clock()
    data, withheld, owed = _package(tx, standing, department)
    clock = standing.clock(department, now)
    push: dict[str, Any] = {"id": str(new_id), "department": department, **_times(clock)}
    push["revision"] = decision.revision
    if withheld:
        push["withheld"] = withheld
    sealed = seal_event(
        desk,
        department,
        "approval.decided.v1",
        decision.case_no,
        {"push": push, **data},
        event_id=uuid.uuid5(new_id, "approval.decided.v1"),
        lane=lane_for(tx, decision.case_no),
    )
    row = {
        "id": new_id,
        "decision_id": decision.id,
        "case_no": decision.case_no,
        "department": department,
        "rule_id": owed.rule_id if owed else None,
        "event_id": sealed.event_id,
        "package_sha256": sealed.sha256,
        "revision": decision.revision,
        "withheld": withheld or None,
        "missing": (data.get("completeness") or {}).get("missing") or None,
        **{name: getattr(clock, name) for name in _LIMITS},
        "next_due_at": clock.next_due_at,
        "created_at": now,
        "came_from": old,
    }
    return row, sealed.row


def _fullest(standing: Standing) -> Recipient:
    """Of the packages that were sent of the decision as it stands, the one that holds the most."""
    sent = [one for one in standing.recipients if one.value is not None]
    current = [one for one in sent if one.revision >= standing.decision.revision and one.has_it]
    if not sent:
        raise Conflict("这件决定的推送包已不在发件箱中，不能据以转派。请联系系统管理员。")
    return min(current or sent, key=lambda one: len(one.withheld or ()))


def _times(clock: Clock) -> dict[str, str | None]:
    return {name: instant(at) if (at := getattr(clock, name)) else None for name in _LIMITS}
