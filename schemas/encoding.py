"""The one door to orjson: how the project writes and reads JSON.

Guarantees: what `loads` returns came from well-formed UTF-8 JSON and holds no NUL character (no database keeps one),
so it can be stored as it is. Does not guarantee: that keys were unique (the last of two equal keys wins, as in orjson),
nor anything about the shape; see `schemas.messages` for that.
"""

from __future__ import annotations

from typing import Any

import orjson


class Malformed(ValueError):
    """The bytes are not JSON that we can keep."""


def dumps(obj: Any) -> bytes:
    """Compact UTF-8 JSON, keys in the order given; a UTC time ends in 'Z', another keeps its offset."""
    return orjson.dumps(obj, option=orjson.OPT_UTC_Z)


def canonical(obj: Any) -> bytes:
    """Like `dumps`, with sorted keys: equal values give equal bytes, fit for hashing."""
    return orjson.dumps(obj, option=orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS)


def loads(raw: bytes | bytearray | memoryview | str) -> Any:
    """The value written in `raw`, or `Malformed` with the cause in Chinese."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"内容不是有效的 UTF-8 JSON（第 {error.lineno} 行第 {error.colno} 列）。") from error
    if (r"\u0000" if isinstance(raw, str) else rb"\u0000") in _searchable(raw) and _holds_nul(value):
        raise Malformed(r"内容含有空字符（\u0000），无法保存。")
    return value


def _searchable(raw: bytes | bytearray | memoryview | str) -> Any:
    return bytes(raw) if isinstance(raw, memoryview) else raw


def _holds_nul(value: Any) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False
