"""XLSX, one sheet: read by the hub's own safe reader (`storage.book_rows`), written cell by cell as what it is.

Guarantees: bombs, locked and damaged workbooks are refused; memory does not grow with the sheet; nothing that is written
is ever a formula, and numbers longer than Excel keeps (15 digits) are written as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

from connectors.formats import LONGEST_CELL, Reading, Row, Unreadable, Unwritable, Writing
from connectors.formats.table import Cells, records
from connectors.formats.values import cell_text
from hub.errors import Rejected
from storage.book_rows import SheetRows, read_book

#: Of a cell, by Excel's own limits.
LONGEST_WRITTEN = 32_767
MOST_WRITTEN = 1_048_575
_KEPT_DIGITS = 15


def read(file: IO[bytes], how: Reading) -> Iterator[Row]:
    """Its records."""
    file.seek(0)
    if not file.read(4).startswith(b"PK"):
        raise Unreadable(
            "文件名是 .xlsx，内容却不是工作簿（可能是 .xls、网页或文本）。请用 Excel 或 WPS 另存为 .xlsx。"
        )
    try:
        # The same file once more by its descriptor: it may have no name any longer.
        with read_book(Path(f"/dev/fd/{file.fileno()}"), how.sheet or None) as rows:
            yield from records(_cells(rows), how, strict_width=False)
    except Rejected as error:
        raise Unreadable(error.message.replace("后再导入", "后再放入")) from error


def write(
    file: IO[bytes], columns: Sequence[str], records: Iterable[Mapping[str, Any]], how: Writing
) -> None:
    """A heading and one row for each record."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(how.sheet[:31] or "Sheet1")
    try:
        sheet.append([_cell(sheet, name) for name in columns])
        for count, record in enumerate(records):
            if count >= MOST_WRITTEN:
                raise Unwritable(f"一个工作表最多 {MOST_WRITTEN} 行，请改用 CSV。")
            sheet.append([_cell(sheet, record.get(name)) for name in columns])
    except IllegalCharacterError as error:
        raise Unwritable("有一格含有 Excel 不允许的控制字符。") from error
    finally:
        if not sheet.closed:
            sheet.close()
    book.save(file)


def _cells(rows: SheetRows) -> Iterator[Cells]:
    """The rows, a cell that is merged downwards filled into each row that it stands beside."""
    merged, filling = rows.merged(), dict[int, tuple[int, str]]()
    for number, cells in rows:
        if max(map(len, cells), default=0) > LONGEST_CELL:
            yield number, f"有一格超过 {LONGEST_CELL} 字的上限。"
            continue
        for column, (last, text) in [*filling.items()]:
            if number > last:
                del filling[column]
            elif column <= len(cells):
                cells[column - 1] = cells[column - 1] or text
            else:
                cells += [""] * (column - 1 - len(cells)) + [text]
        for column, last in merged.get(number, ()):
            if column <= len(cells) and cells[column - 1]:
                filling[column] = last, cells[column - 1]
        yield number, cells


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and _kept(value):
        return WriteOnlyCell(sheet, value)
    text = cell_text(value)
    if len(text) > LONGEST_WRITTEN:
        raise Unwritable(f"“{text[:20]}…”有 {len(text)} 字，超过 Excel 一格 {LONGEST_WRITTEN} 字的上限。")
    cell = WriteOnlyCell(sheet, text or None)
    if text:
        cell.data_type = (
            "s"  # else openpyxl takes what begins with '=' for a formula, and '#N/A' for an error
        )
    return cell


def _kept(value: int | float | Decimal) -> bool:
    return len(cell_text(value).replace("-", "").replace(".", "")) <= _KEPT_DIGITS
