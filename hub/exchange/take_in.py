"""Take in: what departments sent, in one transaction.

Guarantees: for every message exactly one of {inbox row with its effect, nothing because it was taken before, quarantine row
with its cause and an answer to the sender}. All of a batch or nothing; the caller commits the offsets after.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub import supply_materials
from hub.advice import take_posts
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.inbox import InboxRow, Quarantined
from hub.exchange.outbox import LIVE, OutboxRow
from hub.exchange.taker import Taker
from hub.feedback import report_findings
from hub.ledger import LedgerRow
from hub.moments import parse_moment
from hub.ports import Desk
from hub.pushing import acknowledge
from hub.pushing.package import instant, seal_event
from hub.reconciling import take_counts
from hub.round_trips import Rows, ask, write
from schemas import MESSAGE_TYPES


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How a batch ended."""

    accepted: int
    duplicates: int
    quarantined: int
    fresh: tuple[Arrived, ...] = ()  # the accepted ones, each once
    refused: tuple[Refused, ...] = ()  # those that were not taken after all, with their reasons


#: In the order in which they take: what a later one does may rest on an earlier one.
TAKERS: tuple[Taker, ...] = (
    acknowledge.TAKER,
    report_findings.TAKER,
    supply_materials.TAKER,
    take_posts.TAKER,
    take_counts.TAKER,
)
_OF_TYPE = {name: taker for taker in TAKERS for name in taker.types}


def take_in(tx: Connection, arrived: Sequence[Arrived], refused: Sequence[Refused], desk: Desk) -> TakenIn:
    """Take one batch in. Order within a case and a kind is the order of `arrived`."""
    fresh, grounds = _look_up(tx, arrived)
    accepted, objected = _judge(fresh, grounds, desk)
    _take(tx, accepted, grounds, desk)
    held = _quarantine(tx, [*refused, *objected], desk)
    return TakenIn(len(accepted), len(arrived) - len(fresh), held, tuple(accepted), (*refused, *objected))


def take_at_once(tx: Connection, arrived: Sequence[Arrived], desk: Desk) -> list[Refused]:
    """Take what somebody waits to hear of: all of it, or nothing and what speaks against it. Nothing is quarantined."""
    fresh, grounds = _look_up(tx, arrived)
    accepted, objected = _judge(fresh, grounds, desk)
    if not objected:
        _take(tx, accepted, grounds, desk)
    return objected


def _take(tx: Connection, accepted: Sequence[Arrived], grounds: Sequence[Any], desk: Desk) -> None:
    _write_inbox(tx, accepted, desk.clock())
    for taker, known in zip(TAKERS, grounds, strict=True):
        if mine := [message for message in accepted if message.event["type"] in taker.types]:
            taker.take(tx, mine, known, desk)


_TAKEN = """
SELECT source, event_id FROM inbox
WHERE (source, event_id) IN (SELECT * FROM unnest(%(sources)s::text[], %(event_ids)s::text[]))
"""


def _look_up(tx: Connection, arrived: Sequence[Arrived]) -> tuple[list[Arrived], list[Any]]:
    """Those that were not taken before, each once; and everything that speaks for or against them. One round trip."""
    first: dict[tuple[str, str], Arrived] = {}
    for message in arrived:
        first.setdefault(message.identity, message)
    asked = [
        taker.questions([one for one in first.values() if one.event["type"] in taker.types])
        for taker in TAKERS
    ]
    of = {"sources": [source for source, _ in first], "event_ids": [event_id for _, event_id in first]}
    taken, *answers = ask(tx, (_TAKEN, of), *(question for questions in asked for question in questions))
    waiting = iter(answers)
    grounds = [
        taker.grounds(*(next(waiting) for _ in questions))
        for taker, questions in zip(TAKERS, asked, strict=True)
    ]
    known = {tuple(row) for row in taken}
    return [message for identity, message in first.items() if identity not in known], grounds


def _judge(
    fresh: Sequence[Arrived], grounds: Sequence[Any], desk: Desk
) -> tuple[list[Arrived], list[Refused]]:
    """Messages that nothing speaks against, and the others with their reasons."""
    accepted: list[Arrived] = []
    objected: list[Refused] = []
    numbers: set[tuple[str, str]] = set()
    known = dict(zip(TAKERS, grounds, strict=True))
    now = desk.clock()
    for message in fresh:
        refusal = _objection(message, known, numbers, now)
        if refusal is None:
            accepted.append(message)
        else:
            objected.append(refusal)
    return accepted, objected


def _objection(
    message: Arrived, grounds: Mapping[Taker, Any], numbers: set[tuple[str, str]], now: datetime
) -> Refused | None:
    kind = message.event["type"]
    taker = _OF_TYPE.get(kind)
    if taker is None:
        expected = "、".join(name for name in MESSAGE_TYPES if name in _OF_TYPE)
        return message.refuse("unknown_type", f"部门不能发送 {kind} 类型的消息", f"应为 {expected} 之一")
    number = taker.number(message)
    refusal = taker.objection(message, grounds[taker], now)
    if refusal is None and number is not None and number in numbers:
        refusal = message.refuse("schema", f"编号 {number[1]} 已经用过", "每条监管信息用新的编号")
    if number is not None:
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
            "said_at": parse_moment(message.event["time"]),
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
        "case_no": one.case_no,
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
