"""What an adapter gets handed beside its settings: the clock, secrets, and which addresses it may reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Outside:
    """Handed in by the composition root; tests hand in their own."""

    secrets: Mapping[str, str] = field(
        default_factory=dict
    )  # of this endpoint, by the setting's name, opened
    base: Path = Path()  # relative paths are relative to it
    absolute_paths: bool = (
        False  # folders may be named anywhere on this machine: at a department, never at the hub
    )
    loopback_allowed: bool = False  # addresses of this machine
    private_allowed: bool = (
        True  # addresses of the government network (10/8, 172.16/12, 192.168/16, fc00::/7)
    )
    closed: frozenset[tuple[str, int]] = frozenset()  # (address, port) of the hub's own parts: never reached
    sandbox: bool = False  # a rehearsal: deliver beside the real place, never into it
    clock: Callable[[], datetime] = _now
