"""Delimited text as departments export it: which encoding, which delimiter, and its rows.

Guarantees: the encoding is decided over the whole file before any row is given out, by strict decoding; a file that
fits none is refused with the place. NUL characters are refused. Memory does not grow with the file.
Not here: what the columns mean.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hub.errors import Rejected

_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 20
_DELIMITERS = ",\t;"
_CJK = re.compile("[一-鿿]")
_DAMAGED_AFTER = 8  # so many Chinese characters read as UTF-8 are no accident: the file is UTF-8, but damaged

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """How to read one file. `lines` counts line ends: a hint of the number of rows."""

    path: Path
    encoding: str
    delimiter: str
    lines: int


def examine(path: Path) -> Text:
    """Read the file once and decide how it is to be read."""
    with path.open("rb") as stream:
        head = stream.read(4)
    encoding, lines = _encoding(path, head)
    with path.open(encoding=encoding, newline="") as text:
        delimiter = _delimiter(text.read(1 << 16))
    return Text(path, encoding, delimiter, lines)


def text_rows(text: Text, *, progress: Callable[[int], None]) -> Iterator[Row]:
    """(row number, cells) of every row that has any content."""
    with text.path.open(encoding=text.encoding, newline="") as stream:
        reader = csv.reader(_watched(stream, progress), delimiter=text.delimiter, strict=True)
        number = 0
        try:
            for number, cells in enumerate(reader, 1):
                if any(cells):
                    yield number, cells
        except csv.Error as error:
            raise Rejected(
                f"第 {number + 1} 行（文件第 {reader.line_num} 行附近）的引号不成对或单元格过长，无法继续读取。"
                "请用 Excel 或 WPS 打开核对，另存为 .xlsx 后再导入。"
            ) from error


def _watched(stream: TextIO, progress: Callable[[int], None]) -> Iterator[str]:
    """The lines, none longer than a cell can be, reporting bytes every thousand lines."""
    seen = 0
    for count in itertools.count(1):
        line = stream.readline(_LONGEST_LINE)
        if not line:
            break
        if len(line) == _LONGEST_LINE:
            raise Rejected(f"文件第 {count} 行超过 {_LONGEST_LINE} 字，不像是表格，已拒绝。")
        if count % 1000 == 0:
            here = stream.buffer.tell()
            progress(here - seen)
            seen = here
        yield line
    progress(stream.buffer.tell() - seen)


def _encoding(path: Path, head: bytes) -> tuple[str, int]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            found = _Reading(path, encoding)
            if found.failed_at is not None:
                raise Rejected(
                    f"文件标明为 {encoding.removesuffix('-sig').upper()} 编码，但{found.place}无法识别，文件可能已损坏。"
                )
            return encoding, found.lines
    utf8 = _Reading(path, "utf-8")
    if utf8.failed_at is None:
        return "utf-8", utf8.lines
    if utf8.chinese >= _DAMAGED_AFTER:
        raise Rejected(
            f"文件是 UTF-8 编码，但{utf8.place}有损坏的字符。请重新导出，或用 Excel 另存为 .xlsx。"
        )
    gb = _Reading(path, "gb18030")
    if gb.failed_at is None:
        return "gb18030", gb.lines
    raise Rejected(
        f"文件编码无法识别：既不是 UTF-8（{utf8.place}），也不是 GB18030（{gb.place}）。请用 Excel 或 WPS 另存为 .xlsx。"
    )


class _Reading:
    """One strict reading of a whole file in one encoding: how far it went, and what was seen until then."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.lines = 0
        self.chinese = 0
        self.failed_at: int | None = None
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        offset = 0
        with path.open("rb") as stream:
            while True:
                chunk = stream.read(_CHUNK)
                pending = len(decoder.getstate()[0])
                try:
                    text = decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as error:
                    self.failed_at = offset - pending + error.start
                    text = error.object[: error.start].decode(encoding, "ignore")
                self._see(text)
                if self.failed_at is not None or not chunk:
                    return
                offset += len(chunk)

    @property
    def place(self) -> str:
        """Where it failed, for a person."""
        return f"第 {self.lines + 1} 行（第 {(self.failed_at or 0) + 1} 字节）"

    def _see(self, text: str) -> None:
        if "\0" in text:
            raise Rejected("文件含有空字符（NUL），不是文本表格，或已损坏。请用 Excel 或 WPS 另存为 .xlsx。")
        self.lines += text.count("\n")
        if self.chinese < _DAMAGED_AFTER:
            self.chinese += len(_CJK.findall(text))


def _delimiter(sample: str) -> str:
    """The one of comma, tab and semicolon that stands most often outside quotes."""
    bare = re.sub('"[^"]*"', "", sample)
    return max(_DELIMITERS, key=bare.count)
