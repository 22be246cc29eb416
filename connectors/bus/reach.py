"""Whether anybody listens at the broker's address, asked before a client is made.

The client itself takes its whole bootstrap time to say so, and leaves its refused sockets to the garbage collector.
"""

from __future__ import annotations

import socket

from connectors.bus.settings import BusSettings
from connectors.errors import BusUnavailable, Misconfigured

_PLAIN_PORT = 9092


def require_reachable(settings: BusSettings) -> None:
    """Pass when one of the addresses takes a connection; else `BusUnavailable`."""
    words = ""
    for address in settings.addresses:
        host, port = _split(address)
        try:
            judged = settings.judge(host, port) if settings.judge else [host]
            socket.create_connection((judged[0], port), timeout=settings.connect_timeout_ms / 1000).close()
            return
        except OSError as error:
            words = f"{address}：{error.strerror or error}"
    raise BusUnavailable(f"消息代理 {words or settings.bootstrap} 连接不上。数据没有丢失，恢复后会自动继续。")


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        return address.strip("[]"), _PLAIN_PORT
    if not port.isdigit():
        raise Misconfigured(f"消息代理地址 {address} 应为 主机:端口。")
    return host.strip("[]"), int(port)
