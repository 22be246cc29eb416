"""Publish an item's draft, or take the published version off: from then on no case starts with it.

Guarantees: one transaction supersedes the old version, freezes the new one (with the version of each material type it
asks for) and makes its header live; a case that runs keeps the version it started with. Everything arrives twice:
publishing what is published already, by the same id, changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.catalogue import compare
from hub.catalogue.check_item import publishing_faults
from hub.catalogue.draft_item import locked_draft, locked_item
from hub.catalogue.faults import refuse
from hub.catalogue.fields import parse_defs
from hub.catalogue.item_header import live_columns, parse_header
from hub.catalogue.item_version import ItemVersion, Requirement
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.line_rows import read_lines
from hub.catalogue.material_type import MaterialType
from hub.errors import Conflict, NotFound, Rejected
from hub.item import ServiceItem
from hub.ledger import Entry, record


def item_content(tx: Connection, version_id: uuid.UUID) -> compare.Content:
    """What a version says, for comparing."""
    row = tx.execute(select(ItemVersion.header, ItemVersion.form).where(ItemVersion.id == version_id)).first()
    if row is None:
        raise NotFound("没有这个版本。请回到事项目录重新打开。")
    return compare.content(row.header, read_lines(tx, version_id), row.form)


def published_id(tx: Connection, item_code: str) -> uuid.UUID | None:
    """The published version of an item."""
    return tx.execute(
        select(ItemVersion.id).where(ItemVersion.item_code == item_code, ItemVersion.state == "published")
    ).scalar()


def publish_item(tx: Connection, version_id: uuid.UUID, *, actor: str) -> int:
    """Make a draft the version that new cases start with; its number. Raises Faulty with everything that forbids it."""
    state = tx.execute(
        select(ItemVersion.state, ItemVersion.number).where(ItemVersion.id == version_id)
    ).first()
    if state is not None and state.state == "published":
        return int(state.number)
    row = locked_draft(tx, version_id)
    lines = read_lines(tx, version_id)
    refuse(publishing_faults(tx, row.item_code, row.header, lines))
    parse_defs(row.form, "form")
    header, _none = parse_header(row.header)
    old = published_id(tx, row.item_code)
    before = item_content(tx, old) if old else compare.Content({})
    found = compare.changes(before, compare.content(header, lines, row.form))
    if old:
        _end(tx, old, "superseded", actor, f"由第 {row.number} 版替代")
    _freeze(tx, version_id, actor, header)
    _make_live(tx, row.item_code, header, actor)
    detail = {"number": row.number, "changes": [one.told() for one in found]}
    record(tx, Entry(actor, "item.published", f"item:{row.item_code}", detail=detail))
    return int(row.number)


def withdraw_item(tx: Connection, item_code: str, *, actor: str, reason: str) -> None:
    """Take the published version off: no new cases; those that run go on."""
    if len(reason.strip()) < 2:
        raise Rejected("请写明撤下的理由（至少两个字）。")
    locked_item(tx, item_code)
    old = published_id(tx, item_code)
    if old is None:
        raise Conflict("这个事项没有已发布的版本，不需要撤下。")
    number = _end(tx, old, "withdrawn", actor, reason.strip()[:500])
    record(
        tx,
        Entry(actor, "item.withdrawn", f"item:{item_code}", reason=reason[:500], detail={"number": number}),
    )


def _freeze(tx: Connection, version_id: uuid.UUID, actor: str, header: Mapping[str, Any]) -> None:
    current = select(MaterialType.published_version).where(MaterialType.code == Requirement.material_type)
    tx.execute(
        update(Requirement)
        .where(Requirement.version_id == version_id)
        .values(type_version=current.scalar_subquery())
    )
    tx.execute(
        update(ItemVersion)
        .where(ItemVersion.id == version_id)
        .values(state="published", header=dict(header), published_by=actor, published_at=func.now())
    )


def _end(tx: Connection, version_id: uuid.UUID, state: str, actor: str, why: str) -> int:
    return int(
        tx.execute(
            update(ItemVersion)
            .where(ItemVersion.id == version_id)
            .values(state=state, ended_by=actor, ended_at=func.now(), ended_why=why)
            .returning(ItemVersion.number)
        ).scalar_one()
    )


def _make_live(tx: Connection, item_code: str, header: Mapping[str, Any], actor: str) -> None:
    try:
        with tx.begin_nested():
            tx.execute(
                update(ServiceItem).where(ServiceItem.code == item_code).values(**live_columns(header))
            )
    except IntegrityError as error:
        raise Conflict("事项名称已被另一事项使用。请改名后再发布。") from error
    code = header.get("licence_type_code")
    if code and not tx.execute(select(LicenceType.code).where(LicenceType.code == code)).first():
        name = header.get("licence_name") or code
        tx.execute(insert(LicenceType).values(code=code, name=name))
        record(tx, Entry(actor, "licence_type.added", f"licence_type:{code}", detail={"name": name}))
