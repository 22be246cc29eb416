"""What a version of a rule says, read from an editor and checked: every fault at once, each with its box.

Guarantees: codes exist, paths may be withheld the way they are meant to be, limits are sane, no department comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue.faults import Fault
from hub.catalogue.texts import line, lines, whole
from hub.department import Department
from hub.item import ServiceItem
from hub.pushing.rules.condition import WAYS, Condition
from hub.pushing.rules.rule import INCOMPLETE, LIMITS, MOST_DAYS
from hub.pushing.withhold import LEFT_OUT, MASKED, objection
from schemas import code_table

MOST = {"conditions": 20, "departments": 60, "paths": 200, "areas": 100}
_ELEMENT = re.compile(r"[^\s.\[\]\x00]{1,100}")
_AREA = re.compile(r"[0-9]{2,12}", re.ASCII)
DAYS_TITLES = {"sign": "签收", "claim": "认领", "plan": "首次监管计划", "feedback": "反馈"}
_NO_VALUE = ("present", "absent")


@dataclass(frozen=True, slots=True)
class NamedDepartment:
    """One department that a rule names."""

    department: str
    sign_days: int | None = None
    claim_days: int | None = None
    plan_days: int | None = None
    feedback_days: int | None = None
    left_out: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """As a row keeps it."""
        return {key: list(one) if isinstance(one, tuple) else one for key, one in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class RuleContent:
    """One version; an empty list matches everything."""

    name: str = ""
    item_codes: tuple[str, ...] = ()
    area_prefixes: tuple[str, ...] = ()
    result_types: tuple[str, ...] = ()
    party_kinds: tuple[str, ...] = ()
    elements: tuple[Condition, ...] = ()
    incomplete: str = "flag"
    note: str = ""
    departments: tuple[NamedDepartment, ...] = field(default=())

    def columns(self) -> dict[str, Any]:
        """As the rule's row keeps it."""
        lists = ("item_codes", "area_prefixes", "result_types", "party_kinds")
        return {
            "name": self.name,
            **{key: list(getattr(self, key)) for key in lists},
            "elements": [one.stored() for one in self.elements],
            "incomplete": self.incomplete,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What a rule may name."""

    items: Mapping[str, str]
    departments: Mapping[str, str]


def known(tx: Connection) -> Known:
    """Every item and department, by code."""
    items = tx.execute(select(ServiceItem.code, ServiceItem.name).order_by(ServiceItem.code))
    departments = tx.execute(select(Department.code, Department.name).order_by(Department.code))
    return Known({row.code: row.name for row in items}, {row.code: row.name for row in departments})


def parse_rule(raw: Mapping[str, Any], there: Known) -> tuple[RuleContent, list[Fault]]:
    """A clean rule from what an editor says, and what is wrong with it."""
    wrong: dict[str, str] = {}
    name, note = line(raw.get("name")), lines(raw.get("note"))
    if not 1 <= len(name) <= 100:
        wrong["name"] = "请填写规则名称，至多 100 字。"
    if len(note) > 500:
        wrong["note"] = "说明至多 500 字。"
    items = _texts(raw.get("item_codes"))
    if strangers := [code for code in items if code not in there.items]:
        wrong["item_codes"] = f"事项目录里没有“{strangers[0][:40]}”，请从列表中选择。"
    areas = _areas(raw.get("area_prefixes"))
    if len(areas) > MOST["areas"] or any(not _AREA.fullmatch(one) for one in areas):
        wrong["area_prefixes"] = "区划填行政区划代码或其开头几位，只含数字，2 到 12 位。"
    coded = {}
    for key, table in (("result_types", "result_type"), ("party_kinds", "party_kind")):
        coded[key] = _texts(raw.get(key))
        if set(coded[key]) - code_table(table).keys():
            wrong[key] = "请从列表中选择。"
    incomplete = str(raw.get("incomplete") or "flag")
    if incomplete not in INCOMPLETE:
        wrong["incomplete"] = "请选择内容不完整时怎么办。"
    elements, faults = _conditions(raw.get("conditions"))
    departments, more = _departments(raw.get("departments"), there)
    content = RuleContent(
        name,
        items,
        areas,
        coded["result_types"],
        coded["party_kinds"],
        elements,
        incomplete,
        note,
        departments,
    )
    return content, [*(Fault("header", 0, key, said) for key, said in wrong.items()), *faults, *more]


def publishing_faults(content: RuleContent) -> list[Fault]:
    """What stands in the way of publishing, beside the faults of saving."""
    if content.departments:
        return []
    return [Fault("header", 0, "departments", "规则没有写推送给哪个部门。请至少添加一个接收部门。")]


def _conditions(raw: Any) -> tuple[tuple[Condition, ...], list[Fault]]:
    rows = raw if isinstance(raw, list | tuple) else []
    if len(rows) > MOST["conditions"]:
        return (), [Fault("header", 0, "conditions", f"条件最多 {MOST['conditions']} 个。")]
    found, faults = [], []
    for number, row in enumerate(rows, 1):
        one = row if isinstance(row, Mapping) else {}
        name, way = line(one.get("name")), str(one.get("is") or "")
        if not _ELEMENT.fullmatch(name):
            faults.append(Fault("conditions", number, "name", "请选择要素。"))
        if way not in WAYS:
            faults.append(Fault("conditions", number, "is", "请选择怎样比较。"))
        value: Any = one.get("value", "")
        if way == "one_of":
            value = list(_texts(value.replace("，", "、").split("、") if isinstance(value, str) else value))
        else:
            value = "" if way in _NO_VALUE else line(value)
        if way not in _NO_VALUE and not value:
            faults.append(Fault("conditions", number, "value", "请填写比较的内容。"))
        if len(str(value)) > 2000:
            faults.append(Fault("conditions", number, "value", "比较的内容太长。"))
        found.append(Condition(name, way, value))
    return tuple(found), faults


def _departments(raw: Any, there: Known) -> tuple[tuple[NamedDepartment, ...], list[Fault]]:
    rows = raw if isinstance(raw, list | tuple) else []
    if len(rows) > MOST["departments"]:
        return (), [Fault("header", 0, "departments", f"接收部门最多 {MOST['departments']} 个。")]
    found: list[NamedDepartment] = []
    faults: list[Fault] = []
    for number, row in enumerate(rows, 1):
        one = row if isinstance(row, Mapping) else {}
        code = line(one.get("department"))
        if code not in there.departments:
            faults.append(Fault("departments", number, "department", "请从列表中选择部门。"))
        elif code in {other.department for other in found}:
            said = f"{there.departments[code]}写了两次，请合并成一行。"
            faults.append(Fault("departments", number, "department", said))
        days: dict[str, int | None] = {}
        for key in LIMITS:
            days[key], right = whole(one.get(f"{key}_days"), 0, MOST_DAYS)
            if not right:
                said = f"{DAYS_TITLES[key]}时限应为 0 到 {MOST_DAYS} 个工作日。"
                faults.append(Fault("departments", number, f"{key}_days", said))
        hears = _texts(one.get("hears"))
        if set(hears) - code_table("finding_kind").keys():
            faults.append(Fault("departments", number, "hears", "请从列表中选择监管信息的种类。"))
        left_out, masked, wrong = _withheld(one)
        faults += [Fault("departments", number, "withheld", said) for said in wrong]
        found.append(
            NamedDepartment(
                code, days["sign"], days["claim"], days["plan"], days["feedback"], left_out, masked, hears
            )
        )
    return tuple(found), faults


def _withheld(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    left_out = _texts(row.get(LEFT_OUT))
    masked = tuple(path for path in _texts(row.get(MASKED)) if path not in left_out)
    if len(left_out) + len(masked) > MOST["paths"]:
        return (), (), [f"不提供和脱敏的内容最多 {MOST['paths']} 项。"]
    faults = [objection(path, LEFT_OUT) for path in left_out] + [objection(path, MASKED) for path in masked]
    return tuple(sorted(left_out)), tuple(sorted(masked)), [said for said in faults if said]


def _texts(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        return ()
    return tuple(dict.fromkeys(text for one in raw if (text := line(one))))


def _areas(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        raw = re.split(r"[\s,，、;；]+", raw)
    return _texts(raw)
