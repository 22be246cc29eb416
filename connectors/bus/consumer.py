"""Reads batches of raw messages from the partitions it is told to; commits exactly the offsets it is told.

Guarantees: nothing is committed by itself; a group that has no offset starts at the beginning, so nothing that was
sent before the first start is missed. A message may come twice (after a crash). Who reads which partition is not the
broker's business here: a member that leaves while joining a group can block it for good on some brokers, so programs
that share work hold locks (`connectors.shares`), and the group only remembers offsets.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from connectors.bus.faults import FOREIGN, translate
from connectors.bus.reading_client import close_client, open_client
from connectors.bus.settings import BusSettings, require_fast_checksums
from connectors.bus.topics import describe_topics
from connectors.errors import BusUnavailable

Position = tuple[str, int]

_FETCH_BYTES = 8 * 1024 * 1024


class Message(NamedTuple):
    """One message as it lies on the broker."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]

    def header(self, name: str) -> str | None:
        """A header as text; None when absent or not UTF-8."""
        raw = self.headers.get(name)
        try:
            return None if raw is None else raw.decode()
        except UnicodeDecodeError:
            return None


class Consumer:
    """Connects at first use, and again after a failure. One thread."""

    def __init__(self, settings: BusSettings, group: str) -> None:
        require_fast_checksums()
        self._settings = settings
        self._group = group
        self._positions: frozenset[Position] = frozenset()
        self._client: Any = None
        self._ids: dict[str, str | None] = {}
        self._renewed: set[str] = set()

    def partitions(self, topics: Iterable[str]) -> list[Position]:
        """All partitions of these topics, of those that exist. Raises `BusUnavailable` when nobody answers.

        Call it every few seconds: a topic that was made anew meanwhile (a wiped broker) is then read from its beginning.
        """
        try:
            facts = describe_topics(self._settings, topics)
        except BusUnavailable:
            self.close()
            raise
        renewed = {
            topic for topic, fact in facts.items() if self._ids.get(topic, fact.topic_id) != fact.topic_id
        }
        self._ids |= {topic: fact.topic_id for topic, fact in facts.items()}
        if renewed:
            # Old positions would skip what the new log has begun with; so would what was committed since.
            self._renewed |= renewed
            self.close()
        return sorted((topic, number) for topic, fact in facts.items() for number in fact.partitions)

    def assign(self, positions: Iterable[Position]) -> bool:
        """Read these partitions from now on, each from its committed offset. True when that changed anything."""
        wanted = frozenset(positions)
        if wanted == self._positions:
            return False
        self._positions = wanted
        if self._client is not None:
            self._take_up()
        return True

    def poll(self, limit: int = 500, timeout_ms: int = 500) -> list[Message]:
        """Up to `limit` messages; an empty list when none came in time."""
        client = self._connected()
        if not self._positions:
            time.sleep(timeout_ms / 1000)  # the client would return at once
            return []
        try:
            found = client.poll(timeout_ms=timeout_ms, max_records=limit)
        except FOREIGN as error:
            self.close()
            raise translate(error) from error
        return [as_message(record) for records in found.values() for record in records]

    def commit(self, offsets: Mapping[Position, int]) -> None:
        """Commit the next offset to read per partition."""
        if not offsets:
            return
        self._connected()
        wanted = {
            TopicPartition(t, p): OffsetAndMetadata(offset, "", -1) for (t, p), offset in offsets.items()
        }
        try:
            self._client.commit(wanted, timeout_ms=self._settings.request_timeout_ms)
        except FOREIGN as error:
            self.close()
            raise translate(error) from error

    def rewind(self, messages: Sequence[Message]) -> None:
        """Read these messages again at the next poll."""
        first: dict[Position, int] = {}
        for message in messages:
            at = (message.topic, message.partition)
            first[at] = min(first.get(at, message.offset), message.offset)
        try:
            for (topic, partition), offset in first.items():
                self._client.seek(TopicPartition(topic, partition), offset)
        except (
            AttributeError,
            *FOREIGN,
        ):  # no longer ours or no longer connected: they come again by themselves
            self.close()

    def close(self) -> None:
        """Let go of the broker. The consumer may be used again."""
        client, self._client = self._client, None
        close_client(client)

    def _connected(self) -> Any:
        if self._client is None:
            self._client = open_client(
                self._settings, self._group, fetch_bytes=_FETCH_BYTES, topics_known_ms=30_000
            )
            self._take_up()
        return self._client

    def _take_up(self) -> None:
        taken = [TopicPartition(topic, number) for topic, number in sorted(self._positions)]
        self._client.assign(taken)
        anew = [one for one in taken if one.topic in self._renewed]
        if anew:
            self._client.seek_to_beginning(*anew)
            self._renewed -= {one.topic for one in anew}


def next_offsets(messages: Iterable[Message]) -> dict[Position, int]:
    """What to commit once all these are dealt with."""
    offsets: dict[Position, int] = {}
    for message in messages:
        at = (message.topic, message.partition)
        offsets[at] = max(offsets.get(at, 0), message.offset + 1)
    return offsets


def as_message(record: Any) -> Message:
    """A record of the client, as we hand it on."""
    headers = {name: value for name, value in record.headers if value is not None}
    return Message(record.topic, record.partition, record.offset, record.key, record.value or b"", headers)
