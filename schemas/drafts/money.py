"""Amounts of money as people write them, in 元 or 万元, as whole 分: exactly, or not at all.

Guarantees: an amount without a unit is not guessed; more than two decimals of a 元 are refused; amounts that are written
twice must agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.drafts.unfit import Unfit

_AMOUNT = re.compile(r"(?:人民币|¥|￥)?\s*([\d,，. ]+)\s*(万元|元整|元|分)?整?")
_MAX_WRITTEN = 100
_FEN = {"万元": Decimal(1_000_000), "元": Decimal(100), "元整": Decimal(100), "分": Decimal(1)}
#: Of a field's name, what follows it -> the unit that is meant.
_UNITS = {"_fen": "分", "_yuan": "元", "_wan": "万元", "": ""}


def amount_in(fields: Mapping[str, Any], name: str, title: str) -> int | None:
    """The amount written as `name` (with its unit), `name_yuan`, `name_wan` or `name_fen`; None where there is none."""
    said = {
        f"{name}{suffix}": fen(fields[f"{name}{suffix}"], unit, title)
        for suffix, unit in _UNITS.items()
        if f"{name}{suffix}" in fields
    }
    if len(set(said.values())) > 1:
        words = "、".join(f"{field} 为 {fields[field]}" for field in said)
        raise Unfit(f"{title}写了几处，金额不一致：{words}。请核对 元 与 万元")
    return next(iter(said.values()), None)


def fen(written: Any, unit: str, title: str) -> int:
    """Whole 分. `unit` is what the column is in; a unit that is written beside the number has to be the same."""
    text = str(written).strip()
    found = (
        _AMOUNT.fullmatch(text) if len(text) <= _MAX_WRITTEN else None
    )  # it would try long blanks in every way
    if not found:
        raise Unfit(f"{title}“{text[:_MAX_WRITTEN]}”读不懂，应如 2000 元 或 0.2 万元")
    beside = (found[2] or "").removesuffix("整")
    if unit and beside and unit != beside:
        raise Unfit(f"{title}“{written}”的单位与所在栏（{unit}）不符")
    if not (unit or beside):
        raise Unfit(f"{title}“{written}”没有单位，请写明 元 或 万元")
    try:
        whole = Decimal(re.sub(r"[,， ]", "", found[1])) * _FEN[unit or beside]
    except InvalidOperation:
        raise Unfit(f"{title}“{written}”读不懂，应如 2000 元 或 0.2 万元") from None
    if whole != whole.to_integral_value():
        raise Unfit(f"{title}“{written}”不足一分，元最多两位小数")
    return int(whole)
