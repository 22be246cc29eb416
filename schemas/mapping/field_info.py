"""One field of a message, and how it is read from the schemas: title, kind, code table, what it lies in, an example."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.codes import code_table_names
from schemas.mapping.paths import EVERY, Part, getter, spelled


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field. `kind`: text, code, date, moment, integer, number, money, flag, list or object."""

    path: str
    title: str
    title_en: str = ""
    kind: str = "text"
    required: bool = False
    code_table: str = ""
    example: Any = None
    group: str = ""  # the title of what it lies in
    one_of: str = ""  # of the required ones with the same word here, one is enough
    names: tuple[str, ...] = ()  # other names that people use for it
    length: int | None = None


_CODES = re.compile(r"(?:see code table|代码表)\s*([a-z_0-9]+)")
_SHORT = re.compile(r"[：；，（(;,]")
#: Where a description begins with its values, and not with a title.
_TITLES = {
    "advice.posted.v1:kind": "类别",
    "advice.forwarded.v1:kind": "类别",
    "credit.recorded.v1:kind": "信用记录类别",
    "finding.forwarded.v1:why": "转告原因",
    "approval.withdrawn.v1:scope": "撤回范围",
    "material.supplied.v1:change": "数据状态",
    "*:sha256": "文件摘要（SHA-256）",
}
#: How the columns of the sheets name their kinds -> ours, and their code tables.
COLUMN_KINDS = {
    "party_kind": ("text", "party_kind"),
    "permit_kind": ("text", "permit_kind"),
    "person_document": ("text", "person_document_type"),
    "state_2018": ("code", "permit_state"),
    "state_2015": ("code", "permit_state_2015"),
    "date": ("date", ""),
    "date_or_long": ("date", ""),
    "wan_yuan": ("money", ""),
}


def data_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a message's schema that says what it is about."""
    data: Mapping[str, Any] = schema["$defs"]["data"]
    return data


def resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """The node with what it refers to; its own words win. A date or moment keeps the name of its definition."""
    if "$ref" not in node:
        return dict(node)
    name = str(node["$ref"]).rsplit("/", 1)[-1]
    whole = {**schema["$defs"][name], **{key: value for key, value in node.items() if key != "$ref"}}
    return {**whole, "x-def": name}


def walked(
    schema: Mapping[str, Any],
    message: str,
    node: Mapping[str, Any],
    way: tuple[Part, ...],
    group: str,
    required: bool,
) -> Iterator[FieldInfo]:
    needed = set(node.get("required", ()))
    for name, child in node.get("properties", {}).items():
        inner = resolved(schema, child)
        parts = (*way, name)
        must = required and name in needed and not _may_be_null(inner)
        info = info_of(message, parts, inner, group, must)
        if "properties" in inner:
            yield from walked(schema, message, inner, parts, info.title, must)
        elif "array" in _types(inner):
            items = resolved(schema, inner.get("items", {}))
            yield replace(info, path=spelled((*parts, EVERY)), kind="list")
            yield from walked(schema, message, items, (*parts, EVERY), info.title, False)
        else:
            yield info


def _may_be_null(node: Mapping[str, Any]) -> bool:
    return "null" in _types(node) or str(node.get("x-def", "")).endswith("OrNull")


def _types(node: Mapping[str, Any]) -> tuple[str, ...]:
    said = node.get("type", ())
    return (said,) if isinstance(said, str) else tuple(said)


def info_of(
    message: str, parts: tuple[Part, ...], node: Mapping[str, Any], group: str, required: bool
) -> FieldInfo:
    name = str(parts[-1])
    chinese, _, english = str(node.get("description", name)).partition(" / ")
    title = _TITLES.get(f"{message}:{name}") or _TITLES.get(f"*:{name}") or _SHORT.split(chinese)[0].strip()
    table = _CODES.search(f"{chinese} {english}")
    code = table[1] if table and table[1] in code_table_names() else ""
    return FieldInfo(
        path=spelled(parts),
        title=title,
        title_en=re.sub(r"^see code table .*", "", english).strip() or name.replace("_", " "),
        kind=_kind(name, node, code),
        required=required,
        code_table=code,
        group=group,
        length=node.get("maxLength"),
    )


def _kind(name: str, node: Mapping[str, Any], code: str) -> str:
    types = _types(node)
    definition = str(node.get("x-def", "")).removesuffix("OrNull")
    if definition == "date" or node.get("format") == "date":
        return "date"
    if definition in ("moment", "dateTime") or node.get("format") == "date-time" or "anyOf" in node:
        return "moment"
    if name.endswith(("_fen", "_wan", "_yuan")):
        return "money"
    if code or "enum" in node:
        return "code"
    for kind, ours in (("integer", "integer"), ("number", "number"), ("boolean", "flag"), ("array", "list")):
        if kind in types:
            return ours
    return "object" if "object" in types else "text"


def column_fields(
    columns: Mapping[str, Any], prefix: tuple[str, ...] = (), group: str = "", *, required: bool = True
) -> Iterator[FieldInfo]:
    """The columns of a national sheet as fields."""
    for column in columns["columns"]:
        kind, table = COLUMN_KINDS.get(column["kind"], ("text", ""))
        yield FieldInfo(
            path=spelled((*prefix, column["code"])),
            title=column["name"],
            title_en=column["code"],
            kind=kind,
            required=required and column.get("required") == "always",
            code_table=table,
            group=group,
            names=(*column.get("variants", ()), *([column["pinyin"]] if "pinyin" in column else [])),
            length=column.get("max"),
        )


def exampled(info: FieldInfo, examples: list[dict[str, Any]]) -> FieldInfo:
    """With the first value that an example has for it; of a list its first element."""
    read = getter(info.path)
    for example in examples:
        value = read(example)
        if isinstance(value, list):
            value = value[0] if value else None
        if value not in (None, "", {}):
            return replace(info, example=value)
    return info
