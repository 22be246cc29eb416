"""Forget what is old 清理: measures, finished jobs, settled refusals and sent alerts that nobody looks at any more.

Guarantees: nothing that is open or waiting is removed; what was decided stays in the ledger.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

AT_ONCE = 5_000
MEASURES = timedelta(days=400)
JOBS = timedelta(days=30)
REFUSALS = timedelta(days=400)
ALERTS = timedelta(days=90)

_OLD = (
    ("connector_measures", "at < :before", MEASURES),
    ("connector_jobs", "finished_at < :before AND state NOT IN ('waiting', 'running')", JOBS),
    ("connector_refusals", "settled_at < :before", REFUSALS),
    ("alert_messages", "sent_at < :before", ALERTS),
)


def forget_old(tx: Connection, now: datetime) -> int:
    """Some of it; gives how many rows, 0 when nothing is left."""
    removed = 0
    for table, old, age in _OLD:
        statement = (
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {old} LIMIT :most))"  # noqa: S608
        )
        removed += tx.execute(text(statement), {"before": now - age, "most": AT_ONCE}).rowcount
    return removed
