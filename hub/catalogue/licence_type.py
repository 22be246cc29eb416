"""LicenceType 证照类型: what a licence is for sharing and for standing in. Its face and number rule come with issuing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.catalogue.sharing_attribute import Shared, sharing_checks
from hub.department import Department
from hub.model import Base


class LicenceType(Shared, Base):
    """A type of licence, by its GB/T 36904 type code (21 characters; others that are in use are kept as they are)."""

    __tablename__ = "licence_types"
    __table_args__ = sharing_checks()

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    provider: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))
    consent_required: Mapped[bool] = mapped_column(server_default=text("false"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    provider_row: Mapped[Department | None] = relationship()

    def __str__(self) -> str:
        return self.name
