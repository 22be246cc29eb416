"""What a hub program says of itself in the table `programs`, every few seconds and at every change.

Guarantees: never raises and never blocks the work for long: a database that is down hears nothing, and the silence tells.
Whoever beats also notices that nobody looks for silent programs any more (hub.noticing.stand_in).
"""

from __future__ import annotations

import time

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.noticing.stand_in import PATIENCE_S, StandIn
from hub.report_program import report

EVERY_S = 5.0
_log = structlog.get_logger(__name__)


class Heartbeat:
    """One instance of one program."""

    def __init__(self, engine: Engine, name: str, instance: str, *, patience_s: float = PATIENCE_S) -> None:
        self._engine = engine
        self._stand_in = StandIn(engine, name, patience_s=patience_s)
        self._name = name
        self._instance = instance
        self._said: tuple[str, str | None] | None = None
        self._at = 0.0

    def say(self, state: str, detail: str | None = None) -> None:
        """State now ('running', 'waiting', 'stopped'); written when it changed or is old."""
        now = time.monotonic()
        if self._said == (state, detail) and now - self._at < EVERY_S:
            return
        if self._said is None or self._said[0] != state:
            _log.info("program", name=self._name, instance=self._instance, state=state, detail=detail)
        try:
            with self._engine.begin() as tx:
                report(tx, self._name, self._instance, state, detail)
            self._stand_in.look()
        except SQLAlchemyError:
            self._at = now - EVERY_S + 1  # try again in a second
            return
        self._said = (state, detail)
        self._at = now
