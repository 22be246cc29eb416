"""The fields of our messages, as a mapping names them: their titles, kinds, code tables, and an example of each.

`source_fields` are those of a message that goes to a department, `target_fields` those of a draft that comes from one.
Both are read from the schemas and column lists; what a schema says of a field is said nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from schemas.codes import code_table_names
from schemas.columns import penalty_columns, permit_columns
from schemas.connector.document import IN_KINDS, OUT_MESSAGES
from schemas.drafts.forms import FORMS, columns_of
from schemas.mapping.paths import EVERY, Part, getter, spelled
from schemas.messages import examples_of, schema_of


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
_EVENT = (
    FieldInfo("event.id", "消息编号", "message id", "text", True),
    FieldInfo("event.type", "消息类型", "message type", "text", True),
    FieldInfo("event.subject", "消息主题", "subject of the message", "text", True),
    FieldInfo("event.time", "消息时间", "time of the message", "moment", True),
)
#: Of a forwarded fact, the message types whose data it may be.
_FACTS = ("finding.reported.v1", "rectification.reported.v1", "enforcement.decided.v1", "credit.recorded.v1")
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


@cache
def source_fields(message: str) -> tuple[FieldInfo, ...]:
    """The fields of a message to a department, in its order; every element of a list as '[]'. KeyError for other types."""
    if message not in OUT_MESSAGES:
        raise KeyError(message)
    schema = schema_of(message)
    found = list(_walk(schema, message, _data_of(schema), (), "", True))
    if any(one.path == "elements" for one in found):
        found += _element_fields()
    if message == "finding.forwarded.v1":
        found += _fact_fields()
    examples = [{**one["data"], "event": one} for one in examples_of(message)]
    return tuple(_exampled(one, examples) for one in (*_EVENT, *found))


@cache
def target_fields(kind: str) -> tuple[FieldInfo, ...]:
    """The fields of a draft of this kind, required ones marked. KeyError for other kinds."""
    if kind not in IN_KINDS:
        raise KeyError(kind)
    return _draft_fields(kind) if kind in FORMS else _statement_fields(kind)


def _data_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    data: Mapping[str, Any] = schema["$defs"]["data"]
    return data


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """The node with what it refers to; its own words win. A date or moment keeps the name of its definition."""
    if "$ref" not in node:
        return dict(node)
    name = str(node["$ref"]).rsplit("/", 1)[-1]
    whole = {**schema["$defs"][name], **{key: value for key, value in node.items() if key != "$ref"}}
    return {**whole, "x-def": name}


def _walk(
    schema: Mapping[str, Any],
    message: str,
    node: Mapping[str, Any],
    way: tuple[Part, ...],
    group: str,
    required: bool,
) -> Iterator[FieldInfo]:
    needed = set(node.get("required", ()))
    for name, child in node.get("properties", {}).items():
        inner = _resolved(schema, child)
        parts = (*way, name)
        must = required and name in needed and not _may_be_null(inner)
        info = _info(message, parts, inner, group, must)
        if "properties" in inner:
            yield from _walk(schema, message, inner, parts, info.title, must)
        elif "array" in _types(inner):
            items = _resolved(schema, inner.get("items", {}))
            yield replace(info, path=spelled((*parts, EVERY)), kind="list")
            yield from _walk(schema, message, items, (*parts, EVERY), info.title, False)
        else:
            yield info


def _may_be_null(node: Mapping[str, Any]) -> bool:
    return "null" in _types(node) or str(node.get("x-def", "")).endswith("OrNull")


def _types(node: Mapping[str, Any]) -> tuple[str, ...]:
    said = node.get("type", ())
    return (said,) if isinstance(said, str) else tuple(said)


def _info(
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


def _element_fields() -> list[FieldInfo]:
    """The columns of the permit sheets: the newer ones, then those that only the older sheet has."""
    found: dict[str, FieldInfo] = {}
    for generation in ("2018", "2015"):
        for one in column_fields(permit_columns(generation), ("elements",), "要素", required=False):
            found.setdefault(one.path, one)
    return list(found.values())


def _fact_fields() -> list[FieldInfo]:
    found: dict[str, FieldInfo] = {}
    for message in _FACTS:
        schema = schema_of(message)
        for one in _walk(schema, message, _data_of(schema), ("fact",), "原消息", False):
            found.setdefault(one.path, one)
    return list(found.values())


def _exampled(info: FieldInfo, examples: list[dict[str, Any]]) -> FieldInfo:
    """With the first value that an example has for it; of a list its first element."""
    read = getter(info.path)
    for example in examples:
        value = read(example)
        if isinstance(value, list):
            value = value[0] if value else None
        if value not in (None, "", {}):
            return replace(info, example=value)
    return info


_DRAFT_NAMES = {"certificate_identifier": "certificateIdentifier"}
_PARTY = {
    "party_kind": "kind", "party_name": "name", "party_code_type": "code_type", "party_code": "code",
    "legal_representative": "legal",
}  # fmt: skip
_UNITS = {"": "（写明单位）", "_yuan": "（元）", "_wan": "（万元）"}
_UNITS_EN = {"": " (with its unit)", "_yuan": " (元)", "_wan": " (万元)"}


def _draft_fields(kind: str) -> tuple[FieldInfo, ...]:
    form = FORMS[kind]
    schema = schema_of(form.event_type)
    data = _data_of(schema)
    properties = data["properties"]
    examples = [one["data"] for one in examples_of(form.event_type)]
    found = []
    for name in dict.fromkeys(columns_of(kind)):
        base = next((said for said in form.money if name in {said + unit for unit in _UNITS}), "")
        if base:
            found.append(_money_field(name, base, form.money[base], examples))
            continue
        if kind == "supply" and name in _PARTY:
            way: tuple[str, ...] = ("party", _PARTY[name])
            inside, group = properties["party"], "行政相对人"
        else:
            way, inside, group = (form.aliases.get(name, _DRAFT_NAMES.get(name, name)),), data, ""
        node = _resolved(schema, inside["properties"][way[-1]])
        info = _info(form.event_type, way, node, group, way[-1] in inside["required"])
        if group and name != "legal_representative":
            info = replace(info, title=group + info.title)
        table = form.codes.get(name) or form.code_lists.get(name) or info.code_table
        found.append(_as_written(kind, replace(_exampled(info, examples), path=name), table))
        if name == "sheet_columns":
            found += column_fields(penalty_columns("2018"), (name,), "双公示行政处罚各列", required=False)
    return tuple(found)


def _as_written(kind: str, info: FieldInfo, table: str) -> FieldInfo:
    """As a department writes it: codes by name too, lists in one text; what is made for it is not asked for."""
    made = (kind, info.path) in (("advice", "thread_id"), ("supply", "change"))
    return replace(
        info,
        code_table=table,
        kind="code" if table and info.kind in ("text", "code") else info.kind,
        required=info.required and not made,
    )


def _money_field(name: str, base: str, title: str, examples: list[dict[str, Any]]) -> FieldInfo:
    unit = name.removeprefix(base)
    fen = next((one[f"{base}_fen"] for one in examples if one.get(f"{base}_fen")), None)
    written = (
        {"": f"{fen / 100:g} 元", "_yuan": f"{fen / 100:g}", "_wan": f"{fen / 1_000_000:g}"}[unit]
        if fen
        else None
    )
    english = "fine" if base == "fine" else base
    return FieldInfo(name, title + _UNITS[unit], english + _UNITS_EN[unit], "money", example=written)


def _statement_fields(kind: str) -> tuple[FieldInfo, ...]:
    """The three statements about a package: which, by whom, when, and why where it is returned."""
    which = "哪一个推送包"
    return (
        FieldInfo(
            "event_id",
            "消息编号",
            "message id",
            "text",
            True,
            example="0195d0c2-0000-7000-8000-000000000001",
            one_of=which,
        ),
        FieldInfo(
            "push_id",
            "推送编号",
            "push id",
            "text",
            True,
            example="0195d0c2-1111-7000-8000-000000000001",
            one_of=which,
        ),
        FieldInfo(
            "case_no", "办件编号", "case number", "text", True, example="990101202611200001", one_of=which
        ),
        FieldInfo("by", "经办人", "by whom", example="示例甲", names=("处理人", "认领人", "退回人")),
        FieldInfo(
            "at",
            "时间",
            "when",
            "moment",
            example="2026-11-21 10:00:00",
            names=("处理时间", "认领时间", "退回时间"),
        ),
        FieldInfo(
            "reason",
            "原因",
            "why",
            required=kind == "returned",
            example="不属于本部门职责",
            names=("退回原因", "退回理由"),
        ),
    )
