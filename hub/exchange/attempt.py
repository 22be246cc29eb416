"""Attempt: every try to settle a quarantined message or to publish a key's rows that did not go smoothly is kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of


class Attempt(Base):
    """One try. `subject` is 'quarantine:<id>', 'key:<topic>/<key>', or 'message:<event id>' of one that was sent again."""

    __tablename__ = "attempts"
    __table_args__ = (
        one_of("act", ("replay", "dismiss", "publish", "park", "unpark")),
        Index("ix_attempts_subject", "subject", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    subject: Mapped[str]
    act: Mapped[str]
    actor: Mapped[str]
    done: Mapped[bool]
    words: Mapped[str]  # the reason of a person, or why it failed
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
