"""Pull 按序读取: a department's messages from the outbox, by cursor, in the order in which they were committed.

Guarantees: a message is passed over by no cursor that was handed out: reading never goes beyond the oldest transaction that
still runs (ids alone would: a slow transaction commits low ids late). Every page is bounded in rows looked at and in bytes.
Cursors are plain: they show nothing but the caller's own place, and a made-up one reads nothing but the caller's own.
They belong to one life of the database: after a restore or a failover transactions are counted anew, and an older cursor is
refused (`PlaceLost`) rather than believed.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, text

from hub.department import topic_in
from hub.errors import Conflict, Rejected
from hub.round_trips import ask

T = TypeVar("T")
MOST = 500
SCANNED = 2_000  # rows looked at for one page of what is not signed for
PAGE_BYTES = 8 << 20  # at least one message, whatever its size
_CURSOR = re.compile(r"([0-9a-f]{1,16}-[0-9a-f]{1,8})\.(\d{1,19})\.(\d{1,19})")


class PlaceLost(Conflict):
    """这个位置属于数据库恢复之前，不能接着读。请不带 after、带 unsigned=true 重新开始；已收过的按事件编号去重。"""


class Cursor(NamedTuple):
    """After this row."""

    life: str
    tx: int
    id: int

    def __str__(self) -> str:
        return f"{self.life}.{self.tx}.{self.id}"


class Pulled(NamedTuple):
    """One message, exactly as the hub signed it."""

    event_id: uuid.UUID
    event_type: str
    key: str
    value: bytes
    signature: str
    kid: str
    created_at: datetime


class SignedFor(NamedTuple):
    """A message that the department has signed for."""

    event_id: uuid.UUID
    event_type: str
    key: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of them; `more`: there is more to be read at once from `next`."""

    found: Sequence[T]
    next: Cursor
    more: bool


_LIFE = """
SELECT to_hex((SELECT system_identifier FROM pg_control_system())) || '-' ||
       to_hex((SELECT timeline_id FROM pg_control_checkpoint())),
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint
"""
_SCAN = """
SELECT tx, id, event_id, event_type, key, octet_length(value) FROM outbox
WHERE topic = %(topic)s AND (tx, id) > (%(tx)s, %(id)s) AND tx < %(oldest)s ORDER BY tx, id LIMIT %(limit)s
"""
_SIGNED = """
SELECT event_id, signed_at FROM pushes WHERE event_id = ANY(%(events)s) AND signed_at IS NOT NULL
UNION ALL
SELECT event_id, signed_at FROM announcements WHERE event_id = ANY(%(events)s) AND signed_at IS NOT NULL
"""
_FETCH = """
SELECT event_id, event_type, key, value, signature, kid, created_at FROM outbox
WHERE topic = %(topic)s AND tx BETWEEN %(first)s AND %(last)s AND id = ANY(%(ids)s) ORDER BY tx, id
"""


class _Scanned(NamedTuple):
    """A row that was looked at, without its bytes."""

    tx: int
    id: int
    event_id: uuid.UUID
    event_type: str
    key: str
    size: int


def messages(
    tx: Connection, topic: str, after: str | None, *, limit: int = 100, unsigned: bool = False
) -> Page[Pulled]:
    """The next messages of `topic`; with `unsigned` only those that nobody has signed for, whatever way they went.

    Messages that ask for no receipt (quarantined.v1) count as never signed for. Raises Rejected, PlaceLost.
    """
    limit = _bounded(limit)
    start, rows = _scan(tx, topic, after, SCANNED if unsigned else limit)
    signed = _signed(tx, rows) if unsigned else {}
    wanted, last, size, more = list[_Scanned](), start, 0, len(rows) == (SCANNED if unsigned else limit)
    for row in rows:
        if row.event_id not in signed:
            if len(wanted) == limit or (wanted and size + row.size > PAGE_BYTES):
                more = True
                break
            wanted.append(row)
            size += row.size
        last = Cursor(start.life, row.tx, row.id)
    return Page(_fetched(tx, topic, wanted), last, more)


def signed_for(tx: Connection, topic: str, after: str | None, *, limit: int = MOST) -> Page[SignedFor]:
    """What the department has signed for, in the same order; some pages may be empty though more follow."""
    limit = _bounded(limit)
    start, rows = _scan(tx, topic, after, limit)
    signed = _signed(tx, rows)
    found = [
        SignedFor(row.event_id, row.event_type, row.key, signed[row.event_id])
        for row in rows
        if row.event_id in signed
    ]
    last = Cursor(start.life, rows[-1].tx, rows[-1].id) if rows else start
    return Page(found, last, len(rows) == limit)


def _bounded(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise Rejected(f"limit 应为 1 到 {MOST}。")
    return limit


def _scan(tx: Connection, topic: str, after: str | None, limit: int) -> tuple[Cursor, list[_Scanned]]:
    ((life, oldest),) = ask(tx, (_LIFE, {}))[0]
    start = _start(after, life, oldest)
    of = {"topic": topic, "tx": start.tx, "id": start.id, "oldest": oldest, "limit": limit}
    (rows,) = ask(tx, (_SCAN, of))
    return start, [_Scanned(*row) for row in rows]


def _start(after: str | None, life: str, oldest: int) -> Cursor:
    if not after:
        return Cursor(life, 0, 0)
    said = _CURSOR.fullmatch(after)
    if said is None:
        raise Rejected("after 应为上一次回答中的 next，原样填写。")
    cursor = Cursor(said[1], int(said[2]), int(said[3]))
    if cursor.life != life or cursor.tx >= max(oldest, 1) or cursor.id >= 1 << 63:
        raise PlaceLost
    return cursor


def _signed(tx: Connection, rows: Sequence[_Scanned]) -> dict[uuid.UUID, datetime]:
    if not rows:
        return {}
    (found,) = ask(tx, (_SIGNED, {"events": [row.event_id for row in rows]}))
    return {row[0]: row[1] for row in found}


def _fetched(tx: Connection, topic: str, rows: Sequence[_Scanned]) -> list[Pulled]:
    if not rows:
        return []
    of: dict[str, Any] = {"topic": topic, "first": rows[0].tx, "last": rows[-1].tx}
    (found,) = ask(tx, (_FETCH, {**of, "ids": [row.id for row in rows]}))
    return [Pulled(*row) for row in found]


_RESTORED = """
SELECT EXISTS (SELECT FROM unnest(CAST(:topics AS text[])) AS t(topic), LATERAL (
    SELECT tx FROM outbox o WHERE o.topic = t.topic ORDER BY tx DESC, id DESC LIMIT 1) AS newest
  WHERE newest.tx > (pg_current_xact_id()::text)::bigint)
"""


def order_anew(tx: Connection, area: str) -> int:
    """After a restore from a dump transactions are counted anew, from lower on: the rows that were there come first, by id.

    Run in the migrate step, before any program writes. Gives how many rows were reordered: 0 where nothing was restored.
    """
    codes = tx.execute(text("SELECT code FROM departments")).scalars().all()
    topics = [topic_in(area, code) for code in codes]
    if not tx.execute(text(_RESTORED), {"topics": topics}).scalar_one():
        return 0
    return tx.execute(text("UPDATE outbox SET tx = 0 WHERE tx <> 0")).rowcount
