"""The columns of a sheet of licences: national exchange names, pinyin names, Chinese headings, and a type's own fields.

Guarantees: a heading is recognised by any of its names, whatever its white space, width, brackets and notes; found among
the first ten rows; a column that is missing or there twice is named in one sentence. What nobody knows is kept by its
own heading. Does not guarantee: anything about the rows; see hub.licensing.batches.exchange_rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from hub.catalogue.fields import FieldDef
from hub.errors import Rejected
from hub.sheets.sheet_columns import label_key
from schemas import licence_columns

HEADER_ROWS = 10
MOST_COLUMNS = 300
_ENOUGH = 3  # columns recognised before a row counts as the heading
_NOTE = re.compile(r"\([^()]*(必填|选填|可填|可空|格式|填写|示例|例如|如[:0-9]|YYYY|长度|字符|多个)[^()]*\)")
_CODE_IN_BRACKETS = re.compile(r"\(([A-Z][A-Z_]+)\)$")
OPERATIONS = ("issue", "import")


@dataclass(frozen=True, slots=True)
class ExchangeColumn:
    """One column that is exchanged."""

    code: str
    name: str
    pinyin: str
    kind: str
    length: int | None
    required: tuple[str, ...]  # the operations that cannot do without it
    issue: bool  # whether it says anything where licences are made here
    kept: bool  # whether it says anything that is kept

    @property
    def title(self) -> str:
        """The name people know, with the national one: 证照编号（certificateNumber）."""
        return f"{self.name}（{self.code}）"


@dataclass(frozen=True)
class Heading:
    """What the columns of one sheet are. Data begins after row number `row`."""

    row: int
    cells: tuple[str, ...]
    operation: str
    known: tuple[tuple[int, ExchangeColumn], ...]
    fields: tuple[tuple[int, FieldDef], ...]
    extras: tuple[tuple[int, str], ...]
    definitions: tuple[FieldDef, ...] = ()
    scope: str = ""  # part of every row's key: the same words for another type are another licence

    def meanings(self) -> list[str]:
        """What each column became, for a person; '' where it is not used."""
        said = [""] * len(self.cells)
        for at, column in self.known:
            said[at] = column.title if column.kept and (column.issue or self.operation == "import") else ""
        for at, one in self.fields:
            said[at] = "、".join(filter(None, (said[at], f"字段 {one.label}")))
        for at, label in self.extras:
            said[at] = f"扩展信息 {label}" if self.operation == "import" else ""
        return said

    def as_dict(self) -> dict[str, object]:
        """As it is kept with a batch; `heading_of` reads it."""
        return {"row": self.row, "cells": list(self.cells)}


@cache
def exchange_columns() -> tuple[ExchangeColumn, ...]:
    """Every column, in the order of the standard's table."""
    return tuple(_column(entry) for entry in licence_columns()["columns"])


def _column(entry: dict[str, Any]) -> ExchangeColumn:
    return ExchangeColumn(
        code=entry["code"],
        name=entry["name"],
        pinyin=entry.get("pinyin", ""),
        kind=entry["kind"],
        length=entry["max"],
        required=tuple(entry.get("required", ())),
        issue=entry["issue"],
        kept=entry.get("kept", True),
    )


@cache
def _labels() -> dict[str, ExchangeColumn]:
    labels: dict[str, ExchangeColumn] = {}
    for column, entry in zip(exchange_columns(), licence_columns()["columns"], strict=True):
        for label in (column.code, column.name, column.pinyin, *entry["variants"]):
            if label:
                labels.setdefault(label_key(label), column)
    return labels


def _readings(cell: str) -> Iterator[str]:
    """What a heading may be saying, the surest first."""
    key = label_key(cell)
    yield key
    if code := _CODE_IN_BRACKETS.search(key):
        yield code[1]
    plain = _NOTE.sub("", key)
    yield plain
    yield re.sub(r"\([^()]*\)", "", plain)


def _meaning(cell: str, fields: dict[str, FieldDef]) -> tuple[ExchangeColumn | None, FieldDef | None]:
    readings = list(_readings(cell))
    column = next((found for label in readings if (found := _labels().get(label))), None)
    labels = [word for label in readings for word in (label.removeprefix("KZ_"), label)]
    field = next((fields[label] for label in labels if label in fields), None)
    return column, field


def find_heading(
    rows: Iterable[tuple[int, Sequence[str]]],
    *,
    operation: str,
    fields: Sequence[FieldDef] = (),
    scope: str = "",
) -> Heading:
    """The heading among the first ten (row number, cells). Raises Rejected, naming what is missing or there twice."""
    best: tuple[int, Sequence[str]] | None = None
    most, last = 0, 0
    named = _named(fields)
    for number, cells in islice(rows, HEADER_ROWS):
        found = {
            what.code if isinstance(what, ExchangeColumn) else what.name
            for cell in cells[:MOST_COLUMNS]
            if cell
            for what in _meaning(cell, named)
            if what is not None
        }
        if len(found) >= _ENOUGH:
            last = number
            if len(found) > most:
                most, best = len(found), (number, cells)
    if best is None:
        raise Rejected(
            "前 10 行中没有找到表头。表头应是证照数据交换的列名，如“证照编号”“持证主体”，"
            "或 certificateNumber、ZZBH；可先下载模板。"
        )
    heading = heading_of(best[1], last, operation=operation, fields=fields, scope=scope)
    _check(heading)
    return heading


def heading_of(
    cells: Sequence[str], row: int, *, operation: str, fields: Sequence[FieldDef] = (), scope: str = ""
) -> Heading:
    """The meaning of a heading that was found before."""
    if len(cells) > MOST_COLUMNS:
        raise Rejected(f"表格有 {len(cells)} 列，最多 {MOST_COLUMNS} 列。请删除不用的列。")
    named = _named(fields)
    known: list[tuple[int, ExchangeColumn]] = []
    own: list[tuple[int, FieldDef]] = []
    extras: list[tuple[int, str]] = []
    for at, cell in enumerate(cells):
        column, field = _meaning(cell, named) if cell.strip() else (None, None)
        if column is not None:
            known.append((at, column))
        if field is not None:
            own.append((at, field))
        if column is None and field is None and cell.strip():
            extras.append((at, " ".join(cell.split())[:60]))
    return Heading(
        row, tuple(cells), operation, tuple(known), tuple(own), tuple(extras), tuple(fields), scope
    )


def _named(fields: Sequence[FieldDef]) -> dict[str, FieldDef]:
    return {label_key(word): one for one in fields for word in (one.name, one.label)}


def _check(heading: Heading) -> None:
    places: dict[str, list[int]] = {}
    for at, column in heading.known:
        if column.kind != "ignored":
            places.setdefault(column.code, []).append(at)
    for at, field in heading.fields:
        places.setdefault(f"field {field.name}", []).append(at)
    twice = [found for found in places.values() if len(found) > 1]
    if twice:
        said = "；".join(
            f"第 {'、'.join(str(at + 1) for at in found)} 列都是“{heading.cells[found[0]].strip()}”"
            for found in twice
        )
        raise Rejected(f"表头有重复的列：{said}。请每种只留一列。")
    missing = [
        column.title
        for column in exchange_columns()
        if heading.operation in column.required and column.code not in places
    ]
    if heading.operation == "issue" and "extendInfo" not in places:
        missing += [
            one.label for one in heading.definitions if one.required and f"field {one.name}" not in places
        ]
    if missing:
        raise Rejected(f"表头缺少必填的列：{'、'.join(missing)}。请下载模板核对。")
