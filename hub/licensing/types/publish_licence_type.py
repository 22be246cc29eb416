"""Publish a licence type's draft, or take the type off; its versions, and what differs between two.

Guarantees: one transaction supersedes the old version and makes the new one count; the catalogue's name follows the
published rules. Licences keep the version they were issued under. Does not print: whether a sample can be printed is
asked of the press by whoever publishes (`hub.licensing.issuing.fill`), before the transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select, update

from hub.catalogue.compare import Change
from hub.catalogue.faults import Fault, Faulty, refuse
from hub.catalogue.fields import parse_defs
from hub.catalogue.history import Version
from hub.catalogue.licence_type import LicenceType
from hub.errors import Conflict, NotFound, Rejected
from hub.identifiers import uscc_fault
from hub.ledger import Entry, record
from hub.licensing.types.draft_licence_type import (
    licence_type_changes,
    locked_licence_type,
    locked_licence_type_draft,
)
from hub.licensing.types.layout import parse_layout
from hub.licensing.types.licence_images import image_faults
from hub.licensing.types.type_rules import TYPE_CODE, parse_rules
from hub.licensing.types.type_version import LicenceTypeVersion


def publish_licence_type(tx: Connection, version_id: uuid.UUID, *, actor: str) -> int:
    """Make a draft the version that licences are issued by; its number. Publishing twice changes nothing."""
    known = tx.execute(
        select(LicenceTypeVersion.state, LicenceTypeVersion.number).where(LicenceTypeVersion.id == version_id)
    ).first()
    if known is not None and known.state == "published":
        return int(known.number)
    row = locked_licence_type_draft(tx, version_id)
    refuse(_faults(tx, row.type_code, row))
    old = tx.execute(
        select(*LicenceTypeVersion.__table__.c).where(
            LicenceTypeVersion.type_code == row.type_code, LicenceTypeVersion.state == "published"
        )
    ).first()
    found = licence_type_changes(old, row)
    if old:
        _end(tx, old.id, "superseded", actor, f"由第 {row.number} 版替代")
    tx.execute(
        update(LicenceTypeVersion)
        .where(LicenceTypeVersion.id == version_id)
        .values(state="published", published_by=actor, published_at=func.now())
    )
    tx.execute(
        update(LicenceType)
        .where(LicenceType.code == row.type_code)
        .values(published_version=row.number, name=row.rules["name"])
    )
    detail = {"number": row.number, "changes": [one.told() for one in found]}
    record(tx, Entry(actor, "licence_type.published", f"licence_type:{row.type_code}", detail=detail))
    return int(row.number)


def _faults(tx: Connection, code: str, row: Any) -> list[Fault]:
    """What keeps a version from being issued by; checked anew, for code tables may have changed since it was saved."""
    if not TYPE_CODE.fullmatch(code):
        said = (
            f"证照类型代码 {code} 不是 GB/T 36904 的 21 位（18 位定义机构代码加 3 位顺序码），"
            "只能登记和共享，不能在本系统签发。请用 21 位代码新增一种类型。"
        )
        return [Fault("rules", 0, "code", said)]
    fields = parse_defs(row.fields)
    rules, faults = parse_rules(row.rules, fields)
    if not rules.definer_code:
        faults.append(
            Fault("rules", 0, "definer_code", "请填写证照定义机构代码（一般是类型代码的前 18 位）。")
        )
    try:
        layout = parse_layout(row.layout, fields)
    except Faulty as error:
        return [*faults, *error.faults]
    if not layout.elements:
        faults.append(Fault("layout", 0, "elements", "照面上还没有任何元素。请先设计照面。"))
    return [*faults, *image_faults(tx, code, layout)]


def publish_warnings(tx: Connection, version_id: uuid.UUID) -> list[str]:
    """What a person should know before publishing; none of it forbids."""
    row = tx.execute(
        select(*LicenceTypeVersion.__table__.c).where(LicenceTypeVersion.id == version_id)
    ).first()
    if row is None:
        raise NotFound("没有这个版本，可能草稿已被丢弃。请回到证照类型重新打开。")
    fields = parse_defs(row.fields)
    elements = parse_layout(row.layout, fields).elements
    kinds = {one.kind for one in elements}
    shown = {one.source for one in elements if one.kind == "field"}
    said = []
    said += _code_warnings(row.type_code, row.rules)
    if "qr" not in kinds:
        said.append("照面上没有二维码，持证人和公众无法扫码核验。")
    if "seal" not in kinds:
        said.append("照面上没有印章。文件仍有电子签名，但打印件上看不到印章。")
    if "$holder" not in shown:
        said.append("照面上没有持证主体。")
    if not shown & {"$number", "$identifier"}:
        said.append("照面上没有证照编号，也没有证照标识。")
    if "$issuer" not in shown and "seal" not in kinds:
        said.append("照面上看不出颁发机构。")
    if row.rules.get("validity_kind") != "permanent" and not shown & {"$valid_to", "$validity"}:
        said.append("这种证照有期限，但照面上没有有效期。")
    left_out = [one.label for one in fields if one.name not in shown]
    if left_out:
        said.append(f"这些字段会登记但不印在照面上：{'、'.join(left_out[:10])}。")
    return said


def _code_warnings(type_code: str, rules: Mapping[str, Any]) -> list[str]:
    """Codes that are allowed and yet unlikely."""
    said = []
    definer, issuer = str(rules.get("definer_code") or ""), str(rules.get("issuer_code") or "")
    if definer and definer != type_code[:18]:
        said.append(f"证照定义机构代码 {definer} 与类型代码的前 18 位 {type_code[:18]} 不一致，请核对。")
    for name, code in (("证照定义机构", definer), ("固定颁发机构", issuer)):
        if len(code) == 18 and (fault := uscc_fault(code)):
            said.append(f"{name}的代码请核对：{fault}。")
    return said


def withdraw_licence_type(tx: Connection, code: str, *, actor: str, reason: str) -> None:
    """Take a type off: nothing is issued by it any more. Licences that were issued stay as they are."""
    if len(reason.strip()) < 2:
        raise Rejected("请写明撤下的理由（至少两个字）。")
    locked_licence_type(tx, code)
    old = tx.execute(
        select(LicenceTypeVersion.id).where(
            LicenceTypeVersion.type_code == code, LicenceTypeVersion.state == "published"
        )
    ).scalar()
    if old is None:
        raise Conflict("这种证照没有已发布的版本，不需要撤下。")
    number = _end(tx, old, "withdrawn", actor, reason.strip()[:500])
    tx.execute(update(LicenceType).where(LicenceType.code == code).values(published_version=None))
    entry = Entry(
        actor,
        "licence_type.withdrawn",
        f"licence_type:{code}",
        reason=reason.strip()[:500],
        detail={"number": number},
    )
    record(tx, entry)


def licence_type_versions(tx: Connection, code: str) -> list[Version]:
    """Every version, newest first."""
    columns = [getattr(LicenceTypeVersion, name) for name in Version.__slots__]
    rows = tx.execute(
        select(*columns)
        .where(LicenceTypeVersion.type_code == code)
        .order_by(LicenceTypeVersion.number.desc())
    )
    return [Version(*row) for row in rows]


def compared_licence_types(tx: Connection, before: uuid.UUID | None, after: uuid.UUID) -> list[Change]:
    """What differs between two versions; without `before` everything is new. Raises NotFound."""
    wanted = [one for one in (before, after) if one is not None]
    rows = {
        row.id: row
        for row in tx.execute(
            select(*LicenceTypeVersion.__table__.c).where(LicenceTypeVersion.id.in_(wanted))
        )
    }
    if len(rows) < len(set(wanted)):
        raise NotFound("没有这个版本，可能草稿已被丢弃。请回到证照类型重新打开。")
    return licence_type_changes(rows[before] if before else None, rows[after])


def _end(tx: Connection, version_id: uuid.UUID, state: str, actor: str, why: str) -> int:
    return int(
        tx.execute(
            update(LicenceTypeVersion)
            .where(LicenceTypeVersion.id == version_id)
            .values(state=state, ended_by=actor, ended_at=func.now(), ended_why=why)
            .returning(LicenceTypeVersion.number)
        ).scalar_one()
    )
