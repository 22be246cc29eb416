"""Outside the embedded mode a program does not start with a missing or default secret; it names the setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.signing import generate_private_key

PROGRAMS = ("web", "relay", "intake", "migrate")
GOOD = "QxZr0Tm4v8Yk2Lp6Wn1Hs9Dc3Fb7Gj5KeRtUiOpA"


def _settings(folder: Path) -> dict[str, str]:
    key = folder / "key.pem"
    key.write_bytes(generate_private_key())
    given = {
        "MODE": "production",
        "DATA": str(folder / "data"),
        "DATABASE_URL": f"postgresql+psycopg://shenguan:{GOOD}@127.0.0.1:1/shenguan",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "S3_ENDPOINT": "http://127.0.0.1:1",
        "S3_ACCESS_KEY": GOOD[:16],
        "S3_SECRET_KEY": GOOD,
        "PUBLIC_URL": "https://hub.invalid",
        "WEB_SECRET": GOOD,
        "KEY_ENCRYPTION_KEY": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
        "IDENTITY_KEY": "EjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8=",
        "HUB_SIGNING_KEY": str(key),
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("SHENGUAN_")}
    return env | {f"SHENGUAN_{name}": value for name, value in given.items()}


def _start(program: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shenguan", program], env=env, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_missing_secrets_are_named(program: str, tmp_path: Path) -> None:
    """With no settings at all a program ends with 1 and names what it needs, all at once, without a traceback."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SHENGUAN_")}
    done = _start(program, {**bare, "SHENGUAN_MODE": "production", "SHENGUAN_DATA": str(tmp_path)})
    assert done.returncode == 1
    assert "SHENGUAN_DATABASE_URL" in done.stderr
    assert "SHENGUAN_HUB_SIGNING_KEY" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "program"),
    [
        ("WEB_SECRET", "changeme", "web"),
        ("WEB_SECRET", "short", "web"),
        ("S3_SECRET_KEY", "minioadmin", "relay"),
        ("DATABASE_URL", "postgresql+psycopg://shenguan:postgres@127.0.0.1:1/shenguan", "intake"),
        ("KEY_ENCRYPTION_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "intake"),
        ("IDENTITY_KEY", "not base64!", "intake"),
        ("HUB_SIGNING_KEY", "/nowhere/key.pem", "relay"),
    ],
)
def test_default_and_broken_secrets_are_refused(name: str, value: str, program: str, tmp_path: Path) -> None:
    """A well-known, short or broken secret is refused by the program that needs it, naming the setting, not the value."""
    done = _start(program, {**_settings(tmp_path), f"SHENGUAN_{name}": value})
    assert done.returncode == 1
    assert f"SHENGUAN_{name}" in done.stderr
    assert "Traceback" not in done.stderr
    if name != "HUB_SIGNING_KEY":
        assert value not in done.stderr


def test_an_unexpected_failure_is_a_sentence_and_a_log(tmp_path: Path) -> None:
    """What nobody expected is written to a log with its traceback; the screen gets a sentence with the log's path."""
    (tmp_path / "logs").mkdir()
    code = (
        "import sys, shenguan.cli.faults as f, click\n"
        "@click.command()\n"
        "def broken():\n"
        "    raise ZeroDivisionError('boom')\n"
        "sys.exit(f.run(broken, ['--json'][:0]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SHENGUAN_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    log = tmp_path / "logs" / "errors.log"
    assert str(log) in done.stderr
    assert "ZeroDivisionError: boom" in log.read_text()
