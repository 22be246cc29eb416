"""The messages of the border, judged by our validator and by an independent one."""

from __future__ import annotations

import copy
import re
from datetime import datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import MESSAGE_TYPES, code_table, dumps, examples_of, loads, schema_of, violations
from schemas.wording import dotted

CHECKER = jsonschema.FormatChecker(formats=("uuid", "date"))


@CHECKER.checks("date-time")
def is_date_time(value: object) -> bool:
    """RFC 3339, as strict as the standard's section 5.6 without leap seconds."""
    if not isinstance(value, str):
        return True
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value))
    except ValueError:
        return False
    return True


INDEPENDENT = {
    name: jsonschema.Draft202012Validator(schema_of(name), format_checker=CHECKER) for name in MESSAGE_TYPES
}
EXAMPLES = [(name, example) for name in MESSAGE_TYPES for example in examples_of(name)]


@pytest.mark.parametrize("name", MESSAGE_TYPES)
def test_schema_is_sound(name: str) -> None:
    """Each schema is valid 2020-12, stands alone, describes every field and has at least two examples."""
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert {
        ref
        for ref in re.findall(r'"\$ref":"([^"]+)"', dumps(schema).decode())
        if not ref.startswith("#/$defs/")
    } == set()
    assert len(examples_of(name)) >= 2
    bare = [path for path, prop in _properties(schema) if not _described(prop, schema)]
    assert bare == ["properties.type", "properties.data"]


@pytest.mark.parametrize("name", MESSAGE_TYPES)
def test_nothing_is_forbidden_by_name(name: str) -> None:
    """No schema closes an object: fields we do not know yet are kept and forwarded."""
    assert b"additionalProperties" not in dumps(schema_of(name))
    assert b"unevaluatedProperties" not in dumps(schema_of(name))


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_examples_fit_both_validators(name: str, example: dict[str, Any]) -> None:
    """Every published example is valid, also with fields nobody knows, and after a trip through JSON."""
    assert violations(name, example) == []
    assert INDEPENDENT[name].is_valid(example)
    richer = copy.deepcopy(example) | {"traceparent": "00-1"}
    richer["data"]["later"] = {"a": [1]}
    assert violations(name, loads(dumps(richer))) == []


def test_examples_show_every_kind() -> None:
    """The approval examples cover legal, natural and individual parties, with and without materials and licence."""
    data = [example["data"] for example in examples_of("approval.decided.v1")]
    assert {one["case"]["applyer_type"] for one in data} == set(code_table("party_kind"))
    assert {bool(one["materials"]) for one in data} == {True, False}
    assert {one["licence"] is None for one in data} == {True, False}


@pytest.mark.parametrize(
    ("name", "path", "table"),
    [
        ("finding.reported.v1", ("data", "properties", "check_result"), "check_result"),
        ("finding.reported.v1", ("data", "properties", "handling"), "handling"),
        ("finding.reported.v1", ("data", "properties", "publicity"), "publicity"),
        ("approval.decided.v1", ("licenceStatus",), "licence_status"),
        ("approval.decided.v1", ("resultType",), "result_type"),
        ("approval.decided.v1", ("case", "properties", "applyer_type"), "party_kind"),
        ("licence.changed.v1", ("licenceStatus",), "licence_status"),
        ("receipt.v1", ("receipt", "properties", "kind"), "receipt_kind"),
        ("quarantined.v1", ("data", "properties", "cause"), "quarantine_cause"),
    ],
)
def test_schemas_and_code_tables_agree(name: str, path: tuple[str, ...], table: str) -> None:
    """A code that a schema allows is in its code table, and the other way round."""
    node = schema_of(name)["$defs"]
    for step in path:
        node = node[step]
    assert set(node["enum"]) == set(code_table(table))


def test_violations_are_chinese_sentences_with_paths() -> None:
    """Every fault of a document is reported at once, with its path and what would be right."""
    event = examples_of("finding.reported.v1")[0]
    del event["subject"]
    event["source"] = "me"
    event["data"] |= {
        "check_result": 3,
        "handling": "9",
        "inspected_at": "昨天",
        "rectify_by": "2026-13-01",
        "inspectors": [],
    }
    del event["data"]["finding_no"]
    assert {str(fault) for fault in violations("finding.reported.v1", event)} == {
        "subject：缺少必填项",
        "source：应为“/区域/部门”的形式，如 /990101/scjg",
        "data.check_result：应为文字（加引号），应为 1、2、3 之一",
        "data.handling：不在允许的取值之内，应为 1、2、3 之一",
        "data.inspected_at：应为带时区的日期时间，如 2026-11-21T08:00:00Z；或应为日期，如 2026-11-21",
        "data.rectify_by：应为日期，如 2026-11-21",
        "data.inspectors：至少要有 1 项",
        "data.finding_no：缺少必填项",
    }


def test_a_return_needs_a_reason() -> None:
    """A returned package says why; the other receipts need not."""
    event = examples_of("receipt.v1")[2]
    event["data"]["receipts"][0]["reason"] = None
    assert [fault.path for fault in violations("receipt.v1", event)] == ["data.receipts[0].reason"]
    event["data"]["receipts"][0] = {"kind": "claimed", "at": "2026-11-20T06:10:00Z"}
    assert violations("receipt.v1", event) == []


def test_unknown_type_is_one_violation() -> None:
    """A type we do not have is named, with the types we do have."""
    (fault,) = violations("finding.reported.v2", {})
    assert fault.path == "type"
    assert "finding.reported.v1" in fault.message
    receipt = examples_of("receipt.v1")[0]
    assert "type" in {fault.path for fault in violations("finding.reported.v1", receipt)}


def test_paths_read_like_code() -> None:
    """Paths are dotted, with list places in brackets."""
    assert dotted(["data", "receipts", 0, "kind"]) == "data.receipts[0].kind"
    assert dotted([]) == ""


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=6)
    | st.sampled_from(["", "2026-11-21", "01"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_both_validators_agree_on_damaged_messages(data: st.DataObject) -> None:
    """Whatever is put in whatever place of an example, ours and the independent validator say the same."""
    name, example = data.draw(st.sampled_from(EXAMPLES))
    document = copy.deepcopy(example)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(_places(document)))
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder.pop(key, None)
        else:
            holder[key] = data.draw(JSON)
    ours = violations(name, document)
    assert (ours == []) is INDEPENDENT[name].is_valid(document)
    assert all(fault.message for fault in ours)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(MESSAGE_TYPES), document=JSON)
def test_any_json_at_all_is_judged_without_an_exception(name: str, document: object) -> None:
    """No JSON value makes the validation fail; none of these is a message."""
    assert violations(name, document)


def _places(node: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [node]
    while waiting:
        item = waiting.pop()
        pairs = list(item.items()) if isinstance(item, dict) else list(enumerate(item))
        for key, value in pairs:
            found.append((item, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found


def _properties(schema: dict[str, Any], at: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = []
    for key, value in schema.get("properties", {}).items():
        found += [(f"{at}properties.{key}", value), *_properties(value, f"{at}{key}.")]
    for key, value in schema.get("$defs", {}).items():
        if not at:
            found += _properties(value, f"{key}.")
    return found


def _described(prop: dict[str, Any], schema: dict[str, Any]) -> bool:
    if "description" in prop:
        return True
    ref = prop.get("$ref", "") or prop.get("items", {}).get("$ref", "")
    return (
        ref.startswith("#/$defs/")
        and ref != "#/$defs/data"
        and "description" in schema["$defs"][ref.split("/")[-1]]
    )
