"""Quarantine what cannot be taken: its exact bytes with the cause, the ledger, and an answer to the sender; once each."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.exchange.arrived import Refused
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import LIVE, OutboxRow
from hub.ledger import LedgerRow
from hub.ports import Desk
from hub.pushing.package import instant, seal_event
from hub.round_trips import Rows, write


def quarantine(tx: Connection, refused: Sequence[Refused], desk: Desk) -> int:
    """Hold them; gives how many are new."""
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
