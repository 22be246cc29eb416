"""Keep the licence types: add, change, and find those that stand on licences but not in the catalogue.

Guarantees: a type with a published version is called as that version prints it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from hub.catalogue.faults import Fault, refuse
from hub.catalogue.item_header import parse_sharing
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.texts import line, yes
from hub.department import Department
from hub.errors import Conflict, NotFound
from hub.ledger import Entry, record

KEYS = (
    "name",
    "provider",
    "sharing",
    "sharing_conditions",
    "sharing_basis",
    "consent_required",
    "active",
)
_CODE = re.compile(r"[0-9A-Za-z._-]{1,40}")
#: Reads every licence: a fifth of a second for a million, on a page that is seldom opened.
_UNLISTED = """
SELECT l.type_code AS code, min(l.name) AS name FROM licences l
WHERE NOT EXISTS (SELECT 1 FROM licence_types t WHERE t.code = l.type_code)
GROUP BY l.type_code ORDER BY count(*) DESC, l.type_code LIMIT 200
"""


def unlisted_licence_types(tx: Connection) -> list[tuple[str, str]]:
    """Types that stand on licences but not in the catalogue: code and the name on one of them."""
    return [(row.code, row.name) for row in tx.execute(text(_UNLISTED))]


def add_licence_type(tx: Connection, code: str, said: Mapping[str, Any], *, actor: str) -> None:
    """A new type. Raises Faulty or Conflict."""
    code = code.strip()
    if not _CODE.fullmatch(code):
        refuse([Fault("header", 0, "code", "证照类型代码只含数字、字母、点、下划线、连字符，至多 40 位。")])
    clean = _checked(tx, {"active": True, **said})
    if tx.execute(select(LicenceType.code).where(LicenceType.code == code)).first():
        raise Conflict(f"证照类型 {code} 已经在目录里。")
    tx.execute(insert(LicenceType).values(code=code, **clean))
    record(tx, Entry(actor, "licence_type.added", f"licence_type:{code}", detail=clean))


def change_licence_type(tx: Connection, code: str, said: Mapping[str, Any], *, actor: str) -> None:
    """Change a type; keys that are not given stay. It counts at once: versions have only rules, fields and face."""
    old = tx.execute(
        select(*LicenceType.__table__.c).where(LicenceType.code == code).with_for_update(key_share=True)
    ).first()
    if old is None:
        raise NotFound(f"目录里没有代码为 {code[:40]} 的证照类型。")
    was = {key: getattr(old, key) for key in KEYS}
    clean = _checked(tx, {**was, **said})
    if old.published_version is not None and clean["name"] != old.name:
        why = f"名称随已发布的第 {old.published_version} 版，印在证照上。要改名，请修改规则并发布新版。"
        refuse([Fault("header", 0, "name", why)])
    changed = {key: [was[key], clean[key]] for key in KEYS if was[key] != clean[key]}
    if changed:
        tx.execute(update(LicenceType).where(LicenceType.code == code).values(**clean))
        record(tx, Entry(actor, "licence_type.changed", f"licence_type:{code}", detail=changed))


def parse_licence_type(said: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Clean values, and what is wrong."""
    wrong: dict[str, str] = {}
    clean: dict[str, Any] = {"name": line(said.get("name")), "provider": line(said.get("provider")) or None}
    if not 1 <= len(clean["name"]) <= 200:
        wrong["name"] = "请填写证照名称，至多 200 字。"
    sharing, faults = parse_sharing(said)
    clean |= sharing
    wrong |= faults
    clean |= {key: yes(said.get(key)) for key in ("consent_required", "active")}
    return clean, [Fault("header", 0, key, sentence) for key, sentence in wrong.items()]


def _checked(tx: Connection, said: Mapping[str, Any]) -> dict[str, Any]:
    clean, faults = parse_licence_type(said)
    provider = clean["provider"]
    if provider and not tx.execute(select(Department.code).where(Department.code == provider)).first():
        faults.append(Fault("header", 0, "provider", f"没有代码为 {provider[:40]} 的部门。请从列表选择。"))
    refuse(faults)
    return clean
