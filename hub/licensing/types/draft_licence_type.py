"""Draft a licence type's next version; the same promises as `draft_item`."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hub.catalogue import compare
from hub.catalogue.fields import FieldDef
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.lock_draft import lock_draft
from hub.errors import NotFound
from hub.ledger import Entry, record
from hub.licensing.face import Layout
from hub.licensing.types.layout import layout_dict
from hub.licensing.types.type_rules import TYPE_CODE, TypeRules
from hub.licensing.types.type_version import LicenceTypeVersion


def locked_licence_type(tx: Connection, code: str) -> Any:
    """The type's row, held against others who change its versions."""
    row = tx.execute(
        select(*LicenceType.__table__.c).where(LicenceType.code == code).with_for_update(key_share=True)
    ).first()
    if row is None:
        raise NotFound(f"目录里没有代码为 {code[:40]} 的证照类型。请核对代码，或先新增。")
    return row


def first_rules(row: Any) -> dict[str, Any]:
    """The rules that a type begins with: its name, and the definer that its code names."""
    definer = row.code[:18] if TYPE_CODE.fullmatch(row.code) else ""
    return TypeRules(name=row.name, definer_code=definer).as_dict()


def draft_licence_type(tx: Connection, code: str, *, actor: str) -> uuid.UUID:
    """The draft of this type: the one there is, or a new one copied from what is published (else from the last one)."""
    row = locked_licence_type(tx, code)
    versions = tx.execute(
        select(*LicenceTypeVersion.__table__.c)
        .where(LicenceTypeVersion.type_code == code)
        .order_by(LicenceTypeVersion.number.desc())
    ).all()
    for one in versions:
        if one.state == "draft":
            return one.id  # type: ignore[no-any-return]
    source = next((one for one in versions if one.state == "published"), versions[0] if versions else None)
    draft, number = uuid.uuid4(), versions[0].number + 1 if versions else 1
    values: dict[str, Any] = {"rules": first_rules(row), "fields": [], "layout": layout_dict(Layout())}
    if source:
        values = {key: getattr(source, key) for key in values}
    tx.execute(
        insert(LicenceTypeVersion).values(id=draft, type_code=code, number=number, created_by=actor, **values)
    )
    detail = {"number": number, "from": source.number if source else None}
    record(tx, Entry(actor, "licence_type.drafted", f"licence_type:{code}", detail=detail))
    return draft


def licence_type_content(row: Any) -> compare.Content:
    """What a version says, for comparing: rules and page as header, elements as lines."""
    layout = dict(row.layout)
    elements = layout.pop("elements", [])
    page = {f"page.{key}": value for key, value in layout.items()}
    lines = tuple({"code": one.get("id"), **one} for one in elements)
    return compare.Content({**row.rules, **page}, lines, tuple(row.fields))


def licence_type_changes(before: Any | None, after: Any) -> list[compare.Change]:
    """What differs between two versions; of elements the part is "layout", of rules and page "header"."""
    was = licence_type_content(before) if before is not None else compare.Content({})
    found = compare.changes(was, licence_type_content(after))
    return [replace(one, part="layout") if one.part == "lines" else one for one in found]


def set_licence_type(
    tx: Connection,
    version_id: uuid.UUID,
    rules: TypeRules,
    fields: tuple[FieldDef, ...],
    layout: Layout,
    *,
    actor: str,
) -> None:
    """Change the draft: rules, fields and layout together, which the caller has checked."""
    row = locked_licence_type_draft(tx, version_id)
    after = {
        "rules": rules.as_dict(),
        "fields": [one.as_dict() for one in fields],
        "layout": layout_dict(layout),
    }
    changed = tx.execute(
        update(LicenceTypeVersion)
        .where(LicenceTypeVersion.id == version_id)
        .values(**after)
        .returning(*LicenceTypeVersion.__table__.c)
    ).one()
    found = licence_type_changes(row, changed)
    if found:
        detail = {"number": row.number, "changes": [one.told() for one in found]}
        record(tx, Entry(actor, "licence_type.draft_changed", f"licence_type:{row.type_code}", detail=detail))


def discard_licence_type_draft(tx: Connection, version_id: uuid.UUID, *, actor: str) -> None:
    """Throw the draft away; what is published stays as it is."""
    row = locked_licence_type_draft(tx, version_id)
    tx.execute(delete(LicenceTypeVersion).where(LicenceTypeVersion.id == version_id))
    subject = f"licence_type:{row.type_code}"
    record(tx, Entry(actor, "licence_type.draft_discarded", subject, detail={"number": row.number}))


def locked_licence_type_draft(tx: Connection, version_id: uuid.UUID) -> Any:
    """The draft's row with its type held; Conflict when it is a draft no longer."""
    return lock_draft(tx, LicenceTypeVersion.type_code, version_id, locked_licence_type, "证照类型")
