"""Upload 上传: one file on its way in, resumable after a dropped connection, a material once it is whole and checked."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

#: receiving → checking → (scanning →) stored or refused; abandoned: swept away unfinished
UPLOAD_STATES = ("receiving", "checking", "scanning", "stored", "refused", "abandoned")


class Upload(Base):
    """What has arrived of a file. Its bytes are in the spool until they are stored sealed."""

    __tablename__ = "uploads"
    __table_args__ = (
        one_of("state", UPLOAD_STATES),
        CheckConstraint("received BETWEEN 0 AND size", name="received_within_size"),
        CheckConstraint("(state = 'stored') = (material_id IS NOT NULL)", name="stored_is_material"),
        Index(
            "ix_uploads_unfinished",
            "changed_at",
            postgresql_where=text("state IN ('receiving', 'checking', 'scanning')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), index=True)
    requirement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requirements.id"))
    file_name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    state: Mapped[str] = mapped_column(server_default=text("'receiving'"))
    refusal: Mapped[str | None]  # the sentence
    # Given when it began, kept here until they are the material's: as hub.catalogue.fields stores them.
    fields: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    subject: Mapped[str] = mapped_column(server_default=text("''"))
    sha256: Mapped[bytes | None]  # known once it is whole
    material_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("materials.id"))
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
