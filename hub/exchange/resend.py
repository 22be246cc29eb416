"""Resend: the hub is the system of record, not the broker; published rows become unpublished and go out again.

Guarantees: the same bytes, the same order per key. Departments drop what they already have by event id. What a broker lost
comes again by itself: at once where a topic had to be made anew, else when the department has long signed for what was
written later; and, whatever it signs, a day after it was published - each time after twice as long a wait.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, text, update

from hub.errors import Rejected
from hub.exchange.attempt import Attempt
from hub.exchange.outbox import CHANNEL, OutboxRow
from hub.ledger import Entry, record
from hub.round_trips import Rows, write

ACTOR = "program:relay"
_NOTICED_TWICE = timedelta(minutes=5)  # a topic made anew may be seen by who sends and by who looks


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a published message may be without a receipt before it goes again."""

    passed_over: timedelta = timedelta(minutes=30)  # and something later was signed for
    silent: timedelta = timedelta(days=1)  # whether the department reads at all or not
    batch: int = 500  # of one department, in one round


def resend(
    tx: Connection,
    *,
    actor: str,
    reason: str,
    topic: str | None = None,
    case_no: str | None = None,
    since: datetime | None = None,
    event_ids: Collection[uuid.UUID] | None = None,
) -> int:
    """Queue published rows again, all or those of one topic, one case, since a time, or these. Returns how many."""
    if not reason.strip():
        raise Rejected("请写明补发理由。")
    which: list[ColumnElement[bool]] = [OutboxRow.published_at.is_not(None)]
    if topic:
        which.append(OutboxRow.topic == topic)
    if case_no:
        which.append(OutboxRow.key == case_no)
    if since:
        which.append(OutboxRow.created_at >= since)
    if event_ids is not None:
        which.append(OutboxRow.event_id.in_(event_ids))
    count = tx.execute(update(OutboxRow).where(*which).values(published_at=None)).rowcount
    detail: dict[str, Any] = {"topic": topic, "since": since.isoformat() if since else None, "rows": count}
    if event_ids is not None:
        detail["events"] = sorted(map(str, event_ids))
    record(tx, Entry(actor, "outbox.resent", f"topic:{topic or '*'}", case_no, reason, detail))
    tx.execute(text(f"NOTIFY {CHANNEL}"))
    return count


#: What a department was sent and has not said it has: packages and announcements, each with when it was written.
_OWED = """
SELECT p.event_id, p.department, p.created_at FROM pushes p
WHERE p.state IN ('owed', 'arrived') AND p.arrived_at IS NULL AND p.signed_at IS NULL {pushes}
UNION ALL
SELECT a.event_id, a.department, a.created_at FROM announcements a
WHERE a.signed_at IS NULL AND a.arrived_at IS NULL {announcements}
"""
#: The newest thing that each department signed for, by when it was written; departments that read the broker only.
_DUE = f"""
WITH signed AS MATERIALIZED (
  SELECT d.code, greatest(
    (SELECT p.created_at FROM pushes p WHERE p.department = d.code AND p.signed_at IS NOT NULL
     ORDER BY p.department DESC, p.created_at DESC, p.id DESC LIMIT 1),
    (SELECT max(a.created_at) FROM announcements a WHERE a.department = d.code AND a.signed_at > :recent)) AS newest
  FROM departments d WHERE d.active AND d.channel = 'kafka')
SELECT x.event_id, x.department, x.tried FROM signed s CROSS JOIN LATERAL (
  SELECT w.event_id, w.department, t.tried FROM (
    {
    _OWED.format(
        pushes="AND p.department = s.code AND p.created_at < :passed_over",
        announcements="AND a.department = s.code AND a.created_at < :passed_over",
    )
}) w
  CROSS JOIN LATERAL (SELECT count(*) AS tried, max(at) AS last FROM attempts
                      WHERE subject = 'message:' || w.event_id AND act = 'publish') t
  WHERE (w.created_at < :silent OR w.created_at < s.newest - CAST(:slack AS interval))
    AND (t.last IS NULL OR t.last < :now - CAST(:slack AS interval) * power(2, least(t.tried, 10)))
  ORDER BY w.created_at LIMIT :batch) x
"""  # noqa: S608 - our own conditions
_QUEUE = """
UPDATE outbox SET published_at = NULL
WHERE event_id = ANY(CAST(:ids AS uuid[])) AND published_at IS NOT NULL AND published_at < :before
RETURNING event_id
"""


def resend_unsigned(tx: Connection, now: datetime, waits: Waits = Waits()) -> int:
    """What must have been lost on the way to a department, by the looks of it, goes out again. Gives how many."""
    due = tx.execute(
        text(_DUE),
        {
            "now": now,
            "recent": now - waits.silent,
            "passed_over": now - waits.passed_over,
            "silent": now - waits.silent,
            "slack": waits.passed_over,
            "batch": waits.batch,
        },
    ).all()
    tried = {row.event_id: row.tried for row in due}
    return _queue(tx, tried, now - waits.passed_over, now, "超过时限没有到达回执")


_LOST = f"""
SELECT w.event_id FROM ({_OWED.format(pushes="", announcements="")}) w
JOIN outbox o ON o.event_id = w.event_id WHERE o.topic = ANY(CAST(:topics AS text[])) AND o.published_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM attempts t WHERE t.subject = 'message:' || w.event_id AND t.act = 'publish' AND t.at > :recent)
"""  # noqa: S608


def resend_lost(tx: Connection, topics: Sequence[str], now: datetime) -> int:
    """These topics had to be made anew: what their department has not got goes out again. Gives how many."""
    asked = {"topics": sorted(topics), "recent": now - _NOTICED_TWICE}
    ids = tx.execute(text(_LOST), asked).scalars().all()
    return _queue(tx, dict.fromkeys(ids, 0), now, now, "消息代理上的主题被重建")


def _queue(tx: Connection, tried: dict[Any, int], before: datetime, now: datetime, why: str) -> int:
    if not tried:
        return 0
    gone = tx.execute(text(_QUEUE), {"ids": list(tried), "before": before}).scalars().all()
    attempts = [
        {
            "subject": f"message:{event_id}",
            "act": "publish",
            "actor": ACTOR,
            "done": True,
            "words": f"{why}，第 {tried[event_id] + 1} 次补发",
            "at": now,
        }
        for event_id in gone
    ]
    write(tx, Rows(Attempt, attempts))
    if gone:
        record(tx, Entry(ACTOR, "outbox.resent", "topic:*", None, why, {"rows": len(gone)}))
        tx.execute(text(f"NOTIFY {CHANNEL}"))
    return len(gone)
