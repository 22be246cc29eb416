"""From a form to the data of a message: forms of writing only (local times, 元, names), the content as it was typed.

Guarantees: what cannot be read is told by its box, all at once; boxes that do not count (`only`) say nothing, whatever is
in them; money is exact, in 分.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from admin.inbox.acts import Act, Box
from hub.workday import LOCAL

_SEPARATORS = re.compile(r"[、,，;；\n]+")
_PERSON = re.compile(r"([^（(]+)[（(]([^）)]+)[）)]")
_MOST_FEN = 10**15


def counts(box: Box, form: Mapping[str, str]) -> bool:
    """Whether the box says anything, by what is chosen in another one."""
    return box.only is None or form.get(box.only[0], "") in box.only[1]


def read_form(act: Act, form: MultiDict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The data, and what is wrong, by box."""
    data: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for box in act.boxes:
        if not counts(box, form):
            continue
        if box.kind == "codes":
            if chosen := [one for one in form.getlist(box.name) if one]:
                data[box.name] = chosen
            continue
        given = form.get(box.name, "").strip()
        if not given:
            if box.required:
                faults[box.name] = gettext("请填写“%(title)s”。", title=box.title)
            continue
        try:
            data[box.name] = _READ.get(box.kind, _text)(given, box)
        except (ValueError, InvalidOperation) as error:
            faults[box.name] = str(error)
    return data, faults


def _text(given: str, box: Box) -> str:
    if len(given) > box.longest:
        raise ValueError(gettext("“%(title)s”至多 %(n)s 个字。", title=box.title, n=box.longest))
    return given.replace("\r\n", "\n")


def _date(given: str, box: Box) -> str:
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise ValueError(gettext("“%(title)s”应为日期，如 2026-11-22。", title=box.title)) from None


def _moment(given: str, box: Box) -> str:
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise ValueError(gettext("“%(title)s”应为日期和时间。", title=box.title)) from None
    return (at if at.tzinfo else at.replace(tzinfo=LOCAL)).isoformat(timespec="seconds")


def _number(given: str, box: Box) -> int:
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= 99):
        raise ValueError(gettext("“%(title)s”应为 1 到 99 的整数。", title=box.title))
    return int(given)


def _ratio(given: str, box: Box) -> float:
    try:
        share = float(given)
    except ValueError:
        share = -1
    if not 0 <= share <= 100:
        raise ValueError(gettext("“%(title)s”应为 0 到 100 的数。", title=box.title))
    return share


def _money(given: str, box: Box) -> int:
    """元 as people write it, with or without separators; at most two decimals."""
    text = given.replace(",", "").replace("，", "").removesuffix("元").strip()
    try:
        fen = Decimal(text) * 100
    except InvalidOperation:
        fen = Decimal(-1)
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 <= fen <= _MOST_FEN:
        raise ValueError(
            gettext("“%(title)s”应为金额，以元为单位，至多两位小数，如 2000 或 2000.50。", title=box.title)
        )
    return int(fen)


def _people(given: str, box: Box) -> list[dict[str, str]]:
    found = [_one_person(part.strip()) for part in _SEPARATORS.split(given) if part.strip()]
    if any(len(one["name"]) > 100 for one in found):
        raise ValueError(gettext("“%(title)s”里有一个名字太长，几个人请用顿号隔开。", title=box.title))
    return found


def _one_person(text: str) -> dict[str, str]:
    whole = _PERSON.fullmatch(text)
    if whole is None:
        return {"name": text}
    return {"name": whole[1].strip(), "certificate_no": whole[2].strip()}


_READ: dict[str, Any] = {
    "date": _date,
    "moment": _moment,
    "number": _number,
    "ratio": _ratio,
    "money": _money,
    "people": _people,
}


def written(box: Box, value: Any) -> str | Sequence[str]:
    """A value of a message's data as it is written in its box."""
    if value is None:
        return [] if box.kind == "codes" else ""
    if box.kind == "money":
        yuan = Decimal(int(value)) / 100
        return f"{yuan:f}"
    if box.kind == "people":
        return "、".join(
            f"{one['name']}（{one['certificate_no']}）" if one.get("certificate_no") else one["name"]
            for one in value
        )
    if box.kind == "moment":
        text = str(value)
        at = datetime.fromisoformat(text)
        local = at.replace(tzinfo=LOCAL) if at.tzinfo is None else at.astimezone(LOCAL)
        return f"{local:%Y-%m-%dT%H:%M}"
    if box.kind == "codes":
        return [str(one) for one in value]
    return str(value)


def wan(fen: int) -> str:
    """分 as 万元, the way penalties are published."""
    return gettext("%(n)s 万元", n=f"{(Decimal(fen) / 1_000_000).normalize():f}")
