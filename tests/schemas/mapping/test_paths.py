"""Paths into records."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mapping.paths import EVERY, BadPath, Part, found, getter, parsed, putter, spelled, within

RECORD = {
    "case": {"legal": "示例甲"},
    "materials": [{"name": "甲"}, {"name": None}, {"name": "乙"}],
    "nested": [{"of": [1, 2]}, {"of": [3]}, {}],
    "a.b": {"许可 [1]": "x"},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("case.legal", "示例甲"),
        ("case.none.deeper", None),
        ("materials[].name", ["甲", "乙"]),
        ("materials[0].name", "甲"),
        ("materials[9].name", None),
        ("materials[]", RECORD["materials"]),
        ("nested[].of[]", [1, 2, 3]),
        ("case.legal[]", []),
        ('"a.b"."许可 [1]"', "x"),
    ],
)
def test_a_path_reads(path: str, value: Any) -> None:
    """What is there is found, what is not there is None, and '[]' is every element that has something."""
    assert found(RECORD, path) == value


_PARTS = st.lists(
    st.one_of(st.text(max_size=8), st.just(EVERY), st.integers(0, 99_999)), min_size=1, max_size=6
)


@given(_PARTS)
def test_what_is_spelled_reads_as_the_same_parts(parts: list[Part]) -> None:
    """Every path that begins with a key, whatever its keys hold, is read as it was meant."""
    parts = ["key", *parts]
    assert list(parsed(spelled(parts))) == parts


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    """Nothing else is raised, and a path that is read reads any record."""
    try:
        read = getter(text)
    except BadPath:
        return
    read(RECORD)


def test_a_target_may_lie_in_objects_but_not_in_lists() -> None:
    """Objects on the way are made; a list has no place to write to."""
    made: dict[str, Any] = {}
    putter("columns.CF_WSH")(made, "1")
    putter("columns.CF_NR")(made, "2")
    assert made == {"columns": {"CF_WSH": "1", "CF_NR": "2"}}
    with pytest.raises(BadPath):
        putter("rows[].x")


def test_a_path_within_the_list_in_hand_is_read_from_its_element() -> None:
    """Only what lies in that list moves; the rest of the message stays where it is."""
    assert within("materials[].name", "materials[]") == "@item.name"
    assert within("case.legal", "materials[]") == "case.legal"
