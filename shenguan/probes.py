"""Whether a part answers now: each question asked with short patience, none raises.

Guarantees: every probe is back within `PATIENCE` seconds or little more; its answer is a sentence for a person.
"""

from __future__ import annotations

import importlib
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from shenguan.settings import Settings

PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    """One part: `state` is ok, waiting, down or unknown."""

    state: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.state == "ok"


Probe = Callable[[], Health]


def load() -> None:
    """Load what the probes of database and files work with: how long a slow machine takes for that is not their answer."""
    importlib.import_module("psycopg")
    importlib.import_module("storage.objects")
    importlib.import_module("shenguan.wiring")


def ask_all(probes: dict[str, Probe]) -> dict[str, Health]:
    """Ask all at once; who is not back in time is down."""
    pool = ThreadPoolExecutor(max(1, len(probes)), thread_name_prefix="probe")
    asked = {name: pool.submit(probe) for name, probe in probes.items()}
    wait(asked.values(), timeout=PATIENCE + 1.0)
    found = {}
    for name, future in asked.items():
        if not future.done():
            found[name] = Health("down", f"{PATIENCE:.0f} 秒内没有应答")
        elif error := future.exception():
            found[name] = Health("down", f"连接不上：{words_of(error)}")
        else:
            found[name] = future.result()
    pool.shutdown(wait=False, cancel_futures=True)
    return found


def words_of(error: BaseException) -> str:
    """A foreign error as half a sentence, without the library's own advertising."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    return text[:160] or type(error).__name__


def database(settings: Settings) -> Health:
    """Connects and asks for the migration's mark."""
    from sqlalchemy import text

    from shenguan import wiring

    engine = wiring.engine_of(settings)
    try:
        with engine.connect() as tx:
            there = tx.execute(text("SELECT to_regclass('alembic_version')")).scalar_one()
            return Health("ok") if there else Health("down", "还没有建表：请运行 shenguan migrate")
    finally:
        engine.dispose()


def object_store(settings: Settings) -> Health:
    """Answers, accepts our keys and has the bucket."""
    from shenguan import wiring

    wiring.objects_of(settings).check()
    return Health("ok")


def broker(settings: Settings) -> Health:
    """Some broker of the list answers; without TLS it is also asked for its API versions, as every client does first."""
    problems = []
    for address in settings.kafka_bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE / 2) as connection:
                if settings.kafka_security_protocol != "PLAINTEXT" or _speaks_kafka(connection):
                    return Health("ok")
                problems.append(f"{address} 上的不是消息代理")
        except (OSError, ValueError) as error:
            problems.append(f"{address} {words_of(error)}")
    return Health("down", "；".join(problems) or "没有设置地址")


def _speaks_kafka(connection: socket.socket) -> bool:
    """ApiVersions v0 with correlation id 1."""
    connection.settimeout(PATIENCE / 2)
    connection.sendall(struct.pack(">ihhih", 10, 18, 0, 1, -1))
    answer = connection.recv(10)
    return len(answer) >= 8 and answer[4:8] == struct.pack(">i", 1)


def web(url: str) -> Health:
    """The pages answer, whatever they say about the other parts."""
    status, took = _get(url, "/healthz")
    if status is None:
        return Health("down", f"{url} 没有应答")
    return (
        Health("ok", f"{took * 1000:.0f} 毫秒") if status in (200, 503) else Health("down", f"HTTP {status}")
    )


def web_answers(url: str) -> bool:
    """True when the pages are up."""
    return web(url).ok


def _get(url: str, path: str) -> tuple[int | None, float]:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    started = time.monotonic()
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().status, time.monotonic() - started
    except (OSError, HTTPException):
        return None, time.monotonic() - started
    finally:
        connection.close()
