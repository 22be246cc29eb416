"""Take in: what departments sent, in one transaction.

Guarantees: for every message exactly one of {inbox row with its effect, nothing because it was taken before, quarantine row
with its cause and an answer to the sender}. All of a batch or nothing; the caller commits the offsets after.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub import acknowledge, report_findings
from hub.arrived import Arrived, Refused
from hub.inbox import InboxRow, Quarantined
from hub.ledger import LedgerRow
from hub.outbox import LIVE, OutboxRow
from hub.package import instant, seal_event
from hub.ports import Desk
from hub.round_trips import Rows, write

RECEIPT, FINDING = "receipt.v1", "finding.reported.v1"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How a batch ended."""

    accepted: int
    duplicates: int
    quarantined: int


def take_in(tx: Connection, arrived: Sequence[Arrived], refused: Sequence[Refused], desk: Desk) -> TakenIn:
    """Take one batch in. Order within a case is the order of `arrived`."""
    fresh, duplicates = _not_yet_taken(tx, arrived)
    taken, objected = _judge(tx, fresh, desk)
    _write_inbox(tx, taken.all, desk.clock())
    acknowledge.acknowledge(tx, taken.receipts, taken.pushes)
    report_findings.report_findings(tx, taken.findings, taken.grounds, desk)
    held = _quarantine(tx, [*refused, *objected], desk)
    return TakenIn(len(taken.all), duplicates, held)


@dataclass(slots=True)
class _Judged:
    receipts: list[Arrived]
    findings: list[Arrived]
    pushes: dict[str, acknowledge.PushRow]
    grounds: report_findings.Grounds

    @property
    def all(self) -> list[Arrived]:
        return [*self.receipts, *self.findings]


def _not_yet_taken(tx: Connection, arrived: Sequence[Arrived]) -> tuple[list[Arrived], int]:
    first: dict[tuple[str, str], Arrived] = {}
    for message in arrived:
        first.setdefault(message.identity, message)
    if not first:
        return [], 0
    rows = tx.execute(
        select(InboxRow.source, InboxRow.event_id).where(
            tuple_(InboxRow.source, InboxRow.event_id).in_(list(first))
        )
    )
    taken = {(row.source, row.event_id) for row in rows}
    fresh = [message for identity, message in first.items() if identity not in taken]
    return fresh, len(arrived) - len(fresh)


def _judge(tx: Connection, fresh: Sequence[Arrived], desk: Desk) -> tuple[_Judged, list[Refused]]:
    receipts = [message for message in fresh if message.event["type"] == RECEIPT]
    findings = [message for message in fresh if message.event["type"] == FINDING]
    judged = _Judged([], [], acknowledge.pushes_named(tx, receipts), report_findings.grounds(tx, findings))
    objected = [
        message.refuse(
            "unknown_type", f"部门不能发送 {message.event['type']} 类型的消息", f"{RECEIPT} 或 {FINDING}"
        )
        for message in fresh
        if message.event["type"] not in (RECEIPT, FINDING)
    ]
    for message in receipts:
        if refusal := acknowledge.objection(message, judged.pushes):
            objected.append(refusal)
        else:
            judged.receipts.append(message)
    now = desk.clock()
    numbers: set[tuple[str, str]] = set()
    for message in findings:
        number = (message.department, message.data["finding_no"])
        refusal = report_findings.objection(message, judged.grounds, now)
        if refusal is None and number in numbers:
            refusal = message.refuse("schema", f"监管信息编号 {number[1]} 已经用过", "每条监管信息用新的编号")
        if refusal:
            objected.append(refusal)
        else:
            numbers.add(number)
            judged.findings.append(message)
    return judged, objected


def _write_inbox(tx: Connection, messages: Sequence[Arrived], now: datetime) -> None:
    # Another intake taking the same message at this moment makes this raise: the batch is read again, and is then known.
    rows = [
        {
            "source": message.event["source"],
            "event_id": message.event["id"],
            "event_type": message.event["type"],
            "case_no": message.case_no,
            "value": message.value,
            "signature": message.signature,
            "kid": message.kid,
            "received_at": now,
        }
        for message in messages
    ]
    write(tx, Rows(InboxRow, rows))


def _quarantine(tx: Connection, refused: Sequence[Refused], desk: Desk) -> int:
    if not refused:
        return 0
    now = desk.clock()
    rows = [_quarantine_row(one.clipped(), now) for one in refused]
    inserted = tx.execute(
        pg_insert(Quarantined)
        .on_conflict_do_nothing()
        .returning(Quarantined.id, Quarantined.topic, Quarantined.partition, Quarantined.offset),
        rows,
    ).all()
    numbers = {(row.topic, row.partition, row.offset): row.id for row in inserted}
    held = [one for one in refused if (one.topic, one.partition, one.offset) in numbers]
    ledger = [
        {
            "actor": f"department:{one.department}" if one.department else "unknown",
            "action": "message.quarantined",
            "subject": f"quarantine:{numbers[one.topic, one.partition, one.offset]}",
            "case_no": None,
            "reason": one.message,
            "detail": {
                "cause": one.cause,
                "topic": one.topic,
                "offset": one.offset,
                "sha256": one.sha256.hex(),
            },
        }
        for one in held
    ]
    answers = [_answer(one, desk, now) for one in held if one.department]
    write(tx, Rows(LedgerRow, ledger), Rows(OutboxRow, answers))
    return len(held)


def _quarantine_row(one: Refused, now: datetime) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "department": one.department,
        "event_id": one.event_id,
        "cause": one.cause,
        "message": one.message,
        "expected": one.expected,
        "value": one.value,
        "size": one.size,
        "sha256": one.sha256,
        "signature": one.signature,
        "kid": one.kid,
        "received_at": now,
    }


def _answer(one: Refused, desk: Desk, now: datetime) -> dict[str, Any]:
    """quarantined.v1 to the sender, keyed by the broken message itself: it has no case that could be trusted."""
    assert one.department is not None
    key = f"quarantine-{one.sha256.hex()[:16]}"
    return seal_event(
        desk,
        one.department,
        "quarantined.v1",
        key,
        {
            "topic": one.topic,
            "partition": one.partition,
            "offset": one.offset,
            "sha256": one.sha256.hex(),
            "event_id": one.event_id,
            "cause": one.cause,
            "message": one.message,
            "expected": one.expected,
            "received_at": instant(now),
        },
        event_id=uuid.uuid5(uuid.UUID(bytes=one.sha256[:16]), f"{one.topic}/{one.partition}/{one.offset}"),
        lane=LIVE,
    ).row
