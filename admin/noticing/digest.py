"""今日提醒: what a day brought one reader, and what still waits for them. A page, so that nothing has to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from admin import cells
from admin.noticing import notice_list
from hub.noticing.notice import Notice
from hub.noticing.reader import Reader
from hub.workday import LOCAL

SHOWN = 300


@dataclass(frozen=True, slots=True)
class Group:
    """Notices about one kind of thing from one department."""

    kind: str
    department: str | None
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Digest:
    """`waiting`: unread and wanted an answer, of any day; `fresh`: what the day brought; `handled`: what was done on it."""

    waiting: Sequence[Group]
    fresh: Sequence[Group]
    handled: Sequence[Any]

    @property
    def figures(self) -> tuple[int, int, int]:
        """How many of each."""
        return sum(len(g.rows) for g in self.waiting), sum(len(g.rows) for g in self.fresh), len(self.handled)


def digest(tx: Connection, reader: Reader, day: date) -> Digest:
    """The digest of a day; at most SHOWN of each."""
    start = datetime(day.year, day.month, day.day, tzinfo=LOCAL)
    end = start + timedelta(days=1)
    mine = notice_list.query().where(reader.shown_to()).order_by(Notice.id.desc()).limit(SHOWN)
    waiting = mine.where(Notice.read_at.is_(None), Notice.severity != "info", Notice.created_at < start)
    fresh = mine.where(Notice.created_at >= start, Notice.created_at < end)
    handled = mine.where(Notice.handled_at >= start, Notice.handled_at < end)
    return Digest(_grouped(tx.execute(waiting)), _grouped(tx.execute(fresh)), list(tx.execute(handled)))


def _grouped(rows: Iterable[Any]) -> list[Group]:
    groups: dict[tuple[str, str | None], list[Any]] = {}
    for row in rows:
        groups.setdefault((notice_list.about(row), row.department_name), []).append(row)
    order = list(cells.WORDS["notice_kind"])
    return [
        Group(kind, department, groups[kind, department])
        for kind, department in sorted(groups, key=lambda one: (order.index(one[0]), one[1] or ""))
    ]
