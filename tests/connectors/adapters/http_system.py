"""A department's HTTP system, as simple as they are: takes records, lists findings, gives tokens; over TLS where asked.

It behaves as departments are told to: one record per `Idempotency-Key`. Tests put own answers in its `answers`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

API_KEY = "k3y-9f2c-secret"
CLIENT_SECRET = "cl1ent-secret-77"
TOKEN = "t0ken-of-the-day"


class Call:
    """One request as it came."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method = handler.command
        parts = urlsplit(handler.path)
        self.path = parts.path
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers.get("content-length", 0)))


#: Status, headers, body; or what writes the raw answer to the connection.
Said = tuple[int, dict[str, str], bytes]
Raw = Callable[[socket.socket], None]


def as_json(value: Any, status: int = 200, **headers: str) -> Said:
    headers = {name.replace("_", "-"): text for name, text in headers.items()}
    return status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


class HttpSystem:
    """Runs from `start` to `stop`, on the same port every time."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.port = 0
        self.calls: list[Call] = []
        self.answers: dict[str, Callable[[Call], Said | Raw]] = {}
        self.taken: dict[bool, dict[str, dict[str, Any]]] = {False: {}, True: {}}
        self.listed: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
        self.settled: dict[str, tuple[bool, str]] = {}
        self.files: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._open: set[socket.socket] = set()

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        system = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60
            disable_nagle_algorithm = True

            def setup(self) -> None:
                if system.tls:
                    self.request = system.tls.wrap_socket(self.request, server_side=True)
                system._open.add(self.request)
                super().setup()

            def finish(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().finish()
                system._open.discard(self.request)
                with contextlib.suppress(OSError):
                    self.request.close()

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self._do
                raise AttributeError(name)

            def _do(self) -> None:
                call = Call(self)
                system.calls.append(call)
                said = system.answer(call)
                if callable(said):
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        said(self.connection)
                    return
                status, headers, body = said
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if call.method != "HEAD" and status != 304:
                    self.wfile.write(body)

            def log_message(self, *_args: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_args: Any) -> None: ...  # connections that tests break off

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Away for everybody, those who are connected as well."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def answer(self, call: Call) -> Said | Raw:
        if special := self.answers.get(call.path):
            return special(call)
        if call.path == "/token":
            return self._token(call)
        known = (f"Bearer {TOKEN}", None)
        if call.headers.get("authorization") not in known or (
            not call.headers.get("authorization") and call.headers.get("x-api-key") != API_KEY
        ):
            return as_json({"code": 401, "msg": f"bad key {call.headers.get('x-api-key')}"}, 401)
        with self._lock:
            return self._signed_in(call)

    def _signed_in(self, call: Call) -> Said:
        trial = call.path.startswith("/trial")
        path = call.path.removeprefix("/trial")
        if path == "/health":
            return as_json({"status": "UP"})
        if path == "/receive" and call.method in ("POST", "PUT"):
            return self._receive(call, "x-shenguan-sandbox" in call.headers)
        if (file := self.files.get(unquote(call.path))) is not None and call.method == "GET":
            return 200, {"Content-Type": "application/octet-stream"}, file
        if path == "/findings" and call.method == "GET":
            return self._list(call, self.listed[trial])
        if path == "/findings/answers" and call.method == "POST":
            told = json.loads(call.body)
            self.settled |= {one["id"]: (True, "") for one in told["accepted"]}
            self.settled |= {one["id"]: (False, one["words"]) for one in told["refused"]}
            return as_json({"code": 0})
        return as_json({"code": 404, "msg": "no such path"}, 404)

    def _receive(self, call: Call, trial: bool) -> Said:
        value = json.loads(call.body)
        records = value["data"] if isinstance(value["data"], list) else [value["data"]]
        if any(one.get("day") == "bad" for one in records):
            return as_json({"code": 1001, "msg": "日期格式不正确"}, 422 if len(records) == 1 else 400)
        for one in records:
            self.taken[trial].setdefault(one["id"], one)
        return as_json({"code": 0, "msg": "ok"})

    def _list(self, call: Call, listed: list[dict[str, Any]]) -> Said:
        ids = [one["id"] for one in listed]
        after = call.query.get("after")
        start = ids.index(after) + 1 if after in ids else 0
        size = int(call.query.get("limit", "100"))
        return as_json({"code": 0, "data": {"list": listed[start : start + size]}})

    def _token(self, call: Call) -> Said:
        good = base64.b64encode(f"hub:{CLIENT_SECRET}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {good}":
            return as_json({"error": "invalid_client"}, 401)
        return as_json({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 600})
