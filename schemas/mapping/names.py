"""Under which names a field goes: its key, its titles, what else people call it, and all of that in pinyin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from schemas.columns import (
    PENALTY_GENERATIONS,
    PERMIT_GENERATIONS,
    licence_columns,
    penalty_columns,
    permit_columns,
)
from schemas.encoding import loads
from schemas.mapping.fields import FieldInfo
from schemas.mapping.paths import BadPath, parsed

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_BRACKETS = re.compile(r"[（(]([\u4e00-\u9fff]{4,})[）)]")
_FIRST = re.compile(r"[\u4e00-\u9fff]{3,}1$")
_NUMBERED = re.compile(r"代码\d+$")
_FAMILY = re.compile(r"^(?:xk|cf)_?(?=[a-z])")


class Name(NamedTuple):
    """A name as it is compared, how much it says (0..1), where it comes from, in words; its own, another's, or pinyin."""

    text: str
    weight: float
    why: str
    origin: Literal["own", "other", "pinyin"] = "own"


def plain(name: str) -> str:
    """A name as it is compared: width, case, blanks, signs and what stands in brackets left away."""
    text = re.sub(r"[（(\[【].*?[)）\]】]", "", unicodedata.normalize("NFKC", name))
    return re.sub(r"[\W_]+", "", text or name).lower()


def key_of(path: str) -> str:
    """The last key of a path."""
    try:
        return next(part for part in reversed(parsed(path)) if isinstance(part, str))
    except (BadPath, StopIteration):
        return path


def names_of(field: FieldInfo) -> list[Name]:
    """All names of a field, the best reason first."""
    found: dict[str, Name] = {}

    def say(name: str, weight: float, why: str, origin: Literal["own", "other", "pinyin"] = "own") -> None:
        text = plain(name)
        if text in _generic():
            weight *= 0.6
        if _NUMBERED.search(
            text
        ):  # 行政相对人代码_2 is one column in one generation of a sheet, and another in the next
            weight *= 0.8
        if text and (text not in found or found[text].weight < weight):
            found[text] = Name(text, weight, why, origin)

    key = key_of(field.path)
    said = [key, *([field.title] if field.title else []), *field.names]
    say(key, 1.0, "名称相同")
    if field.title:
        say(field.title, 0.98, f"中文名相同（{field.title}）")
    for name in field.names:
        say(name, 0.94, f"常用名相同（{name}）")
    for name in said:
        if _FIRST.search(name):
            say(name[:-1], 0.85, f"去掉序号后相同（{name[:-1]}）")
        for inside in _BRACKETS.findall(name):
            say(inside, 0.9, f"括号中的名称相同（{inside}）")
        for other in _sheet_names().get(plain(name), ()):
            say(other, 0.92, f"国家表列名（{other}）", "other")
        for other in _synonyms().get(plain(name), ()):
            say(other, 0.88, f"同义的叫法（{other}）", "other")
    for name in [one for one in dict.fromkeys((*said, *_chinese_of(said))) if _CHINESE.search(one)]:
        for text, weight, why, origin in _pinyin(name):
            say(text, weight, f"{why}（{name}）", origin)
    bare = _FAMILY.sub("", key.lower())
    if bare != key.lower():
        say(bare, 0.9, "列名去掉前缀后相同")
    return list(found.values())


def _chinese_of(names: Iterable[str]) -> list[str]:
    """The Chinese titles of national columns among these names."""
    titles = [other for name in names for other in _sheet_names().get(plain(name), ())]
    return [one for one in titles if _CHINESE.search(one)]


def _families() -> tuple[tuple[dict[str, Any], ...], ...]:
    return (
        tuple(permit_columns(one) for one in PERMIT_GENERATIONS),
        tuple(penalty_columns(one) for one in PENALTY_GENERATIONS),
        (licence_columns(),),
    )


@cache
def wan_columns() -> frozenset[str]:
    """The columns of the national sheets that are in 万元, by code."""
    return frozenset(
        plain(column["code"])
        for family in _families()
        for sheet in family
        for column in sheet["columns"]
        if column["kind"] == "wan_yuan" and "_" in column["code"]
    )


@cache
def _sheet_names() -> dict[str, tuple[str, ...]]:
    """Column code -> its Chinese name and the names of the same column in other generations; Chinese names -> codes not."""
    found: dict[str, dict[str, None]] = {}
    for sheet in (sheet for family in _families() for sheet in family):
        for column in sheet["columns"]:
            same = found.setdefault(plain(column.get("as", column["code"])), {})
            same.update(dict.fromkeys((column["code"], column["name"], *column.get("variants", ()))))
            if "as" in column:
                found.setdefault(plain(column["code"]), {}).update(
                    dict.fromkeys((column["as"], column["name"], *column.get("variants", ())))
                )
    return {code: tuple(names) for code, names in found.items()}


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = loads((files("schemas") / "mapping" / "synonyms.json").read_bytes())
    return document


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    return _groups("fields")


@cache
def code_synonyms() -> dict[str, tuple[str, ...]]:
    """What else a value of a code table is called."""
    return _groups("codes")


def _groups(part: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for group in _document()[part]:
        for name in group:
            found.setdefault(plain(name), []).extend(other for other in group if other != name)
    return {name: tuple(others) for name, others in found.items()}


@cache
def _generic() -> frozenset[str]:
    return frozenset(plain(name) for name in _document()["generic"])


@cache
def _speller() -> Callable[[str], list[str]] | None:
    """What spells Chinese; None where it is not installed, as at a department."""
    try:
        from pypinyin import lazy_pinyin
    except ImportError:
        return None
    return lambda text: list(lazy_pinyin(text))


@lru_cache(maxsize=8192)
def _pinyin(name: str) -> tuple[Name, ...]:
    """A Chinese name in full pinyin and by its initials, as the national sheets are abbreviated."""
    speller = _speller()
    if speller is None:
        return ()
    syllables = speller(plain(name))
    initials = "".join(one[0] for one in syllables if one)
    weight, whole = (
        {1: 0.2, 2: 0.45, 3: 0.68}.get(len(initials), 0.86),
        0.5 if plain(name) in _generic() else 0.9,
    )
    return (
        Name("".join(syllables), whole, "拼音相同", "pinyin"),
        Name(initials, min(weight, whole), "拼音首字母相同", "pinyin"),
    )
