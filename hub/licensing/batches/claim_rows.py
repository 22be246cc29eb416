"""Claims on the rows of running batches: any number of processes take rows, each row is one process's for a while.

Guarantees: two processes never hold the same row; a claim of a process that died runs out and the row is anybody's
again; what a process writes counts only while its claim stands (`still_mine`), in the transaction that writes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.licensing.batches.batch_control import move_batch
from hub.round_trips import ask, tell

LEASE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """Rows of one batch, in order: (row, key, payload, reserved number)."""

    batch: Any
    attempt: uuid.UUID
    rows: tuple[tuple[int, bytes, bytes, str | None], ...]


_BATCH = """
SELECT b.* FROM licence_batches b
WHERE b.state = 'running' AND EXISTS (
  SELECT FROM licence_batch_rows r WHERE r.batch_id = b.id AND r.state = 'waiting'
  AND (r.claimed_until IS NULL OR r.claimed_until < now()))
ORDER BY b.started_at, b.id LIMIT 1
"""
_CLAIM = """
UPDATE licence_batch_rows r
SET claimed_by = :attempt, claimed_until = now() + make_interval(secs => :lease)
FROM (
  SELECT row FROM licence_batch_rows WHERE batch_id = :batch AND state = 'waiting'
  AND (claimed_until IS NULL OR claimed_until < now())
  ORDER BY row LIMIT :size FOR UPDATE SKIP LOCKED
) c WHERE r.batch_id = :batch AND r.row = c.row
RETURNING r.row, r.key, r.payload, r.number
"""
_MINE = """
SELECT row FROM licence_batch_rows
WHERE batch_id = %(batch)s AND claimed_by = %(attempt)s AND state = 'waiting' ORDER BY row FOR UPDATE
"""
_RELEASE = """
UPDATE licence_batch_rows SET claimed_by = NULL, claimed_until = NULL
WHERE batch_id = %(batch)s AND claimed_by = %(attempt)s AND state = 'waiting'
AND (%(only)s::int IS NULL OR row = %(only)s)
"""
_RESERVE = """
UPDATE licence_batch_rows r SET number = n.number
FROM unnest(%(rows)s::int[], %(numbers)s::text[]) AS n(row, number)
WHERE r.batch_id = %(batch)s AND r.row = n.row AND r.claimed_by = %(attempt)s
"""
_DONE = """
UPDATE licence_batch_rows r
SET state = d.state, licence_id = d.licence, problem = d.problem, done_at = %(now)s,
    claimed_by = NULL, claimed_until = NULL
FROM unnest(%(rows)s::int[], %(states)s::text[], %(licences)s::uuid[], %(problems)s::text[])
  AS d(row, state, licence, problem)
WHERE r.batch_id = %(batch)s AND r.row = d.row
"""
_ENDED = """
SELECT id, created_by FROM licence_batches b WHERE state = 'running'
AND NOT EXISTS (SELECT FROM licence_batch_rows r WHERE r.batch_id = b.id AND r.state = 'waiting')
ORDER BY id FOR UPDATE SKIP LOCKED
"""


def claim(tx: Connection, sizes: dict[str, int], *, lease: float = LEASE_SECONDS) -> Claimed | None:
    """Take some rows of the batch that has waited longest; None where there is nothing to take."""
    batch = tx.execute(text(_BATCH)).one_or_none()
    if batch is None:
        return None
    attempt = uuid.uuid4()
    rows = tx.execute(
        text(_CLAIM),
        {"batch": batch.id, "attempt": attempt, "lease": lease, "size": sizes[batch.operation]},
    ).all()
    taken = sorted((row.row, bytes(row.key), bytes(row.payload), row.number) for row in rows)
    return Claimed(batch, attempt, tuple(taken))


def still_mine(tx: Connection, claimed: Claimed) -> set[int]:
    """Rows of the claim that nobody took over meanwhile; they stay locked until the transaction ends."""
    (rows,) = ask(tx, (_MINE, {"batch": claimed.batch.id, "attempt": claimed.attempt}))
    return {row for (row,) in rows}


def release(tx: Connection, claimed: Claimed, *, only: int | None = None) -> None:
    """Give rows back that could not be worked now, or one of them."""
    tell(tx, (_RELEASE, {"batch": claimed.batch.id, "attempt": claimed.attempt, "only": only}))


def reserve(tx: Connection, claimed: Claimed, numbers: dict[int, str]) -> None:
    """Write down the number that each row's licence is going to have."""
    if numbers:
        of = {"rows": list(numbers), "numbers": list(numbers.values())}
        tell(tx, (_RESERVE, {**of, "batch": claimed.batch.id, "attempt": claimed.attempt}))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row."""

    row: int
    state: str  # issued, unchanged, refused
    licence_id: uuid.UUID | None = None
    problem: str | None = None


def finish(tx: Connection, claimed: Claimed, results: Sequence[Result], now: datetime) -> None:
    """Write what became of rows, in the transaction of their licences."""
    if not results:
        return
    of = {
        "batch": claimed.batch.id,
        "now": now,
        "rows": [result.row for result in results],
        "states": [result.state for result in results],
        "licences": [result.licence_id for result in results],
        "problems": [result.problem for result in results],
    }
    tell(tx, (_DONE, of))


def end_batches(tx: Connection, *, now: datetime) -> Collection[uuid.UUID]:
    """Close batches of which no row waits any more."""
    ended = tx.execute(text(_ENDED)).all()
    for batch in ended:
        move_batch(tx, batch.id, "end", actor=batch.created_by, now=now)
    return [batch.id for batch in ended]


def note_cause(tx: Connection, batch_id: uuid.UUID, cause: str | None) -> None:
    """Say on a running batch what it waits for; None: it goes on."""
    tx.execute(
        text(
            "UPDATE licence_batches SET cause = :cause WHERE id = :id AND state = 'running'"
            " AND cause IS DISTINCT FROM :cause"
        ),
        {"id": batch_id, "cause": cause},
    )
