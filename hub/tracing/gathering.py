"""Gathering: what every family of lines is told from - the case, the names, and where signed bytes of the case are kept.

Each family asks its own questions; all questions of all families go in one round trip. A viewer who is confined to a
department (`only`) is not asked about others in the first place, so nothing that must be hidden is counted either.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import DeclarativeBase

from hub.tracing.phrase import phrase
from hub.tracing.trace_line import Signed, TraceLine

Answer = Sequence[Any]


class Outgoing(NamedTuple):
    """A message of the hub about the case."""

    event_id: uuid.UUID
    kid: str
    topic: str
    created_at: datetime
    published_at: datetime | None


class Incoming(NamedTuple):
    """An accepted message about the case; `value` only of receipts, to see what they speak of."""

    source: str
    event_id: str
    event_type: str
    sha256: bytes
    kid: str
    received_at: datetime
    value: bytes | None


@dataclass(slots=True)
class Gathering:
    """The case, and what is known of its messages."""

    case: Mapping[str, Any]
    names: Mapping[str, str]  # of departments
    only: str | None
    sent: Mapping[uuid.UUID, Outgoing]
    taken: Mapping[bytes, Incoming]  # by digest
    withheld: frozenset[str] = (
        frozenset()
    )  # paths of the package that the confined viewer's department does not see
    spoken_of: set[bytes] = field(default_factory=set)  # digests that a line stands for

    def outgoing(self, event_id: uuid.UUID, sha256: bytes) -> Signed | None:
        """The bytes of a message of ours."""
        row = self.sent.get(event_id)
        return Signed(row.kid, bytes(sha256), "outbox", str(event_id)) if row else None

    def incoming(self, kid: str, sha256: bytes) -> Signed:
        """The bytes of a department's message, by what was recorded of them."""
        digest = bytes(sha256)
        self.spoken_of.add(digest)
        row = self.taken.get(digest)
        return Signed(kid, digest, "inbox", f"{row.source}|{row.event_id}" if row else None)

    def hides(self, section: str, key: str | None = None, row: str = "") -> bool:
        """Whether this part of the package was withheld from the viewer's department: see hub.pushing.withhold."""
        paths = {section, f"{section}[]", f"{section}[{row}]"}
        if key is not None:
            paths |= {f"{section}.{key}", f"{section}[].{key}", f"{section}[{row}].{key}"}
        return not self.withheld.isdisjoint(paths)

    def hides_reuse(self, line: str) -> bool:
        """Whether what was reused for this line of the list was withheld: by itself, or with the line's own files."""
        return self.hides("reused", "source_name", line) or self.hides("materials", None, line)

    def name(self, department: str | None) -> str:
        """A department's name; the window's where there is none."""
        return self.names.get(department, department) if department else phrase("审批窗口")


@dataclass(frozen=True, slots=True)
class Family:
    """What tells some lines: its questions (of %(case_no)s, %(only)s and %(actor)s), and the lines from the answers."""

    questions: tuple[str, ...]
    lines: Callable[..., Iterator[TraceLine]]  # of the gathering and the answers


NAMES = "SELECT code, name FROM departments"
SENT = """
WITH mine AS (
  SELECT event_id, department FROM pushes WHERE case_no = %(case_no)s
  UNION SELECT event_id, department FROM announcements WHERE case_no = %(case_no)s)
SELECT o.event_id, o.kid, o.topic, o.created_at, o.published_at FROM mine JOIN outbox o USING (event_id)
WHERE %(only)s::text IS NULL OR mine.department = %(only)s
"""
TAKEN = """
SELECT source, event_id, event_type, sha256(value), kid, received_at, CASE WHEN event_type = 'receipt.v1' THEN value END
FROM inbox WHERE case_no = %(case_no)s AND (%(only)s::text IS NULL OR source LIKE '%%/' || %(only)s)
ORDER BY received_at, source, event_id
"""


def sent_of(rows: Answer) -> dict[uuid.UUID, Outgoing]:
    """The answer to SENT."""
    return {row[0]: Outgoing(*row) for row in rows}


def taken_of(rows: Answer) -> dict[bytes, Incoming]:
    """The answer to TAKEN."""
    return {bytes(row[3]): Incoming(*row) for row in rows}


def columns(model: type[DeclarativeBase], alias: str) -> str:
    """All columns of a table, as a SELECT lists them."""
    return ", ".join(f"{alias}.{name}" for name in model.__table__.c.keys())  # noqa: SIM118 - a collection, not a dict


def mapped(model: type[DeclarativeBase], rows: Iterable[Sequence[Any]], *more: str) -> list[dict[str, Any]]:
    """Rows that were asked for by `columns`, and what was asked for besides."""
    names = (*model.__table__.c.keys(), *more)
    return [dict(zip(names, row, strict=True)) for row in rows]
