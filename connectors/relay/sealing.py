"""The sealing thread: every second the ledger's new rows become a signed batch. One sealer at a time, by a lock of the hub.

Guarantees: a failing object store or database stops nothing but the sealing, which goes on when they are back.
"""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import Engine, text

from connectors.pace import Backoff
from hub.ports import Clock, Signer
from hub.seal_ledger import HeadStore, seal

EVERY_S = 1.0
_LOCK = 0x5345414C  # one relay seals; the others' sealers pass
_LIMIT = 10_000
_log = structlog.get_logger(__name__)


class Sealing:
    """Runs in a thread of its own, so that a slow store never delays a message."""

    def __init__(self, engine: Engine, heads: HeadStore | None, signer: Signer | None, clock: Clock) -> None:
        self._engine = engine
        self._heads = heads
        self._signer = signer
        self._clock = clock
        self._thread: threading.Thread | None = None
        self.fault: str | None = None

    def start(self, stop: threading.Event) -> None:
        """Begin, if there is anything to seal with."""
        if self._heads is not None and self._signer is not None:
            self._thread = threading.Thread(target=self._run, args=(stop,), name="sealing", daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait for the batch in hand."""
        if self._thread is not None:
            self._thread.join(30)

    def _run(self, stop: threading.Event) -> None:
        backoff = Backoff(first=EVERY_S, longest=15.0)
        while not stop.is_set():
            try:
                more = self._seal_once()
                self.fault = None
                backoff.succeeded()
                if not more:
                    stop.wait(EVERY_S)
            except (
                Exception
            ) as error:  # whatever the store or the database say: nothing is lost, it is tried again
                if self.fault is None:
                    _log.warning("sealing.waits", error=str(error)[:300])
                self.fault = str(error)[:300]
                backoff.wait(stop)

    def _seal_once(self) -> bool:
        """Seal one batch; True when another full one may be waiting."""
        assert self._heads is not None
        assert self._signer is not None
        with self._engine.begin() as tx:
            if not tx.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}).scalar_one():
                return False
            batch = seal(tx, self._heads, self._signer, self._clock, limit=_LIMIT)
        return batch is not None and batch.size >= _LIMIT
