"""Enrolment code 入网码: used once, by a connector that made its own key, to have the key registered and certified."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base


class EnrolmentCode(Base):
    """Only its hash is kept; whoever has the code shows it once."""

    __tablename__ = "enrolment_codes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"), index=True)
    connector: Mapped[str | None] = mapped_column(ForeignKey("connectors.code"))
    code_sha256: Mapped[bytes] = mapped_column(unique=True)
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    kid: Mapped[str | None] = mapped_column(ForeignKey("department_keys.kid"))
    cancelled_at: Mapped[datetime | None]
