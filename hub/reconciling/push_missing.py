"""Push what was never pushed 补推送: a decision that a rule owed to a department, and that a reconciliation missed.

Guarantees: the package that was written for the department goes, if there is one; else one is made of what other departments
were sent, with what this one may not see withheld. Its clock begins now. What nobody was sent cannot be made up here.
"""

from __future__ import annotations

import hashlib
import uuid

from sqlalchemy import Connection, select

from hub.errors import Conflict
from hub.exchange.outbox import OutboxRow
from hub.exchange.resend import resend
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.pushing.act_on_push import recipient
from hub.pushing.push import Push
from hub.pushing.reassign_push import new_push
from hub.round_trips import Rows, write


def push_missing(
    tx: Connection, case_no: str, department: str, desk: Desk, *, actor: str, reason: str
) -> uuid.UUID:
    """The push that was missing. Raises Conflict where it is there by now, or nothing was sent to anybody."""
    pushes = tx.execute(select(Push.id, Push.department, Push.state).where(Push.case_no == case_no)).all()
    if any(one.department == department for one in pushes):
        raise Conflict(f"办件 {case_no} 已经推送给该部门。请再对一次账。")
    sent = [one.id for one in pushes if one.state != "held"]
    if not sent:
        raise Conflict(f"办件 {case_no} 没有推送过任何部门，没有可以依据的推送包。请核对推送规则后写明原因。")
    standing, _ = recipient(tx, sent[0], desk.clock())
    new_id = uuid.uuid5(standing.decision.id, department)
    push, package = new_push(tx, standing, department, new_id, sent[0], desk)
    push["came_from"] = None
    written = tx.execute(select(OutboxRow.value).where(OutboxRow.event_id == push["event_id"])).first()
    if written is None:
        write(tx, Rows(Push, [push]), Rows(OutboxRow, [package]))
    else:
        write(tx, Rows(Push, [{**push, "package_sha256": hashlib.sha256(written.value).digest()}]))
        resend(tx, actor=actor, reason=reason, event_ids=[push["event_id"]])
    detail = {"department": department, "event_id": str(push["event_id"])}
    record(tx, Entry(actor, "push.added", f"push:{new_id}", case_no, reason, detail))
    return new_id
