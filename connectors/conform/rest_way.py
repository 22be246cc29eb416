"""A trial over REST: a small server that plays the hub's door, /api/hub/v1, for one department.

Guarantees: takes only what comes with a token of the department's key, for this hub, alive and never used before, and says
what is wrong with any other; hands out our messages by place, 304 while nothing is new, and takes the department's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.bus import Message
from connectors.conform.letters import Letter
from connectors.conform.verdict import Line, read
from connectors.conform.workshop import Workshop
from connectors.errors import Misconfigured
from schemas import Malformed, dumps, loads
from storage.signing import BadSignature, verify_token

PREFIX = "/api/hub/v1"
MOST_BYTES = 12 << 20
MOST_AT_ONCE = 200
RAW = "application/cloudevents+json"
Answer = tuple[int, dict[str, Any]]


class Refused(Exception):
    """A request that the door does not take: the status, its name, and words."""

    def __init__(self, status: int, error: str, words: str) -> None:
        super().__init__(words)
        self.status, self.error = status, error


class RestWay:
    """Listens at `address` ('127.0.0.1:8099'; port 0: a free one) from the start on."""

    def __init__(self, shop: Workshop, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise Misconfigured(f"“{address}”应写成 地址:端口，例如 127.0.0.1:8099。")
        self.shop = shop
        self.sent: list[Letter] = []
        self._heard: list[Message] = []
        self._spent: set[str] = set()
        self._faults: list[str] = []
        self._asked = False
        self._lock = threading.Lock()
        self._server = _server(self, host.strip("[]"), int(port))
        self.address = f"http://{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def send(self, sent: Sequence[Letter]) -> None:
        """From now on they can be fetched."""
        with self._lock:
            self.sent = list(sent)

    def heard(self) -> Sequence[Message]:
        """What was posted so far."""
        with self._lock:
            return list(self._heard)

    def complaints(self) -> Sequence[Line]:
        """What was wrong with the requests themselves."""
        shown = "；".join(dict.fromkeys(self._faults[:3]))
        asked = "" if self._asked else "没有来取过消息"
        return (
            Line("fetched", "REST：按位置取消息", self._asked, asked),
            Line("token", "REST：请求正确，令牌有效且只用一次", not self._faults, shown),
        )

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """One request."""
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix(PREFIX)
        try:
            with self._lock:
                self._admit(headers)
                if (method, path) == ("GET", "/messages"):
                    return 200, self._page(query)
                if (method, path) == ("GET", "/place"):
                    return 200, {"signed": [], "next": "", "more": False}
                if (method, path) == ("POST", "/messages"):
                    return 200, {"results": self._take(headers, body)}
            raise Refused(404, "not_found", f"没有 {method} {path[:100]}")
        except Refused as error:
            self._faults.append(str(error))
            return error.status, {"error": error.error, "message": str(error)}

    def _admit(self, headers: dict[str, str]) -> None:
        token = headers.get("authorization", "").removeprefix("Bearer ").strip()
        try:
            claims = verify_token(
                self.shop.department_keys, token, at=datetime.now(UTC), audience=f"/{self.shop.area}/hub"
            )
        except BadSignature as error:
            raise Refused(401, error.cause, str(error)) from error
        jti = claims.get("jti")
        if claims.get("sub") != "exchange":
            raise Refused(401, "bad_signature", "访问令牌的 sub 应为 exchange")
        if not isinstance(jti, str) or not 8 <= len(jti) <= 100:
            raise Refused(401, "bad_signature", "访问令牌缺少 jti（8 到 100 个字符，每次不同）")
        if jti in self._spent:
            raise Refused(409, "conflict", "同一个访问令牌用了两次")
        self._spent.add(jti)

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        self._asked = True
        after, limit = query.get("after", "") or "0", query.get("limit", "100")
        if not after.isdecimal() or int(after) > len(self.sent):
            raise Refused(410, "place_lost", f"after 不是上一次回答中的 next：{after[:40]}")
        if not limit.isdecimal() or not 1 <= int(limit) <= MOST_AT_ONCE:
            raise Refused(422, "rejected", f"limit 应为 1 到 {MOST_AT_ONCE} 的整数")
        begin, end = int(after), min(int(after) + int(limit), len(self.sent))
        signed = read(self._heard, self.shop).signed_for() if query.get("unsigned") in ("true", "1") else {}
        found = [one for one in self.sent[begin:end] if one.event_id not in signed]
        return {
            "messages": [_told(one) for one in found],
            "next": str(end) if end else "",
            "more": end < len(self.sent),
        }

    def _take(self, headers: dict[str, str], body: bytes) -> list[dict[str, Any]]:
        results = []
        for value, signature in _brought(headers, body):
            said = {"signature": signature.encode()} if signature else {}
            known = any(one.value == value for one in self._heard)
            message = Message(self.shop.topic_out, 0, len(self._heard), None, value, said)
            self._heard.append(message)
            wrong = read([message], self.shop).faults
            result = {
                "outcome": "duplicate" if known else "taken",
                "sha256": hashlib.sha256(value).hexdigest(),
            }
            if wrong:
                words = "；".join(one for several in wrong.values() for one in several)
                result |= {"outcome": "refused", "cause": next(iter(wrong)), "message": words}
            results.append(result)
        return results


def _told(letter: Letter) -> dict[str, Any]:
    return {
        "event_id": letter.event_id,
        "type": str(letter.event.get("type", "")),
        "key": letter.key,
        "value": base64.b64encode(letter.value).decode(),
        "signature": letter.signature or "",
        "kid": letter.kid,
        "sha256": letter.sha256,
        "created_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _brought(headers: dict[str, str], body: bytes) -> list[tuple[bytes, str]]:
    if headers.get("content-type", "").partition(";")[0].strip() == RAW:
        return [(body, headers.get("signature", ""))]
    try:
        document = loads(body)
        listed = document.get("messages", [document])
        found = [(base64.b64decode(one["value"], validate=True), str(one["signature"])) for one in listed]
    except (Malformed, AttributeError, KeyError, TypeError, binascii.Error, ValueError) as error:
        words = '请求体应为 {"messages": [{"value"（Base64）, "signature"}]}'
        raise Refused(422, "rejected", words) from error
    if not 1 <= len(found) <= MOST_AT_ONCE:
        raise Refused(422, "rejected", f"一次 1 到 {MOST_AT_ONCE} 条")
    return found


def _server(way: RestWay, host: str, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self.close_connection = True
                self._say(413, {"error": "too_large", "message": "请求体过大或没有写明长度。"}, "")
                return
            self._answer(self.rfile.read(int(length)))

        def _answer(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, document = way.answer(self.command, self.path, headers, body)
            tag = f'"{hashlib.sha256(dumps(document)).hexdigest()[:32]}"' if self.command == "GET" else ""
            if status == 200 and tag and not document.get("messages") and headers.get("if-none-match") == tag:
                status = 304
            self._say(status, document, tag)

        def _say(self, status: int, document: dict[str, Any], tag: str) -> None:
            content = b"" if status == 304 else json.dumps(document, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if tag:
                self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: Any) -> None:
            """What was wrong is in the verdict."""

    return ThreadingHTTPServer((host, port), Handler)
