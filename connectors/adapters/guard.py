"""Which addresses a connector may reach: judged by the numbers that a name stands for, not by how it is written.

Guarantees: link-local addresses (where clouds keep their metadata), multicast, unspecified and reserved ones are never
reached, those of this machine and of the private ranges only where `Outside` allows them, the hub's own parts
(`Outside.closed`) never. A name is asked once: `dial` connects to the very address that was judged, so that a name which
changes its mind in between (DNS rebinding) gains nothing. Does not limit how long the system's resolver takes.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from connectors.adapters.outside import Outside
from connectors.errors import AdapterUnavailable, Misconfigured

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?")
#: Of addresses that name no port.
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "postgresql+psycopg": 5432}
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def _networks(*written: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one) for one in written)


_LINK_LOCAL = _networks("169.254.0.0/16", "fe80::/10")
#: Clouds answer here with the credentials of the machine that asks.
_METADATA = _networks("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128")
_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
_PRIVATE = _networks(
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7", "fec0::/10"
)
#: IPv6 addresses that carry an IPv4 address: the network, and how far from the right it stands.
_CARRIERS = (
    ("::ffff:0:0/96", 0),
    ("::ffff:0:0:0/96", 0),
    ("64:ff9b::/96", 0),
    ("::/96", 0),
    ("2002::/16", 80),
)
_CARRYING = tuple((ipaddress.IPv6Network(written), shift) for written, shift in _CARRIERS)


class AddressRefused(Misconfigured):
    """不允许连接这个地址。"""


class NameUnknown(AdapterUnavailable):
    """域名解析不出地址。"""


def guard(host: str, port: int, outside: Outside) -> list[str]:
    """The addresses that `host` stands for, all of them allowed; else AddressRefused. NameUnknown when there are none."""
    written = spelled(host)
    if not 0 < port < 65_536:
        raise AddressRefused(f"端口 {port} 不在 1 到 65535 之间，请改正。")
    found = _addresses(written, port)
    for address in found:
        if why := refused(address, port, outside):
            shown = written if str(address) == written else f"{written}（{address}）"
            raise AddressRefused(f"不允许连接 {shown}：{why}。")
    return [str(address) for address in found]


def places_of(*addresses: str) -> frozenset[tuple[str, int]]:
    """For `Outside.closed`: what "host:port" or an address with a scheme stands for, as far as it is known now."""
    found: set[tuple[str, int]] = set()
    for written in addresses:
        parts = urlsplit(written if "://" in written else f"//{written}")
        with contextlib.suppress(ValueError, NameUnknown, AddressRefused):
            if parts.hostname and (port := parts.port or _PORTS.get(parts.scheme, 0)):
                found |= {
                    (str(meant), port)
                    for one in _addresses(spelled(parts.hostname), port)
                    for meant in _meant(one)
                }
    return frozenset(found)


def _addresses(written: str, port: int) -> list[Address]:
    literal = _literal(written)
    return resolved(written, port) if literal is None else [literal]


def spelled(host: str) -> str:
    """The host in its one spelling; AddressRefused for spellings that programs read in different ways."""
    bare = host.strip().removeprefix("[").removesuffix("]")
    if ":" in bare:
        if _literal(bare) is None:
            raise AddressRefused(f"“{host}”不是主机名，也不是写法规范的 IPv6 地址。请只填写主机，端口另填。")
        return bare
    try:
        ascii_only = bare if bare.isascii() else bare.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise AddressRefused(f"“{host}”不是有效的主机名。") from error
    if _NUMBER.fullmatch(ascii_only.rstrip(".").rpartition(".")[2]) and _literal(ascii_only) is None:
        raise AddressRefused(f"“{host}”不是规范的 IP 地址写法，请写成四段十进制数字，例如 10.1.2.3。")
    if not _NAME.fullmatch(ascii_only):
        raise AddressRefused(f"“{host}”不是有效的主机名。")
    return ascii_only.lower()


def resolved(host: str, port: int) -> list[Address]:
    """What the system's resolver says of a name, each address once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameUnknown(f"主机名 {host} 解析不出地址。请核对拼写，并确认本机的 DNS 能解析它。") from error
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    return list(dict.fromkeys(addresses))


def refused(address: Address, port: int, outside: Outside) -> str | None:
    """Why this address may not be reached, as half a sentence; None when it may."""
    for one in _meant(address):
        if why := _why(one, port, outside):
            return why
    return None


def dial(host: str, port: int, outside: Outside, timeout: float) -> socket.socket:
    """A connection to one of the judged addresses. Raises AddressRefused, NameUnknown, or OSError of the last one tried."""
    return dial_any(guard(host, port, outside), port, timeout)


def dial_any(
    addresses: Iterable[str], port: int, timeout: float, options: Iterable[Any] = ()
) -> socket.socket:
    """A connection to the first of these addresses that takes one."""
    last: OSError = OSError("no address")
    for address in addresses:
        try:
            connection = socket.create_connection((address, port), timeout)
        except OSError as error:
            last = error
            continue
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in options:
            connection.setsockopt(*option)
        return connection
    raise last


def _literal(written: str) -> Address | None:
    if "%" in written:  # a zone: only link-local addresses have one
        return None
    try:
        return ipaddress.ip_address(written)
    except ValueError:
        return None


def _meant(address: Address) -> list[Address]:
    """The address, and the IPv4 address it carries, if it does."""
    if isinstance(address, ipaddress.IPv4Address) or address in _LOOPBACK[1] or int(address) == 0:
        return [address]
    carried: list[Address] = [
        ipaddress.IPv4Address(int(address) >> shift & 0xFFFF_FFFF)
        for network, shift in _CARRYING
        if address in network
    ]
    # What is carried decides; the carrier's own range says nothing.
    return carried[:1] or [address]


def _why(address: Address, port: int, outside: Outside) -> str | None:
    if _within(address, _LINK_LOCAL) or _within(address, _METADATA):
        return "链路本地或云主机元数据地址，任何连接器都不能访问"
    if (str(address), port) in outside.closed:
        return "这是平台自身的部件，连接器不能访问"
    if _within(address, _LOOPBACK):
        return None if outside.loopback_allowed else "这是本机地址，未开放给连接器"
    if address.is_multicast or address.is_unspecified:
        return "组播或未指定地址，不是一台主机"
    if _within(address, _PRIVATE):
        return None if outside.private_allowed else "内网地址，未开放给连接器"
    return None if address.is_global else "保留地址，不是一台可以访问的主机"


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
