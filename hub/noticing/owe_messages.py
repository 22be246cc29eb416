"""Owe messages 告警外发: what alert channels are to be told, written down with the alert itself and sent by whoever sends.

Guarantees: one message of one alert to one channel for its rising, and one for its end to those that were owed the first;
an attempt that fails is tried again, ever more slowly, until the alert is too old to matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

#: After so many failures the next attempt waits so long; the last one for ever after.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
GIVEN_UP = timedelta(days=3)

_RAISED = """
INSERT INTO alert_messages (channel, alert, what, next_try_at)
SELECT id, :alert, 'raised', :now FROM alert_channels WHERE active AND (kinds = '{}' OR :kind = ANY(kinds))
"""
_CLEARED = """
INSERT INTO alert_messages (channel, alert, what, next_try_at)
SELECT m.channel, m.alert, 'cleared', :now FROM alert_messages m JOIN alert_channels c ON c.id = m.channel
WHERE m.what = 'raised' AND m.alert = ANY(:alerts) AND c.active
ON CONFLICT DO NOTHING
"""
#: What is due, held so that several senders share the work. A message about an end waits for the one about the beginning.
_DUE = """
SELECT m.id, m.channel, m.what, m.attempts, a.kind, a.subject, a.words, a.since, a.raised_at, a.cleared_at
FROM alert_messages m LEFT JOIN alerts a ON a.id = m.alert JOIN alert_channels c ON c.id = m.channel
WHERE m.sent_at IS NULL AND m.next_try_at <= :now AND (c.active OR m.what = 'test')
  AND coalesce(a.raised_at, :now) > :old
  AND (m.what <> 'cleared' OR EXISTS (SELECT FROM alert_messages b WHERE b.channel = m.channel AND b.alert = m.alert
    AND b.what = 'raised' AND (b.sent_at IS NOT NULL OR b.next_try_at > :now)))
ORDER BY m.id LIMIT :limit FOR UPDATE OF m SKIP LOCKED
"""


def owe_raised(tx: Connection, alert: int, kind: str, now: datetime) -> None:
    """Every active channel that wants this kind is owed a word of it."""
    tx.execute(text(_RAISED), {"alert": alert, "kind": kind, "now": now})


def owe_cleared(tx: Connection, alerts: Sequence[int], now: datetime) -> None:
    """Whoever was told of the beginning is told of the end."""
    tx.execute(text(_CLEARED), {"alerts": list(alerts), "now": now})


def due_messages(tx: Connection, now: datetime, limit: int = 20) -> Sequence[Any]:
    """What is to be sent now, locked until the transaction ends."""
    return tx.execute(text(_DUE), {"now": now, "old": now - GIVEN_UP, "limit": limit}).all()


def note_sent(tx: Connection, message: int, now: datetime) -> None:
    """It was sent."""
    statement = (
        "UPDATE alert_messages SET sent_at = :now, attempts = attempts + 1, words = NULL WHERE id = :id"
    )
    tx.execute(text(statement), {"id": message, "now": now})


def note_failed(tx: Connection, message: int, attempts: int, words: str, now: datetime) -> None:
    """It could not be sent, for this reason; `attempts` failed before it."""
    wait = WAITS[min(attempts, len(WAITS) - 1)]
    statement = "UPDATE alert_messages SET attempts = attempts + 1, next_try_at = :next, words = :words WHERE id = :id"
    tx.execute(text(statement), {"id": message, "next": now + wait, "words": words[:500]})
