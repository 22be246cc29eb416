"""Publish a material type's draft, or take the type off; and bring the items that ask for it up to date.

Guarantees: one transaction supersedes the old version and makes the new one's header live. An item version goes on asking
for the type's version that it was published with: `renew_items` publishes those items anew, by the same rules as by hand.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, func, select, update

from hub.catalogue import compare
from hub.catalogue.draft_type import locked_type, locked_type_draft, type_content
from hub.catalogue.faults import Fault, refuse
from hub.catalogue.fields import parse_defs
from hub.catalogue.item_version import ItemVersion, Requirement
from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.catalogue.renew_item import renew_item
from hub.catalogue.type_header import parse_type_header, parse_validity
from hub.errors import Conflict, Rejected
from hub.ledger import Entry, record


def publish_type(tx: Connection, version_id: uuid.UUID, *, actor: str) -> int:
    """Make a draft the version that materials are taken under; its number. Publishing twice changes nothing."""
    known = tx.execute(
        select(MaterialTypeVersion.state, MaterialTypeVersion.number).where(
            MaterialTypeVersion.id == version_id
        )
    ).first()
    if known is not None and known.state == "published":
        return int(known.number)
    row = locked_type_draft(tx, version_id)
    fields = parse_defs(row.fields)
    header, faults = parse_type_header(row.header)
    _validity, more = parse_validity(type_content(row).header, fields)
    if (header["accepts_from"] or 1) > row.number:
        said = f"可复用的最早版本不能晚于正在发布的第 {row.number} 版。"
        more.append(Fault("header", 0, "accepts_from", said))
    other = tx.execute(
        select(MaterialType.code).where(
            MaterialType.name == header["name"], MaterialType.code != row.type_code
        )
    ).scalar()
    if other:
        more.append(Fault("header", 0, "name", f"名称“{header['name']}”已由材料类型 {other} 使用。"))
    refuse([*faults, *more])
    old = tx.execute(
        select(*MaterialTypeVersion.__table__.c).where(
            MaterialTypeVersion.type_code == row.type_code, MaterialTypeVersion.state == "published"
        )
    ).first()
    found = compare.changes(type_content(old) if old else compare.Content({}), type_content(row))
    if old:
        _end(tx, old.id, "superseded", actor, f"由第 {row.number} 版替代")
    tx.execute(
        update(MaterialTypeVersion)
        .where(MaterialTypeVersion.id == version_id)
        .values(state="published", header=header, published_by=actor, published_at=func.now())
    )
    tx.execute(
        update(MaterialType)
        .where(MaterialType.code == row.type_code)
        .values(published_version=row.number, **header)
    )
    detail = {"number": row.number, "changes": [one.told() for one in found]}
    record(tx, Entry(actor, "material_type.published", f"material_type:{row.type_code}", detail=detail))
    return int(row.number)


def withdraw_type(tx: Connection, code: str, *, actor: str, reason: str) -> None:
    """Take a type off: no item that asks for it is published any more. Refused while published items ask for it."""
    if len(reason.strip()) < 2:
        raise Rejected("请写明撤下的理由（至少两个字）。")
    locked_type(tx, code)
    old = tx.execute(
        select(MaterialTypeVersion.id).where(
            MaterialTypeVersion.type_code == code, MaterialTypeVersion.state == "published"
        )
    ).scalar()
    if old is None:
        raise Conflict("这种材料没有已发布的版本，不需要撤下。")
    asking = items_asking(tx, code)
    if asking:
        listed = "、".join(asking[:5]) + (f"等 {len(asking)} 个事项" if len(asking) > 5 else "")
        raise Conflict(f"已发布的事项仍要求这种材料：{listed}。请先在这些事项中改掉，再撤下。")
    number = _end(tx, old, "withdrawn", actor, reason.strip()[:500])
    tx.execute(update(MaterialType).where(MaterialType.code == code).values(published_version=None))
    subject = f"material_type:{code}"
    record(
        tx,
        Entry(actor, "material_type.withdrawn", subject, reason=reason[:500], detail={"number": number}),
    )


def items_asking(tx: Connection, code: str, *, older_than: int | None = None) -> list[str]:
    """The published items whose list asks for a type; with `older_than`, only those that ask for an older version."""
    wanted = (
        select(ItemVersion.item_code)
        .join(Requirement, Requirement.version_id == ItemVersion.id)
        .where(ItemVersion.state == "published", Requirement.material_type == code)
        .distinct()
        .order_by(ItemVersion.item_code)
    )
    if older_than is not None:
        wanted = wanted.where(Requirement.type_version < older_than)
    return list(tx.execute(wanted).scalars())


def renew_items(tx: Connection, code: str, *, actor: str) -> list[str]:
    """Publish anew every item that asks for an older version of this type; their codes."""
    current = locked_type(tx, code).published_version
    if current is None:
        raise Conflict("这种材料没有已发布的版本。请先发布。")
    behind = items_asking(tx, code, older_than=current)
    for item_code in behind:
        renew_item(tx, item_code, actor=actor)
    return behind


def _end(tx: Connection, version_id: uuid.UUID, state: str, actor: str, why: str) -> int:
    return int(
        tx.execute(
            update(MaterialTypeVersion)
            .where(MaterialTypeVersion.id == version_id)
            .values(state=state, ended_by=actor, ended_at=func.now(), ended_why=why)
            .returning(MaterialTypeVersion.number)
        ).scalar_one()
    )
