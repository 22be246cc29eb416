"""The demo's three departments that run a program of their own: own folder, own private key, own connector settings.

Guarantees: private keys are made once, in files only their owner can read, and never leave their folder; the settings
file and the trust bundle are written anew at every start, because ports may change.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from schemas import dumps
from shenguan.demo import CONNECTED, Connected
from shenguan.demo_county_words import PULLING, SIGN_DAYS
from shenguan.settings import Settings
from shenguan.trust_bundle import Bundle
from storage.signing import generate_private_key, public_pem

KEY_FILE = "private-key.pem"
CONFIG_FILE = "connector.toml"
BUNDLE_FILE = "trust-bundle.json"
REST_POLL_MS = 2000
_PULLING = Connected(PULLING.code, PULLING.name, PULLING.uscc, ("supervising",), "table", SIGN_DAYS)
#: Everyone with a program of its own, in the order in which they are shown.
OWN_PROGRAMS = (*CONNECTED, _PULLING)


def folder_of(data: Path, code: str) -> Path:
    """Where a demo department keeps its things."""
    return data / "departments" / code


def ensure_keys(data: Path) -> dict[str, str]:
    """Each department's public key, its private key made now if there is none."""
    return {department.code: _public_key(folder_of(data, department.code)) for department in OWN_PROGRAMS}


def _public_key(folder: Path) -> str:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / KEY_FILE
    if not file.exists():
        write_private(file, generate_private_key())
    return public_pem(file.read_bytes())


def write_private(file: Path, content: bytes) -> None:
    """A file that only its owner can read, there whole or not at all, never over another."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)
    finally:
        draft.unlink()


def write_settings(data: Path, settings: Settings, bundle: Bundle) -> dict[str, Path]:
    """The connectors' settings files, by department."""
    files = {}
    for department in OWN_PROGRAMS:
        folder = folder_of(data, department.code)
        _replace(folder / BUNDLE_FILE, dumps(bundle))
        _replace(folder / CONFIG_FILE, _toml(department, settings).encode())
        files[department.code] = folder / CONFIG_FILE
    return files


def _replace(file: Path, content: bytes) -> None:
    draft = file.with_name(f".{file.name}.new")
    draft.write_bytes(content)
    draft.replace(file)


def _toml(department: Connected, settings: Settings) -> str:
    table = f'database = "sqlite:///{department.code}.sqlite"'
    place = table if department.adapter == "table" else 'folder = "."'
    broker = f'[broker]\nbootstrap = "{settings.kafka_bootstrap}"\n'
    broker += f"fetch_max_wait_ms = {settings.kafka_fetch_max_wait_ms or 500}"
    line = f"[rest]\npoll_ms = {REST_POLL_MS}" if department is _PULLING else broker
    return f"""\
# {department.name} 的连接器设置。演示环境每次启动时重新生成；部门自己的写法见 docs/joining.md。
[department]
code = "{department.code}"
name = "{department.name}"
area = "{settings.area}"
key_file = "{KEY_FILE}"
state_dir = "state"

[hub]
trust_bundle = "{BUNDLE_FILE}"
public_url = "{settings.public_url}"

{line}

[adapter]
kind = "{department.adapter}"
{place}

[files]
fetch_files = true
stated_use = "事中事后监管"
folder = "files"
"""
