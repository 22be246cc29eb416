"""Notice 窗口提醒: what somebody must see now, and what became of it. Every insert wakes the pages, after commit.

A notice is for a role, narrowed to a department or an item where it names one. 已阅 (read) and 已处理 (handled, with a note)
are two answers; a notice that nobody even read by `answer_by` escalates once. What is handled counts as read.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.model import Base, one_of

SEVERITIES = ("info", "warning", "alert")
#: Roles, as the accounts know them.
AUDIENCES = ("clerk", "data_admin", "approver", "supervisor", "overseer")
CHANNEL = "shenguan_notice"
UNTIMED = "answer_by IS NULL AND severity <> 'info' AND read_at IS NULL AND escalates IS NULL"


class Notice(Base):
    """One line for one audience."""

    __tablename__ = "notices"
    __table_args__ = (
        one_of("severity", SEVERITIES),
        one_of("audience", AUDIENCES),
        CheckConstraint("(handled_at IS NULL) = (handled_by IS NULL)", name="handled_by_someone"),
        Index("ix_notices_unread", "audience", "id", postgresql_where=text("read_at IS NULL")),
        Index(
            "ix_notices_answer_by",
            "answer_by",
            postgresql_where=text("answer_by IS NOT NULL AND read_at IS NULL AND escalated_at IS NULL"),
        ),
        # What wants an answer and has no limit yet: nearly nothing, looked for every minute.
        Index("ix_notices_untimed", "id", postgresql_where=text(UNTIMED)),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    audience: Mapped[str]
    department: Mapped[str | None] = mapped_column(
        ForeignKey("departments.code")
    )  # None: of every department
    item_code: Mapped[str | None] = mapped_column(ForeignKey("service_items.code"))
    severity: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    case_no: Mapped[str | None] = mapped_column(ForeignKey("cases.case_no"), index=True)
    licence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"))
    push_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pushes.id"))
    thread_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("advice_threads.id"))
    finding_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("findings.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    read_at: Mapped[datetime | None]
    read_by: Mapped[str | None]
    handled_at: Mapped[datetime | None]
    handled_by: Mapped[str | None]
    handled_note: Mapped[str | None]
    answer_by: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    escalates: Mapped[int | None] = mapped_column(ForeignKey("notices.id"))  # the notice that nobody answered

    case: Mapped[Case | None] = relationship()
