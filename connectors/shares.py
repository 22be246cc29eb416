"""Work shared fairly among the programs that are alive: one advisory lock per piece, one shared lock for being there.

Guarantees: at most one session holds a piece; what a dead program held is free as soon as the server drops its session;
every piece is taken by somebody within one `rebalance` of each. Does not balance by load.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from connectors.session import Session

# Our own corner of the advisory locks of this database; presence is counted one number further on.
RELAY, INTAKE, HOST = 0x53484100, 0x53484110, 0x53484120

_COUNT = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objid = 0 AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Shares:
    """The pieces of one family that one session holds. Pieces are numbers below 2 ** 31."""

    def __init__(self, session: Session, family: int, pieces: Iterable[int] = ()) -> None:
        self._session = session
        self._family = family
        self._pieces = list(pieces)
        self.held: list[int] = []
        session.rows("SELECT pg_advisory_lock_shared(%s, 0)", (family + 1,))

    def rebalance(self, pieces: Iterable[int] | None = None, *, busy: Collection[int] = ()) -> None:
        """Give up what is more than our share, take what is free of it. What is `busy` is kept until it is not."""
        if pieces is not None:
            self._pieces = list(pieces)
        (programs,) = self._session.rows(_COUNT, (self._family + 1,))[0]
        share = -(-len(self._pieces) // max(programs, 1))
        for piece in [piece for piece in self.held if piece not in self._pieces and piece not in busy]:
            self._give_up(piece)
        for piece in [piece for piece in reversed(self.held) if piece not in busy][
            : max(0, len(self.held) - share)
        ]:
            self._give_up(piece)
        for piece in self._pieces:
            if len(self.held) >= share:
                break
            if piece not in self.held and self._take(piece):
                self.held.append(piece)

    def _take(self, piece: int) -> bool:
        (taken,) = self._session.rows("SELECT pg_try_advisory_lock(%s, %s)", (self._family, piece))[0]
        return bool(taken)

    def _give_up(self, piece: int) -> None:
        self._session.rows("SELECT pg_advisory_unlock(%s, %s)", (self._family, piece))
        self.held.remove(piece)
