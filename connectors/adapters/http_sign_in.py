"""How we show ourselves to a department's HTTP system: nothing, an API key, a password, or an OAuth2 token.

Guarantees: a token is fetched once and kept until shortly before it ends; nothing that a token service answers gets into a
header unjudged; no secret is in any sentence. Client certificates are the business of `tls`.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from connectors.adapters.http_address import read_address
from connectors.adapters.http_door import Ask, HttpDoor, Said
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.encoding import Malformed, loads

TOKEN_LIMIT = 64 * 1024
#: A token that ends within this many seconds is not used any more.
MARGIN_S = 30.0
LONGEST_S, SHORTEST_S = 86_400.0, 60.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,16000}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,8000}")


class NotSignedIn(AdapterUnavailable):
    """对方不接受我们的登录信息。"""


def header(name: str, value: str) -> tuple[str, str]:
    """A header that cannot smuggle another one. Raises Misconfigured, which names it and does not repeat its value."""
    if not _HEADER_NAME.fullmatch(name):
        raise Misconfigured(f"“{name[:100]!r}”不是有效的请求头名称，只能含英文字母、数字和连字符。")
    if not _HEADER_VALUE.fullmatch(value):
        raise Misconfigured(f"请求头 {name} 的内容含有换行或非英文字符，请重新填写。")
    return name, value


class SignIn:
    """By the settings of an endpoint: `auth` is none, api_key, basic or oauth2."""

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str], door: HttpDoor) -> None:
        self._settings = settings
        self._secrets = secrets
        self._door = door
        self._token = ""
        self._until = 0.0

    @property
    def renews(self) -> bool:
        """Whether a new token may help against a 401."""
        return bool(self._settings["auth"] == "oauth2")

    @property
    def shows(self) -> bool:
        """Whether we show anything at all."""
        return bool(self._settings["auth"] != "none")

    @property
    def token_address(self) -> str:
        """Where tokens are fetched."""
        return str(self._settings["token_address"])

    def headers(self) -> dict[str, str]:
        """What goes with every request. Raises NotSignedIn, AdapterUnavailable, Misconfigured."""
        way = self._settings["auth"]
        if way == "api_key":
            return dict([header(self._settings["api_key_header"], self._secret("api_key", "API 密钥"))])
        if way == "basic":
            return {"Authorization": _basic(self._settings["username"], self._secret("password", "口令"))}
        if way == "oauth2":
            if not self._token or time.monotonic() >= self._until:
                self._fetch()
            return {"Authorization": f"Bearer {self._token}"}
        return {}

    def forget(self) -> None:
        """The token was not taken: fetch a new one before the next request."""
        self._token = ""

    def _secret(self, name: str, title: str) -> str:
        if value := self._secrets.get(name):
            return value
        raise Misconfigured(f"还没有填写{title}，请在端点的“秘密”中填写。")

    def _fetch(self) -> None:
        address = str(read_address(self._settings["token_address"]))
        form = {"grant_type": "client_credentials"}
        if scope := self._settings["scope"]:
            form["scope"] = scope
        client, secret = self._settings["client_id"], self._secret("client_secret", "客户端密钥")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._settings["token_sign_in"] == "body":  # noqa: S105 - a choice of the form
            form |= {"client_id": client, "client_secret": secret}
        else:
            headers["Authorization"] = _basic(quote_plus(client), quote_plus(secret))
        said = self._door.ask(Ask("POST", address, headers, urlencode(form).encode(), TOKEN_LIMIT))
        self._token, lasts = _token_of(said)
        self._until = time.monotonic() + lasts - MARGIN_S


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _token_of(said: Said) -> tuple[str, float]:
    """The token and how many seconds it lasts. Raises NotSignedIn with what the token service said."""
    answer = _object(said)
    if said.status != 200:
        words = _WORDS.get(str(answer.get("error")), "")
        if said.status in (429, 500, 502, 503, 504):
            raise AdapterUnavailable(
                f"对方的令牌服务暂时不可用（答复 {said.status}）。数据没有丢失，稍后会再试。"
            )
        raise NotSignedIn(
            f"对方的令牌服务没有发给令牌（答复 {said.status}）：{words or '请核对令牌地址和客户端密钥'}。"
        )
    token, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise NotSignedIn("对方的令牌服务的答复里没有可用的 access_token。请核对令牌地址。")
    if str(kind).lower() != "bearer":
        raise NotSignedIn("对方的令牌服务发来的不是 Bearer 令牌，连接器不支持。")
    lasts = answer.get("expires_in", 3600)
    usable = isinstance(lasts, int | float) and not isinstance(lasts, bool)
    return token, min(max(float(lasts), SHORTEST_S), LONGEST_S) if usable else SHORTEST_S


def _object(said: Said) -> Mapping[str, Any]:
    try:
        answer = loads(said.body)
    except Malformed:
        answer = None
    return answer if isinstance(answer, dict) else {}


#: RFC 6749, 5.2. What else the service writes is not repeated: it may echo what was sent.
_WORDS = {
    "invalid_client": "客户端编号或密钥不对",
    "invalid_scope": "对方不给这个权限范围（scope）",
    "unauthorized_client": "对方没有允许这个客户端使用 client_credentials",
    "unsupported_grant_type": "对方不支持 client_credentials",
    "invalid_request": "对方认为请求格式不对，请核对“客户端密钥怎样送出”",
    "invalid_grant": "对方不接受这组登录信息",
}
