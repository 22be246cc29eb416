"""Settle a quarantined message: a person decides, with a reason, and it stands in the ledger.

Guarantees: what was refused for its signature or sender can only be dismissed: nobody may lend it an identity. What was
refused because the hub did not know yet what it speaks of can be taken again as it is. Every try is kept, the failed ones
too (`try_replay`, `dismiss`); `would_pass` changes nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hub.errors import Conflict, Denied, HubError, NotFound, Rejected
from hub.exchange.arrived import Arrived
from hub.exchange.attempt import Attempt
from hub.exchange.inbox import Quarantined
from hub.exchange.take_in import take_in
from hub.ledger import Entry, record
from hub.ports import Desk
from schemas import Malformed, loads, violations

#: What may have come too early, and what a newer hub may read.
REPLAYABLE = frozenset(
    {
        "unknown_case",
        "unknown_push",
        "unknown_material",
        "unknown_finding",
        "unknown_evidence",
        "unknown_thread",
        "unknown_type",
        "schema",
    }
)

#: Checks kid and signature over the bytes again, and gives the department that signed. Raises Denied.
VerifyAgain = Callable[[bytes, str | None], str]


@dataclass(frozen=True, slots=True)
class Tried:
    """How a try ended, in a sentence."""

    done: bool
    words: str


def replay(
    tx: Connection, quarantine_id: int, desk: Desk, verify: VerifyAgain, *, actor: str, reason: str
) -> None:
    """Take the message as if it came now. Raises Denied or Rejected with the reason where it still cannot be taken."""
    row = _held(tx, quarantine_id, reason)
    _take(tx, row, desk, verify)
    _settle(tx, row, "replayed", actor, reason)
    _note(tx, row.id, "replay", actor, Tried(True, reason))


def try_replay(
    tx: Connection, quarantine_id: int, desk: Desk, verify: VerifyAgain, *, actor: str, reason: str
) -> Tried:
    """The same, and a try that fails is kept instead of raised. Raises only where there is nothing to try."""
    row = _held(tx, quarantine_id, reason)
    attempt = tx.begin_nested()
    try:
        replay(tx, quarantine_id, desk, verify, actor=actor, reason=reason)
    except HubError as error:
        attempt.rollback()
        tried = Tried(False, error.message)
        _note(tx, row.id, "replay", actor, tried)
        return tried
    attempt.commit()
    return Tried(True, "消息已重放。")


def would_pass(tx: Connection, quarantine_id: int, desk: Desk, verify: VerifyAgain) -> Tried:
    """Whether a replay would succeed now: done and taken back, in a savepoint of the caller's transaction."""
    row = _held(tx, quarantine_id, "check")
    attempt = tx.begin_nested()
    try:
        _take(tx, row, desk, verify)
    except HubError as error:
        return Tried(False, error.message)
    finally:
        attempt.rollback()
    return Tried(True, "现在重放就能接收。")


def dismiss(tx: Connection, quarantine_id: int, *, actor: str, reason: str) -> None:
    """Close it without taking it. Its bytes stay."""
    row = _held(tx, quarantine_id, reason)
    _settle(tx, row, "dismissed", actor, reason)
    _note(tx, row.id, "dismiss", actor, Tried(True, reason))


def _take(tx: Connection, row: Any, desk: Desk, verify: VerifyAgain) -> None:
    """Take it in. Raises where it cannot be."""
    if row.cause not in REPLAYABLE or row.size != len(row.value):
        raise Denied("签名、发送方或大小不符的消息不能重放，只能作废；请让部门改正后重新发送。")
    value = bytes(row.value)
    department = verify(value, row.signature)
    if department != row.department:
        raise Denied("消息的签名人与发送部门不一致，不能重放。")
    try:
        event = loads(value)
    except Malformed as error:
        raise Rejected("内容不是完整的 JSON，不能重放，只能作废。") from error
    faults = violations(event.get("type", ""), event)
    if faults:
        raise Rejected(f"内容仍不符合格式：{faults[0].path} {faults[0].message}")
    # A partition of -1 keeps the attempt apart from the first arrival, should it be refused again.
    message = Arrived(row.topic, -1, row.id, department, row.kid, value, row.signature, event)
    result = take_in(tx, [message], [], desk)
    if result.quarantined:
        again = select(Quarantined.message).where(
            Quarantined.topic == row.topic, Quarantined.partition == -1, Quarantined.offset == row.id
        )
        why = tx.execute(again).scalar()
        raise Rejected(f"重放后仍不能接收：{why}。请先处理原因（如补齐办件）再重放。")


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


def _note(tx: Connection, quarantine_id: int, act: str, actor: str, tried: Tried) -> None:
    tx.execute(
        insert(Attempt).values(
            subject=f"quarantine:{quarantine_id}", act=act, actor=actor, done=tried.done, words=tried.words
        )
    )
