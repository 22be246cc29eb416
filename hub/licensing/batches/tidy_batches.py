"""Tidy batches: what rows of finished batches said is forgotten after a while, and readings that were cut off are ended.

Guarantees: state, licence and reasons of every row stay, what it said of people goes, KEPT after the batch ended; a batch
that nobody reads any more is stopped with a sentence. May run as often and by as many as one likes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from hub.licensing.batches.batch import LicenceBatch
from hub.licensing.batches.batch_control import move_batch

KEPT = timedelta(days=90)
SILENT = timedelta(hours=1)  # a reading without a new row for so long is dead
_FORGET = text("""
WITH ended AS (
  UPDATE licence_batches SET heading = '{}' WHERE state IN ('done', 'stopped') AND ended_at < :before AND heading <> '{}'
  RETURNING id
)
UPDATE licence_batch_rows r SET payload = '' FROM ended WHERE r.batch_id = ended.id
""")


def tidy_batches(tx: Connection, now: datetime) -> tuple[int, int]:
    """How many rows were forgotten, and how many readings ended."""
    forgotten = tx.execute(_FORGET, {"before": now - KEPT}).rowcount
    silent_since = func.coalesce(LicenceBatch.read_at, LicenceBatch.created_at)
    dead = (
        tx.execute(
            select(LicenceBatch.id)
            .where(LicenceBatch.state == "reading", silent_since < func.now() - SILENT)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )
    for batch in dead:
        why = "读取被中断。请重新上传同一文件，已办成的行不会再办。"
        move_batch(tx, batch, "fail", actor="program:press", now=now, reason=why)
    return forgotten, len(dead)
