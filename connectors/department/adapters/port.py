"""What a connector asks of a department's system, whatever it is.

`deliver`, `changed` and `told` are idempotent by event id and durable when they return. What the department wants to say
comes as drafts; each is answered by exactly one of `sent` and `refused`, possibly twice after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from connectors.department.judge import LicenceChanged, Package, Told
from connectors.errors import AdapterUnavailable

__all__ = ["AdapterUnavailable", "Draft", "Held", "Kind", "NotYet", "OwnSystem", "Report", "Statement"]

#: Statements about a package are receipts; every other kind is a message of its own.
Statement = Literal["claimed", "returned", "closed"]
Report = Literal[
    "finding", "plan", "rectification", "enforcement", "credit", "withdrawal", "advice", "supply"
]
Kind = Statement | Report


#: (name, into, most bytes): copies a file that a draft names. Raises NoFile, NotYet.
Fetch = Callable[[str, IO[bytes], int], None]


class NotYet(Exception):
    """A draft has to wait, and only that draft; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Something the department wants to say. `fault` says why it cannot even be read."""

    ref: str
    kind: Kind
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None
    base: Path = Path()  # where the evidence files it names are looked for
    fetch: Fetch | None = None  # or how they are got from behind the place where it was found


@dataclass(frozen=True, slots=True)
class Held:
    """A message that could not be handed over though the system is well: it waits, and holds up nothing."""

    event_id: str
    flow: str
    cause: str
    words: str
    faults: Sequence[Mapping[str, Any]] = ()  # field by field


class OwnSystem(Protocol):
    """One department's system. All methods raise `AdapterUnavailable` when it is away."""

    def prepare(self) -> None:
        """Make what is missing (tables, folders); touch nothing that is there."""

    def deliver(self, packages: Sequence[Package]) -> Sequence[Held] | None:
        """Hand packages over; a corrected one takes the place of the one it names, which stays. Gives those it held."""

    def changed(self, changes: Sequence[LicenceChanged]) -> Sequence[Held] | None:
        """Say what became of licences, in this order; the packages they came in may or may not be there."""

    def told(self, messages: Sequence[Told]) -> Sequence[Held] | None:
        """Hand over everything else: withdrawn decisions, other departments' findings, advice."""

    def drafts(self, limit: int) -> list[Draft]:
        """What waits to be sent, oldest first."""

    def sent(self, answered: Sequence[tuple[Draft, str]]) -> None:
        """These are safe on the broker, under these event ids."""

    def refused(self, draft: Draft, words: str) -> None:
        """This cannot be sent; the department shall see why."""

    def returned(self, event_id: str | None, words: str) -> bool:
        """The hub could not take the message with this event id. True when it could be shown where it came from."""

    def close(self) -> None:
        """Let go."""
