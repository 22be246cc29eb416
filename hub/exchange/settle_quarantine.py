"""Settle a quarantined message: a person decides, with a reason, and it stands in the ledger.

What was refused for its signature or sender can only be dismissed: nobody may lend it an identity. What was refused because
the hub did not know its case or push yet can be taken again as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, func, select, update

from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.exchange.arrived import Arrived
from hub.exchange.inbox import Quarantined
from hub.exchange.take_in import take_in
from hub.ledger import Entry, record
from hub.ports import Desk
from schemas import loads, violations

REPLAYABLE = frozenset({"unknown_case", "unknown_push", "unknown_material", "schema"})

#: Checks kid and signature over the bytes again, and gives the department that signed. Raises Denied.
VerifyAgain = Callable[[bytes, str | None], str]


def replay(
    tx: Connection, quarantine_id: int, desk: Desk, verify: VerifyAgain, *, actor: str, reason: str
) -> None:
    """Take the message as if it came now. Raises Denied or Rejected with the reason where it still cannot be taken."""
    row = _held(tx, quarantine_id, reason)
    if row.cause not in REPLAYABLE or row.size != len(row.value):
        raise Denied("签名、发送方或大小不符的消息不能重放，只能作废；请让部门改正后重新发送。")
    value = bytes(row.value)
    department = verify(value, row.signature)
    if department != row.department:
        raise Denied("消息的签名人与发送部门不一致，不能重放。")
    event = loads(value)
    faults = violations(event.get("type", ""), event)
    if faults:
        raise Rejected(f"内容仍不符合格式：{faults[0].path} {faults[0].message}")
    # A partition of -1 keeps the attempt apart from the first arrival, should it be refused again.
    message = Arrived(row.topic, -1, row.id, department, row.kid, value, row.signature, event)
    result = take_in(tx, [message], [], desk)
    if result.quarantined:
        raise Rejected("重放后仍不能接收，原因未变。请先处理原因（如补齐办件）再重放。")
    _settle(tx, row, "replayed", actor, reason)


def dismiss(tx: Connection, quarantine_id: int, *, actor: str, reason: str) -> None:
    """Close it without taking it. Its bytes stay."""
    _settle(tx, _held(tx, quarantine_id, reason), "dismissed", actor, reason)


def _held(tx: Connection, quarantine_id: int, reason: str) -> Any:
    if not reason.strip():
        raise Rejected("请写明处理理由。")
    row = tx.execute(
        select(*Quarantined.__table__.columns).where(Quarantined.id == quarantine_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"隔离区没有第 {quarantine_id} 条。")
    if row.state != "held":
        raise Conflict(f"第 {quarantine_id} 条已经处理过（{row.settled_by}）。")
    return row


def _settle(tx: Connection, row: Any, state: str, actor: str, reason: str) -> None:
    tx.execute(
        update(Quarantined)
        .where(Quarantined.id == row.id)
        .values(state=state, settled_by=actor, settled_why=reason, settled_at=func.now())
    )
    record(
        tx,
        Entry(actor, f"message.{state}", f"quarantine:{row.id}", reason=reason, detail={"cause": row.cause}),
    )
