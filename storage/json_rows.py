"""JSON as systems export it, as rows of text: an array of objects, or one object a line; judged by content.

Guarantees: as of a spreadsheet (storage.spreadsheet): memory does not grow with the file, the encoding is decided by strict
decoding over the whole of it, and damage is refused with its place before any row is given out. The first row is the
heading: every name that any object has, in the order met. Lists and objects become JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.errors import Rejected
from storage.csv_text import examine
from storage.spreadsheet import Row, SheetRows, read_rows

LONGEST_OBJECT = 1 << 20
MOST_NAMES = 300
_PIECE = 1 << 16
_WRAPPERS = ("data", "rows", "list", "records", "result")


def read_any_rows(path: str | Path, *, sheet: str | None = None) -> SheetRows:
    """A spreadsheet, delimited text or JSON."""
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise Rejected(f"无法打开文件 {path}：{error.strerror}。请核对路径和权限。") from error
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in (b"[", b"{"):
        return read_rows(path, sheet=sheet)
    text = examine(path)
    names: dict[str, None] = {}
    count = 0
    for one in _objects(path, text.encoding):
        count += 1
        names.update(dict.fromkeys(one))
        if len(names) > MOST_NAMES:
            raise Rejected(f"JSON 里有超过 {MOST_NAMES} 个不同的名称，不像是一张表。")
    if not count:
        raise Rejected("JSON 里没有数据。应是对象的数组，或每行一个对象。")
    rows = SheetRows(kind="json", total_rows=count + 1, size=count)
    rows.encoding = text.encoding.removesuffix("-sig")
    rows._start = lambda: _rows(path, text.encoding, list(names), rows)
    return rows


def _rows(path: Path, encoding: str, names: list[str], rows: SheetRows) -> Iterator[Row]:
    yield 1, names
    for number, one in enumerate(_objects(path, encoding), 2):
        rows._progress(1)
        yield number, [_cell(one.get(name)) for name in names]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    return json.dumps(value, ensure_ascii=False)


def _objects(path: Path, encoding: str) -> Iterator[dict[str, Any]]:
    """Every object of an array, or of a file with one after the other."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    count = 0
    with path.open(encoding=encoding, newline="") as stream:
        text = stream.read(_PIECE).lstrip()
        inside = text.startswith("[")
        text = text[1:] if inside else text
        while True:
            text = text.lstrip(", \t\r\n") if count else text.lstrip()
            if not text:
                text = stream.read(_PIECE)
                if not text:
                    break
                continue
            if inside and text[0] == "]":
                _nothing_more(text[1:] + stream.read(_PIECE))
                return
            found, end = _one(decoder, text)
            while found is None or (end == len(text)):
                more = stream.read(_PIECE)
                if not more:
                    break
                text += more
                if len(text) > LONGEST_OBJECT + 2 * _PIECE:
                    raise Rejected(f"第 {count + 1} 个对象超过 {LONGEST_OBJECT} 字，已拒绝。")
                found, end = _one(decoder, text)
            count += 1
            yield _checked(found, count)
            text = text[end:]
    if inside:
        raise Rejected(f"JSON 数组在第 {count} 个对象之后断了，文件没有传完整。请重新导出。")


def _one(decoder: json.JSONDecoder, text: str) -> tuple[Any, int]:
    try:
        found, end = decoder.raw_decode(text)
    except (ValueError, RecursionError):
        return None, 0
    return found, end


def _checked(found: Any, number: int) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Rejected(
            f'第 {number} 个位置不是完整的 JSON 对象。应是对象的数组，或每行一个对象，如 {{"证照编号":"…"}}。'
        )
    if len(found) == 1:
        (name, inner), *_ = found.items()
        if isinstance(inner, list | dict) and name.lower() in _WRAPPERS:
            raise Rejected(f"数据包在“{name}”里面。请只保留其中的数组。")
    return found


def _nothing_more(text: str) -> None:
    if text.strip():
        raise Rejected("JSON 数组后面还有别的内容。请重新导出。")
