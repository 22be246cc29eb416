"""What stands in the way of publishing an item's draft: every fault at once, each with its line.

Guarantees: the same rules for the page, the sheet and the verb. Saving a draft asks less: only that everything that a
line names exists (`reference_faults`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue.code_shapes import code_faults
from hub.catalogue.faults import Fault
from hub.catalogue.item_header import parse_header
from hub.catalogue.item_lines import Line
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType
from hub.item import ServiceItem

_WORDS = {"material": "材料类型", "licence": "证照类型", "result": "事项"}


@dataclass(frozen=True, slots=True)
class Known:
    """What lines may name, by code."""

    materials: Mapping[str, Any]  # name, published_version
    licences: Mapping[str, Any]  # name, active
    items: Mapping[str, Any]  # name

    def of(self, kind: str) -> Mapping[str, Any]:
        """The entries of one kind of stand-in."""
        return {"material": self.materials, "licence": self.licences, "result": self.items}[kind]


def known(tx: Connection, lines: Sequence[Line] | None = None) -> Known:
    """The entries of the catalogue - of these lines only, where they are given - in three queries."""
    materials = select(MaterialType.code, MaterialType.name, MaterialType.published_version)
    licences = select(LicenceType.code, LicenceType.name, LicenceType.active)
    items = select(ServiceItem.code, ServiceItem.name)
    if lines is not None:
        named = {(kind, code) for line in lines for kind, code in line.stand_ins}
        codes = {kind: [code for one, code in named if one == kind] for kind in _WORDS}
        types = {line.material_type for line in lines}
        materials = materials.where(MaterialType.code.in_([*types, *codes["material"]]))
        licences = licences.where(LicenceType.code.in_(codes["licence"]))
        items = items.where(ServiceItem.code.in_(codes["result"]))
    return Known(
        {row.code: row for row in tx.execute(materials)},
        {row.code: row for row in tx.execute(licences)},
        {row.code: row for row in tx.execute(items)},
    )


def named(entries: Known, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines with a name each: what has none is called as its material type, which must be known."""
    return tuple(
        one if one.name else replace(one, name=entries.materials[one.material_type].name) for one in lines
    )


def reference_faults(entries: Known, lines: Sequence[Line]) -> list[Fault]:
    """Lines that name what does not exist, and codes that come twice."""
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for number, one in enumerate(lines, 1):
        if one.material_type and one.material_type not in entries.materials:
            said = f"没有代码为“{one.material_type}”的材料类型，请先新增或另选。"
            faults.append(Fault("lines", number, "material_type", said))
        if one.code and one.code in seen:
            said = f"行代码“{one.code}”与第 {seen[one.code]} 行重复。"
            faults.append(Fault("lines", number, "code", said))
        seen.setdefault(one.code, number)
        for kind, code in one.stand_ins:
            if code not in entries.of(kind):
                said = f"可替代中没有代码为“{code}”的{_WORDS[kind]}。"
                faults.append(Fault("lines", number, "stand_ins", said))
    return faults


def publishing_faults(
    tx: Connection, item_code: str, header: Mapping[str, Any], lines: Sequence[Line]
) -> list[Fault]:
    """Everything that forbids publishing."""
    _clean, faults = parse_header(header)
    faults += [Fault("header", 0, kind, said) for kind, said in code_faults(tx, header).items()]
    faults += _taken(tx, item_code, header)
    if not lines:
        faults.append(Fault("lines", 0, "", "材料清单是空的：至少填一种材料，再发布。"))
    entries = known(tx, lines)
    faults += reference_faults(entries, lines)
    names: dict[str, int] = {}
    for number, one in enumerate(lines, 1):
        faults += _line_faults(entries, item_code, number, one)
        if one.name in names:
            said = f"材料名称“{one.name}”与第 {names[one.name]} 行相同，申请人分不清。请改名。"
            faults.append(Fault("lines", number, "name", said))
        names.setdefault(one.name, number)
    return faults


def _line_faults(entries: Known, item_code: str, number: int, one: Line) -> list[Fault]:
    said: list[tuple[str, str]] = []
    kind = entries.materials.get(one.material_type)
    if kind is not None and kind.published_version is None:
        said.append(("material_type", f"材料类型“{kind.name}”还没有发布（或已撤下）。请先发布它，或另选。"))
    if ("material", one.material_type) in one.stand_ins:
        said.append(("stand_ins", "可替代里写了这种材料自己。请去掉。"))
    if ("result", item_code) in one.stand_ins:
        said.append(("stand_ins", "可替代里写了本事项自己的结果，永远凑不齐。请去掉。"))
    if len(set(one.stand_ins)) < len(one.stand_ins):
        said.append(("stand_ins", "可替代里有重复的项。请去掉重复。"))
    for name, code in one.stand_ins:
        entry = entries.of(name).get(code)
        if name == "material" and entry is not None and entry.published_version is None:
            said.append(("stand_ins", f"可替代的材料类型“{entry.name}”还没有发布（或已撤下）。"))
        if name == "licence" and entry is not None and not entry.active:
            said.append(("stand_ins", f"可替代的证照类型“{entry.name}”已停用。"))
    return [Fault("lines", number, box, sentence) for box, sentence in said]


def _taken(tx: Connection, item_code: str, header: Mapping[str, Any]) -> list[Fault]:
    """A name, and a code that names one item only, must not be another's."""
    faults: list[Fault] = []
    for key, title in (
        ("name", "事项名称"),
        ("handle_item_code", "业务办理项编码"),
        ("local_task_code", "地方实施编码"),
    ):
        value = header.get(key)
        if not value:
            continue
        other = tx.execute(
            select(ServiceItem.code).where(
                ServiceItem.__table__.c[key] == value, ServiceItem.code != item_code
            )
        ).scalar()
        if other:
            faults.append(Fault("header", 0, key, f"{title}“{value}”已由事项 {other} 使用，请核对。"))
    return faults
