"""What is sent to PostgreSQL at once arrives there as it was."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hub.round_trips import ask, listed

NOW = datetime(2026, 2, 28, 16, 0, 0, 123456, tzinfo=UTC)
WORDS = [
    "",
    "NULL",
    "null",
    "{}",
    "a,b",
    'a "b"',
    "\\",
    '\\"',
    "'; DROP TABLE cases; --",
    " 两边 有空 ",
    "\n\t",
    "𠮷",
    None,
]


def test_lists_arrive_as_they_were(engine: Engine) -> None:
    """Whatever stands in a list, the database sees the same values in the same order, and NULL only where None was."""
    ids = [uuid.UUID(int=0), None, uuid.uuid4()]
    moments = [NOW, None, NOW + timedelta(days=1)]
    with engine.connect() as tx:
        answers = ask(
            tx,
            ("SELECT %(it)s::text[]", {"it": listed(WORDS)}),
            ("SELECT %(it)s::uuid[]", {"it": listed(ids)}),
            ("SELECT %(it)s::timestamptz[]", {"it": listed(moments)}),
            ("SELECT %(it)s::bigint[]", {"it": listed([-1, None, 2**62])}),
            ("SELECT %(it)s::text[]", {"it": listed([])}),
        )
    assert [rows[0][0] for rows in answers] == [WORDS, ids, moments, [-1, None, 2**62], []]


def test_what_no_text_may_hold_is_an_error_of_the_database(engine: Engine) -> None:
    """A zero byte in a list is refused as in any other text, and not cut off there."""
    with engine.connect() as tx, pytest.raises(DBAPIError):
        ask(tx, ("SELECT %(it)s::text[]", {"it": listed(["a\0b"])}))
