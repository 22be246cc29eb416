"""What the connector says of itself: `state.json` beside its state file, for `status` and for whoever looks.

Guarantees: the file is always whole; it is rewritten at every change and every two seconds while the connector lives.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.department.events import instant
from schemas import Malformed, dumps, loads

EVERY_S = 2.0
SILENT_S = 15.0


class Health:
    """Writes the file."""

    def __init__(self, path: Path, facts: dict[str, Any], counts: Callable[[], dict[str, int]]) -> None:
        self._path = path
        self._facts = facts
        self._counts = counts
        self._said: tuple[str, str | None] | None = None
        self._at = 0.0
        self.last_message_at: str | None = None

    def heard(self) -> None:
        """A message came."""
        self.last_message_at = instant(datetime.now(UTC))

    def say(self, state: str, waiting_for: str | None = None) -> None:
        """'running', 'waiting' (for what) or 'stopped'."""
        now = time.monotonic()
        if self._said == (state, waiting_for) and now - self._at < EVERY_S:
            return
        self._said, self._at = (state, waiting_for), now
        document = {
            **self._facts,
            "pid": os.getpid(),
            "state": state,
            "waiting_for": waiting_for,
            "updated_at": instant(datetime.now(UTC)),
            "last_message_at": self.last_message_at,
            **self._counts(),
        }
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(dumps(document))
        os.replace(fresh, self._path)


def read_health(path: Path) -> dict[str, Any] | None:
    """What a connector last said; None when it never did. `state` is 'gone' when it has been silent for too long."""
    try:
        document = loads(path.read_bytes())
    except (OSError, Malformed):
        return None
    if not isinstance(document, dict):
        return None
    age = datetime.now(UTC) - datetime.fromisoformat(document["updated_at"])
    if document["state"] != "stopped" and age.total_seconds() > SILENT_S:
        document["state"] = "gone"
    return document
