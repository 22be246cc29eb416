"""Enrol at the hub: a key made here, registered and certified with a one-time code, and renewed with itself.

Guarantees: the private key never leaves its file, which only its owner can read; an attempt that failed in between goes on
with the same call. What the hub answers is written beside the key: certificate, the authority's, the connector's file.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.department.config import ConnectorConfig
from connectors.department.hub_door import PREFIX, said
from connectors.department.trust import HUB
from connectors.errors import BusUnavailable, ConnectorError, Misconfigured
from storage.possession import ENROL, RENEW, proof_of
from storage.signing import Signer, generate_private_key, public_pem, sign_token

KEY, CERTIFICATE, AUTHORITY, SETTINGS = "key.pem", "certificate.pem", "authority.pem", "connector.toml"
_PATIENCE_S = 30.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What came of it. `settings`: the file to run, where the code was made for a connector."""

    department: str
    kid: str
    valid_to: str
    key: Path
    settings: Path | None


def enrol(
    hub: str, code: str, folder: Path, *, department: str | None = None, plain: bool = False
) -> Enrolment:
    """Make a key in `folder` and have it registered. Raises ConnectorError. `plain`: over http, not only on this machine."""
    address = _address(hub, plain=plain)
    if (folder / SETTINGS).exists():
        raise Misconfigured(
            f"{folder / SETTINGS} 已经存在，不会覆盖。请换一个目录，或续期：shenguan connector renew。"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = _kept_key(folder / KEY)
    body = {"code": code, "public_key": public_pem(pem), "proof": proof_of(pem, ENROL, code)}
    answer = _asked(address, "/enrol", body | ({"department": department} if department else {}))
    _write_certificates(folder, answer)
    settings = folder / SETTINGS if answer.get("connector_toml") else None
    if settings is not None:
        _write(settings, answer["connector_toml"] + _run_section(address))
    return Enrolment(answer["department"], answer["kid"], answer["valid_to"], folder / KEY, settings)


def renew(config: ConnectorConfig, *, new_key: bool = False) -> Enrolment:
    """A further year for the key, or a new one in its place; the old one is kept beside it. Raises ConnectorError."""
    if config.hub_address is None:
        raise Misconfigured("没有写明平台地址，不能续期。")
    old = config.key_file.read_bytes()
    fresh = config.key_file.with_suffix(".new")
    pem = _kept_key(fresh) if new_key else old
    now = int(time.time())
    claims = {
        "aud": f"/{config.area}/{HUB}",
        "sub": "exchange",
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    token = sign_token(Signer.from_pem(config.code, old), claims)
    body = {"public_key": public_pem(pem), "proof": proof_of(pem, RENEW, token)}
    answer = _asked(config.hub_address, "/renew", body, {"Authorization": f"Bearer {token}"})
    if new_key:
        os.replace(config.key_file, config.key_file.with_suffix(".old"))
        os.replace(fresh, config.key_file)
    _write_certificates(config.key_file.parent, answer)
    return Enrolment(answer["department"], answer["kid"], answer["valid_to"], config.key_file, None)


def _address(hub: str, *, plain: bool) -> str:
    parts = urlsplit(hub if "://" in hub else f"https://{hub}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured(f"“{hub}”不是平台地址，应如 https://hub.example。")
    if parts.scheme == "http" and not plain and parts.hostname not in _LOOPBACK:
        raise Misconfigured("平台地址不是 https，入网码会被路上的人看到。确认网络可信后加 --plain 再试。")
    return f"{parts.scheme}://{parts.netloc}"


def _kept_key(file: Path) -> bytes:
    """The key in the file, made if there is none yet."""
    if not file.exists():
        _write(file, generate_private_key().decode())
    return file.read_bytes()


def _asked(
    address: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    try:
        answer = httpx.post(address + PREFIX + path, json=body, headers=headers, timeout=_PATIENCE_S)
    except httpx.HTTPError as error:
        raise BusUnavailable(
            f"平台 {address} 连接不上（{str(error) or type(error).__name__}）。请检查网络后再试。"
        ) from error
    if answer.status_code not in (200, 201):
        raise ConnectorError(said(answer))
    try:
        found: dict[str, Any] = answer.json()
    except ValueError:
        raise ConnectorError(f"{address} 的答复不是 JSON，它可能不是审管通平台。请核对地址。") from None
    return found


def _write_certificates(folder: Path, answer: Mapping[str, Any]) -> None:
    for name, file in (("certificate", CERTIFICATE), ("authority", AUTHORITY)):
        if answer.get(name):
            _write(folder / file, answer[name])


def _write(file: Path, text: str) -> None:
    """Whole or not at all, and for its owner only."""
    draft = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(draft, file)


def _run_section(address: str) -> str:
    """Where this machine keeps key and state, and how it reaches the hub (connectors.department.document_config)."""
    return f"""
# 本机运行所需；路径相对于本文件。
[run]
key_file = "{KEY}"
state_dir = "state"
trust_bundle = "{address}/api/hub/trust-bundle"
public_url = "{address}"

[run.rest]
"""
