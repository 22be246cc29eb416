"""Layouts, number rules, days of validity and words of a face: pure, and for everything that can be thrown at them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.catalogue.faults import Fault, Faulty
from hub.catalogue.fields import FieldDef, parse_defs
from hub.deciding.decided_case import PartyFacts
from hub.errors import Rejected
from hub.identifiers import licence_identifier, licence_identifier_fault
from hub.licensing.face import ALIGNS, ELEMENT_KINDS, OVERFLOWS, VALIGNS, Layout
from hub.licensing.issuing.figures import capitals, day_in, sum_in
from hub.licensing.issuing.fill import Words, fill
from hub.licensing.issuing.metadata import gb36903
from hub.licensing.issuing.number import other_serial, plain_serial
from hub.licensing.types.formats_of import BUILT_INS, FORMATS_OF
from hub.licensing.types.layout import layout_dict, parse_layout
from hub.licensing.types.layout_properties import BORDER_STYLES, MOST_ELEMENTS
from hub.licensing.types.number_rule import example, number_rule_fault, parse_number_rule
from hub.licensing.types.published_type import PublishedType
from hub.licensing.types.sample_words import sample_words
from hub.licensing.types.type_rules import TypeRules, kept_rules, parse_rules
from hub.licensing.types.validity import last_day, months_on
from tests.hub.licence_builders import FIELDS, LAYOUT, RULES, TYPE

DEFS = parse_defs(FIELDS)


def _length(most: float) -> st.SearchStrategy[float]:
    return st.floats(1, most).map(lambda value: round(value, 2))


def _element(number: int) -> st.SearchStrategy[dict[str, Any]]:
    """An element that is right, whatever its kind."""
    return st.fixed_dictionaries(
        {
            "id": st.just(f"e{number}"),
            "kind": st.sampled_from([kind for kind in ELEMENT_KINDS if kind != "image"]),
            "x": _length(90),
            "y": _length(90),
            "w": st.floats(12, 100).map(lambda value: round(value, 2)),
            "h": st.floats(12, 100).map(lambda value: round(value, 2)),
            "text": st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=30),
            "source": st.sampled_from([*BUILT_INS, *(one.name for one in DEFS)]),
            "size": st.floats(8, 60).map(lambda value: round(value, 1)),
            "align": st.sampled_from(ALIGNS),
            "valign": st.sampled_from(VALIGNS),
            "overflow": st.sampled_from(OVERFLOWS),
            "style": st.sampled_from(BORDER_STYLES),
            "bold": st.booleans(),
            "color": st.sampled_from(["#000000", "#A0b1C2"]),
        }
    )


LAYOUTS = st.integers(0, 6).flatmap(lambda n: st.tuples(*(_element(i) for i in range(n)))).map(list)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
PROPERTIES = (
    "id",
    "kind",
    "x",
    "y",
    "w",
    "h",
    "text",
    "source",
    "format",
    "size",
    "bold",
    "image",
    "color",
    "align",
)


@given(LAYOUTS)
def test_a_layout_reads_back_as_it_was_written(elements: list[dict[str, Any]]) -> None:
    """parse(dict(layout)) is the layout, and writing it again gives the same."""
    layout = parse_layout({"width": 210, "height": 297, "elements": elements}, DEFS)
    kept = layout_dict(layout)
    assert parse_layout(kept, DEFS) == layout
    assert layout_dict(parse_layout(kept, DEFS)) == kept


@settings(max_examples=200)
@given(
    st.one_of(
        ANYTHING,
        st.fixed_dictionaries(
            {
                "width": ANYTHING,
                "elements": st.lists(st.dictionaries(st.sampled_from(PROPERTIES), ANYTHING), max_size=3),
            }
        ),
    )
)
def test_whatever_comes_is_a_layout_or_a_refusal(raw: Any) -> None:
    """No data makes it crash; what parses lies on its page with finite numbers."""
    layout, faults = _tried(raw)
    assert (layout is None) == bool(faults)
    assert all(fault.part == "layout" and fault.sentence.endswith("。") for fault in faults)
    for one in layout.elements if layout else ():
        assert all(math.isfinite(value) for value in (one.x, one.y, one.w, one.h, one.size))
        assert layout is not None
        assert one.x + one.w <= layout.width + 0.01
        assert one.y + one.h <= layout.height + 0.01


def _tried(raw: Any) -> tuple[Layout | None, tuple[Fault, ...]]:
    try:
        return parse_layout(raw, DEFS), ()
    except Faulty as error:
        return None, error.faults


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"x": 200}, "w", "超出页面右边 50.00 毫米"),
    ({"h": 0.5}, "h", "至少 1 毫米"),
    ({"kind": "qr", "w": 8}, "w", "至少 12 毫米"),
    ({"kind": "circle"}, "kind", "应为"),
    ({"id": "1"}, "id", "字母开头"),
    ({"text": " "}, "text", "不能为空"),
    ({"text": "字" * 2001}, "text", "至多 2000 字"),
    ({"kind": "field", "source": "nothing"}, "source", "没有代号为“nothing”的字段"),
    ({"kind": "field", "source": "$nothing"}, "source", "没有内置项"),
    ({"kind": "field", "source": ""}, "source", "没有选"),
    ({"kind": "field", "source": "place", "format": "大写"}, "format", "不能用于"),
    ({"kind": "image"}, "image", "没有选"),
    ({"image": "abc"}, "image", "已上传图片"),
    ({"color": "red"}, "color", "#RRGGBB"),
    ({"size": "big"}, "size", "4 到 200"),
    ({"size": float("nan")}, "size", "4 到 200"),
    ({"size": 10, "smallest": 12, "overflow": "shrink"}, "smallest", "不能大于字号"),
    ({"bold": "yes"}, "bold", "应为是或否"),
    ({"kind": "line", "w": 0, "h": 0}, "w", "不能都是 0"),
    ({"on_click": "x"}, "on_click", "不认识"),
]


@pytest.mark.parametrize(("changes", "field", "said"), FAULTS)
def test_every_fault_names_element_and_property(changes: dict[str, Any], field: str, said: str) -> None:
    """Which element, which property, what is wrong; of all elements at once."""
    wrong = {"id": "title", "kind": "text", "x": 10, "y": 10, "w": 60, "h": 10, "text": "证", **changes}
    with pytest.raises(Faulty) as refused:
        parse_layout(
            {"elements": [{**wrong, "id": "other"}, wrong] if "id" not in changes else [wrong, wrong]}, DEFS
        )
    faults = refused.value.faults
    assert {fault.line for fault in faults} == {1, 2}
    assert any(fault.field == field and said in fault.sentence for fault in faults)
    assert all(f"第 {fault.line} 个元素" in fault.sentence for fault in faults)


def test_a_layout_has_limits() -> None:
    """Pages between 40 mm and a metre, at most so many elements, each id once."""
    text = {"id": "a", "kind": "text", "x": 0, "y": 0, "w": 5, "h": 5, "text": "证"}
    for raw, said in (
        ({"width": 39.9}, "40 到 1000"),
        ({"height": 1001}, "40 到 1000"),
        ({"elements": "none"}, "应为一张表"),
        ({"elements": [{**text, "id": f"a{n}"} for n in range(MOST_ELEMENTS + 1)]}, "至多 200 个元素"),
        ({"elements": [text, text]}, "重复"),
        ({"elements": [1]}, "读不出来"),
        ([], "读不出来"),
    ):
        with pytest.raises(Faulty, match=said):
            parse_layout(raw, DEFS)


@given(
    st.dictionaries(st.sampled_from([*TypeRules.__slots__, "other"]), ANYTHING, max_size=6).map(
        lambda said: {"name": "示范证", **said}
    )
)
def test_rules_are_clean_or_named(raw: dict[str, Any]) -> None:
    """Whatever comes; what has no fault reads back as it was written."""
    rules, faults = parse_rules(raw, DEFS)
    assert all(fault.part == "rules" and fault.sentence for fault in faults)
    if not faults:
        assert kept_rules(rules.as_dict()) == rules
        assert parse_rules(rules.as_dict(), DEFS) == (rules, [])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("JY{yyyy}", "没有流水号"),
        ("{seq}", "写明位数"),
        ("{seq:13}", "写明位数"),
        ("{seq:2}{seq:3}", "只能有一个"),
        ("{mm}{seq:4}", "有月"),
        ("{yyyy}{dd}{seq:4}", "有月"),
        ("{name}{seq:4}", "没有“{name}”"),
        ("JY{seq:4", "读不出来"),
        ("JY {seq:4}", "空格"),
        ("长" * 61, "至多 60 字"),
    ],
)
def test_number_rules_that_cannot_be(rule: str, said: str) -> None:
    """Each is refused with what would be right."""
    fault = number_rule_fault(rule)
    assert fault is not None
    assert said in fault


_PIECES = st.sampled_from(
    ["JY", "京食药〔", "〕", "号", "-", "{yyyy}", "{yy}", "{mm}", "{dd}", "{area}", "{issuer}"]
)


@given(
    st.lists(_PIECES, max_size=4),
    st.lists(_PIECES, max_size=4),
    st.integers(1, 12),
    st.lists(st.integers(1, 10**12), min_size=2, max_size=20, unique=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
)
def test_two_sequence_numbers_never_give_one_number(
    before: list[str], after: list[str], digits: int, sequence: list[int], on: date
) -> None:
    """Within a counter numbers differ; so do the serials made of them, and every identifier checks."""
    rule = "".join([*before, f"{{seq:{digits}}}", *after])
    if number_rule_fault(rule):
        return
    parsed = parse_number_rule(rule)
    sequence = [one for one in sequence if one < 10**digits]
    numbers = [parsed.number(one, on=on, area="990101", issuer="11370100MB00000194") for one in sequence]
    assert len(set(numbers)) == len(numbers)
    serials = [plain_serial(one) or other_serial(one, on) for one in numbers]
    assert len(set(serials)) == len(serials)
    for serial in serials:
        assert licence_identifier_fault(licence_identifier(TYPE, "11370100MB00000194", serial, 7)) is None
    with pytest.raises(ValueError, match="run out"):
        parsed.number(10**digits, on=on, area="", issuer="")


@given(
    st.integers(1, 999), st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=32), st.data()
)
def test_one_wrong_character_in_an_identifier_is_found(
    version: int, serial: str, data: st.DataObject
) -> None:
    """Any single character changed in the body gives a fault."""
    identifier = licence_identifier(TYPE, "340100", serial, version)
    assert licence_identifier_fault(identifier) is None
    places = [at for at, char in enumerate(identifier) if at > 15 and char != "."]
    at = data.draw(st.sampled_from(places))
    other = data.draw(
        st.sampled_from([one for one in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if one != identifier[at]])
    )
    assert licence_identifier_fault(identifier[:at] + other + identifier[at + 1 :]) is not None


def test_the_first_number_of_a_rule() -> None:
    """As the editor shows it."""
    on = date(2026, 11, 2)
    assert example("JY{area}{yyyy}{seq:6}", on=on) == "JY9901012026000001"
    assert example("京食药〔{yyyy}〕{seq:1}号", on=on) == "京食药〔2026〕1号"
    assert example("{issuer}-{yy}{mm}{dd}-{seq:3}", on=on) == "11370100MB00000194-261102-001"
    assert example("", on=on) == example("JY", on=on) == ""
    assert plain_serial("京食药〔2026〕1号") == "20261"
    assert plain_serial("无字") == plain_serial("J" * 33) == ""


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 11, 22), 60, date(2031, 11, 21)),
        (date(2026, 1, 1), 12, date(2026, 12, 31)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 28), 1, date(2026, 2, 27)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 28)),
        (date(2026, 3, 1), 12, date(2027, 2, 28)),
        (date(2027, 3, 1), 12, date(2028, 2, 29)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
    ],
)
def test_periods_of_months_end_as_the_civil_code_counts(start: date, months: int, end: date) -> None:
    """Leap days and ends of months."""
    assert months_on(start, months) == end


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 1200))
def test_a_later_start_never_ends_earlier(start: date, months: int) -> None:
    """And a period is never shorter than it says."""
    end = months_on(start, months)
    assert end <= months_on(start + timedelta(days=1), months)
    assert end >= start + timedelta(days=28 * months - 1)


def test_days_by_rule() -> None:
    """Days count from the first; a field says its day, and must say one."""
    start = date(2026, 11, 22)
    assert last_day(TypeRules(validity_kind="days", validity_length=1), start, {}) == start
    assert last_day(TypeRules(), start, {}) is None
    by_field = TypeRules(validity_kind="field", validity_field="until")
    assert last_day(by_field, start, {"until": "2027-01-01"}) == date(2027, 1, 1)
    with pytest.raises(Rejected):
        last_day(by_field, start, {})


def _type(*extra: FieldDef) -> PublishedType:
    defs = (*DEFS, *extra)
    elements = [*LAYOUT["elements"]] + [
        {"id": f"x{n}", "kind": "field", "x": 10, "y": 10, "w": 50, "h": 10, "source": one.name}
        for n, one in enumerate(extra)
    ]
    rules, faults = parse_rules(RULES, defs)
    assert not faults
    return PublishedType(
        TYPE, rules.name, 1, rules, defs, parse_layout({**LAYOUT, "elements": elements}, defs)
    )


MANY = Words(
    number="JY2026000001",
    identifier=licence_identifier(TYPE, "11370100MB00000194", "JY2026000001"),
    holders=(
        PartyFacts("natural", "安然", "990101199001010019", "111"),
        PartyFacts("legal", "示范县青禾有限公司", "91370102MA3C00011F", "001", "张三丰"),
    ),
    issuer_code="11370100MB00000194",
    issuer_name="示范县行政审批服务局",
    issued_on=date(2026, 11, 22),
    valid_from=date(2026, 11, 22),
    valid_to=None,
    values={
        "place": "示范路 1 号",
        "person": "990101199001010019",
        "chief": "欧阳修",
        "phone": "13900000000",
        "sum": "12000.50",
    },
)
EXTRA = (
    FieldDef("chief", "负责人姓名", "text"),
    FieldDef("phone", "联系电话", "text"),
    FieldDef("sum", "注册资金", "money"),
)


def test_a_face_says_words_not_codes() -> None:
    """Holders joined, days in their format, long-term said so, nothing where nothing is known."""
    face = fill(_type(*EXTRA), MANY, qr="https://hub.example/v/abc")
    assert face.texts["holder"] == "经营者名称：安然、示范县青禾有限公司"
    assert face.texts["code"] == "代码：990101199001010019、91370102MA3C00011F"
    assert face.texts["validity"] == "有效期：长期"
    assert face.texts["day"] == "二〇二六年十一月二十二日"
    assert face.texts["scope"] == ""  # not even its prefix
    assert face.texts["person"] == "负责人证件：990101********0019"  # the designer's choice
    assert face.texts["x2"] == "12000.50 元"
    assert (face.qr, face.title, face.issuer) == (
        "https://hub.example/v/abc",
        "食品经营许可证",
        "示范县行政审批服务局",
    )


def test_a_masked_face_names_no_person() -> None:
    """For the public page: natural persons, their numbers and telephones are covered; bodies are not."""
    face = fill(_type(*EXTRA), MANY, qr="", masked=True)
    said = " ".join(face.texts.values())
    for secret in ("安然", "990101199001010019", "欧阳修", "13900000000"):
        assert secret not in said
    assert face.texts["holder"] == "经营者名称：安*、示范县青禾有限公司"
    assert "91370102MA3C00011F" in face.texts["code"]
    assert face.texts["x0"] == "欧**"
    home = _type(FieldDef("home", "住所", "text"))
    values = {"home": "示范县人民路 88 号 3 单元"}
    for holders, said in ((MANY.holders, "示范县人民路******"), (MANY.holders[1:], values["home"])):
        at_home = fill(home, replace(MANY, holders=holders, values=values), qr="", masked=True)
        assert at_home.texts["x0"] == said


def test_metadata_say_no_more_than_the_face() -> None:
    """A number that the face shows in full is in the metadata; one that it covers is covered there."""
    told = gb36903(_type(*EXTRA), MANY, area="990101", related="1.2.3")
    assert told["certificateHolderCode"] == ["990101199001010019", "91370102MA3C00011F"]
    assert told["extendInfo"]["KZ_person"] == "990101********0019"
    assert (told["certificateValidateEnd"], told["issueDate"]) == ("20991231", "20261122")
    plain = {**LAYOUT, "elements": [one for one in LAYOUT["elements"] if one["id"] != "code"]}
    closed = PublishedType(TYPE, "证", 1, TypeRules(name="证"), DEFS, parse_layout(plain, DEFS))
    assert gb36903(closed, MANY, area="990101")["certificateHolderCode"][0] == "990101********0019"


def test_a_sample_has_words_for_every_field() -> None:
    """Whatever the fields are; its identifier checks."""
    fields = tuple(
        FieldDef(kind, f"字段{kind}", kind, code_table="yes_no" if kind == "code" else None)
        for kind in ("text", "long_text", "number", "money", "date", "yes_no", "code", "person_number")
    )
    type_ = _type(*fields)
    words = sample_words(type_)
    face = fill(type_, words, qr="")
    assert all(said for id_, said in face.texts.items())
    assert licence_identifier_fault(words.identifier) is None


@pytest.mark.parametrize(("form", "said"), list(FORMATS_OF["date"].items()))
def test_the_examples_of_date_formats_are_true(form: str, said: str) -> None:
    """What the editor offers is what is printed."""
    assert day_in(date(2026, 8, 6), form) == said


def test_the_examples_of_other_formats_are_true() -> None:
    """Sums, too; and numerals in capitals."""
    for form, said in FORMATS_OF["money"].items():
        assert sum_in("12000.50", form) == said
    assert day_in(date(2010, 10, 20), "中文") == "二〇一〇年十月二十日"
    assert sum_in("0.00", "大写") == "零元整"
    assert sum_in("100000010.30", "大写") == "壹亿零壹拾元叁角"
    assert capitals(Decimal("10001000")) == "壹仟万壹仟元整"  # 万位 is 0: the rules leave the 零 open
    assert capitals(Decimal("10000100")) == "壹仟万零壹佰元整"
