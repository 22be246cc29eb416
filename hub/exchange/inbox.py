"""Inbox 收件箱 and Quarantine 隔离区: every message from a department ends in exactly one of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

QUARANTINE_CAUSES = (
    "unsigned",
    "bad_signature",
    "unknown_key",
    "revoked_key",
    "wrong_sender",
    "not_json",
    "schema",
    "unknown_type",
    "too_large",
    "unknown_case",
    "unknown_push",
    "unknown_material",
    "unknown_finding",
    "unknown_evidence",
    "unknown_thread",
)
QUARANTINE_STATES = ("held", "replayed", "dismissed")


class InboxRow(Base):
    """An accepted message, with its exact bytes. (source, event_id) is unique: that is what makes an effect happen once."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index("ix_inbox_case_no", "case_no"),
        Index("ix_inbox_received_at", "source", "received_at"),  # when a department last spoke
        Index("ix_inbox_said_at", "said_at", postgresql_using="brin"),  # reconciling reads whole days
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    event_type: Mapped[str]
    case_no: Mapped[str]
    value: Mapped[bytes]
    signature: Mapped[str]
    kid: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(server_default=text("now()"))  # the event's `time`
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Quarantined(Base):
    """A message that could not be taken, with its exact bytes and the cause. It blocks nobody."""

    __tablename__ = "quarantine"
    __table_args__ = (
        one_of("cause", QUARANTINE_CAUSES),
        one_of("state", QUARANTINE_STATES),
        UniqueConstraint("topic", "partition", "offset", "sha256"),
        Index("ix_quarantine_held", "received_at", postgresql_where=text("state = 'held'")),
        Index("ix_quarantine_case_no", "case_no", postgresql_where=text("case_no IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[str]
    partition: Mapped[int]
    offset: Mapped[int] = mapped_column(BigInteger)
    department: Mapped[str | None]
    event_id: Mapped[str | None]
    case_no: Mapped[str | None]  # as it says, where that could be read; nobody vouches for it
    cause: Mapped[str]
    message: Mapped[str]
    expected: Mapped[str]
    value: Mapped[bytes]  # at most 64 KiB of an oversized one: `size` and `sha256` speak of the whole
    size: Mapped[int]
    sha256: Mapped[bytes]
    signature: Mapped[str | None]
    kid: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=text("'held'"))
    settled_by: Mapped[str | None]
    settled_why: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
