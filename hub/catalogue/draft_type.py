"""Draft a material type's next version; the same promises as `draft_item`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hub.catalogue import compare
from hub.catalogue.faults import Fault, refuse
from hub.catalogue.fields import FieldDef, parse_defs
from hub.catalogue.item_lines import LINE_CODE
from hub.catalogue.lock_draft import lock_draft
from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.catalogue.type_header import (
    Validity,
    parse_type_header,
    parse_validity,
    type_header_of,
)
from hub.department import Department
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record


def add_type(tx: Connection, *, code: str, name: str, actor: str) -> uuid.UUID:
    """A new type and its first draft. Raises Rejected or Conflict with what would be right."""
    code, name = code.strip(), " ".join(name.split())
    if not LINE_CODE.fullmatch(code):
        raise Rejected("材料类型代码只含字母、数字、点、下划线、连字符，以字母或数字开头，至多 40 位。")
    if not 1 <= len(name) <= 100:
        raise Rejected("请填写材料类型名称，至多 100 字。")
    taken = tx.execute(
        select(MaterialType.code).where((MaterialType.code == code) | (MaterialType.name == name))
    ).scalar()
    if taken:
        raise Conflict(f"材料类型代码 {code} 或名称“{name}”已经登记（{taken}）。")
    tx.execute(insert(MaterialType).values(code=code, name=name))
    record(tx, Entry(actor, "material_type.added", f"material_type:{code}", detail={"name": name}))
    return draft_type(tx, code, actor=actor)


def locked_type(tx: Connection, code: str) -> Any:
    """The type's row, held against others who change its versions."""
    row = tx.execute(
        select(*MaterialType.__table__.c).where(MaterialType.code == code).with_for_update(key_share=True)
    ).first()
    if row is None:
        raise NotFound(f"没有代码为 {code[:40]} 的材料类型。请核对代码，或先新增。")
    return row


def draft_type(tx: Connection, code: str, *, actor: str) -> uuid.UUID:
    """The draft of this type: the one there is, or a new one copied from what is published (else from the last one)."""
    row = locked_type(tx, code)
    versions = tx.execute(
        select(*MaterialTypeVersion.__table__.c)
        .where(MaterialTypeVersion.type_code == code)
        .order_by(MaterialTypeVersion.number.desc())
    ).all()
    for one in versions:
        if one.state == "draft":
            return one.id  # type: ignore[no-any-return]
    source = next((one for one in versions if one.state == "published"), versions[0] if versions else None)
    draft, number = uuid.uuid4(), versions[0].number + 1 if versions else 1
    values: dict[str, Any] = {"header": type_header_of(row)}
    if source:
        for key in ("fields", "validity_kind", "validity_length", "validity_field"):
            values[key] = getattr(source, key)
    tx.execute(
        insert(MaterialTypeVersion).values(
            id=draft, type_code=code, number=number, created_by=actor, **values
        )
    )
    detail = {"number": number, "from": source.number if source else None}
    record(tx, Entry(actor, "material_type.drafted", f"material_type:{code}", detail=detail))
    return draft


def type_content(row: Any) -> compare.Content:
    """What a version says, for comparing."""
    validity = Validity(row.validity_kind, row.validity_length, row.validity_field)
    return compare.content({**row.header, **validity.as_dict()}, (), row.fields)


def set_type(
    tx: Connection,
    version_id: uuid.UUID,
    header: Mapping[str, Any],
    fields: Sequence[FieldDef] | None = None,
    *,
    actor: str,
) -> None:
    """Change the draft: header, validity rule and fields together; keys that are not given stay."""
    row = locked_type_draft(tx, version_id)
    before = type_content(row)
    defs = tuple(fields) if fields is not None else parse_defs(row.fields)
    clean, faults = parse_type_header({**row.header, **header})
    validity, more = parse_validity({**before.header, **header}, defs)
    refuse([*faults, *more, *_provider_fault(tx, clean["provider"])])
    after = compare.content({**clean, **validity.as_dict()}, (), [one.as_dict() for one in defs])
    found = compare.changes(before, after)
    if not found:
        return
    tx.execute(
        update(MaterialTypeVersion)
        .where(MaterialTypeVersion.id == version_id)
        .values(header=clean, fields=list(after.fields), **validity.as_dict())
    )
    detail = {"number": row.number, "changes": [one.told() for one in found]}
    record(tx, Entry(actor, "material_type.draft_changed", f"material_type:{row.type_code}", detail=detail))


def discard_type_draft(tx: Connection, version_id: uuid.UUID, *, actor: str) -> None:
    """Throw the draft away; what is published stays as it is."""
    row = locked_type_draft(tx, version_id)
    tx.execute(delete(MaterialTypeVersion).where(MaterialTypeVersion.id == version_id))
    subject = f"material_type:{row.type_code}"
    record(tx, Entry(actor, "material_type.draft_discarded", subject, detail={"number": row.number}))


def locked_type_draft(tx: Connection, version_id: uuid.UUID) -> Any:
    """The draft's row with its type held; Conflict when it is a draft no longer."""
    return lock_draft(tx, MaterialTypeVersion.type_code, version_id, locked_type, "材料类型")


def _provider_fault(tx: Connection, provider: str | None) -> list[Fault]:
    if provider and not tx.execute(select(Department.code).where(Department.code == provider)).first():
        return [Fault("header", 0, "provider", f"没有代码为 {provider[:40]} 的部门。请从列表选择数源部门。")]
    return []
