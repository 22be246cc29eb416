"""Where a value is in a record: `case.project_no`, `materials[].material_name`, `steps[0].org_name`, `"odd.key".x`.

Keys are joined by dots and quoted where they hold one of . [ ] " or a blank at an end; `[]` is every element of a list,
`[0]` the first. Paths are spelled by `spelled`, never typed: what it writes, `parsed` reads as the same parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal

MAX_PARTS = 20
MAX_LENGTH = 500


class _Every(Enum):
    EVERY = "[]"


#: Every element of a list.
EVERY: Final = _Every.EVERY
Part = str | int | Literal[_Every.EVERY]
#: The element of `Flow.each` in hand, and its number from 1: beside the fields of the message.
ITEM, NUMBER = "@item", "@no"
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|\[(\d{0,6})\]|([^.\[\]"]+)|(\.)')


class BadPath(ValueError):
    """It cannot be read; the sentence says why."""


@lru_cache(maxsize=4096)
def parsed(path: str) -> tuple[Part, ...]:
    """The parts of a path. Raises BadPath."""
    parts: list[Part] = []
    at, key_may_follow = 0, True
    while at < len(path) and len(path) <= MAX_LENGTH:
        found = _TOKEN.match(path, at)
        if not found or len(parts) > MAX_PARTS:
            break
        quoted, index, bare, dot = found.groups()
        at = found.end()
        if dot:
            if key_may_follow:
                break
            key_may_follow = True
            continue
        if index is not None:
            if key_may_follow:
                break
            parts.append(int(index) if index else EVERY)
            continue
        if not key_may_follow:
            break
        parts.append(bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        key_may_follow = False
    if not parts or not isinstance(parts[0], str) or at < len(path) or key_may_follow:
        raise BadPath(f"路径“{path[:80]}”读不懂，请从字段列表中重新选取")
    return tuple(parts)


def spelled(parts: Sequence[Part]) -> str:
    """The one way to write these parts."""
    text = ""
    for part in parts:
        if part is EVERY:
            text += "[]"
        elif isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + _key(str(part))
    return text


def _key(key: str) -> str:
    if key and key == key.strip() and not re.search(r'[.\[\]"\\]', key):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def getter(path: str) -> Callable[[Mapping[str, Any]], Any]:
    """What reads this path from a record: None where nothing is there, a flat list where the path holds '[]'."""
    parts = parsed(path)
    if len(parts) == 1:
        key = str(parts[0])
        return lambda record: record.get(key)
    if EVERY in parts:
        return lambda record: _every(record, parts)
    return lambda record: _one(record, parts)


def found(record: Mapping[str, Any], path: str) -> Any:
    """The value at a path of a record."""
    return getter(path)(record)


def _one(here: Any, parts: Sequence[Part]) -> Any:
    for part in parts:
        if isinstance(part, str):
            if not isinstance(here, Mapping):
                return None
            here = here.get(part)
        elif isinstance(here, list | tuple) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return None
    return here


def _every(here: Any, parts: Sequence[Part]) -> list[Any]:
    """All values behind '[]', in order; elements that have nothing there are left out."""
    values = [here]
    for part in parts:
        if part is EVERY:
            values = [one for several in values if isinstance(several, list | tuple) for one in several]
        else:
            values = [_one(one, (part,)) for one in values]
    return [one for one in values if one is not None]


def putter(path: str) -> Callable[[dict[str, Any], Any], None]:
    """What writes a value at this path of a new record; objects on the way are made. Raises BadPath for paths into lists."""
    parts = parsed(path)
    keys = [part for part in parts if isinstance(part, str)]
    if len(keys) != len(parts):
        raise BadPath(f"目标“{path[:80]}”不能指向列表中的一项")
    *way, last = keys

    def put(record: dict[str, Any], value: Any) -> None:
        here = record
        for key in way:
            following = here.get(key)
            if not isinstance(following, dict):
                following = here[key] = {}
            here = following
        here[last] = value

    return put


def within(path: str, each: str) -> str:
    """A path as it is for one element of `each`: what lies in that list is read from the element in hand."""
    parts, list_parts = parsed(path), parsed(each)
    if parts[: len(list_parts)] == list_parts:
        return spelled((ITEM, *parts[len(list_parts) :]))
    return path
