"""Values as columns take them: what people write is understood, what a column would cut off or guess at is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import types as sql

from connectors.adapters.sql_values import Unfit, converter, for_sqlite

DAY = datetime(2026, 11, 21)  # noqa: DTZ001 - local, as the columns are


@pytest.mark.parametrize(
    ("kind", "given", "meant"),
    [
        (sql.Date(), "2026-11-21", DAY.date()),
        (sql.Date(), "2026/11/21", DAY.date()),
        (sql.Date(), "2026年1月5日", date(2026, 1, 5)),
        (sql.Date(), "20261121", DAY.date()),
        (sql.Date(), "2026-11-20T16:30:00Z", DAY.date()),  # already the 21st here
        (sql.Date(), "", None),
        (sql.DateTime(), "2026-11-21", DAY),
        (sql.DateTime(), "2026-11-21T01:00:00Z", DAY.replace(hour=9)),
        (sql.DateTime(), "2026-11-21 09:00:00.5+08:00", DAY.replace(hour=9, microsecond=500_000)),
        (sql.DateTime(timezone=True), "2026-11-21T01:00:00Z", datetime(2026, 11, 21, 1, tzinfo=UTC)),
        (sql.Integer(), "12", 12),
        (sql.Integer(), "12.0", 12),
        (sql.Integer(), True, 1),
        (sql.Numeric(12, 2), "0", Decimal("0")),
        (sql.Numeric(2, 2), "0.25", Decimal("0.25")),
        (sql.Numeric(12, 2), "12.500", Decimal("12.5")),
        (sql.Boolean(), "否", False),
        (sql.String(3), "示范县", "示范县"),
        (sql.String(), ["甲"], '["甲"]'),
        (sql.String(), "", ""),
        (sql.LargeBinary(), "文", "文".encode()),
    ],
)
def test_what_is_written_is_understood(kind: Any, given: Any, meant: Any) -> None:
    """Claim: dates in the forms that people use, local times, numbers as texts: each as its column wants it."""
    assert converter("c", kind)(given) == meant


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (sql.Date(), "2026-02-30"),
        (sql.Date(), "21/11/2026"),
        (sql.Date(), "2026-W47-6"),
        (sql.Date(), "2026112"),
        (sql.DateTime(), "2026-11-21 25:00"),
        (sql.Integer(), "1.5"),
        (sql.Integer(), "一"),
        (sql.Integer(), "NaN"),
        (sql.Numeric(12, 2), "12.345"),
        (sql.Numeric(4, 2), "100"),
        (sql.Numeric(12, 2), "1,000"),
        (sql.Numeric(12, 2), "Infinity"),
        (sql.Boolean(), "也许"),
        (sql.String(2), "示范县"),
        (sql.String(20), "a\x00b"),
    ],
)
def test_what_would_be_guessed_is_refused(kind: Any, given: Any) -> None:
    """Claim: nothing is rounded, cut off or guessed at; the sentence names the column and shows little of the value."""
    with pytest.raises(Unfit, match="字段 c") as caught:
        converter("c", kind)(given)
    assert len(str(caught.value)) < 80


def test_sqlite_gets_texts_that_sort() -> None:
    """Claim: what SQLite has no kind for becomes text."""
    assert for_sqlite(converter("c", sql.DateTime()))("2026-11-21T01:00:00Z") == "2026-11-21 09:00:00"
    assert for_sqlite(converter("c", sql.Date()))("2026/1/5") == "2026-01-05"
    assert for_sqlite(converter("c", sql.Numeric(12, 2)))("1.50") == "1.50"
