"""CaseField 表单字段 (一表通): one field of an application, and where its value came from."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

FIELD_SOURCES = ("typed", "party", "licence", "material")


class CaseField(Base):
    """One value. A personal number stands here masked and sealed, never readable (see hub.catalogue.fields)."""

    __tablename__ = "case_fields"
    __table_args__ = (one_of("source_kind", FIELD_SOURCES),)

    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, object]]  # {"text": …} or {"masked": …, "sealed": …}
    source_kind: Mapped[str]
    source_id: Mapped[uuid.UUID | None]
    source_name: Mapped[str | None]
    source_date: Mapped[date | None]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
