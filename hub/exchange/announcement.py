"""Announcement 告知: what a department is owed beside the push itself - a licence's change, a correction or withdrawal of a
decision, another department's finding, advice - and when it arrived and was signed for. Its bytes stand in the outbox.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

KINDS = (
    "licence.changed.v1",
    "approval.corrected.v1",
    "approval.withdrawn.v1",
    "finding.forwarded.v1",
    "advice.forwarded.v1",
    "count.asked.v1",
)


class Announcement(Base):
    """One message about one change to one department."""

    __tablename__ = "announcements"
    __table_args__ = (
        one_of("kind", KINDS),
        CheckConstraint("octet_length(message_sha256) = 32", name="sha256"),
        Index("ix_announcements_licence", "licence_id", "created_at"),
        Index("ix_announcements_case_no", "case_no", postgresql_where=text("case_no IS NOT NULL")),
        Index("ix_announcements_push", "push_id", "revision", postgresql_where=text("push_id IS NOT NULL")),
        Index(
            "ix_announcements_unsigned",
            "department",
            "created_at",
            postgresql_where=text("signed_at IS NULL"),
        ),
        Index("uq_announcements_operation", "operation_id", "department", unique=True),
    )

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    key: Mapped[
        str
    ]  # the case number; without a case the identifier of a licence, or what else it is ordered by
    case_no: Mapped[str | None] = mapped_column(ForeignKey("cases.case_no"))
    operation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licence_operations.id"))
    licence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"))
    push_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pushes.id"))
    revision: Mapped[int | None] = mapped_column(
        SmallInteger
    )  # of the decision, in a correction or a withdrawal
    finding_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("findings.id"))
    post_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("advice_posts.id"))
    message_sha256: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    sign_by: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
