"""Mappings as a whole: compiled, applied, explained."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import code_table, examples_of
from schemas.connector.document import (
    CodeTable,
    ConnectorDocument,
    Endpoint,
    Faults,
    FieldRule,
    Flow,
    Transform,
)
from schemas.connector.toml_file import read_toml, write_toml
from schemas.drafts.written import report_data
from schemas.mapping import FieldFault, Mapped, Unmapped, compare, compile_mapping, coverage, target_fields
from schemas.mapping.steps_value import same, translations
from schemas.mapping.transforms import TRANSFORMS

NOW = datetime(2026, 3, 5, tzinfo=UTC)
PACKAGE = {**examples_of("approval.decided.v1")[0]["data"], "event": {"subject": "990101202611200001"}}
KINDS = CodeTable("kinds", "类别", "party_kind", (("1", "legal"), ("2", "natural"), ("A", "legal")))
OUT = Flow(
    "out",
    "out",
    "approval.decided.v1",
    "db",
    fields=(
        FieldRule("case_no", ("event.subject",), required=True),
        FieldRule(
            "party", ("case.applyer_name", "case.legal"), (Transform("template", {"template": "{1}（{2}）"}),)
        ),
        FieldRule("kind", ("case.applyer_type",), (Transform("code", {"table": "kinds"}),)),
        FieldRule("decided", ("result.result_date",), (Transform("date", {"out": "YYYYMMDD"}),)),
        FieldRule("papers", ("materials[].material_name",), (Transform("join", {"separator": "、"}),)),
        FieldRule(
            "note",
            (),
            (Transform("constant", {"value": "审管通"}),),
            when="r.case.area_code == '0'",
            otherwise="无",
        ),
    ),
)


def test_a_package_becomes_a_row() -> None:
    """Picks, templates, codes, dates, lists, conditions; in the order of the rules."""
    assert compile_mapping(OUT, [KINDS]).apply(PACKAGE).records == (
        {
            "case_no": "990101202611200001",
            "party": "示范县青禾饮食有限公司（示例甲）",
            "kind": "1",
            "decided": "20261120",
            "papers": "食品经营许可申请书、经营场所平面图",
            "note": "无",
        },
    )


def test_for_each_element_one_row() -> None:
    """Paths into the list are of the element in hand, the others of the message; a condition is asked of each."""
    rules = (
        FieldRule("case_no", ("case.project_no",)),
        FieldRule("name", ("materials[].material_name",)),
        FieldRule("line", ("@no",)),
    )
    flow = replace(OUT, each="materials[]", fields=rules, when="item.media_type != 'image/png'")
    assert compile_mapping(flow, []).apply(PACKAGE).records == (
        {"case_no": "990101202611200001", "name": "食品经营许可申请书", "line": 1},
    )
    assert compile_mapping(flow, []).apply({**PACKAGE, "materials": []}) == Mapped(skipped=True)


def test_what_is_not_meant_is_skipped() -> None:
    """A record for which the flow's condition does not hold becomes nothing, and that is no fault."""
    flow = replace(OUT, when="r.result.result_type == '9'")
    assert compile_mapping(flow, [KINDS]).apply(PACKAGE) == Mapped(skipped=True)


def test_one_fault_holds_back_the_whole_record_and_every_fault_is_named() -> None:
    """Missing, unknown and unreadable values, each with its field, cause and value; what no table knows is reported."""
    case = {**PACKAGE["case"], "applyer_type": "individual"}
    record = {**PACKAGE, "event": {}, "case": case, "result": {"result_date": "下周"}}
    mapped = compile_mapping(OUT, [KINDS]).apply(record)
    assert mapped.records == ()
    assert [(one.target, one.cause, one.value) for one in mapped.faults] == [
        ("case_no", "missing", None),
        ("kind", "code", "individual"),
        ("decided", "format", "下周"),
    ]
    assert mapped.unmapped == (Unmapped("kinds", "individual"),)
    assert "代码表“类别”中没有“individual”" in mapped.faults[1].words


def test_a_preview_says_field_by_field_what_came_of_what() -> None:
    """Sources, value, and words where it failed; the others show their values all the same."""
    record = {**PACKAGE, "result": {"result_date": "下周"}}
    mapped = compile_mapping(OUT, [KINDS]).apply(record, explain=True)
    told = {one.target: one for one in mapped.fields}
    assert told["kind"].value == "1"
    assert told["kind"].sources == (("case.applyer_type", "legal"),)
    assert told["decided"].value is None
    assert "日期“下周”不是所列格式" in told["decided"].words
    assert list(told) == [rule.target for rule in OUT.fields]


def test_every_fault_of_a_mapping_is_named_at_its_place() -> None:
    """Paths, steps, options, tables, conditions, doubled and overlapping targets."""
    rules = (
        FieldRule("a.b"),
        FieldRule("a", ("x..y",)),
        FieldRule(
            "c",
            ("x",),
            (Transform("date", {"out": "?"}), Transform("nope"), Transform("code", {"table": "k"})),
        ),
        FieldRule("c", ("x", "y"), when="r."),
    )
    with pytest.raises(Faults) as raised:
        compile_mapping(replace(OUT, each="steps", fields=rules), [])
    assert [one.at for one in raised.value.faults] == [
        "each", "fields[0]", "fields[1].sources[0]", "fields[2].steps[0].out", "fields[2].steps[1]", "fields[2].steps[2]",
        "fields[3]", "fields[3].when", "fields[3]", "fields[0].target",
    ]  # fmt: skip


def test_what_comes_back_is_said_as_a_finding() -> None:
    """A row of a department's table, mapped, is what a draft wants."""
    row = {
        "编号": 17,
        "办件": "990101202611200001",
        "日期": "2026年3月5日",
        "人员": "示例甲、示例乙",
        "结论": "不合格",
    }
    table = CodeTable("结论", "结论", "check_result", (("合格", "1"), ("不合格", "3")))
    rules = (
        FieldRule("finding_no", ("编号",), required=True),
        FieldRule("project_no", ("办件",)),
        FieldRule("inspected_at", ("日期",), (Transform("date"),)),
        FieldRule("inspectors", ("人员",)),
        FieldRule("check_result", ("结论",), (Transform("code", {"table": "结论"}),)),
    )
    mapped = compile_mapping(Flow("in", "in", "finding", "db", fields=rules), [table]).apply(row)
    assert report_data("finding", mapped.records[0]) == {
        "finding_no": "17",
        "project_no": "990101202611200001",
        "inspected_at": "2026-03-05",
        "inspectors": [{"name": "示例甲"}, {"name": "示例乙"}],
        "check_result": "3",
    }


def test_a_column_that_was_renamed_overnight_is_no_empty_field() -> None:
    """Rows of tables have every column: a source that is gone refuses the row by name, unless another can stand for it."""
    rules = (
        FieldRule("explain", ("说明",)),
        FieldRule("project_no", ("办件", "编号"), (Transform("first"),)),
        FieldRule("finding_no", ("检查编号",), (Transform("trim"),), required=True),
    )
    flow = Flow("in", "in", "finding", "db", fields=rules)
    row = {"情况说明": "整洁", "办件": "1", "检查编号 ": "2"}
    mapped = compile_mapping(flow, [], whole_rows=True).apply(row)
    assert [one.target for one in mapped.faults] == ["explain", "finding_no"]
    assert "“结果说明 explain”的来源“说明”已不在记录中，可能已改名" in mapped.faults[0].words
    assert compile_mapping(flow, []).apply({**row, "检查编号": "2"}).records[0]["explain"] is None


@pytest.mark.parametrize("name", ["many", "long", "wide"])
def test_a_mapping_that_would_never_end_is_bounded(name: str) -> None:
    """A list of a million elements, a megabyte of text, a thousand times the same object: a fault, and soon."""
    rules = {
        "many": replace(OUT, each="many[]", fields=(FieldRule("x", ("many[].x",)),)),
        "long": replace(OUT, fields=(FieldRule("x", ("long",)),)),
        "wide": replace(OUT, each="wide[]", fields=(FieldRule("x", ("half",)),)),
    }
    record = {
        "many": [{"x": 1}] * 1_000_000,
        "long": "x" * 2_000_000,
        "wide": [1] * 9_000,
        "half": "y" * 500_000,
    }
    begun = time.process_time()
    mapped = compile_mapping(rules[name], []).apply(record)
    assert [one.cause for one in mapped.faults] == ["too_big"]
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize("each", ["", "many[]"])
def test_many_expressions_are_bounded_together(each: str) -> None:
    """Each within its limits, five hundred of them or one for every element are too much: a fault, and soon."""
    dear = (Transform("expression", {"expression": "size(r.some.map(x, x))"}),)
    rules = tuple(FieldRule(f"t{number}", steps=dear) for number in range(1 if each else 500))
    mapping = compile_mapping(replace(OUT, each=each, fields=rules), [])
    begun = time.process_time()
    mapped = mapping.apply({"some": ["y" * 30] * 900, "many": list(range(9_000))})
    assert {one.cause for one in mapped.faults} == {"too_big"}
    assert time.process_time() - begun < 5.0


def test_long_texts_are_no_dates_and_no_amounts() -> None:
    """What would be tried in every way is refused by its length."""
    names = [("date", {}), ("moment", {}), ("money", {"from": "元"}), ("number", {}), ("flag", {})]
    rules = tuple(FieldRule(name, ("v",), (Transform(name, options),)) for name, options in names)
    begun = time.process_time()
    mapped = compile_mapping(replace(OUT, fields=rules), []).apply({"v": "2026" + " " * 200_000 + "x"})
    assert [one.cause for one in mapped.faults] == ["format"] * len(names)
    assert time.process_time() - begun < 1.0


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.dates()
    | st.text(max_size=20)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "split": [{"separator": "、"}, {"separator": "/", "index": -1}], "item": [{"index": 1}], "pad": [{"width": 3}],
    "replace": [{"old": "1"}], "template": [{"template": "{1}-{2}"}], "default": [{"value": "x"}],
    "constant": [{"value": 1}], "code": [{"table": "kinds"}, {"table": "kinds", "otherwise": "keep"}],
    "expression": [{"expression": "value"}, {"expression": "text(r.b) + 'x'"}],
    "date": [{}, {"formats": ["excel", "D/M/YYYY", "M/D/YYYY"], "long": "长期"}],
    "moment": [{}, {"number": "epoch_ms", "out": "epoch"}], "money": [{"from": "万元", "to": "元"}, {}],
}  # fmt: skip
_STEPS = st.sampled_from(sorted(TRANSFORMS)).flatmap(
    lambda name: st.sampled_from(_OPTIONS.get(name, [{}])).map(lambda options: Transform(name, options))
)
_RULES = st.lists(_STEPS, max_size=4).map(
    lambda steps: FieldRule("t", ("a", "b[]"), (Transform("list"), *steps), when="!empty(get(r, 'a'))")
)


@settings(max_examples=200, deadline=None)
@given(rule=_RULES, record=st.dictionaries(st.sampled_from(["a", "b", "c"]), _VALUES))
def test_apply_never_raises(rule: FieldRule, record: dict[str, Any]) -> None:
    """Any steps in any order over any record: records, or faults with words; and the record is as it was."""
    before = repr(record)
    mapped = compile_mapping(replace(OUT, fields=(rule,)), [KINDS]).apply(record, explain=True)
    assert bool(mapped.records) != bool(mapped.faults)
    assert all(isinstance(one, FieldFault) and one.words for one in mapped.faults)
    assert repr(record) == before


@settings(max_examples=25, deadline=None)
@given(rule=_RULES, record=st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=9), min_size=1))
def test_a_mapping_written_to_a_file_and_read_again_does_the_same(
    rule: FieldRule, record: dict[str, Any]
) -> None:
    """As TOML and back it maps every record as before."""
    flow = replace(OUT, fields=(rule, *OUT.fields[1:3]))
    document = ConnectorDocument(
        "demo", "scjg", "示例", endpoints=(Endpoint("db", "sql"),), flows=(flow,), code_tables=(KINDS,)
    )
    again = read_toml(write_toml(document))
    mapped = compile_mapping(flow, [KINDS], clock=lambda: NOW).apply(record)
    assert compile_mapping(again.flows[0], again.code_tables, clock=lambda: NOW).apply(record) == mapped


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=6), st.sampled_from(sorted(code_table("party_kind")))))
)
def test_a_code_table_says_there_and_back_what_it_says(pairs: list[tuple[str, str]]) -> None:
    """Their code becomes ours and ours becomes one of theirs that means it; of several the first."""
    table = CodeTable("t", pairs=tuple(pairs))
    theirs, ours = translations(table, "in"), translations(table, "out")
    for said, meant in pairs:
        assert theirs[same(said)] in {one for other, one in pairs if same(other) == same(said)}
        assert ours[meant] == next(other for other, one in pairs if one == meant)


def test_coverage_names_the_mandatory_targets_without_a_source() -> None:
    """By title; of those that can stand for each other one is enough."""
    flow = Flow(
        "in", "in", "returned", "db", fields=(FieldRule("push_id", ("id",)), FieldRule("wrong", ("x",)))
    )
    found = coverage(flow, target_fields("returned"))
    assert found.words == "1 个必填目标没有来源：原因"
    assert [one.path for one in found.missing] == ["reason"]
    assert found.unknown == ("wrong",)
    nothing = coverage(replace(flow, fields=()), target_fields("returned"))
    assert nothing.words == "2 个必填目标没有来源：哪一个推送包、原因"


def test_two_versions_are_compared_rule_by_rule_and_pair_by_pair() -> None:
    """Added, removed and changed, in words; nothing where nothing changed."""
    new = replace(
        OUT,
        when="r.x",
        fields=(OUT.fields[0], replace(OUT.fields[3], steps=()), FieldRule("new", ("case.legal",))),
    )
    table = replace(KINDS, pairs=(("1", "legal"), ("3", "natural")))
    changes = {(one.part, one.name): (one.kind, one.after) for one in compare(OUT, new, [KINDS], [table])}
    assert changes[("when", "when")] == ("added", "r.x")
    assert changes[("field", "decided")] == ("changed", "result.result_date")
    assert changes[("field", "new")] == ("added", "case.legal")
    assert changes[("field", "papers")][0] == "removed"
    assert changes[("pair", "kinds：2")][0] == "removed"
    assert changes[("pair", "kinds：3")] == ("added", "natural")
    assert compare(OUT, OUT, [KINDS], [KINDS]) == ()
