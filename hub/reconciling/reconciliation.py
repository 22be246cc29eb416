"""Reconciliation 对账: one run, its lines by department and item, and its differences row by row; and DepartmentCount,
what a department's own connector counted and signed.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

#: What a department counts, of what the hub sent it and of what it sent.
COUNTED = ("packages", "announcements", "receipts", "findings")
DIFFERENCES = (
    "not_pushed",  # decided, a rule names the department, and there is no push
    "incomplete",  # held, or sent without something required
    "not_arrived",
    "not_signed",
    "not_claimed",
    "not_answered",
    "correction_not_signed",
    "not_there",  # we sent it, they do not count it
    "not_here",  # they count it, we do not have it
    "count",  # totals differ, and the ids are not known
    "no_count",  # the department did not report its count
)


class Reconciliation(Base):
    """One run over the decisions of a period (local days, both included)."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        one_of("state", ("counting", "done")),
        Index("ix_reconciliations_started_at", "started_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    state: Mapped[str] = mapped_column(server_default=text("'counting'"))
    asked_by: Mapped[str]  # 'program:relay', 'user:…'
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    done_at: Mapped[datetime | None]
    totals: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    differences: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class ReconciliationLine(Base):
    """One department and item of a run."""

    __tablename__ = "reconciliation_lines"

    run_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("reconciliations.id", ondelete="CASCADE"), primary_key=True
    )
    department: Mapped[str] = mapped_column(primary_key=True)
    item_code: Mapped[str] = mapped_column(primary_key=True)
    decided: Mapped[int]
    pushed: Mapped[int]
    arrived: Mapped[int]
    signed: Mapped[int]
    claimed: Mapped[int]
    answered: Mapped[int]
    returned: Mapped[int]
    overdue: Mapped[int]


class ReconciliationDifference(Base):
    """One difference of a run, and what was done about it."""

    __tablename__ = "reconciliation_differences"
    __table_args__ = (
        one_of("kind", DIFFERENCES),
        one_of("state", ("open", "resent", "settled")),
        Index("ix_reconciliation_differences_run", "run_id", "department"),
        # What was explained once is not asked again in the next run.
        Index(
            "ix_reconciliation_differences_settled",
            "department",
            "kind",
            postgresql_where=text("state = 'settled'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reconciliations.id", ondelete="CASCADE"))
    department: Mapped[str]  # empty: no rule names one
    kind: Mapped[str]
    push_id: Mapped[uuid.UUID | None]
    event_id: Mapped[str | None]
    case_no: Mapped[str | None]
    item_code: Mapped[str | None]
    day: Mapped[date | None]  # of a count
    what: Mapped[str | None]  # of COUNTED
    words: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'open'"))
    settled_by: Mapped[str | None]
    settled_why: Mapped[str | None]
    settled_at: Mapped[datetime | None]


class DepartmentCount(Base):
    """A department's own count of one local day and one kind, from the newest message that speaks of it."""

    __tablename__ = "department_counts"
    __table_args__ = (one_of("what", COUNTED),)

    department: Mapped[str] = mapped_column(ForeignKey("departments.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    ids_sha256: Mapped[bytes]  # over the event ids, sorted, each followed by a line feed
    ids: Mapped[list[str] | None]  # only where they were asked for
    counted_at: Mapped[datetime]
    kid: Mapped[str]
    envelope_sha256: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
