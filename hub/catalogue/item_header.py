"""The header of an item: everything but its material list and form; kept in each version, live once published.

Guarantees: `parse_header` gives a header whose every key is there, or one fault for each wrong box.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from hub.catalogue.code_pattern import CODE_KINDS
from hub.catalogue.faults import Fault
from hub.catalogue.sharing_attribute import SHARING
from hub.catalogue.texts import line, lines, whole, yes
from hub.item import ServiceItem
from schemas import PERMIT_GENERATIONS, code_table, permit_columns

_ELEMENT = re.compile(r"[^\s.\[\]（）、\x00]{1,100}")

CODE_TITLES = {
    "catalog_code": "基本编码",
    "task_code": "实施编码",
    "handle_item_code": "业务办理项编码",
    "local_catalog_code": "地方目录编码",
    "local_task_code": "地方实施编码",
}
_CODED = {"item_type": "事项类型", "case_type": "办件类型", "exercise_level": "行使层级"}
_DAYS = {"legal_days": "法定时限", "promised_days": "承诺时限"}
SHARING_KEYS = ("sharing", "sharing_conditions", "sharing_basis")
#: What a header holds, in the order it is shown.
HEADER = (
    "name",
    *CODE_KINDS,
    *_CODED,
    *_DAYS,
    "licence_type_code",
    "licence_name",
    "aliases",
    *SHARING_KEYS,
    "special_steps",
)
#: What a package must hold beside the required materials: of a version, never live by itself.
MUST = {"must_steps": "steps", "must_elements": "elements"}  # key of the header -> column of the version
MOST_STEPS = 30
MOST_ELEMENTS = 100
CODE_LENGTH = 64


def header_of(item: Any) -> dict[str, Any]:
    """The header of a live item (a row of service_items)."""
    return {key: getattr(item, key) for key in HEADER}


def must_of(version: Any) -> dict[str, Any]:
    """What a version (a row of item_versions) says that a package must hold, as keys of its header."""
    return {key: list(getattr(version, column)) for key, column in MUST.items()}


def must_columns(header: Mapping[str, Any]) -> dict[str, Any]:
    """The same, as columns of the version."""
    return {column: list(header.get(key) or []) for key, column in MUST.items()}


def parse_header(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """A clean header from a form or a sheet."""
    wrong: dict[str, str] = {}
    header: dict[str, Any] = {"name": line(raw.get("name"))}
    if not 1 <= len(header["name"]) <= 200:
        wrong["name"] = "请填写事项名称，至多 200 字。"
    for key, title in CODE_TITLES.items():
        header[key] = line(raw.get(key)) or None
        if header[key] and len(header[key]) > CODE_LENGTH:
            wrong[key] = f"{title}至多 {CODE_LENGTH} 位。"
    for key, title in _CODED.items():
        header[key] = line(raw.get(key))
        if header[key] not in code_table(key):
            wrong[key] = f"请选择{title}。"
    for key, title in _DAYS.items():
        header[key], right = whole(raw.get(key), 0, 3650)
        if not right:
            wrong[key] = f"{title}应为 0 到 3650 个工作日。"
    legal, promised = header["legal_days"], header["promised_days"]
    if legal is not None and promised is not None and promised > legal:
        wrong["promised_days"] = f"承诺时限（{promised}）不得长于法定时限（{legal}）。"
    for key in ("licence_type_code", "licence_name"):
        header[key] = line(raw.get(key))[:200] or None
    header["aliases"] = _words(raw.get("aliases"))
    sharing, faults = parse_sharing(raw)
    header |= sharing
    wrong |= faults
    header["special_steps"], steps = _steps(raw.get("special_steps"))
    header["must_steps"], must_steps = _must_steps(raw.get("must_steps"))
    header["must_elements"], must_elements = _must_elements(raw.get("must_elements"))
    found = (Fault("header", 0, key, said) for key, said in wrong.items())
    return header, [*found, *steps, *must_steps, *must_elements]


def parse_sharing(raw: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The sharing attribute of anything that has one, and its faults."""
    wrong: dict[str, str] = {}
    sharing = line(raw.get("sharing")) or "conditional"
    conditions, basis = lines(raw.get("sharing_conditions")), lines(raw.get("sharing_basis"))
    if sharing not in SHARING:
        wrong["sharing"] = "共享属性应为无条件共享、有条件共享或不予共享。"
    if sharing == "conditional" and not conditions:
        wrong["sharing_conditions"] = "有条件共享应列明共享条件。"
    if sharing == "none" and not basis:
        wrong["sharing_basis"] = "不予共享应写明法律、行政法规或者国务院决定的依据。"
    if len(conditions) > 1000 or len(basis) > 1000:
        wrong["sharing"] = "共享条件和依据各至多 1000 字。"
    return {"sharing": sharing, "sharing_conditions": conditions, "sharing_basis": basis}, wrong


def _words(raw: Any) -> list[str]:
    if isinstance(raw, str):
        raw = raw.replace("，", "、").replace(",", "、").replace("\n", "、").split("、")
    if not isinstance(raw, list | tuple):
        return []
    words = [line(word)[:200] for word in raw[:100]]
    return list(dict.fromkeys(word for word in words if word))


def _steps(raw: Any) -> tuple[list[dict[str, Any]], list[Fault]]:
    faults: list[Fault] = []
    steps: list[dict[str, Any]] = []
    given = raw if isinstance(raw, list | tuple) else []
    if len(given) > MOST_STEPS:
        return [], [Fault("steps", 0, "", f"特殊环节最多 {MOST_STEPS} 个。")]
    for number, one in enumerate(given, 1):
        if not isinstance(one, Mapping):
            faults.append(Fault("steps", number, "name", "这一行读不出来，请删除后重填。"))
            continue
        name, basis = line(one.get("name")), lines(one.get("basis"))
        days, right = whole(one.get("days"), 0, 3650)
        if not 1 <= len(name) <= 60:
            faults.append(Fault("steps", number, "name", "请填写环节名称，至多 60 字。"))
        if not right:
            faults.append(Fault("steps", number, "days", "所需时限应为 0 到 3650 个工作日。"))
        if len(basis) > 500:
            faults.append(Fault("steps", number, "basis", "法定依据至多 500 字。"))
        steps.append(
            {
                "name": name,
                "days": days,
                "basis": basis,
                "fee": yes(one.get("fee")),
                "counted": yes(one.get("counted")),
            }
        )
    return steps, faults


def _must_steps(raw: Any) -> tuple[list[dict[str, Any]], list[Fault]]:
    rows = raw if isinstance(raw, list | tuple) else []
    names = [line(one.get("name") if isinstance(one, Mapping) else one) for one in rows[: MOST_STEPS + 1]]
    if len(names) > MOST_STEPS:
        return [], [Fault("must_steps", 0, "", f"推送须有的环节最多 {MOST_STEPS} 个。")]
    faults = [
        Fault("must_steps", number, "name", "请填写环节名称，至多 60 字。")
        for number, name in enumerate(names, 1)
        if not 1 <= len(name) <= 60
    ]
    return [{"name": name} for name in dict.fromkeys(names)], faults


def _must_elements(raw: Any) -> tuple[list[dict[str, Any]], list[Fault]]:
    rows = raw if isinstance(raw, list | tuple) else []
    if len(rows) > MOST_ELEMENTS:
        return [], [Fault("must_elements", 0, "", f"推送须有的要素最多 {MOST_ELEMENTS} 个。")]
    found: dict[str, dict[str, Any]] = {}
    faults: list[Fault] = []
    for number, one in enumerate(rows, 1):
        name, title = _named(one)
        if not _ELEMENT.fullmatch(name):
            faults.append(Fault("must_elements", number, "name", "请选择要素，或填写要素的代号。"))
        found.setdefault(name, {"name": name, "title": title[:100] or element_title(name)})
    return list(found.values()), faults


def _named(one: Any) -> tuple[str, str]:
    """A row of the editor, or a cell's "代号（名称）"."""
    if isinstance(one, Mapping):
        return line(one.get("name")), line(one.get("title"))
    name, _mark, title = line(one).partition("（")
    return name, title.removesuffix("）")


def element_title(name: str) -> str:
    """How an element is called: as the newest 双公示 sheet calls its column, else by its own name."""
    return element_titles().get(name, name)


@cache
def element_titles() -> dict[str, str]:
    """The columns of the newest 双公示 sheet: code -> title."""
    columns = permit_columns(PERMIT_GENERATIONS[0])["columns"]
    return {str(one["code"]): str(one["name"]) for one in columns}


def live_columns(header: Mapping[str, Any]) -> dict[str, Any]:
    """What publishing writes into service_items."""
    known = ServiceItem.__table__.c
    return {key: header[key] for key in HEADER if key in header and key in known}
