"""PartyLight 红黄绿灯 and LightRule: how a party stands by what departments found, for whoever deals with it next."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.feedback.finding import KINDS
from hub.model import Base, one_of

LIGHTS = ("green", "yellow", "red")


class LightRule(Base):
    """What a finding does to its party's light. Of those that fit the most specific counts, as with licence rules."""

    __tablename__ = "light_rules"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("light", LIGHTS),
        CheckConstraint("lasts_days IS NULL OR lasts_days BETWEEN 1 AND 3660", name="lasts_days_sane"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    kind: Mapped[str]
    result: Mapped[str | None]  # None: any
    handling: Mapped[str | None]  # None: any
    light: Mapped[str]
    lasts_days: Mapped[int | None] = mapped_column(
        SmallInteger
    )  # calendar days; None: until a later finding says otherwise
    note: Mapped[str] = mapped_column(server_default=text("''"))
    seq: Mapped[int] = mapped_column(SmallInteger, server_default=text("100"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class PartyLight(Base):
    """The light of one party; a party without a row is green. Worked out anew when a finding about it stands or falls."""

    __tablename__ = "party_lights"
    __table_args__ = (one_of("light", LIGHTS),)

    party_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parties.id"), primary_key=True)
    light: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    finding_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("findings.id"))
    why: Mapped[str]
