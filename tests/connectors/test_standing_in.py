"""The relay dies, and with it whoever looks for silent programs: another program notices, once, and when it is over."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select, text, update

from connectors.bus import BusSettings
from connectors.heartbeat import Heartbeat
from hub.ledger import LedgerRow
from hub.noticing.alert import Alert, AlertLimit
from hub.noticing.alert_channel import AlertChannel, AlertMessage
from hub.noticing.notice import Notice
from hub.noticing.stand_in import StandIn
from hub.program import Program
from hub.report_program import forget_gone
from tests.connectors.waiting import until

RELAY = """
import sys, threading
from datetime import UTC, datetime
from connectors.bus import BusSettings
from connectors.relay.program import RelayConfig, run
bus = BusSettings(sys.argv[2])
run(RelayConfig(sys.argv[1], bus, sys.argv[3], clock=lambda: datetime.now(UTC)), threading.Event())
"""


@pytest.fixture
def relay(
    county: Engine, database_url: str, bus: BusSettings, area: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A real one, in a process of its own, that has said that it runs."""
    made = subprocess.Popen([sys.executable, "-c", RELAY, database_url, str(bus.bootstrap), area])

    def said() -> bool:
        with county.connect() as tx:
            return tx.scalar(select(Program.state).where(Program.name == "relay")) == "running"

    try:
        until(said)
        yield made
    finally:
        made.kill()
        made.wait()


def passed(engine: Engine, **by: float) -> None:
    """So much time goes by for what was said and looked at until now."""
    with engine.begin() as tx:
        tx.execute(update(Program).values(seen_at=Program.seen_at - timedelta(**by)))
        tx.execute(update(AlertLimit).values(checked_at=func.now() - timedelta(**by)))


def alerts(engine: Engine) -> list[Any]:
    with engine.connect() as tx:
        return list(tx.execute(select(Alert.subject, Alert.cleared_at.is_(None))).all())


def test_a_relay_that_dies_is_noticed_once_and_when_it_is_back(
    county: Engine, relay: subprocess.Popen[bytes], intake_beats: Heartbeat
) -> None:
    """Claim: killed (-9), it is noticed by the other programs, however many look at once, as one alert, one notice and
    one message to each channel, in the ledger under who looked; back again, the alert ends by itself."""
    with county.begin() as tx:
        tx.execute(insert(AlertChannel).values(kind="webhook", title="值班", settings={}))
    relay.kill()
    relay.wait()
    passed(county, minutes=4)
    intake_beats.say("running")
    assert alerts(county) == []  # the limit is five minutes
    passed(county, minutes=4)
    together = threading.Barrier(4)

    def look(number: int) -> int:
        one = StandIn(county, f"web{number}", patience_s=0)
        together.wait()
        return one.look()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(look, range(4))) == 1
    assert alerts(county) == [("program:relay", True)]
    with county.connect() as tx:
        assert tx.scalars(select(Notice.title)).all() == ["程序失去联系：程序 relay 没有消息"]
        assert tx.scalars(select(AlertMessage.what)).all() == ["raised"]
        (actor,) = tx.scalars(select(LedgerRow.actor).where(LedgerRow.action == "alert.raised"))
    assert str(actor).startswith("program:web")

    Heartbeat(county, "relay", "second").say("running")
    with county.begin() as tx:
        tx.execute(update(AlertLimit).values(checked_at=func.now() - timedelta(minutes=4)))
    StandIn(county, "web", patience_s=0).look()
    assert alerts(county) == [("program:relay", False)]
    with county.connect() as tx:
        assert tx.scalars(select(AlertMessage.what).order_by(AlertMessage.id)).all() == ["raised", "cleared"]


@pytest.fixture
def intake_beats(county: Engine) -> Heartbeat:
    return Heartbeat(county, "intake", "x", patience_s=0)


def test_nobody_stands_in_for_a_relay_that_looks(county: Engine, intake_beats: Heartbeat) -> None:
    """Claim: while the relay looks, others do not; whoever has just been started leaves it time to start as well."""
    with county.begin() as tx:
        row = {"name": "relay", "instance": "x", "state": "running"}
        tx.execute(insert(Program).values(seen_at=func.now() - timedelta(hours=1), **row))
        tx.execute(update(AlertLimit).values(checked_at=func.now()))
    intake_beats.say("running")
    assert alerts(county) == []
    passed(county, hours=1)
    Heartbeat(county, "host", "x").say("running")
    assert alerts(county) == []
    intake_beats = Heartbeat(county, "intake", "y", patience_s=0)
    intake_beats.say("running")
    assert alerts(county) == [("program:relay", True)]


def test_what_an_alert_rests_on_is_not_forgotten(county: Engine) -> None:
    """Claim: a day later the last instance of a program that never said that it stopped is still known; those that
    another followed, or that stopped, are not."""
    seen = text("now() - interval '2 days'")
    rows = [("relay", "gone", "running"), ("intake", "gone", "running"), ("host", "gone", "stopped")]
    with county.begin() as tx:
        for name, instance, state in rows:
            tx.execute(insert(Program).values(name=name, instance=instance, state=state, seen_at=seen))
        tx.execute(insert(Program).values(name="intake", instance="here", state="running"))
        forget_gone(tx)
        left = tx.execute(select(Program.name, Program.instance).order_by(Program.name)).all()
    assert [tuple(row) for row in left] == [("intake", "here"), ("relay", "gone")]
