"""Look at a file: one opening of it in the browser, of which many pages are asked for, is one read on the record.

Guarantees: a department's users look only at what was pushed to them, what their own department took or supplied, what
their cases use, and what is on offer to a case of theirs (which is asked again by the rules of reuse each time).
The opening is in the ledger before its first page leaves, once.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, or_, select

from hub.case import Case
from hub.errors import Conflict, Denied, NotFound
from hub.material import FileRead, Material, StoredObject
from hub.ports import Clock
from hub.pushing.push import Push
from hub.read_file import FileFacts, read_file
from hub.reuse.match import Question, match
from hub.reuse.material_use import MaterialUse
from hub.workday import LOCAL

#: Reasons for which what is on file must not even be looked at.
SHUT = frozenset({"not_granted", "not_shared"})


def look_at_file(
    tx: Connection,
    material_id: uuid.UUID,
    *,
    reader: str,
    opening: str,
    stated_use: str,
) -> FileFacts:
    """Record the opening unless it is already, and give what is needed to open the file. The caller has checked who may.

    Raises Rejected (no stated use) or NotFound.
    """
    known = select(FileRead.id).where(
        FileRead.reader == reader, FileRead.token_id == opening, FileRead.material_id == material_id
    )
    if tx.execute(known).first():
        return file_facts(tx, material_id)
    try:
        return read_file(
            tx, material_id, reader=reader, department=None, token_id=opening, stated_use=stated_use
        )
    except Conflict:  # another page of the same opening was quicker
        return file_facts(tx, material_id)


def file_facts(tx: Connection, material_id: uuid.UUID) -> FileFacts:
    """What the storage needs to open the file. Records nothing."""
    row = tx.execute(
        select(
            Material.name,
            Material.media_type,
            StoredObject.size,
            StoredObject.sha256,
            StoredObject.object_name,
            StoredObject.wrapped_key,
            Material.case_no,
        )
        .join(StoredObject, StoredObject.sha256 == Material.sha256)
        .where(Material.id == material_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有编号为 {material_id} 的材料，或者它只有数据、没有文件。")
    return FileFacts(row[0], row[1], row[2], bytes(row[3]), row[4], bytes(row[5]), row[6])


def check_may_look(
    tx: Connection, material_id: uuid.UUID, department: str | None, *, for_case: str | None, clock: Clock
) -> None:
    """Raise Denied where a user of this department may not look at it. None: a user of the whole area."""
    if department is None:
        return
    row = tx.execute(
        select(Material.case_no, Material.department, Case.department.label("of_case"))
        .outerjoin(Case, Case.case_no == Material.case_no)
        .where(Material.id == material_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有编号为 {material_id} 的材料。")
    if department in (row.department, row.of_case):
        return
    uses = select(MaterialUse.case_no).where(MaterialUse.material_id == material_id)
    pushed = select(Push.id).where(
        or_(Push.case_no == row.case_no, Push.case_no.in_(uses)), Push.department == department
    )
    used = select(Case.case_no).where(
        Case.department == department, Case.case_no.in_(uses.where(MaterialUse.withdrawn_at.is_(None)))
    )
    if tx.execute(pushed).first() or tx.execute(used).first():
        return
    if for_case is not None and _on_offer(tx, material_id, department, for_case, clock):
        return
    raise Denied("这份材料既没有推送给本部门，也没有授权本部门使用，不能查看。")


def _on_offer(tx: Connection, material_id: uuid.UUID, department: str, case_no: str, clock: Clock) -> bool:
    case = tx.execute(
        select(Case.party_id, Case.item_version_id).where(
            Case.case_no == case_no, Case.department == department, Case.state != "withdrawn"
        )
    ).one_or_none()
    if case is None or case.item_version_id is None:
        return False
    today = clock().astimezone(LOCAL).date()
    answers = match(tx, Question(case.party_id, case.item_version_id, department, today, case_no))
    return any(
        candidate.source_kind == "material"
        and candidate.source_id == material_id
        and candidate.refusal not in SHUT
        for answer in answers
        for candidate in answer.candidates
    )
