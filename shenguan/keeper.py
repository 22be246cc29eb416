"""Keeps one part or program running: starts it again when it dies, with growing pauses, on the same ports.

Guarantees: a death is noticed within a fifth of a second; the pauses between restarts double from half a second to
half a minute and start over after a minute of life. A part that lives but has not answered for half a minute is
killed and started again; a program only gets the state "unwell" (what it waits for is usually somebody else).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shenguan.embedded.part import Part, PartFailed
from shenguan.embedded.process import Child, spawn

FIRST_PAUSE, LONGEST_PAUSE, STEADY = 0.5, 30.0, 60.0
ASK_EVERY, SILENCE = 5.0, 30.0
GRACE = 1.5


class Interrupted(BaseException):
    """Somebody asked to stop while something was starting. No `except Exception` on the way may swallow it."""


@dataclass(frozen=True)
class Program:
    """A program of ours: what to run and how to see that it works."""

    name: str
    argv: Sequence[str]
    title: str = ""
    env: Mapping[str, str] = field(default_factory=dict)  # in addition to the supervisor's own
    ready: Callable[[], bool] | None = None  # None: it works while it runs
    ready_seconds: float = 180.0  # a busy machine is no reason to give up; one that died is seen at once

    @staticmethod
    def of_ours(
        name: str, *arguments: str, title: str = "", ready: Callable[[], bool] | None = None
    ) -> Program:
        """A command of our own command line, run by this interpreter."""
        return Program(name, (sys.executable, "-m", "shenguan", *arguments), title=title, ready=ready)


class ProgramPart(Part):
    """A program under the same care as a part."""

    stop_seconds = 5.0

    def __init__(self, program: Program, *, data: Path, env: Mapping[str, str]) -> None:
        super().__init__(data, listens=[], log=data / "logs" / f"{program.name}.log")
        self.program = program
        self.name = program.name
        self.title = program.title or program.name
        self.patience = program.ready_seconds
        self._env = {**env, **program.env}
        self._launched = 0.0

    def launch(self) -> Child:
        self._launched = time.monotonic()
        return spawn(self.program.argv, log=self.log, env=self._env)

    def healthy(self) -> bool:
        """A program that cannot be asked is taken for well when it has lived long enough to refuse its settings."""
        if self.program.ready is None:
            return self.running and time.monotonic() - self._launched > GRACE
        return self.running and self.program.ready()


class Keeper(threading.Thread):
    """Watches one part that is already running, until `stopping` is set."""

    def __init__(
        self, part: Part, *, stopping: threading.Event, changed: Callable[[Part, str, str | None], None]
    ) -> None:
        super().__init__(name=f"keeper-{part.name}", daemon=True)
        self.part = part
        self._stopping = stopping
        self._changed = changed
        self._pause = FIRST_PAUSE
        self._answered = self._alive_since = time.monotonic()
        self._well = True

    def run(self) -> None:
        asked = time.monotonic()
        while not self._stopping.wait(0.2):
            if not self.part.running:
                last = self.part.log_end(1).strip()
                self._revive(
                    f"已退出（退出码 {self.part.returncode}），将重新启动。日志最后一行：{last[:200]}"
                )
                asked = time.monotonic()
            elif time.monotonic() - asked >= ASK_EVERY:
                self._ask()
                asked = time.monotonic()

    def _ask(self) -> None:
        if self.part.healthy():
            self._answered = time.monotonic()
            if not self._well:
                self._well = True
                self._changed(self.part, "running", None)
            return
        silent = time.monotonic() - self._answered
        if silent > SILENCE and not isinstance(self.part, ProgramPart):
            self.part.kill()
            self._revive(f"{silent:.0f} 秒没有应答，重新启动")
        elif self.part.running:
            self._well = False
            self._changed(self.part, "unwell", f"{silent:.0f} 秒没有正常应答")

    def _revive(self, why: str) -> None:
        """Start it again, as often as it takes."""
        if time.monotonic() - self._alive_since > STEADY:
            self._pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self.part.kill()  # also what is left of its process group
            self._changed(self.part, "restarting", why)
            if self._stopping.wait(self._pause):
                return
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            try:
                self.part.start(self._tick)
            except Interrupted:
                return
            except (PartFailed, OSError) as error:
                why = str(error)
                continue
            self._answered = self._alive_since = time.monotonic()
            self._well = True
            self._changed(self.part, "running", None)
            return

    def _tick(self) -> None:
        if self._stopping.is_set():
            raise Interrupted
