"""Departments that misbehave: nobody else waits for them, and afterwards every count at both ends agrees.

SHENGUAN_FAULT_SEEDS=n runs more seeds (default 1).
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from sqlalchemy import Engine, select, text

from connectors.bus import BusSettings
from connectors.intake import program as intake
from connectors.relay import program as relay
from connectors.relay.topic_watch import TopicWatch
from hub.department import topic_in
from hub.exchange.inbox import Quarantined
from hub.exchange.settle_quarantine import dismiss
from hub.ports import Desk
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.connectors.waiting import running, until
from tests.faults.apart import wait
from tests.faults.history import verdict
from tests.faults.load import Decider, Load, Log, Reporter
from tests.faults.seven import AGAIN, AWAY, CODES, NOISY, QUICK, Seven
from tests.faults.stores import collect
from tests.hub.builders import a_case, decided

SEEDS = range(1, 1 + int(os.environ.get("SHENGUAN_FAULT_SEEDS", "1")))
#: How much longer than undisturbed a healthy department may wait at the 95th percentile, and what it may wait at any rate
#: on a machine that does much else. (Alone it is a second; who waited for the one that is away would wait for ever.)
TIMES, FLOOR_S = 3.0, 30.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture
def desk(area: str) -> Desk:
    vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
    hub = Signer.from_pem("hub", generate_private_key())
    return Desk(area, "http://127.0.0.1:1", hub, vault, lambda: datetime.now(UTC))


@pytest.fixture
def seven(parts: Any, tmp_path: Path, area: str, engine: Engine, desk: Desk) -> Seven:
    made = Seven(tmp_path, area, BusSettings(parts.kafka_bootstrap, fetch_max_wait_ms=10))
    assert isinstance(desk.signer, Signer)
    made.join(engine, desk.signer)
    return made


@pytest.fixture
def hub_at_work(seven: Seven, database_url: str, area: str, desk: Desk) -> Iterator[None]:
    """A relay and an intake."""
    relaying = relay.RelayConfig(
        database_url, seven.bus, area, clock=lambda: datetime.now(UTC), rebalance_s=0.2, chores_s=1.0
    )
    taking = intake.IntakeConfig(database_url, seven.bus, desk, poll_ms=100, topics_s=0.5)
    with running(lambda stop: relay.run(relaying, stop)), running(lambda stop: intake.run(taking, stop)):
        yield


_GAPS = """
SELECT p.department, extract(epoch FROM min(r.received_at) - min(o.created_at)) AS gap
FROM pushes p JOIN outbox o ON o.event_id = p.event_id JOIN receipts r ON r.push_id = p.id AND r.kind = 'signed'
WHERE o.created_at >= :since AND p.department = ANY(:codes) GROUP BY p.department, p.id
"""


def gaps(engine: Engine, since: datetime, codes: tuple[str, ...]) -> list[float]:
    """Seconds from each decision to its signature, at these departments."""
    with engine.connect() as tx:
        rows = tx.execute(text(_GAPS), {"since": since, "codes": list(codes)}).all()
    return sorted(float(row.gap) for row in rows)


def unsigned(engine: Engine, codes: tuple[str, ...]) -> int:
    with engine.connect() as tx:
        query = "SELECT count(*) FROM pushes WHERE state IN ('owed', 'arrived') AND department = ANY(:codes)"
        return int(tx.execute(text(query), {"codes": list(codes)}).scalar_one())


def p95(found: list[float]) -> float:
    return found[max(0, round(len(found) * 0.95) - 1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_department_waits_for_another(
    seven: Seven, engine: Engine, desk: Desk, database_url: str, hub_at_work: None, seed: int
) -> None:
    """Claim: with two slow departments, one away, one sending garbage and one repeating everything it ever said, the quick
    ones are served as before; every piece of garbage is in the quarantine once and has no effect, no repetition has one;
    when the one that was away comes back, every decision is at all seven exactly once, signed for, and every finding
    known once with its effect, all in order."""
    log = Log()
    present = tuple(code for code in CODES if code != AWAY)
    work = [
        Decider(database_url, desk, log, seed, pause=0.12),
        *(Reporter(code, seven.stores[code], log, seed, pause=0.5) for code in (QUICK[0], AGAIN)),
    ]
    with seven.at_work(*present):
        until(lambda: all(path.exists() for code, path in seven.stores.items() if code != AWAY))
        begun = datetime.now(UTC)
        with Load(*work):
            wait(4)
        until(lambda: unsigned(engine, present) == 0)
        quiet = gaps(engine, begun, QUICK)
        begun = datetime.now(UTC)
        with seven.troubled(a_case(1, area=desk.area).case_no), Load(*work):
            wait(6)
        until(lambda: unsigned(engine, QUICK) == 0)
        troubled = gaps(engine, begun, QUICK)
        assert unsigned(engine, (AWAY,)) > 0
        with seven.at_work(AWAY):
            until(lambda: _settled(engine, seven, log), every=0.3)
    print(
        f"quick departments: median {statistics.median(quiet):.3f} s, p95 {p95(quiet):.3f} s undisturbed; "
        f"{statistics.median(troubled):.3f} s, {p95(troubled):.3f} s beside the others; "
        f"{len(log.attempted)} decisions, {seven.garbage} pieces of garbage, {seven.repeated} repetitions"
    )
    assert p95(troubled) < max(FLOOR_S, TIMES * p95(quiet))
    history = collect(engine, log, stores=seven.stores, area=desk.area, bootstrap=seven.bus.bootstrap)
    faults = verdict(history)
    assert faults == [], "\n".join(map(str, faults[:20]))
    _dismiss_everything(engine, seven)


def _settled(engine: Engine, seven: Seven, log: Log) -> bool:
    """Everything is signed for, everything reported is known, all garbage is put away."""
    with engine.connect() as tx:
        found = tx.execute(
            text(
                "SELECT (SELECT count(*) FROM findings) AS findings, (SELECT count(*) FROM quarantine) AS held,"
                " (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS waiting,"
                " (SELECT count(*) FROM parked_keys) AS parked"
            )
        ).one()
    wanted = (len(log.reported), seven.garbage, 0, 0)
    return unsigned(engine, CODES) == 0 and tuple(found) == wanted


def _dismiss_everything(engine: Engine, seven: Seven) -> None:
    """All of it is the noisy one's, and can be put aside, each with its attempt on record."""
    with engine.begin() as tx:
        rows = tx.execute(select(Quarantined.id, Quarantined.topic, Quarantined.cause)).all()
        assert {row.topic.split(".")[1] for row in rows} == {NOISY}
        assert {"wrong_sender", "schema"} <= {row.cause for row in rows}
        for row in rows[:20]:
            dismiss(tx, row.id, actor="user:test", reason="乱码")
        tried = tx.execute(text("SELECT count(*) FROM attempts WHERE act = 'dismiss' AND done")).scalar_one()
        assert tried == min(20, len(rows))


def _until_the_relay_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows the topics that are there now."""
    looks: list[int] = []
    whole = TopicWatch.look

    def look(watch: TopicWatch) -> int:
        looks.append(whole(watch))
        return looks[-1]

    monkeypatch.setattr(TopicWatch, "look", look)
    until(lambda: looks)


def test_a_topic_that_is_wiped_comes_back_by_itself(
    seven: Seven, engine: Engine, desk: Desk, hub_at_work: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: a department's topic is deleted with messages on it that nobody had fetched; without any command every one of
    them arrives, those that had arrived before are not delivered twice, and each try is on record."""
    code = QUICK[0]
    with seven.at_work(code):
        decided(engine, desk, 3)
        until(lambda: unsigned(engine, (code,)) == 0)
    decided(engine, desk, 9)
    until(lambda: _unpublished(engine) == 0)
    assert unsigned(engine, (code,)) == 6
    _until_the_relay_looked(monkeypatch)
    with closing(KafkaAdminClient(bootstrap_servers=seven.bus.bootstrap)) as admin:
        admin.delete_topics([topic_in(desk.area, code)])
    until(lambda: _tries(engine) >= 6)
    with seven.at_work(code):
        until(lambda: unsigned(engine, (code,)) == 0)
    history = collect(
        engine, Log(), stores={code: seven.stores[code]}, area=desk.area, bootstrap=seven.bus.bootstrap
    )
    assert len(history.delivered[code]) == 9
    assert len(set(history.delivered[code])) == 9


def _unpublished(engine: Engine) -> int:
    with engine.connect() as tx:
        return int(tx.execute(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")).scalar_one())


def _tries(engine: Engine) -> int:
    with engine.connect() as tx:
        query = "SELECT count(*) FROM attempts WHERE act = 'publish' AND subject LIKE 'message:%'"
        return int(tx.execute(text(query)).scalar_one())
