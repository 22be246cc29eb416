"""Times as departments write them: RFC 3339, or a bare day, which means the start of that local day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from hub.workday import LOCAL


def parse_moment(text: str) -> datetime:
    """The moment in UTC. Raises ValueError for anything else.

    >>> parse_moment("2026-03-01")
    datetime.datetime(2026, 2, 28, 16, 0, tzinfo=datetime.timezone.utc)
    >>> parse_moment("2026-03-01T09:00:00+08:00").hour
    1
    """
    if len(text) == 10:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=LOCAL).astimezone(UTC)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)).astimezone(UTC)
