"""What a connector did, minute by minute and flow by flow, until somebody writes it down.

Guarantees: takes no more room the longer nobody asks than the last hour needs. A crash loses what was not asked for.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

MOST_MINUTES, MOST_VALUES = 60, 1_000
Unmapped = tuple[str, str, str, str]  # code table, direction, value, flow


@dataclass(slots=True)
class Measure:
    """One flow in one minute."""

    records: int = 0
    refused: int = 0
    failed: int = 0
    busy_ms: int = 0


class Figures:
    """Counted by the one that works, asked for by another thread."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._measures: dict[tuple[str, datetime], Measure] = {}
        self._unmapped: Counter[Unmapped] = Counter()
        self.last_contact_at: datetime | None = None
        self.last_delivered_at: datetime | None = None
        self.last_collected_at: datetime | None = None

    def delivered(self, flow: str, records: int, refused: int, busy_ms: int) -> None:
        """The other side took these, and not those."""
        now = self._did(flow, records=records, refused=refused, busy_ms=busy_ms)
        self.last_contact_at = now
        if records:
            self.last_delivered_at = now

    def collected(self, flow: str, records: int, refused: int, busy_ms: int) -> None:
        """The other side gave these."""
        if records or refused:
            self.last_collected_at = self._did(flow, records=records, refused=refused, busy_ms=busy_ms)
        self.last_contact_at = self._clock()

    def failed(self, flow: str, busy_ms: int) -> None:
        """The other side was away."""
        self._did(flow, failed=1, busy_ms=busy_ms)

    def unmapped(self, table: str, direction: str, value: str, flow: str) -> None:
        """No pair of the code table names this value."""
        with self._lock:
            if len(self._unmapped) < MOST_VALUES:
                self._unmapped[table, direction, value[:200], flow] += 1

    def drain(self) -> tuple[dict[tuple[str, datetime], Measure], dict[Unmapped, int]]:
        """Everything since the last time."""
        with self._lock:
            measures, self._measures = self._measures, {}
            unmapped, self._unmapped = self._unmapped, Counter()
        return measures, dict(unmapped)

    def _did(
        self, flow: str, *, records: int = 0, refused: int = 0, failed: int = 0, busy_ms: int = 0
    ) -> datetime:
        now = self._clock()
        with self._lock:
            minute = (flow, now.replace(second=0, microsecond=0))
            if minute not in self._measures and len(self._measures) >= MOST_MINUTES * 10:
                self._measures.pop(next(iter(self._measures)))
            measure = self._measures.setdefault(minute, Measure())
            measure.records += records
            measure.refused += refused
            measure.failed += failed
            measure.busy_ms += busy_ms
        return now
