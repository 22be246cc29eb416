"""The layers below every protocol, tried one by one: address, name, TCP, TLS; each with its cause and what to do.

Guarantees: connects and shakes hands, sends nothing else; to judged addresses alone (`guard`); stops behind the first
layer that fails, and returns within about three times the timeout, the resolver's own time left out.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Generator
from dataclasses import dataclass

from connectors.adapters.guard import AddressRefused, NameUnknown, dial_any, guard, spelled
from connectors.adapters.outside import Outside
from connectors.adapters.port import Layer, Step
from connectors.adapters.tls import days_left, tls_words

FEW_DAYS = 30
DETAIL_CHARS = 500


@dataclass(frozen=True, slots=True)
class Target:
    """A place to be reached: with `tls`, a handshake is tried, checking the certificate for `server_name` or the host."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str = ""


class Watch:
    """Makes steps that know how long their layer took."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def step(self, layer: Layer, ok: bool, words: str, advice: str = "", detail: object = "") -> Step:
        """A step that began where the last one ended."""
        since, self._since = self._since, time.perf_counter()
        took = round((self._since - since) * 1000)
        return Step(layer, ok, words, advice, took, str(detail)[:DETAIL_CHARS])


def reach(target: Target, outside: Outside, *, timeout: float = 5.0) -> Generator[Step, None, bool]:
    """Say every layer as it goes; the generator returns whether all held: `if not (yield from reach(...)): return`."""
    watch = Watch()
    try:
        addresses = yield from _addresses(target, outside, watch)
    except AddressRefused as error:
        yield watch.step("address", False, error.message, "请填写对方系统在政务网或互联网上的地址。")
        return False
    except NameUnknown as error:
        advice = "请核对主机名的拼写；本机所用的 DNS 不认识它时，可改填 IP 地址。"
        yield watch.step("name", False, error.message, advice, error.__cause__ or "")
        return False
    try:
        connection = dial_any(addresses, target.port, timeout)
    except OSError as error:
        words, advice = _tcp_words(error, target.port)
        yield watch.step("tcp", False, words, advice, error)
        return False
    with connection:
        yield watch.step("tcp", True, f"端口 {target.port} 可以连接。")
        if target.tls is None:
            return True
        step = _handshake(connection, target, outside, watch)
        yield step
        return step.ok


def _addresses(target: Target, outside: Outside, watch: Watch) -> Generator[Step, None, list[str]]:
    host = spelled(target.host)
    found: list[str] = []
    try:
        found = guard(host, target.port, outside)
    except NameUnknown:
        yield watch.step("address", True, f"地址 {host}:{target.port} 写法正确。")
        raise
    yield watch.step("address", True, f"地址 {host}:{target.port} 允许连接。")
    if found != [host]:
        yield watch.step("name", True, f"{host} 解析为 {'、'.join(found)}。")
    return found


def _tcp_words(error: OSError, port: int) -> tuple[str, str]:
    if isinstance(error, ConnectionRefusedError):
        return f"对方的机器在，但端口 {port} 上没有程序在听。", "请核对端口，并确认对方的服务已经启动。"
    if isinstance(error, TimeoutError | socket.timeout):
        return (
            f"连接端口 {port} 超时，没有任何答复。",
            "多半是防火墙没有放行，请联系网络管理员放行本机到对方的这个端口。",
        )
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN):
        return "没有通往这个地址的网络。", "请确认本机与对方在同一网络（政务外网、专网），或联系网络管理员。"
    return (
        f"连接端口 {port} 失败：{error.strerror or error}。",
        "请稍后再试；仍然失败时联系对方的系统管理员。",
    )


def _handshake(connection: socket.socket, target: Target, outside: Outside, watch: Watch) -> Step:
    assert target.tls is not None
    name = target.server_name or spelled(target.host)
    try:
        with target.tls.wrap_socket(connection, server_hostname=name) as secured:
            return _certificate_step(secured, outside, watch)
    except (OSError, ValueError) as error:
        words, advice = tls_words(error)
        return watch.step("tls", False, words + "。", advice, error)


def _certificate_step(secured: ssl.SSLSocket, outside: Outside, watch: Watch) -> Step:
    left = days_left(secured.getpeercert(), outside.clock())
    words = f"{secured.version()} 握手成功，对方的证书有效"
    if left is None:
        return watch.step("tls", True, words + "。")
    advice = f"对方的证书还有 {left} 天到期，请提醒对方更换。" if left < FEW_DAYS else ""
    return watch.step("tls", True, f"{words}，还有 {left} 天到期。", advice)
