"""Reads a topic by the offsets it is told, without a group: the same offsets give the same messages again.

Guarantees: commits nothing; reads no further than the end it was shown, so that several partitions can be put in one order.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from kafka import TopicPartition

from connectors.bus.consumer import Message, as_message
from connectors.bus.faults import FOREIGN, translate
from connectors.bus.reading_client import close_client, open_client
from connectors.bus.settings import BusSettings, require_fast_checksums
from connectors.errors import BusUnavailable, TopicMissing

_FETCH_BYTES = 8 * 1024 * 1024
_POLL_MS = 200


class Span(NamedTuple):
    """What a partition holds: the first offset that is still there, and the one behind the last."""

    first: int
    end: int


class Dated(NamedTuple):
    """A message, and when it was written (milliseconds since 1970)."""

    at: int
    message: Message


class Reader:
    """Connects at first use, and again after a failure. One thread."""

    def __init__(self, settings: BusSettings) -> None:
        require_fast_checksums()
        self._settings = settings
        self._client: Any = None

    def spans(self, topic: str) -> dict[int, Span]:
        """Every partition of the topic. Raises TopicMissing, BusUnavailable."""
        client = self._connected()
        try:
            numbers = client.partitions_for_topic(topic) or set()
            all_of = [TopicPartition(topic, number) for number in sorted(numbers)]
            if not all_of:
                raise TopicMissing(f"消息代理上没有主题 {topic}，或没有读取它的权限。")
            first, end = client.beginning_offsets(all_of), self._ends(client, all_of)
            return {one.partition: Span(first[one], end[one]) for one in all_of}
        except FOREIGN as error:
            self.close()
            raise translate(error) from error

    def read(self, topic: str, spans: Mapping[int, Span], limit: int) -> list[Dated]:
        """Of each span its first messages, at most `limit` of each; raises BusUnavailable when they do not come in time."""
        client = self._connected()
        try:
            # One by one: a long partition must not stand before a short one.
            return [
                one
                for number, span in sorted(spans.items())
                if span.first < span.end
                for one in self._read_one(client, TopicPartition(topic, number), span, limit)
            ]
        except FOREIGN as error:
            self.close()
            raise translate(error) from error

    def _read_one(self, client: Any, partition: Any, span: Span, limit: int) -> list[Dated]:
        client.assign([])  # drops what was fetched ahead for the last reading
        client.assign([partition])
        client.seek(partition, span.first)
        until = time.monotonic() + self._settings.request_timeout_ms / 1000
        found: list[Dated] = []
        # By position, not by count: offsets have gaps where a topic is compacted or written in transactions.
        while len(found) < limit and client.position(partition) < span.end:
            if time.monotonic() > until:
                raise BusUnavailable("消息代理没有及时给出消息。数据没有丢失，稍后会再试。")
            for records in client.poll(timeout_ms=_POLL_MS, max_records=limit).values():
                found += [Dated(one.timestamp, as_message(one)) for one in records if one.offset < span.end]
        return found[:limit]

    def close(self) -> None:
        """Let go of the broker. May be used again."""
        client, self._client = self._client, None
        close_client(client)

    def _ends(self, client: Any, all_of: list[Any]) -> dict[Any, int]:
        """By fetching there: asked for its ends, the embedded broker names the last batch's first record."""
        known: dict[Any, int] = client.end_offsets(all_of)
        client.assign([])
        client.assign(all_of)
        for one in all_of:
            client.seek(one, known[one])
        until = time.monotonic() + self._settings.request_timeout_ms / 1000
        while any(client.highwater(one) is None for one in all_of) and time.monotonic() < until:
            if not client.poll(timeout_ms=_POLL_MS):
                break  # a broker need not mention partitions in which there is nothing new
        return {one: max(known[one], client.highwater(one) or 0) for one in all_of}

    def _connected(self) -> Any:
        if self._client is None:
            self._client = open_client(self._settings, None, fetch_bytes=_FETCH_BYTES)
        return self._client
