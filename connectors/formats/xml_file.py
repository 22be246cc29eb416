"""XML: one element for each record; its children and attributes are the fields.

Guarantees: a file with a DTD is refused before anything is expanded or fetched; memory does not grow with the number of
records; depth and size of one record are limited. Written names are always well formed: what a name may not hold is
spelled `_xHHHH_`, and read back so. Namespaces are left out of the names. An XML that is damaged in the middle is said
there, behind the records before it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError, iterparse
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse as defused_iterparse

from connectors.formats import MOST_ROWS, Reading, Row, Unreadable, Unwritable, Writing
from connectors.formats.encoding import examine, opened
from connectors.formats.values import cell_text

_LARGEST = 8 << 20  # bytes between the ends of two records
_DEEPEST = 30
_GB = ("gb18030", "gbk", "gb2312", "cp936")
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.\-]+)""")
_DECLARATION = re.compile(r"\s*<\?xml.*?\?>", re.DOTALL)
_UNFIT = re.compile(r"[^\w.\-·]")
_SPELLED = re.compile(r"_x([0-9A-Fa-f]{4,5})_")
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(file: IO[bytes], how: Reading) -> Iterator[Row]:
    """Its records."""
    for look in (_refuse_dtd, _records):
        pieces = _Pieces(file, how)
        try:
            yield from look(pieces, how)
        finally:
            pieces.close()


def write(
    file: IO[bytes], columns: Sequence[str], records: Iterable[Mapping[str, Any]], how: Writing
) -> None:
    """A root, and one element for each record; what is nothing is left out."""
    del columns  # every element brings its own names
    encoding = how.encoding.removesuffix("-sig")
    root, each = spelled(how.root_element), spelled(how.record_element)

    def put(text: str) -> None:
        file.write(text.encode(encoding, "xmlcharrefreplace"))

    put(f'<?xml version="1.0" encoding="{encoding.upper()}"?>\n<{root}>\n')
    for record in records:
        put(f"  <{each}>\n{''.join(_lines(record, 2))}  </{each}>\n")
    put(f"</{root}>\n")


def spelled(name: str) -> str:
    """A name that XML allows."""
    text = _UNFIT.sub(lambda found: f"_x{ord(found[0]):04X}_", name)
    return (
        text
        if text and (text[0].isalpha() or text[0] == "_")
        else f"_x{ord(text[0]):04X}_{text[1:]}"
        if text
        else "_"
    )


def _lines(record: Mapping[str, Any], depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise Unwritable("这条记录的层次太深，写不成 XML。")
    for name, value in record.items():
        tag = spelled(str(name))
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, Mapping):
                inner = "".join(_lines(one, depth + 1))
                yield f"{'  ' * depth}<{tag}>\n{inner}{'  ' * depth}</{tag}>\n"
            elif one is not None:
                yield f"{'  ' * depth}<{tag}>{_speakable(cell_text(one))}</{tag}>\n"


def _speakable(text: str) -> str:
    if _UNSPEAKABLE.search(text):
        raise Unwritable(f"“{text[:20]}”里有 XML 不允许的控制字符。")
    return escape(text, {"\r": "&#13;"})


class _Pieces:
    """A file as UTF-8 that refuses a single record which would fill the memory.

    The parser knows no encoding of more than one byte but UTF-8 and UTF-16: GB18030 is told it as UTF-8.
    """

    def __init__(self, file: IO[bytes], how: Reading) -> None:
        file.seek(0)
        declared = _DECLARED.match(file.read(200))
        encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
        file.seek(0)
        self._file = file
        self._text: io.TextIOWrapper | None = None
        self._piece = 0
        if (wanted := how.encoding if how.encoding != "auto" else encoding) in _GB:
            self._text = opened(file, examine(file, "gb18030"))
            self._start = _DECLARATION.sub("", self._text.read(200), count=1).encode()
        elif how.encoding == "utf-8" and wanted != encoding and declared:
            raise Unreadable(f"XML 里写的编码是 {encoding}，设置的是 UTF-8。请把设置改为“自动识别”。")

    def read(self, size: int = -1) -> bytes:
        chunk = self._transcoded(self._text, size) if self._text is not None else self._file.read(size)
        self._piece += len(chunk)
        if self._piece > _LARGEST:
            raise Unreadable(f"XML 里有一条记录超过 {_LARGEST >> 20} MB，或设置的记录元素不存在。")
        return chunk

    def next_piece(self) -> None:
        """What was read so far has been dealt with."""
        self._piece = 0

    def close(self) -> None:
        """Let go of the file, which stays open."""
        if self._text is not None:
            self._text.detach()

    def _transcoded(self, text: io.TextIOWrapper, size: int) -> bytes:
        start, self._start = self._start, b""
        return start + text.read(size).encode()


def _refuse_dtd(pieces: _Pieces, how: Reading) -> Iterator[Row]:
    """No record. A DTD can only stand before the root, so that the fast parser may read the rest."""
    del how
    try:
        for _ in defused_iterparse(pieces, events=("start",), forbid_dtd=True):
            return iter(())
    except DefusedXmlException as error:
        raise Unreadable(
            "XML 里含有 DTD 声明，可能被用于攻击，已拒绝。请去掉 <!DOCTYPE …> 后重新导出。"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"文件不是 XML，或已损坏：{error}。请重新导出。") from error
    raise Unreadable("文件是空的。请重新导出。")


def _records(pieces: _Pieces, how: Reading) -> Iterator[Row]:
    depth = number = 0
    open_at: int | None = None  # how deep the record in hand stands
    above: list[Element] = []
    try:
        for event, element in iterparse(pieces, events=("start", "end")):  # noqa: S314
            if event == "start":
                depth += 1
                above.append(element)
                if open_at is None and depth > 1 and how.record_element in ("", _local(element.tag)):
                    open_at = depth
                if depth > _DEEPEST:
                    raise Unreadable(f"XML 的层次超过 {_DEEPEST} 层，已拒绝。")
                continue
            above.pop()
            if depth == open_at:
                number += 1
                yield number, _fields(element), None
                open_at = None
                pieces.next_piece()
            depth -= 1
            if open_at is None and above:
                above[-1].remove(element)
            if number >= MOST_ROWS:
                yield number + 1, {}, f"文件超过 {MOST_ROWS} 条，之后的没有读取。请分成几个文件。"
                return
    except (ParseError, ValueError, LookupError) as error:
        yield number + 1, {}, f"XML 到这里断了或已损坏，之后的没有读取：{error}。请重新导出。"


def _fields(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name = _local(child.tag)
        value: Any = _fields(child) if len(child) or child.attrib else child.text or ""
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    if (text := (element.text or "").strip()) and not len(element):
        found["#text"] = text
    return found


def _local(tag: str) -> str:
    name = str(tag).rpartition("}")[2]
    return _SPELLED.sub(lambda found: chr(int(found[1], 16)), name) if "_x" in name else name
