"""What a person does with a batch: start, pause, resume, stop; and what its rows have come to.

Guarantees: a batch moves only along MOVES, once, with its ledger row in the same transaction; a department's user moves
only the department's batches. Does not work the rows: run_batch does, woken by a trigger.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, select, update

from hub.errors import Conflict, Denied, NotFound
from hub.ledger import Entry, record
from hub.licensing.batches.batch import BATCH_STATES, LicenceBatch, LicenceBatchRow
from hub.licensing.types.type_version import LicenceTypeVersion

#: (move, state before) -> state after; nothing else happens to a batch.
MOVES: Mapping[tuple[str, str], str] = {
    ("read", "reading"): "ready",
    ("fail", "reading"): "stopped",
    ("start", "ready"): "running",
    ("pause", "running"): "paused",
    ("resume", "paused"): "running",
    ("end", "running"): "done",
    **{("stop", state): "stopped" for state in ("reading", "ready", "running", "paused")},
}
STATE_NAMES = dict(
    zip(BATCH_STATES, ("正在读取", "待开始", "进行中", "已暂停", "已完成", "已停止"), strict=True)
)
_MOVE_NAMES = {"start": "开始", "pause": "暂停", "resume": "继续", "stop": "停止"}
_ACTIONS = {
    "read": "batch.read",
    "fail": "batch.failed",
    "start": "batch.started",
    "pause": "batch.paused",
    "resume": "batch.resumed",
    "stop": "batch.stopped",
    "end": "batch.ended",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is."""

    waiting: int
    issued: int
    unchanged: int
    refused: int

    @property
    def total(self) -> int:
        """All rows that came in."""
        return self.waiting + self.issued + self.unchanged + self.refused

    @property
    def done(self) -> int:
        """Rows that need nothing more."""
        return self.total - self.waiting

    def as_dict(self) -> dict[str, int]:
        """For the ledger and for JSON."""
        return {
            "waiting": self.waiting,
            "issued": self.issued,
            "unchanged": self.unchanged,
            "refused": self.refused,
        }


def progress_of(tx: Connection, batch_id: uuid.UUID) -> Progress:
    """Count its rows."""
    return progress_since(tx, batch_id, None)[0]


def progress_since(tx: Connection, batch_id: uuid.UUID, since: datetime | None) -> tuple[Progress, int]:
    """Count its rows, and those that were done since then, in one reading of them: a batch may have half a million."""
    late = func.count().filter(LicenceBatchRow.done_at >= since) if since else literal(0)
    rows = tx.execute(
        select(LicenceBatchRow.state, func.count().label("all"), late.label("late"))
        .where(LicenceBatchRow.batch_id == batch_id)
        .group_by(LicenceBatchRow.state)
    ).all()
    counts: dict[str, int] = {row.state: row.all for row in rows}
    found = Progress(*(counts.get(state, 0) for state in ("waiting", "issued", "unchanged", "refused")))
    return found, sum(row.late for row in rows)


def batch_row(tx: Connection, batch_id: uuid.UUID, *, department: str | None = None) -> Any:
    """The batch; `department` confines. Raises NotFound or Denied."""
    row = tx.execute(select(*LicenceBatch.__table__.columns).where(LicenceBatch.id == batch_id)).one_or_none()
    return _checked(row, department)


def _checked(row: Any, department: str | None) -> Any:
    if row is None:
        raise NotFound("没有这个批次，可能已被删除。请在批次列表中核对。")
    if department is not None and row.department != department:
        raise Denied("这个批次不是本部门的，不能查看或操作。")
    return row


def move_batch(
    tx: Connection,
    batch_id: uuid.UUID,
    move: str,
    *,
    actor: str,
    now: datetime,
    department: str | None = None,
    reason: str | None = None,
) -> str:
    """Make one move of MOVES; the new state. Raises Conflict where the batch is in another state by now."""
    row = _checked(
        tx.execute(
            select(*LicenceBatch.__table__.columns).where(LicenceBatch.id == batch_id).with_for_update()
        ).one_or_none(),
        department,
    )
    becomes = MOVES.get((move, row.state))
    if becomes is None:
        raise Conflict(
            f"批次“{row.source_name}”现在是“{STATE_NAMES[row.state]}”，不能{_MOVE_NAMES.get(move, move)}。请刷新后再看。"
        )
    if move == "start":
        _still_published(tx, row)
    values: dict[str, Any] = {"state": becomes, "cause": reason if move in ("fail", "pause") else None}
    if move == "start":
        values["started_at"] = now
    if becomes in ("done", "stopped"):
        values["ended_at"] = now
    tx.execute(update(LicenceBatch).where(LicenceBatch.id == batch_id).values(**values))
    detail: dict[str, Any] = {"operation": row.operation, "type": row.type_code, "source": row.source_name}
    if move in ("read", "start", "stop", "end"):
        detail |= progress_of(tx, batch_id).as_dict()
    if move == "read":
        detail["sha256"] = bytes(row.source_sha256).hex()
    record(tx, Entry(actor, _ACTIONS[move], f"licence_batch:{batch_id}", reason=reason, detail=detail))
    return becomes


def _still_published(tx: Connection, row: Any) -> None:
    """What was previewed is what is issued."""
    if row.operation != "issue":
        return
    number = tx.scalar(
        select(LicenceTypeVersion.number).where(
            LicenceTypeVersion.type_code == row.type_code, LicenceTypeVersion.state == "published"
        )
    )
    if number != row.type_version:
        why = "已停用" if number is None else f"已发布第 {number} 版，这份表格按第 {row.type_version} 版核对"
        raise Conflict(f"证照类型{why}。请停止这个批次，重新上传表格。")
