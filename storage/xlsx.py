"""Rows of one worksheet as text, in constant memory.

Guarantees: every cell becomes the text that a person would copy from it: dates as ISO text, whole numbers without
".0", other numbers to the 15 digits that Excel shows and never with an exponent, TRUE/FALSE, error codes as they stand.
Rows keep the number they have on the screen; rows without any content are left out.
Not here: numbers longer than 15 digits were already rounded when the sheet was saved and cannot be recovered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO
from xml.parsers import expat

from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from hub.errors import Rejected
from storage.shared_strings import SharedStrings
from storage.xlsx_parts import CHUNK, MAX_CELL_TEXT, Attributes, Book, local, safe_parser, unescape

MAX_COLUMNS = 16384
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension\s+ref="[A-Z]+\d+:[A-Z]+(\d+)"')

Row = tuple[int, list[str]]


def declared_rows(head: bytes) -> int | None:
    """The number of rows that a sheet says it has, from its first bytes. A hint: exporters get it wrong."""
    found = _DIMENSION.search(head)
    return int(found[1]) if found else None


def sheet_rows(
    stream: IO[bytes], *, book: Book, strings: SharedStrings, progress: Callable[[int], None]
) -> Iterator[Row]:
    """(row number, cells) of every row that has any content."""
    rows = _Rows(book, strings)
    parser = safe_parser(start=rows.start, end=rows.end, text=rows.text)
    try:
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk, False)
            progress(len(chunk))
            yield from rows.done
            rows.done.clear()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Rejected(
            f"工作表在第 {rows.number} 行之后已损坏。请用 Excel 或 WPS 打开并另存后再导入。"
        ) from error


class _Names(dict[str, str]):
    """Element names without prefix, each worked out once."""

    def __missing__(self, name: str) -> str:
        self[name] = found = local(name)
        return found


class _Rows:
    """Turns parser events into rows. One instance reads one sheet."""

    def __init__(self, book: Book, strings: SharedStrings) -> None:
        self.done: list[Row] = []
        self.number = 0
        self._names = _Names()
        self._columns: dict[str, int] = {}
        self._strings = strings
        self._dates = book.date_styles
        self._epoch = MAC_EPOCH if book.epoch_1904 else WINDOWS_EPOCH
        self._row: list[str] = []
        self._column = 0
        self._kind = "n"
        self._style = 0
        self._taking = False
        self._phonetic = False
        self._pieces: list[str] = []
        self._size = 0

    def start(self, name: str, attributes: Attributes) -> None:
        match self._names[name]:
            case "c":
                self._start_cell(attributes)
            case "v":
                self._taking = True
            case "t":
                self._taking = self._kind == "inlineStr" and not self._phonetic
            case "rPh":
                self._phonetic = True
            case "row":
                self.number = _row_number(attributes, self.number + 1)
                self._row = []
                self._column = 0

    def end(self, name: str) -> None:
        match self._names[name]:
            case "c":
                if self._pieces:
                    self._end_cell()
            case "v" | "t":
                self._taking = False
            case "rPh":
                self._phonetic = False
            case "row":
                if self._row and any(self._row):
                    self.done.append((self.number, self._row))

    def text(self, data: str) -> None:
        if self._taking:
            self._size += len(data)
            if self._size > MAX_CELL_TEXT:
                raise Rejected(f"第 {self.number} 行有一个单元格的文字超过 100 万字，已拒绝。")
            self._pieces.append(data)

    def _start_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
        else:
            letters = reference.rstrip("0123456789")
            self._column = self._columns.get(letters) or self._column_of(letters)
        self._kind = attributes.get("t", "n")
        style = attributes.get("s")
        self._style = int(style) if style else 0

    def _column_of(self, letters: str) -> int:
        number = 0
        for letter in letters.upper():
            if not "A" <= letter <= "Z" or number > MAX_COLUMNS:
                number = MAX_COLUMNS + 1
                break
            number = number * 26 + ord(letter) - 64
        if not 1 <= number <= MAX_COLUMNS:
            raise Rejected(f"第 {self.number} 行的单元格位置“{letters[:20]}”无法识别，文件可能已损坏。")
        self._columns[letters] = number
        return number

    def _end_cell(self) -> None:
        raw = self._pieces[0] if len(self._pieces) == 1 else "".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        row, column = self._row, self._column
        value = self._value(raw)
        if len(row) == column - 1:
            row.append(value)
        else:
            row.extend([""] * (column - len(row)))
            row[column - 1] = value

    def _value(self, raw: str) -> str:
        match self._kind:
            case "s":
                if not raw.isdecimal():
                    raise Rejected(f"第 {self.number} 行的文字引用“{raw[:20]}”无法识别，文件可能已损坏。")
                return self._strings[int(raw)]
            case "n":
                if self._style in self._dates:
                    return date_text(raw, self._epoch)
                return number_text(raw)
            case "b":
                return "TRUE" if raw in ("1", "true") else "FALSE"
            case "d":
                return _iso(raw)
            case _:
                return unescape(raw)


def number_text(raw: str) -> str:
    """A stored number as Excel shows it: 15 significant digits, no exponent, no trailing zeros."""
    if raw.isdecimal():
        return raw
    try:
        number = Decimal(raw)
        if not number.is_finite() or abs(number.adjusted()) > 400:
            return raw
    except InvalidOperation:
        return raw
    text = f"{Decimal(f'{number:.15g}'):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def date_text(raw: str, epoch: datetime) -> str:
    """A stored date number as `YYYY-MM-DD`, with the time if there is one; what is no date stays a number."""
    try:
        value = from_excel(float(raw), epoch) if not raw.startswith("-") else None
    except (ValueError, OverflowError):
        return number_text(raw)
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    if not isinstance(value, datetime):
        return number_text(raw)
    value = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")


def _iso(raw: str) -> str:
    try:
        value = datetime.fromisoformat(raw)
    except ValueError:
        return raw
    return (
        value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ", timespec="seconds")
    )


def _row_number(attributes: Attributes, following: int) -> int:
    stated = attributes.get("r", "")
    return int(stated) if stated.isdecimal() and len(stated) < 9 else following
