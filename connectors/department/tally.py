"""What this connector counts by itself, for the hub to compare: day by day, from its own state file.

Which day a message belongs to is what its own `time` says, in local terms; so both sides count the same. Of each day and
kind: how many different ids, and a SHA-256 over them. What was signed and sent counts, though the hub refused it: that is a
difference until it is settled there.

Guarantees: figures come from what is on the disk, never from memory; the same figures are reported once; a day whose
figures changed afterwards (a late message) is reported again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from connectors.department.events import LOCAL
from connectors.department.state import State

WHAT = ("packages", "announcements", "receipts", "findings")
TRAILING_DAYS = 31
MOST_IDS = 20_000
_PACKAGES = "('approval.decided.v1', 'approval.corrected.v1')"
_FINDINGS = (
    "('supervision.planned.v1', 'finding.reported.v1', 'rectification.reported.v1', 'enforcement.decided.v1',"
    " 'credit.recorded.v1', 'finding.withdrawn.v1')"
)
_IDS = {
    "packages": f"SELECT event_id FROM received WHERE day = :day AND event_type IN {_PACKAGES}",  # noqa: S608
    "announcements": f"SELECT event_id FROM received WHERE day = :day AND event_type NOT IN {_PACKAGES}",  # noqa: S608
    "receipts": """
      SELECT receipt_id FROM received WHERE receipt_day = :day AND receipted_at IS NOT NULL
      UNION SELECT event_id FROM said WHERE day = :day AND event_type = 'receipt.v1'""",
    "findings": f"SELECT event_id FROM said WHERE day = :day AND event_type IN {_FINDINGS}",  # noqa: S608
}


class Figure(NamedTuple):
    """One kind on one day."""

    day: str
    what: str
    ids: tuple[str, ...]

    @property
    def ids_sha256(self) -> str:
        """Over the sorted ids, each followed by a line feed."""
        return hashlib.sha256("".join(f"{one}\n" for one in self.ids).encode()).hexdigest()

    def told(self, *, with_ids: bool) -> dict[str, Any]:
        """As the message has it."""
        told: dict[str, Any] = {
            "day": self.day,
            "what": self.what,
            "count": len(self.ids),
            "ids_sha256": self.ids_sha256,
        }
        return told | ({"ids": list(self.ids)} if with_ids and len(self.ids) <= MOST_IDS else {})


class Asked(NamedTuple):
    """The hub asks for the figures of these days."""

    event_id: str
    first_day: str
    last_day: str
    with_ids: bool


class Tally:
    """Counts."""

    def __init__(self, state: State) -> None:
        self._db = state.db

    def of_day(self, day: str) -> list[Figure]:
        """The four figures of a day."""
        return [Figure(day, what, self._ids(what, day)) for what in WHAT]

    def _ids(self, what: str, day: str) -> tuple[str, ...]:
        rows = self._db.execute(_IDS[what], {"day": day})
        return tuple(sorted({row[0].lower() for row in rows}))

    def due(self, now: datetime) -> list[Figure]:
        """Figures of past days that are new or have changed since they were reported."""
        today = now.astimezone(LOCAL).date()
        first = self._db.execute("SELECT min(day) FROM received WHERE day <> ''").fetchone()[0]
        if first is None:
            return []
        begin = max(date.fromisoformat(first), today - timedelta(days=TRAILING_DAYS))
        told = {
            row[:2]: row[2:] for row in self._db.execute("SELECT day, what, count, ids_sha256 FROM counted")
        }
        return [
            figure
            for day in _days(begin, today - timedelta(days=1))
            for figure in self.of_day(day)
            if told.get((day, figure.what)) != (len(figure.ids), figure.ids_sha256)
        ]

    def note_told(self, figures: list[Figure]) -> None:
        """These are with the hub."""
        rows = [(one.day, one.what, len(one.ids), one.ids_sha256) for one in figures]
        self._db.executemany(
            "INSERT INTO counted VALUES (?, ?, ?, ?) ON CONFLICT (day, what)"
            " DO UPDATE SET count = excluded.count, ids_sha256 = excluded.ids_sha256",
            rows,
        )

    def asked(self) -> list[Asked]:
        """What the hub wants to know and has not been told."""
        rows = self._db.execute("SELECT event_id, first_day, last_day, with_ids FROM count_asked")
        return [Asked(event_id, first, last, bool(with_ids)) for event_id, first, last, with_ids in rows]

    def answered(self, event_id: str) -> None:
        """It has been told."""
        self._db.execute("DELETE FROM count_asked WHERE event_id = ?", (event_id,))


def days_of(asked: Asked) -> Iterator[str]:
    """Every day that is asked for."""
    return _days(date.fromisoformat(asked.first_day), date.fromisoformat(asked.last_day))


def _days(first: date, last: date) -> Iterator[str]:
    for number in range((last - first).days + 1):
        yield (first + timedelta(days=number)).isoformat()
