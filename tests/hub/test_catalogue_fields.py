"""Fields, code shapes, formats: what a schema lets through, what a value becomes, which patterns may be kept."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from hub.catalogue.code_pattern import CodePattern
from hub.catalogue.code_shapes import code_faults, matches, pattern_fault
from hub.catalogue.faults import Faulty
from hub.catalogue.fields import FIELD_TYPES, FieldDef, check_values, parse_defs, shown, stored
from hub.catalogue.formats import FORMATS, known_formats
from hub.ports import Desk
from hub.upload_rules import ENDINGS

NUMBER = "990101199001010019"
ALL = tuple(
    FieldDef(kind, kind.upper(), kind, code_table="result_type" if kind == "code" else None)
    for kind in FIELD_TYPES
)
GOOD = {
    "text": ("  青禾  小吃店 ", "青禾 小吃店"),
    "long_text": (" 一\n二 ", "一\n二"),
    "number": ("1,200.5", "1200.5"),
    "money": ("1200.5 元", "1200.50"),
    "date": ("2026年9月8日", "2026-09-08"),
    "yes_no": ("是", "1"),
    "code": ("0", "0"),
    "person_number": ("990101 19900101 0019", NUMBER),
}
WRONG = {
    "text": "x" * 201,
    "long_text": "x" * 2001,
    "number": "十二",
    "money": "1.234",
    "date": "2026-02-30",
    "yes_no": "也许",
    "code": "没有这个",
    "person_number": "990101199001010018",
}


def test_values_become_clean_and_stay_so() -> None:
    """Each type's value is brought into one form, and that form passes unchanged."""
    clean, faults = check_values(ALL, {name: raw for name, (raw, _clean) in GOOD.items()})
    assert faults == {}
    assert clean == {name: wanted for name, (_raw, wanted) in GOOD.items()}
    assert check_values(ALL, clean) == (clean, {})


def test_wrong_values_have_a_sentence_each() -> None:
    """Each type refuses what it is not, with the field's label; a person's number is never repeated."""
    clean, faults = check_values(ALL, WRONG)
    assert clean == {}
    assert faults.keys() == WRONG.keys()
    assert WRONG["person_number"] not in faults["person_number"]
    required = [FieldDef("a", "甲", "text", True)]
    assert check_values(required, {"a": " \t "}) == ({}, {"a": "请填写“甲”。"})
    assert "看不见" in check_values(required, {"a": "x\x00y"})[1]["a"]
    assert check_values(required, {"a": "x", "stranger": "y"}) == ({"a": "x"}, {})


def test_a_persons_number_is_stored_sealed(desk: Desk) -> None:
    """Kept: masked, sealed and hashed, never readable; everything else as text, codes with their words."""
    clean, _faults = check_values(ALL, {name: raw for name, (raw, _clean) in GOOD.items()})
    kept = stored(ALL, clean, desk.identities)
    assert NUMBER not in str(kept)
    assert kept["person_number"]["digest"] == desk.identities.digest("111", NUMBER).hex()
    assert shown(kept["person_number"]) == desk.identities.mask(NUMBER)
    assert kept["money"] == {"text": "1200.50", "shown": "1200.50 元", "fen": 120050}
    assert shown(kept["yes_no"]) == "是"
    assert shown(None) == shown({}) == ""


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ([{"name": "1a", "label": "甲", "type": "text"}], "第 1 行：字段代号"),
        ([{"name": "a", "label": "甲", "type": "text"}] * 2, "第 2 行：字段代号“a”重复"),
        ([{"name": "a", "label": "", "type": "text"}], "请填写字段名称"),
        ([{"name": "a", "label": "甲", "type": "file"}], "字段类型应为"),
        ([{"name": "a", "label": "甲", "type": "code", "code_table": "../x"}], "请选择代码表"),
        ([{"name": "a", "label": "甲", "type": "text", "max_length": 0.5}], "最大长度"),
        ([{"name": "a", "label": "甲", "type": "text", "required": "yes"}], "“必填”"),
        ([None], "读不出来"),
        ("text", "应为一张表"),
        ([{"name": f"a{n}", "label": str(n), "type": "text"} for n in range(101)], "最多 100 个"),
    ],
)
def test_a_bad_schema_is_refused_by_line(raw: Any, sentence: str) -> None:
    """Names, labels, types, tables, lengths: each fault names its line."""
    with pytest.raises(Faulty, match=re.escape(sentence)):
        parse_defs(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
ROW = st.dictionaries(
    st.sampled_from(["name", "label", "type", "required", "code_table", "max_length"]), JSON, max_size=6
)


@given(st.lists(ROW, max_size=4) | JSON)
def test_any_schema_is_read_or_refused(raw: Any) -> None:
    """Whatever arrives: fields that can be read back as they are, or Faulty - never another error."""
    try:
        found = parse_defs(raw)
    except Faulty:
        return
    assert parse_defs([one.as_dict() for one in found]) == found


@given(st.sampled_from(ALL), st.text(max_size=60))
def test_any_value_is_clean_or_has_a_sentence(field: FieldDef, raw: str) -> None:
    """Whatever is typed: one clean value that passes again, one sentence, or nothing at all."""
    clean, faults = check_values([field], {field.name: raw})
    assert len(clean) + len(faults) <= 1
    assert check_values([field], clean) == (clean, {})


def test_the_formats_offered_are_those_that_are_taken() -> None:
    """The catalogue offers exactly the endings that an installation lets in."""
    assert set(FORMATS) == set(ENDINGS)
    assert known_formats(["PDF", ".jpeg", "exe"]) == (["pdf", "jpg"], ["exe"])


@pytest.mark.parametrize(
    "pattern", ["(", "[0-9", "*", "(a+)+", "(a|b*)*", "(x{2,5}){1,9}", r"(a)\1", "a*b*c*d*", "x" * 201]
)
def test_a_pattern_that_may_run_for_ever_is_not_kept(pattern: str) -> None:
    """What does not compile and what can take exponential time is refused with a sentence."""
    assert pattern_fault(pattern)
    assert not matches(pattern, "a")


@given(st.from_regex(r"[\[\]()a0|*+?{}1,\\d-]{1,30}", fullmatch=True), st.sampled_from("a01-"))
def test_a_kept_pattern_answers_at_once(pattern: str, letter: str) -> None:
    """Whatever pattern is kept, 64 characters are judged in a moment."""
    if pattern_fault(pattern) is None:
        started = time.thread_time()  # our own work, whatever else the machine does
        matches(pattern, letter * 63 + "!")
        assert time.thread_time() - started < 1


def test_codes_must_match_one_active_pattern(engine: Engine) -> None:
    """The shipped patterns take the national shapes; a kind whose patterns are all off takes anything."""
    good = {
        "catalog_code": "370117002011",
        "task_code": "11370100MB000001944370117002011",
        "handle_item_code": "11370100MB00000194437011700201101",
    }
    with engine.begin() as tx:
        assert code_faults(tx, good) == {}
        assert (
            "不符合任何编码规则"
            in code_faults(tx, {"handle_item_code": good["task_code"]})["handle_item_code"]
        )
        assert "至多 64 位" in code_faults(tx, {"catalog_code": "1" * 65})["catalog_code"]
        tx.execute(update(CodePattern).where(CodePattern.kind == "handle_item_code").values(active=False))
        assert code_faults(tx, {"handle_item_code": "anything"}) == {}
