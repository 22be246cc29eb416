"""Sends batches and tells, for every record, whether all replicas have it.

Guarantees: records of one (topic, key) are appended in the order given; once one of them fails, no later one of the
same call is appended (the producer stops rather than lets it overtake). A record may be appended twice, and one reported
as failed may still have been appended (an acknowledgement can be lost): there are duplicates, never a loss.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.bus.faults import FOREIGN, translate
from connectors.bus.opening import opened
from connectors.bus.reach import require_reachable
from connectors.bus.settings import BusSettings, require_fast_checksums
from connectors.bus.topics import missing_topics
from connectors.errors import BusUnavailable, ConnectorError, HeldBack, TopicMissing

# A value may be 1 MiB; its headers and key come on top.
MAX_REQUEST = 1024 * 1024 + 64 * 1024

Headers = list[tuple[str, bytes]]


class Record(NamedTuple):
    """One message to send."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


class Producer:
    """Connects at first use, and again after a failure. One thread at a time."""

    def __init__(self, settings: BusSettings) -> None:
        require_fast_checksums()
        self._settings = settings
        self._client: Any = None
        self._known: set[str] = set()
        self._refused: dict[str, ConnectorError] = {}
        self._stopped = False

    def publish(self, records: Sequence[Record]) -> list[ConnectorError | None]:
        """Send all, wait for the acknowledgements, and say per record: None = safe, else why not."""
        if not records:
            return []
        client = self._connected()
        self._refused.clear()
        try:
            missing = self._missing({record.topic for record in records})
        except BusUnavailable:
            self._drop()
            raise
        outcomes = self._send(client, records, missing)
        try:
            client.flush(timeout=self._settings.request_timeout_ms / 1000 + 5)
        except KafkaError as error:
            self._drop()
            unknown = translate(error)
            return [_outcome(item, unknown) for item in outcomes]
        settled = [_outcome(item, None) for item in outcomes]
        if self._stopped or any(isinstance(item, BusUnavailable) for item in settled):
            self._drop()  # nothing of this batch may leave later, behind our back
        return settled

    def warm(self, topics: Iterable[str]) -> None:
        """Connect and learn where these topics live, so that the first message need not wait for it."""
        self._connected()
        self._missing(set(topics))

    def close(self) -> None:
        """Let go of the broker. The producer may be used again."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.close(timeout=2)
            except FOREIGN:  # it could not send the rest in time, and would go on trying
                client._sender.force_close()
                client._sender.join(5)

    def _send(self, client: Any, records: Sequence[Record], missing: set[str]) -> list[Any]:
        latest: dict[tuple[str, bytes | None], Any] = {}
        outcomes: list[Any] = []
        send = client.send
        for record in records:
            topic, key, value, headers = record
            earlier = latest.get((topic, key))
            if earlier is None:
                pass
            elif isinstance(earlier, ConnectorError):
                outcomes.append(HeldBack())
                continue
            else:
                # Runs in the sender's thread before it takes up the partition's next batch.
                earlier.add_errback(self._stop, client)
            sent: Any
            if topic in missing:
                sent = self._refused.get(topic) or TopicMissing(f"消息代理上没有主题 {topic}。")
            else:
                try:
                    sent = send(topic, value=value, key=key, headers=headers)
                except FOREIGN as error:
                    sent = translate(error)
            latest[topic, key] = sent
            outcomes.append(sent)
        return outcomes

    def _stop(self, client: Any, _error: object) -> None:
        self._stopped = True
        client._sender.force_close()  # no public call stops without sending the rest

    def _connected(self) -> Any:
        if self._client is None:
            self._stopped = False
            self._known.clear()
            self._refused.clear()
            require_reachable(self._settings)
            try:
                self._client = opened(
                    KafkaProducer,
                    **self._settings.client(),
                    acks="all",
                    # The embedded broker notes a sequence number before it stores the records: killed in between, it
                    # takes the client's second try for a repetition, acknowledges it, and the records are nowhere. So
                    # no sequence numbers: a second try is appended anew, and repetitions are dropped by event id.
                    enable_idempotence=False,
                    max_in_flight_requests_per_connection=1,  # keeps the order when a request is tried again
                    batch_size=self._settings.batch_size,
                    linger_ms=self._settings.linger_ms,
                    max_request_size=MAX_REQUEST,
                    max_block_ms=self._settings.connect_timeout_ms,
                    delivery_timeout_ms=self._settings.request_timeout_ms + self._settings.linger_ms + 1,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                )
            except FOREIGN as error:
                raise translate(error) from error
        return self._client

    def _missing(self, topics: set[str]) -> set[str]:
        """Which of these the broker does not have, asked once per topic and connection."""
        silent: set[str] = set()
        for topic in topics - self._known:
            try:
                self._client.partitions_for(topic)
                self._known.add(topic)
            except FOREIGN as error:
                fault = translate(error)
                if not isinstance(fault, BusUnavailable | TopicMissing):
                    self._refused[topic] = fault
                silent.add(topic)
        if not silent - self._refused.keys():
            return silent
        # The client says "timeout" of a topic that is not there and of a broker that is away: ask which.
        missing = set(missing_topics(self._settings, silent)) | self._refused.keys()
        if silent - missing:
            raise BusUnavailable
        return silent

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(*FOREIGN):
                client._sender.force_close()
                client._sender.join(5)
                client.close(timeout=1)


def _outcome(item: Any, unsettled: ConnectorError | None) -> ConnectorError | None:
    if isinstance(item, ConnectorError):
        return item
    if not item.is_done:
        return unsettled or BusUnavailable()
    return translate(item.exception) if item.failed() else None
