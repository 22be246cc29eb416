"""Kafka passes the contract suite against a real broker of its own, over a wire that can be cut."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from connectors.adapters import open_adapter
from connectors.adapters.kafka import KafkaAdapter
from connectors.adapters.kafka_value import read_value
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Outgoing
from connectors.bus import BusSettings, Producer, Reader, Record, ensure_topics
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow
from schemas.connector.kinds import settings_faults
from shenguan.embedded.broker import Broker, program
from shenguan.embedded.process import Child, spawn
from tests.adapters.contract import Checks, Collects, Delivers, Refuses, Rehearses, RehearsesCollecting
from tests.adapters.counterpart import Counterpart, Trouble, as_text, record
from tests.adapters.counterpart import Record as Fields
from tests.adapters.wire import Wire

START = 1_700_000_000_000  # milliseconds since 1970
PLAIN = {"security": "PLAINTEXT", "patience_seconds": 5}


class WiredBroker(Broker):
    """In memory; what it advertises is the wire's end, so that every client comes through the wire."""

    def __init__(self, directory: Path, *, port: int) -> None:
        super().__init__(directory, port=port, log=directory / "broker.log")
        self.wire = Wire("127.0.0.1", port)

    def launch(self) -> Child:
        argv = [program(), "broker", "--listener-url", f"tcp://{self.bootstrap}"]
        argv += ["--advertised-listener-url", f"tcp://127.0.0.1:{self.wire.port}"]
        argv += ["--storage-engine", "memory://tansu/"]
        return spawn(argv, log=self.log, cwd=self.directory)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WiredBroker]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    made = WiredBroker(tmp_path_factory.mktemp("broker"), port=port)
    made.start()
    yield made
    made.wire.cut()
    made.kill()


class KafkaCounterpart(Counterpart):
    """A department's cluster: one topic each way, of one partition, so that order can be told."""

    fails_at = {"away": "tcp", "place": "shape"}  # noqa: RUF012
    secrets = ("s3cret-of-kafka",)

    def __init__(self, broker: WiredBroker, value: str = "plain") -> None:
        self._wire = broker.wire
        self._value = value
        self._bus = BusSettings(broker.bootstrap, fetch_max_wait_ms=10, partitions=1)
        name = secrets.token_hex(4)
        self._topics = {True: f"out-{name}", False: f"in-{name}"}
        self._nowhere = f"nowhere-{name}"  # a broker may make what is written to
        ensure_topics(self._bus, [one + end for one in self._topics.values() for end in ("", ".sandbox")])
        self._producer = Producer(self._bus)

    def open(self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False) -> Adapter:
        topic = self._nowhere if trouble == "place" else self._topics[out]
        settings = {**PLAIN, "bootstrap": f"127.0.0.1:{self._wire.port}"}
        place = {"topic": topic, **({"value": self._value} if out else {})}
        flow = Flow("f", "out" if out else "in", "approval.decided.v1" if out else "finding", "k", place)
        assert settings_faults("kafka", "settings", settings) == []
        assert settings_faults("kafka", flow.direction, place) == []
        outside = Outside({"password": self.secrets[0]}, loopback_allowed=True, sandbox=sandbox)
        return open_adapter(Endpoint("k", "kafka", settings), flow, outside)

    def there(self, *, sandbox: bool = False) -> list[Fields]:
        reader = Reader(self._bus)
        topic = self._topics[True] + (".sandbox" if sandbox else "")
        found: dict[str | None, Fields] = {}
        for one in reader.read(topic, reader.spans(topic), 10_000):
            found.setdefault(one.message.header("id"), as_text(read_value(one.message.value)[0]))
        reader.close()
        return list(found.values())

    def put(self, records: Sequence[Fields], *, sandbox: bool = False) -> None:
        topic = self._topics[False] + (".sandbox" if sandbox else "")
        sent = [Record(topic, b"k", json.dumps(one).encode(), []) for one in records]
        assert self._producer.publish(sent) == [None] * len(sent)

    def refused_record(self, number: int) -> Fields:
        return record(number, note="x" * 2_000_000)

    def break_it(self) -> None:
        self._wire.cut()

    def mend_it(self) -> None:
        self._wire.mend()

    def close(self) -> None:
        self._producer.close()


class TestKafka(Checks, Delivers, Refuses, Collects, Rehearses, RehearsesCollecting):
    """Plain JSON."""

    @pytest.fixture
    def counterpart(self, broker: WiredBroker) -> Iterator[Counterpart]:
        made = KafkaCounterpart(broker)
        yield made
        made.close()


class TestWithSchema(Delivers):
    """The envelope of Kafka Connect."""

    @pytest.fixture
    def counterpart(self, broker: WiredBroker) -> Iterator[Counterpart]:
        made = KafkaCounterpart(broker, "schema")
        yield made
        made.close()


# ---- places and addresses


def opened(broker: WiredBroker, topic: str, **more: Any) -> KafkaAdapter:
    outside = more.pop("outside", Outside(loopback_allowed=True))
    settings = {**PLAIN, "bootstrap": f"127.0.0.1:{broker.wire.port}", **more.pop("settings", {})}
    made = open_adapter(
        Endpoint("k", "kafka", settings), Flow("f", "in", "finding", "k", {"topic": topic, **more}), outside
    )
    assert isinstance(made, KafkaAdapter)
    return made


def read_all(adapter: KafkaAdapter, limit: int) -> list[int]:
    place, found = "", []
    while True:
        page = adapter.collect(place, limit)
        found += [one.record["n"] for one in page.records]
        place = page.place
        if not page.more:
            return found


def write(broker: WiredBroker, times: Sequence[tuple[int, int]]) -> str:
    """A topic of three partitions, written by the client that departments use; `n` counts, `times` are (partition, ms)."""
    topic = f"t-{secrets.token_hex(4)}"
    ensure_topics(BusSettings(broker.bootstrap, partitions=3), [topic])
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap)) as producer:
        for number, (partition, ms) in enumerate(times):
            producer.send(topic, b'{"n": %d}' % number, partition=partition, timestamp_ms=START + ms).get(10)
    return topic


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_partitions_are_read_in_the_order_of_time(broker: WiredBroker, limit: int) -> None:
    """Claim: several partitions are read as one, oldest first, each message once, whatever the size of the pages."""
    topic = write(broker, [(number % 3, number) for number in range(20)])
    with closing(opened(broker, topic)) as adapter:
        assert read_all(adapter, limit) == list(range(20))


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_clock_that_goes_back_loses_nothing(broker: WiredBroker, limit: int) -> None:
    """Claim: within a partition the offsets count: a message dated before its predecessor comes behind it, and comes."""
    topic = write(broker, [(0, 50), (0, 10), (1, 20), (0, 60), (1, 5)])
    with closing(opened(broker, topic)) as adapter:
        assert read_all(adapter, limit) == [2, 4, 0, 1, 3]


def test_the_start_can_be_now(broker: WiredBroker) -> None:
    """Claim: a flow that begins with what comes from now on leaves what is there."""
    counterpart = KafkaCounterpart(broker)
    counterpart.put([record(1)])
    adapter = opened(broker, counterpart._topics[False], start="latest")
    first = adapter.collect("", 10)
    assert (list(first.records), first.more) == ([], False)
    counterpart.put([record(2)])
    assert [one.record["id"] for one in adapter.collect(first.place, 10).records] == ["k-00002"]
    adapter.close()
    counterpart.close()


def test_what_is_gone_over_there_is_said(broker: WiredBroker) -> None:
    """Claim: offsets beyond the end (a topic made anew) come as one unreadable record with words, and reading goes on."""
    counterpart = KafkaCounterpart(broker)
    counterpart.put([record(1)])
    adapter = opened(broker, counterpart._topics[False])
    page = adapter.collect('{"0":77}', 10)
    assert [one.fault is None for one in page.records] == [False, True]
    assert "重建" in str(page.records[0].fault)
    for place in ("row 7", "[1]", '{"a":1}'):
        with pytest.raises(Misconfigured, match="起点"):
            adapter.collect(place, 10)
    adapter.close()
    counterpart.close()


def test_what_the_cluster_advertises_is_judged_too(broker: WiredBroker) -> None:
    """Claim: a broker behind a good address that sends us on to a forbidden one gets no connection, and that is said."""
    counterpart = KafkaCounterpart(broker)
    port = broker.port  # reached directly; what it advertises is the wire, which is closed here
    outside = Outside(loopback_allowed=True, closed=frozenset({("127.0.0.1", broker.wire.port)}))
    settings = {"bootstrap": f"127.0.0.1:{port}"}
    adapter = opened(broker, counterpart._topics[False], outside=outside, settings=settings)
    steps = list(adapter.check())
    assert [(one.layer, one.ok) for one in steps][-1] == ("sign_in", False)
    assert "对外公布" in steps[-1].words
    assert "advertised.listeners" in steps[-1].advice
    with pytest.raises(AdapterUnavailable, match="对外公布"):
        adapter.collect("", 1)
    adapter.close()
    counterpart.close()


def test_a_forbidden_address_is_not_tried() -> None:
    """Claim: the first layer of a check refuses it; addresses that are none are named."""
    for bootstrap, words in (("169.254.169.254:9092", "元数据"), ("127.0.0.1:9092", "本机")):
        made = open_adapter(Endpoint("k", "kafka", {**PLAIN, "bootstrap": bootstrap}), None, Outside())
        (only,) = made.check()
        assert (only.layer, only.ok) == ("address", False)
        assert words in only.words


def test_the_second_address_will_do(broker: WiredBroker) -> None:
    """Claim: where one address of the cluster is away, another one is enough."""
    counterpart = KafkaCounterpart(broker)
    with socket.create_server(("127.0.0.1", 0)) as held:
        away = held.getsockname()[1]
    settings = {"bootstrap": f"127.0.0.1:{away}, 127.0.0.1:{broker.wire.port}"}
    adapter = opened(broker, counterpart._topics[False], settings=settings)
    assert all(one.ok for one in adapter.check())
    adapter.close()
    counterpart.close()


def test_records_of_one_case_keep_together(broker: WiredBroker) -> None:
    """Claim: a record that is too big is refused alone: others of its case behind it are there, in order."""
    counterpart = KafkaCounterpart(broker)
    adapter = counterpart.open()
    big = {"id": "2", "note": "x" * 2_000_000}
    batch = [Outgoing("1", "c", {"id": "1"}), Outgoing("2", "c", big), Outgoing("3", "c", {"id": "3"})]
    answers = adapter.deliver(batch)
    assert [one.cause if one else None for one in answers] == [None, "too_big", None]
    assert [one["id"] for one in counterpart.there()] == ["1", "3"]
    adapter.close()
    counterpart.close()


def test_what_was_delivered_can_be_read_back(broker: WiredBroker) -> None:
    """Claim: by its id every record is found again as it was handed over; one that is not there is None."""
    for value in ("plain", "schema"):
        counterpart = KafkaCounterpart(broker, value)
        adapter = counterpart.open(sandbox=True)
        batch = [Outgoing(str(n), "c", {"id": str(n), "fine": Decimal("12.10"), "n": n}) for n in range(5)]
        adapter.deliver(batch)
        assert adapter.found([*batch, Outgoing("9", "c", {})]) == [*(one.record for one in batch), None]
        adapter.close()
        counterpart.close()
