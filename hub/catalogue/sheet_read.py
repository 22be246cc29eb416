"""Reading a workbook of the catalogue into entries: one for each item, type, licence type and code pattern it names.

Guarantees: every cell that cannot be read is a fault with sheet, row, column, cause and what is expected; a sheet that is
not there leaves what it is about untouched; the size is bounded. Does not ask the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.catalogue.sheet_columns import SHEETS
from hub.errors import Rejected

MOST_ROWS = 20_000
MOST_ENTRIES = 2_000

SheetRows = Mapping[str, Iterable[tuple[int, list[str]]]]


@dataclass(frozen=True, slots=True)
class SheetFault:
    """What is wrong with one cell."""

    sheet: str
    row: int
    column: str
    cause: str
    expected: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row, read."""

    number: int
    values: dict[str, Any]


@dataclass(slots=True)
class Entry:
    """What a workbook says of one thing. A part that is None was not mentioned."""

    kind: str  # item, type, licence, pattern
    code: str
    header: SheetRow | None = None
    lines: list[SheetRow] | None = None
    stand_ins: list[SheetRow] | None = None
    fields: list[SheetRow] | None = None
    steps: list[SheetRow] | None = None
    faults: list[SheetFault] = field(default_factory=list)


_OWNERS = {
    "事项": ("item", "item"),
    "材料清单": ("item", "item"),
    "可替代": ("item", "item"),
    "特殊环节": ("item", "item"),
    "材料类型": ("type", "type"),
    "证照类型": ("licence", "licence"),
    "编码规则": ("pattern", "name"),
}
_PARTS = {"材料清单": "lines", "可替代": "stand_ins", "特殊环节": "steps", "字段": "fields"}


def read_workbook(sheets: SheetRows) -> list[Entry]:
    """The entries, in the order of the sheets. Raises Rejected where the file is not such a workbook."""
    known = [name for name in SHEETS if name in sheets]
    if not known:
        listed = "、".join(SHEETS)
        raise Rejected(f"工作簿里没有目录的工作表（{listed}）。请先导出一份，照它的样子填写。")
    entries: dict[tuple[str, str], Entry] = {}
    for name in known:
        for row, faults in _rows(name, sheets[name]):
            entry = _entry(entries, name, row.values)
            entry.faults += faults
            _file(entry, name, row)
        if len(entries) > MOST_ENTRIES:
            raise Rejected(f"一次最多导入 {MOST_ENTRIES} 个条目。请分成几份。")
    for entry in entries.values():
        if entry.lines is not None and entry.stand_ins is None and "可替代" in known:
            entry.stand_ins = []
        if entry.header is not None and entry.steps is None and "特殊环节" in known and entry.kind == "item":
            entry.steps = []
    if not entries:
        raise Rejected("工作簿里只有标题，没有内容。")
    return list(entries.values())


def _rows(sheet: str, rows: Iterable[tuple[int, list[str]]]) -> Iterable[tuple[SheetRow, list[SheetFault]]]:
    columns = SHEETS[sheet]
    places: dict[str, int] = {}
    count = 0
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if not places:
            heading = {cell.strip(): at for at, cell in enumerate(cells)}
            missing = [one.title for one in columns if one.needed and one.title not in heading]
            if missing:
                raise Rejected(f"工作表“{sheet}”的标题行里缺少：{'、'.join(missing)}。请照导出的表头填写。")
            places = {one.key: heading[one.title] for one in columns if one.title in heading}
            continue
        count += 1
        if count > MOST_ROWS:
            raise Rejected(f"工作表“{sheet}”超过 {MOST_ROWS} 行。请分成几份。")
        values: dict[str, Any] = {}
        faults: list[SheetFault] = []
        for one in columns:
            if one.key not in places:
                continue
            at = places[one.key]
            value, fault = one.read(cells[at] if at < len(cells) else "")
            values[one.key] = value
            if fault:
                faults.append(SheetFault(sheet, number, one.title, fault, one.expected))
        yield SheetRow(number, values), faults


def _entry(entries: dict[tuple[str, str], Entry], sheet: str, values: Mapping[str, Any]) -> Entry:
    kind, key = _OWNERS.get(sheet, (values.get("owner") or "type", "of"))
    code = str(values.get(key) or "")
    place = (kind, f"{values.get('kind')}/{code}" if kind == "pattern" else code)
    return entries.setdefault(place, Entry(kind, code))


def _file(entry: Entry, sheet: str, row: SheetRow) -> None:
    part = _PARTS.get(sheet)
    if part is None:
        if entry.header is not None:
            said = f"“{entry.code}”在第 {entry.header.number} 行已经出现过。"
            entry.faults.append(
                SheetFault(sheet, row.number, SHEETS[sheet][0].title, said, "每个条目只占一行")
            )
            return
        entry.header = row
        return
    rows = getattr(entry, part)
    if rows is None:
        rows = []
        setattr(entry, part, rows)
    rows.append(row)
