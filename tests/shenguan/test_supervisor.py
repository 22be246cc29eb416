"""One process starts everything, keeps it running, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shenguan import run_state
from shenguan.embedded.ports import is_open
from shenguan.embedded.process import wait_until
from shenguan.supervisor import down
from tests.embedded.test_process import lives

SCRIPT = Path(__file__).with_name("small_installation.py")
UNITS = {"postgres", "object_store", "broker", "quiet", "stubborn"}
# Python that makes its standard input the controlling terminal and becomes another Python.
ON_THIS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Running:
    """A supervisor in a process of its own."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.shenguan.{SCRIPT.stem}", str(data), *arguments],
            cwd=SCRIPT.parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def state(self) -> run_state.RunState:
        return run_state.read(self.data)

    def await_running(self) -> set[int]:
        """The process numbers of everything it runs."""
        assert wait_until(
            lambda: self.process.poll() is not None or self.state.state == "running", seconds=90
        )
        assert self.process.poll() is None, self.process.communicate()[0]
        return {unit.pid for unit in self.state.units.values() if unit.pid}

    def ended(self, seconds: float) -> str:
        """Its output, once it has gone within that time."""
        try:
            return self.process.communicate(timeout=seconds)[0]
        finally:
            self.kill()

    def kill(self) -> None:
        """`kill -9`, harmless when it is gone."""
        self.process.kill()
        if self.process.stdout and not self.process.stdout.closed:
            self.process.communicate()
        assert wait_until(lambda: run_state.supervisor_pid(self.data) != self.process.pid, seconds=60)

    def ports(self) -> list[int]:
        addresses = self.state.addresses
        database = addresses["database"].rsplit(":", 1)[1].split("/")[0]
        return [
            int(database),
            *(int(addresses[n].rsplit(":", 1)[1]) for n in ("kafka_bootstrap", "s3_endpoint")),
        ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for the whole module: every start but the first finds the data of the one before."""
    return tmp_path_factory.mktemp("supervisor") / "data"


@pytest.fixture
def running(data: Path) -> Iterator[Running]:
    supervisor = Running(data)
    try:
        supervisor.await_running()
        yield supervisor
    finally:
        supervisor.kill()


def test_second_supervisor_is_refused_and_down_stops_the_first(running: Running):
    """A second one on the same directory says who is there; `down` ends the first, and nothing is left."""
    pids, ports = running.await_running(), running.ports()
    assert set(running.state.units) == UNITS
    assert len(pids) == 5
    assert all(is_open(port) for port in ports)
    second = Running(running.data)
    assert f"进程 {running.process.pid}" in second.ended(60)
    assert second.process.returncode != 0
    assert down(running.data)
    assert "已全部停止" in running.ended(60)
    assert running.process.returncode == 0
    assert not [pid for pid in pids if lives(pid)]
    assert not [port for port in ports if is_open(port)]
    assert running.state.state == "stopped"
    assert not down(running.data)


def test_everything_that_dies_comes_back(running: Running):
    """Each part and program killed with -9 runs again, on the same address, and the death is counted."""
    ports = running.ports()
    for name in UNITS:
        old = running.state.units[name].pid
        assert old
        os.kill(old, signal.SIGKILL)

        def back(name: str = name, old: int = old) -> bool:
            unit = running.state.units[name]
            return unit.state == "running" and unit.pid != old

        assert wait_until(back, seconds=90), running.state.units[name]
        assert running.state.units[name].restarts == 1
    assert running.ports() == ports
    assert all(is_open(port) for port in ports)


def test_nothing_outlives_a_killed_supervisor(running: Running):
    """`kill -9` of the supervisor takes all along; the file left behind does not claim that it runs."""
    pids, ports = running.await_running(), running.ports()
    running.kill()
    assert wait_until(lambda: not [pid for pid in pids if lives(pid)], seconds=60)
    assert not [port for port in ports if is_open(port)]
    assert running.state.running is False
    assert running.state.state == "stopped"


def test_closed_terminal_ends_everything_in_order(data: Path):
    """When the terminal goes away, all stop in order although nothing can be printed any more."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_THIS_TERMINAL, "-m", f"tests.shenguan.{SCRIPT.stem}", str(data)],
        cwd=SCRIPT.parents[2],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = bytearray()

    def up() -> bool:
        if select.select([ours], [], [], 0.05)[0]:
            seen.extend(os.read(ours, 65536))
        return b"http://127.0.0.1" in seen

    try:
        assert wait_until(up, seconds=60)
        assert "✓" in seen.decode(errors="replace")
        pids = {unit.pid for unit in run_state.read(data).units.values() if unit.pid}
        os.close(ours)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    assert not [pid for pid in pids if lives(pid)]
    assert '"state": "stopped"' in (data / "run.json").read_text()


def test_interrupt_at_any_moment_of_the_start(data: Path):
    """Ctrl-C while the parts start ends the start at once and leaves nothing."""
    for pause in (0.7, 1.4, 2.1, 2.8):
        supervisor = Running(data)
        assert wait_until(lambda: run_state.read(data).running, seconds=60)
        time.sleep(pause - 0.6)
        pids = {unit.pid for unit in supervisor.state.units.values() if unit.pid}
        supervisor.process.send_signal(signal.SIGINT)
        assert "已全部停止" in supervisor.ended(60)
        assert not [pid for pid in pids if lives(pid)]


@pytest.mark.parametrize(("fault", "words"), [("broken-step", "迁移失败"), ("broken-program", "配置有误")])
def test_failed_start_says_why_and_stops_the_rest(data: Path, fault: str, words: str):
    """A step or a program that fails ends the start with its cause; the parts do not stay."""
    supervisor = Running(data, fault)
    output = supervisor.ended(60)
    assert words in output
    assert supervisor.process.returncode not in (0, None)
    assert not [port for port in supervisor.ports() if is_open(port)]


def test_directory_holds_no_readable_secret(data: Path):
    """All of it is the owner's alone, and run.json holds no secret."""
    assert data.stat().st_mode & 0o777 == 0o700
    secrets = {file.name: file.read_text().strip() for file in (data / "secrets").iterdir()}
    assert {"database_password", "hub_signing_key.pem", "web_secret"} <= set(secrets)
    for file in (data / "secrets").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    content = (data / "run.json").read_text()
    assert not [name for name, secret in secrets.items() if secret in content]
