"""Alert channel 告警渠道: where alerts go beside the notices, by e-mail or webhook."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of


class AlertChannel(Base):
    """One address."""

    __tablename__ = "alert_channels"
    __table_args__ = (one_of("kind", ("mail", "webhook")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    title: Mapped[str] = mapped_column(unique=True)
    # {"settings": ..., "place": ...}, as the forms of the endpoint kinds 'mail' and 'http' have them
    settings: Mapped[dict[str, object]]
    sealed: Mapped[bytes | None]  # its secrets, as sealed JSON
    kinds: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # of alerts; none = all
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class AlertMessage(Base):
    """One alert owed to one channel: that it was raised, or that it is over; or a test, which is of no alert."""

    __tablename__ = "alert_messages"
    __table_args__ = (
        one_of("what", ("raised", "cleared", "test")),
        CheckConstraint("(what = 'test') = (alert IS NULL)", name="alert_known"),
        Index("uq_alert_messages_one", "channel", "alert", "what", unique=True),
        Index("ix_alert_messages_waiting", "next_try_at", postgresql_where=text("sent_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    channel: Mapped[int] = mapped_column(ForeignKey("alert_channels.id", ondelete="CASCADE"))
    alert: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"))
    what: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_try_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    sent_at: Mapped[datetime | None]
    words: Mapped[str | None]  # why the last attempt failed
