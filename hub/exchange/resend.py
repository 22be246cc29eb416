"""Resend: the hub is the system of record, not the broker; published rows become unpublished and go out again.

Guarantees: the same bytes, the same order per key. Departments drop what they already have by event id.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, text, update

from hub.errors import Rejected
from hub.exchange.outbox import CHANNEL, OutboxRow
from hub.ledger import Entry, record


def resend(
    tx: Connection,
    *,
    actor: str,
    reason: str,
    topic: str | None = None,
    case_no: str | None = None,
    since: datetime | None = None,
) -> int:
    """Queue published rows again, all or those of one topic, one case, or since a time. Returns how many."""
    if not reason.strip():
        raise Rejected("请写明补发理由。")
    which: list[ColumnElement[bool]] = [OutboxRow.published_at.is_not(None)]
    if topic:
        which.append(OutboxRow.topic == topic)
    if case_no:
        which.append(OutboxRow.key == case_no)
    if since:
        which.append(OutboxRow.created_at >= since)
    count = tx.execute(update(OutboxRow).where(*which).values(published_at=None)).rowcount
    detail = {"topic": topic, "since": since.isoformat() if since else None, "rows": count}
    record(tx, Entry(actor, "outbox.resent", f"topic:{topic or '*'}", case_no, reason, detail))
    tx.execute(text(f"NOTIFY {CHANNEL}"))
    return count
