"""Party 行政相对人: whom a licence is given to.

A natural person's document number is never stored readable here: it is found by a keyed hash, kept sealed, shown masked.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

PARTY_KINDS = ("legal", "natural", "individual")


class Party(Base):
    """One party; the same body or person is one row however often it applies."""

    __tablename__ = "parties"
    __table_args__ = (
        one_of("kind", PARTY_KINDS),
        Index("ix_parties_name", "name"),
        # For any part of a name, in any script: hub.party_search.
        Index("ix_parties_pairs", text("shenguan_pairs(name)"), postgresql_using="gin"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    code_type: Mapped[str]  # GB/T 36903: 001 USCC, 111 citizen number, ...
    code_masked: Mapped[str | None]  # a USCC is public and stands here in full
    code_digest: Mapped[bytes] = mapped_column(unique=True)
    code_sealed: Mapped[bytes | None]
    legal_representative: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    def __str__(self) -> str:
        return self.name
