"""How a program hears that it should stop: SIGTERM and Ctrl-C set an event; the second one ends it at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def until_told() -> threading.Event:
    """An event that is set by the first signal."""
    stop = threading.Event()

    def heard(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.is_set():
            raise SystemExit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, heard)
    return stop
