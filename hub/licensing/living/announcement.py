"""LicenceAnnouncement 证照变化通知: who was told of a change by licence.changed.v1, and when they signed for it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base


class LicenceAnnouncement(Base):
    """One message about one change to one department. Its bytes stand in the outbox."""

    __tablename__ = "licence_announcements"
    __table_args__ = (
        CheckConstraint("octet_length(message_sha256) = 32", name="sha256"),
        Index("ix_licence_announcements_licence", "licence_id", "created_at"),
        Index("uq_licence_announcements_operation", "operation_id", "department", unique=True),
    )

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    operation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licence_operations.id"))
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"))
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    key: Mapped[str]  # the case number, or the identifier of a licence without a case
    message_sha256: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    arrived_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
