"""The header of an item: everything but its material list and form; kept in each version, live once published.

Guarantees: `parse_header` gives a header whose every key is there, or one fault for each wrong box.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.catalogue.code_pattern import CODE_KINDS
from hub.catalogue.faults import Fault
from hub.catalogue.sharing_attribute import SHARING
from hub.catalogue.texts import line, lines, whole, yes
from hub.item import ServiceItem
from schemas import code_table

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
MOST_STEPS = 30
CODE_LENGTH = 64


def header_of(item: Any) -> dict[str, Any]:
    """The header of a live item (a row of service_items)."""
    return {key: getattr(item, key) for key in HEADER}


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
    return header, [*(Fault("header", 0, key, said) for key, said in wrong.items()), *steps]


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


def live_columns(header: Mapping[str, Any]) -> dict[str, Any]:
    """What publishing writes into service_items."""
    known = ServiceItem.__table__.c
    return {key: header[key] for key in HEADER if key in header and key in known}
