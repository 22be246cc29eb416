"""Waiting with a bound, instead of sleeping and hoping; and programs that run in a thread for the length of a test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 120.0  # on a machine that does much else; nothing waits that long when it is green


def until(question: Callable[[], T], *, seconds: float = PATIENCE_S, every: float = 0.05) -> T:
    """The first true answer; fails the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {question}, last answer {answer!r}")
        time.sleep(every)


@contextmanager
def running(
    program: Callable[[threading.Event], None], *, seconds: float = PATIENCE_S
) -> Iterator[threading.Event]:
    """Run a program in a thread; its error is the test's."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def body() -> None:
        try:
            program(stop)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(seconds)
        alive = thread.is_alive()
    if errors:
        raise errors[0]
    assert not alive, "the program did not stop when it was told to"
