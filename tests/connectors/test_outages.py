"""A broker that dies and comes back empty, and several intakes: the programs go on by themselves, nothing is
lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from sqlalchemy import Engine, select

from connectors.bus import BusSettings, Consumer, Producer, Record, ensure_topics
from connectors.bus.consumer import next_offsets
from connectors.department.config import ConnectorConfig
from connectors.department.program import read_health, run_configured
from connectors.intake import program as intake
from connectors.relay import program as relay
from hub.exchange.resend import resend
from hub.feedback.finding import Finding
from hub.program import Program
from hub.pushing.push import Push
from shenguan.embedded import ports
from shenguan.embedded.broker import Broker
from tests.connectors.test_intake import sent
from tests.connectors.waiting import running, until
from tests.hub.builders import a_finding, decided


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test alone, in memory: it can be killed, and forgets everything when it is."""
    (tmp_path / "broker").mkdir()
    port = ports.choose(("broker",), remembered={}, configured={})["broker"]
    part = Broker(tmp_path / "broker", port=port, log=tmp_path / "broker.log")
    part.start()
    yield part
    part.kill()


def waiting_programs(engine: Engine) -> set[str]:
    with engine.connect() as tx:
        return set(tx.execute(select(Program.name).where(Program.state == "waiting")).scalars())


def states(engine: Engine) -> set[str]:
    with engine.connect() as tx:
        return set(tx.execute(select(Push.state).where(Push.department == "scjg")).scalars())


def test_a_broker_that_dies_and_comes_back_empty(
    county: Engine,
    desk: Any,
    broker: Broker,
    relay_config: relay.RelayConfig,
    intake_config: intake.IntakeConfig,
    connector_config: Callable[..., ConnectorConfig],
) -> None:
    """Claim: while the broker is dead all three programs say that they wait for it and decisions are still
    made; when it is back, empty, the decisions made meanwhile arrive and are receipted, and `resend` brings
    what it had forgotten, without a second delivery."""
    bus = BusSettings(broker.bootstrap, fetch_max_wait_ms=10, connect_timeout_ms=500, request_timeout_ms=2000)
    config = connector_config(bus=bus)
    decided(county, desk, 2)
    with (
        running(lambda stop: relay.run(replace(relay_config, bus=bus, topics_s=0.5), stop)),
        running(lambda stop: intake.run(replace(intake_config, bus=bus), stop)),
        running(lambda stop: run_configured(config, stop)),
    ):
        until(lambda: states(county) == {"signed"})
        broker.kill()
        decided(county, desk, 5)
        until(lambda: waiting_programs(county) >= {"relay", "intake"})
        until(lambda: (read_health(config.state_dir / "state.json") or {}).get("state") == "waiting")
        broker.start()
        until(lambda: states(county) == {"signed"})
        until(lambda: not waiting_programs(county))
        with county.begin() as tx:
            assert resend(tx, actor="user:t", reason="消息代理重建", topic=f"{desk.area}.scjg.in") == 5
        until(lambda: _unpublished(county) == 0)
    health = read_health(config.state_dir / "state.json")
    assert health is not None
    assert (health["received"], health["quarantined"]) == (5, 0)


def _unpublished(engine: Engine) -> int:
    with engine.connect() as tx:
        return int(tx.exec_driver_sql("SELECT count(*) FROM outbox WHERE published_at IS NULL").scalar_one())


def test_two_intakes_share_the_partitions(
    county: Engine,
    desk: Any,
    intake_config: intake.IntakeConfig,
    topics: list[str],
    signers: Any,
    producer: Producer,
) -> None:
    """Claim: two intakes read different partitions, together all of them; every finding is taken once; when
    one leaves, the other takes over its partitions."""
    cases = decided(county, desk, 60)
    one, two = (intake.Intake(replace(intake_config, topics_s=0.0, poll_ms=50), county) for _ in range(2))
    records = [
        sent(a_finding(desk, signers["scjg"], c.case_no, f"JC-{n}", "1", "1")) for n, c in enumerate(cases)
    ]

    def findings() -> int:
        with county.connect() as tx:
            return len(tx.execute(select(Finding.id)).all())

    def shared() -> bool:
        one.step()
        two.step()
        mine, theirs = one._consumer._positions, two._consumer._positions
        return not mine & theirs and len(mine | theirs) == 6 and len(mine) == len(theirs)

    until(shared, every=0)
    assert not any(producer.publish(records[:40]))

    def forty() -> bool:
        one.step()
        two.step()
        return findings() == 40

    until(forty, every=0)
    one.close()
    assert not any(producer.publish(records[40:]))
    until(lambda: (two.step() is not None and False) or findings() == 60, every=0)
    two.close()


def test_a_topic_made_anew_is_read_from_its_beginning(
    bus: BusSettings, area: str, producer: Producer
) -> None:
    """Claim: when a topic is deleted and made again while we read it, its new messages are read from the first, though we
    had read further in the old one."""
    topic = f"{area}.scjg.in"
    ensure_topics(bus, [topic])
    consumer = Consumer(bus, f"{area}.g")
    got: list[bytes] = []

    def read(wanted: set[bytes]) -> bool:
        consumer.assign(consumer.partitions([topic]))
        messages = consumer.poll(100, 100)
        got.extend(message.value for message in messages)
        consumer.commit(next_offsets(messages))
        return wanted <= set(got)

    old, new = ([Record(topic, b"k", b"%s%d" % (word, n), []) for n in range(5)] for word in (b"old", b"new"))
    assert not any(producer.publish(old))
    until(lambda: read({one.value for one in old}), every=0)
    admin = KafkaAdminClient(bootstrap_servers=bus.bootstrap)
    admin.delete_topics([topic])
    admin.close()
    ensure_topics(bus, [topic])
    producer.close()
    until(lambda: not any(producer.publish(new)))
    until(lambda: read({one.value for one in new}), every=0)
    consumer.close()
