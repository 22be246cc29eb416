"""Outbox partitions: a month each, made ahead. Rows of a month without one find their place in the default partition."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, text

AHEAD = 3


def ensure(tx: Connection, now: datetime) -> list[str]:
    """Make the partitions of the coming months. Safe to repeat, and from several programs. Returns those made.

    The month that is running keeps to the default partition if rows are there already: moving them is a person's work.
    """
    made = []
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('outbox partitions'))"))
    for ahead in range(AHEAD + 1):
        start, end = _month(now.date(), ahead), _month(now.date(), ahead + 1)
        name = f"outbox_{start:%Y_%m}"
        if tx.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar_one() is not None:
            continue
        taken = text("SELECT 1 FROM outbox_default WHERE created_at >= :start AND created_at < :end LIMIT 1")
        if tx.execute(taken, {"start": start, "end": end}).first():
            continue
        tx.execute(
            text(
                f"CREATE TABLE {name} PARTITION OF outbox FOR VALUES FROM ('{start}T00:00Z') TO ('{end}T00:00Z')"
            )
        )
        made.append(name)
    return made


def _month(day: date, ahead: int) -> date:
    month = day.month - 1 + ahead
    return date(day.year + month // 12, month % 12 + 1, 1)
