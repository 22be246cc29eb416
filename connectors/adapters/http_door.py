"""One department's HTTP system, as adapters ask it: one request, one bounded answer.

Guarantees: connects to judged addresses alone (`guard`), also for every reconnection; follows no redirect; takes no proxy
from the environment; an answer is bounded in bytes (unpacked ones as well) and in time, headers included, however slowly
it drips. What fails on the way is AdapterUnavailable with a sentence; no credential is in any sentence.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from connectors.adapters.guard import NameUnknown, guard
from connectors.adapters.http_address import port_of
from connectors.adapters.outside import Outside
from connectors.adapters.reachable import Target
from connectors.adapters.tls import tls_words
from connectors.errors import AdapterUnavailable

CONNECT_S = 5.0
WRITE_PIECE = 64 * 1024
#: Shorter than what servers keep: a connection that they have closed meanwhile is not used again.
IDLE_S = 3.0
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_-]+)", re.IGNORECASE)
_CHINESE = ("gbk", "gb2312", "gb18030")
_UNPACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class AnswerTooLong(AdapterUnavailable):
    """对方的答复超过大小上限。"""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `limit` is how many bytes its answer may have."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    limit: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered: the status, headers (small letters), and the whole body, unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text, in the encoding that was said, UTF-8 where none or an unknown one was."""
        said = _CHARSET.search(self.headers.get("content-type", ""))
        if said and said[1].lower() in _CHINESE:
            return self.body.decode("gb18030", "replace")
        return self.body.decode("utf-8-sig", "replace")

    @property
    def media_type(self) -> str:
        """Without parameters; empty when not said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def excerpt(self, characters: int = 200) -> str:
        """The beginning of the body on one line, for a person."""
        text = self.text[: characters * 4]
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:characters]

    def retry_after(self, now: float) -> float | None:
        """How many seconds the other side asked us to wait: at most an hour, whatever it says."""
        return seconds_to_wait(self.headers.get("retry-after", ""), now)


def seconds_to_wait(written: str, now: float) -> float | None:
    """A Retry-After header, in seconds or as a date; None when it says nothing."""
    wanted: float | None = None
    if written.strip().isdecimal():
        wanted = float(written.strip()[:9])
    elif written.strip():
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            wanted = parsedate_to_datetime(written).timestamp() - now
    return None if wanted is None else min(max(wanted, 0.0), 3600.0)


class HttpDoor:
    """Connects at first use, and again when needed. One thread."""

    def __init__(
        self,
        outside: Outside,
        tls: ssl.SSLContext,
        *,
        server_name: str = "",
        named_host: str = "",
        patience_s: float = 20.0,
    ) -> None:
        self._outside = outside
        self._tls = tls
        self._server_name = server_name
        self._named_host = named_host  # the one host that `server_name` is the name of; empty: every host
        self._patience = patience_s
        self._deadline = _Deadline()
        self._pool: httpcore.ConnectionPool | None = None

    def target(self, url: httpx.URL) -> Target:
        """The place of this address, as `reachable.reach` tries it."""
        secured = url.scheme == "https"
        return Target(url.host, port_of(url), self._tls if secured else None, self._name_for(url.host))

    def _name_for(self, host: str) -> str:
        return self._server_name if self._named_host in ("", host) else ""

    def ask(self, ask: Ask) -> Said:
        """One request and its whole answer. Raises AdapterUnavailable, and AddressRefused (Misconfigured)."""
        if self._pool is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=self._tls,
                max_connections=2,
                keepalive_expiry=IDLE_S,
                network_backend=_Judged(self._outside, self._deadline),
            )
        self._deadline.start(self._patience)
        try:
            return self._asked(self._pool, ask)
        except (httpcore.TimeoutException, TimeoutError) as error:
            self.close()
            raise AdapterUnavailable(
                f"对方没有在 {self._patience:g} 秒内答复完毕（{_shown(ask)}）。请对方查看其系统是否过慢。"
            ) from error
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            OSError,
        ) as error:
            self.close()
            raise AdapterUnavailable(_way_words(error, ask)) from error

    def _asked(self, pool: httpcore.ConnectionPool, ask: Ask) -> Said:
        extensions: dict[str, Any] = {"timeout": {"connect": CONNECT_S, "pool": CONNECT_S}}
        if name := self._name_for(httpx.URL(ask.url).host):
            extensions["sni_hostname"] = name
        headers = {"Accept-Encoding": "gzip, deflate", "User-Agent": "shenguan-connector", **ask.headers}
        with pool.stream(
            ask.method,
            ask.url,
            headers=[(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()],
            content=ask.content or None,
            extensions=extensions,
        ) as answer:
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            body = b"" if ask.method == "HEAD" else _whole(answer.iter_stream(), told, ask.limit)
            return Said(answer.status, told, body)

    def close(self) -> None:
        """Let go of every connection. May be used again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()


def _shown(ask: Ask) -> str:
    """Without the query: it may carry a key."""
    return f"{ask.method} {ask.url.partition('?')[0]}"


def _way_words(error: Exception, ask: Ask) -> str:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        words, advice = tls_words(cause)
        return f"{words}（{_shown(ask)}）。{advice}"
    said = str(error) or type(error).__name__
    return f"对方的系统连接不上或中断了连接（{_shown(ask)}：{said}）。数据没有丢失，稍后会再试。"


def _whole(pieces: Iterable[bytes], headers: Mapping[str, str], limit: int) -> bytes:
    packing = headers.get("content-encoding", "identity").strip().lower() or "identity"
    if packing not in ("identity", *_UNPACKED):
        raise AdapterUnavailable(
            f"对方的答复用了不认识的压缩方式（{packing[:40]}）。请对方不压缩，或用 gzip。"
        )
    unpack = None if packing == "identity" else zlib.decompressobj(_UNPACKED[packing])
    body, came = bytearray(), False
    for piece in pieces:
        came = True
        room = limit - len(body) + 1
        try:
            body += piece[:room] if unpack is None else unpack.decompress(piece, room)
        except zlib.error as error:
            raise AdapterUnavailable("对方的答复声称已压缩，但解不开。") from error
        if len(body) > limit or (unpack is not None and unpack.unconsumed_tail):
            raise AnswerTooLong(
                f"对方的答复超过 {limit // 1024} KiB 的上限，没有读完。请对方分页，或减小每页条数。"
            )
    if unpack is not None and came and not unpack.eof:
        raise AdapterUnavailable("对方的答复没有传完就中断了，稍后会再试。")
    return bytes(body)


class _Deadline:
    """The moment until which one request and its answer may take."""

    def __init__(self) -> None:
        self._until = 0.0

    def start(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self, most: float | None) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return left if most is None else min(left, most)


class _Judged(httpcore.NetworkBackend):
    """Connects to addresses that `guard` has judged, and to no socket of this machine."""

    def __init__(self, outside: Outside, deadline: _Deadline) -> None:
        self._outside = outside
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        last: Exception = NameUnknown()
        for address in guard(host, port, self._outside):
            try:
                stream = self._plain.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            return _Timed(stream, self._deadline)
        raise last

    def connect_unix_socket(self, *_args: Any, **_more: Any) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("unix")


class _Timed(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline, so that dripping answers do."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_PIECE):
            self._stream.write(buffer[start : start + WRITE_PIECE], self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Timed(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
