"""LicenceRule 联动规则, LicenceProposal 待确认处置: what a finding does to a licence, and what a person must confirm first.

Of the active rules that fit a finding the most specific counts: with a licence type before without, then with more of
(result, handling) named, then the lower seq.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.licensing.licence import Licence
from hub.model import Base, one_of

KINDS = ("inspection", "rectification", "enforcement")
#: propose_revocation never acts by itself; lift ends the same department's own hold.
EFFECTS = ("none", "warn", "freeze", "lift", "propose_revocation")


class LicenceRule(Base):
    """One line of the table that data administrators keep."""

    __tablename__ = "licence_rules"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("effect", EFFECTS),
        CheckConstraint(
            "automatic OR effect IN ('freeze', 'propose_revocation')", name="confirm_what_counts"
        ),
        CheckConstraint("effect <> 'propose_revocation' OR NOT automatic", name="revocation_is_confirmed"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    kind: Mapped[str]
    result: Mapped[str | None]  # 检查结果, 整改结果 or 执法结果; None: any
    handling: Mapped[str | None]  # 处理结果; None: any
    type_code: Mapped[str | None] = mapped_column(ForeignKey("licence_types.code"))  # None: any type
    effect: Mapped[str]
    automatic: Mapped[bool] = mapped_column(server_default=text("true"))  # false: a person confirms first
    note: Mapped[str] = mapped_column(server_default=text("''"))
    seq: Mapped[int] = mapped_column(SmallInteger, server_default=text("100"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class LicenceProposal(Base):
    """A freeze or a revocation that a finding asks for and a person has yet to confirm."""

    __tablename__ = "licence_proposals"
    __table_args__ = (
        one_of("effect", ("freeze", "revoke")),
        one_of("state", ("open", "confirmed", "declined", "overtaken")),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_when"),
        Index(
            "uq_licence_proposals_open",
            "licence_id",
            "department",
            "effect",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"), index=True)
    finding_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("findings.id"))
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))  # whose finding it is
    effect: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'open'"))
    reason: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_why: Mapped[str | None]

    licence: Mapped[Licence] = relationship()
