"""The line to the hub: over a broker's topics, or over the hub's REST door. The same bytes, the same receipts.

Guarantees of both: a message is given again until `done`; nothing of a batch that failed counts as sent. A department may
change from one to the other at any time with the same state folder: what it knows by event id is not delivered twice.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import httpx

from connectors.bus import Consumer, Message, Producer, Record
from connectors.bus.consumer import next_offsets
from connectors.department.config import ConnectorConfig
from connectors.department.hub_door import HubDoor, said
from connectors.department.state import State
from connectors.errors import BusUnavailable, ConnectorError, HeldBack

Outcomes = list[ConnectorError | None]
FOLLOW_S = 3.0
PLACE = "rest.place"
MOST_SENT, MOST_SENT_BYTES = 200, 4 << 20
MOST_RECEIVED = 200


class Publisher(Protocol):
    """What says things."""

    def publish(self, records: Sequence[Record]) -> Outcomes:
        """Send all, and say per record: None = the hub will have it, else why not."""


class Line(Publisher, Protocol):
    """What a connector works with. Every method raises ConnectorError when it has to be tried again."""

    def receive(self, limit: int, timeout_ms: int) -> list[Message]:
        """What has come; an empty list when nothing did in time."""

    def done(self, messages: Sequence[Message]) -> None:
        """These are dealt with, their receipts are out: go on behind them."""

    def again(self, messages: Sequence[Message]) -> None:
        """Give these once more."""

    def close(self) -> None:
        """Let go; may be used again."""


class BrokerLine:
    """Topics. Reads every partition of our own; a broker that is away, or has no topics for us, is found out here."""

    def __init__(self, config: ConnectorConfig, consumer: Consumer, producer: Producer) -> None:
        self._config = config
        self.consumer = consumer
        self._producer = producer
        self._follow_at = 0.0

    def receive(self, limit: int, timeout_ms: int) -> list[Message]:
        now = time.monotonic()
        if now >= self._follow_at:
            self._follow()
            self._follow_at = now + FOLLOW_S
        return self.consumer.poll(limit, timeout_ms)

    def done(self, messages: Sequence[Message]) -> None:
        self.consumer.commit(next_offsets(messages))

    def again(self, messages: Sequence[Message]) -> None:
        self.consumer.rewind(messages)

    def publish(self, records: Sequence[Record]) -> Outcomes:
        return self._producer.publish(records)

    def close(self) -> None:
        self.consumer.close()
        self._producer.close()

    def _follow(self) -> None:
        config = self._config
        found = self.consumer.partitions([config.topic_in, config.topic_out])
        missing = sorted({config.topic_in, config.topic_out} - {topic for topic, _ in found})
        if missing:
            raise ConnectorError(
                f"消息代理上还没有主题 {'、'.join(missing)}，等待平台登记本部门"
                f"（区域 {config.area}、部门代码 {config.code}）。"
            )
        self.consumer.assign(position for position in found if position[0] == config.topic_in)


class RestLine:
    """The hub's door. At each start it first asks for what nobody has signed for, then goes on from its place.

    The place is kept in the state file after the receipts are out. One that the hub does not know any more (its database was
    restored) is given up: everything without a receipt comes again, and what is known by event id is dropped.
    """

    def __init__(self, config: ConnectorConfig, door: HubDoor, state: State) -> None:
        self._config = config
        self._door = door
        self._state = state
        self._catching_up = True
        self._asked_at = 0.0
        self._tag = ("", "")  # the place that was asked about, and what the hub calls its answer
        self._next = ""  # behind what was given last
        self._whole = False  # nothing more was there

    def receive(self, limit: int, timeout_ms: int) -> list[Message]:
        pause = self._asked_at + self._config.rest_poll_ms / 1000 - time.monotonic()
        if pause > 0:
            time.sleep(min(pause, timeout_ms / 1000))
            return []
        place = self._state.note(PLACE) or ""
        query: dict[str, Any] = {"after": place, "limit": min(limit, MOST_RECEIVED)}
        if self._catching_up:
            query["unsigned"] = "true"
        tag = {"If-None-Match": self._tag[1]} if self._tag[0] == place and self._tag[1] else {}
        answer = self._door.ask("GET", "/messages", params=query, headers=tag)
        if answer.status_code == 304:
            self._asked_at = time.monotonic()
            return []
        if answer.status_code == 410 and place:
            self._state.set_note(PLACE, "")
            self._catching_up = True
            return []
        page = _document(answer)
        return self._given(page, place, answer.headers.get("ETag", ""))

    def _given(self, page: dict[str, Any], place: str, tag: str) -> list[Message]:
        messages = [_message(self._config.topic_in, one) for one in page["messages"]]
        self._next, self._whole = page["next"], not page["more"]
        if messages:
            return messages
        if self._next != place:
            self._state.set_note(PLACE, self._next)
        if self._whole:
            self._asked_at = time.monotonic()
            self._tag = ("" if self._catching_up else place, tag)
            self._catching_up = False
        return []

    def done(self, messages: Sequence[Message]) -> None:
        del messages  # a page is dealt with whole
        self._state.set_note(PLACE, self._next)
        if self._whole and self._catching_up:
            self._catching_up = False

    def again(self, messages: Sequence[Message]) -> None:
        """The place has not moved."""

    def publish(self, records: Sequence[Record]) -> Outcomes:
        """What the hub refuses is safe with it all the same: its refusal comes as a message, as from a topic."""
        outcomes: Outcomes = []
        for part in _parts(records):
            messages = [
                {
                    "value": base64.b64encode(one.value).decode(),
                    "signature": dict(one.headers)["signature"].decode(),
                }
                for one in part
            ]
            try:
                _document(self._door.ask("POST", "/messages", json={"messages": messages}))
            except ConnectorError as error:
                outcomes.append(error)
                return outcomes + [HeldBack() for _ in records[len(outcomes) :]]
            outcomes += [None] * len(part)
        return outcomes

    def close(self) -> None:
        self._door.close()


def signed_before(door: HubDoor) -> Iterator[list[str]]:
    """The ids of everything that the department has signed for, in pages."""
    after, more = "", True
    while more:
        page = _document(door.ask("GET", "/place", params={"after": after} if after else {}))
        yield [one["event_id"] for one in page["signed"]]
        after, more = page["next"], page["more"]


def _parts(records: Sequence[Record]) -> Iterator[list[Record]]:
    """In order, no more at once than the hub takes."""
    part: list[Record] = []
    size = 0
    for record in records:
        if part and (len(part) == MOST_SENT or size + len(record.value) > MOST_SENT_BYTES):
            yield part
            part, size = [], 0
        part.append(record)
        size += len(record.value)
    if part:
        yield part


def _document(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == 200:
        document: dict[str, Any] = answer.json()
        return document
    if answer.status_code in (429, 502, 503, 504):
        raise BusUnavailable(f"{said(answer)}。数据没有丢失，恢复后会自动继续。")
    raise ConnectorError(said(answer))


def _message(topic: str, one: dict[str, Any]) -> Message:
    value = base64.b64decode(one["value"])
    headers = {"signature": one["signature"].encode(), "kid": one["kid"].encode()}
    return Message(topic, -1, int(one["sha256"][:12], 16), one["key"].encode(), value, headers)
