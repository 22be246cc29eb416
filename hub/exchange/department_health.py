"""Department health: how old the oldest item is that a department has not signed for, and what else waits for or from it.

Guarantees: reads small partial indexes only; departments with the oldest undelivered item come first.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from hub.department import source_of, topic_in
from hub.workday import LOCAL

DAYS = 30


class Health(NamedTuple):
    """One department now. `oldest` None: it has signed for everything."""

    code: str
    name: str
    channel: str
    active: bool
    oldest: datetime | None
    undelivered: int
    announcements: int  # told of a change, a correction, another's finding, and not signed for
    overdue: int  # pushes past a limit that was noticed
    unpublished: int
    parked: int
    held: int  # its messages in the quarantine
    last_contact: datetime | None


class Day(NamedTuple):
    """The pushes of one day, and how many of them are signed for by now."""

    day: date
    pushed: int
    signed: int


_HEALTH = """
SELECT d.code, d.name, d.channel, d.active, least(u.oldest, a.oldest), u.n, a.n, o.n, w.n, k.n, q.n, c.last
FROM departments d
JOIN unnest(CAST(:codes AS text[]), CAST(:sources AS text[]), CAST(:topics AS text[])) AS s(code, source, topic)
  ON s.code = d.code
CROSS JOIN LATERAL (SELECT count(*) AS n, min(created_at) AS oldest FROM pushes
  WHERE department = d.code AND state IN ('owed', 'arrived')) u
CROSS JOIN LATERAL (SELECT count(*) AS n, min(created_at) AS oldest FROM announcements
  WHERE department = d.code AND signed_at IS NULL) a
CROSS JOIN LATERAL (SELECT count(*) AS n FROM push_overdues WHERE department = d.code AND ended_at IS NULL) o
CROSS JOIN LATERAL (SELECT count(*) AS n FROM outbox WHERE topic = s.topic AND published_at IS NULL) w
CROSS JOIN LATERAL (SELECT count(*) AS n FROM parked_keys WHERE topic = s.topic) k
CROSS JOIN LATERAL (SELECT count(*) AS n FROM quarantine WHERE department = d.code AND state = 'held') q
CROSS JOIN LATERAL (SELECT max(received_at) AS last FROM inbox WHERE source = s.source) c
ORDER BY least(u.oldest, a.oldest) NULLS LAST, d.active DESC, d.code
"""


def department_health(tx: Connection, area: str) -> list[Health]:
    """Every department, the one that waits longest first."""
    codes = tx.execute(text("SELECT code FROM departments")).scalars().all()
    asked = {
        "codes": list(codes),
        "sources": [source_of(area, code) for code in codes],
        "topics": [topic_in(area, code) for code in codes],
    }
    return [Health(*row) for row in tx.execute(text(_HEALTH), asked)]


_DAYS = """
SELECT (created_at AT TIME ZONE 'Asia/Shanghai')::date, count(*), count(*) FILTER (WHERE signed_at IS NOT NULL)
FROM pushes WHERE created_at >= :since AND (CAST(:department AS text) IS NULL OR department = :department) GROUP BY 1
"""


def per_day(tx: Connection, now: datetime, department: str | None) -> list[Day]:
    """The last thirty days, of one department or of all."""
    today = now.astimezone(LOCAL).date()
    first = today - timedelta(days=DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=LOCAL)
    rows = {row[0]: Day(*row) for row in tx.execute(text(_DAYS), {"since": since, "department": department})}
    days = [first + timedelta(days=n) for n in range(DAYS)]
    return [rows.get(day, Day(day, 0, 0)) for day in days]
