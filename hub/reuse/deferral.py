"""Deferral 容缺: a material that may follow later, promised until a day."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import Connection, ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base
from hub.reuse.list_of_case import waited_for


class Deferral(Base):
    """One promise; open until the material came or the promise was taken back."""

    __tablename__ = "deferrals"
    __table_args__ = (
        Index(
            "uq_deferrals_open",
            "case_no",
            "requirement_id",
            unique=True,
            postgresql_where=text("settled_at IS NULL"),
        ),
        Index("ix_deferrals_due", "promised_until", postgresql_where=text("settled_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), index=True)
    requirement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requirements.id"))
    promised_until: Mapped[date]
    promised_by: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    settled_at: Mapped[datetime | None]
    settled_how: Mapped[str | None]  # 'material:…', 'use:…', 'cancelled'
    overdue_told_at: Mapped[datetime | None]


def promised(tx: Connection, case_no: str, requirement_id: uuid.UUID) -> bool:
    """Whether an open promise stands for this line, or a push waits for it: that may follow even the decision."""
    found = select(Deferral.id).where(
        Deferral.case_no == case_no,
        Deferral.requirement_id == requirement_id,
        Deferral.settled_at.is_(None),
    )
    if tx.execute(found).first() is not None:
        return True
    return waited_for(tx, case_no, requirement_id)
