"""Limit 时限: the clocks of sharing, in working days, as the area has set them.

The migration puts in 政务数据共享条例's own figures (1 and 10 working days to reply, 20 to share); the area may be stricter.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base


class Limit(Base):
    """One clock."""

    __tablename__ = "limits"
    __table_args__ = (CheckConstraint("working_days BETWEEN 0 AND 250", name="working_days_sane"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    working_days: Mapped[int] = mapped_column(SmallInteger)
    source: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    def __str__(self) -> str:
        return self.title


#: The names, so that nobody spells one of their own.
REPLY_UNCONDITIONAL = "grant.reply.unconditional"
REPLY_CONDITIONAL = "grant.reply.conditional"
SHARE = "grant.share"
VERIFY_OBJECTION = "objection.verify"
DEFERRAL = "deferral"
