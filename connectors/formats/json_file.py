"""JSON as systems export it: an array of objects, objects one after the other (one a line), or a list inside an object.

Guarantees: memory does not grow with a file of many objects; in a file with one object a line a broken line is a fault of
that line alone; an array that breaks off is said at the place where it breaks, behind the records before it. Numbers with
a fraction are Decimals: no digit is lost.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import IO, Any

from connectors.formats import MOST_ROWS, Reading, Row, Unreadable, Unwritable, Writing
from connectors.formats.encoding import examine, opened
from connectors.formats.values import plain

_PIECE = 1 << 16
_LONGEST = 1 << 20  # characters of one object: a message is no longer
_WHOLE = 32 << 20  # characters of a file that has to be read at once, to find a list inside an object
_WRAPPERS = ("data", "rows", "list", "records", "result", "items")
_BETWEEN = re.compile(r"[,\s\ufeff]*")
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=lambda name: _refuse(name))


def read(file: IO[bytes], how: Reading) -> Iterator[Row]:
    """Its records."""
    stream = opened(file, examine(file, how.encoding))
    try:
        start = stream.read(_PIECE).lstrip("\ufeff \t\r\n")
        if not start:
            raise Unreadable("文件是空的。请重新导出。")
        if how.records_at:
            rows = _inside(start + stream.read(_WHOLE), how.records_at)
        elif start.startswith("["):
            rows = _array(start[1:], stream)
        elif start.startswith("{"):
            rows = _objects(start, stream)
        else:
            raise Unreadable('文件不是 JSON，应是对象的数组，或每行一个对象，如 {"编号":"…"}。')
        for row in rows:
            yield row
            if row[0] >= MOST_ROWS:
                yield row[0] + 1, {}, f"文件超过 {MOST_ROWS} 条，之后的没有读取。请分成几个文件。"
                return
    finally:
        stream.detach()


def write(
    file: IO[bytes], columns: Sequence[str], records: Iterable[Mapping[str, Any]], how: Writing
) -> None:
    """One object for each record, in the shape asked for; a shape of one object takes one record."""
    del columns  # every object brings its own names
    separator = b""
    ends = {"array": (b"[\n", b",\n", b"\n]\n"), "lines": (b"", b"\n", b"\n"), "object": (b"", b"\n", b"\n")}
    begin, between, end = ends[how.json_shape]
    encoding = how.encoding.removesuffix("-sig")  # no reader of JSON wants a byte order mark
    file.write(begin)
    for record in records:
        try:
            written = json.dumps(record, ensure_ascii=False, default=plain, allow_nan=False).encode(encoding)
        except (ValueError, TypeError) as error:
            raise Unwritable(f"这条记录写不成 JSON：{error}") from error
        file.write(separator + written)
        separator = between
    file.write(end)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _array(text: str, stream: io.TextIOWrapper) -> Iterator[Row]:
    number = 0
    while True:
        text = text[_end_of_gap(text) :]
        if not text and not (text := stream.read(_PIECE)):
            yield number + 1, {}, "JSON 数组到这里断了，文件没有传完整。请重新导出。"
            return
        if (gap := _end_of_gap(text)) == len(text):
            continue
        if text[gap] == "]":
            return
        number += 1
        found, text = _next_object(text[gap:], stream)
        if isinstance(found, str):
            yield number, {}, found + "之后的没有读取。"
            return
        yield _checked(found, number)


def _objects(text: str, stream: io.TextIOWrapper) -> Iterator[Row]:
    """One after the other, with or without line ends between; what is broken ends at the end of its line."""
    number = 0
    while True:
        if (gap := _end_of_gap(text)) == len(text):
            text = stream.read(_PIECE)
            if not text:
                return
            continue
        number += 1
        found, rest = _next_object(text[gap:], stream)
        if isinstance(found, str):
            yield number, {}, found
            if rest.partition("\n")[0].strip() in (
                "{",
                "",
            ):  # an object over many lines: nobody knows where it ends
                return
            text = _behind_line(rest, stream)
        else:
            yield _checked(found, number)
            text = rest


def _next_object(text: str, stream: io.TextIOWrapper) -> tuple[Any, str]:
    """What stands at the beginning, or words for why nothing can be read there; and the text behind it."""
    while True:
        try:
            found, end = _DECODER.raw_decode(text)
            return found, text[end:]
        except (ValueError, RecursionError):
            hopeless = not text.startswith("{") or len(text) > _LONGEST
            more = "" if hopeless else stream.read(_PIECE)
            if not more:
                return _why(text), text
            text += more


def _why(text: str) -> str:
    if len(text) > _LONGEST:
        return f"这里不是完整的 JSON 对象，或一个对象超过 {_LONGEST} 字。"
    return "这里不是完整的 JSON 对象，请核对引号、逗号和括号。"


def _behind_line(text: str, stream: io.TextIOWrapper) -> str:
    while "\n" not in text:
        text = stream.read(_PIECE)
        if not text:
            return ""
    return text.partition("\n")[2]


def _end_of_gap(text: str) -> int:
    found = _BETWEEN.match(text)
    return found.end() if found else 0


def _checked(found: Any, number: int) -> Row:
    if not isinstance(found, dict):
        return number, {}, "这里不是 JSON 对象（用花括号括起的一组“名称:值”）。"
    if len(found) == 1:
        (name, inner), *_ = found.items()
        if isinstance(inner, list) and name.lower() in _WRAPPERS:
            return number, {}, f"数据在“{name}”里面。请在连接器设置的“数据所在位置”里填写 {name}。"
    return number, found, None


def _inside(text: str, records_at: str) -> Iterator[Row]:
    if len(text) > _WHOLE:
        raise Unreadable(
            f"文件超过 {_WHOLE >> 20} 百万字，无法从中取出“{records_at}”。请改为导出数组或每行一个对象。"
        )
    try:
        here, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"文件不是完整的 JSON（{error}）。请重新导出。") from error
    for name in records_at.split("."):
        if not isinstance(here, dict) or name not in here:
            raise Unreadable(f"文件里没有“{records_at}”。请核对连接器设置的“数据所在位置”。")
        here = here[name]
    for number, found in enumerate(here if isinstance(here, list) else [here], 1):
        yield _checked(found, number)
