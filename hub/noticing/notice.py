"""Notice 窗口提醒: what a clerk must see now. Every insert wakes the pages through NOTIFY (a trigger), after commit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.model import Base, one_of

SEVERITIES = ("info", "warning", "alert")
AUDIENCES = ("clerk", "data_admin")
CHANNEL = "shenguan_notice"


class Notice(Base):
    """One line for one audience."""

    __tablename__ = "notices"
    __table_args__ = (
        one_of("severity", SEVERITIES),
        one_of("audience", AUDIENCES),
        Index("ix_notices_unread", "audience", "id", postgresql_where=text("read_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    audience: Mapped[str]
    severity: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    case_no: Mapped[str | None] = mapped_column(ForeignKey("cases.case_no"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    read_at: Mapped[datetime | None]
    read_by: Mapped[str | None]

    case: Mapped[Case | None] = relationship()
