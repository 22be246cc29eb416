"""Child processes that never outlive us.

Guarantees: a child started here is told to end when this process dies, however it dies; it does not get the
terminal's Ctrl-C (the order of stopping is ours); its output goes to a file. `end` returns only when it is gone.
Not a guarantee: grandchildren that leave their process group.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = str(Path(__file__).with_name("launch.py"))


@dataclass(frozen=True)
class Identity:
    """The user a child runs as."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


class _Spawner:
    """One thread that starts all children and lives as long as the process.

    The kernel sends the death signal when the *thread* that forked ends, so no short-lived thread may fork.
    """

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[object]]]
        self._tasks = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._owner = 0

    def run(self, task: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._owner != os.getpid():  # also after a fork: threads do not come along
                self._owner = os.getpid()
                self._tasks = queue.SimpleQueue()
                threading.Thread(target=self._serve, args=(self._tasks,), name="spawner", daemon=True).start()
        answer: Future[object] = Future()
        self._tasks.put((task, answer))
        child = answer.result()
        assert isinstance(child, subprocess.Popen)
        return child

    @staticmethod
    def _serve(
        tasks: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[object]]],
    ) -> None:
        while True:
            task, answer = tasks.get()
            try:
                answer.set_result(task())
            except BaseException as error:
                answer.set_exception(error)
            del task, answer


_spawner = _Spawner()


class Child:
    """A running child process."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        _living.add(self)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    def wait(self, seconds: float) -> bool:
        """True when it ended within that time."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def tell(self, number: signal.Signals) -> None:
        """Send a signal; a child that is already gone is no error."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def kill(self) -> None:
        """End it and its whole process group at once, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        _living.discard(self)

    def end(self, number: signal.Signals, seconds: float) -> bool:
        """Ask it to end, kill it when it does not within that time. True when it went by itself."""
        self.tell(number)
        clean = self.wait(seconds)
        self.kill()
        return clean


_living: set[Child] = set()


def kill_leftovers() -> None:
    """Kill every child that was started here and not ended, such as one whose starter was interrupted."""
    for child in list(_living):
        child.kill()


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    identity: Identity | None = None,
    cwd: Path | None = None,
) -> Child:
    """Start a child in its own process group, appending its output to `log`. Raises OSError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        *("-I", "-S", _LAUNCHER, str(os.getpid()), str(int(death_signal)), str(identity or "-")),
        *argv,
    ]

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )

    return Child(_spawner.run(start))


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
    """Poll until the condition holds; False when it did not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True
