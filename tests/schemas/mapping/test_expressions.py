"""Expressions: what they can read, and that none of them takes the process down or holds it up."""

from __future__ import annotations

import contextlib
import time
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.mapping.expressions import BadExpression, compiled, condition
from schemas.mapping.results import Misfit

RECORD: dict[str, Any] = {
    "code": "5",
    "许可类别": "普通",
    "fine": Decimal("0.2"),
    "on": date(2026, 3, 5),
    "at": datetime(2026, 3, 5, 10),  # noqa: DTZ001 - a database without zones
    "materials": [{"name": "甲", "size": 3}, {"name": "乙", "size": 9}],
}


def result(source: str, record: dict[str, Any] = RECORD, value: Any = None) -> Any:
    """What an expression makes of this record."""
    return compiled(source)({"r": record, "value": value})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("r.code + '号'", "5号"),
        ('r["许可类别"] == "普通"', True),
        ("has(r.none) && r.none == '1'", False),
        ("get(r, 'none') == null", True),
        ("number(r.code) * 2.0", 10.0),
        ("text(r.fine) + ' 万元'", "0.2 万元"),
        ("r.on", "2026-03-05"),
        ("r.at.getHours()", 2),
        ("empty(get(r, '备注')) ? '无' : r['备注']", "无"),
        ("r.materials.filter(m, m.size > 5).map(m, m.name)", ["乙"]),
        ("size(r.materials)", 2),
        ("r.code.matches('^[0-9]+$')", True),
    ],
)
def test_an_expression_reads_the_record(source: str, expected: Any) -> None:
    """Chinese keys, dates, amounts, lists, and what may be missing."""
    assert result(source) == expected


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "不能为空"),
        ("r.code ==", "语法错误"),
        ("nothing", "没有“nothing”这个名称"),
        ("r.code.system()", "没有“system”这个函数"),
        ("__import__('os')", "没有"),
        ("'" + "x" * 2000 + "'", "太长"),
        ("1" + "+1" * 400, "复杂"),
        ("(" * 40 + "1" + ")" * 40, "太深"),
        ("r.m.map(a, r.m.map(b, 1))", "不能套在另一个里面"),
        ("(r.m + r.m).map(a, a)", "只能用在字段上"),
        ("[r.m, r.m][0].map(a, a)", "只能用在字段上"),
        ("r.m.map(x, r.m)[0].map(y, y)", "只能用在字段上"),
        ('[r"\\", r.m.map(a, r.m.map(b, 1)), "x"]', "不能有"),
        ("r.m.map(a, // '\n r.m.map(b, 1)) // '", "不能有"),
        ("'''' + r.m.map(a, r.m.map(b, 1)) + ''''", "不能有"),
        ("r.`m`.map(a, 1)", "不能有"),
        ("'没有结束", "不能有"),
        ("r.m.all(a, a.matches('x'))", "matches 不能用在"),
        ("r.a.matches(r.b)", "写明的文字"),
        ("r.a.matches('(a{99}){99}')", "写明的文字"),
        ("r.a.matches('a') && r.b.matches('b') && r.c.matches('c')", "最多 2 个"),
    ],
)
def test_what_could_blow_up_is_refused_before_it_runs(source: str, words: str) -> None:
    """By its text alone, with a sentence."""
    with pytest.raises(BadExpression, match=words):
        compiled(source)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("r.none", "expression"),
        ("r.code > 3", "expression"),
        ("1 / 0", "expression"),
        ("9223372036854775807 + 1", "expression"),
        ("r.many.map(x, x)", "too_big"),
        ("r.long + r.long", "too_big"),
        ("r.some.map(x, [r, r, r, r])", "too_big"),
        ("r.some.map(x, [r.some, r.some]).map(y, [y, y])", "too_big"),
        ("r.strange", "type"),
    ],
)
def test_what_is_too_much_at_run_time_is_a_fault(source: str, cause: str) -> None:
    """The size of what an expression is about to read is looked at first."""
    record = {
        **RECORD,
        "many": list(range(1_000_000)),
        "long": "x" * 300_000,
        "some": ["y" * 50] * 800,
        "strange": {1},
    }
    with pytest.raises(Misfit) as raised:
        result(source, record)
    assert raised.value.cause == cause


def test_a_condition_is_true_or_false() -> None:
    """A condition that says something else is a fault, not a guess."""
    assert condition("r.code == '5'")({"r": RECORD})
    with pytest.raises(Misfit, match="真或假"):
        condition("r.code")({"r": RECORD})


def worst(source: str, record: dict[str, Any]) -> float:
    """Processor seconds of one evaluation, refused or not."""
    evaluate = compiled(source)
    begun = time.process_time()
    with contextlib.suppress(Misfit):
        evaluate({"r": record, "value": None})
    return time.process_time() - begun


@pytest.mark.parametrize("length", [100, 500, 1000])
def test_the_worst_that_is_let_through_is_soon_over(length: int) -> None:
    """The dearest expressions that could be found take less than a second of processor time, over any length allowed."""
    some = ["y" * 60] * length
    record = {"l": some, "m": [{"a": "q", "b": [1] * 9}] * length, "s": "ab" * 30_000, "t": "z" * 2_000}
    sources = (
        "r.l.map(x, x).map(x, x).map(x, x)",
        "r.l.filter(x, true).filter(x, true).map(x, x + x)",
        "r.l.map(x, " + " + ".join(["x"] * 20) + ")",
        "r.l.map(x, [x, x, x, x]).map(x, [x, x, x, x])",
        "r.l.exists(x, " + " || ".join(["x in r.l && false"] * 12) + ")",
        "r.l.all(x, x in r.l && r.l == r.l)",
        " + ".join(["r.t"] * 40),
        "[" + ", ".join(["r.l"] * 60) + "]",
        "r.l.all(x, text(r.l) != 'a')",
        "r.m.exists(x, r.s == get(r, 'm'))",
        "r.m.all(x, [r] == [x, x] || true)",
        "r.m.map(x, true).map(x, [[x, x], x]).exists(x, r.s == x)",
        "r.m.filter(x, {'a': x, 'b': r.l} != x).filter(x, true)",
        "r.l.filter(x, r.l == r.l || r.l == r.l || r.l == r.l)",
        r"r.s.matches('(.*a.*b.*c.*d.*e.*f.*g.*h)+$')",
        r"r.s.matches('(\\w+\\w+\\w+\\w+\\w+)+c') || r.s.matches('[ab]*a[ab][ab][ab][ab][ab][ab][ab][ab][ab]c')",
    )
    assert max((worst(source, record), source) for source in sources)[0] < 1.0


_TEXT = (
    "r value item . .a .l [0] ['许可'] ( ) [ ] { } , : ? + - * / ! == < && || in map filter all exists has size "
    "matches text number get 1 2.0 'x' true null x y .map(x, .filter(x, .exists(x, )"
)
_WORDS = st.sampled_from(_TEXT.split())


@settings(max_examples=400, deadline=None)
@given(
    st.lists(_WORDS, max_size=40).map(" ".join) | st.text(max_size=60),
    st.none() | st.text() | st.lists(st.integers()),
)
def test_any_text_is_refused_or_runs(source: str, value: Any) -> None:
    """Whatever somebody writes, it is refused with a sentence, faulty with a sentence, or has a value."""
    with contextlib.suppress(BadExpression):
        evaluate = compiled(source)
        with contextlib.suppress(Misfit):
            evaluate({"r": {"a": "1", "l": [1, 2], "许可": None}, "value": value, "item": None, "no": 1})
