"""Stand in 代为察觉: when nobody looks for silent programs any more - the relay, whose chore it is, is itself silent - the
next program that says how it is looks instead, so that somebody is told.

Guarantees: of all that stand in at one moment one looks, and what it finds is one alert (raise_alerts); a program that has
just been started leaves the others a while to start. Told over alert channels while the connector host lives, and on the
pages while the database and one web process do. Does not stand in for any other chore.
"""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import Connection, Engine, func, or_, select

from hub.noticing.alert import AlertLimit
from hub.noticing.raise_alerts import raise_alerts

KIND = "program"
UNLOOKED = timedelta(minutes=3)  # the relay looks every minute
PATIENCE_S = 60.0
EVERY_S = 30.0


class StandIn:
    """One program's readiness to look; asks the database every half minute."""

    def __init__(self, engine: Engine, name: str, *, patience_s: float = PATIENCE_S) -> None:
        self._engine = engine
        self._actor = f"program:{name}"
        self._next_at = time.monotonic() + patience_s

    def look(self) -> int:
        """Look, if it is time and nobody else did. How many alerts were raised or ended."""
        if time.monotonic() < self._next_at:
            return 0
        self._next_at = time.monotonic() + EVERY_S
        with self._engine.begin() as tx:
            return look_instead(tx, actor=self._actor)


def look_instead(tx: Connection, *, actor: str) -> int:
    """Look for silent programs where nobody has for a while; by the database's clock, as programs are seen."""
    late = or_(AlertLimit.checked_at.is_(None), AlertLimit.checked_at < func.now() - UNLOOKED)
    mine = select(func.now()).where(AlertLimit.kind == KIND, late).with_for_update(skip_locked=True)
    now = tx.execute(mine).scalar_one_or_none()
    return 0 if now is None else raise_alerts(tx, KIND, now, actor=actor)
