"""Evidence 佐证: files that a department brought before the message that names them by SHA-256."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base


class Evidence(Base):
    """One file of one department, in the object store. The same file twice is one row."""

    __tablename__ = "evidence"
    __table_args__ = (Index("ix_evidence_brought_at", "brought_at"),)

    department: Mapped[str] = mapped_column(ForeignKey("departments.code"), primary_key=True)
    sha256: Mapped[bytes] = mapped_column(ForeignKey("stored_objects.sha256"), primary_key=True)
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    brought_by: Mapped[str]  # 'department:scjg', 'user:…'
    brought_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class FindingFile(Base):
    """A finding names a file as evidence."""

    __tablename__ = "finding_files"
    __table_args__ = (Index("ix_finding_files_sha256", "sha256"),)

    finding_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("findings.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sha256: Mapped[bytes] = mapped_column(ForeignKey("stored_objects.sha256"))
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
