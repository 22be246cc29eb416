"""LicenceDocument 证照文件 and LicenceCopy 加注件: the signed file of a licence, and the copies made for a stated use."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.licensing.licence import Licence
from hub.material import StoredObject
from hub.model import Base, one_of

#: pdf is the licence; ofd is unsigned and says so; sm2 is a detached SM2 signature over the PDF.
FORMATS = ("pdf", "ofd", "sm2")
LEVELS = ("B-B", "B-T", "B-LT")


class LicenceDocument(Base):
    """One file of one licence. The PDF is also a material of the party (origin 'result'), so that it is read like one."""

    __tablename__ = "licence_documents"
    __table_args__ = (
        UniqueConstraint("licence_id", "format"),
        one_of("format", FORMATS),
        one_of("level", LEVELS),
        CheckConstraint("(format = 'pdf') = (level IS NOT NULL)", name="pdf_has_level"),
        Index("ix_licence_documents_sha256", "sha256"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"))
    format: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(ForeignKey("stored_objects.sha256"))
    size: Mapped[int] = mapped_column(BigInteger)
    level: Mapped[str | None]  # PAdES
    signer: Mapped[dict[str, object]] = mapped_column(
        server_default=text("'{}'")
    )  # name, certificate_sha256, serial, not_after, algorithm, time_from
    material_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("materials.id"))
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    licence: Mapped[Licence] = relationship()
    stored: Mapped[StoredObject] = relationship()


class LicenceCopy(Base):
    """A copy for a stated use, watermarked with it; known again by its bytes. The copy itself is not kept."""

    __tablename__ = "licence_copies"
    __table_args__ = (
        one_of("format", ("pdf", "png")),
        CheckConstraint("length(cause) BETWEEN 2 AND 200", name="cause_stated"),
        Index("ix_licence_copies_sha256", "sha256"),
        Index("ix_licence_copies_licence", "licence_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # the temporary address carries it
    licence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("licences.id"))
    format: Mapped[str]
    cause: Mapped[str]  # 使用事由
    made_for: Mapped[str]  # 'department:scjg', 'user:clerk'
    case_no: Mapped[str | None] = mapped_column(ForeignKey("cases.case_no"))
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]  # of the address
    sha256: Mapped[bytes | None]  # of what was handed out last
    reads: Mapped[int] = mapped_column(server_default=text("0"))
