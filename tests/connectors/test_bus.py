"""The bus on a real broker: order, outcomes per record, offsets, and what happens when the broker is not there."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from typing import Any

import pytest

from connectors.bus import BusSettings, Consumer, Producer, Record, ensure_topics, missing_topics
from connectors.bus.consumer import next_offsets
from connectors.errors import BusUnavailable, HeldBack, Misconfigured, RecordRefused
from tests.connectors.waiting import until


def record(topic: str, key: str, value: bytes = b"{}", **headers: str) -> Record:
    return Record(topic, key.encode(), value, [(name, text.encode()) for name, text in headers.items()])


@pytest.fixture
def topic(bus: BusSettings, area: str) -> str:
    ensure_topics(bus, [f"{area}.scjg.in"])
    return f"{area}.scjg.in"


@pytest.fixture
def nowhere() -> BusSettings:
    """A port where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    return BusSettings(f"127.0.0.1:{port}", connect_timeout_ms=500, request_timeout_ms=1000)


def test_values_and_headers_arrive_as_they_are_in_order_of_their_key(
    producer: Producer, topic: str, tap: Any
) -> None:
    """Claim: raw bytes and headers come out unchanged; records of one key keep their order."""
    sent = [
        record(topic, f"k{n % 7}", b"\x00\xff" + str(n).encode(), signature=f"s{n}", kid="k")
        for n in range(500)
    ]
    assert producer.publish(sent) == [None] * 500
    got = tap(topic).until(500)
    assert len(got) == 500
    for key in {f"k{n}".encode() for n in range(7)}:
        mine = [m for m in got if m.key == key]
        assert [m.value for m in mine] == [one.value for one in sent if one.key == key]
    assert {(m.header("signature"), m.value) for m in got} == {
        (one.headers[0][1].decode(), one.value) for one in sent
    }


def test_a_record_that_is_too_large_holds_back_only_its_own_key(
    producer: Producer, topic: str, tap: Any
) -> None:
    """Claim: an oversized record is refused, the later ones of its key are held back, other keys go on."""
    outcomes = producer.publish(
        [record(topic, "a"), record(topic, "b", b"x" * 3_000_000), record(topic, "b"), record(topic, "c")]
    )
    assert outcomes[0] is None
    assert isinstance(outcomes[1], RecordRefused)
    assert isinstance(outcomes[2], HeldBack)
    assert outcomes[3] is None
    assert sorted(m.key for m in tap(topic).until(2)) == [b"a", b"c"]


def test_a_value_of_one_mebibyte_passes(producer: Producer, topic: str, tap: Any) -> None:
    """Claim: the largest message that the contract allows goes through, headers and all."""
    assert producer.publish([record(topic, "a", b"x" * 1024 * 1024, signature="s" * 200)]) == [None]
    assert len(tap(topic).until(1)[0].value) == 1024 * 1024


def test_offsets_are_committed_only_when_told(
    bus: BusSettings, producer: Producer, topic: str, area: str
) -> None:
    """Claim: what was read but not committed comes again to the next member; what was committed does not; `rewind`
    reads again."""
    producer.publish([record(topic, f"k{n}", str(n).encode()) for n in range(20)])
    first = Consumer(bus, f"{area}.g")
    first.assign(first.partitions([topic]))
    got: list[Any] = []
    until(lambda: got.extend(first.poll(100, 200)) or len(got) == 20)
    first.rewind(got)
    again: list[Any] = []
    until(lambda: again.extend(first.poll(100, 200)) or len(again) == 20)
    half = [m for m in again if m.partition == again[0].partition]
    first.commit(next_offsets(half))
    first.close()
    second = Consumer(bus, f"{area}.g")
    second.assign(second.partitions([topic]))
    rest: list[Any] = []
    until(lambda: rest.extend(second.poll(100, 200)) or len(rest) == 20 - len(half))
    assert {m.partition for m in rest}.isdisjoint({m.partition for m in half})
    second.close()


def test_topics_are_made_once(bus: BusSettings, area: str) -> None:
    """Claim: ensure_topics makes what is missing and leaves what is there."""
    names = [f"{area}.x.in", f"{area}.x.out"]
    assert missing_topics(bus, names) == names
    assert ensure_topics(bus, names) == names
    assert ensure_topics(bus, names) == []
    assert missing_topics(bus, names) == []


def test_a_consumer_follows_new_topics_without_a_restart(
    bus: BusSettings, producer: Producer, area: str
) -> None:
    """Claim: `assign` takes up a topic that was not there before."""
    one, two = f"{area}.a.out", f"{area}.b.out"
    ensure_topics(bus, [one, two])
    consumer = Consumer(bus, f"{area}.g")
    assert consumer.assign(consumer.partitions([one]))
    producer.publish([record(one, "k"), record(two, "k")])
    until(lambda: [m.topic for m in consumer.poll(10, 200)] == [one])
    assert consumer.assign(consumer.partitions([one, two]))
    assert not consumer.assign(consumer.partitions([two, one]))
    until(lambda: two in [m.topic for m in consumer.poll(10, 200)])
    consumer.close()


def test_a_broker_that_is_away_is_said_to_be_away_soon(nowhere: BusSettings) -> None:
    """Claim: producing and asking for topics fail as BusUnavailable within seconds, not after half a minute."""
    begun = time.monotonic()
    with pytest.raises(BusUnavailable):
        Producer(nowhere).publish([record("x", "k")])
    with pytest.raises(BusUnavailable):
        missing_topics(nowhere, ["x"])
    with pytest.raises(BusUnavailable):
        Consumer(nowhere, "g").poll()
    assert time.monotonic() - begun < 25


def test_a_broker_that_says_nothing_leaves_no_thread_behind(area: str) -> None:
    """Claim: who takes connections and never answers is away like any other, and no try leaves a thread running."""
    before = set(threading.enumerate())
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        bus = BusSettings(
            f"127.0.0.1:{mute.getsockname()[1]}", connect_timeout_ms=300, request_timeout_ms=1000
        )
        for attempt in (
            lambda: Producer(bus).publish([record("x", "k")]),
            lambda: missing_topics(bus, ["x"]),
            lambda: Consumer(bus, area).poll(),
        ):
            with pytest.raises(BusUnavailable):
                attempt()
    assert set(threading.enumerate()) <= before


def test_security_settings_are_passed_on_or_refused() -> None:
    """Claim: TLS and SASL options reach the client; an unknown one is refused with a sentence."""
    settings = BusSettings(
        "b:9093", security={"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512"}
    )
    assert settings.client()["security_protocol"] == "SASL_SSL"
    with pytest.raises(Misconfigured, match="ssl_cafil；"):
        BusSettings("b:9093", security={"ssl_cafil": "x"})
    with pytest.raises(Misconfigured, match="security_protocol"):
        BusSettings("b:9093", security={"security_protocol": "TLS"})


def test_without_crc32c_nothing_starts(monkeypatch: pytest.MonkeyPatch, bus: BusSettings) -> None:
    """Claim: a missing crc32c is refused in words instead of being silently slow."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "crc32c" else find(name, *a)
    )
    with pytest.raises(Misconfigured, match="pip install crc32c"):
        Producer(bus)
