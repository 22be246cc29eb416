"""LicenceOperation 证照操作: one step in the life of a licence - who, why, by which document. Append-only (a trigger)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.licensing.licence import Licence
from hub.model import Base


class LicenceTransition(Base):
    """The database's copy of hub.licensing.life."""

    __tablename__ = "licence_transitions"

    operation: Mapped[str] = mapped_column(primary_key=True)
    from_status: Mapped[str] = mapped_column(primary_key=True)
    to_status: Mapped[str] = mapped_column(primary_key=True)


class LicenceOperation(Base):
    """What was done to a licence."""

    __tablename__ = "licence_operations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["operation", "from_status", "to_status"],
            [
                "licence_transitions.operation",
                "licence_transitions.from_status",
                "licence_transitions.to_status",
            ],
        ),
        CheckConstraint("document_sha256 IS NULL OR octet_length(document_sha256) = 32", name="sha256"),
        Index("ix_licence_operations_licence", "licence_id", "at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"))
    operation: Mapped[str]
    from_status: Mapped[str]  # '00': there was none
    to_status: Mapped[str]
    reason: Mapped[str]
    actor: Mapped[str]  # as the ledger names them
    department: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))
    document_no: Mapped[str | None]  # 文书号 of the paper it rests on
    document_sha256: Mapped[bytes | None] = mapped_column(ForeignKey("stored_objects.sha256"))
    finding_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("findings.id"))
    case_no: Mapped[str | None] = mapped_column(ForeignKey("cases.case_no"))  # the case that asked for it
    related_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("licences.id")
    )  # 关联证照: the other version
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    licence: Mapped[Licence] = relationship(foreign_keys=[licence_id])
