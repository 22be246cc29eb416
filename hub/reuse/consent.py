"""Consent 同意: that the applicant agreed to the use of what is on file, how, when and recorded by whom."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

WAYS = {"signed": "书面签字", "spoken": "当场口头", "online": "网上确认"}


class Consent(Base):
    """One party's consent on one case. A withdrawn consent stays for the uses that rested on it."""

    __tablename__ = "consents"
    __table_args__ = (one_of("way", tuple(WAYS)),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    party_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), index=True)
    way: Mapped[str]
    given_by: Mapped[str]  # the name of the applicant or agent
    note: Mapped[str | None]
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("materials.id"))
    given_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    recorded_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_why: Mapped[str | None]
