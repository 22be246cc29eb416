"""When a department can read over REST what was just written."""

from __future__ import annotations

from sqlalchemy import Engine, text

from tests.connectors.waiting import until

_HELD_BACK = text(
    "SELECT 1 FROM outbox WHERE tx >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint LIMIT 1"
)


def until_readable(engine: Engine) -> None:
    """Transactions of other tests on the same server (its own housekeeping too) hold the last rows back for a moment."""

    def settled() -> bool:
        with engine.connect() as tx:
            return tx.execute(_HELD_BACK).first() is None

    until(settled)
