"""Which shards this relay serves: one advisory lock per shard, shared fairly among the relays that are alive.

Guarantees: at most one session holds a shard; a dead relay's shards are free as soon as the server drops its session;
every shard is taken by somebody within one `rebalance` of each. Does not balance by load.
"""

from __future__ import annotations

from connectors.relay.session import Session
from hub.outbox import SHARDS

CLASS = 0x53484152  # our own corner of the advisory locks of this database
_PRESENCE = 1 << 20

_COUNT = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Shards:
    """The shards held by one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.held: list[int] = []
        session.rows("SELECT pg_advisory_lock_shared(%s, %s)", (CLASS, _PRESENCE))

    def rebalance(self) -> None:
        """Give up what is more than our share, take what is free of it. Call it between batches only."""
        (relays,) = self._session.rows(_COUNT, (CLASS, _PRESENCE))[0]
        share = -(-SHARDS // max(relays, 1))
        while len(self.held) > share:
            self._session.rows("SELECT pg_advisory_unlock(%s, %s)", (CLASS, self.held.pop()))
        for shard in range(SHARDS):
            if len(self.held) >= share:
                break
            if shard not in self.held and self._take(shard):
                self.held.append(shard)

    def _take(self, shard: int) -> bool:
        (taken,) = self._session.rows("SELECT pg_try_advisory_lock(%s, %s)", (CLASS, shard))[0]
        return bool(taken)
