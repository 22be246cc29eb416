"""A 双公示 行政处罚 sheet, or a provincial record, row by row: clean values under the newer codes, or a list of refusals.

Guarantees: the header is found in the first ten rows whatever its order, by codes or by Chinese names; every fault of a row
is reported at once; money is in 万元 and kept as written, in 分 beside. Columns nobody knows are kept as they are.
Reads no file, database or clock: today is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import islice
from typing import Any

from hub.errors import Rejected
from hub.sheets.sheet import Refusal
from hub.sheets.sheet_columns import label_key
from hub.sheets.sheet_header import HEADER_ROWS, kept
from hub.sheets.sheet_values import BLANKS, KINDS, LONG_TERM, Fault, tidy, wan_yuan_to_fen
from schemas import PENALTY_GENERATIONS, code_table, penalty_columns

_ENOUGH = 5
_UNIT = re.compile(r"[(（](单位[:：]?)?万元[)）]")
#: 处罚类别 as sheets write it -> 处罚种类.
_KINDS = {name: code for code, name in code_table("punish_type").items()} | {
    "没收": "03",
    "吊销": "05",
    "暂扣": "11",
}
#: 处罚种类 -> 执法结果, the gravest first.
_RESULTS = (("05", "3"), ("06", "2"), ("02", "1"), ("03", "4"), ("09", "4"), ("01", "0"), ("08", "0"))


@dataclass(frozen=True, slots=True)
class _Known:
    at: int
    code: str
    target: str
    title: str
    longest: int
    read: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class PenaltyHeader:
    """What the columns of one sheet are. Data begins after row number `row`."""

    row: int
    generation: str
    known: tuple[_Known, ...]
    required: tuple[tuple[str, str], ...]  # (target, title)
    others: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class PenaltyRow:
    """One valid row. `columns` is the row as it came, under the sheet's own codes."""

    row: int
    values: dict[str, str]  # under the newer codes
    columns: dict[str, str]
    document_no: str
    decided_on: date
    publish_until: date | None
    party_name: str
    party_code: str | None  # USCC or citizen number
    punish_types: tuple[str, ...]
    result: str  # 执法结果
    fine_fen: int | None
    confiscated_fen: int | None


@cache
def _labels(generation: str) -> dict[str, dict[str, Any]]:
    labels: dict[str, dict[str, Any]] = {}
    for column in penalty_columns(generation)["columns"]:
        for label in (column["code"], column["name"], *column["variants"]):
            labels.setdefault(label_key(_UNIT.sub("", label)), column)
    return labels


def find_penalty_header(rows: Iterable[tuple[int, Sequence[str]]]) -> PenaltyHeader:
    """The header among the first ten (row number, cells); Rejected where there is none or a mandatory column is missing."""
    best: tuple[int, int, str, list[dict[str, Any] | None], Sequence[str]] | None = None
    last = 0
    for number, cells in islice(rows, HEADER_ROWS):
        for generation in PENALTY_GENERATIONS:
            labels = _labels(generation)
            found = [labels.get(label_key(_UNIT.sub("", cell))) if cell else None for cell in cells]
            score = len({column["code"] for column in found if column})
            if score >= _ENOUGH:
                last = number
                if best is None or score > best[0]:
                    best = (score, number, generation, found, cells)
    if best is None:
        raise Rejected(
            "前 10 行中没有找到行政处罚的表头。表头应是双公示行政处罚的列名或列代码，如“行政处罚决定书文号”或 CF_WSH。"
        )
    _, _, generation, found, cells = best
    there = {column["code"] for column in found if column}
    needed = [
        column for column in penalty_columns(generation)["columns"] if column.get("required") == "always"
    ]
    missing = [_title(column) for column in needed if column["code"] not in there]
    if missing:
        raise Rejected(f"表头缺少必填的列：{'、'.join(missing)}。请用完整的模板重新导出。")
    return PenaltyHeader(
        last,
        generation,
        tuple(
            _Known(at, one["code"], one.get("as", one["code"]), _title(one), one["max"], KINDS[one["kind"]])
            for at, one in enumerate(found)
            if one
        ),
        tuple((one.get("as", one["code"]), _title(one)) for one in needed),
        tuple((at, kept(cells[at])) for at, one in enumerate(found) if one is None and cells[at].strip()),
    )


def read_penalty(
    header: PenaltyHeader, cells: Sequence[str], row_number: int, *, today: date
) -> PenaltyRow | list[Refusal]:
    """The row, or every reason against it. A row with nothing in it gives an empty list: skip it."""
    values: dict[str, str] = {}
    columns: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    for one in header.known:
        text = cells[one.at] if one.at < len(cells) else ""
        try:
            text = tidy(text).strip()
            if not text or text in BLANKS:
                continue
            values[one.target] = columns[one.code] = text = one.read(text)
            if len(text) > one.longest:
                raise Fault(f"长度为 {len(text)} 个字符", f"不超过 {one.longest} 个字符")
        except Fault as fault:
            faults[one.title] = fault
    if not values and not faults:
        return []
    columns |= {name: text for at, name in header.others if at < len(cells) and (text := kept(cells[at]))}
    for target, title in header.required:
        if target not in values and title not in faults:
            faults[title] = Fault("缺少必填内容", f"请填写{title}")
    decided = values.get("CF_JDRQ")
    if decided and decided > today.isoformat():
        faults["处罚决定日期"] = Fault(f"决定日期 {decided} 晚于今天", f"不晚于 {today.isoformat()} 的日期")
    types = _types(values.get("CF_CFLB", ""))
    fine, confiscated = _money(values, columns)
    if "02" in types and fine is None:
        faults["罚款金额（CF_NR_FK）"] = Fault(
            "处罚类别有罚款，没有罚款金额", "以万元为单位，如 2000 元填 0.2"
        )
    if faults:
        return [Refusal(row_number, title, fault.cause, fault.expected) for title, fault in faults.items()]
    until = values.get("CF_GSJZQ")
    return PenaltyRow(
        row_number,
        values,
        columns,
        values["CF_WSH"],
        date.fromisoformat(values["CF_JDRQ"]),
        date.fromisoformat(until) if until and until != LONG_TERM else None,
        values["CF_XDR_MC"],
        values.get("CF_XDR_SHXYM") or values.get("admin_cp_cert_code") or values.get("CF_XDR_ZJHM"),
        types,
        next((result for code, result in _RESULTS if code in types), "5"),
        fine,
        confiscated,
    )


def _types(text: str) -> tuple[str, ...]:
    """处罚种类 of what a cell says: names or codes, several with any mark between."""
    found = set(re.findall(r"(?<![0-9])(0[1-9]|1[0-4])(?![0-9])", text))
    return tuple(sorted(found | {code for name, code in _KINDS.items() if name in text}))


def _money(values: dict[str, str], columns: dict[str, str]) -> tuple[int | None, int | None]:
    fine = wan_yuan_to_fen(values["CF_NR_FK"]) if "CF_NR_FK" in values else None
    parts = [
        wan_yuan_to_fen(source[name])
        for source, name in (
            (values, "CF_NR_WFFF"),
            (columns, "confiscate_illegal_incom"),
            (columns, "confiscate_illegal_asset"),
        )
        if name in source
    ]
    return fine, sum(parts) if parts else None


def _title(column: dict[str, Any]) -> str:
    return f"{column['name']}（{column['code']}）"
