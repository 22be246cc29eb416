"""Kafka: records out to a topic of the department's own cluster, records in from one.

Guarantees: key = what the record is about, so that its records keep their order; header `id` = the record's key, the same
however often it is handed over (a repetition may lie in the topic twice: readers drop it by `id`). Every connection, also to
brokers that the cluster advertises, goes to judged addresses. Reads by offsets, without a group: commits nothing over there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from connectors.adapters.filled import filled
from connectors.adapters.guard import AddressRefused, guard
from connectors.adapters.http_body import Unwritable
from connectors.adapters.kafka_value import read_value, value_bytes
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Collected, Incoming, Outgoing, Refusal, Step
from connectors.adapters.reachable import Target, Watch, reach
from connectors.adapters.tls import Identity, tls_context
from connectors.bus import BusSettings, Dated, Producer, Reader, Record, Span, describe_topics, ensure_topics
from connectors.bus.judged import Judge
from connectors.errors import (
    AdapterUnavailable,
    BusUnavailable,
    ConnectorError,
    HeldBack,
    Misconfigured,
    RecordRefused,
    TopicMissing,
)
from schemas.connector.document import Endpoint, Flow
from schemas.encoding import Malformed, dumps, loads

KIND = "kafka"
SANDBOX = ".sandbox"
FETCH_WAIT_MS = 50
#: How far `found` looks back in each partition.
LOOK_BACK = 5_000


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> KafkaAdapter:
    """The adapter of an endpoint of kind 'kafka'. Raises Misconfigured."""
    return KafkaAdapter(endpoint, flow, outside)


class KafkaAdapter(Adapter):
    """See the module."""

    def __init__(self, endpoint: Endpoint, flow: Flow | None, outside: Outside) -> None:
        self._outside = outside
        self._flow = flow
        self._settings = filled(KIND, "settings", endpoint.settings)
        self._place = filled(KIND, flow.direction, flow.place) if flow else {}
        topic = self._place.get("topic", "")
        self._topic = topic + SANDBOX if topic and outside.sandbox else topic
        self._refused = ""
        # One function for the whole life: the client finds it again by what it is.
        self._judged: Judge = lambda host, port: self._judge(host, port)
        self._bus = self._bus_settings()
        self._producer = Producer(self._bus)
        self._reader = Reader(self._bus)
        self._made = False

    def __repr__(self) -> str:
        return f"KafkaAdapter({self._settings['bootstrap']!r}, {self._topic!r})"

    def check(self) -> Iterator[Step]:
        """One of the addresses is reached, the cluster signs us in, and knows the topic."""
        if not (yield from self._reached()):
            return
        watch = Watch()
        try:
            known = describe_topics(self._bus, [self._topic or "shenguan.check"])
        except ConnectorError as error:
            words = self._refused or error.message
            yield watch.step("sign_in", False, words, _advice(error, self._refused), error.__cause__ or "")
            return
        yield watch.step("sign_in", True, "集群有应答，并接受我们的身份。")
        if not self._topic:
            return
        if self._topic not in known and not self._outside.sandbox:
            advice = "请对方建立这个主题并授予读写权限，或核对主题名称（区分大小写）。"
            yield watch.step("shape", False, f"集群里没有主题 {self._topic}，或者我们没有它的权限。", advice)
            return
        count = len(known[self._topic].partitions) if self._topic in known else 0
        yield watch.step(
            "shape", True, f"主题 {self._topic} 在，有 {count} 个分区。" if count else "演练主题会自动建立。"
        )

    def _reached(self) -> Generator[Step, None, bool]:
        """The first address of which every layer holds; else what became of the last. Returns whether one held."""
        targets = [self._target(one) for one in self._bus.addresses]
        steps: list[Step] = []
        for target in targets:
            steps = list(reach(target, self._outside))
            if steps[-1].ok:
                break
        yield from steps
        return steps[-1].ok

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        """Appended and acknowledged by all replicas, one record after the other for each key."""
        if self._flow is None or self._flow.direction != "out":
            raise Misconfigured("这条流不是送出的，不能投递。")
        answers: list[Refusal | None] = [None] * len(batch)
        waiting: list[tuple[int, Record]] = []
        for index, one in enumerate(batch):
            try:
                waiting.append((index, self._record(one)))
            except Unwritable as error:
                answers[index] = Refusal("shape", f"{error}。")
        self._make_sandbox()
        while waiting:
            waiting = self._publish(waiting, answers)
        return answers

    def _publish(
        self, waiting: Sequence[tuple[int, Record]], answers: list[Refusal | None]
    ) -> list[tuple[int, Record]]:
        """Send all; returns those that a refused one of their key has held back, to be sent again without it."""
        try:
            outcomes = self._producer.publish([record for _, record in waiting])
        except BusUnavailable as error:
            raise self._away(error) from error
        held: list[tuple[int, Record]] = []
        for (index, record), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, HeldBack):
                held.append((index, record))
            elif isinstance(outcome, TopicMissing | BusUnavailable | Misconfigured):
                raise self._away(outcome) from outcome
            elif outcome is not None:
                answers[index] = _refusal(outcome)
        if len(held) == len(waiting):
            raise AdapterUnavailable("对方的集群没有接收这一批消息，稍后会再试。")
        return held

    def _record(self, one: Outgoing) -> Record:
        value = value_bytes(one.record, with_schema=self._place["value"] == "schema")
        headers = [("id", one.key.encode()), ("content-type", b"application/json")]
        if self._flow is not None:
            headers.append(("type", self._flow.message.encode()))
        return Record(self._topic, one.subject.encode(), value, headers)

    def collect(self, place: str, limit: int) -> Collected:
        """What was written behind these offsets, oldest first over all partitions."""
        if not self._topic:
            raise Misconfigured("没有指定主题，不能采集。")
        self._make_sandbox()
        offsets = _read_place(place)
        try:
            spans = self._reader.spans(self._topic)
            if not place and self._place.get("start") == "latest":
                return Collected((), _place_at({number: span.end for number, span in spans.items()}), False)
            lost, open_ = _left_of(offsets, spans)
            found = self._reader.read(self._topic, open_, limit)
        except (BusUnavailable, TopicMissing) as error:
            raise self._away(error) from error
        taken = _oldest_first(found)[: max(limit - len(lost), 0)]
        after = {number: span.first for number, span in open_.items()}
        for one in taken:
            after[one.message.partition] = one.message.offset + 1
        if not taken and not found:  # nothing but gaps: past them
            after = {number: span.end for number, span in open_.items()}
        more = any(after[number] < span.end for number, span in open_.items())
        return Collected([*lost, *(_incoming(one) for one in taken)], _place_at(after), more)

    def found(self, batch: Sequence[Outgoing]) -> list[dict[str, Any] | None]:
        """Read back by header `id` from the end of the topic, as far as `LOOK_BACK` messages of each partition go."""
        try:
            spans = self._reader.spans(self._topic)
            last = {
                n: span._replace(first=max(span.first, span.end - LOOK_BACK)) for n, span in spans.items()
            }
            read = self._reader.read(self._topic, last, LOOK_BACK)
        except (BusUnavailable, TopicMissing) as error:
            raise self._away(error) from error
        known = {one.message.header("id"): read_value(one.message.value)[0] for one in read}
        return [known.get(one.key) for one in batch]

    def close(self) -> None:
        """Let go of the cluster."""
        self._producer.close()
        self._reader.close()

    def _away(self, error: ConnectorError) -> AdapterUnavailable:
        return AdapterUnavailable(self._refused or error.message)

    def _make_sandbox(self) -> None:
        """The topic of rehearsals is made, with one partition, where it is missing."""
        if self._outside.sandbox and not self._made:
            try:
                ensure_topics(self._bus, [self._topic])
            except ConnectorError as error:
                raise self._away(error) from error
            self._made = True

    def _judge(self, host: str, port: int) -> list[str]:
        try:
            found = guard(host, port, self._outside)
        except AddressRefused as error:
            self._refused = f"集群对外公布的地址不能连接。{error.message}"
            raise
        self._refused = ""
        return found

    def _target(self, address: str) -> Target:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise Misconfigured(f"集群地址“{address[:100]}”应写成 主机:端口。")
        return Target(host, int(port), self._bus.tls)

    def _bus_settings(self) -> BusSettings:
        given = self._settings
        security: dict[str, Any] = {"security_protocol": given["security"]}
        if given["security"].startswith("SASL"):
            security |= {
                "sasl_mechanism": given["mechanism"],
                "sasl_plain_username": given["username"],
                "sasl_plain_password": self._outside.secrets.get("password", ""),
            }
        patience = int(given["patience_seconds"]) * 1000
        return BusSettings(
            given["bootstrap"].replace("，", ","),
            fetch_max_wait_ms=FETCH_WAIT_MS,
            partitions=1,
            connect_timeout_ms=min(patience, 5_000),
            request_timeout_ms=patience,
            security=security,
            tls=self._tls() if given["security"].endswith("SSL") else None,
            judge=self._judged,
        )

    def _tls(self) -> Any:
        certificate, secrets = self._settings["client_certificate"], self._outside.secrets
        if certificate.strip() and not secrets.get("client_key"):
            raise Misconfigured("填写了客户端证书，还须在“秘密”中填写它的私钥。")
        shown = Identity(certificate, secrets["client_key"]) if certificate.strip() else None
        return tls_context(self._settings["authority"], shown, use=KIND)


def _advice(error: ConnectorError, refused: str) -> str:
    if refused:
        return "请对方把集群对外公布的地址（advertised.listeners）改为从本机可以访问的地址。"
    if isinstance(error, Misconfigured):
        return "请核对安全方式、登录机制、用户名和口令。"
    return "请核对安全方式是否与对方一致；集群对外公布的每个地址都要能从本机访问。"


def _refusal(outcome: ConnectorError) -> Refusal:
    if not isinstance(outcome, RecordRefused) or "权限" in outcome.message:
        raise AdapterUnavailable(outcome.message)
    return Refusal("too_big" if "大小" in outcome.message else "answer", outcome.message)


def _incoming(one: Dated) -> Incoming:
    message = one.message
    record, fault = read_value(message.value)
    return Incoming(f"分区 {message.partition} offset {message.offset}", record, fault)


def _oldest_first(found: Sequence[Dated]) -> list[Dated]:
    """All partitions as one, by time; within a partition always by offset: where a writer's clock went back, the latest
    time before it counts. (By time alone the place would move past a message that was not handed on.)"""
    latest: dict[int, int] = {}
    ranked = []
    for one in found:
        number = one.message.partition
        latest[number] = max(latest.get(number, one.at), one.at)
        ranked.append((latest[number], number, one.message.offset, one))
    return [one for *_, one in sorted(ranked, key=lambda rank: rank[:3])]


def _read_place(text: str) -> dict[int, int]:
    try:
        return {int(number): int(offset) for number, offset in loads(text).items()} if text else {}
    except (Malformed, ValueError, TypeError, AttributeError) as error:
        raise Misconfigured("采集的起点不是本适配器写下的位置，请重新选择起点。") from error


def _place_at(offsets: Mapping[int, int]) -> str:
    return dumps({str(number): offsets[number] for number in sorted(offsets)}).decode()


def _left_of(offsets: Mapping[int, int], spans: Mapping[int, Span]) -> tuple[list[Incoming], dict[int, Span]]:
    """What is to be read of every partition, and, as unreadable records, what cannot be read any more."""
    lost: list[Incoming] = []
    left: dict[int, Span] = {}
    for number, span in spans.items():
        start = offsets.get(number, span.first)
        if start < span.first:
            words = "这些消息在对方的集群里已过期删除，没有采集到。请对方重新写入。"
            lost.append(Incoming(f"分区 {number} offset {start}–{span.first - 1}", {}, words))
        elif start > span.end:
            words = "对方的主题已重建，从头开始采集；其中采集过的会再来一次。"
            lost.append(Incoming(f"分区 {number} offset {span.first}", {}, words))
        left[number] = span._replace(first=start if span.first <= start <= span.end else span.first)
    return lost, left
