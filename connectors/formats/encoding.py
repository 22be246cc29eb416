"""Which encoding a text file is in: decided over the whole file, by strict decoding, before any of it is given out.

Guarantees: a file that fits none is refused with the place in bytes and what to do; what was decided decodes to the end.
Memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from typing import IO

from connectors.formats import Unreadable

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CJK = re.compile("[一-鿿]")
_DAMAGED_AFTER = 8  # so many Chinese characters read as UTF-8 are no accident: the file is UTF-8, but damaged
_TITLES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB18030（GBK）"}


@dataclass(frozen=True, slots=True)
class Text:
    """What was seen of a file: whether it has quotes or NUL characters anywhere, and whether every line is of human size."""

    encoding: str
    quotes: bool
    clean: bool


def examine(file: IO[bytes], wanted: str = "auto") -> Text:
    """Read the file once. `wanted`: 'auto', or the encoding that it has to be in. Raises Unreadable."""
    file.seek(0)
    head = file.read(4)
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if marked is not None and (wanted == "auto" or _same(wanted, marked)):
        return _only(file, marked)
    if wanted != "auto":
        return _only(file, wanted)
    utf8 = _Decoding(file, "utf-8")
    if utf8.failed_at is None:
        return utf8.text
    if utf8.chinese >= _DAMAGED_AFTER:
        raise Unreadable(f"文件是 UTF-8 编码，但{utf8.place}已损坏。请重新导出，或另存为 .xlsx。")
    gb = _Decoding(file, "gb18030")
    if gb.failed_at is None:
        return gb.text
    raise Unreadable(
        f"文件编码无法识别：既不是 UTF-8（{utf8.place}），也不是 GB18030（{gb.place}）。"
        "请以 UTF-8 编码重新导出，或另存为 .xlsx。"
    )


def opened(file: IO[bytes], text: Text) -> io.TextIOWrapper:
    """The file's characters from its start, line ends as they are. Closing it closes the file."""
    file.seek(0)
    return io.TextIOWrapper(file, encoding=text.encoding, newline="")


def _same(wanted: str, marked: str) -> bool:
    return wanted.removesuffix("-sig") == marked.removesuffix("-sig")


def _only(file: IO[bytes], encoding: str) -> Text:
    try:
        found = _Decoding(file, encoding)
    except LookupError as error:
        raise Unreadable(f"没有“{encoding}”这种编码，请在连接器设置里改正。") from error
    if found.failed_at is None:
        return found.text
    title = _TITLES.get(encoding, encoding)
    raise Unreadable(
        f"文件不是 {title} 编码，{found.place}无法识别。请在连接器设置里改为“自动识别”或实际的编码，或以 {title} 重新导出。"
    )


class _Decoding:
    """One strict reading of a whole file in one encoding: how far it went, and what was seen until then."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self.encoding = encoding
        self.lines = self.chinese = 0
        self.failed_at: int | None = None
        self._quotes, self._clean = False, True
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        file.seek(0)
        offset = 0
        while True:
            chunk = file.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                self.failed_at = offset - pending + error.start
                self._see(error.object[: error.start].decode(encoding, "ignore"), last=True)
                return
            self._see(text, last=len(chunk) < _CHUNK)
            if not chunk:
                return
            offset += len(chunk)

    @property
    def text(self) -> Text:
        """What was seen of the whole file."""
        return Text(self.encoding, self._quotes, self._clean)

    @property
    def place(self) -> str:
        """Where it failed, for a person."""
        return f"第 {self.lines + 1} 行（第 {(self.failed_at or 0) + 1} 字节）"

    def _see(self, text: str, *, last: bool) -> None:
        lines = text.count("\n")
        self.lines += lines
        self._quotes = self._quotes or '"' in text
        self._clean = self._clean and "\0" not in text and (last or lines > 0)
        if self.chinese < _DAMAGED_AFTER:
            self.chinese += len(_CJK.findall(text, 0, 1 << 14))
