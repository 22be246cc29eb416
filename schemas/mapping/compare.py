"""What changed between two versions of a mapping, field by field and pair by pair, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas.connector.document import CodeTable, FieldRule, Flow, Transform
from schemas.mapping.transforms import TRANSFORMS


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: in which part, which of these, and what it was before and after, in words."""

    part: Literal["field", "when", "each", "place", "table", "pair", "flow"]
    name: str
    kind: Literal["added", "removed", "changed"]
    before: str = ""
    after: str = ""


def compare(
    old: Flow | None,
    new: Flow | None,
    old_tables: Iterable[CodeTable] = (),
    new_tables: Iterable[CodeTable] = (),
) -> tuple[Change, ...]:
    """All differences between two versions of a flow and of the code tables; None = there is none."""
    changes: list[Change] = []
    if old is None or new is None:
        whole = new or old
        if whole:
            changes.append(Change("flow", whole.name, "added" if new else "removed"))
    if old or new:
        changes += _flow_changes(old, new)
    return (*changes, *_table_changes(old_tables, new_tables))


def rule_words(rule: FieldRule) -> str:
    """A rule in one line: sources, steps with their options, conditions."""
    steps = [_step_words(step) for step in rule.steps]
    words = " → ".join([*(["、".join(rule.sources)] if rule.sources else []), *steps])
    if rule.when:
        words += f"；仅当 {rule.when}，否则 {'留空' if rule.otherwise is None else rule.otherwise}"
    return words + ("；必填" if rule.required else "") + (f"；备注 {rule.note}" if rule.note else "")


def _step_words(step: Transform) -> str:
    info = TRANSFORMS.get(step.do)
    titles = info.options["properties"] if info else {}
    said = [
        f"{titles.get(name, {}).get('title', name)} {_option_words(value)}"
        for name, value in step.options.items()
    ]
    return (info.title if info else step.do) + (f"（{'，'.join(said)}）" if said else "")


def _option_words(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list | tuple):
        return "、".join(str(one) for one in value)
    return f"“{value}”" if isinstance(value, str) else str(value)


def _flow_changes(old: Flow | None, new: Flow | None) -> list[Change]:
    changes: list[Change] = []
    for part, before, after in (
        ("when", old.when if old else "", new.when if new else ""),
        ("each", old.each if old else "", new.each if new else ""),
    ):
        if before != after:
            changes.append(Change(part, part, _kind(before, after), before, after))  # type: ignore[arg-type]
    places = [_words_of(one.place) if one else {} for one in (old, new)]
    changes += _differences("place", *places)
    rules = [{rule.target: rule_words(rule) for rule in one.fields} if one else {} for one in (old, new)]
    return changes + _differences("field", *rules)


def _words_of(place: Mapping[str, Any]) -> dict[str, str]:
    return {name: _option_words(value) for name, value in place.items()}


def _table_changes(old: Iterable[CodeTable], new: Iterable[CodeTable]) -> list[Change]:
    before, after = {one.name: one for one in old}, {one.name: one for one in new}
    changes = _differences(
        "table",
        {name: f"{one.title}（{len(one.pairs)} 对）" for name, one in before.items() if name not in after},
        {name: f"{one.title}（{len(one.pairs)} 对）" for name, one in after.items() if name not in before},
    )
    for name in before.keys() & after.keys():
        pairs = [dict(reversed(one.pairs)) for one in (before[name], after[name])]
        changes += [
            Change("pair", f"{name}：{one.name}", one.kind, one.before, one.after)
            for one in _differences("pair", *pairs)
        ]
        if (before[name].title, before[name].ours) != (after[name].title, after[name].ours):
            said = [f"{one.title}（{one.ours or '自定'}）" for one in (before[name], after[name])]
            changes.append(Change("table", name, "changed", *said))
    return sorted(changes, key=lambda one: one.name)


def _differences(part: Any, old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Name by name, in the new order, then what is gone."""
    names = [*new, *(name for name in old if name not in new)]
    return [
        Change(part, name, _kind(old.get(name), new.get(name)), old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name) != new.get(name)
    ]


def _kind(before: str | None, after: str | None) -> Literal["added", "removed", "changed"]:
    if not before:
        return "added"
    return "changed" if after else "removed"
