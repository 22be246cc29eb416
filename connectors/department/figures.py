"""What a connector did, minute by minute and flow by flow, until somebody writes it down.

Guarantees: what is told of a minute is told as a whole, so telling it again changes nothing; takes no more room the longer
nobody asks. A crash loses what was not asked for.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from connectors.department.events import instant
from connectors.department.mapped_state import clean

MOST_MINUTES, MOST_VALUES = 600, 1_000
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
        self._fresh: set[tuple[str, datetime]] = set()
        self._unmapped: Counter[Unmapped] = Counter()
        self._fresh_values: set[Unmapped] = set()
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
            key = (table, direction, clean(value)[:200], flow)
            if key in self._unmapped or len(self._unmapped) < MOST_VALUES:
                self._unmapped[key] += 1
                self._fresh_values.add(key)

    @property
    def fresh(self) -> bool:
        """Whether anything was counted since."""
        return bool(self._fresh or self._fresh_values)

    def changed(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Measures and unmapped values that changed since the last time, each as a whole, as a report has them."""
        this_minute = _minute(self._clock())
        with self._lock:
            measures = [
                {"flow": flow, "at": instant(at), **asdict(self._measures[flow, at])}
                for flow, at in sorted(self._fresh)
            ]
            unmapped = [
                {
                    **dict(zip(("code_table", "direction", "value", "flow"), key, strict=True)),
                    "times": self._unmapped[key],
                }
                for key in sorted(self._fresh_values)
            ]
            self._fresh, self._fresh_values = set(), set()
            self._measures = {key: one for key, one in self._measures.items() if key[1] == this_minute}
        return measures, unmapped

    def _did(
        self, flow: str, *, records: int = 0, refused: int = 0, failed: int = 0, busy_ms: int = 0
    ) -> datetime:
        now = self._clock()
        with self._lock:
            minute = (flow, _minute(now))
            if minute not in self._measures and len(self._measures) >= MOST_MINUTES:
                oldest = next(iter(self._measures))
                self._measures.pop(oldest)
                self._fresh.discard(oldest)
            self._fresh.add(minute)
            measure = self._measures.setdefault(minute, Measure())
            measure.records += records
            measure.refused += refused
            measure.failed += failed
            measure.busy_ms += busy_ms
        return now


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
