"""Taker: what takes messages of some types in - what it asks, what speaks against a message, and what the rest do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.exchange.arrived import Arrived, Refused
from hub.ports import Desk
from hub.round_trips import Question


@dataclass(frozen=True, slots=True)
class Taker:
    """All questions of all takers go in one round trip; then each objects, and each takes what is left, in turn."""

    types: frozenset[str]
    questions: Callable[[Sequence[Arrived]], Sequence[Question]]
    grounds: Callable[..., Any]  # of the answers, in the order of the questions
    objection: Callable[[Arrived, Any, datetime], Refused | None]
    take: Callable[[Connection, Sequence[Arrived], Any, Desk], None]
    #: What may not come twice in one batch, since the database only knows earlier ones; None: no such thing.
    number: Callable[[Arrived], tuple[str, str] | None] = lambda _: None
    #: Departments of whose held messages some may be taken now that these were.
    frees: Callable[[Sequence[Arrived], Any], Collection[str]] = lambda _messages, _known: ()
