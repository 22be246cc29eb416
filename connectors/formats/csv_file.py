"""CSV as departments export and import it: UTF-8 with or without BOM, GB18030, UTF-16; comma, tab, semicolon or bar.

Guarantees: what is not a row (quotes that do not close, NUL characters, endless lines) is a fault of that row, and reading
goes on with the next line; memory does not grow with the file. Written cells that a spreadsheet program would take for a
formula get a leading apostrophe, unless that was switched off.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from connectors.formats import LONGEST_CELL, Reading, Row, Unreadable, Unwritable, Writing
from connectors.formats.encoding import Text, examine, opened
from connectors.formats.table import Cells, records
from connectors.formats.values import cell_text

_DELIMITERS = ",\t;|"
_LONGEST_LINE = 1 << 20
_MOST_LINES = 1000  # of one row: a quoted cell may hold line ends
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d+)?")


def read(file: IO[bytes], how: Reading) -> Iterator[Row]:
    """Its records. Raises Unreadable before the first of them, or never."""
    text = examine(file, how.encoding)
    stream = opened(file, text)
    try:
        delimiter = _delimiter(stream, how)
        stream = _again(stream, file, text)
        plain = text.clean and (how.quote == "none" or not text.quotes)
        rows = _plain_rows(stream, delimiter) if plain else _rows(stream, delimiter, how)
        yield from records(rows, how, strict_width=True)
    finally:
        stream.detach()


def write(
    file: IO[bytes], columns: Sequence[str], records: Iterable[Mapping[str, Any]], how: Writing
) -> None:
    """A heading and one row for each record."""
    text = io.TextIOWrapper(file, encoding=how.encoding, newline="", write_through=False)
    writer = csv.writer(text, delimiter=how.delimiter)
    shown = _unarmed if how.formula_safe else str
    try:
        writer.writerow([shown(name) for name in columns])
        for record in records:
            writer.writerow([_written(record.get(name), shown) for name in columns])
        text.flush()
    except UnicodeEncodeError as error:
        raise Unwritable(f"“{error.object[:20]}”里有 {how.encoding} 编码写不出的字符。") from error
    finally:
        text.detach()


def _written(value: Any, shown: Any) -> str:
    text = cell_text(value)
    if "\0" in text:
        raise Unwritable(f"“{text[:20]}”里有空字符（NUL），写进 CSV 后对方无法读取。")
    return str(shown(text))


def _unarmed(text: str) -> str:
    """The text, such that no spreadsheet program takes it for a formula when it opens a .csv."""
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def _again(stream: io.TextIOWrapper, file: IO[bytes], text: Text) -> io.TextIOWrapper:
    stream.detach()
    return opened(file, text)


def _delimiter(stream: io.TextIOWrapper, how: Reading) -> str:
    """The one that stands in most of the first lines, outside quotes; a comma where none stands in more than half."""
    if how.delimiter != "auto":
        return "\t" if how.delimiter == "tab" else how.delimiter
    sample = stream.read(1 << 16)
    if sample.count("\0") * 4 > len(sample):
        raise Unreadable(
            "文件不是文本表格，或是没有标记（BOM）的 UTF-16 编码。请以 UTF-8 重新导出，或另存为 .xlsx。"
        )
    lines = [line for line in re.sub('"[^"]*"', "", sample).splitlines()[:50] if line.strip()]
    having = {
        one: (sum(one in line for line in lines), sum(line.count(one) for line in lines))
        for one in _DELIMITERS
    }
    best = max(_DELIMITERS, key=lambda one: having[one])
    return best if having[best][0] * 2 > len(lines) else ","


def _plain_rows(stream: io.TextIOWrapper, delimiter: str) -> Iterator[Cells]:
    """Rows of a file in which every line is a row: nothing is quoted, and the lines are known to be of human size."""
    reader = csv.reader(stream, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, _words(error)
            continue
        if any(cells):
            yield number, cells


def _rows(stream: io.TextIOWrapper, delimiter: str, how: Reading) -> Iterator[Cells]:
    lines = _Lines(stream)
    bare = how.quote == "none"
    reader = csv.reader(
        lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL, strict=True
    )
    number = 0
    while True:
        number += 1
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _Broken) as error:
            lines.put_back()
            yield number, _words(error)
            continue
        if any(cells):
            yield number, cells


def _words(error: Exception) -> str:
    if isinstance(error, _Broken):
        return str(error)
    if "field larger" in str(error):
        return f"有一格超过 {LONGEST_CELL} 字的上限。"
    return "引号不成对，或引号后面没有分隔符。"


class _Broken(Exception):
    """These lines are no row."""


class _Lines:
    """The lines of a text. Those of the row in hand are remembered, so that all but the first can be read anew."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []

    def begin(self) -> None:
        """The next line begins a row."""
        self._taken.clear()

    def put_back(self) -> None:
        """The row was none: only its first line is lost."""
        self._waiting.extendleft(reversed(self._taken[1:]))

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._stream.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == _LONGEST_LINE and not line.endswith(("\n", "\r")):
            self._skip_line()
            raise _Broken(f"这一行超过 {_LONGEST_LINE} 字，不像是表格的一行。")
        self._taken.append(line)
        if "\0" in line:
            raise _Broken("这一行含有空字符（NUL），文件可能已损坏。")
        if len(self._taken) > _MOST_LINES:
            raise _Broken(f"引号没有收尾（往后 {_MOST_LINES} 行都没有）。")
        return line

    def _skip_line(self) -> None:
        while (more := self._stream.readline(_LONGEST_LINE)) and not more.endswith(("\n", "\r")):
            pass
