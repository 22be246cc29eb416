"""One producer for all lanes: each batch alone, in turn."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from connectors.bus import BusSettings, Producer, Record
from connectors.department.line import Outcomes


class SharedPublisher:
    """As a Producer, for any thread."""

    def __init__(self, settings: BusSettings) -> None:
        self._producer = Producer(settings)
        self._lock = threading.Lock()

    def publish(self, records: Sequence[Record]) -> Outcomes:
        """Send all of these, and nothing of anybody else's in between."""
        if not records:
            return []
        with self._lock:
            return self._producer.publish(records)

    def close(self) -> None:
        """Let go of the broker."""
        with self._lock:
            self._producer.close()
