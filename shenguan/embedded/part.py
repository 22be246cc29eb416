"""What every embedded part can do: start, tell whether it works, stop, be killed, be started again.

Guarantees: `start` returns when the part really answers, or raises PartFailed with the end of its log within
`patience` seconds and leaves nothing running; a restart keeps the ports. Not thread-safe: one owner per part.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from shenguan.embedded import ports
from shenguan.embedded.process import Child, wait_until


class PartFailed(RuntimeError):
    """部件没有启动成功。"""


class Part:
    """One embedded server. Subclasses say how to prepare, launch and ask it."""

    name = ""
    title = ""
    stop_signal = signal.SIGTERM
    stop_seconds = 4.0
    patience = 60.0

    def __init__(self, directory: Path, *, listens: list[int], log: Path) -> None:
        self.directory = directory
        self.log = log
        self._listens = listens
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        """True while the process lives; says nothing about whether it answers."""
        return self._child is not None and self._child.returncode is None

    @property
    def returncode(self) -> int | None:
        return self._child.returncode if self._child else None

    def healthy(self) -> bool:
        """True when the part does its work now. Answers within a few seconds, never raises."""
        raise NotImplementedError

    def prepare(self) -> None:
        """What has to be there before the process starts. Runs at every start."""

    def launch(self) -> Child:
        """Start the process."""
        raise NotImplementedError

    def settle(self) -> None:
        """What has to be done once it answers. Runs at every start."""

    def spawn(self, tick: Callable[[], None] = lambda: None) -> None:
        """Start the process without waiting for it to answer. Raises PartFailed when its ports stay taken."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.prepare()

        def free() -> bool:
            tick()
            return all(ports.is_free(p) for p in self._listens)

        # A store that was killed may still hold a port for a moment; a second one on half its ports hangs.
        if not wait_until(free, seconds=15):
            taken = "、".join(str(p) for p in self._listens if not ports.is_free(p))
            raise PartFailed(f"{self.title}的端口 {taken} 一直被占用，无法启动。")
        self._child = self.launch()

    def await_ready(self, tick: Callable[[], None] = lambda: None) -> None:
        """Wait until it answers; on failure kill it and raise PartFailed with the end of its log."""

        def ready() -> bool:
            tick()
            return not self.running or self.healthy()

        wait_until(ready, seconds=self.patience)
        if not self.running or not self.healthy():
            tick()
            code = self.returncode
            self.kill()
            why = f"退出码 {code}" if code is not None else f"{self.patience:.0f} 秒内没有应答"
            raise PartFailed(f"{self.title}没有启动成功（{why}）。日志 {self.log} 的结尾：\n{self.log_end()}")
        self.settle()

    def start(self, tick: Callable[[], None] = lambda: None) -> None:
        """Start it and wait until it answers. `tick` is called while waiting and may raise to give up."""
        self.spawn(tick)
        self.await_ready(tick)

    def stop(self) -> bool:
        """Stop it in order; kill it when it takes longer than `stop_seconds`. True when it went by itself."""
        child, self._child = self._child, None
        return child.end(self.stop_signal, self.stop_seconds) if child else True

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        child, self._child = self._child, None
        if child:
            child.kill()

    def log_end(self, lines: int = 15) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 8000))
                return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""
