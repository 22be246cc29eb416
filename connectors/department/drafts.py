"""What a department wrote, in the words and forms that people use, as the data of a message.

Guarantees: changes only the form (dates, codes by name, lists of names), never the content; what it does not understand
it leaves as it is, so that the schema's own sentence reaches the department.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas import Malformed, code_table, loads

LOCAL = ZoneInfo("Asia/Shanghai")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_TIME = re.compile(r"[T\s]*(\d{1,2})[:：](\d{2})(?:[:：](\d{2})(?:\.\d+)?)?")
_INSPECTOR = re.compile(r"([^（(]+)[（(]([^）)]+)[）)]")
_SEPARATORS = re.compile(r"[、,，;；\n]+")
_ALIASES = {
    "certificate_identifier": "certificateIdentifier",
    "certificateidentifier": "certificateIdentifier",
    "case_no": "project_no",
}


def finding_data(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The data of finding.reported.v1 from loosely written fields; empty fields are left out."""
    data: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            value = value.strip()
        if value is None or value in ("", []):
            continue
        data[_ALIASES.get(name, name)] = value
    for name in ("finding_no", "project_no"):
        if isinstance(data.get(name), int):
            data[name] = str(data[name])
    for name in ("check_result", "handling"):
        if name in data:
            data[name] = _code(name, data[name])
    if "inspected_at" in data:
        data["inspected_at"] = _moment(data["inspected_at"])
    if "rectify_by" in data:
        data["rectify_by"] = str(_moment(data["rectify_by"]))[:10]
    if "inspectors" in data:
        data["inspectors"] = _inspectors(data["inspectors"])
    return data


def said_at(value: Any) -> str | None:
    """A time that a department wrote, as a date-time with its zone; None when it wrote none."""
    if value is None or not str(value).strip():
        return None
    moment = str(_moment(value))
    return f"{moment}T00:00:00+08:00" if len(moment) == 10 else moment


def _code(table: str, value: Any) -> Any:
    text = str(value)
    names = {name: code for code, name in code_table(table).items()}
    return names.get(text, text)


def _moment(value: Any) -> Any:
    """A date, or a date-time in UTC terms or with its zone; a time without a zone is local."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=LOCAL)).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    found = _DATE.match(text)
    if not found:
        return text
    day = "{:0>4}-{:0>2}-{:0>2}".format(*found.groups())
    rest = text[found.end() :].strip()
    if not rest:
        return day
    clock = _TIME.match(rest)
    if not clock:
        return text
    zone = rest[clock.end() :].strip()
    hour, minute, second = clock.groups()
    return f"{day}T{hour:0>2}:{minute}:{second or '00'}{zone or '+08:00'}"


def _inspectors(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("["):
        try:
            value = loads(value)
        except Malformed:
            return value
    if isinstance(value, str):
        value = [part for part in (piece.strip() for piece in _SEPARATORS.split(value)) if part]
    if not isinstance(value, list):
        return value
    return [_inspector(one) for one in value]


def _inspector(one: Any) -> Any:
    if not isinstance(one, str):
        return one
    found = _INSPECTOR.fullmatch(one.strip())
    if not found:
        return {"name": one.strip()}
    return {"name": found[1].strip(), "certificate_no": found[2].strip()}
