"""Material 共享材料: one stored, signed, versioned file or data set of a party; and who read it for what use.

`party_id`, `type_code` and `department` say whose it is, what it is and who took it in; together with `subject` they name
its series, of which the newest is usable and the older ones are superseded, but kept for the cases that relied on them.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.model import Base, one_of
from hub.party import Party

#: pending: its case is not accepted yet; usable; superseded by a newer version; revoked: must not be relied on any more;
#: discarded: its case was withdrawn before it was accepted.
MATERIAL_STATES = ("pending", "usable", "superseded", "revoked", "discarded")
ORIGINS = (
    "upload",
    "supplied",
    "result",
)  # taken at a window, supplied by a department as data, made by a decision
#: none: the file carries no signature; untrusted: it holds, but nobody we trust vouches for the signer.
SIGNATURE_STATES = ("unchecked", "none", "valid", "untrusted", "invalid")
SCAN_STATES = ("not_configured", "clean")


class StoredObject(Base):
    """The same bytes are stored once. `object_name` and `wrapped_key` are the object store's and the sealer's business."""

    __tablename__ = "stored_objects"
    __table_args__ = (CheckConstraint("octet_length(sha256) = 32", name="sha256"),)

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    object_name: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    wrapped_key: Mapped[bytes]
    stored_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Material(Base):
    """A file handed in or made on a case, or data that a department supplied (then there is no file, only fields)."""

    __tablename__ = "materials"
    __table_args__ = (
        one_of("state", MATERIAL_STATES),
        one_of("origin", ORIGINS),
        one_of("signature_state", SIGNATURE_STATES),
        one_of("scan_state", SCAN_STATES),
        CheckConstraint("sha256 IS NOT NULL OR origin = 'supplied'", name="file_or_data"),
        CheckConstraint("case_no IS NOT NULL OR origin <> 'upload'", name="upload_has_case"),
        CheckConstraint("type_code IS NULL OR type_version IS NOT NULL", name="type_has_version"),
        Index("ix_materials_party_type", "party_id", "type_code"),
        # What the statistics count in a period.
        Index(
            "ix_materials_taken",
            "created_at",
            postgresql_where=text("requirement_id IS NOT NULL AND origin = 'upload'"),
        ),
        # Of a data set, by the department's own reference, one version counts.
        Index(
            "uq_materials_supplied",
            "department",
            "supplied_ref",
            unique=True,
            postgresql_where=text("supplied_ref IS NOT NULL AND state <> 'superseded'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    party_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parties.id"))
    case_no: Mapped[str | None] = mapped_column(ForeignKey("cases.case_no"), index=True)
    requirement_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("requirements.id")
    )  # what it was taken for
    type_code: Mapped[str | None] = mapped_column(
        ForeignKey("material_types.code")
    )  # None: not in the catalogue
    type_version: Mapped[int | None] = mapped_column(SmallInteger)
    department: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))  # who took it in
    origin: Mapped[str] = mapped_column(server_default=text("'upload'"))
    subject: Mapped[str] = mapped_column(
        server_default=text("''")
    )  # which of several, e.g. whose identity card
    version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    superseded_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("materials.id"))
    state: Mapped[str] = mapped_column(server_default=text("'usable'"))
    state_reason: Mapped[str | None]
    state_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    sha256: Mapped[bytes | None] = mapped_column(ForeignKey("stored_objects.sha256"), index=True)
    name: Mapped[str]
    media_type: Mapped[str]
    get_type: Mapped[str] = mapped_column(server_default=text("'1'"))
    get_num: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]  # the last day; None: it does not expire
    fields: Mapped[dict[str, object]] = mapped_column(
        server_default=text("'{}'")
    )  # as hub.catalogue.fields stores
    supplied_ref: Mapped[str | None]  # the supplying department's own number
    supplied_as_of: Mapped[datetime | None]  # of two versions the newer counts, in whatever order they come
    signature_state: Mapped[str] = mapped_column(server_default=text("'unchecked'"))
    signature: Mapped[list[dict[str, object]]] = mapped_column(
        server_default=text("'[]'")
    )  # one entry a signature
    scan_state: Mapped[str] = mapped_column(server_default=text("'not_configured'"))
    added_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    case: Mapped[Case | None] = relationship()
    party: Mapped[Party] = relationship()
    stored: Mapped[StoredObject | None] = relationship()

    def __str__(self) -> str:
        return self.name


class FileRead(Base):
    """One read of one material. A department's request token is spent by it: (reader, token_id) is unique."""

    __tablename__ = "file_reads"
    __table_args__ = (UniqueConstraint("reader", "token_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    material_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("materials.id"), index=True)
    reader: Mapped[str]  # 'department:scjg' or 'user:clerk'
    token_id: Mapped[str]
    stated_use: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
