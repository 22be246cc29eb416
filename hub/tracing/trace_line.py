"""TraceLine: one thing that happened to a case, as a person reads it; Signed: where the bytes are that somebody signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: Families of lines, and their order where two things happened at the same moment.
FAMILIES: dict[str, str] = {
    "step": "办理环节",
    "consent": "同意",
    "reuse": "材料复用",
    "promise": "容缺承诺",
    "decision": "决定与更正",
    "push": "推送",
    "receipt": "回执",
    "told": "告知",
    "finding": "监管信息",
    "licence": "证照",
    "advice": "协调建议",
    "notice": "窗口提醒",
    "exchange": "隔离与补发",
    "read": "调阅",
    "ledger": "其他留痕",
}


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed bytes: whose key, their digest as it was recorded, and where they are kept. `ref` None: nowhere to be found."""

    kid: str
    sha256: bytes
    kept: str  # outbox, inbox, quarantine
    ref: (
        str | None
    )  # an event id; a source and an event id with | between; the number of a quarantined message


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One thing that happened. `tone` is 'plain', 'good', 'warning' or 'alert'; `department` None: the window's own."""

    at: datetime
    family: str
    title: str
    detail: str = ""
    tone: str = "plain"
    by: str | None = None
    department: str | None = None
    signed: Signed | None = None
    more: tuple[tuple[str, Any], ...] = ()  # shown where one asks for it: a name, and a text or a moment
