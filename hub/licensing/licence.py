"""Licence 电子证照 and Hold 暂扣: what was issued, and what keeps it from being used.

One row is one version of a licence (GB/T 36904: the version is part of the identifier); a renewed or changed licence is a
new row that names the old one. A licence is 暂扣 while one hold is open. Each department has at most one open hold on a
licence, and only that department lifts it, so departments cannot undo one another. The database knows the life of a
licence too: a status moves only as `licence_transitions` says (see hub.licensing.life).
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

STATUSES = ("01", "02", "03", "04", "05", "06", "07", "99")
VALID, FROZEN, WITHDRAWN, CANCELLED, EXPIRED, TRANSFERRED, REVOKED, OTHER = STATUSES
#: registered: known from a decision or a sheet, no document of ours; issued: made, signed and kept here;
#: imported: of another authority, with the identifier it came with.
ORIGINS = ("registered", "issued", "imported")


class Licence(Base):
    """One version of a licence with its GB/T 36904 identifier."""

    __tablename__ = "licences"
    __table_args__ = (
        one_of("status", STATUSES),
        one_of("origin", ORIGINS),
        CheckConstraint("status <> '99' OR status_note <> ''", name="other_says_what"),
        CheckConstraint(
            "origin <> 'issued' OR valid_to IS NULL OR valid_to >= valid_from", name="validity_forward"
        ),
        CheckConstraint("version BETWEEN 1 AND 999", name="version_sane"),
        CheckConstraint("origin <> 'issued' OR type_version IS NOT NULL", name="issued_by_a_version"),
        CheckConstraint("previous_id <> id", name="not_its_own_previous"),
        UniqueConstraint("identifier"),
        UniqueConstraint("status_index"),
        # Of one licence there is at most one next version.
        Index(
            "uq_licences_previous",
            "previous_id",
            unique=True,
            postgresql_where=text("previous_id IS NOT NULL"),
        ),
        Index("ix_licences_number", "number"),
        Index("ix_licences_type_code", "type_code", "issued_on"),
        # What the scheduler asks for every day.
        Index(
            "ix_licences_running_out",
            "valid_to",
            postgresql_where=text("status IN ('01', '02') AND valid_to IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    identifier: Mapped[str]
    identifier_fault: Mapped[str | None]  # what is wrong with a foreign identifier, kept as it came
    case_no: Mapped[str | None] = mapped_column(
        ForeignKey("cases.case_no"), index=True
    )  # None: issued alone, or imported
    party_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parties.id"), index=True)  # the first holder
    holders: Mapped[list[dict[str, object]]] = mapped_column(
        server_default=text("'[]'")
    )  # all of them: name, code_type, code (masked where personal); empty: the party alone
    name: Mapped[str]
    number: Mapped[str]
    type_code: Mapped[str]
    type_version: Mapped[int | None] = mapped_column(SmallInteger)
    issuer_code: Mapped[str]
    issuer_name: Mapped[str]
    department: Mapped[str | None] = mapped_column(
        ForeignKey("departments.code")
    )  # the issuer, if it is one of ours
    origin: Mapped[str] = mapped_column(server_default=text("'registered'"))
    version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    previous_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"))
    issued_on: Mapped[date]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # the last day; None: long-term 长期
    fields: Mapped[dict[str, object]] = mapped_column(
        server_default=text("'{}'")
    )  # of its type, as hub.catalogue.fields stores
    status: Mapped[str] = mapped_column(server_default=text("'01'"))
    status_note: Mapped[str | None]
    status_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    status_index: Mapped[int | None] = mapped_column(
        BigInteger
    )  # its place in the status list; None: not in one
    warned_for: Mapped[date | None]  # the last day of validity that its holder was warned of
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    case: Mapped[Case | None] = relationship()
    party: Mapped[Party] = relationship()

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Hold(Base):
    """A freeze put on a licence by one department; open until that department lifts it."""

    __tablename__ = "holds"
    __table_args__ = (
        Index(
            "uq_holds_open",
            "licence_id",
            "department",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"), index=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    placed_by: Mapped[uuid.UUID]  # the finding, or the operation where a person did it
    placed_at: Mapped[datetime]
    lifted_by: Mapped[uuid.UUID | None]
    lifted_at: Mapped[datetime | None]
