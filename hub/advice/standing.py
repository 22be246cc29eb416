"""Standing: how far a thread is, and what a post makes of it - the same for the window's posts and a department's.

Guarantees: who asked and asks again waits on under the clock that runs; an answer stops the clock; a post on a thread that
was answered or closed opens it again, with a clock of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.advice.thread import after_post
from hub.round_trips import Question

COLUMNS = (
    "id", "case_no", "kind", "subject", "department", "asked_by", "state", "due_at", "overdue_at", "created_at",
    "answered_at", "closed_at", "closed_by",
)  # fmt: skip
LOCK = f"SELECT {', '.join(COLUMNS)} FROM advice_threads WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"  # noqa: S608
_SAVE = """
UPDATE advice_threads SET state = %(state)s, due_at = %(due_at)s, overdue_at = %(overdue_at)s,
  answered_at = %(answered_at)s, closed_at = %(closed_at)s, closed_by = %(closed_by)s
WHERE id = %(id)s
"""


@dataclass(slots=True)
class Standing:
    """One thread, as it is about to stand."""

    row: dict[str, Any]

    @classmethod
    def opened(cls, id_: uuid.UUID, case_no: str, asked: Mapping[str, Any], now: datetime) -> Standing:
        """A new one; `asked` has kind, subject, department and asked_by."""
        blank = dict.fromkeys(COLUMNS)
        return cls({**blank, "id": id_, "case_no": case_no, **asked, "state": "answered", "created_at": now})

    @classmethod
    def read(cls, row: Any) -> Standing:
        """One that is there, an answer to LOCK."""
        return cls(dict(zip(COLUMNS, row, strict=True)))

    def post(self, by: str | None, actor: str, now: datetime, due_at: datetime, *, closes: bool) -> None:
        """Somebody said something; `due_at` is when an answer that is asked for now would be due."""
        row, was = self.row, self.row["state"]
        row["state"] = after_post(row["asked_by"], by, closes=closes)
        if row["state"] == "open":
            if was != "open":
                row |= {"due_at": due_at, "overdue_at": None}
        else:
            row |= {"due_at": None}
        if by != row["asked_by"]:
            row["answered_at"] = now
        row["closed_at"], row["closed_by"] = (now, actor) if closes else (None, None)

    @property
    def saved(self) -> Question:
        """The statement that writes it, for a thread that was there before."""
        return _SAVE, self.row
