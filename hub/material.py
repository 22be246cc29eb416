"""Material 共享材料: one stored file of a case, and who read it for what use."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.model import Base


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
    """A file handed in or made on a case."""

    __tablename__ = "materials"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), index=True)
    sha256: Mapped[bytes] = mapped_column(ForeignKey("stored_objects.sha256"))
    name: Mapped[str]
    media_type: Mapped[str]
    get_type: Mapped[str] = mapped_column(server_default=text("'1'"))
    get_num: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    case: Mapped[Case] = relationship()
    stored: Mapped[StoredObject] = relationship()

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
