"""Push 推送 and Receipt 回执: one decision owed to one department, and what that department said of it.

The state machine is the table TRANSITIONS; the database repeats its vocabulary.
Receipts may arrive late, twice and in any order: a state only moves forward, and every receipt is kept.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.department import Department
from hub.model import Base, one_of

STATES = ("owed", "arrived", "signed", "claimed", "returned")
RECEIPT_KINDS = ("arrived", "signed", "claimed", "returned")

#: from -> what may follow. Whether an owed push has left for the broker stands in its outbox row, not here.
TRANSITIONS: dict[str, frozenset[str]] = {
    "owed": frozenset({"arrived", "signed", "claimed", "returned"}),
    "arrived": frozenset({"signed", "claimed", "returned"}),
    "signed": frozenset({"claimed", "returned"}),
    "claimed": frozenset({"returned"}),
    "returned": frozenset({"claimed"}),
}


def after(state: str, kind: str) -> str:
    """The state once `kind` is known; the same state where `kind` is old news."""
    return kind if kind in TRANSITIONS[state] else state


class Push(Base):
    """One decision owed to one department."""

    __tablename__ = "pushes"
    __table_args__ = (
        one_of("state", STATES),
        UniqueConstraint("decision_id", "department"),
        Index("ix_pushes_case_no", "case_no"),
        # The age of the oldest undelivered item of a department is asked for all the time.
        Index(
            "ix_pushes_undelivered",
            "department",
            "created_at",
            postgresql_where=text("state IN ('owed', 'arrived')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("decisions.id"))
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"))
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    rule_id: Mapped[int | None]
    event_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    package_sha256: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default=text("'owed'"))
    sign_by: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    arrived_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    returned_at: Mapped[datetime | None]
    returned_why: Mapped[str | None]
    findings: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_finding_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()
    department_row: Mapped[Department] = relationship()

    def __str__(self) -> str:
        return f"{self.case_no} → {self.department}"


class Receipt(Base):
    """One statement of a department about one push, with the bytes it signed."""

    __tablename__ = "receipts"
    __table_args__ = (
        one_of("kind", RECEIPT_KINDS),
        CheckConstraint("octet_length(envelope_sha256) = 32", name="sha256"),
    )

    push_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pushes.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str | None]
    reason: Mapped[str | None]
    kid: Mapped[str]
    envelope_sha256: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    push: Mapped[Push] = relationship()
