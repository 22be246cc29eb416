"""Raise an objection 校核纠错: who uses a datum doubts it; from then on the mark stands wherever the source is offered.

Guarantees: only on what concerns the person's department; the clock of 核实 starts; one open objection on one field of one
source (under a lock on the source), and the same one by the same person again is the same. Does not change the source:
it can still be used, marked.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from hub.case import Case
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.ledger import Entry, record
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.sharing.clocks import due_by
from hub.sharing.limit import VERIFY_OBJECTION
from hub.sharing.objection import Objection
from hub.sharing.person import Person
from hub.sharing.source import Source, concerns, find_source
from hub.workday import LOCAL

STATEMENT_LONGEST = 1000
PROPOSED_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is doubted. `field` None: the whole of it."""

    kind: str  # 'material' or 'licence'
    source_id: uuid.UUID
    statement: str
    field: str | None = None
    proposed: str | None = None
    case_no: str | None = None  # on which it was noticed


def raise_objection(tx: Connection, doubt: Doubt, desk: Desk, *, person: Person) -> uuid.UUID:
    """Mark the source; the objection's id. Raises NotFound, Denied, Rejected or Conflict."""
    now = desk.clock()
    source = find_source(tx, doubt.kind, doubt.source_id, lock=True)
    if not concerns(tx, source, person, now.astimezone(LOCAL).date()):
        raise Denied("这份材料或证照不归本部门提供，也没有推送、授权给本部门使用，不能提出校核。")
    statement = doubt.statement.strip()
    if not 4 <= len(statement) <= STATEMENT_LONGEST:
        raise Rejected(f"请写明疑点和理由（4 到 {STATEMENT_LONGEST} 个字），提供部门据此核实。")
    if doubt.field is not None and source.label(doubt.field) is None:
        raise Rejected(f"“{source.name}”没有数据项 {doubt.field}，请从列表里选择，或对整份提出。")
    if doubt.case_no and not tx.scalar(select(Case.case_no).where(Case.case_no == doubt.case_no)):
        raise NotFound(f"没有编号为 {doubt.case_no} 的办件。")
    column = Objection.material_id if doubt.kind == "material" else Objection.licence_id
    open_one = tx.execute(
        select(Objection.id, Objection.raised_by).where(
            column == source.id,
            Objection.field.is_not_distinct_from(doubt.field),
            Objection.state != "answered",
        )
    ).first()
    if open_one is not None:
        if open_one.raised_by == person.actor:
            known: uuid.UUID = open_one.id
            return known
        raise Conflict("这一处已经有人提出校核，正在核实。请到“校核纠错”里查看进度。")
    objection = uuid.uuid4()
    clock = {"id": objection, "raised_at": now, "answer_by": due_by(tx, VERIFY_OBJECTION, now)}
    tx.execute(insert(Objection).values({**clock, **_row(doubt, source, person, statement)}))
    _tell(tx, objection, source, doubt, person, statement)
    return objection


def _row(doubt: Doubt, source: Source, person: Person, statement: str) -> dict[str, object]:
    proposed = (doubt.proposed or "").strip()[:PROPOSED_LONGEST]
    return {
        f"{doubt.kind}_id": source.id,
        "field": doubt.field,
        "statement": statement,
        "proposed": proposed or None,
        "case_no": doubt.case_no or None,
        "raised_by": person.actor,
        "raised_department": person.department,
        "provider": source.provider,
    }


def _tell(
    tx: Connection, objection: uuid.UUID, source: Source, doubt: Doubt, person: Person, statement: str
) -> None:
    detail = {
        "source": f"{source.kind}:{source.id}",
        "field": doubt.field,
        "provider": source.provider,
        "department": person.department,
    }
    record(
        tx,
        Entry(
            person.actor,
            "objection.marked",
            f"objection:{objection}",
            doubt.case_no or None,
            statement,
            detail,
        ),
    )
    where = f"“{source.name}”" + (f"的{source.label(doubt.field)}" if doubt.field else "")
    tx.execute(
        insert(Notice).values(
            audience="data_admin",
            severity="warning",
            title="校核纠错：已标注，待核实",
            body=f"{source.party_name}的{where}有疑点：{statement}",
            case_no=doubt.case_no or None,
        )
    )
