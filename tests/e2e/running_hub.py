"""`shenguan up` as a process of its own in a data directory of its own, and what a test asks and does to it.

Guarantees: `stop` interrupts it as Ctrl-C does and says how long that took; leaving the `with` block leaves nothing running,
whatever happened. Every wait has a bound and fails with the end of the logs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from shenguan import run_state
from shenguan.embedded import ports
from shenguan.embedded.process import Child, spawn
from shenguan.settings import Settings, load

T = TypeVar("T")
START_SECONDS = 300.0  # of a busy machine; some seconds when it is alone


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)


class RunningHub:
    """One data directory and the supervisor in it."""

    def __init__(self, data: Path, **env: str) -> None:
        self.data = data
        own = {key: value for key, value in os.environ.items() if not key.startswith("SHENGUAN_")}
        # A port of our own: two installations that start together would both prefer 8080.
        web = ports.choose(["any"], remembered={}, configured={})["any"]
        self._env = {**own, "SHENGUAN_DATA": str(data), "SHENGUAN_PORT_WEB": str(web), **env}
        self._process: Child | None = None

    def __enter__(self) -> RunningHub:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._end()

    def start(self) -> None:
        """Start it and wait until everything runs."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._process = spawn(  # it is told to stop should this test run be killed
            [sys.executable, "-m", "shenguan", "up"],
            log=self.data.parent / f"{self.data.name}-up.log",
            env=self._env,
            death_signal=signal.SIGTERM,
        )
        try:
            self.until(self._up, seconds=START_SECONDS, what="everything to run")
        except BaseException:
            self._end()
            raise

    def stop(self, seconds: float = 60.0) -> float:
        """Ctrl-C; how long it took. Fails when it takes longer than `seconds`."""
        assert self._process is not None
        begun = time.monotonic()
        self._process.tell(signal.SIGINT)
        assert self._process.wait(seconds), f"still running {seconds} s after Ctrl-C: {self.said()}"
        code = self._process.returncode
        self._process.kill()
        self._process = None
        assert code == 0, f"exit code {code}: {self.said()}"
        return time.monotonic() - begun

    @property
    def pid(self) -> int:
        """The supervisor's."""
        assert self._process is not None
        return self._process.pid

    def state(self) -> run_state.RunState:
        """What run.json says."""
        return run_state.read(self.data)

    def settings(self) -> Settings:
        """As every program of this installation sees them."""
        return load(data=self.data)

    def unit(self, name: str) -> run_state.UnitState:
        """One part or program."""
        return self.state().units[name]

    def kill(self, name: str) -> int:
        """kill -9; which process it was."""
        pid = self.until(lambda: self.unit(name).pid, what=f"{name} to have a process")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def until_runs_again(self, name: str, after: int) -> None:
        """Wait until it runs as another process than `after`."""

        def again() -> bool:
            unit = self.unit(name)
            return unit.state == "running" and unit.pid not in (None, after)

        self.until(again, what=f"{name} to run again")

    def command(self, *arguments: str, seconds: float = 120.0, **env: str) -> Done:
        """Run `shenguan ...` to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "shenguan", *arguments],
            env={**self._env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str, log: Path) -> Child:
        """Start one more program of ours; the caller ends it."""
        return spawn([sys.executable, "-m", "shenguan", *arguments], log=log, env=self._env)

    def status(self) -> Mapping[str, Any]:
        """`status --json`, once the database answers it in time (on a busy machine it may not at once)."""

        def counted() -> Mapping[str, Any] | None:
            document: Mapping[str, Any] = self.command("status", "--json").document
            return document if document["counts"]["decisions"] is not None else None

        found = self.until(counted, what="status to count")
        assert found is not None
        return found

    def until(
        self, question: Callable[[], T], *, seconds: float = 240.0, what: str = "", every: float = 0.1
    ) -> T:
        """The first true answer; fails when none comes in time or the supervisor ends."""
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            if self._process is None or self._process.returncode is not None:
                raise AssertionError(f"shenguan up ended while waiting for {what}: {self.said()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {what}; last {answer!r}\n{self.said()}")
            time.sleep(every)
        return answer

    def said(self, lines: int = 12) -> str:
        """The end of everybody's log."""
        logs = [self.data.parent / f"{self.data.name}-up.log", *sorted((self.data / "logs").glob("*.log"))]
        return "\n".join(f"--- {log.name}\n{_end(log, lines)}" for log in logs if log.exists())

    def left_running(self) -> list[str]:
        """Command lines of processes that name our data directory."""
        return processes_naming(str(self.data))

    def _up(self) -> bool:
        state = self.state()
        return state.running and state.state == "running"

    def _end(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.end(signal.SIGINT, 25)  # when it has to be killed, its children follow it by themselves


def processes_naming(words: str) -> list[str]:
    """Command lines and environments of living processes in which `words` occur."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            about = line + (folder / "environ").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if words in about:
            found.append(f"{folder.name} {line}")
    return found


def _end(log: Path, lines: int) -> str:
    return "\n".join(log.read_bytes()[-8000:].decode("utf-8", "replace").splitlines()[-lines:])
