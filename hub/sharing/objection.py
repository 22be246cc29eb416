"""Objection 校核纠错: who uses a datum doubts it; the provider verifies, corrects or rejects, and answers."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

OBJECTION_STATES = ("marked", "verifying", "corrected", "rejected", "answered")

#: (state, act) -> state: 标注 → 核实 → 更正 or 维持 → 反馈 (answered takes the mark off).
TRANSITIONS: dict[tuple[str, str], str] = {
    ("marked", "verify"): "verifying",
    ("verifying", "correct"): "corrected",
    ("verifying", "reject"): "rejected",
    ("corrected", "answer"): "answered",
    ("rejected", "answer"): "answered",
}


class Objection(Base):
    """One doubt about one material or licence, or one of its fields."""

    __tablename__ = "objections"
    __table_args__ = (
        one_of("state", OBJECTION_STATES),
        CheckConstraint("num_nonnulls(material_id, licence_id) = 1", name="names_one"),
        Index("ix_objections_open_material", "material_id", postgresql_where=text("state <> 'answered'")),
        Index("ix_objections_open_licence", "licence_id", postgresql_where=text("state <> 'answered'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    material_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("materials.id"))
    licence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"))
    field: Mapped[str | None]  # None: the whole of it
    statement: Mapped[str]  # what is doubted and why
    proposed: Mapped[str | None]
    case_no: Mapped[str | None] = mapped_column(ForeignKey("cases.case_no"))  # on which it was noticed
    raised_by: Mapped[str]
    raised_department: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))
    provider: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))
    state: Mapped[str] = mapped_column(server_default=text("'marked'"))
    raised_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    answer_by: Mapped[datetime]
    verified_by: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    verdict: Mapped[str | None]  # what verifying found
    corrected_material_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("materials.id"))
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]
