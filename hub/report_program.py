"""Report program: what a running program says of itself, every few seconds."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, exists, func, or_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import aliased

from hub.program import Program

SILENT = timedelta(seconds=15)  # longer means gone
FORGOTTEN = timedelta(days=1)
MISSED = timedelta(days=30)  # the last of its name, if it never said that it stopped: an alert rests on it


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
    """Drop instances that have been silent for a day, and those of a name that nobody else bears for a month."""
    later = aliased(Program)
    followed = exists().where(later.name == Program.name, later.seen_at > Program.seen_at)
    forgotten = or_(Program.state == "stopped", followed, Program.seen_at < func.now() - MISSED)
    tx.execute(delete(Program).where(Program.seen_at < func.now() - FORGOTTEN, forgotten))
