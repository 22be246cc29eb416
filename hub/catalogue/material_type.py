"""MaterialType 材料类型 and its published versions: fields, validity rule, sharing attribute.

A material belongs to the version it was taken under. `accepts_from` is the oldest version whose materials still do.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.catalogue.sharing_attribute import Shared, sharing_checks
from hub.catalogue.version import VERSION_STATES, Version
from hub.department import Department
from hub.model import Base, one_of

ON_BAD_SIGNATURE = ("refuse", "flag")
VALIDITY_KINDS = ("permanent", "days", "months", "field")


class MaterialType(Shared, Base):
    """A kind of material that is taken once and reused."""

    __tablename__ = "material_types"
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$'", name="code_form"),
        CheckConstraint("accepts_from >= 1", name="accepts_from_sane"),
        CheckConstraint("max_bytes IS NULL OR max_bytes > 0", name="max_bytes_sane"),
        one_of("on_bad_signature", ON_BAD_SIGNATURE),
        *sharing_checks(),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    provider: Mapped[str | None] = mapped_column(
        ForeignKey("departments.code")
    )  # 数源部门: who decides on grants
    holder_kinds: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # PARTY_KINDS; empty: all
    consent_required: Mapped[bool] = mapped_column(server_default=text("false"))
    signature_required: Mapped[bool] = mapped_column(server_default=text("false"))
    on_bad_signature: Mapped[str] = mapped_column(server_default=text("'refuse'"))
    formats: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'")
    )  # file endings; empty: all allowed
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)  # None: the installation's limit
    published_version: Mapped[int | None] = mapped_column(SmallInteger)  # None: not (any more) in use
    accepts_from: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    provider_row: Mapped[Department | None] = relationship()

    def __str__(self) -> str:
        return self.name


class MaterialTypeVersion(Version, Base):
    """What a type asked for from one publication to the next. A published version never changes."""

    __tablename__ = "material_type_versions"
    __table_args__ = (
        UniqueConstraint("type_code", "number"),
        one_of("state", VERSION_STATES),
        one_of("validity_kind", VALIDITY_KINDS),
        CheckConstraint(
            "(validity_kind IN ('days', 'months')) = (validity_length IS NOT NULL)",
            name="validity_has_length",
        ),
        CheckConstraint(
            "(validity_kind = 'field') = (validity_field IS NOT NULL)", name="validity_has_field"
        ),
        Index(
            "uq_material_type_versions_draft",
            "type_code",
            unique=True,
            postgresql_where=text("state = 'draft'"),
        ),
        Index(
            "uq_material_type_versions_published",
            "type_code",
            unique=True,
            postgresql_where=text("state = 'published'"),
        ),
    )

    type_code: Mapped[str] = mapped_column(ForeignKey("material_types.code"))
    header: Mapped[dict[str, object]] = mapped_column(
        server_default=text("'{}'")
    )  # the type as it was published: see catalogue.type_header
    fields: Mapped[list[dict[str, object]]] = mapped_column(
        server_default=text("'[]'")
    )  # see catalogue.fields
    validity_kind: Mapped[str] = mapped_column(server_default=text("'permanent'"))
    validity_length: Mapped[int | None] = mapped_column(
        SmallInteger
    )  # days or months from the day it was taken
    validity_field: Mapped[str | None]  # the date field that says until when

    type: Mapped[MaterialType] = relationship()

    def __str__(self) -> str:
        return f"{self.type_code} v{self.number}"
