"""What receiving, sending and counting work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.bus import Record
from connectors.department.adapters.port import OwnSystem
from connectors.department.config import ConnectorConfig
from connectors.department.line import Outcomes, Publisher
from connectors.department.state import State
from connectors.department.trust import Trust
from connectors.errors import BusUnavailable, HeldBack
from storage.signing import Signer


@dataclass(frozen=True, slots=True)
class Parts:
    """Made once by the program."""

    config: ConnectorConfig
    signer: Signer
    trust: Trust
    state: State
    adapter: OwnSystem
    producer: Publisher
    clock: Callable[[], datetime]
    version: str = ""  # of the mappings: with another one, what is held is tried again


def publish(producer: Publisher, records: Sequence[Record]) -> Outcomes:
    """Outcomes in order; a record held back behind a failed one counts as not sent."""
    outcomes = producer.publish(records)
    return [BusUnavailable(one.message) if isinstance(one, HeldBack) else one for one in outcomes]
