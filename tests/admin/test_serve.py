"""The served admin: answers, ends promptly with pages open, and leaves nothing behind when its master is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import text

from admin.accounts import ensure_user
from shenguan.embedded import ports
from tests.admin.conftest import PASSWORD, Hub, token_of

SCRIPT = """
import os, sys
from datetime import UTC, datetime
from admin.config import AdminConfig
from admin.serve import serve
from hub.ports import Desk
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key

desk = Desk("990101", "http://hub.invalid", Signer.from_pem("hub", generate_private_key()),
            IdentityVault(os.urandom(32), KeyEncryption(os.urandom(32))), lambda: datetime.now(UTC))
serve(AdminConfig(sys.argv[1], "only for tests, " * 3, desk), host="127.0.0.1", port=int(sys.argv[2]))
"""


def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def served(hub: Hub, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    script = tmp_path / "serve.py"
    # None of those that a connection may be given meanwhile.
    port = ports.choose(("served",), remembered={}, configured={})["served"]
    script.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, str(script), hub.database_url, str(port)]) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            until(lambda: process.poll() is None and answers(address))
            yield process, address
        finally:
            for child in children(process.pid):
                child.kill()
            process.kill()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/login/", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def test_it_ends_promptly_with_an_open_stream_and_says_so(
    hub: Hub, served: tuple[subprocess.Popen[bytes], str]
) -> None:
    """SIGTERM with a clerk's page open does not wait out the 15 s of grace; the program's row says stopped."""
    process, address = served
    ensure_user(hub.app, "clerk", PASSWORD, role="clerk", name="clerk")
    with httpx.Client(base_url=address) as client:
        token = token_of(client.get("/login/").text)
        client.post("/login/", data={"username": "clerk", "password": PASSWORD, "csrf_token": token})
        with client.stream("GET", "/live/notices") as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            process.send_signal(signal.SIGTERM)
            list(lines)  # to a proper end: one that the grace has run out for is broken off
        process.wait(60)
    with hub.engine.connect() as tx:
        states = tx.execute(text("SELECT state FROM programs WHERE name = 'web'")).scalars().all()
    assert states == ["stopped"]


def test_a_killed_master_takes_its_workers_along(served: tuple[subprocess.Popen[bytes], str]) -> None:
    """kill -9 of the master: the worker notices and ends; the port is free again."""
    process, address = served
    workers = children(process.pid)
    assert workers
    os.kill(process.pid, signal.SIGKILL)
    until(
        lambda: not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
    )
    assert not answers(address)
