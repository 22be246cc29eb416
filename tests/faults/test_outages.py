"""Faults that last: a relay that is stopped and goes on later, a database that stays away, a broker that comes back empty.

One installation for all, its programs set up as in production; the verdict of each test covers everything so far.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from hub.exchange.outbox import OutboxRow
from tests.connectors.waiting import until
from tests.faults.apart import DEPARTMENT, Apart, wait
from tests.faults.history import verdict
from tests.faults.load import Decider, Load, Log, Reporter
from tests.faults.stores import collect, until_quiet

AWAY_SECONDS = 10.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def apart(parts: Any) -> Iterator[Apart]:
    store = {
        "endpoint": parts.s3_endpoint, "access_key": parts.s3_access_key, "secret_key": parts.s3_secret_key,
        "bucket": f"apart-{time.monotonic_ns()}",
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="sg-apart-", ignore_cleanup_errors=True) as folder:
        made = Apart(Path(folder), store, "990102")
        try:
            made.start()
            yield made
        finally:
            print(made.said())
            made.close()


@pytest.fixture(scope="module")
def log() -> Log:
    return Log()


def both_ends_agree(apart: Apart, log: Log) -> None:
    """Nothing moves any more, and what went in at one end came out at the other."""
    quiet = until_quiet(apart.engine, log, seconds=240)
    history = collect(
        apart.engine, log, stores={DEPARTMENT: apart.store}, area=apart.area, bootstrap=apart.broker.bootstrap
    )
    faults = verdict(history)
    print(f"{len(history.decisions)} decisions, {len(history.findings)} findings, quiet after {quiet:.1f} s")
    assert faults == [], "\n".join(map(str, faults[:20]))


def load(apart: Apart, log: Log, seed: int) -> Load:
    return Load(
        Decider(apart.settings.database_url, apart.desk, log, seed),
        Reporter(DEPARTMENT, apart.store, log, seed),
    )


def relay_backends(apart: Apart) -> set[int]:
    """The relays' own sessions."""
    with apart.engine.connect() as tx:
        found = text("SELECT pid FROM pg_stat_activity WHERE application_name = 'shenguan relay'")
        return set(tx.execute(found).scalars())


def test_a_stopped_relay_that_goes_on_does_no_harm(apart: Apart, log: Log) -> None:
    """Claim: a relay is stopped in the middle of its work and its session ends; a second one takes over its share; when the
    first goes on again, no message is lost and none of a key appears before an earlier one."""
    apart.run("intake")
    apart.connector()
    until(lambda: _has_inbox(apart.store))
    first = apart.run("relay")
    mine = until(lambda: relay_backends(apart))
    second = apart.run("relay")
    until(lambda: len(relay_backends(apart)) == 2)
    with load(apart, log, 1):
        wait(2)
        first.tell(signal.SIGSTOP)
        wait(1)
        with apart.engine.begin() as tx:  # what keep-alive does to a machine that is gone
            cut = tx.execute(select(func.clock_timestamp())).scalar_one()
            for pid in mine:
                tx.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        until(lambda: _later_rows_leave(apart, cut))
        wait(1)
        first.tell(signal.SIGCONT)
        wait(3)
    assert first.returncode is None
    both_ends_agree(apart, log)
    apart.end(second)


def _has_inbox(store: Path) -> bool:
    """The connector has made its tables: it runs."""
    if not store.exists():
        return False
    with closing(sqlite3.connect(store, timeout=60)) as db:
        return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'shenguan_findings'").fetchall())


def _later_rows_leave(apart: Apart, cut: datetime) -> bool:
    """Rows of every shard are going out again: none waits that was written before."""
    with apart.engine.connect() as tx:
        waiting = (
            select(OutboxRow.created_at)
            .where(OutboxRow.published_at.is_(None))
            .where(OutboxRow.created_at <= cut)
            .limit(1)
        )
        return tx.execute(waiting).first() is None


def test_a_database_that_is_away_for_ten_seconds(apart: Apart, log: Log) -> None:
    """Claim: while the database is away `status` and `/healthz` say so, no program ends, and when it is back
    everything goes on by itself and both ends agree."""
    web = apart.run("web")
    health = f"{apart.settings.public_url}/healthz"
    until(lambda: _answer(health)[0] == 200, every=0.3)
    with load(apart, log, 2):
        wait(1.5)
        apart.postgres.stop()
        gone = time.monotonic()
        code, said = _answer(health)
        assert (code, said["parts"]["database"]["ok"]) == (503, False)
        status = apart.status(code=1)
        assert status["parts"]["database"]["state"] == "down"
        assert status["counts"]["decisions"] is None
        wait(max(0.0, AWAY_SECONDS - (time.monotonic() - gone)))
        apart.postgres.start()
        decided = len(log.acknowledged)
        until(lambda: len(log.acknowledged) > decided + 5)
    both_ends_agree(apart, log)
    until(lambda: _answer(health)[0] == 200, every=0.3)
    apart.until_heard("relay", "intake", "web")
    assert web.returncode is None


def _answer(url: str) -> tuple[int, dict[str, Any]]:
    try:
        answer = httpx.get(url, timeout=60, trust_env=False)
        return answer.status_code, answer.json()
    except (httpx.HTTPError, json.JSONDecodeError):
        return 0, {}


def test_a_broker_that_comes_back_empty(apart: Apart, log: Log) -> None:
    """Claim: messages that nobody had fetched are gone with the broker's memory, and one `resend` brings every one of them
    back, in order, without a second effect of those that had arrived before."""
    with load(apart, log, 3):
        wait(1)
    until_quiet(apart.engine, log, seconds=240)
    for connector in apart.children("connector"):
        apart.end(connector)
    with Load(Decider(apart.settings.database_url, apart.desk, log, 4)):
        enough = len(log.acknowledged) + 20
        until(lambda: len(log.acknowledged) >= enough)
    until(lambda: _unpublished(apart) == 0)
    before = apart.status()["counts"]["pushes"]
    assert before["owed"] > 10
    apart.broker.kill()
    apart.broker.start()
    apart.connector()
    queued = json.loads(apart.command("resend", "--reason", "消息代理被清空", "--json"))["queued"]
    assert queued >= before["owed"] + before["signed"]
    both_ends_agree(apart, log)


def _unpublished(apart: Apart) -> int:
    with apart.engine.connect() as tx:
        return int(tx.execute(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")).scalar_one())
