"""Alert 告警: something is older than its limit - an undelivered push, a parked key, a held message, a silent program."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

KINDS = (
    "undelivered",
    "unpublished",
    "parked",
    "quarantined",
    "program",
    "unsigned_correction",
    "connector",
    "silent",
    "certificate",
)


class AlertLimit(Base):
    """How old each kind of thing may grow, in minutes."""

    __tablename__ = "alert_limits"
    __table_args__ = (
        one_of("kind", KINDS),
        CheckConstraint("minutes BETWEEN 1 AND 100000", name="minutes_sane"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    minutes: Mapped[int] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    checked_at: Mapped[datetime | None]  # when it was last looked at: an old one says that nobody does
    fault: Mapped[str | None]  # why the last look failed


class Alert(Base):
    """One thing over its limit, from when it was noticed until it was over."""

    __tablename__ = "alerts"
    __table_args__ = (
        one_of("kind", KINDS),
        Index("uq_alerts_open", "kind", "subject", unique=True, postgresql_where=text("cleared_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]  # 'department:scjg', 'topic:990101.scjg.in', 'program:relay'
    words: Mapped[str]
    since: Mapped[datetime]  # the oldest thing behind it
    raised_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    cleared_at: Mapped[datetime | None]
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notices.id"))  # handled when it clears
