"""One process that starts everything in order, keeps it running and stops everything in order.

Guarantees: one supervisor per data directory; Ctrl-C, SIGTERM and SIGHUP stop all within about ten seconds, at any
moment; when the supervisor itself is killed, nothing it started stays. What runs is in run.json (run_state.py).
Not here: what the programs are and what is done before they start; the command line hands that in.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from shenguan import run_state
from shenguan.embedded.installation import Installation
from shenguan.embedded.part import Part
from shenguan.embedded.process import kill_leftovers, wait_until
from shenguan.keeper import Interrupted, Keeper, Program, ProgramPart
from shenguan.run_state import RunState, UnitState
from shenguan.secrets_folder import make_private_folder
from shenguan.settings import Settings, load

LONGEST_LOG = 20 * 2**20

Report = Callable[[float, float], None]  # done, of how many


@dataclass(frozen=True)
class Step:
    """Something done once, after the parts answer and before the programs start."""

    title: str
    action: Callable[[Settings, Report], None]


@dataclass(frozen=True)
class Plan:
    """What the command line hands in."""

    steps: Sequence[Step] = ()
    programs: Callable[[Settings], Sequence[Program]] = lambda _: ()
    banner: Callable[[Settings], None] = lambda _: None
    area: str = "990101"


def up(data: Path, plan: Plan, *, console: Console | None = None) -> None:
    """Run until told to stop. Raises AlreadyRunning, SecretsRefused, PortTaken, PartFailed, SettingsRefused, and
    what a step raises; in every case nothing is left running."""
    make_private_folder(data)
    with run_state.take_lock(data):
        Supervisor(data.absolute(), plan, console or Console(stderr=True)).run()


def down(data: Path, *, seconds: float = 25.0) -> bool:
    """Tell the supervisor of this directory to stop and wait for it. False when there is none.

    Raises TimeoutError when it is still there after that time.
    """
    pid = run_state.supervisor_pid(data)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    if not wait_until(lambda: run_state.supervisor_pid(data) is None, seconds=seconds):
        raise TimeoutError(f"进程 {pid} 在 {seconds:.0f} 秒内没有停下；日志在 {data / 'logs'}。")
    return True


class Supervisor:
    """The life of one `shenguan up`."""

    def __init__(self, data: Path, plan: Plan, console: Console) -> None:
        self._data = data
        self._plan = plan
        self._console = console
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._starting = True
        self._guard = threading.Lock()
        self._state = RunState(pid=os.getpid(), state="starting", started_at=_now(), area=plan.area)
        self._installation: Installation | None = None
        self._programs: list[ProgramPart] = []
        self._keepers: list[Keeper] = []

    def run(self) -> None:
        with self._signals():
            try:
                self._start()
                self._starting = False
                if not self._stopping.is_set():
                    self._enter("running")
                    self._plan.banner(load(data=self._data))
                self._stopping.wait()
            except Interrupted:
                self._say("启动被中断。")
            finally:
                self._starting = False
                self._stop()

    # Starting

    def _start(self) -> None:
        self._turn_logs()
        with self._progress() as progress:
            installation = self._installation = Installation(self._data)
            self._state.addresses = installation.addresses()
            self._enter("starting")
            self._start_parts(installation, progress)
            settings = load(data=self._data)
            for step in self._plan.steps:
                self._take(step, settings, progress)
            self._start_programs(settings, progress)
        for part in (*installation.parts, *self._programs):
            keeper = Keeper(part, stopping=self._stopping, changed=self._changed)
            keeper.start()
            self._keepers.append(keeper)

    def _start_parts(self, installation: Installation, progress: Progress) -> None:
        lines = {part.name: progress.add_task(f"{part.title}", total=None) for part in installation.parts}

        def changed(part: Part, state: str) -> None:
            self._changed(part, state, None)
            if state == "running":
                self._finish(progress, lines[part.name])

        self._meanwhile(lambda: installation.start(changed, self._tick))

    def _take(self, step: Step, settings: Settings, progress: Progress) -> None:
        line = progress.add_task(step.title, total=None)
        # In this thread, so that a signal interrupts it.
        step.action(settings, lambda done, total: progress.update(line, completed=done, total=total))
        self._finish(progress, line)

    def _start_programs(self, settings: Settings, progress: Progress) -> None:
        env = {**os.environ, "SHENGUAN_DATA": str(self._data), "SHENGUAN_MODE": "embedded"}
        self._programs = [
            ProgramPart(program, data=self._data, env=env) for program in self._plan.programs(settings)
        ]
        lines = {part.name: progress.add_task(part.title, total=None) for part in self._programs}

        def begin(part: ProgramPart) -> None:
            self._changed(part, "starting", None)
            part.start(self._tick)
            self._changed(part, "running", None)
            self._finish(progress, lines[part.name])

        def all_of_them() -> None:
            with ThreadPoolExecutor(max(1, len(self._programs))) as pool:
                for done in [pool.submit(begin, part) for part in self._programs]:
                    done.result()

        self._meanwhile(all_of_them)

    def _meanwhile(self, work: Callable[[], None]) -> None:
        """Do it in another thread, so that a signal is heard here and makes `_tick` raise there."""
        with ThreadPoolExecutor(1) as pool:
            doing = pool.submit(work)
            try:
                while not wait_until(doing.done, seconds=1):
                    pass
            except BaseException:
                self._stopping.set()
                raise
            doing.result()

    def _tick(self) -> None:
        if self._stopping.is_set():
            raise Interrupted

    # Stopping

    def _stop(self) -> None:
        """Programs first, then the broker, then store and database together."""
        self._stopping.set()
        self._enter("stopping")
        for keeper in self._keepers:
            keeper.join(20)
        if self._installation:
            self._say("正在停止……")
            self._stop_together(self._programs)
            self._stop_together([self._installation.broker])
            self._stop_together([self._installation.object_store, self._installation.postgres])
        kill_leftovers()
        self._state.pid = None
        self._enter("stopped")
        self._say("已全部停止。")

    def _stop_together(self, parts: Sequence[Part]) -> None:
        def end(part: Part) -> None:
            clean = True
            if self._hurry.is_set():
                part.kill()
            else:
                clean = part.stop()
            late = not clean and isinstance(part, ProgramPart)
            problem = f"没有在 {part.stop_seconds:.0f} 秒内停下，已强制结束" if late else None
            self._changed(part, "stopped", problem)

        with ThreadPoolExecutor(max(1, len(parts))) as pool:
            list(pool.map(end, parts))

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """While starting, a signal interrupts whatever is being done; afterwards it ends the waiting."""

        def heard(number: int, frame: FrameType | None) -> None:
            del number, frame
            if self._stopping.is_set():
                self._hurry.set()  # asked twice: no more patience with anyone
            self._stopping.set()
            if self._starting:
                self._starting = False
                raise Interrupted

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, heard) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    # What others see

    def _enter(self, state: str) -> None:
        with self._guard:
            self._state.state = state
            self._state.write(self._data)

    def _changed(self, part: Part, state: str, problem: str | None) -> None:
        with self._guard:
            unit = self._state.units.setdefault(part.name, UnitState(part.title))
            if state != unit.state:
                unit.since = _now()
            if state == "restarting" and unit.state != "restarting":
                unit.restarts += 1
                if self._state.state == "running":
                    self._say(f"[yellow]{part.title}[/yellow]：{problem}")
            unit.state, unit.pid, unit.problem = state, part.pid, problem
            self._state.write(self._data)

    def _say(self, text: str) -> None:
        """Tell whoever is there; a terminal that was closed must not stop us from stopping."""
        with suppress(OSError):
            self._console.print(text)

    def _finish(self, progress: Progress, line: TaskID) -> None:
        progress.update(line, total=1, completed=1)
        if not self._console.is_terminal:  # a log file gets lines instead of moving bars
            self._say(f"{progress.tasks[line].description}：就绪")

    def _progress(self) -> Progress:
        return Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def _turn_logs(self) -> None:
        for log in (self._data / "logs").glob("*.log"):
            if log.stat().st_size > LONGEST_LOG:
                log.replace(log.with_suffix(".log.1"))


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
