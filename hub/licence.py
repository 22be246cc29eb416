"""Licence 电子证照 and Hold 暂扣: what was issued, and what keeps it from being used.

A licence is frozen while one hold is open. Each department has at most one open hold on a licence, and only that
department's later finding lifts it, so departments cannot undo one another.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.model import Base, one_of
from hub.party import Party

STATUSES = ("01", "02", "03", "04", "05", "06", "07", "99")
VALID, FROZEN = "01", "02"


class Licence(Base):
    """An issued licence with its GB/T 36904 identifier."""

    __tablename__ = "licences"
    __table_args__ = (
        one_of("status", STATUSES),
        UniqueConstraint("identifier"),
        Index("ix_licences_number", "number"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    identifier: Mapped[str]
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), index=True)
    party_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    name: Mapped[str]
    number: Mapped[str]
    type_code: Mapped[str]
    issuer_code: Mapped[str]
    issuer_name: Mapped[str]
    issued_on: Mapped[date]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # None: long-term 长期
    status: Mapped[str] = mapped_column(server_default=text("'01'"))
    status_note: Mapped[str | None]
    status_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    case: Mapped[Case] = relationship()
    party: Mapped[Party] = relationship()

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Hold(Base):
    """A freeze put on a licence by one department's finding; open until that department lifts it."""

    __tablename__ = "holds"
    __table_args__ = (
        Index(
            "uq_holds_open",
            "licence_id",
            "department",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"), index=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    placed_by: Mapped[uuid.UUID]  # the finding
    placed_at: Mapped[datetime]
    lifted_by: Mapped[uuid.UUID | None]
    lifted_at: Mapped[datetime | None]
