"""What a check of the doctor is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shenguan.run_state import RunState
from shenguan.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `state` is ok, warn, fail or unchecked; `advice` says what to do."""

    title: str
    state: str
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to look at."""

    settings: Settings
    running: RunState


@dataclass(frozen=True, slots=True)
class Check:
    """A question; `advice` is for when asking it already fails."""

    title: str
    advice: str
    examine: Callable[[Look], Iterable[Finding]]


def unchecked(title: str, why: str) -> Finding:
    """Could not be looked at."""
    return Finding(title, "unchecked", why)
