"""The State Council's working days, as shipped: which weekdays are off and which weekend days are worked.

Guarantees: filling the table in adds what is missing and changes nothing that a data administrator has entered.
Does not know years whose notice had not been published; there Monday to Friday count, provisionally.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from importlib.resources import files

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from hub.workday import CalendarDay
from schemas import loads


def shipped() -> Iterator[tuple[date, bool]]:
    """(day, whether it is worked) of every exception."""
    years = loads((files("shenguan") / "workdays.json").read_bytes())["years"]
    for year, kinds in years.items():
        for kind, working in (("off", False), ("worked", True)):
            for day in kinds[kind]:
                yield date.fromisoformat(f"{year}-{day}"), working


def fill(tx: Connection) -> int:
    """Enter the shipped days that are not there yet; how many."""
    rows = [{"day": day, "working": working, "source": "国务院办公厅通知"} for day, working in shipped()]
    statement = insert(CalendarDay).on_conflict_do_nothing().returning(CalendarDay.day)
    return len(tx.execute(statement, rows).all())
