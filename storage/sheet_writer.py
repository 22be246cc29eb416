"""Sheets that people open in Excel or WPS: .xlsx and .csv, written row by row in constant memory.

Guarantees: every cell of an .xlsx is text (long numbers keep their digits, nothing is ever a formula); in a .csv a
cell that a spreadsheet would take for a formula gets a leading apostrophe. The file appears under its name only when
whole, and readable by its owner alone, for sheets of ours name persons.
Not here: types, colours.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from hub.errors import Rejected

MAX_ROWS = 1_048_576
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,
    "default_format_properties": {"font_name": "等线", "font_size": 11},
}
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)|^<(?=r>)")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d+)?")
_WIDE = re.compile("[ᄀ-￿]")


def write_rows(
    path: str | Path,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "Sheet1",
    encoding: str = "utf-8-sig",
    widths: Sequence[int] | None = None,
) -> int:
    """Write a sheet, .xlsx or .csv by the name's ending; `encoding` is of .csv only. Gives the number of rows."""
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".xlsx", ".csv"):
        raise Rejected(f"文件名“{path.name}”应以 .xlsx 或 .csv 结尾。")
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Rejected(f"无法写入 {path}：{error.strerror}。") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            if kind == ".xlsx":
                count = _write_xlsx(stream, header, rows, title=title, widths=widths, folder=path.parent)
            else:
                count = _write_csv(stream, header, rows, encoding=encoding)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
    return count


def write_book(
    path: str | Path, sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[object]]]]
) -> None:
    """Write an .xlsx of several sheets, each with its title, heading and rows."""
    path = Path(path)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with (
            os.fdopen(handle, "wb") as stream,
            tempfile.TemporaryDirectory(prefix=".sheet-", dir=path.parent) as scratch,
        ):
            workbook = Workbook(stream, {**_OPTIONS, "tmpdir": scratch})
            formats = [workbook.add_format({"num_format": "@", "bold": bold}) for bold in (False, True)]
            for title, header, rows in sheets:
                _fill_sheet(workbook.add_worksheet(_title(title), _TextSheet), header, rows, *formats)
            workbook.close()
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def _fill_sheet(
    sheet: Worksheet,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    text: Format,
    bold: Format,
) -> None:
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(header):
        width = min(max(len(name) + len(_WIDE.findall(name)) + 4, 12), 40)
        sheet.set_column(column, column, width, text)
    _put(sheet, 0, header, bold)
    for number, row in enumerate(rows, 1):
        if number >= MAX_ROWS:
            raise Rejected(f"一个工作表最多 {MAX_ROWS} 行。")
        _put(sheet, number, row, text)


def _write_csv(
    stream: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[object]], *, encoding: str
) -> int:
    count = 0
    text = io.TextIOWrapper(stream, encoding=encoding, newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow([_unarmed(str(cell)) for cell in header])
    for row in rows:
        writer.writerow(["" if cell is None else _unarmed(str(cell)) for cell in row])
        count += 1
    text.flush()
    text.detach()
    return count


def _unarmed(text: str) -> str:
    """The text, such that no spreadsheet program takes it for a formula when it opens a .csv."""
    text = text.replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def _write_xlsx(
    stream: IO[bytes],
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str,
    widths: Sequence[int] | None,
    folder: Path,
) -> int:
    count = 0
    with tempfile.TemporaryDirectory(prefix=".sheet-", dir=folder) as scratch:
        workbook = Workbook(stream, {**_OPTIONS, "tmpdir": scratch})  # its scratch files hold the rows, too
        text, bold = (workbook.add_format({"num_format": "@", "bold": bold}) for bold in (False, True))
        sheet = workbook.add_worksheet(_title(title), _TextSheet)
        try:
            sheet.freeze_panes(1, 0)
            wide = widths or [min(max(len(name) + len(_WIDE.findall(name)) + 4, 10), 40) for name in header]
            for column, width in enumerate(wide):
                sheet.set_column(column, column, width, text)
            _put(sheet, 0, header, bold)
            for count, row in enumerate(rows, 1):
                if count >= MAX_ROWS:
                    raise Rejected(f"一个工作表最多 {MAX_ROWS} 行，请改用 .csv。")
                _put(sheet, count, row, text)
            workbook.close()
        except FileCreateError as error:
            raise Rejected("写入表格文件失败，请检查磁盘空间。") from error
        finally:
            sheet._opt_close()
    return count


def _put(sheet: Worksheet, number: int, cells: Sequence[object], shown_as: Format) -> None:
    for column, cell in enumerate(cells):
        if cell is not None and cell != "":
            sheet.write_string(number, column, str(cell), shown_as)


def _title(wanted: str) -> str:
    """A name that a worksheet may have."""
    return re.sub(r"[\\/*?:\[\]\x00-\x1f]", " ", wanted)[:31].strip("' ") or "Sheet1"


class _TextSheet(Worksheet):  # type: ignore[misc]
    """A worksheet in which every text stays what it is.

    XlsxWriter takes a text that begins with `<r>` and ends with `</r>` for markup and would write it as such, misses
    the second of two overlapping `_x0041_x0042_`, and stops at half a surrogate pair.
    """

    @staticmethod
    def _escape_control_characters(data: str) -> str:
        return _UNSPEAKABLE.sub(_spelled, data)


def _spelled(found: re.Match[str]) -> str:
    """Excel's own spelling of what XML cannot carry; half a surrogate pair is nothing at all."""
    code = ord(found[0])
    return "\ufffd" if 0xD800 <= code < 0xE000 else f"_x{code:04X}_"
