"""The rows of an .xlsx as text, in constant memory: which sheet, and what is refused before it is unpacked.

Guarantees: packages that unpack to absurd sizes, are locked, damaged, or of another kind are refused with a sentence that
says what to do. An .xlsx that is damaged in the middle is found out there: rows before the damage have been given out
by then.
Not here: delimited text (`storage.spreadsheet`), writing (`storage.sheet_writer`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from hub.errors import Rejected
from storage.merged_cells import Merged, merged_down
from storage.shared_strings import SharedStrings
from storage.xlsx import declared_rows, sheet_rows
from storage.xlsx_parts import Book, Sheet, open_book, refuse_dtd

Row = tuple[int, list[str]]

MAX_ENTRIES = 5000
MAX_UNPACKED = 4 << 30
MAX_RATIO = 200
_RATIO_FROM = 32 << 20

SAVE_AS = "请用 Excel 或 WPS 打开，另存为 .xlsx 后再导入。"
_DAMAGED = "工作簿已损坏或没有传完整。请重新导出，或用 Excel 或 WPS 打开并另存后再导入。"


class SheetRows:
    """Iterable of (row number as on the screen, cells as text). Each iteration starts anew. Close it after use."""

    def __init__(self, *, kind: str, total_rows: int | None, size: int) -> None:
        self.kind = kind
        self.total_rows = total_rows
        self.sheet_names: tuple[str, ...] = ()
        self.encoding: str | None = None
        self.delimiter: str | None = None
        self._size = max(size, 1)
        self._read = 0
        #: Cells that are merged downwards: their value stands in the first of their rows alone.
        self.merged: Callable[[], Merged] = dict
        self._start: Callable[[], Iterator[Row]] = lambda: iter(())
        self._open = ExitStack()

    def __iter__(self) -> Iterator[Row]:
        self._read = 0
        return self._start()

    def position(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(self._read / self._size, 1.0)

    def close(self) -> None:
        """Close the file and drop what was kept on disk for it."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _progress(self, count: int) -> None:
        self._read += count


def read_book(path: Path, wanted: str | None) -> SheetRows:
    """Open a workbook; without `wanted`, its first visible worksheet."""
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(path.open("rb"))
            book = open_book(stream, _check_package)
            opened.enter_context(book.package)
            sheet = _choose(book, wanted)
            total = declared_rows(book.package, sheet)
            size = book.package.getinfo(sheet.part).file_size
            if book.strings_part is not None:
                refuse_dtd(book.package, book.strings_part)
                size += book.package.getinfo(book.strings_part).file_size
        except _BROKEN as error:
            raise Rejected(_DAMAGED) from error
        rows = SheetRows(kind="xlsx", total_rows=total, size=size)
        rows.sheet_names = tuple(found.name for found in book.sheets)
        rows.merged = lambda: merged_down(book.package, sheet.part)
        rows._start = lambda: _xlsx_rows(book, sheet, progress=rows._progress)
        rows._open = opened.pop_all()
    return rows


def _xlsx_rows(book: Book, sheet: Sheet, *, progress: Callable[[int], None]) -> Iterator[Row]:
    try:
        strings = _strings(book, progress)
        try:
            yield from sheet_rows(book, sheet, strings, progress=progress)
        finally:
            strings.close()
    except _BROKEN as error:
        raise Rejected(_DAMAGED) from error


def _strings(book: Book, progress: Callable[[int], None]) -> SharedStrings:
    if book.strings_part is None:
        return SharedStrings(None, progress=progress)
    with book.package.open(book.strings_part) as stream:
        return SharedStrings(stream, progress=progress)


def _choose(book: Book, wanted: str | None) -> Sheet:
    if wanted is not None:
        for sheet in book.sheets:
            if sheet.name == wanted:
                return sheet
        names = "、".join(sheet.name for sheet in book.sheets)
        raise Rejected(f"工作簿里没有名为“{wanted}”的工作表，只有：{names}。")
    for sheet in book.sheets:
        if not sheet.hidden:
            return sheet
    raise Rejected("工作簿里没有可见的工作表。")


def _check_package(package: ZipFile) -> None:
    """Refuse what unpacks to absurd sizes, what is locked, and what is another kind of package."""
    entries = package.infolist()
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Rejected("压缩包展开后过大，疑似恶意文件，已拒绝。")
    for entry in entries:
        if entry.file_size > _RATIO_FROM and entry.file_size > MAX_RATIO * entry.compress_size:
            raise Rejected("压缩包的压缩比异常，疑似恶意文件，已拒绝。")
        if entry.flag_bits & 1:
            raise Rejected("文件有密码保护，无法读取。请去掉密码后再导入。")
    names = {entry.filename.lower() for entry in entries}
    if "xl/workbook.bin" in names:
        raise Rejected("这是 .xlsb 二进制工作簿。" + SAVE_AS)
    if "content.xml" in names:
        raise Rejected("这是 .ods 表格。" + SAVE_AS)
    if "[content_types].xml" not in names:
        raise Rejected("这是压缩包而不是电子表格。请先解压，再导入其中的 .xlsx 或 .csv 文件。")


# How the libraries complain of a file that is not what it should be: openpyxl has no exceptions of its own for it.
_BROKEN = (
    BadZipFile,
    zlib.error,
    EOFError,
    ParseError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
)
