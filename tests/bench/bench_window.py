"""From a department's finding on the broker to the clerk's browser: verified, taken in, committed, and on an open page.

Beside it, in the same run and on the same broker: a bare produce -> consume with the same client settings and bytes. Intake
and web server are processes of their own; the page is a real HTTP client on the event stream, signed in as a clerk.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import click
import httpx
from sqlalchemy import create_engine

from connectors.bus import BusSettings, Consumer, Producer, Record, ensure_topics
from hub.deciding.decide import decide
from hub.department import topic_out
from hub.ports import Desk
from shenguan.embedded import ports
from shenguan.embedded.process import wait_until
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.bench.bench_intake import DEPARTMENT, _county, _record
from tests.bench.bench_relay import _database
from tests.hub.builders import a_case
from tests.session_parts import Owner

GOAL_MS = 1000.0
FETCH_MS = 50
AREA = "990105"
PASSWORD = "only for the benchmark"
_PACE = 20  # findings a second
_WARM = 20
_NUMBER = re.compile(r"JC-(\d+)#")


def run(*, seconds: float = 12.0, rounds: int = 3) -> dict[str, object]:
    """Milliseconds of both arms, and their ratio. Starts and stops servers of its own."""
    servers = Owner(Path(tempfile.mkdtemp(prefix="bench-window-")))
    try:
        bench = _Bench(servers)
        with bench.at_work():
            found: dict[str, list[float]] = {"window": [], "bare": []}
            bench.window(_WARM / _PACE)
            for _ in range(rounds):
                found["window"] += bench.window(seconds)
                found["bare"] += bench.bare(seconds)
        bench.close()
    finally:
        servers.close()
    shown: dict[str, Any] = {arm: _shown(values) for arm, values in found.items()}
    return {
        "broker": "tansu memory://",
        "pace": _PACE,
        **shown,
        "p99": shown["window"]["p99"],
        "ratio": round(shown["window"]["p99"] / shown["bare"]["p99"], 2),
    }


def _shown(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "p50": round(statistics.median(ordered), 1),
        "p99": round(ordered[max(0, round(len(ordered) * 0.99) - 1)], 1),
        "most": round(ordered[-1], 1),
    }


class _Bench:
    def __init__(self, servers: Owner) -> None:
        self._url = _database(servers)
        self._bus = BusSettings(servers.get("broker")["bootstrap"], fetch_max_wait_ms=FETCH_MS, partitions=1)
        self._engine = create_engine(self._url)
        self._key = Signer.from_pem(DEPARTMENT, generate_private_key())
        self._hub = generate_private_key()
        self._desk = _desk(self._hub)
        _county(self._engine, self._key)
        self._topic, self._bare = topic_out(AREA, DEPARTMENT), f"{AREA}.bare"
        ensure_topics(self._bus, [self._topic, self._bare])
        self._port = ports.choose(("web",), remembered={}, configured={})["web"]
        self._number = 0
        self._got: dict[int, float] = {}

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Intake, web server, and one open page."""
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        programs = [
            context.Process(
                target=_intake, args=(self._url, self._bus.bootstrap, self._hub, stop), daemon=True
            ),
            context.Process(target=_web, args=(self._url, self._hub, self._port, stop), daemon=True),
        ]
        for program in programs:
            program.start()
        try:
            with self._page():
                yield
        finally:
            stop.set()
            for program in programs:
                program.join(20)
                program.kill()

    def window(self, seconds: float) -> list[float]:
        """Milliseconds from a finding's sending to the page's event."""
        count = round(seconds * _PACE)
        records = self._findings(count)
        sent = self._paced(records)
        assert wait_until(lambda: sent.keys() <= self._got.keys(), seconds=60)
        return [(self._got[number] - at) * 1000 for number, at in sent.items()]

    def bare(self, seconds: float) -> list[float]:
        """Milliseconds from sending to a plain consumer, of the same bytes."""
        records = [one._replace(topic=self._bare) for one in self._findings(round(seconds * _PACE))]
        got: dict[int, float] = {}
        consumer = Consumer(self._bus, f"{AREA}.bare")
        consumer.assign(consumer.partitions([self._bare]))
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                for message in consumer.poll(500, 100):
                    moment = time.monotonic()
                    got.update((int(found), moment) for found in _NUMBER.findall(message.value.decode()))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        sent = self._paced(records)
        assert wait_until(lambda: sent.keys() <= got.keys(), seconds=60)
        stop.set()
        thread.join(10)
        consumer.close()
        return [(got[number] - at) * 1000 for number, at in sent.items()]

    def close(self) -> None:
        self._engine.dispose()

    def _findings(self, count: int) -> list[Record]:
        first, self._number = self._number + 1, self._number + count
        cases = [a_case(number, area=AREA) for number in range(first, self._number + 1)]
        with self._engine.begin() as tx:
            decide(tx, cases, self._desk, actor="user:bench")
        return [
            _record(self._desk, self._key, case.case_no, number, bad=True, explain=f"JC-{number}#")
            for number, case in enumerate(cases, first)
        ]

    def _paced(self, records: list[Record]) -> dict[int, float]:
        producer, sent = Producer(self._bus), {}
        begun = time.monotonic()
        for at, record in enumerate(records):
            time.sleep(max(0.0, begun + at / _PACE - time.monotonic()))
            sent[int(_NUMBER.findall(record.value.decode())[0])] = time.monotonic()
            assert not any(producer.publish([record]))
        producer.close()
        return sent

    @contextlib.contextmanager
    def _page(self) -> Iterator[None]:
        client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=None, trust_env=False)
        assert wait_until(lambda: _answers(client), seconds=180)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login/").text)
        assert token
        form = {"username": "clerk", "password": PASSWORD, "csrf_token": token[1]}
        assert client.post("/login/", data=form).status_code == 302
        opened, stop = threading.Event(), threading.Event()
        thread = threading.Thread(target=self._listen, args=(client, opened, stop), daemon=True)
        thread.start()
        assert opened.wait(20)
        try:
            yield
        finally:
            stop.set()
            thread.join(10)
            client.close()

    def _listen(self, client: httpx.Client, opened: threading.Event, stop: threading.Event) -> None:
        with client.stream("GET", "/live/notices?after=0") as stream:
            for line in stream.iter_lines():
                opened.set()
                if stop.is_set():
                    return
                if line.startswith("data:"):
                    moment = time.monotonic()
                    for found in _NUMBER.findall(line):
                        self._got.setdefault(int(found), moment)


def _answers(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/login/").status_code == 200
    return False


def _desk(pem: bytes) -> Desk:
    vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
    return Desk(AREA, "http://hub.invalid", Signer.from_pem("hub", pem), vault, lambda: datetime.now(UTC))


def _intake(url: str, bootstrap: str, pem: bytes, stop: Event) -> None:
    from connectors.intake.program import IntakeConfig
    from connectors.intake.program import run as take

    bus = BusSettings(bootstrap, fetch_max_wait_ms=FETCH_MS, partitions=1)
    _until(stop, lambda told: take(IntakeConfig(url, bus, _desk(pem)), told))


def _web(url: str, pem: bytes, port: int, stop: Event) -> None:
    from werkzeug.serving import make_server

    from admin import AdminConfig, create_app
    from admin.accounts import ensure_user, prepare

    app = create_app(AdminConfig(database_url=url, web_secret="only for a benchmark", desk=_desk(pem)))
    prepare(app)
    ensure_user(app, "clerk", PASSWORD, role="clerk", name="窗口")
    server = make_server("127.0.0.1", port, app, threaded=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stop.wait()
    app.extensions["shenguan"].live.stop()
    server.shutdown()


def _until(stop: Event, program: Callable[[threading.Event], None]) -> None:
    told = threading.Event()
    threading.Thread(target=lambda: (stop.wait(), told.set()), daemon=True).start()
    program(told)


@click.command()
@click.option("--seconds", default=12.0)
@click.option("--rounds", default=3)
def main(seconds: float, rounds: int) -> None:
    """Print the figures."""
    found = run(seconds=seconds, rounds=rounds)
    click.echo(f"milliseconds at {found['pace']} a second: window {found['window']}, bare {found['bare']}")
    click.echo(f"p99 {found['p99']} ms (goal {GOAL_MS:g}); of the bare p99 {found['ratio']}")


if __name__ == "__main__":
    main()
