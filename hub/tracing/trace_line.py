"""TraceLine: one thing that happened to a case, as a person reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One thing that happened. `tone` is 'plain', 'good', 'warning' or 'alert'."""

    at: datetime
    kind: str  # step, consent, reuse, promise, decision, push, sent, receipt, finding, read, ledger
    title: str
    detail: str
    tone: str = "plain"
    by: str | None = None
