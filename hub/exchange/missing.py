"""Missing: what a message from a department speaks of, and whether the hub has it - what a replay would need.

Guarantees: reads only, and never raises, whatever the bytes: fields that are missing or of another type are passed over.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub.round_trips import Question, ask

#: How many of a kind are looked at.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Reference:
    """One thing that a message names; `there`: whether the hub knows it."""

    kind: str  # case, push, finding, evidence, thread, material_type
    name: str
    there: bool


_KNOWN = {
    "case": "SELECT case_no FROM cases WHERE case_no = ANY(%(names)s)",
    "push": """
        SELECT event_id::text FROM pushes WHERE event_id = ANY(%(names)s::uuid[]) AND department = %(department)s
        UNION ALL
        SELECT event_id::text FROM announcements WHERE event_id = ANY(%(names)s::uuid[]) AND department = %(department)s""",
    "finding": "SELECT finding_no FROM findings WHERE finding_no = ANY(%(names)s) AND department = %(department)s",
    "evidence": """
        SELECT encode(sha256, 'hex') FROM evidence WHERE department = %(department)s
          AND sha256 = ANY(SELECT decode(x, 'hex') FROM unnest(%(names)s::text[]) AS x)""",
    "thread": "SELECT id::text FROM advice_threads WHERE id = ANY(%(names)s::uuid[])",
    "material_type": "SELECT code FROM material_types WHERE code = ANY(%(names)s)",
}


def references(tx: Connection, event: Any, department: str | None) -> list[Reference]:
    """Everything that the message names and the hub may or may not have."""
    named: dict[str, list[str]] = {}
    for kind, name in _named(event):
        if name not in named.setdefault(kind, []) and len(named[kind]) < _MOST:
            named[kind].append(name)
    questions: list[Question] = [
        (_KNOWN[kind], {"names": names, "department": department}) for kind, names in named.items()
    ]
    if not questions:
        return []
    answers = ask(tx, *questions)
    known = {(kind, str(row[0])) for kind, rows in zip(named, answers, strict=True) for row in rows}
    return [Reference(kind, name, (kind, name) in known) for kind, names in named.items() for name in names]


def _named(event: Any) -> Iterator[tuple[str, str]]:
    data = event.get("data") if isinstance(event, Mapping) else None
    if not isinstance(data, Mapping):
        return
    kind = str(event.get("type"))
    for field, what in (("project_no", "case"), ("material_type", "material_type")):
        if isinstance(data.get(field), str):
            yield what, data[field]
    if kind == "receipt.v1" and (event_id := _uuid(data.get("event_id"))):
        yield "push", event_id
    if kind == "advice.posted.v1" and (thread := _uuid(data.get("thread_id"))):
        yield "thread", thread
    about = (
        ["corrects", "withdraws"]
        if kind == "finding.reported.v1"
        else ["corrects", "withdraws", "finding_no"]
    )
    for field in about:
        if isinstance(data.get(field), str) and not data.get("finding_department"):
            yield "finding", data[field]
    for file in data.get("files") or () if isinstance(data.get("files"), list) else ():
        sha256 = file.get("sha256") if isinstance(file, Mapping) else None
        if (
            isinstance(sha256, str)
            and len(sha256) == 64
            and not set(sha256.lower()) - set("0123456789abcdef")
        ):
            yield "evidence", sha256.lower()


def _uuid(value: Any) -> str | None:
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
