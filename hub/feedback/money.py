"""Money in messages: 分 as whole numbers, 万元 as people and the 双公示 sheet write it; both must say the same.

Guarantees: no arithmetic in binary fractions; what has more than two decimals of 元 is refused; a sum that is written twice
and differs is refused with both sums in the sentence, since one of them is a thousand or ten thousand times wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hub.errors import Rejected
from hub.sheets.sheet_values import wan_yuan_to_fen

MOST_FEN = 10**15
#: What a sum is called: title, in 分, in 万元, and the columns of the sheets that say it again, in 万元.
SUMS = (
    ("罚款金额", "fine_fen", "fine_wan", ("CF_NR_FK", "fine")),
    ("没收金额", "confiscated_fen", "confiscated_wan", ("CF_NR_WFFF",)),
)
#: Of the provincial record what is confiscated stands in two columns.
_TWO = ("confiscate_illegal_incom", "confiscate_illegal_asset")


def fen_of_wan(value: object) -> int:
    """万元, a number or a text such as "0.2" or "1,000.50", in 分. Raises Rejected.

    >>> fen_of_wan(0.2), fen_of_wan("1,000.50")
    (200000, 1000500000)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Rejected(f"“{str(value)[:40]}”不是金额。请以万元为单位填写数字，如 2000 元填 0.2。")
    # repr is the shortest text that reads as this number: what the sender wrote.
    text = value if isinstance(value, str) else format(Decimal(repr(value)), "f")
    fen = wan_yuan_to_fen(text)
    if fen > MOST_FEN:
        raise Rejected(f"“{text[:40]}”万元超出可记的金额，请核对单位。")
    return fen


def sums_of(data: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Fine and confiscated, in 分; None where nothing is said. Raises Rejected where two statements differ."""
    fine, confiscated = (_sum(data, *one) for one in SUMS)
    return fine, confiscated


def _sum(
    data: Mapping[str, Any], title: str, fen_name: str, wan_name: str, columns: tuple[str, ...]
) -> int | None:
    said: dict[str, int] = {}
    if (fen := data.get(fen_name)) is not None:
        said[fen_name] = int(fen)
    if (wan := data.get(wan_name)) is not None:
        said[wan_name] = fen_of_wan(wan)
    rows = data.get("columns") or {}
    for name in columns:
        if rows.get(name) not in (None, ""):
            said[name] = fen_of_wan(rows[name])
    if wan_name == "confiscated_wan" and any(rows.get(name) not in (None, "") for name in _TWO):
        said["没收两列之和"] = sum(
            fen_of_wan(rows[name]) for name in _TWO if rows.get(name) not in (None, "")
        )
    if len(set(said.values())) > 1:
        sums = "，".join(f"{name} 为 {in_yuan(value)} 元" for name, value in said.items())
        raise Rejected(f"{title}前后不一致：{sums}。请核对单位（分、万元）后重报。")
    return next(iter(said.values()), None)


def in_yuan(fen: int) -> str:
    """元 with two decimals and thousands apart.

    >>> in_yuan(200000)
    '2,000.00'
    """
    return f"{fen // 100:,}.{fen % 100:02d}"


def in_wan(fen: int) -> str:
    """万元, as the 双公示 sheet wants it.

    >>> in_wan(200000), in_wan(0)
    ('0.2', '0')
    """
    return format((Decimal(fen) / 1_000_000).normalize(), "f")
