"""Seal the ledger: rows become leaves of a Merkle batch, whose signed head goes where the database's owner cannot change it.

Guarantees: every committed row gets into exactly one batch (a trigger queues it, the sealer takes it off the queue in the
transaction that writes the batch). Each head names the one before it by hash, so none can be left out. The head is in the
object store before the batch is committed: a crash between leaves a head that the next sealing of the same number replaces.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Connection, delete, insert, select, text

from hub.ledger import LedgerBatch, LedgerRow, LedgerUnsealed
from hub.merkle import leaf_hash, root
from hub.ports import Clock, Signer
from schemas import canonical, dumps

GENESIS = bytes(32)


class HeadStore(Protocol):
    """Where signed heads are kept, apart from the database."""

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`."""

    def get(self, name: str) -> bytes:
        """The bytes kept under `name`. Raises NotFound."""

    def names(self) -> list[str]:
        """All names, sorted."""


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """One batch as it was sealed."""

    number: int
    size: int
    root: bytes


def head_name(number: int) -> str:
    """The object that keeps the head of a batch."""
    return f"ledger/{number:012d}.json"


def leaf_of(row: Any) -> bytes:
    """The leaf hash of one ledger row: over a canonical rendering of every column."""
    document = {
        "id": row.id,
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "case_no": row.case_no,
        "reason": row.reason,
        "detail": row.detail,
    }
    return leaf_hash(canonical(document))


def rows_of(tx: Connection, ids: Sequence[int]) -> list[Any]:
    """Ledger rows by id, in the order of their ids."""
    return list(
        tx.execute(select(*LedgerRow.__table__.columns).where(LedgerRow.id.in_(ids)).order_by(LedgerRow.id))
    )


def seal(
    tx: Connection, heads: HeadStore, signer: Signer, clock: Clock, *, limit: int = 10_000
) -> SealedBatch | None:
    """Seal up to `limit` queued rows into one batch; None where nothing waits. One sealer at a time (a lock)."""
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger sealing'))"))
    waiting = select(LedgerUnsealed.ledger_id).order_by(LedgerUnsealed.ledger_id).limit(limit)
    ids = list(tx.execute(waiting).scalars())
    if not ids:
        return None
    rows = rows_of(tx, ids)
    leaves = [leaf_of(row) for row in rows]
    last = tx.execute(
        select(LedgerBatch.number, LedgerBatch.head_sha256).order_by(LedgerBatch.number.desc()).limit(1)
    ).first()
    number = last.number + 1 if last else 1
    batch = SealedBatch(number, len(rows), root(leaves))
    head = dumps(
        {
            "batch": number,
            "size": len(rows),
            "root": batch.root.hex(),
            "previous": (bytes(last.head_sha256) if last else GENESIS).hex(),
            "sealed_at": _text(clock()),
            "ids": [row.id for row in rows],
            "leaves": base64.b64encode(b"".join(leaves)).decode(),
        }
    )
    stored = dumps(
        {"head": base64.b64encode(head).decode(), "signature": signer.sign(head), "kid": signer.kid}
    )
    tx.execute(delete(LedgerUnsealed).where(LedgerUnsealed.ledger_id.in_([row.id for row in rows])))
    tx.execute(
        insert(LedgerBatch).values(
            number=number, size=len(rows), root=batch.root, head_sha256=hashlib.sha256(head).digest()
        )
    )
    heads.put(head_name(number), stored)
    return batch


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
