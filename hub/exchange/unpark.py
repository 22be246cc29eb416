"""Unpark: let parked keys go on; and what waits behind one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from hub.errors import NotFound, Rejected
from hub.exchange.attempt import Attempt
from hub.exchange.outbox import CHANNEL
from hub.ledger import LedgerRow
from hub.round_trips import Rows, write

Key = tuple[str, str]  # topic, key


class Behind(NamedTuple):
    """One message that waits behind a parked key."""

    id: int
    event_id: str
    event_type: str
    created_at: datetime
    size: int


_GONE = """
DELETE FROM parked_keys p USING unnest(CAST(:topics AS text[]), CAST(:keys AS text[])) AS n(topic, key)
WHERE p.topic = n.topic AND p.key = n.key RETURNING p.topic, p.key
"""


def unpark(tx: Connection, topic: str, key: str, *, actor: str, reason: str) -> None:
    """Let the rows of `key` on `topic` be tried again now."""
    if not unpark_all(tx, [(topic, key)], actor=actor, reason=reason):
        raise NotFound(f"{topic} 上的 {key} 没有被搁置。")


def unpark_all(tx: Connection, keys: Sequence[Key], *, actor: str, reason: str) -> list[Key]:
    """The same for many; those that are not parked (any more) are passed over. Gives those that were."""
    if not reason.strip():
        raise Rejected("请写明放行理由。")
    of = {"topics": [topic for topic, _ in keys], "keys": [key for _, key in keys]}
    gone = [(row.topic, row.key) for row in tx.execute(text(_GONE), of)]
    attempts = [
        {"subject": f"key:{topic}/{key}", "act": "unpark", "actor": actor, "done": True, "words": reason}
        for topic, key in gone
    ]
    ledger = [
        {
            "actor": actor,
            "action": "outbox.unparked",
            "subject": f"topic:{topic}",
            "case_no": key,
            "reason": reason,
            "detail": {},
        }
        for topic, key in gone
    ]
    write(tx, Rows(Attempt, attempts), Rows(LedgerRow, ledger))
    if gone:
        tx.execute(text(f"NOTIFY {CHANNEL}"))
    return gone


_BEHIND = """
SELECT id, event_id::text, event_type, created_at, octet_length(value) FROM outbox
WHERE published_at IS NULL AND key = :key AND topic = :topic ORDER BY id LIMIT :most
"""


def behind(tx: Connection, topic: str, key: str, *, most: int = 100) -> list[Behind]:
    """What waits behind this key, oldest first."""
    rows = tx.execute(text(_BEHIND), {"topic": topic, "key": key, "most": most})
    return [Behind(*row) for row in rows]
