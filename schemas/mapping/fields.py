"""The fields of our messages, as a mapping names them.

`source_fields` are those of a message that goes to a department, `target_fields` those of a draft that comes from one.
Both are read from the schemas and column lists; what a schema says of a field is said nowhere else.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from schemas.columns import penalty_columns, permit_columns
from schemas.connector.document import IN_KINDS, OUT_MESSAGES
from schemas.drafts.forms import FORMS, columns_of
from schemas.mapping.field_info import FieldInfo, column_fields, data_of, exampled, info_of, resolved, walked
from schemas.messages import examples_of, schema_of

__all__ = ["FieldInfo", "source_fields", "target_fields"]

_EVENT = (
    FieldInfo("event.id", "消息编号", "message id", "text", True),
    FieldInfo("event.type", "消息类型", "message type", "text", True),
    FieldInfo("event.subject", "消息主题", "subject of the message", "text", True),
    FieldInfo("event.time", "消息时间", "time of the message", "moment", True),
)
#: Of a forwarded fact, the message types whose data it may be.
_FACTS = ("finding.reported.v1", "rectification.reported.v1", "enforcement.decided.v1", "credit.recorded.v1")


@cache
def source_fields(message: str) -> tuple[FieldInfo, ...]:
    """The fields of a message to a department, in its order; every element of a list as '[]'. KeyError for other types."""
    if message not in OUT_MESSAGES:
        raise KeyError(message)
    schema = schema_of(message)
    found = list(walked(schema, message, data_of(schema), (), "", True))
    if any(one.path == "elements" for one in found):
        found += _element_fields()
    if message == "finding.forwarded.v1":
        found += _fact_fields()
    examples = [{**one["data"], "event": one} for one in examples_of(message)]
    return tuple(exampled(one, examples) for one in (*_EVENT, *found))


@cache
def target_fields(kind: str) -> tuple[FieldInfo, ...]:
    """The fields of a draft of this kind, required ones marked. KeyError for other kinds."""
    if kind not in IN_KINDS:
        raise KeyError(kind)
    return _draft_fields(kind) if kind in FORMS else _statement_fields(kind)


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
        for one in walked(schema, message, data_of(schema), ("fact",), "原消息", False):
            found.setdefault(one.path, one)
    return list(found.values())


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
    data = data_of(schema)
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
        node = resolved(schema, inside["properties"][way[-1]])
        info = info_of(form.event_type, way, node, group, way[-1] in inside["required"])
        if group and name != "legal_representative":
            info = replace(info, title=group + info.title)
        table = form.codes.get(name) or form.code_lists.get(name) or info.code_table
        found.append(_as_written(kind, replace(exampled(info, examples), path=name), table))
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
        FieldInfo(
            "by",
            "经办人",
            "by whom",
            required=kind != "returned",
            example="示例甲",
            names=("处理人", "认领人", "退回人"),
        ),
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
