"""Read evidence: a file that a fact names, for a stated use, on the record; and what waited for a file that came.

Guarantees: a department reads its own facts' files and those of facts it was told of; every read is in the ledger before the
first byte leaves.
"""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from hub.errors import Denied, NotFound
from hub.exchange.announcement import Announcement
from hub.exchange.inbox import Quarantined
from hub.exchange.take_in import WAITS, take_held
from hub.feedback.evidence import FindingFile
from hub.feedback.finding import Finding
from hub.ledger import Entry, record
from hub.material import StoredObject
from hub.ports import Desk
from hub.read_file import FileFacts, checked_use


def read_evidence(
    tx: Connection, finding_id: uuid.UUID, seq: int, *, reader: str, department: str | None, stated_use: str
) -> FileFacts:
    """Allow and record one read. `department` None: a person of the hub, whose right the page has checked.

    Raises Rejected (no stated use), NotFound, Denied.
    """
    use = checked_use(stated_use)
    row = tx.execute(
        select(
            FindingFile.name,
            FindingFile.media_type,
            FindingFile.size,
            FindingFile.sha256,
            StoredObject.object_name,
            StoredObject.wrapped_key,
            Finding.case_no,
            Finding.department,
        )
        .join(StoredObject, StoredObject.sha256 == FindingFile.sha256)
        .join(Finding, Finding.id == FindingFile.finding_id)
        .where(FindingFile.finding_id == finding_id, FindingFile.seq == seq)
    ).one_or_none()
    if row is None:
        raise NotFound("没有这份佐证文件。")
    if department is not None and not tx.execute(select(may_see(finding_id, department))).scalar_one():
        raise Denied("这份佐证不是本部门上报的，也没有转告本部门，不能查看。")
    sha256 = bytes(row.sha256)
    detail = {"sha256": sha256.hex(), "name": row.name}
    record(tx, Entry(reader, "evidence.read", f"finding:{finding_id}", row.case_no, use, detail))
    return FileFacts(
        row.name, row.media_type, row.size, sha256, row.object_name, bytes(row.wrapped_key), row.case_no
    )


def may_see(finding_id: uuid.UUID, department: str) -> ColumnElement[bool]:
    """Whether a fact is the department's own, or was told to it."""
    own = exists().where(Finding.id == finding_id, Finding.department == department)
    told = exists().where(
        Announcement.case_no == select(Finding.case_no).where(Finding.id == finding_id).scalar_subquery(),
        Announcement.finding_id == finding_id,
        Announcement.department == department,
    )
    return or_(own, told)


def take_what_waited(tx: Connection, desk: Desk) -> int:
    """Messages that came before a fact or a file that is here now; none twice."""
    waiting = (
        select(Quarantined.department)
        .where(Quarantined.state == "held", Quarantined.cause.in_(WAITS), Quarantined.department.is_not(None))
        .distinct()
    )
    departments = [one for one in tx.execute(waiting).scalars() if one]
    return take_held(tx, departments, desk) if departments else 0
