"""The command line as somebody in a shell uses it: a hub in production mode on the real parts, every command a process."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shenguan import demo, wiring, working_calendar
from shenguan.embedded import ports
from shenguan.settings import Settings
from storage.signing import generate_private_key
from tests.connectors.waiting import until


@dataclass
class HubShell:
    """Runs `shenguan …` with the settings of one hub."""

    env: dict[str, str]
    folder: Path

    def run(
        self, *arguments: object, env: dict[str, str] | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "shenguan", *map(str, arguments)],
            env={**self.env, **(env or {})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def ask(self, *arguments: object, code: int = 0) -> Any:
        """The JSON of one command that ends with `code`."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    @contextmanager
    def program(self, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
        """A program for the length of the block; it must stop when it is told to."""
        log = self.folder / f"{arguments[0]}-{secrets.token_hex(3)}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "shenguan", *map(str, arguments)],
                env=self.env,
                cwd=self.folder,
                stdout=output,
                stderr=output,
            )
        try:
            yield child
            assert child.poll() is None, f"{arguments} ended by itself:\n{log.read_text()}"
        finally:
            child.terminate()
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                raise


@pytest.fixture
def hub(parts: Any, database_url: str, area: str, bucket: str, tmp_path: Path) -> HubShell:
    """A hub of one area, nothing in it yet. Whoever needs the web pages runs `migrate` first."""
    key = tmp_path / "hub-key.pem"
    key.touch(mode=0o600)
    key.write_bytes(generate_private_key())
    # A port of our own: tests that run side by side would all prefer 8080, and see each other's pages.
    port = ports.choose(["any"], remembered={}, configured={})["any"]
    given = {
        "DATA": str(tmp_path / "data"),
        "MODE": "production",
        "AREA": area,
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP": parts.kafka_bootstrap,
        "KAFKA_FETCH_MAX_WAIT_MS": "10",
        "S3_ENDPOINT": parts.s3_endpoint,
        "S3_ACCESS_KEY": parts.s3_access_key,
        "S3_SECRET_KEY": parts.s3_secret_key,
        "S3_BUCKET": bucket,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WEB_PORT": str(port),
        "WEB_SECRET": secrets.token_urlsafe(40),
        "COOKIE_SECURE": "false",
        "KEY_ENCRYPTION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "IDENTITY_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "HUB_SIGNING_KEY": str(key),
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("SHENGUAN_")}
    _prepare(Settings(**{name.lower(): value for name, value in given.items()}))
    return HubShell({**env, **{f"SHENGUAN_{name}": value for name, value in given.items()}}, tmp_path)


def _prepare(settings: Settings) -> None:
    """What `shenguan migrate` does beyond the tables, less the web accounts: those take seconds, few tests need them."""
    wiring.objects_of(settings).ensure_bucket()
    engine = wiring.engine_of(settings)
    with engine.begin() as tx:
        working_calendar.fill(tx)
        demo.ensure_catch_all(tx)
    engine.dispose()


def web_is_up(hub: HubShell) -> None:
    """Wait for the pages."""
    from shenguan.probes import web_answers

    until(lambda: web_answers(hub.env["SHENGUAN_PUBLIC_URL"]))
