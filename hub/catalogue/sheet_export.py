"""The catalogue as rows of a workbook's sheets: everything, or what some items need.

Guarantees: what is exported is what the editor shows (the draft where there is one); read back, it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue.code_pattern import CodePattern
from hub.catalogue.formats import MIB
from hub.catalogue.item_header import element_title
from hub.catalogue.item_lines import Line
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType
from hub.catalogue.save_item import Standing, standing_item
from hub.catalogue.save_type import standing_type
from hub.catalogue.sheet_columns import SHEETS
from hub.item import ServiceItem

Rows = dict[str, list[list[str]]]


def exported(tx: Connection, items: Collection[str] = ()) -> Rows:
    """Every sheet's rows, without headings. With `items`: these items, and the types that they name."""
    found: Rows = {name: [] for name in SHEETS}
    wanted = select(*ServiceItem.__table__.c).order_by(ServiceItem.code)
    if items:
        wanted = wanted.where(ServiceItem.code.in_(list(items)))
    materials: set[str] = set()
    licences: set[str] = set()
    names = _names(tx)
    for item in tx.execute(wanted).all():
        standing = standing_item(tx, item)
        _item(found, item.code, standing, names)
        for one in standing.lines:
            materials.add(one.material_type)
            materials |= {code for kind, code in one.stand_ins if kind == "material"}
            licences |= {code for kind, code in one.stand_ins if kind == "licence"}
    _types(tx, found, materials if items else None)
    _licences(tx, found, licences if items else None)
    if not items:
        for row in tx.execute(select(*CodePattern.__table__.c).order_by(CodePattern.kind, CodePattern.seq)):
            _put(found, "编码规则", dict(row._mapping))
    return found


def _put(found: Rows, sheet: str, values: Mapping[str, Any]) -> None:
    found[sheet].append([column.written(values.get(column.key)) for column in SHEETS[sheet]])


def _item(found: Rows, code: str, standing: Standing, names: Mapping[tuple[str, str], str]) -> None:
    _put(found, "事项", {"item": code, **standing.header, **_must(standing.header)})
    for one in standing.lines:
        _put(found, "材料清单", {"item": code, **_line(one)})
        for kind, target in one.stand_ins:
            shown = names.get((kind, target), "")
            _put(
                found,
                "可替代",
                {"item": code, "line": one.code, "kind": kind, "code": target, "shown": shown},
            )
    for step in standing.header.get("special_steps") or []:
        _put(found, "特殊环节", {"item": code, **step})
    _fields(found, "item", code, standing.form)


def _must(header: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a package must hold, as cells: a name, with its title where that is not the usual one."""
    return {
        "must_steps": [str(one["name"]) for one in header.get("must_steps") or []],
        "must_elements": [
            str(one["name"])
            if one["title"] == element_title(str(one["name"]))
            else f"{one['name']}（{one['title']}）"
            for one in header.get("must_elements") or []
        ],
    }


def _line(one: Line) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "material_type": one.material_type,
        "required": one.required,
        "may_follow": one.may_follow,
        "deferral_days": one.deferral_days,
        "form": one.form,
        "copies": one.copies,
        "formats": one.formats,
        "max_mb": one.max_bytes // MIB if one.max_bytes else None,
        "note": one.note,
    }


def _fields(found: Rows, owner: str, code: str, fields: Iterable[Mapping[str, Any]]) -> None:
    for one in fields:
        _put(found, "字段", {"owner": owner, "of": code, **one})


def _types(tx: Connection, found: Rows, only: Collection[str] | None) -> None:
    wanted = select(*MaterialType.__table__.c).order_by(MaterialType.code)
    if only is not None:
        wanted = wanted.where(MaterialType.code.in_(list(only)))
    for row in tx.execute(wanted).all():
        standing = standing_type(tx, row)
        most = standing.header.get("max_bytes")
        size = int(most) // MIB if most else None
        _put(found, "材料类型", {**standing.header, "type": row.code, "max_mb": size})
        _fields(found, "type", row.code, standing.fields)


def _licences(tx: Connection, found: Rows, only: Collection[str] | None) -> None:
    wanted = select(*LicenceType.__table__.c).order_by(LicenceType.code)
    if only is not None:
        wanted = wanted.where(LicenceType.code.in_(list(only)))
    for row in tx.execute(wanted):
        _put(found, "证照类型", {**row._mapping, "licence": row.code})


def _names(tx: Connection) -> dict[tuple[str, str], str]:
    kinds = (("material", MaterialType), ("licence", LicenceType), ("result", ServiceItem))
    return {
        (kind, row.code): row.name
        for kind, model in kinds
        for row in tx.execute(select(model.code, model.name))
    }
