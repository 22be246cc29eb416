"""Take in: what departments sent, in one transaction.

Guarantees: for every message exactly one of {inbox row with its effect, nothing because it was taken before, quarantine row
with its cause and an answer to the sender}. All of a batch or nothing; the caller commits the offsets after.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub import supply_materials
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.inbox import InboxRow, Quarantined
from hub.exchange.outbox import LIVE, OutboxRow
from hub.feedback import report_findings
from hub.ledger import LedgerRow
from hub.ports import Desk
from hub.pushing import acknowledge
from hub.pushing.package import instant, seal_event
from hub.round_trips import Rows, ask, write

RECEIPT, FINDING, SUPPLY = "receipt.v1", "finding.reported.v1", "material.supplied.v1"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How a batch ended."""

    accepted: int
    duplicates: int
    quarantined: int


def take_in(tx: Connection, arrived: Sequence[Arrived], refused: Sequence[Refused], desk: Desk) -> TakenIn:
    """Take one batch in. Order within a case is the order of `arrived`."""
    judged, duplicates = _judge(tx, arrived, desk)
    taken = [*judged.receipts, *judged.findings, *judged.supplies]
    _write_inbox(tx, taken, desk.clock())
    acknowledge.acknowledge(tx, judged.receipts, judged.named)
    report_findings.report_findings(tx, judged.findings, judged.grounds, desk)
    supply_materials.supply_materials(tx, judged.supplies, judged.types, desk)
    held = _quarantine(tx, [*refused, *judged.objected], desk)
    return TakenIn(len(taken), duplicates, held)


@dataclass(slots=True)
class _Judged:
    """Fresh messages, sorted; and what they were judged by."""

    named: acknowledge.Named
    grounds: report_findings.Grounds
    types: supply_materials.Grounds
    receipts: list[Arrived] = field(default_factory=list)
    findings: list[Arrived] = field(default_factory=list)
    supplies: list[Arrived] = field(default_factory=list)
    objected: list[Refused] = field(default_factory=list)

    def pile(self, message: Arrived) -> list[Arrived]:
        """Where a message belongs that nothing speaks against."""
        return {RECEIPT: self.receipts, FINDING: self.findings, SUPPLY: self.supplies}[message.event["type"]]


_TAKEN = """
SELECT source, event_id FROM inbox
WHERE (source, event_id) IN (SELECT * FROM unnest(%(sources)s::text[], %(event_ids)s::text[]))
"""


def _judge(tx: Connection, arrived: Sequence[Arrived], desk: Desk) -> tuple[_Judged, int]:
    """Everything that speaks for or against these messages, in one round trip. Also counts those taken before."""
    first: dict[tuple[str, str], Arrived] = {}
    for message in arrived:
        first.setdefault(message.identity, message)
    receipts = [message for message in first.values() if message.event["type"] == RECEIPT]
    findings = [message for message in first.values() if message.event["type"] == FINDING]
    supplies = [message for message in first.values() if message.event["type"] == SUPPLY]
    of = {"sources": [source for source, _ in first], "event_ids": [event_id for _, event_id in first]}
    taken, pushes, told, types, *grounds = ask(
        tx,
        (_TAKEN, of),
        *acknowledge.questions(receipts),
        supply_materials.question(supplies),
        *report_findings.questions(findings),
    )
    known = {tuple(row) for row in taken}
    judged = _Judged(
        acknowledge.named(pushes, told), report_findings.grounds(*grounds), supply_materials.grounds(types)
    )
    numbers: set[tuple[str, str]] = set()
    now = desk.clock()
    for identity, message in first.items():
        if identity in known:
            continue
        refusal = _objection(message, judged, numbers, now)
        if refusal:
            judged.objected.append(refusal)
        else:
            judged.pile(message).append(message)
    return judged, len(arrived) - len(first.keys() - known)


def _objection(
    message: Arrived, judged: _Judged, numbers: set[tuple[str, str]], now: datetime
) -> Refused | None:
    kind = message.event["type"]
    if kind == RECEIPT:
        return acknowledge.objection(message, judged.named)
    if kind == SUPPLY:
        return supply_materials.objection(message, judged.types, now)
    if kind != FINDING:
        expected = f"{RECEIPT}、{FINDING} 或 {SUPPLY}"
        return message.refuse("unknown_type", f"部门不能发送 {kind} 类型的消息", expected)
    number = (message.department, message.data["finding_no"])
    refusal = report_findings.objection(message, judged.grounds, now)
    if refusal is None and number in numbers:
        refusal = message.refuse("schema", f"监管信息编号 {number[1]} 已经用过", "每条监管信息用新的编号")
    numbers.add(number)
    return refusal


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
