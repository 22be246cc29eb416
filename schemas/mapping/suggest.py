"""Proposals: which source belongs to which target, and which of their codes is which of ours. Never taken over unasked.

Guarantees: a proposal says why, and how sure it is (0..1); where two sources fit equally well, neither is sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from schemas.connector.document import CodeTable, FieldRule, Transform
from schemas.mapping.fields import FieldInfo
from schemas.mapping.names import Name, code_synonyms, key_of, names_of, plain, wan_columns
from schemas.mapping.paths import EVERY, BadPath, parsed

_DAY = re.compile(r"日期|date|rq\b", re.I)
LEAST_SURE, LEAST_ALIKE = 0.45, 0.75


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule to accept, why it is proposed, and how sure that is."""

    rule: FieldRule
    why: str
    sure: float


class PairSuggestion(NamedTuple):
    """A pair of a code table to accept: theirs, ours, why, and how sure that is."""

    theirs: str
    ours: str
    why: str
    sure: float


class _Match(NamedTuple):
    sure: float
    source: FieldInfo
    why: str


def suggest(
    sources: Iterable[FieldInfo], targets: Iterable[FieldInfo], code_tables: Iterable[CodeTable] = ()
) -> list[Suggestion]:
    """At most one proposal for every target, in the order of the targets."""
    from_, tables = list(sources), list(code_tables)
    index: dict[str, list[tuple[float, FieldInfo, Name]]] = {}
    for source in from_:
        for name in names_of(source):
            index.setdefault(name.text, []).append((name.weight, source, name))
    found = []
    for target in targets:
        match = _best(target, index) or _alike(target, from_)
        if match and match.sure >= LEAST_SURE:
            steps = _steps(match.source, target, tables)
            rule = FieldRule(target.path, (match.source.path,), steps, required=target.required)
            found.append(Suggestion(rule, match.why, round(match.sure, 2)))
    taken = {one.rule.sources for one in found if one.sure >= 0.8}
    return [one for one in found if one.sure >= 0.8 or one.rule.sources not in taken or "相近" not in one.why]


def _best(target: FieldInfo, index: Mapping[str, list[tuple[float, FieldInfo, Name]]]) -> _Match | None:
    """The source that shares the name that says most."""
    best: dict[str, _Match] = {}
    for name in names_of(target):
        for weight, source, its in index.get(name.text, ()):
            if "pinyin" in (name.origin, its.origin) and "own" not in (name.origin, its.origin):
                continue  # 有效期自 and 有效期至 have the same initials: one side has to be written so
            sure = _fitting(weight * name.weight, source, target)
            if source.path not in best or best[source.path].sure < sure:
                why = _why(name, its, source, target)
                best[source.path] = _Match(sure, source, why)
    ranked = sorted(best.values(), key=lambda one: -one.sure)
    if not ranked:
        return None
    first = ranked[0]
    rivals = [
        one for one in ranked[1:] if one.sure > first.sure - 0.05 and not _same(one.source, first.source)
    ]
    if rivals:
        said = "、".join(one.source.path for one in rivals[:3])
        return _Match(min(first.sure, 0.75) - 0.1, first.source, f"{first.why}；同样可能的还有 {said}")
    return first


def _why(wanted: Name, its: Name, source: FieldInfo, target: FieldInfo) -> str:
    """The weaker of the two names says how they came together."""
    name = wanted if wanted.weight <= its.weight else its
    if not name.why.startswith("同义"):
        return name.why
    return f"同义的叫法（{source.title or key_of(source.path)} = {target.title or key_of(target.path)}）"


def _fitting(sure: float, source: FieldInfo, target: FieldInfo) -> float:
    """Less sure where the kinds do not go together, or one of many is asked for one."""
    if _many(source.path) and target.kind not in ("list", "object"):
        sure *= 0.8
    if {source.kind, target.kind} in (
        {"date", "money"},
        {"moment", "money"},
        {"flag", "date"},
        {"list", "date"},
    ):
        sure *= 0.5
    if source.kind == "object" and target.kind != "object":
        sure *= 0.6
    if target.kind == "money":
        theirs, wanted = unit_of(source), unit_of(target)
        sure *= 0.7 if not theirs else 1.0 if theirs == wanted else 0.3
    return min(sure, 0.99)


def unit_of(field: FieldInfo) -> str:
    """万元, 元 or 分, where a field's names say it; an amount without a unit is not guessed."""
    if plain(key_of(field.path)) in wan_columns():
        return "万元"
    said = f"{field.path} {field.title}".lower()
    for unit, words in (
        ("万元", ("万元", "_wan")),
        ("分", ("（分）", "(分)", "_fen")),
        ("元", ("元", "_yuan")),
    ):
        if any(word in said for word in words):
            return unit
    return ""


def _same(one: FieldInfo, other: FieldInfo) -> bool:
    """Two places of a message that say the same, as an element of the sheet and a field of the case."""
    if _many(one.path) != _many(other.path) or not (one.group and other.group):
        return False
    names = {name.text for name in names_of(one) if name.weight >= 0.85 and name.origin != "pinyin"}
    return any(
        name.text in names for name in names_of(other) if name.weight >= 0.85 and name.origin != "pinyin"
    )


def _many(path: str) -> bool:
    try:
        return EVERY in parsed(path)
    except BadPath:
        return False


def _alike(target: FieldInfo, sources: Sequence[FieldInfo]) -> _Match | None:
    """The source whose title or key is nearest by edit distance; never sure."""
    best: _Match | None = None
    for source in sources:
        for one, other in ((target.title, source.title), (key_of(target.path), key_of(source.path))):
            if len(plain(one)) < 3 or len(plain(other)) < 3:
                continue
            alike = SequenceMatcher(None, plain(one), plain(other), autojunk=False).ratio()
            sure = _fitting(alike * 0.75, source, target)
            if alike >= (0.9 if plain(one).isascii() else LEAST_ALIKE) and (best is None or sure > best.sure):
                best = _Match(sure, source, f"名称相近（{one} 与 {other}，{alike:.0%}）")
    return best


def _steps(source: FieldInfo, target: FieldInfo, tables: Sequence[CodeTable]) -> tuple[Transform, ...]:
    """What has to be done on the way, where the kinds differ."""
    steps: list[Transform] = []
    if _many(source.path) and target.kind not in ("list", "object"):
        steps.append(Transform("join", {"separator": "、"}))
    common = source.code_table or target.code_table
    table = next((one for one in tables if one.ours and one.ours == common), None)
    if table:
        return (*steps, Transform("code", {"table": table.name}))
    if target.kind == "date":
        steps.append(
            Transform(
                "date", {"long": "2099-12-31"} if "至" in target.title or "截止" in target.title else {}
            )
        )
    elif target.kind == "moment" and source.kind != "moment":
        steps.append(Transform("moment", {"out": "local"}))
    elif (
        source.kind in ("moment", "date")
        and target.kind == "text"
        and _DAY.search(f"{target.path} {target.title}")
    ):
        steps.append(Transform("date"))
    elif source.kind == "moment" and target.kind == "text":
        steps.append(Transform("moment", {"out": "YYYY-MM-DD HH:mm:ss"}))
    elif target.kind in ("integer", "number", "flag") and source.kind != target.kind:
        steps.append(Transform(target.kind))
    return tuple(steps)


def suggest_pairs(values: Iterable[str], ours: Mapping[str, str]) -> list[PairSuggestion]:
    """For each of their values the code of ours (code -> name) that it means, where that can be told."""
    found = []
    for value in dict.fromkeys(values):
        match = _pair(value, ours)
        if match:
            found.append(match)
    return found


def _pair(value: str, ours: Mapping[str, str]) -> PairSuggestion | None:
    said = plain(value)
    if not said:
        return None
    names = {plain(name): code for code, name in reversed(list(ours.items()))}
    codes = {plain(code): code for code in ours}
    if said in names:
        return PairSuggestion(value, names[said], f"名称相同（{ours[names[said]]}）", 0.98)
    if said in codes:
        return PairSuggestion(value, codes[said], f"代码相同（{ours[codes[said]]}）", 0.85)
    known = {names[plain(other)] for other in code_synonyms().get(said, ()) if plain(other) in names}
    if len(known) == 1:
        code = known.pop()
        return PairSuggestion(value, code, f"同义（{ours[code]}）", 0.85)
    numbers = [code for code in ours if said.isdigit() and code.isdigit() and int(code) == int(said)]
    if len(numbers) == 1:
        return PairSuggestion(value, numbers[0], f"数值相同（{ours[numbers[0]]}）", 0.7)
    return _pair_alike(value, said, names, ours)


def _pair_alike(
    value: str, said: str, names: Mapping[str, str], ours: Mapping[str, str]
) -> PairSuggestion | None:
    within = {
        code
        for name, code in names.items()
        if len(said) > 1 and len(name) > 1 and (said in name or name in said)
    }
    if len(within) == 1:
        code = within.pop()
        return PairSuggestion(value, code, f"名称包含（{ours[code]}）", 0.65)
    scored = sorted(
        ((SequenceMatcher(None, said, name).ratio(), code) for name, code in names.items()), reverse=True
    )
    if scored and scored[0][0] >= 0.6 and (len(scored) == 1 or scored[0][0] - scored[1][0] > 0.1):
        return PairSuggestion(value, scored[0][1], f"名称相近（{ours[scored[0][1]]}）", 0.6)
    return None
