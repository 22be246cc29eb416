"""Dates and sums as they are printed on licences, Chinese numerals among them. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

_DIGITS = "〇一二三四五六七八九"
_CAPITALS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def day_in(value: date, form: str) -> str:
    """A day in one of the formats of hub.licensing.types.formats_of.

    >>> day_in(date(2026, 11, 22), "中文"), day_in(date(2026, 8, 6), "yyyy年MM月dd日")
    ('二〇二六年十一月二十二日', '2026年08月06日')
    """
    if form == "中文":
        year = "".join(_DIGITS[int(one)] for one in f"{value.year:04d}")
        return f"{year}年{_small(value.month)}月{_small(value.day)}日"
    form = form or "yyyy年MM月dd日"
    for mark, said in (
        ("yyyy", f"{value.year:04d}"),
        ("MM", f"{value.month:02d}"),
        ("dd", f"{value.day:02d}"),
        ("M", str(value.month)),
        ("d", str(value.day)),
    ):
        form = form.replace(mark, said)
    return form


def _small(number: int) -> str:
    """1 to 99 in words."""
    tens, ones = divmod(number, 10)
    words = ("" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十") + (
        _DIGITS[ones] if ones else ""
    )
    return words or "〇"


def sum_in(value: str, form: str) -> str:
    """A sum of yuan such as 12000.50, in one of the formats.

    >>> sum_in("12000.50", "大写"), sum_in("1200", "#,##0.00"), sum_in("0.07", "大写")
    ('壹万贰仟元伍角', '1,200.00 元', '柒分')
    """
    amount = Decimal(value)
    if form == "大写":
        return capitals(amount)
    if form == "#,##0.00":
        return f"{amount:,.2f} 元"
    return f"{value} 元"


def count_in(value: str, form: str) -> str:
    """A plain number, or with commas."""
    if form != "#,##0":
        return value
    whole, dot, rest = value.partition(".")
    return f"{int(whole):,}{dot}{rest}"


def capitals(amount: Decimal) -> str:
    """人民币大写, as 正确填写票据和结算凭证的基本规定 writes it.

    >>> capitals(Decimal("100100001.00")), capitals(Decimal("1010.05")), capitals(Decimal("-20"))
    ('壹亿零壹拾万零壹元整', '壹仟零壹拾元零伍分', '负贰拾元整')
    """
    cents = int(abs(amount) * 100)
    yuan, jiao, fen = cents // 100, cents // 10 % 10, cents % 10
    words = f"{_whole(yuan)}元" if yuan else ""
    if not jiao and not fen:
        words = f"{words or '零元'}整"
    else:
        if jiao:
            words += f"{_CAPITALS[jiao]}角"
        elif yuan:
            words += "零"
        words += f"{_CAPITALS[fen]}分" if fen else ""
    return f"负{words}" if amount < 0 else words


def _whole(number: int) -> str:
    words, gap, group = "", False, 0
    groups = []
    while number:
        number, part = divmod(number, 10_000)
        groups.append((part, group))
        group += 1
    for part, group in reversed(groups):
        if not part:
            gap = bool(words)
            continue
        if words and (gap or part < 1000):
            words += "零"
        words += _group(part) + _GROUPS[group]
        gap = False
    return words


def _group(number: int) -> str:
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            words += ("零" if gap else "") + _CAPITALS[digit] + _UNITS[place]
            gap = False
        else:
            gap = bool(words)
    return words
