"""What is running: `run.json` and the lock in the data directory, written by the supervisor, read by everyone.

Guarantees: a reader sees a whole file; `running` is true only while a supervisor holds the lock, whatever an old
file says; a second supervisor on the same directory is refused. The file holds addresses and states, no secret.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any


class AlreadyRunning(RuntimeError):
    """这个数据目录已有一个实例在运行。"""

    def __init__(self, data: Path, pid: int | None) -> None:
        who = f"（进程 {pid}）" if pid else ""
        super().__init__(
            f"{data} 已有一个实例在运行{who}。用 shenguan status 查看，用 shenguan down 停止，"
            "或用 SHENGUAN_DATA 指定另一个数据目录。"
        )


@dataclass
class UnitState:
    """One part or program as the supervisor sees it."""

    title: str
    state: str = "waiting"  # waiting | starting | running | unwell | restarting | stopped
    pid: int | None = None
    since: str | None = None
    restarts: int = 0
    problem: str | None = None


@dataclass
class RunState:
    """The content of run.json."""

    pid: int | None = None
    state: str = "stopped"  # starting | running | stopping | stopped
    started_at: str | None = None
    area: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    units: dict[str, UnitState] = field(default_factory=dict)
    running: bool = False  # not in the file: whether a supervisor lives now

    def write(self, data: Path) -> None:
        """Replace run.json in one step."""
        content = asdict(self)
        del content["running"]
        draft = data / f".run.{secrets.token_hex(6)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(content, out, ensure_ascii=False, indent=1)
        draft.replace(data / "run.json")


def read(data: Path) -> RunState:
    """The state now. A directory where nothing ever ran gives an empty, stopped one."""
    try:
        content: dict[str, Any] = json.loads((data / "run.json").read_text())
        units = {name: UnitState(**unit) for name, unit in content.pop("units").items()}
        state = RunState(**content, units=units)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        state = RunState()
    state.running = supervisor_pid(data) is not None
    if not state.running:
        state.state = "stopped"
    return state


def supervisor_pid(data: Path) -> int | None:
    """The process that holds the lock, None when nobody does."""
    try:
        with (data / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read().strip() or 0) or None
    except (OSError, ValueError):
        pass
    return None


def take_lock(data: Path) -> IO[str]:
    """Become the only supervisor of this directory, until the file is closed or the process ends."""
    lock = (data / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip()
        lock.close()
        raise AlreadyRunning(data, int(pid) if pid.isdigit() else None) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
