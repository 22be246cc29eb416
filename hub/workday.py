"""Working days by the area's own calendar table.

A day that stands in the table is what the table says. A year that nobody has entered counts Monday to Friday as
working and is provisional: the date is a best guess until the State Council's notice is entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base

LOCAL = ZoneInfo("Asia/Shanghai")


def local_day(moment: datetime) -> date:
    """The day of a moment in local terms."""
    return moment.astimezone(LOCAL).date()


class CalendarDay(Base):
    """An exception to Monday-to-Friday: a weekday off, or a weekend day worked (调休)."""

    __tablename__ = "calendar_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    source: Mapped[str]


def exceptions(tx: Connection) -> dict[date, bool]:
    """Every day that differs from Monday-to-Friday."""
    rows = tx.execute(select(CalendarDay.day, CalendarDay.working))
    return {row.day: row.working for row in rows}


def is_working(day: date, table: Mapping[date, bool]) -> bool:
    """Whether `day` is worked."""
    return table.get(day, day.weekday() < 5)


def due(start: date, days: int, table: Mapping[date, bool]) -> date:
    """The last of `days` working days after `start`; the start day is not counted.

    >>> due(date(2026, 9, 18), 7, {date(2026, 9, 20): True, date(2026, 9, 25): False})
    datetime.date(2026, 9, 29)
    """
    day = start
    while days > 0:
        day += timedelta(days=1)
        if is_working(day, table):
            days -= 1
    return day


def end_of(day: date) -> datetime:
    """The last moment of a local day, in UTC terms: when a limit of that day has passed."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=LOCAL)
