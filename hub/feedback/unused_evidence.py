"""Unused evidence: files that a department brought and that no fact of its names (yet).

Guarantees: a department has at most so many, and so much, of it lying here - judged under its own lock, so that many at once
keep to it together; what nobody used for so many days goes, with what was stored for it alone, on the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from hub.errors import Rejected
from hub.feedback.evidence import Evidence
from hub.ledger import Entry, record
from hub.material import StoredObject
from hub.model import Base
from hub.round_trips import ask


@dataclass(frozen=True, slots=True)
class UnusedLimits:
    """What may lie about of one department, and for how long."""

    files: int = 500
    bytes: int = 1 << 30
    days: int = 30


_UNUSED = """NOT EXISTS (
  SELECT FROM finding_files f JOIN findings n ON n.id = f.finding_id
  WHERE f.sha256 = e.sha256 AND n.department = e.department)"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('evidence.' || %(department)s, 0))"
_LYING = f"""
SELECT count(*), coalesce(sum(e.size), 0)::bigint FROM evidence e WHERE e.department = %(department)s AND {_UNUSED}
"""  # noqa: S608 - our own words
#: Whoever is at one of them keeps it.
_OLD = f"""
SELECT e.department, e.sha256, e.name, e.size FROM evidence e WHERE e.brought_at < %(before)s AND {_UNUSED}
ORDER BY e.brought_at, e.department, e.sha256 LIMIT %(limit)s FOR UPDATE OF e SKIP LOCKED
"""  # noqa: S608 - our own words


def check_room(tx: Connection, department: str, size: int, limits: UnusedLimits) -> None:
    """Whether the department may bring one more of this size. Raises Rejected with what lies here and what to do."""
    of = {"department": department}
    _, ((files, total),) = ask(tx, (_LOCK, of), (_LYING, of))
    if files < limits.files and total + size <= limits.bytes:
        return
    raise Rejected(
        f"本部门已送来 {files} 个、{_mib(total)} MiB 还没有被监管信息用到的文件，加上这一个超过上限"
        f"（{limits.files} 个、{_mib(limits.bytes)} MiB），没有保存。请先上报用到它们的监管信息；"
        f"{limits.days} 天没有用到的会自动清理。"
    )


def drop_unused(tx: Connection, before: datetime, *, actor: str, limit: int = 200) -> int:
    """Forget what was brought before and never used; gives how many. Call until 0."""
    (rows,) = ask(tx, (_OLD, {"before": before, "limit": limit}))
    for department, sha256, name, size in rows:
        tx.execute(
            delete(Evidence).where(Evidence.department == department, Evidence.sha256 == bytes(sha256))
        )
        detail = {"sha256": bytes(sha256).hex(), "name": name, "size": size}
        record(tx, Entry(actor, "evidence.dropped", f"department:{department}", detail=detail))
    if rows:
        _forget_objects(tx, [bytes(row[1]) for row in rows])
    return len(rows)


def _forget_objects(tx: Connection, digests: Sequence[bytes]) -> None:
    """Those that nothing refers to any more; the sweep of the store then finds their bytes."""
    referring = [
        (table, key.parent)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column is StoredObject.__table__.c.sha256
    ]
    unreferred = [
        ~select(column).select_from(table).where(column == StoredObject.sha256).exists()
        for table, column in referring
    ]
    tx.execute(delete(StoredObject).where(StoredObject.sha256.in_(digests), *unreferred))


def _mib(size: int) -> int:
    return -(-size // (1 << 20))
