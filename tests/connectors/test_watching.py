"""The relay watches: each kind of alert on its own, every failed try kept, topics that were made anew behind its back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import KafkaAdminClient
from sqlalchemy import Engine, insert, select, text, update

from connectors.bus import BusSettings, ensure_topics
from connectors.relay.housekeeping import TITLES, Housekeeper
from connectors.relay.parking import Parking
from connectors.relay.topic_watch import TopicWatch
from connectors.session import Session
from hub.exchange.attempt import Attempt
from hub.exchange.outbox import OutboxRow
from hub.noticing.alert import Alert, AlertLimit
from hub.program import Program
from hub.pushing.push import Push
from tests.hub.builders import decided


def test_a_check_that_fails_hides_none_of_the_others(county: Engine, desk: Any) -> None:
    """Claim: with one table out of reach the kind that needs it says why, all others are looked for and raised; once it is
    back the fault is gone. A second round raises nothing again."""
    decided(county, desk, 1)
    long_ago = datetime.now(UTC) - timedelta(days=30)
    with county.begin() as tx:
        tx.execute(update(Push).values(created_at=long_ago))
        tx.execute(insert(Program).values(name="web", instance="x", state="running", seen_at=long_ago))
        tx.execute(text("ALTER TABLE quarantine RENAME TO out_of_reach"))
    keeper = Housekeeper(county, lambda: datetime.now(UTC))
    done = keeper.round(orphans=False)
    assert done is not None
    assert done.keys() <= TITLES.keys()
    assert done["alerts"] == 3  # two departments and a program
    with county.begin() as tx:
        faults = {row.kind: row.fault for row in tx.execute(select(AlertLimit.kind, AlertLimit.fault))}
        assert [kind for kind, fault in faults.items() if fault] == ["quarantined"]
        assert "quarantine" in str(faults["quarantined"])
        tx.execute(text("ALTER TABLE out_of_reach RENAME TO quarantine"))
    again = keeper.round(orphans=False)
    assert again is not None
    assert again["alerts"] == 0
    with county.connect() as tx:
        assert not any(tx.execute(select(AlertLimit.fault)).scalars())
        assert len(tx.execute(select(Alert.id)).all()) == 3


def test_every_try_of_a_parked_key_is_kept(county: Engine, database_url: str) -> None:
    """Claim: each failure leaves its cause, the success that frees the key is there too, and a key that was never parked
    leaves nothing."""
    session = Session(database_url, name="test")
    parking = Parking(session)
    for cause in ("过大", "还是过大"):
        parking.park("t.scjg.in", "case-1", cause)
    parking.free([("t.scjg.in", "case-1"), ("t.scjg.in", "case-2")])
    session.close()
    with county.connect() as tx:
        rows = tx.execute(select(Attempt.__table__).order_by(Attempt.id)).all()
    assert {row.subject for row in rows} == {"key:t.scjg.in/case-1"}
    assert [(row.act, row.done, row.words) for row in rows] == [
        ("park", False, "过大"),
        ("park", False, "还是过大"),
        ("publish", True, "已发布"),
    ]
    assert parking.parked == 0


def test_a_topic_made_anew_behind_our_back_is_noticed(
    county: Engine, desk: Any, bus: BusSettings, area: str
) -> None:
    """Claim: looking at topics that stay brings nothing; one that was deleted is made and one that another program has made
    again since is told by its id: what nobody has a receipt for goes out again, once."""
    watch = TopicWatch(county, bus, area, lambda: datetime.now(UTC))
    decided(county, desk, 2)
    assert watch.look() == 0
    with county.begin() as tx:
        tx.execute(update(OutboxRow).values(published_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert watch.look() == 0
    admin = KafkaAdminClient(bootstrap_servers=bus.bootstrap)
    admin.delete_topics([f"{area}.scjg.in", f"{area}.zhzf.in"])
    admin.close()
    ensure_topics(bus, [f"{area}.zhzf.in"])
    assert watch.look() == 4
    assert watch.look() == 0
    with county.connect() as tx:
        assert len(tx.execute(select(OutboxRow.id).where(OutboxRow.published_at.is_(None))).all()) == 4
        assert len(tx.execute(select(Attempt.id).where(Attempt.act == "publish")).all()) == 4
