"""The entries of a workbook that have no drafts: licence types and code patterns count as soon as they are imported."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.catalogue.code_pattern import CodePattern
from hub.catalogue.code_shapes import matches, pattern_fault
from hub.catalogue.compare import Change, Content, changes
from hub.catalogue.faults import Fault, refuse
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.licence_types import KEYS, add_licence_type, change_licence_type
from hub.catalogue.sheet_read import Entry
from hub.catalogue.texts import whole
from hub.ledger import Entry as Told
from hub.ledger import record

_PATTERN = ("pattern", "example", "source", "seq", "active")


def put_licence(tx: Connection, entry: Entry, actor: str) -> tuple[bool, list[Change]]:
    """Add or change a licence type; whether it is new, and what changed."""
    said = entry.header.values if entry.header else {}
    row = tx.execute(select(*LicenceType.__table__.c).where(LicenceType.code == entry.code)).first()
    if row is None:
        add_licence_type(tx, entry.code, said, actor=actor)
        return True, []
    change_licence_type(tx, entry.code, said, actor=actor)
    after = tx.execute(select(*LicenceType.__table__.c).where(LicenceType.code == entry.code)).one()
    return False, changes(_content(row), _content(after))


def _content(row: Any) -> Content:
    return Content({key: getattr(row, key) for key in KEYS})


def put_pattern(tx: Connection, entry: Entry, actor: str) -> tuple[bool, list[Change]]:
    """Add or change a code pattern, known by its kind and name."""
    said = dict(entry.header.values) if entry.header else {}
    seq, right = whole(said.get("seq") or 100, 0, 9999)
    faults = [] if right else [Fault("header", 0, "seq", "顺序应为 0 到 9999。")]
    fault = pattern_fault(str(said["pattern"]))
    if fault:
        faults.append(Fault("header", 0, "pattern", fault))
    elif not matches(str(said["pattern"]), str(said["example"])):
        faults.append(Fault("header", 0, "example", "示例不符合这条规则。"))
    refuse(faults)
    values = {
        "pattern": said["pattern"],
        "example": said["example"],
        "source": str(said.get("source") or ""),
        "seq": seq,
        "active": said.get("active", True) is True,
    }
    row = tx.execute(
        select(*CodePattern.__table__.c)
        .where(CodePattern.kind == said["kind"], CodePattern.name == said["name"])
        .with_for_update()
    ).first()
    if row is None:
        number = tx.execute(
            insert(CodePattern)
            .values(kind=said["kind"], name=said["name"], **values)
            .returning(CodePattern.id)
        ).scalar_one()
        record(tx, Told(actor, "code_pattern.added", f"code_pattern:{number}", detail=values))
        return True, []
    found = changes(Content({key: getattr(row, key) for key in _PATTERN}), Content(values))
    if found:
        tx.execute(update(CodePattern).where(CodePattern.id == row.id).values(**values))
        detail = {one.field: [one.before, one.after] for one in found}
        record(tx, Told(actor, "code_pattern.changed", f"code_pattern:{row.id}", detail=detail))
    return False, found
