"""Every connection of a client goes to an address that was judged: bootstrap addresses and those that brokers advertise.

Guarantees: the client connects to the very addresses that the judge returned, by the host's name only in TLS; what the judge
refuses is not connected to. Uses the client's registry of ways to connect (meant for proxies), keyed by its URL's scheme.
"""

from __future__ import annotations

import itertools
import socket
import weakref
from collections.abc import Callable
from typing import Any

from kafka.errors import KafkaConnectionError
from kafka.net.inet import KafkaNetSocket

from connectors.errors import ConnectorError

#: (host, port) -> the addresses that may be connected to; raises ConnectorError.
Judge = Callable[[str, int], list[str]]
SCHEME = "judged"

_numbers = itertools.count(1)
_ways: weakref.WeakKeyDictionary[Judge, str] = weakref.WeakKeyDictionary()
_judges: weakref.WeakValueDictionary[str, Judge] = weakref.WeakValueDictionary()


def way_through(judge: Judge) -> str:
    """The client's `proxy_url` for this judge. Holds on to it no longer than others do."""
    way = _ways.get(judge)
    if way is None:
        way = _ways[judge] = f"{SCHEME}://{next(_numbers)}"
        _judges[way] = judge
    return way


class JudgedSocket(KafkaNetSocket):  # type: ignore[misc]
    """Asks the judge instead of the resolver."""

    SCHEMES = (SCHEME,)

    def __init__(self, proxy_url: str) -> None:
        self._judge = _judges.get(proxy_url)

    def dns_lookup(self, host: str, port: int, raise_error: bool = False) -> list[Any]:  # noqa: ARG002 - the client's
        """The judged addresses, as the resolver would say them."""
        if self._judge is None:
            raise KafkaConnectionError("nobody judges addresses any more")
        try:
            addresses = self._judge(host, port)
        except ConnectorError as error:
            raise KafkaConnectionError(error.message) from error
        return [
            found
            for address in addresses
            for found in socket.getaddrinfo(
                address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
        ]
