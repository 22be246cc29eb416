"""Ledger 留痕账本: an append-only row for every change and every read of personal data.

Guarantees: rows are written in the transaction of what they tell (`record`); a trigger refuses UPDATE, DELETE and
TRUNCATE; a trigger queues each row for sealing, so none can be forgotten. Does not seal: `seal_ledger` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Identity, Index, insert, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base

CATALOGUE_ROWS = "split_part(subject, ':', 1) IN ('item', 'material_type', 'licence_type', 'code_pattern')"


class LedgerRow(Base):
    """Who did what to whom, why, on which case, with what result."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("ix_ledger_case_no", "case_no"),
        Index("ix_ledger_at", "at"),
        # The change history of a catalogue entry; small, because nothing else is in it.
        Index("ix_ledger_catalogue", "subject", "id", postgresql_where=text(CATALOGUE_ROWS)),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    actor: Mapped[str]  # 'user:clerk', 'department:scjg', 'program:intake'
    action: Mapped[str]  # 'case.decided', 'file.read', ...
    subject: Mapped[str]  # 'push:…', 'licence:…'
    case_no: Mapped[str | None]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))


class LedgerUnsealed(Base):
    """Rows not yet in a batch; filled by a trigger, emptied by the sealer."""

    __tablename__ = "ledger_unsealed"

    ledger_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class LedgerBatch(Base):
    """One sealed batch: its head is signed and also stands in the object store, which is what is believed."""

    __tablename__ = "ledger_batches"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[int]
    root: Mapped[bytes]
    head_sha256: Mapped[bytes]
    sealed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a use case says of itself."""

    actor: str
    action: str
    subject: str
    case_no: str | None = None
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def record(tx: Connection, *entries: Entry) -> None:
    """Append entries in the caller's transaction."""
    if entries:
        tx.execute(
            insert(LedgerRow.__table__),  # type: ignore[arg-type]
            [
                {
                    "actor": entry.actor,
                    "action": entry.action,
                    "subject": entry.subject,
                    "case_no": entry.case_no,
                    "reason": entry.reason,
                    "detail": entry.detail,
                }
                for entry in entries
            ],
        )
