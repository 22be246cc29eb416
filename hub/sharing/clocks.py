"""The clocks of sharing: until when something is owed, and how many working days are left.

Guarantees: a limit is the last moment of the n-th working day after today, by the area's calendar; the day it starts is
not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from hub.errors import NotFound, Rejected
from hub.ledger import Entry, record
from hub.sharing.limit import Limit
from hub.sharing.person import Person
from hub.workday import LOCAL, due, end_of, exceptions, is_working

LONGEST = 250


def due_by(tx: Connection, name: str, now: datetime) -> datetime:
    """When the clock `name` that starts now has run out."""
    days = tx.execute(select(Limit.working_days).where(Limit.name == name)).scalar_one()
    return end_of(due(now.astimezone(LOCAL).date(), days, exceptions(tx)))


def days_left(now: datetime, by: datetime, table: Mapping[date, bool]) -> int:
    """Working days from today to the day of `by`: 0 on that day itself, negative when it has passed.

    A limit that has passed is at least one day late, also where only days off have gone by since.
    """
    today, last = now.astimezone(LOCAL).date(), by.astimezone(LOCAL).date()
    first, until = (today, last) if today <= last else (last, today)
    days = sum(is_working(first + timedelta(days=n), table) for n in range(1, (until - first).days + 1))
    return days if today <= last else -max(days, 1)


def change_limit(tx: Connection, name: str, working_days: int, *, source: str, person: Person) -> None:
    """Set a clock for what starts from now on; what runs keeps its own. Raises NotFound or Rejected."""
    if not 0 <= working_days <= LONGEST:
        raise Rejected(f"时限应为 0 到 {LONGEST} 个工作日。")
    if len(source.strip()) < 2:
        raise Rejected("请写明依据（至少两个字），如条例名称或本地文件号。")
    row = tx.execute(
        select(Limit.title, Limit.working_days, Limit.source).where(Limit.name == name).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有名为 {name} 的时限。")
    if (row.working_days, row.source) == (working_days, source.strip()):
        return
    tx.execute(
        update(Limit)
        .where(Limit.name == name)
        .values(working_days=working_days, source=source.strip()[:200], changed_at=func.now())
    )
    detail = {"title": row.title, "before": row.working_days, "after": working_days, "source": source.strip()}
    record(tx, Entry(person.actor, "limit.changed", f"limit:{name}", detail=detail))
