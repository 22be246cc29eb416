"""What waits in the outbox: the next rows of our shards, lane by lane, and the mark once they are safe.

Guarantees: rows are found by `published_at IS NULL`, never by a remembered id, so a row that commits late is not lost;
within one (topic, key) a row is only found when no older unpublished row of it is left out; parked keys are left out.
Needs the shard locks: without them two relays would send the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from connectors.session import Session


class Row(NamedTuple):
    """One outbox row on its way."""

    id: int
    created_at: datetime
    shard: int
    topic: str
    key: str
    value: bytes
    signature: str
    kid: str


_PARKED = """
  AND NOT EXISTS (SELECT 1 FROM parked_keys p WHERE p.topic = o.topic AND p.key = o.key
                  AND (p.next_try_at IS NULL OR p.next_try_at > now()))
"""
# The other lane is asked row by row only while it has anything at all in our shards.
_OTHER_LANE_OLDER = """
  AND (NOT (SELECT busy FROM other)
       OR NOT EXISTS (SELECT 1 FROM outbox b WHERE b.published_at IS NULL AND b.key = o.key AND b.topic = o.topic
                      AND b.lane = %(other)s AND b.id < o.id))
"""
_NEXT = """
WITH other AS MATERIALIZED (
  SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL AND shard = ANY(%(shards)s) AND lane = %(other)s) AS busy)
SELECT x.* FROM unnest(%(shards)s::smallint[]) AS s(shard) CROSS JOIN LATERAL (
  SELECT o.id, o.created_at, o.shard, o.topic, o.key, o.value, o.signature, o.kid FROM outbox o
  WHERE o.published_at IS NULL AND o.shard = s.shard AND o.lane = %(lane)s
  {parked} {older}
  ORDER BY o.id LIMIT %(per_shard)s) AS x
"""
_MARK = """
UPDATE outbox SET published_at = clock_timestamp()
WHERE id = ANY(%s) AND created_at BETWEEN %s AND %s AND published_at IS NULL
"""


class Backlog:
    """Reads one lane of the held shards, batch after batch."""

    def __init__(self, session: Session, *, batch: int) -> None:
        self._session = session
        self._batch = batch
        self._deep: dict[int, int] = {}  # per lane: how many shards had more than they were asked for

    def next(self, lane: int, shards: Sequence[int], *, limit: int | None = None) -> list[Row]:
        """At most about `limit` rows, oldest first within each shard; empty when nothing can go."""
        if not shards:
            return []
        wanted = min(limit or self._batch, self._batch)
        per_shard = max(1, wanted // max(1, self._deep.get(lane, len(shards))))
        (parked,) = self._session.rows("SELECT EXISTS (SELECT 1 FROM parked_keys)")[0]
        statement = _NEXT.format(parked=_PARKED if parked else "", older=_OTHER_LANE_OLDER)
        found = self._session.rows(
            statement, {"shards": list(shards), "lane": lane, "other": 1 - lane, "per_shard": per_shard}
        )
        rows = [Row._make(row) for row in found]
        self._learn(lane, rows, per_shard)
        return rows

    def mark(self, rows: Sequence[Row]) -> None:
        """These are safe on the broker."""
        if rows:
            times = [row.created_at for row in rows]
            self._session.run(_MARK, ([row.id for row in rows], min(times), max(times)))

    def _learn(self, lane: int, rows: list[Row], per_shard: int) -> None:
        counts: dict[int, int] = {}
        for row in rows:
            counts[row.shard] = counts.get(row.shard, 0) + 1
        full = sum(1 for count in counts.values() if count >= per_shard)
        if full:
            self._deep[lane] = full
        else:
            self._deep.pop(lane, None)
