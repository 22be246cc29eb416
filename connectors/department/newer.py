"""A newer version of the connector's own document: taken from the hub, kept beside the state, run instead of the file's.

Guarantees: only what the hub signed is taken, and only as the answer to the question that was just asked: an answer of
yesterday, played again, changes nothing; so a lower version is the hub's own word to go back. A settings file that is put
in place afterwards counts again, until the hub says otherwise. A version that cannot run here is left alone, and the one
before goes on.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.department.config import ConnectorConfig
from connectors.department.open_mapped import version_of
from connectors.department.trust import Trust
from connectors.errors import ConnectorError
from schemas import Malformed, dumps, loads
from schemas.connector.document import ConnectorDocument, Faults, document_from, document_to
from schemas.mapping import compile_flow
from storage.signing import BadSignature

KEPT = "connector.json"
_log = logging.getLogger(__name__)


def fresh_nonce() -> str:
    """For one question: what the hub signs with its answer."""
    return secrets.token_urlsafe(16)


def signed_answer(
    trust: Trust, value: bytes, signature: str | None, nonce: str, *, at: datetime
) -> dict[str, Any]:
    """What the hub says to the question with this nonce. Raises ConnectorError where it did not sign just that."""
    try:
        trust.verify(value, signature, at=at)
        told = loads(value)
    except (BadSignature, Malformed) as error:
        raise ConnectorError(f"中心答复的连接器内容没有中心的有效签名，不采用：{error}") from error
    if not isinstance(told, dict) or told.get("nonce") != nonce:
        raise ConnectorError(
            "中心签名的答复不是答给这一次询问的，可能是重放的旧答复，或中心的版本太旧，不采用。请升级中心；仍然如此请检查网络。"
        )
    return told


def newer_than(document: ConnectorDocument, told: object) -> ConnectorDocument | None:
    """What the hub published, if it is another one; None where it is the same, or cannot be read."""
    try:
        found = document_from(told)
        for flow in found.flows:
            compile_flow(found, flow)
    except Faults as error:
        _log.warning("中心发布的新版本本机读不懂，继续用现在的；请升级连接器。%s", error)
        return None
    return found if version_of(found) != version_of(document) else None


def keep(config: ConnectorConfig, document: ConnectorDocument, instead_of: str) -> None:
    """For the next start."""
    value = dumps({"instead_of": instead_of, "document": document_to(document)})
    path = config.state_dir / KEPT
    fresh = path.with_suffix(".new")
    fresh.write_bytes(value)
    fresh.chmod(0o600)
    fresh.replace(path)


def as_kept(config: ConnectorConfig) -> ConnectorConfig:
    """The settings with the version that was taken over last, unless the file is another one than then."""
    if config.document is None:
        return config
    try:
        kept = loads(Path(config.state_dir / KEPT).read_bytes())
        if kept["instead_of"] != version_of(config.document):
            return config
        return replace(config, document=document_from(kept["document"]))
    except FileNotFoundError:
        return config
    except (OSError, Malformed, Faults, KeyError, TypeError) as error:
        _log.warning("上次采用的版本读不出来，先按设置文件运行：%s", error)
        return config
