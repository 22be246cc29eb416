"""Which mandatory targets of a flow have no source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.connector.document import Flow
from schemas.mapping.fields import FieldInfo
from schemas.mapping.paths import BadPath, Part, parsed


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many mandatory targets there are, which of them nothing fills, which targets nobody knows; in one sentence."""

    required: int
    missing: tuple[FieldInfo, ...]
    unknown: tuple[str, ...]
    words: str


def coverage(flow: Flow, targets: Iterable[FieldInfo]) -> Coverage:
    """What of these targets the flow's rules fill. Of those that can stand for each other one is enough."""
    known = list(targets)
    filled = {way for rule in flow.fields if rule.sources or rule.steps for way in [_way(rule.target)] if way}
    required = [one for one in known if one.required]
    missing, met = [], set()
    for one in required:
        if _is_filled(_way(one.path), filled):
            met.add(one.one_of)
    for one in required:
        if not _is_filled(_way(one.path), filled) and not (one.one_of and one.one_of in met):
            missing.append(one)
    shown = _one_each(missing)
    ways = {_way(one.path) for one in known}
    unknown = tuple(
        rule.target
        for rule in flow.fields
        if known
        and not any(_way(rule.target)[:length] in ways for length in range(1, len(_way(rule.target)) + 1))
    )
    return Coverage(len(_one_each(required)), tuple(shown), unknown, _sentence(shown))


def _way(path: str) -> tuple[Part, ...]:
    try:
        return parsed(path)
    except BadPath:
        return (path,)


def _is_filled(way: tuple[Part, ...], filled: set[tuple[Part, ...]]) -> bool:
    """It has a rule, or something within it has, or what it lies in."""
    return any(one[: len(way)] == way or way[: len(one)] == one for one in filled)


def _one_each(fields: Sequence[FieldInfo]) -> list[FieldInfo]:
    """Of those that can stand for each other the first."""
    seen: dict[str, FieldInfo] = {}
    for one in fields:
        seen.setdefault(f"*{one.one_of}" if one.one_of else one.path, one)
    return list(seen.values())


def _sentence(missing: Sequence[FieldInfo]) -> str:
    if not missing:
        return "必填的目标都有来源"
    names = "、".join(one.one_of or one.title or one.path for one in missing[:10])
    return f"{len(missing)} 个必填目标没有来源：{names}{'…' if len(missing) > 10 else ''}"
