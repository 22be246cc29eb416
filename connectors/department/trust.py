"""The hub's public keys as this department knows them: from a file or an address, refreshed, kept for bad times.

Guarantees: an unknown kid leads to one fresh look, not to a storm of them; when the address is away, the last good copy
(beside the state file) serves. Only keys that the bundle calls the hub's are trusted to speak for the hub.

The bundle is JSON: {"keys": {"<kid>": "<PEM>" or {"public_pem", "not_before", "not_after", "revoked_at"}}}.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import httpx

from connectors.errors import BusUnavailable, Misconfigured
from schemas import Malformed, loads
from storage.signing import TrustedKey, TrustedKeys, UnknownKey, VerifiedBytes

HUB = "hub"
REFRESH_S = 60.0
AGAIN_S = 2.0
_log = logging.getLogger(__name__)


class Trust(Protocol):
    """Knows the hub's signature."""

    def verify(self, value: bytes, signature: str | None, *, at: datetime) -> VerifiedBytes:
        """The bytes, known to be somebody's that we trust; else a `BadSignature`."""


class TrustBundle:
    """Verifies what the hub signed."""

    def __init__(self, source: str, kept_at: Path) -> None:
        self._source = source
        self._kept_at = kept_at
        self._raw = b""
        self._keys = TrustedKeys({})
        self._looked_at: float | None = None

    def verify(self, value: bytes, signature: str | None, *, at: datetime) -> VerifiedBytes:
        """The bytes, known to be the hub's; else a `BadSignature`."""
        if self._looked_at is None or time.monotonic() - self._looked_at > REFRESH_S:
            self.refresh()
        try:
            return self._keys.verify(value, signature, at=at)
        except UnknownKey:
            if self._looked_at is not None and time.monotonic() - self._looked_at < AGAIN_S:
                raise
            self.refresh()
            return self._keys.verify(value, signature, at=at)

    def refresh(self) -> None:
        """Look at the source now. Raises only when there is no good copy at all."""
        self._looked_at = time.monotonic()
        try:
            raw = self._fetch()
            keys = keys_of(loads(raw))
        except (OSError, httpx.HTTPError, Malformed, Misconfigured) as error:
            if self._raw:
                _log.warning("信任清单 %s 暂时读不到，沿用上一份：%s", self._source, error)
                return
            raw, keys = self._kept(error)
        if raw != self._raw:
            self._raw, self._keys = raw, TrustedKeys.of(keys)
            self._keep(raw)

    def _fetch(self) -> bytes:
        if not self._source.startswith(("http://", "https://")):
            return Path(self._source).read_bytes()
        answer = httpx.get(self._source, timeout=5, follow_redirects=False)
        answer.raise_for_status()
        return answer.content

    def _kept(self, error: Exception) -> tuple[bytes, list[TrustedKey]]:
        try:
            raw = self._kept_at.read_bytes()
            return raw, keys_of(loads(raw))
        except (OSError, Malformed, Misconfigured):
            self._looked_at = None
            raise BusUnavailable(f"读不到平台的信任清单 {self._source}：{error}") from error

    def _keep(self, raw: bytes) -> None:
        fresh = self._kept_at.with_suffix(".new")
        fresh.write_bytes(raw)
        os.replace(fresh, self._kept_at)


def keys_of(bundle: Any) -> list[TrustedKey]:
    """The hub's keys in a bundle."""
    listed = bundle.get("keys", bundle.get("hub_keys")) if isinstance(bundle, dict) else None
    if isinstance(listed, list):
        listed = {entry.get("kid"): entry for entry in listed if isinstance(entry, dict)}
    if not isinstance(listed, dict) or not listed:
        raise Misconfigured("信任清单中没有平台公钥（keys）。")
    return [_key(str(kid), entry) for kid, entry in listed.items()]


def _key(kid: str, entry: Any) -> TrustedKey:
    facts: Mapping[str, Any] = {"public_pem": entry} if isinstance(entry, str) else entry
    pem = facts.get("public_pem") if isinstance(facts, Mapping) else None
    if not isinstance(pem, str):
        raise Misconfigured(f"信任清单中密钥 {kid} 没有公钥（PEM）。")
    return TrustedKey(
        kid, HUB, pem, _moment(facts, "not_before"), _moment(facts, "not_after"), _moment(facts, "revoked_at")
    )


def _moment(facts: Mapping[str, Any], name: str) -> datetime | None:
    value = facts.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Misconfigured(f"信任清单中的时间 {name} 不是 RFC 3339：{value}") from error
    if moment.tzinfo is None:
        raise Misconfigured(f"信任清单中的时间 {name} 没有时区：{value}")
    return moment
