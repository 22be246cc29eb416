"""Quiet hours, cron and rates of a connector: by the clock on the wall in Shanghai."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.department.timetable import Bucket, Timetable
from connectors.errors import Misconfigured
from schemas.connector.document import Running


def at(text: str) -> datetime:
    """A moment of Shanghai."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("12:00", "14:00", "2026-11-22T13:00", "2026-11-22T14:00"),
        ("12:00", "14:00", "2026-11-22T14:00", None),
        ("12:00", "14:00", "2026-11-22T11:59", None),
        ("22:00", "06:30", "2026-11-22T23:00", "2026-11-23T06:30"),
        ("22:00", "06:30", "2026-11-23T06:29", "2026-11-23T06:30"),
        ("22:00", "06:30", "2026-11-23T06:30", None),
        ("", "", "2026-11-22T03:00", None),
    ],
)
def test_quiet_hours(start: str, end: str, now: str, until: str | None) -> None:
    """Claim: quiet from the first minute to the last, over midnight too; the end is when it goes on."""
    found = Timetable(Running(quiet_from=start, quiet_to=end)).quiet_until(at(now))
    assert found == (None if until is None else at(until))


def test_collecting_by_cron_and_by_seconds() -> None:
    """Claim: a cron expression counts in Shanghai; what fell due while nobody ran is due at once, once."""
    by_cron = Timetable(Running(schedule="30 8 * * 1-5"))
    assert by_cron.collect_at(None, at("2026-11-22T10:00")) == at("2026-11-22T10:00")
    assert by_cron.collect_at(at("2026-11-20T09:00"), at("2026-11-20T09:00")) == at("2026-11-23T08:30")
    assert Timetable(Running(poll_seconds=60)).collect_at(
        at("2026-11-22T10:00"), at("2026-11-22T10:00")
    ) == at("2026-11-22T10:01")
    with pytest.raises(Misconfigured, match="不是 cron 表达式"):
        Timetable(Running(schedule="every day"))


def test_a_rate() -> None:
    """Claim: ten seconds' worth may go at once, and then as many as the rate says, over any stretch of time."""
    now = [0.0]
    bucket = Bucket(60, clock=lambda: now[0])
    assert bucket.most(100) == 10
    bucket.spend(10)
    assert bucket.most(100) == 0
    assert bucket.wait() == pytest.approx(1.0)
    sent = 0
    for _ in range(600):
        now[0] += 0.1
        most = bucket.most(100)
        bucket.spend(most)
        sent += most
    assert 59 <= sent <= 60
    assert Bucket(0).most(500) == 500
