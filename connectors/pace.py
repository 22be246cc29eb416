"""How long to wait after a failure: longer each time, never very long, a little different for everybody."""

from __future__ import annotations

import random
import threading


class Backoff:
    """Doubles from `first` to `longest` seconds; a success starts it over."""

    def __init__(self, *, first: float = 0.2, longest: float = 5.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def succeeded(self) -> None:
        """Begin with the short wait again."""
        self._next = self._first

    def wait(self, stop: threading.Event) -> bool:
        """Wait; True when we were asked to stop meanwhile."""
        seconds = self._next * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret
        self._next = min(self._next * 2, self._longest)
        return stop.wait(seconds)
