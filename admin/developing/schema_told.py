"""A JSON Schema as rows that people read: path, kind, whether it must be there, what it means, its limits.

Guarantees: every property of the schema has its row, however deep; what refers to itself is told once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _

from schemas import loads

DEEPEST = 8
KINDS = {
    "string": _("文字"),
    "integer": _("整数"),
    "number": _("数字"),
    "object": _("对象"),
    "array": _("列表"),
    "boolean": _("true 或 false"),
    "null": _("可为空"),
}
#: Keywords of a connector's form, and those of their English.
_ENGLISH = {"title": "x-title-en", "description": "x-description-en", "x-enum-titles": "x-enum-titles-en"}


@dataclass(frozen=True, slots=True)
class Row:
    """One property."""

    path: str
    kind: str
    required: bool
    words: str
    limits: str
    depth: int

    @property
    def anchor(self) -> str:
        """What a link to it ends with."""
        return "f-" + "".join(one if one.isalnum() else "-" for one in self.path)


def own_words(text: Any) -> str:
    """Of a text in two languages ('中文 / English', or one that contracts_en.json knows) the reader's."""
    chinese, _mark, english = str(text or "").partition(" / ")
    if str(get_locale()) != "en":
        return chinese
    return english or contracts_en().get(chinese, chinese)


@cache
def contracts_en() -> dict[str, str]:
    """The English of what contracts say in Chinese alone."""
    found: dict[str, str] = loads((files("admin") / "developing" / "contracts_en.json").read_bytes())
    return found


def _of_form(node: Mapping[str, Any], name: str) -> Any:
    """What a form says under this keyword in the reader's language."""
    return (node.get(_ENGLISH[name]) if str(get_locale()) == "en" else None) or node.get(name)


def rows(node: Mapping[str, Any], root: Mapping[str, Any]) -> list[Row]:
    """Every property of an object, depth first."""
    return list(_rows(node, root, "", 0, ()))


def _rows(
    node: Mapping[str, Any], root: Mapping[str, Any], path: str, depth: int, seen: tuple[str, ...]
) -> Iterator[Row]:
    node, seen = resolved(node, root, seen)
    needed = set(node.get("required", ()))
    for name, child in node.get("properties", {}).items():
        inner, way = resolved(child, root, seen)
        yield Row(
            f"{path}{name}", kind_of(inner), name in needed, _words(child, inner), limits_of(inner), depth
        )
        if depth < DEEPEST and way != ("…",):
            yield from _rows(inner, root, f"{path}{name}.", depth + 1, way)
    if "items" in node and depth <= DEEPEST:
        yield from _rows(node["items"], root, path.removesuffix(".") + "[].", depth, seen)
    for one in node.get("anyOf", ()):
        if "properties" in resolved(one, root, seen)[0]:
            yield from _rows(one, root, path, depth, seen)
            break


def resolved(
    node: Mapping[str, Any], root: Mapping[str, Any], seen: tuple[str, ...] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a reference means, its own words first, and which were followed; ('…',) where it meets itself."""
    told = dict(node)
    while "$ref" in told:
        name = str(told.pop("$ref"))
        if name in seen:
            return told, ("…",)
        seen = (*seen, name)
        target: Any = root
        for part in name.removeprefix("#/").split("/"):
            target = target.get(part, {}) if isinstance(target, Mapping) else {}
        told = {**target, **told}
    return told, seen


def _words(child: Mapping[str, Any], inner: Mapping[str, Any]) -> str:
    title, said = (
        own_words(_of_form(inner, "title")),
        own_words(_of_form(child, "description") or _of_form(inner, "description")),
    )
    return (
        gettext("%(name)s：%(words)s", name=title, words=said)
        if title and said and title != said
        else title or said
    )


def kind_of(node: Mapping[str, Any]) -> str:
    """What it is, in words."""
    kinds = node.get("type")
    if kinds is None and "anyOf" in node:
        kinds = [one["type"] for one in node["anyOf"] if isinstance(one.get("type"), str)]
    if kinds is None:
        kinds = "string" if "enum" in node or "const" in node else ""
    listed = [kinds] if isinstance(kinds, str) else list(dict.fromkeys(kinds))
    return gettext("、").join(str(KINDS.get(one, one)) for one in listed if one)


def limits_of(node: Mapping[str, Any]) -> str:
    """What a value has to keep to."""
    said = []
    if "const" in node:
        said.append(gettext("只能是 %(value)s", value=node["const"]))
    if "enum" in node:
        titles = _of_form(node, "x-enum-titles") or node["enum"]
        pairs = zip(node["enum"], titles, strict=False)
        said.append(
            gettext("、").join(
                f"{one} {title}" if str(one) != str(title) else str(one) for one, title in pairs
            )
        )
    for key, words in _LIMITS.items():
        plain = (key in ("minLength", "minItems") and node.get(key, 0) <= 1) or (
            key == "pattern" and "format" in node  # it says the same, for validators that know no formats
        )
        if node.get(key) is not None and not plain:
            said.append(str(words).format(node[key]))
    if "default" in node:
        said.append(gettext("默认 %(value)s", value=node["default"]))
    return gettext("；").join(said)


_LIMITS = {
    "format": _("格式 {}"),
    "pattern": _("样式 {}"),
    "minLength": _("至少 {} 字"),
    "maxLength": _("至多 {} 字"),
    "minimum": _("不小于 {}"),
    "maximum": _("不大于 {}"),
    "minItems": _("至少 {} 项"),
    "maxItems": _("至多 {} 项"),
}
