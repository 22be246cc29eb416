"""The relay on real parts: order, lanes, parking, several relays, a zombie, and a broker or database that goes away."""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, insert, select, text

from connectors.bus import BusSettings, Message, Producer, Record
from connectors.errors import BusUnavailable, ConnectorError
from connectors.relay import program as relay
from connectors.relay.drain import Batches, Drain
from connectors.session import Session, SessionLost, libpq_url
from hub.exchange.outbox import BULK, LIVE, SHARDS, OutboxRow, ParkedKey, shard_of
from hub.exchange.resend import resend
from tests.connectors.waiting import running, until


def enqueue(
    tx: Any, topic: str, key: str, number: int, *, lane: int = LIVE, value: bytes | None = None
) -> None:
    row = {
        "shard": shard_of(key), "lane": lane, "topic": topic, "key": key, "event_id": uuid.uuid4(),
        "event_type": "approval.decided.v1", "value": value or str(number).encode(), "signature": "s..s", "kid": "hub-0",
    }  # fmt: skip
    tx.execute(insert(OutboxRow).values(row))


def fill(engine: Engine, topics: Sequence[str], count: int, *, keys: int = 20, lane: int = LIVE) -> None:
    with engine.begin() as tx:
        for number in range(count):
            enqueue(tx, topics[number % len(topics)], f"case-{number % keys}", number, lane=lane)


def waiting(engine: Engine) -> int:
    with engine.connect() as tx:
        return len(tx.execute(select(OutboxRow.id).where(OutboxRow.published_at.is_(None))).all())


def first_seen(messages: Sequence[Message]) -> dict[tuple[str, bytes | None], list[int]]:
    """The numbers per topic and key, each at its first appearance."""
    seen: dict[tuple[str, bytes | None], list[int]] = defaultdict(list)
    for message in sorted(messages, key=lambda m: (m.topic, m.partition, m.offset)):
        numbers = seen[message.topic, message.key]
        if int(message.value) not in numbers:
            numbers.append(int(message.value))
    return seen


def assert_in_order(messages: Sequence[Message], count: int) -> None:
    seen = first_seen(messages)
    assert sum(map(len, seen.values())) == count
    for numbers in seen.values():
        assert numbers == sorted(numbers)


@pytest.fixture
def drains(database_url: str, bus: BusSettings) -> Iterator[Any]:
    """Relays' inner loops, each with a session and a producer of its own."""
    opened: list[tuple[Session, Producer]] = []

    def make(producer: Producer | None = None, **options: Any) -> Drain:
        session, used = Session(database_url, name="test relay"), producer or Producer(bus)
        opened.append((session, used))
        return Drain(session, used, bus, **options)

    yield make
    for session, used in opened:
        session.close()
        used.close()


def drain_all(drain: Drain) -> int:
    total = 0
    while sent := drain.step():
        total += sent
    return total


def test_everything_goes_out_in_order_and_is_marked(
    engine: Engine, topics: list[str], drains: Any, tap: Any
) -> None:
    """Claim: 2,500 rows of 20 keys over two topics leave in the order of their ids per key, once, and are marked; bytes and
    headers are those of the row."""
    fill(engine, topics[::2], 2500)
    drain = drains()
    drain.shards.rebalance()
    assert drain_all(drain) == 2500
    assert waiting(engine) == 0
    messages = tap(*topics[::2]).until(2500)
    assert len(messages) == 2500
    assert_in_order(messages, 2500)
    assert messages[0].headers == {
        "signature": b"s..s", "kid": b"hub-0", "content-type": b"application/cloudevents+json; charset=UTF-8",
    }  # fmt: skip


def test_a_row_that_commits_late_is_not_lost(
    engine: Engine, topics: list[str], drains: Any, tap: Any
) -> None:
    """Claim: an id that becomes visible after higher ones were published still goes out."""
    drain = drains()
    drain.shards.rebalance()
    slow = engine.connect()
    begun = slow.begin()
    enqueue(slow, topics[0], "late", 1)
    with engine.begin() as tx:
        enqueue(tx, topics[0], "early", 2)
    assert drain_all(drain) == 1
    begun.commit()
    slow.close()
    assert drain_all(drain) == 1
    assert {m.key for m in tap(topics[0]).until(2)} == {b"late", b"early"}


def test_live_rows_leave_before_bulk_rows(engine: Engine, topics: list[str], drains: Any) -> None:
    """Claim: with a bulk backlog waiting, a live row goes out in the very next round, and a round takes one bounded
    bulk batch."""
    fill(engine, [topics[0]], 400, keys=400, lane=BULK)
    drain = drains(sizes=Batches(live=100, bulk=64))
    drain.shards.rebalance()
    drain.step()
    with engine.begin() as tx:
        enqueue(tx, topics[0], "urgent", 1)
    sent = drain.step()
    assert sent <= 1 + 64 + SHARDS
    with engine.connect() as tx:
        urgent = tx.execute(select(OutboxRow.published_at).where(OutboxRow.key == "urgent")).scalar_one()
    assert urgent is not None
    assert waiting(engine) > 200


@pytest.mark.parametrize(("first", "second"), [(BULK, LIVE), (LIVE, BULK)])
def test_lanes_never_let_a_row_overtake_its_own_key(
    engine: Engine, topics: list[str], drains: Any, tap: Any, first: int, second: int
) -> None:
    """Claim: a row waits for an older unpublished row of its key, whichever lanes they are in."""
    with engine.begin() as tx:
        for number in range(30):
            enqueue(tx, topics[0], "same", number, lane=first if number < 20 else second)
    drain = drains(sizes=Batches(live=4, bulk=4))
    drain.shards.rebalance()
    assert drain_all(drain) == 30
    assert first_seen(tap(topics[0]).until(30))[topics[0], b"same"] == list(range(30))


def test_a_key_that_cannot_be_sent_is_parked_and_the_others_go_on(
    engine: Engine, topics: list[str], drains: Any, tap: Any
) -> None:
    """Claim: an unsendable row parks its key with cause and a next try; later rows of the key wait, other keys do not; when
    it is freed and sendable again, the key goes on in order and its parking is gone."""
    with engine.begin() as tx:
        enqueue(tx, topics[0], "stuck", 1, value=b"x" * 2_000_000)
        enqueue(tx, topics[0], "stuck", 2)
        enqueue(tx, topics[0], "fine", 3)
    drain = drains()
    drain.shards.rebalance()
    assert drain_all(drain) == 1
    with engine.connect() as tx:
        parked = tx.execute(select(ParkedKey.__table__)).one()
    assert (parked.topic, parked.key, parked.attempts) == (topics[0], "stuck", 1)
    assert "大小" in parked.cause
    assert parked.next_try_at is not None
    assert drain.parking.parked == 1
    with engine.begin() as tx:  # the next try is due, and fails again: the wait grows
        tx.execute(text("UPDATE parked_keys SET next_try_at = now()"))
    assert drain_all(drain) == 0
    with engine.begin() as tx:
        again = tx.execute(select(ParkedKey.__table__)).one()
        assert again.attempts == 2
        assert again.next_try_at - again.parked_at > parked.next_try_at - parked.parked_at
        tx.execute(text("ALTER TABLE outbox DISABLE TRIGGER outbox_bytes_fixed"))
        tx.execute(text("UPDATE outbox SET value = '1' WHERE length(value) > 1000"))
        tx.execute(text("ALTER TABLE outbox ENABLE TRIGGER outbox_bytes_fixed"))
        tx.execute(text("UPDATE parked_keys SET next_try_at = now()"))
    assert drain_all(drain) == 2
    with engine.connect() as tx:
        assert tx.execute(select(ParkedKey.key)).all() == []
    assert first_seen(tap(topics[0]).until(3))[topics[0], b"stuck"] == [1, 2]


def test_shards_are_shared_fairly_and_a_dead_relay_leaves_its_own(drains: Any) -> None:
    """Claim: one relay holds all shards; two hold half each, three a third; when one's session ends the others take all."""
    one, two, three = drains(), drains(), None
    one.shards.rebalance()
    two.shards.rebalance()
    assert len(one.shards.held) == SHARDS // 2  # the other was there already
    two.shards.rebalance()
    assert sorted(one.shards.held + two.shards.held) == list(range(SHARDS))
    three = drains()
    for relay_ in (one, two, three):
        relay_.shards.rebalance()
    held = [len(r.shards.held) for r in (one, two, three)]
    assert sum(held) == SHARDS
    assert max(held) - min(held) <= 2
    three._session.close()

    def all_taken() -> bool:
        one.shards.rebalance()
        two.shards.rebalance()
        return sorted(one.shards.held + two.shards.held) == list(range(SHARDS))

    until(all_taken)


def test_two_relays_keep_the_order_while_shards_move(
    engine: Engine, topics: list[str], relay_config: relay.RelayConfig, tap: Any
) -> None:
    """Claim: with two relays running and shards moving between them as the second comes and goes, every key stays in
    order."""
    count = 0

    def more(rows: int) -> None:
        nonlocal count
        with engine.begin() as tx:
            for number in range(count, count + rows):
                enqueue(tx, topics[0], f"case-{number % 40}", number)
        count += rows

    with running(lambda stop: relay.run(relay_config, stop)):
        for _ in range(3):
            with running(lambda stop: relay.run(relay_config, stop)):
                for _ in range(6):
                    more(200)
                    time.sleep(0.05)  # spreads the load; nothing is awaited here
        until(lambda: waiting(engine) == 0)
    assert_in_order(tap(topics[0]).until(count), count)


class StoppedProducer(Producer):
    """A producer whose relay is stopped (as by SIGSTOP) right before it sends."""

    def __init__(self, bus: BusSettings) -> None:
        super().__init__(bus)
        self.reached, self.go_on = threading.Event(), threading.Event()

    def publish(self, records: Sequence[Record]) -> list[ConnectorError | None]:
        self.reached.set()
        assert self.go_on.wait(60)
        return super().publish(records)


def test_a_zombie_relay_can_only_repeat(
    engine: Engine, database_url: str, bus: BusSettings, topics: list[str], drains: Any, tap: Any
) -> None:
    """Claim: a relay stopped in mid-batch, whose session is gone meanwhile and whose shards another relay served, sends only
    duplicates when it wakes, marks nothing and is told that its session is lost; first appearances stay in order."""
    fill(engine, [topics[0]], 300)
    stopped = StoppedProducer(bus)
    zombie = drains(stopped)
    zombie.shards.rebalance()
    (pid,) = zombie._session.rows("SELECT pg_backend_pid()")[0]
    lost: list[BaseException] = []

    def body() -> None:
        try:
            zombie.step()
        except SessionLost as error:
            lost.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    assert stopped.reached.wait(60)
    with psycopg.connect(libpq_url(database_url), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    heir = drains()
    until(lambda: heir.shards.rebalance() or len(heir.shards.held) == SHARDS)
    fill(engine, [topics[0]], 0)
    with engine.begin() as tx:
        for number in range(300, 600):
            enqueue(tx, topics[0], f"case-{number % 20}", number)
    assert drain_all(heir) == 600
    stopped.go_on.set()
    thread.join(120)
    assert lost
    messages = tap(topics[0]).until(900)
    assert len(messages) == 900  # 600 and the zombie's 300 again
    assert_in_order(messages, 600)


def test_a_relay_that_was_stopped_asks_before_it_sends(
    engine: Engine, topics: list[str], drains: Any, tap: Any
) -> None:
    """Claim: when more time than usual has passed since the rows were read, a lost session is found out before anything
    is sent."""
    fill(engine, [topics[0]], 5)
    ticks = iter([0.0, 60.0])
    drain = drains(clock=lambda: next(ticks))
    drain.shards.rebalance()
    backlog = drain._backlog.next

    def taken_then_cut(*args: Any, **options: Any) -> Any:
        rows = backlog(*args, **options)
        drain._session.close()
        return rows

    drain._backlog.next = taken_then_cut
    with pytest.raises(SessionLost):
        drain.step()
    assert tap(topics[0]).quiet() == []
    assert waiting(engine) == 5


class AwayProducer(Producer):
    """A producer whose broker is away for as long as `away` is set."""

    away = True

    def publish(self, records: Sequence[Record]) -> list[ConnectorError | None]:
        if self.away:
            return [BusUnavailable() for _ in records]
        return super().publish(records)


def test_a_broker_that_is_away_marks_nothing_and_parks_nobody(
    engine: Engine, bus: BusSettings, topics: list[str], drains: Any
) -> None:
    """Claim: while the broker is away rows stay unpublished, no key is parked; when it is back all go out."""
    fill(engine, [topics[0]], 50)
    producer = AwayProducer(bus)
    drain = drains(producer)
    drain.shards.rebalance()
    with pytest.raises(BusUnavailable):
        drain.step()
    assert waiting(engine) == 50
    with engine.connect() as tx:
        assert tx.execute(select(ParkedKey.key)).all() == []
    producer.away = False
    assert drain_all(drain) == 50


def test_a_missing_topic_is_made(engine: Engine, area: str, bus: BusSettings, drains: Any, tap: Any) -> None:
    """Claim: rows to a topic that is not there yet go out in order, whether the broker or the relay makes it."""
    fill(engine, [f"{area}.neu.in"], 10, keys=2)
    drain = drains()
    drain.shards.rebalance()
    until(lambda: drain.step() or waiting(engine) == 0)
    assert_in_order(tap(f"{area}.neu.in").until(10), 10)


@pytest.mark.parametrize("announced", [True, False])
def test_the_last_row_of_a_backlog_leaves_on_a_quiet_system(
    engine: Engine,
    topics: list[str],
    relay_config: relay.RelayConfig,
    announced: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Claim: a lone row is published on its NOTIFY, without the safety poll; one that nobody announced by that."""
    if announced:
        monkeypatch.setattr(relay, "SAFETY_POLL_S", 1000.0)
    with running(lambda stop: relay.run(relay_config, stop)) as stop:
        fill(engine, [topics[0]], 100)
        until(lambda: waiting(engine) == 0)
        if not announced:
            with engine.begin() as tx:
                tx.execute(text("ALTER TABLE outbox DISABLE TRIGGER outbox_wake"))
        fill(engine, [topics[0]], 1)
        until(lambda: waiting(engine) == 0)
        stop.set()
        fill(engine, [topics[0]], 1)  # wakes the relay, which then ends


def test_resend_refills_a_broker(
    engine: Engine, topics: list[str], relay_config: relay.RelayConfig, tap: Any
) -> None:
    """Claim: after `resend` the relay publishes the kept bytes again, in order per key."""
    fill(engine, [topics[0]], 100)
    with running(lambda stop: relay.run(relay_config, stop)):
        until(lambda: waiting(engine) == 0)
        with engine.begin() as tx:
            assert resend(tx, actor="user:t", reason="消息代理重建", topic=topics[0]) == 100
        until(lambda: waiting(engine) == 0)
    messages = tap(topics[0]).until(200)
    assert_in_order(messages, 100)
    assert len(messages) == 200


def test_a_cut_database_session_is_replaced(
    engine: Engine, topics: list[str], relay_config: relay.RelayConfig
) -> None:
    """Claim: when the server ends the relay's sessions, the relay comes back by itself and goes on."""
    with running(lambda stop: relay.run(relay_config, stop)):
        fill(engine, [topics[0]], 10)
        until(lambda: waiting(engine) == 0)
        with engine.begin() as tx:
            tx.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'shenguan relay'"
                )
            )
        fill(engine, [topics[0]], 10)
        until(lambda: waiting(engine) == 0)
