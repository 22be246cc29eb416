"""ItemVersion, Requirement 材料清单, StandIn 可替代: what an item asked for from one publication to the next.

A case keeps the version it started with. Only a draft's requirements may change: a trigger of the database says so, too.
"""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.catalogue.material_type import MaterialType
from hub.catalogue.version import VERSION_STATES, Version
from hub.item import ServiceItem
from hub.model import Base, one_of

FORMS = ("original", "copy", "either")  # 原件, 复印件, 均可
STAND_IN_KINDS = ("material", "licence", "result")


class ItemVersion(Version, Base):
    """One version of an item's guide. At most one is a draft and at most one is published."""

    __tablename__ = "item_versions"
    __table_args__ = (
        UniqueConstraint("item_code", "number"),
        one_of("state", VERSION_STATES),
        CheckConstraint("state = 'draft' OR published_at IS NOT NULL", name="published_once"),
        Index("uq_item_versions_draft", "item_code", unique=True, postgresql_where=text("state = 'draft'")),
        Index(
            "uq_item_versions_published",
            "item_code",
            unique=True,
            postgresql_where=text("state = 'published'"),
        ),
    )

    item_code: Mapped[str] = mapped_column(ForeignKey("service_items.code"))
    header: Mapped[dict[str, object]] = mapped_column(
        server_default=text("'{}'")
    )  # the item as it was published
    form: Mapped[list[dict[str, object]]] = mapped_column(
        server_default=text("'[]'")
    )  # fields of the application
    # What a package must hold beside the required materials: steps {"name"} and elements {"name", "title"}.
    steps: Mapped[list[dict[str, object]]] = mapped_column(server_default=text("'[]'"))
    elements: Mapped[list[dict[str, object]]] = mapped_column(server_default=text("'[]'"))
    note: Mapped[str | None]

    item: Mapped[ServiceItem] = relationship()

    def __str__(self) -> str:
        return f"{self.item_code} v{self.number}"


class Requirement(Base):
    """One line of the material list."""

    __tablename__ = "requirements"
    __table_args__ = (
        UniqueConstraint("version_id", "code"),
        one_of("form", FORMS),
        CheckConstraint("copies BETWEEN 1 AND 99", name="copies_sane"),
        CheckConstraint("may_follow OR deferral_days IS NULL", name="deferral_only_if_allowed"),
        CheckConstraint("max_bytes IS NULL OR max_bytes > 0", name="max_bytes_sane"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("item_versions.id"), index=True)
    code: Mapped[str]  # the same line keeps its code from version to version
    seq: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]
    material_type: Mapped[str] = mapped_column(ForeignKey("material_types.code"))
    # The type's version that was in force when this was published; a draft has none yet.
    type_version: Mapped[int | None] = mapped_column(SmallInteger)
    required: Mapped[bool] = mapped_column(server_default=text("true"))
    may_follow: Mapped[bool] = mapped_column(server_default=text("false"))  # 容缺
    deferral_days: Mapped[int | None] = mapped_column(SmallInteger)  # working days; None: the area's limit
    form: Mapped[str] = mapped_column(server_default=text("'either'"))
    copies: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    formats: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # empty: the type's
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None]

    version: Mapped[ItemVersion] = relationship()
    type: Mapped[MaterialType] = relationship()

    def __str__(self) -> str:
        return self.name


class StandIn(Base):
    """What else meets a requirement, beside a material of its own type: the requirement map."""

    __tablename__ = "stand_ins"
    __table_args__ = (
        one_of("kind", STAND_IN_KINDS),
        CheckConstraint(
            "num_nonnulls(material_type, licence_type, item_code) = 1"
            " AND (kind = 'material') = (material_type IS NOT NULL)"
            " AND (kind = 'licence') = (licence_type IS NOT NULL)",
            name="names_one",
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    requirement_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("requirements.id", ondelete="CASCADE"), index=True
    )
    seq: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str]
    material_type: Mapped[str | None] = mapped_column(ForeignKey("material_types.code"))
    licence_type: Mapped[str | None] = mapped_column(ForeignKey("licence_types.code"))
    item_code: Mapped[str | None] = mapped_column(ForeignKey("service_items.code"))

    requirement: Mapped[Requirement] = relationship()
