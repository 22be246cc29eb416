"""LicenceType 证照类型: what a licence is for sharing and for standing in. Its fields, rules and face are in its versions
(licensing.types); without a published one nothing is issued here, but licences of others may still be known."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger, text
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
    published_version: Mapped[int | None] = mapped_column(SmallInteger)  # None: nothing can be issued here
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    provider_row: Mapped[Department | None] = relationship()

    def __str__(self) -> str:
        return self.name
