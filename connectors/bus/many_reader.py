"""Reads the topics of many departments with one client, each partition from the place that it is told, and may leave some
of them alone for a while.

Guarantees: nothing is committed by itself; what is paused is not fetched and keeps its place. Places may be written down
for any group, so that whoever reads a topic next goes on from there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from connectors.bus.consumer import Message, Position, as_message
from connectors.bus.faults import FOREIGN, translate
from connectors.bus.opening import opened
from connectors.bus.reach import require_reachable
from connectors.bus.reading_client import close_client, open_client
from connectors.bus.settings import BusSettings, require_fast_checksums
from connectors.bus.topics import TopicFacts, describe_topics

SLACK = timedelta(minutes=10)
_FETCH_BYTES = 4 * 1024 * 1024


class ManyReader:
    """Connects at first use, and again after a failure. One thread."""

    def __init__(self, settings: BusSettings) -> None:
        require_fast_checksums()
        self._settings = settings
        self._client: Any = None
        self._admin: Any = None
        self._places: dict[Position, int] = {}  # the next offset to read
        self._paused: set[Position] = set()

    def topics(self, names: Iterable[str]) -> dict[str, TopicFacts]:
        """Those that exist. Raises BusUnavailable when nobody answers."""
        return describe_topics(self._settings, names)

    def read(self, places: Mapping[Position, int]) -> None:
        """Read these partitions from now on; one that is read already stays where it is."""
        if places.keys() == self._places.keys():
            return
        self._places = {position: self._places.get(position, at) for position, at in places.items()}
        self._paused &= self._places.keys()
        if self._client is not None:
            self._take_up()

    def poll(self, limit: int, timeout_ms: int) -> list[Message]:
        """What came; an empty list when nothing did in time."""
        if not self._places:
            time.sleep(timeout_ms / 1000)
            return []
        client = self._connected()
        try:
            found = client.poll(timeout_ms=timeout_ms, max_records=limit)
        except FOREIGN as error:
            self.close()
            raise translate(error) from error
        messages = [as_message(record) for records in found.values() for record in records]
        for one in messages:
            self._places[one.topic, one.partition] = one.offset + 1
        return messages

    def pause(self, positions: Iterable[Position]) -> None:
        """Fetch nothing of these until they are resumed."""
        fresh = (set(positions) & self._places.keys()) - self._paused
        self._paused |= fresh
        if self._client is not None and fresh:
            self._client.pause(*[TopicPartition(*one) for one in fresh])

    def resume(self, positions: Iterable[Position]) -> None:
        """Go on with these."""
        back = set(positions) & self._paused
        self._paused -= back
        if self._client is not None and back:
            self._client.resume(*[TopicPartition(*one) for one in back])

    def seek(self, places: Mapping[Position, int]) -> None:
        """Read these again from there."""
        for position, offset in places.items():
            if position in self._places:
                self._places[position] = offset
                if self._client is not None:
                    self._client.seek(TopicPartition(*position), offset)

    def since(self, positions: Iterable[Position], moment: datetime) -> dict[Position, int]:
        """An offset of each partition before which nothing was written at that moment or later: brokers are not exact about
        this, and so it may be some minutes too early; whoever reads on from there looks at the messages' own times."""
        wanted = [TopicPartition(*one) for one in positions]
        client = self._connected()
        early = int((moment - SLACK).timestamp() * 1000)
        try:
            ends = client.end_offsets(wanted)
            found = client.offsets_for_times(dict.fromkeys(wanted, early))
        except FOREIGN as error:
            self.close()
            raise translate(error) from error
        # Where none was written later some brokers say nothing, others an offset without a time.
        later = {one: at for one, at in found.items() if at is not None and at.timestamp >= 0}
        return {
            (one.topic, one.partition): later[one].offset if one in later else ends[one] for one in wanted
        }

    def behind(self, position: Position) -> int:
        """How many messages are there beyond our place, as the last fetch told."""
        if self._client is None or position not in self._places:
            return 0
        end = self._client.highwater(TopicPartition(*position))
        return max(0, end - self._places[position]) if end else 0

    def note(self, group: str, places: Mapping[Position, int]) -> None:
        """Have the broker remember these places under the name of a group that nobody is a member of."""
        wanted = {TopicPartition(*one): OffsetAndMetadata(offset, "", -1) for one, offset in places.items()}
        try:
            if self._admin is None:
                require_reachable(self._settings)
                self._admin = opened(KafkaAdminClient, **self._settings.client())
            self._admin.alter_group_offsets(group, wanted)
        except FOREIGN as error:
            self._close_admin()
            raise translate(error) from error

    def close(self) -> None:
        """Let go of the broker. May be used again, from the places it had."""
        client, self._client = self._client, None
        close_client(client)
        self._close_admin()

    def _close_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            with contextlib.suppress(KafkaError, *FOREIGN):
                admin.close()

    def _connected(self) -> Any:
        if self._client is None:
            self._client = open_client(self._settings, None, fetch_bytes=_FETCH_BYTES, topics_known_ms=30_000)
            self._take_up()
        return self._client

    def _take_up(self) -> None:
        self._client.assign([TopicPartition(*one) for one in sorted(self._places)])
        for position, offset in self._places.items():
            self._client.seek(TopicPartition(*position), offset)
        if self._paused:
            self._client.pause(*[TopicPartition(*one) for one in self._paused])
