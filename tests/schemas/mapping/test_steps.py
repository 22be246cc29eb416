"""Every step of a field rule, on what it takes and on what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from schemas.connector.document import CodeTable, FieldRule, Flow, Transform
from schemas.mapping import compile_mapping
from schemas.mapping.transforms import TRANSFORMS

NOW = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)
KINDS = CodeTable("kinds", "类别", "party_kind", (("1", "legal"), ("企业", "legal"), ("2", "natural")))


def made(do: str, read: Any, options: dict[str, Any]) -> Any:
    """What one step makes of a value; of what it refuses, the cause and the words."""
    rule = FieldRule("t", ("v",), (Transform(do, options),))
    flow = Flow("f", "in", "finding", "e", fields=(rule,))
    mapped = compile_mapping(flow, [KINDS], clock=lambda: NOW).apply({"v": read})
    return mapped.faults[0].cause if mapped.faults else mapped.records[0]["t"]


@pytest.mark.parametrize(
    ("do", "value", "options", "expected"),
    [
        ("join", ["甲", "", None, "乙"], {"separator": "、"}, "甲、乙"),
        ("join", ["甲", "", "乙"], {"separator": "-", "skip_empty": False}, "甲--乙"),
        ("join", [], {}, None),
        ("split", "甲、乙、", {"separator": "、"}, ["甲", "乙"]),
        ("split", "甲、乙;丙", {"separator": "、;", "any": True}, ["甲", "乙", "丙"]),
        ("split", "2026-01-0009", {"separator": "-", "index": -1}, "0009"),
        ("split", "一", {"separator": "-", "index": 2}, None),
        ("first", ["", None, "乙"], {}, "乙"),
        ("item", ["甲", "乙"], {"index": 2}, "乙"),
        ("list", "甲", {}, ["甲"]),
        ("list", None, {}, []),
        ("unique", ["甲", "乙", "甲"], {}, ["甲", "乙"]),
        ("count", ["甲", "乙"], {}, 2),
        ("trim", " 甲 ", {}, "甲"),
        ("space", " 甲\n\t 乙 ", {}, "甲 乙"),
        ("width", "ＡＢ（１）", {}, "AB(1)"),
        ("upper", "ab", {}, "AB"),
        ("lower", ["AB", "C"], {}, ["ab", "c"]),
        ("replace", "1/2", {"old": "/", "new": "-"}, "1-2"),
        ("substring", "审批局文", {"start": 2, "length": 2}, "批局"),
        ("substring", "审批局文", {"start": -1}, "文"),
        ("pad", 7, {"width": 3}, "007"),
        ("json", {"a": ["甲"]}, {}, '{"a":["甲"]}'),
        ("date", "2026年3月5日", {}, "2026-03-05"),
        ("date", "20260305", {"out": "YYYY/M/D"}, "2026/3/5"),
        ("date", "2026/3/5 10:00", {"out": "YYYYMMDD"}, "20260305"),
        ("date", "2026-03-04T18:30:00Z", {}, "2026-03-05"),
        ("date", "46086", {"formats": ["YYYY-MM-DD", "excel"]}, "2026-03-05"),
        ("date", "5/3/2026", {"formats": ["D/M/YYYY"]}, "2026-03-05"),
        ("date", "13/3/2026", {"formats": ["D/M/YYYY", "M/D/YYYY"]}, "2026-03-13"),
        ("date", date(2026, 3, 5), {"out": "YYYY年M月D日"}, "2026年3月5日"),
        ("date", "长期", {"long": "2099-12-31"}, "2099-12-31"),
        ("moment", "2026-03-05 10:00", {}, "2026-03-05T02:00:00Z"),
        ("moment", "2026年3月5日10时20分", {"out": "local"}, "2026-03-05T10:20:00+08:00"),
        ("moment", "2026-03-05T02:00:00Z", {"out": "YYYY-MM-DD HH:mm:ss"}, "2026-03-05 10:00:00"),
        ("moment", "20260305100000", {"zone": "utc"}, "2026-03-05T10:00:00Z"),
        ("moment", "1772676000", {"number": "epoch"}, "2026-03-05T02:00:00Z"),
        ("moment", datetime(2026, 3, 5, 2, tzinfo=UTC), {"out": "epoch"}, 1_772_676_000),
        ("now", None, {"out": "YYYY-MM-DD"}, "2026-03-05"),
        ("money", "0.2", {"from": "万元"}, 200_000),
        ("money", 0.2, {"from": "万元", "to": "元"}, Decimal(2000)),
        ("money", "2,000.50 元", {}, 200_050),
        ("money", 200_000, {"from": "分", "to": "万元"}, Decimal("0.2")),
        ("number", "１,234.5", {}, Decimal("1234.5")),
        ("number", "5%", {"percent": True, "percent_as": "share"}, Decimal("0.05")),
        ("integer", "12.0", {}, 12),
        ("flag", "是", {}, True),
        ("flag", "已结案", {"yes": ["已结案"], "no": ["未结案"], "out": "1/0"}, "1"),
        ("flag", False, {"out": "是/否"}, "否"),
        ("code", "企业", {"table": "kinds"}, "legal"),
        ("code", " ２ ", {"table": "kinds"}, "natural"),
        ("code", ["1", "2"], {"table": "kinds"}, ["legal", "natural"]),
        ("code", "9", {"table": "kinds", "otherwise": "keep"}, "9"),
        ("code", "9", {"table": "kinds", "otherwise": "empty"}, None),
        ("code", "9", {"table": "kinds", "otherwise": "value", "value": "natural"}, "natural"),
        ("constant", "x", {"value": "示例"}, "示例"),
        ("default", "", {"value": "无"}, "无"),
        ("template", "甲", {"template": "{1}（{v}）"}, "甲（甲）"),
        ("template", "", {"template": "{1}号"}, None),
        ("expression", "2", {"expression": "number(value) > 1.0 ? '多' : '少'"}, "多"),
    ],
)
def test_a_step_makes(do: str, value: Any, options: dict[str, Any], expected: Any) -> None:
    """A value in one of the forms that the step knows comes out in the form that was asked for."""
    assert made(do, value, options) == expected


@pytest.mark.parametrize(
    ("do", "value", "options", "cause"),
    [
        ("date", "3/4/2026", {"formats": ["D/M/YYYY", "M/D/YYYY"]}, "format"),
        ("date", "2026-02-30", {}, "format"),
        ("date", "46086", {}, "format"),
        ("date", "59", {"formats": ["excel"]}, "format"),
        ("date", "长期", {}, "format"),
        ("date", "03-05", {}, "format"),
        ("moment", "昨天", {}, "format"),
        ("moment", "1772676000", {}, "format"),
        ("moment", "2026-03-05 25:00", {}, "format"),
        ("money", "2000", {}, "format"),
        ("money", "0.2 元", {"from": "万元"}, "format"),
        ("money", "0.001", {"from": "元"}, "format"),
        ("money", True, {"from": "元"}, "type"),
        ("number", "1,23", {}, "format"),
        ("integer", "1.5", {}, "format"),
        ("flag", "大概", {}, "format"),
        ("code", "9", {"table": "kinds"}, "code"),
        ("trim", {"a": 1}, {}, "type"),
        ("replace", "a" * 2000, {"old": "a", "new": "b" * 500}, "too_big"),
        ("expression", "x", {"expression": "value > 1"}, "expression"),
    ],
)
def test_what_a_step_cannot_read_is_refused_and_never_guessed(
    do: str, value: Any, options: dict[str, Any], cause: str
) -> None:
    """Ambiguous, unknown and impossible values have a cause."""
    assert made(do, value, options) == cause


@pytest.mark.parametrize("name", TRANSFORMS)
def test_an_editor_can_show_every_step(name: str) -> None:
    """Its words in both languages, and options that are a closed JSON Schema, each with its own in both."""
    info = TRANSFORMS[name]
    assert info.title
    assert info.title_en
    assert bool(info.summary) == bool(info.summary_en)
    assert info.options["additionalProperties"] is False
    for option in info.options["properties"].values():
        assert option["title"]
        assert option["x-title-en"]
        assert ("description" in option) == ("x-description-en" in option)
        for chosen in (option, option.get("items", {})):
            for words in ("x-enum-titles", "x-enum-titles-en"):
                assert len(chosen.get(words, ())) == len(chosen.get("enum", ()))


@pytest.mark.parametrize("name", [one for one in TRANSFORMS if TRANSFORMS[one].takes != "none"])
@pytest.mark.parametrize("value", [None, "", " ", []])
def test_nothing_stays_nothing(name: str, value: Any) -> None:
    """No step stumbles over an empty value."""
    options = {
        "split": {"separator": ","}, "item": {"index": 1}, "replace": {"old": "a"}, "pad": {"width": 2},
        "template": {"template": "{1}"}, "default": {"value": None}, "code": {"table": "kinds"},
        "expression": {"expression": "value"},
    }  # fmt: skip
    assert made(name, value, options.get(name, {})) in (None, "", " ", [], 0)
