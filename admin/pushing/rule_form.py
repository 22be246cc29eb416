"""The rule editor: what it offers, what it starts with, what it posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select

from admin.catalogue.posted import boxes, listed
from admin.pushing.rule_words import DAYS, WAYS, tree
from hub.catalogue.item_header import element_titles
from hub.catalogue.item_version import ItemVersion, Requirement
from hub.department import Department
from hub.item import ServiceItem
from hub.pushing.rules.draft_rule import RuleVersion, said_of
from hub.pushing.rules.limits import all_limits
from hub.pushing.withhold import same_elsewhere
from schemas import code_table

WORDS = {
    "provide": _("提供"),
    "masked": _("脱敏"),
    "left_out": _("不提供"),
    "withheld": _("看不到的内容"),
    "everything": _("全部提供"),
    "counted": _("不提供 {a} 项，脱敏 {b} 项"),
    "whole": _("整个部分"),
    "eachRow": _("每一项的"),
    "byName": _("按名称，整项"),
    "filter": _("筛选名称"),
    "hears": _("接收其他部门的监管信息"),
    "sign": DAYS["sign"],
    "claim": DAYS["claim"],
    "plan": DAYS["plan"],
    "feedback": DAYS["feedback"],
    "days": _("工作日"),
    "inherit": _("按时限表"),
    "addDepartment": _("添加部门"),
    "noDepartments": _("还没有接收部门。点“添加部门”选择。"),
    "addCondition": _("添加条件"),
    "noConditions": _("没有要素条件：不看要素内容。"),
    "element": _("要素"),
    "value": _("内容"),
    "several": _("用顿号隔开"),
    "way": _("怎样比较"),
    "department": _("部门"),
    "choose": _("请选择"),
    "remove": _("删除"),
    "addItem": _("添加事项"),
    "allItems": _("没有选择事项：所有事项都适用。"),
    "none": _("没有匹配的条目"),
    "added": _("已添加 {name}"),
    "removed": _("已删除 {name}"),
    "inactive": _("已停用"),
}
_BOXES = ("name", "area_prefixes", "incomplete", "note")
_TICKS = ("result_types", "party_kinds")


def editor_options(tx: Connection) -> dict[str, Any]:
    """Everything the editor offers."""
    items = tx.execute(select(ServiceItem.code, ServiceItem.name).order_by(ServiceItem.code))
    departments = tx.execute(
        select(Department.code, Department.name, Department.active).order_by(Department.name)
    )
    elements, rows = _named(tx)
    area = all_limits(tx).get((None, None), (None, None, None, None))
    kinds = code_table("finding_kind")
    return {
        "items": [[row.code, row.name] for row in items],
        "departments": [[row.code, row.name, row.active] for row in departments],
        "elements": sorted(elements.items()),
        "rows": rows,
        "ways": [[key, str(text)] for key, text in WAYS.items()],
        "kinds": [[key, gettext(text)] for key, text in kinds.items()],
        "tree": tree(),
        "area_days": dict(zip(DAYS, area, strict=True)),
        "words": {key: str(text) for key, text in WORDS.items()},
    }


def _named(tx: Connection) -> tuple[dict[str, str], dict[str, list[list[Any]]]]:
    """Elements by code, and what the rows of lists are called: name -> the items that have it."""
    elements = dict(element_titles())
    rows: dict[str, dict[str, tuple[str, list[str]]]] = {"materials": {}, "steps": {}, "form": {}}
    versions = tx.execute(
        select(
            ItemVersion.id, ItemVersion.item_code, ItemVersion.form, ItemVersion.steps, ItemVersion.elements
        ).where(ItemVersion.state == "published")
    ).all()
    items = {row.id: row.item_code for row in versions}
    for row in versions:
        for one in row.elements:
            elements.setdefault(str(one["name"]), str(one.get("title") or one["name"]))
        for one in row.steps:
            _add(rows["steps"], str(one["name"]), str(one["name"]), row.item_code)
        for one in row.form:
            _add(rows["form"], str(one["name"]), str(one["label"]), row.item_code)
    wanted = select(Requirement.version_id, Requirement.name).where(Requirement.version_id.in_(items))
    for one in tx.execute(wanted.order_by(Requirement.name)):
        _add(rows["materials"], one.name, one.name, items[one.version_id])
    for name in ("受理", "审查", "决定"):
        rows["steps"].setdefault(name, (name, []))
    shown = {
        part: [[name, title, codes] for name, (title, codes) in found.items() if "]" not in name]
        for part, found in rows.items()
    }
    return elements, shown


def _add(found: dict[str, tuple[str, list[str]]], name: str, title: str, item: str) -> None:
    found.setdefault(name, (title, []))[1].append(item)


def editor_state(version: RuleVersion) -> dict[str, Any]:
    """What the editor starts with."""
    said = said_of(version.content)
    return {
        "given": {**said, "area_prefixes": "、".join(version.content.area_prefixes)},
        "items": said["item_codes"],
        "conditions": [{**one, "value": _value(one["value"])} for one in said["elements"]],
        "departments": said["departments"],
    }


def posted_rule() -> dict[str, Any]:
    """What the editor says, for `save_rule`."""
    return {
        **boxes(_BOXES, lists=_TICKS),
        "item_codes": listed("items"),
        "conditions": listed("conditions"),
        "departments": listed("departments"),
    }


def posted_state() -> dict[str, Any]:
    """The same, to be shown again."""
    said = posted_rule()
    return {
        "given": {**request.form, **{key: request.form.getlist(key) for key in _TICKS}},
        "items": [str(one) for one in said["item_codes"]],
        "conditions": [one for one in said["conditions"] if isinstance(one, Mapping)],
        "departments": [one for one in said["departments"] if isinstance(one, Mapping)],
    }


def leaks(version: RuleVersion) -> dict[str, list[str]]:
    """By department: paths that tell under another name what is withheld."""
    found = {
        one.department: same_elsewhere([*one.left_out, *one.masked]) for one in version.content.departments
    }
    return {department: paths for department, paths in found.items() if paths}


def _value(value: Any) -> str:
    return "、".join(str(one) for one in value) if isinstance(value, list) else str(value)
