"""Rows of one worksheet as text, in constant memory; openpyxl understands the cells.

Guarantees: every cell becomes the text that a person would copy from it: dates as ISO text, whole numbers without
".0", other numbers to the 15 digits that Excel shows and never with an exponent, TRUE/FALSE, error codes as they stand.
Rows keep the number they have on the screen; rows without any content are left out; what a sheet says of its own
size cuts nothing.
Not here: numbers longer than 15 digits were already rounded when the sheet was saved and cannot be recovered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from xml.etree.ElementTree import Element, ParseError
from zipfile import ZipFile

from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.datetime import from_excel
from openpyxl.utils.escape import unescape
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.functions import iterparse

from hub.errors import Rejected
from storage.shared_strings import SharedStrings
from storage.xlsx_parts import MAIN, Book, Counted, Sheet, elements, refuse_dtd, text_of

MAX_COLUMNS = 16384

Row = tuple[int, list[str]]


def declared_rows(package: ZipFile, sheet: Sheet) -> int | None:
    """The number of rows that a sheet says it has. A hint: exporters get it wrong."""
    if refuse_dtd(package, sheet.part) != f"{MAIN}worksheet":
        raise Rejected("工作表的格式无法识别。请用 Excel 或 WPS 打开，另存为普通的 .xlsx 后再导入。")
    with package.open(sheet.part) as stream:
        for _, element in iterparse(stream, events=("start",)):
            if element.tag == f"{MAIN}sheetData":
                return None
            if element.tag == f"{MAIN}dimension":
                return _last_row(element.get("ref", ""))
    return None


def _last_row(reference: str) -> int | None:
    try:
        return int(range_boundaries(reference)[3]) if ":" in reference else None
    except (ValueError, TypeError):
        return None


def sheet_rows(
    book: Book, sheet: Sheet, strings: SharedStrings, *, progress: Callable[[int], None]
) -> Iterator[Row]:
    """(row number, cells) of every row that has any content."""
    # Told of no date styles, openpyxl leaves dates as the numbers they are: of one out of bounds (20260102 typed
    # into a date cell) it would make "#VALUE!".
    parser = _Cells(None, strings, data_only=True)
    number = 0
    with book.package.open(sheet.part) as stream:
        try:
            for element in elements(Counted(stream, progress), f"{MAIN}row", f"{MAIN}sheetData"):
                number, cells = parser.parse_row(element)
                parser.row_dimensions.clear()
                row: list[str] = []
                for cell in cells:
                    if (value := cell["value"]) is not None and (
                        text := _text(value, cell["style_id"], book)
                    ):
                        _put(row, cell["column"], text, number)
                if row:
                    yield number, row
        except ParseError as error:
            raise Rejected(
                f"工作表在第 {number} 行之后已损坏。请用 Excel 或 WPS 打开并另存后再导入。"
            ) from error


class _Cells(WorkSheetParser):  # type: ignore[misc]
    """openpyxl's parser, which trips over fonts inside a text that it does not know; only the text is asked for."""

    def parse_cell(self, element: Element) -> dict[str, object]:
        inline = element.find(f"{MAIN}is") if element.get("t") == "inlineStr" else None
        if inline is not None:
            element.remove(inline)
        cell: dict[str, object] = super().parse_cell(element)
        if inline is not None:
            cell["value"] = text_of(inline)
        return cell


def _put(row: list[str], column: int, text: str, number: int) -> None:
    if not 1 <= column <= MAX_COLUMNS:
        raise Rejected(f"第 {number} 行的单元格位置（第 {column} 列）无法识别，文件可能已损坏。")
    if len(row) < column:
        row.extend([""] * (column - len(row)))
    row[column - 1] = text


def _text(value: object, style: int, book: Book) -> str:
    match value:
        case str():
            return unescape(value).encode(errors="replace").decode() if "_x" in value else value
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return date_text(value, book.epoch) if style in book.date_styles else number_text(value)
        case datetime():
            return _date_time(value)
        case date():
            return value.isoformat()
        case time():
            return value.isoformat(timespec="seconds")
        case _:
            return str(value)


def number_text(number: float) -> str:
    """A stored number as Excel shows it: 15 significant digits, no exponent, no trailing zeros."""
    if isinstance(number, int):
        return str(number)
    text = f"{Decimal(f'{number:.15g}'):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def date_text(number: float, epoch: datetime) -> str:
    """A stored date number as `YYYY-MM-DD`, with the time if there is one; what is no date stays a number."""
    try:
        value = from_excel(number, epoch) if number >= 0 else None
    except (ValueError, OverflowError):
        return number_text(number)
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    return _date_time(value) if isinstance(value, datetime) else number_text(number)


def _date_time(value: datetime) -> str:
    value = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
