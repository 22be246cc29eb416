"""Ports on the loopback address: chosen free once, remembered, reused while they are free.

Guarantees: a port the administrator configured (SHENGUAN_PORT_<NAME>) is used or refused, never silently
replaced; two installations that start at the same moment choose different ones (on Linux). Not a guarantee: that no other
program takes a free port between choosing and using it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

HOST = "127.0.0.1"
# Below the range the kernel hands out for outgoing connections, so that a remembered port is rarely taken.
LOWEST, HIGHEST = 20_000, 32_000
PREFERRED = {"web": 8080}
_claimed: set[int] = set()


class PortTaken(RuntimeError):
    """配置的端口已被其他程序占用。"""


def is_free(port: int) -> bool:
    """True when a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return not is_open(port)


def is_open(port: int) -> bool:
    """True when something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def is_blocked(port: int) -> bool:
    """True when an object store that was killed left a socket named after this port in /tmp, and it is another user's:
    the store takes such a socket away before it starts, and ends where it may not."""
    mine = os.geteuid()
    for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - its choice, not ours
        with contextlib.suppress(OSError):
            if mine not in (0, left.lstat().st_uid):
                return True
    return False


def _claim(port: int) -> bool:
    """Keep others who choose just now off this port, by a name in the kernel that ends with this process."""
    if port in _claimed or not sys.platform.startswith("linux"):
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0shenguan-port-{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # stays open for as long as we live
    _claimed.add(port)
    return True


def _take(port: int) -> bool:
    return is_free(port) and not is_blocked(port) and _claim(port)


def _pick(taken: set[int]) -> int:
    for _ in range(2000):
        # Not for secrecy: two installations starting together should not try the same ports in the same order.
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311
        if port not in taken | _claimed and _take(port):
            return port
    raise PortTaken(f"在 {LOWEST}-{HIGHEST} 之间找不到空闲端口。")


def choose(
    names: Iterable[str], *, remembered: Mapping[str, int], configured: Mapping[str, int]
) -> dict[str, int]:
    """A port for each name: the configured one, else the remembered one if free, else a new one.

    Raises PortTaken when a configured port is in use.
    """
    ports: dict[str, int] = {}
    for name in names:
        taken = set(ports.values())
        if name in configured:
            port = configured[name]
            if not is_free(port):
                raise PortTaken(
                    f"端口 {port}（SHENGUAN_PORT_{name.upper()}）已被占用，请换一个端口或停掉占用它的程序。"
                )
        else:
            wanted = [p for p in (remembered.get(name), PREFERRED.get(name)) if p and p not in taken]
            port = next((p for p in wanted if _take(p)), 0) or _pick(taken)
        ports[name] = port
    return ports


def configured(env: Mapping[str, str] = os.environ) -> dict[str, int]:
    """The ports set by SHENGUAN_PORT_<NAME>. Raises ValueError with a sentence for what is not a port."""
    prefix = "SHENGUAN_PORT_"
    found = {}
    for key, value in env.items():
        if key.startswith(prefix):
            if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
                raise ValueError(f"{key}={value} 不是端口号，应为 1-65535 之间的整数。")
            found[key.removeprefix(prefix).lower()] = int(value)
    return found


def remember(file: Path, names: Iterable[str]) -> dict[str, int]:
    """Choose ports for the names and keep them in the file for the next start."""
    try:
        old = {str(k): int(v) for k, v in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        old = {}
    ports = choose(names, remembered=old, configured=configured())
    file.write_text(json.dumps({**old, **ports}, indent=1))
    return ports
