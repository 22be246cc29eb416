"""The hub's REST door as a connector uses it: one client, a fresh token for every call.

Guarantees: every failure of the way is one of our errors with a sentence; nothing is sent without an address of the hub.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from connectors.department.config import ConnectorConfig
from connectors.department.trust import HUB
from connectors.errors import BusUnavailable, ConnectorError
from storage.signing import Signer, sign_token

TOKEN_LIFE_S = 60
PREFIX = "/api/hub/v1"
PATIENCE_S = 30.0


class HubDoor:
    """Connects at first use. One thread."""

    def __init__(self, config: ConnectorConfig, signer: Signer, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._signer = signer
        self._clock = clock
        self._client: httpx.Client | None = None

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One call. Raises ConnectorError without an address, BusUnavailable when the hub is away."""
        address = self._config.hub_address
        if address is None:
            raise ConnectorError("没有写明平台地址：请在设置文件 [hub] 中填写 public_url。")
        if self._client is None:
            self._client = httpx.Client(timeout=PATIENCE_S, follow_redirects=False)
        headers = {"Authorization": f"Bearer {self._token()}", **more.pop("headers", {})}
        try:
            return self._client.request(method, address + PREFIX + path, headers=headers, **more)
        except httpx.HTTPError as error:
            self.close()
            raise BusUnavailable(
                f"平台 {address} 连接不上（{str(error) or type(error).__name__}）。数据没有丢失，恢复后会自动继续。"
            ) from error

    def close(self) -> None:
        """Let go of the connection. May be used again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _token(self) -> str:
        now = int(self._clock().timestamp())
        claims = {
            "aud": f"/{self._config.area}/{HUB}",
            "sub": "exchange",
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
            "jti": str(uuid.uuid4()),
        }
        return sign_token(self._signer, claims)


def said(answer: httpx.Response) -> str:
    """What the hub says of a refusal."""
    try:
        words = answer.json().get("message")
    except (ValueError, AttributeError):
        words = None
    return f"平台答复 {answer.status_code}：{words or '没有说明'}"
