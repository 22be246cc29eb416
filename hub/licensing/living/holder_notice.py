"""HolderNotice 持证人提醒: what a holder should be told; the window reads it out, prints it or sends it, and says so."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.licensing.licence import Licence
from hub.model import Base, one_of

KINDS = ("expiring", "expired", "suspended", "restored", "ended", "issued")


class HolderNotice(Base):
    """One notice to one holder about one licence; the same happening is told once (`happening`)."""

    __tablename__ = "holder_notices"
    __table_args__ = (
        one_of("kind", KINDS),
        UniqueConstraint("licence_id", "kind", "happening"),
        Index("ix_holder_notices_open", "id", postgresql_where=text("told_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"))
    party_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    kind: Mapped[str]
    happening: Mapped[str]  # the day it runs out, or the operation's id
    title: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    told_at: Mapped[datetime | None]
    told_by: Mapped[str | None]
    told_how: Mapped[str | None]  # 电话, 短信, 当面, 邮寄

    licence: Mapped[Licence] = relationship()
