"""What a mapping says about one record: the records it became, what failed and why, what no code table knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Cause = Literal["missing", "format", "code", "expression", "too_big", "type"]


@dataclass(frozen=True, slots=True)
class FieldFault:
    """Why one target field could not be made: a sentence for a data administrator, and the value as it came."""

    target: str
    cause: Cause
    words: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A value that a code table does not know, in the direction of the flow."""

    table: str
    value: str


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """How one target field came out: its value, what its sources held, and what failed ('' = nothing)."""

    target: str
    value: Any
    sources: tuple[tuple[str, Any], ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """One record after the mapping: no records where it was skipped by a condition, or where anything failed."""

    records: tuple[dict[str, Any], ...] = ()
    skipped: bool = False
    faults: tuple[FieldFault, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    fields: tuple[FieldOutcome, ...] = ()  # only when explained; of the first element where there are several


class Misfit(Exception):
    """A step cannot do its work on this value."""

    def __init__(self, cause: Cause, words: str) -> None:
        super().__init__(words)
        self.cause: Cause = cause
        self.words = words


def shown(value: Any) -> str:
    """A value within a sentence: at most 40 characters of it."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
