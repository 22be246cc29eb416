"""The inner loop: take a batch of our shards, publish it, mark what is safe, park what fails.

Guarantees: at least once; rows of one (topic, key) first appear in the order of their ids. A row is marked only after
all replicas have it. Live rows go first; a bulk batch is bounded, the more so while live rows keep coming, and a live row
waits at most for one of them. A mark may be forgotten when the database crashes: the row then goes again. A relay
that was stopped and lost its session meanwhile finds out before it sends (`check`), and can mark nothing: what it had
already handed to the client can only become duplicates, in order, of what its successor sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors.bus import BusSettings, Producer, Record, ensure_topics
from connectors.errors import BusUnavailable, ConnectorError, HeldBack, Misconfigured, TopicMissing
from connectors.relay.backlog import Backlog, Row
from connectors.relay.parking import Parking
from connectors.session import Session
from connectors.shares import RELAY, Shares
from hub.exchange.outbox import BULK, LIVE, SHARDS

CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"
# A session that has answered this recently still holds its locks; after a longer silence it is asked.
TRUST_S = 0.2
# Live rows are taken to keep coming for so long after the last one.
RECENT_S = 5.0


@dataclass(frozen=True, slots=True)
class Batches:
    """How much is taken at once."""

    live: int = 1000
    bulk: int = 1000
    beside_live: int = 50  # of bulk, while live rows keep coming: bounds what a live row waits for


class Drain:
    """Empties the outbox through one session and one producer."""

    def __init__(
        self,
        session: Session,
        producer: Producer,
        bus: BusSettings,
        *,
        sizes: Batches = Batches(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._producer = producer
        self._bus = bus
        self._sizes = sizes
        self._clock = clock
        self.shards = Shares(session, RELAY, range(SHARDS))
        self.parking = Parking(session)
        self.parking.refresh()
        self._backlog = Backlog(session, batch=max(sizes.live, sizes.bulk))
        self._live_at = float("-inf")
        self.remade: set[str] = set()  # topics that were gone: what had been on them is lost
        # A mark need not wait for the disk: forgotten, it makes a duplicate.
        session.run("SET synchronous_commit = off")

    def step(self) -> int:
        """One round: every live row that waits, up to a batch, then one bounded bulk batch. How many went out."""
        sent = self._lane(LIVE, self._sizes.live)
        if sent:
            self._live_at = self._clock()
        if sent >= self._sizes.live:
            return sent
        bulk = self._sizes.bulk
        if self._clock() - self._live_at < RECENT_S:
            bulk = min(bulk, self._sizes.beside_live)
        return sent + self._lane(BULK, bulk)

    def _lane(self, lane: int, limit: int) -> int:
        rows = self._backlog.next(lane, self.shards.held, limit=limit)
        return self._send(rows) if rows else 0

    def _send(self, rows: list[Row]) -> int:
        taken_at = self._clock()
        records = [
            Record(
                row.topic,
                row.key.encode(),
                row.value,
                [
                    ("signature", row.signature.encode()),
                    ("kid", row.kid.encode()),
                    ("content-type", CONTENT_TYPE),
                ],
            )
            for row in rows
        ]
        if self._clock() - taken_at > TRUST_S:
            self._session.check()
        outcomes = self._producer.publish(records)
        safe = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome is None]
        self._backlog.mark(safe)
        self.parking.free((row.topic, row.key) for row in safe if self.parking.parked)
        if len(safe) < len(rows):
            self._deal_with(rows, outcomes)
        return len(safe)

    def _deal_with(self, rows: Sequence[Row], outcomes: Sequence[ConnectorError | None]) -> None:
        """Park keys that were refused; say that the broker is down when that is all that was wrong."""
        missing = {
            row.topic
            for row, outcome in zip(rows, outcomes, strict=True)
            if isinstance(outcome, TopicMissing)
        }
        if missing and (made := ensure_topics(self._bus, missing)):
            self.remade |= set(made)
            return  # they go with the next round
        waiting: ConnectorError | None = None
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, BusUnavailable | Misconfigured):
                waiting = outcome
            elif outcome is not None and not isinstance(outcome, HeldBack):
                self.parking.park(row.topic, row.key, outcome.message)
        if waiting is not None:
            raise waiting
