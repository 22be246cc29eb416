"""What a department wrote, in the words and forms that people use, as the data of a message.

Guarantees: changes only the form (dates, codes by name, lists of names), never the content; what it does not understand
it leaves as it is, so that the schema's own sentence reaches the department.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from schemas import Malformed, code_table, loads
from schemas.drafts.forms import FORMS, Form
from schemas.drafts.identity import deterministic_id
from schemas.drafts.money import amount_in

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


def report_data(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a message of this kind from loosely written fields; empty fields are left out. Raises Unfit."""
    if kind == "supply":
        return supply_data(fields)
    form = FORMS[kind]
    aliases = {**_ALIASES, **form.aliases}
    data = {aliases.get(name, name): value for name, value in _written(fields).items()}
    _read_codes(data, form)
    for name in form.moments:
        if name in data:
            data[name] = _moment(data[name])
    for name in form.dates:
        if name in data:
            data[name] = str(_moment(data[name]))[:10]
    for name in form.people:
        if name in data:
            data[name] = _inspectors(data[name])
    for name in form.documents:
        if isinstance(data.get(name), str):
            data[name] = _document(data[name])
    _read_numbers(data, form)
    for name, title in form.money.items():
        amount = amount_in(data, name, title)
        for suffix in ("", "_yuan"):
            data.pop(name + suffix, None)
        if amount is not None:
            data[f"{name}_fen"] = amount
    if kind == "advice":
        _complete_advice(data)
    return data


def finding_data(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The data of finding.reported.v1 from loosely written fields."""
    return report_data("finding", fields)


def _written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody wrote: without empty fields, without blanks around."""
    trimmed = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    return {name: value for name, value in trimmed.items() if value is not None and value not in ("", [])}


def _read_codes(data: dict[str, Any], form: Form) -> None:
    for name, table in form.codes.items():
        if name in data:
            data[name] = _code(table, data[name])
    for name, table in form.code_lists.items():
        if isinstance(listed := _listed(data.get(name)), list):
            data[name] = [_code(table, one) for one in listed]


def _read_numbers(data: dict[str, Any], form: Form) -> None:
    """Numbers where the message wants numbers, texts everywhere else."""
    kept = _kept(form.event_type)
    for name, value in data.items():
        if name in form.integers:
            data[name] = _number(value, int)
        elif name in form.numbers:
            data[name] = _number(value, float)
        elif name in form.flags:
            data[name] = _FLAGS.get(str(value).lower(), value)
        elif name not in kept and isinstance(value, int):
            data[name] = str(value)


@cache
def _kept(event_type: str) -> frozenset[str]:
    """The fields that are not texts, or not yet."""
    form = next(one for one in FORMS.values() if one.event_type == event_type)
    money = (f"{name}{suffix}" for name in form.money for suffix in ("", "_fen", "_yuan", "_wan"))
    return frozenset(
        (*form.integers, *form.numbers, *form.flags, *form.documents, *form.people, *money, "files")
    )


_FLAGS = {"1": True, "true": True, "是": True, "0": False, "false": False, "否": False}


def _number(value: Any, kind: type[int] | type[float]) -> Any:
    text = str(value).strip().removesuffix("%").removesuffix("％")
    try:
        return kind(text)
    except ValueError:
        return value  # the schema's sentence says that it should be a number


def _complete_advice(data: dict[str, Any]) -> None:
    """A question that opens a thread gives it its number: the same question is the same thread."""
    opens = "thread_id" not in data
    if opens:
        said = (data.get(name) for name in ("project_no", "kind", "subject", "body"))
        data["thread_id"] = deterministic_id("advice", *said)
        data.setdefault("kind", "question")
    if isinstance(data.get("at"), str) and len(data["at"]) == 10:
        data["at"] = f"{data['at']}T00:00:00+08:00"


_PARTY = {
    "party_kind": "kind",
    "party_name": "name",
    "party_code_type": "code_type",
    "party_code": "code",
    "legal_representative": "legal",
}
_CHANGES = {"现行": "current", "更正": "correction", "撤销": "revocation"}


def supply_data(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The data of material.supplied.v1 from a row or file: party columns or a `party` object, fields as JSON or object."""
    given = _written(fields)
    whole = given.pop("party", None)
    party: dict[str, Any] = dict(whole) if isinstance(whole, Mapping) else {}
    for column, name in _PARTY.items():
        if column in given:
            party[name] = given.pop(column)
    if "kind" in party:
        party["kind"] = _code("party_kind", party["kind"])
    for name in ("code", "code_type"):
        if isinstance(party.get(name), int):
            party[name] = str(party[name])
    data: dict[str, Any] = {**given, "party": party}
    if isinstance(data.get("supply_no"), int):
        data["supply_no"] = str(data["supply_no"])
    if isinstance(data.get("fields"), str):
        data["fields"] = _document(data["fields"])
    data["change"] = _CHANGES.get(str(data.get("change", "current")), data.get("change", "current"))
    if "as_of" in data:
        data["as_of"] = _moment(data["as_of"])
    for name in ("valid_from", "valid_to"):
        if name in data:
            data[name] = str(_moment(data[name]))[:10]
    return data


def _document(text: str) -> Any:
    try:
        return loads(text)
    except Malformed:
        return text  # the schema's sentence says that it should be an object


def said_at(value: Any) -> str | None:
    """A time that a department wrote, as a date-time with its zone; None when it wrote none."""
    if value is None or not str(value).strip():
        return None
    moment = str(_moment(value))
    return f"{moment}T00:00:00+08:00" if len(moment) == 10 else moment


def _code(table: str, value: Any) -> Any:
    text = str(value)
    return _codes_by_name(table).get(text, text)


@cache
def _codes_by_name(table: str) -> dict[str, str]:
    return {name: code for code, name in code_table(table).items()}


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
    value = _listed(value)
    return [_inspector(one) for one in value] if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    """Several in one text, or a list."""
    if isinstance(value, str):
        return [part for part in (piece.strip() for piece in _SEPARATORS.split(value)) if part]
    return value


def _inspector(one: Any) -> Any:
    if not isinstance(one, str):
        return one
    found = _INSPECTOR.fullmatch(one.strip())
    if not found:
        return {"name": one.strip()}
    return {"name": found[1].strip(), "certificate_no": found[2].strip()}
