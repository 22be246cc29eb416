"""What a connector asks of an adapter: three verbs, `check`, `deliver` and `collect`, over records.

A record is a mapping from field names of the other side to values: text, int, float, Decimal, bool, None, and for
formats that know them lists and mappings of these. An adapter knows nothing of messages, signatures or mappings.

Every verb may raise `AdapterUnavailable`: nothing is lost, the same will be asked again. Never two threads at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from connectors.errors import AdapterUnavailable

__all__ = [
    "LAYERS",
    "Adapter",
    "AdapterUnavailable",
    "Answer",
    "Collected",
    "Column",
    "Incoming",
    "Layer",
    "NoFile",
    "NotReady",
    "Outgoing",
    "Refusal",
    "Step",
]

#: In this order; a layer is only tried where the one before it held. Not every adapter has all of them.
Layer = Literal["address", "name", "tcp", "tls", "sign_in", "permission", "shape"]
LAYERS: tuple[Layer, ...] = ("address", "name", "tcp", "tls", "sign_in", "permission", "shape")

Record = Mapping[str, Any]


class NoFile(Exception):
    """A file that a record names is not to be had, with why: a sentence. Asking again does not help by itself."""


class NotReady(AdapterUnavailable):
    """这个文件还在写入，稍后再取。"""


@dataclass(frozen=True, slots=True)
class Step:
    """One layer of a check: what was tried, how it went, and if badly, what to do. Chinese, for a data administrator."""

    layer: Layer
    ok: bool
    words: str
    advice: str = ""
    took_ms: int = 0
    detail: str = ""  # what the other side said, literally, at most 500 characters; never a secret


@dataclass(frozen=True, slots=True)
class Column:
    """A field that the other side has, as far as it can be told."""

    name: str
    kind: str = "text"  # text, integer, number, date, moment, flag, list, object
    required: bool = False
    length: int | None = None
    title: str = ""  # a comment of the database, a second header row


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to hand over. `key` is the same however often it is handed over: the other side may hold it once."""

    key: str
    subject: str  # the case number, or the licence identifier
    record: Record


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one record was not taken by the other side, though it is there and well."""

    cause: str  # 'shape', 'duplicate', 'too_big', 'permission', 'answer'
    words: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """One record that the other side wants to say. `ref` names it to people: 'a.csv:17', 'id=9', 'offset 4'."""

    ref: str
    record: Record = field(default_factory=dict)
    fault: str | None = None  # it cannot even be read


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found behind a place, and the place behind it: text that only the adapter understands, '' = the start."""

    records: Sequence[Incoming]
    place: str
    more: bool  # more is there at once


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a collected record: said under this event id, or not, for this reason."""

    incoming: Incoming
    event_id: str | None
    words: str = ""
    skipped: bool = False  # not meant to be said, by the flow's own condition: no problem of anybody's


class Adapter(ABC):
    """One endpoint, opened for one flow (or for none: then only `check`)."""

    @abstractmethod
    def check(self) -> Iterator[Step]:
        """Try layer after layer and say each at once; stops behind the first that fails. Changes nothing over there."""

    @abstractmethod
    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        """Hand over all; durable when it returns; an answer for each, None = taken. Handing over again changes nothing."""

    @abstractmethod
    def collect(self, place: str, limit: int) -> Collected:
        """At most `limit` records behind `place`, oldest first. Reads only: the same place gives the same records again."""

    def settle(self, answers: Sequence[Answer]) -> None:  # noqa: B027 - most have no room for it
        """What was collected is dealt with: show there what became of it, where the other side has room."""

    def columns(self) -> Sequence[Column]:
        """The fields of the other side; of an adapter that cannot tell, those of the records that `collect` finds."""
        seen = {name: Column(name) for one in self.collect("", 50).records for name in one.record}
        return list(seen.values())

    def found(self, batch: Sequence[Outgoing]) -> Sequence[Record | None] | None:  # noqa: ARG002 - most cannot
        """What the other side has of these now, in their order; None where it cannot be asked."""
        return None

    def fetch_file(self, name: str, into: IO[bytes], most: int) -> None:  # noqa: ARG002 - most have none
        """Copy a file that a collected record names, whole. Raises NoFile, NotReady; `files_at` of the place says where."""
        raise NoFile("这种接口不能取佐证文件。请在网页收件箱补充，或改用文件夹、SFTP、对象存储或 HTTP 接口")

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Let go; may be used again."""
