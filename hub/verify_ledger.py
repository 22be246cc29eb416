"""Verify the ledger against its signed heads: names the first row that was changed, removed or inserted.

Believes only the heads in the object store and their signatures; everything in the database is checked against them.
Rows that are not sealed yet (normally the last second) are counted, not proved.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from hub.errors import NotFound
from hub.ledger import LedgerBatch, LedgerRow, LedgerUnsealed
from hub.merkle import root
from hub.seal_ledger import GENESIS, HeadStore, head_name, leaf_of, rows_of
from schemas import loads

#: Whether the hub's detached signature over these bytes holds.
VerifySignature = Callable[[bytes, str], bool]


@dataclass(frozen=True, slots=True)
class LedgerVerdict:
    """`broken` names the first thing that is wrong, in a sentence; `row` is its ledger id where there is one."""

    ok: bool
    batches: int
    rows: int
    unsealed: int
    broken: str | None = None
    row: int | None = None


class _BrokenError(Exception):
    def __init__(self, sentence: str, row: int | None = None) -> None:
        super().__init__(sentence)
        self.row = row


@dataclass(slots=True)
class _Seen:
    batches: int = 0
    rows: int = 0
    previous: bytes = GENESIS


def verify(
    tx: Connection,
    heads: HeadStore,
    verify_signature: VerifySignature,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> LedgerVerdict:
    """Check every batch in order, while the hub runs: what is sealed meanwhile is not looked at.

    `tx` is REPEATABLE READ and has asked nothing yet: the heads are listed before its snapshot, so a head that the snapshot
    does not know is either the one that was being sealed just then, or of a batch that is lost.
    """
    names = heads.names()
    unsealed = tx.execute(select(func.count()).select_from(LedgerUnsealed)).scalar_one()
    total = tx.execute(select(func.count()).select_from(LedgerBatch)).scalar_one()
    sealed_ids: set[int] = set()
    seen = _Seen()
    try:
        for number in range(1, total + 1):
            ids = _check_batch(tx, heads, verify_signature, number, seen)
            sealed_ids.update(ids)
            if on_progress:
                on_progress(number, total)
        pending = set(tx.execute(select(LedgerUnsealed.ledger_id)).scalars())
        extra = [name for name in names if name > head_name(total)]
        if extra and not _being_sealed(tx, heads, verify_signature, extra, seen, pending):
            raise _BrokenError(f"对象存储中的批头多于数据库：第 {total} 批以后的留痕已从数据库中丢失")
        _check_inserted(tx, sealed_ids, pending)
    except _BrokenError as broken:
        return LedgerVerdict(False, seen.batches, seen.rows, unsealed, str(broken), broken.row)
    return LedgerVerdict(True, seen.batches, seen.rows, unsealed)


def _check_batch(
    tx: Connection, heads: HeadStore, verify_signature: VerifySignature, number: int, seen: _Seen
) -> list[int]:
    head_bytes, head = _read_head(heads, verify_signature, number)
    leaves = _check_rows(tx, head, number, seen)
    recorded = tx.execute(
        select(LedgerBatch.head_sha256).where(LedgerBatch.number == number)
    ).scalar_one_or_none()
    digest = hashlib.sha256(head_bytes).digest()
    if recorded is None or bytes(recorded) != digest:
        raise _BrokenError(f"数据库中第 {number} 批的记录与批头不符")
    seen.batches, seen.rows, seen.previous = number, seen.rows + len(leaves), digest
    ids: list[int] = head["ids"]
    return ids


def _check_rows(tx: Connection, head: Any, number: int, seen: _Seen) -> list[bytes]:
    """The leaves of a head that follows the one before, whose rows are as they were sealed."""
    if head["batch"] != number or bytes.fromhex(head["previous"]) != seen.previous:
        raise _BrokenError(f"第 {number} 批的批头与前一批不相接：批头被替换、删除或调换过")
    leaves = list(_split(base64.b64decode(head["leaves"])))
    if root(leaves).hex() != head["root"] or len(leaves) != head["size"] or len(leaves) != len(head["ids"]):
        raise _BrokenError(f"第 {number} 批的批头自相矛盾")
    found = {row.id: row for row in rows_of(tx, head["ids"])}
    for ledger_id, leaf in zip(head["ids"], leaves, strict=True):
        row = found.get(ledger_id)
        if row is None:
            raise _BrokenError(f"第 {ledger_id} 行已被删除（第 {number} 批）", ledger_id)
        if leaf_of(row) != leaf:
            raise _BrokenError(f"第 {ledger_id} 行被改动过（第 {number} 批）", ledger_id)
    return leaves


def _read_head(heads: HeadStore, verify_signature: VerifySignature, number: int) -> tuple[bytes, Any]:
    try:
        stored = loads(heads.get(head_name(number)))
        head_bytes = base64.b64decode(stored["head"])
        if verify_signature(head_bytes, stored["signature"]):
            return head_bytes, loads(head_bytes)
    except NotFound as gone:
        raise _BrokenError(f"对象存储中没有第 {number} 批的批头") from gone
    except (ValueError, KeyError, TypeError) as bad:
        raise _BrokenError(f"第 {number} 批的批头已损坏") from bad
    raise _BrokenError(f"第 {number} 批的批头签名无效")


def _split(joined: bytes) -> Iterator[bytes]:
    return (joined[at : at + 32] for at in range(0, len(joined), 32))


def _being_sealed(
    tx: Connection,
    heads: HeadStore,
    verify_signature: VerifySignature,
    extra: list[str],
    seen: _Seen,
    pending: set[int],
) -> bool:
    """Whether the heads that are not in the database are the one that is in hand: of rows that are there and still wait.

    Kept before its batch is committed, it may also be left over from a sealer that was killed; the next replaces it.
    """
    number = seen.batches + 1
    if extra != [head_name(number)]:
        return False
    _, head = _read_head(heads, verify_signature, number)
    if not pending.issuperset(head["ids"]):
        return False
    _check_rows(tx, head, number, seen)
    return True


def _check_inserted(tx: Connection, sealed_ids: set[int], pending: set[int]) -> None:
    with tx.execute(select(LedgerRow.id).order_by(LedgerRow.id).execution_options(yield_per=10_000)) as rows:
        for ledger_id in rows.scalars():
            if ledger_id not in sealed_ids and ledger_id not in pending:
                raise _BrokenError(f"第 {ledger_id} 行不在任何一批中：是绕过留痕插入的", ledger_id)
