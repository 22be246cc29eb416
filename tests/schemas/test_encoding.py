"""The one door to JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Malformed, canonical, dumps, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab键", max_size=3), inner, max_size=3)
    ),
)


@given(VALUES)
def test_what_is_written_is_read(value: object) -> None:
    """Any value comes back the same, from bytes and from text."""
    assert loads(dumps(value)) == value
    assert loads(dumps(value).decode()) == value


@given(st.dictionaries(st.text("abc键", max_size=3), VALUES))
def test_canonical_does_not_mind_the_order(value: dict[str, object]) -> None:
    """Equal mappings give equal canonical bytes."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)
    assert loads(canonical(value)) == value


def test_times_are_utc_with_z() -> None:
    """An aware time is written so that every language reads it."""
    assert dumps(datetime(2026, 11, 21, 8, tzinfo=UTC)) == b'"2026-11-21T08:00:00Z"'
    assert (
        dumps(datetime(2026, 11, 21, 8, tzinfo=timezone(timedelta(hours=8))))
        == b'"2026-11-21T08:00:00+08:00"'
    )


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"NaN", b'"\\ud800"', b"[1,]", "{'a':1}", b"{} {}"]
)
def test_what_is_not_json_is_malformed(raw: bytes | str) -> None:
    """Broken JSON, broken UTF-8 and half characters are refused with a Chinese sentence."""
    with pytest.raises(Malformed, match="JSON"):
        loads(raw)


@pytest.mark.parametrize(
    "raw", [rb'{"a":["x\u0000y"]}', rb'{"\u0000":1}', r'"\u0000"', memoryview(rb'["\u0000"]')]
)
def test_a_nul_character_is_refused(raw: bytes | str | memoryview) -> None:
    """No database keeps U+0000, so it is refused at the door, in values and keys."""
    with pytest.raises(Malformed, match="空字符"):
        loads(raw)


def test_a_backslash_before_u0000_is_only_text() -> None:
    """The six characters \\u0000 written as text are no NUL."""
    assert loads(rb'"\\u0000"') == r"\u0000"


def test_the_last_of_two_equal_keys_wins() -> None:
    """Duplicate keys are not refused (documented): the last one counts."""
    assert loads(b'{"a":1,"a":2}') == {"a": 2}
