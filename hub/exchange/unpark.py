"""Unpark: let a parked key go on."""

from __future__ import annotations

from sqlalchemy import Connection, delete, text

from hub.errors import NotFound, Rejected
from hub.exchange.outbox import CHANNEL, ParkedKey
from hub.ledger import Entry, record


def unpark(tx: Connection, topic: str, key: str, *, actor: str, reason: str) -> None:
    """Let the rows of `key` on `topic` be tried again now."""
    if not reason.strip():
        raise Rejected("请写明放行理由。")
    gone = tx.execute(delete(ParkedKey).where(ParkedKey.topic == topic, ParkedKey.key == key)).rowcount
    if not gone:
        raise NotFound(f"{topic} 上的 {key} 没有被搁置。")
    record(tx, Entry(actor, "outbox.unparked", f"topic:{topic}", key, reason))
    tx.execute(text(f"NOTIFY {CHANNEL}"))
