"""AdviceThread 协调建议 and AdvicePost: a question or proposal between a department and the window, and its answers."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

KINDS = ("question", "proposal")
STATES = ("open", "answered", "closed")
LONGEST_SUBJECT = 200
LONGEST_BODY = 4000
ANSWER = "advice.answer"  # the name of the clock, in the table of limits


def after_post(asked_by: str | None, by: str | None, *, closes: bool) -> str:
    """The state once `by` (None: the window) has posted, whatever it was: who asked asks again, the other side answers."""
    if closes:
        return "closed"
    return "open" if by == asked_by else "answered"


class AdviceThread(Base):
    """One thread on one case. `asked_by` None: the window asks."""

    __tablename__ = "advice_threads"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", STATES),
        Index("ix_advice_threads_case_no", "case_no"),
        Index("ix_advice_threads_open", "due_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"))
    kind: Mapped[str]
    subject: Mapped[str]
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))  # the other side of the window
    asked_by: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))
    state: Mapped[str] = mapped_column(server_default=text("'open'"))
    due_at: Mapped[datetime | None]  # when an answer is due
    overdue_at: Mapped[datetime | None]  # when it was noticed that none came
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]


class AdvicePost(Base):
    """One post. A department's carries the key and digest of the message it signed; the window's went out signed by us."""

    __tablename__ = "advice_posts"
    __table_args__ = (
        CheckConstraint("(department IS NULL) = (kid IS NULL)", name="department_signs"),
        Index("ix_advice_posts_thread", "thread_id", "at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    thread_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("advice_threads.id"))
    department: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))  # None: the window
    author: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]
    kid: Mapped[str | None]
    envelope_sha256: Mapped[bytes | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
