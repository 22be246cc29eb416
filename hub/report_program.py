"""Report program: what a running program says of itself, every few seconds."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, func
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.program import Program

SILENT = timedelta(seconds=15)  # longer means gone
FORGOTTEN = timedelta(days=1)


def report(tx: Connection, name: str, instance: str, state: str, detail: str | None = None) -> None:
    """Note the state of one instance: 'running', 'waiting' (detail says for what), 'stopped'."""
    statement = pg_insert(Program).values(name=name, instance=instance, state=state, detail=detail)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["name", "instance"],
            set_={"state": state, "detail": detail, "seen_at": func.now()},
        )
    )


def forget_gone(tx: Connection) -> None:
    """Drop instances that have been silent for a day."""
    tx.execute(delete(Program).where(Program.seen_at < func.now() - FORGOTTEN))
