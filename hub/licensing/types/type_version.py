"""LicenceTypeVersion 证照类型版本: fields, rules and the layout of the face, as they were published; and its images.

A published version never changes (a trigger). A licence keeps the version it was issued under.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.catalogue.licence_type import LicenceType
from hub.catalogue.version import VERSION_STATES, Version
from hub.model import Base, one_of


class LicenceTypeVersion(Version, Base):
    """What a licence of this type says, how it is numbered and how it looks."""

    __tablename__ = "licence_type_versions"
    __table_args__ = (
        UniqueConstraint("type_code", "number"),
        one_of("state", VERSION_STATES),
        Index(
            "uq_licence_type_versions_draft",
            "type_code",
            unique=True,
            postgresql_where=text("state = 'draft'"),
        ),
        Index(
            "uq_licence_type_versions_published",
            "type_code",
            unique=True,
            postgresql_where=text("state = 'published'"),
        ),
    )

    type_code: Mapped[str] = mapped_column(ForeignKey("licence_types.code"))
    rules: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))  # see licensing.type_rules
    fields: Mapped[list[dict[str, object]]] = mapped_column(
        server_default=text("'[]'")
    )  # see catalogue.fields
    layout: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))  # see licensing.layout

    type: Mapped[LicenceType] = relationship()

    def __str__(self) -> str:
        return f"{self.type_code} v{self.number}"


class LicenceImage(Base):
    """A picture that layouts may place: a background, an emblem, a seal's image. Kept sealed like every file."""

    __tablename__ = "licence_images"
    __table_args__ = (
        UniqueConstraint("type_code", "sha256"),
        one_of("media_type", ("image/png", "image/jpeg")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    type_code: Mapped[str] = mapped_column(ForeignKey("licence_types.code"))
    sha256: Mapped[bytes] = mapped_column(ForeignKey("stored_objects.sha256"))
    name: Mapped[str]
    media_type: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)  # pixels
    height: Mapped[int] = mapped_column(Integer)
    added_by: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
