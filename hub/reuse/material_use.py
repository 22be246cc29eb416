"""MaterialUse 复用记录: which case relied on which source instead of a new submission, under which grant.

Nothing is copied: the case refers to the source. `source_state` is what has happened to the source since, so that
everybody who relied on it is known and told.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of
from hub.sharing.grant import RESOURCE_KINDS

SOURCE_KINDS = ("material", "licence", "decision")
SOURCE_STATES = ("intact", "expired", "revoked", "frozen", "corrected")


def _once(source: str) -> Index:
    return Index(
        f"uq_material_uses_{source}",
        "case_no",
        "requirement_id",
        f"{source}_id",
        unique=True,
        postgresql_where=text(f"withdrawn_at IS NULL AND {source}_id IS NOT NULL"),
    )


class MaterialUse(Base):
    """One reuse. The same source for the same requirement of the same case is one row, unless it was withdrawn."""

    __tablename__ = "material_uses"
    __table_args__ = (
        one_of("source_kind", SOURCE_KINDS),
        one_of("source_state", SOURCE_STATES),
        one_of("resource_kind", RESOURCE_KINDS),
        CheckConstraint("num_nonnulls(material_id, licence_id, decision_id) = 1", name="names_one"),
        CheckConstraint("length(purpose) BETWEEN 2 AND 200", name="purpose_stated"),
        _once("material"),
        _once("licence"),
        _once("decision"),
        Index("ix_material_uses_used_at", "used_at"),
        # What the daily look for sources that ran out reads: only uses that nobody was told about yet.
        Index(
            "ix_material_uses_runs_out",
            "relies_until",
            postgresql_where=text(
                "source_state = 'intact' AND withdrawn_at IS NULL AND relies_until IS NOT NULL"
            ),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), index=True)
    requirement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requirements.id"))
    source_kind: Mapped[str]
    material_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("materials.id"), index=True)
    licence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"), index=True)
    decision_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("decisions.id"), index=True)
    source_name: Mapped[str]
    resource_kind: Mapped[str]
    resource_code: Mapped[str]
    provider: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))  # whose the source is
    department: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))  # who uses it
    grant_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("grants.id"), index=True
    )  # None: the department's own
    consent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("consents.id"))
    purpose: Mapped[str]
    used_by: Mapped[str]
    used_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    source_state: Mapped[str] = mapped_column(server_default=text("'intact'"))
    source_state_at: Mapped[datetime | None]
    relies_until: Mapped[date | None]  # the source's last valid day, as it was when it was used
