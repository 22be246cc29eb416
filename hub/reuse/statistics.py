"""Statistics 复用统计: how often nothing had to be submitted again, by item, department, month and clerk; who never reuses.

What counts, so that everybody counts alike: a reuse is one use record of an accepted case that was not taken back; a taking
is one file that was submitted for a line of the list of an accepted case (a correction is none); the reuse rate is reuses
of both together. A taking is repeated where another case of the same party had brought the same type of material before,
good on that day. Both stand in the month in which they were done. Guarantees: six statements, whatever the period;
nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from hub.workday import LOCAL

BY = ("item", "department", "month", "clerk")


@dataclass(slots=True)
class Figures:
    """What was counted of one item, department, month or clerk."""

    key: str
    name: str
    cases: int = 0
    used: int = 0  # 免提交
    taken: int = 0  # 新收
    repeated: int = 0  # of those taken: was on file already
    department: str | None = None  # of a clerk

    @property
    def rate(self) -> float | None:
        """Reuses of everything the lists were met with, in percent; None where nothing was counted."""
        whole = self.used + self.taken
        return round(100 * self.used / whole, 1) if whole else None


@dataclass(slots=True)
class Statistics:
    """Everything of one period. Lists are sorted by what was taken and reused; months by month."""

    since: date
    until: date  # the last day
    total: Figures = field(default_factory=lambda: Figures("", ""))
    items: list[Figures] = field(default_factory=list)
    departments: list[Figures] = field(default_factory=list)
    months: list[Figures] = field(default_factory=list)
    clerks: list[Figures] = field(default_factory=list)

    @property
    def never(self) -> list[Figures]:
        """Clerks who took files and never reused one, those first who took most again that was on file."""
        idle = [clerk for clerk in self.clerks if clerk.taken and not clerk.used]
        return sorted(idle, key=lambda clerk: (-clerk.repeated, -clerk.taken, clerk.key))


_DAYS = "{0} >= :since AND {0} < :until AND (CAST(:department AS text) IS NULL OR {1} = :department)"
_MONTH = "date_trunc('month', {} AT TIME ZONE 'Asia/Shanghai')"
_TAKEN = f"""
  SELECT c.item_code AS item, m.department, {_MONTH.format("m.created_at")} AS month, m.added_by AS clerk, count(*) AS n
  FROM materials m JOIN cases c ON c.case_no = m.case_no
  WHERE c.state = 'accepted' AND m.origin = 'upload' AND m.requirement_id IS NOT NULL
    AND m.state IN ('usable', 'superseded', 'revoked') AND {_DAYS.format("m.created_at", "m.department")}
    AND (m.version = 1
      OR NOT EXISTS (SELECT 1 FROM materials o WHERE o.superseded_by = m.id AND o.case_no = m.case_no))
"""  # noqa: S608 - our own words
_AGAIN = """
    AND EXISTS (SELECT 1 FROM materials e WHERE e.party_id = m.party_id AND e.type_code = m.type_code
      AND e.created_at < m.created_at AND e.case_no IS DISTINCT FROM m.case_no AND e.state IN ('usable', 'superseded')
      AND (e.valid_to IS NULL OR e.valid_to >= (m.created_at AT TIME ZONE 'Asia/Shanghai')::date))
"""
#: What each statement counts, finely; joins first, so that the many rows are walked through once and by several workers.
_FINE = {
    "used": f"""
  SELECT c.item_code AS item, u.department, {_MONTH.format("u.used_at")} AS month, u.used_by AS clerk, count(*) AS n
  FROM material_uses u JOIN cases c ON c.case_no = u.case_no
  WHERE c.state = 'accepted' AND u.withdrawn_at IS NULL AND {_DAYS.format("u.used_at", "u.department")}
""",  # noqa: S608
    "taken": _TAKEN,
    "repeated": _TAKEN + _AGAIN,
    "cases": f"""
  SELECT item_code AS item, department, {_MONTH.format("accepted_at")} AS month, taken_by AS clerk, count(*) AS n
  FROM cases
  WHERE state = 'accepted' AND item_version_id IS NOT NULL AND {_DAYS.format("accepted_at", "department")}
""",  # noqa: S608
}
_KEYS = ", ".join(f"grouping({key}) AS g_{key}" for key in ("item", "department", "month", "clerk"))
_SUMMED = {
    what: text(f"""
SELECT {_KEYS}, item, department, to_char(month, 'YYYY-MM') AS month, clerk, coalesce(sum(n), 0)::int AS n
FROM ({fine} GROUP BY 1, 2, 3, 4) AS fine
GROUP BY GROUPING SETS ((), (item), (department), (month), (department, clerk))
""")  # noqa: S608
    for what, fine in _FINE.items()
}
_ROOM = text(
    "SELECT set_config('work_mem', '64MB', true)"
)  # of this transaction: so that its joins stay in memory
_NAMES = text("""
SELECT 'item' AS kind, code, name FROM service_items UNION ALL SELECT 'department', code, name FROM departments
""")
_ONCE = text("""
SELECT count(*) FROM material_uses u JOIN cases c ON c.case_no = u.case_no
WHERE c.state = 'accepted' AND u.withdrawn_at IS NULL AND u.used_at >= :since AND u.used_at < :until
  AND (CAST(:department AS text) IS NULL OR u.department = :department)
""")


def statistics(tx: Connection, since: date, until: date, *, department: str | None = None) -> Statistics:
    """What was counted from the first day to the last, both included; of one department or of all."""
    bound = {**_between(since, until), "department": department}
    names = {(row.kind, row.code): row.name for row in tx.execute(_NAMES)}
    sheet = _Sheet(names)
    tx.execute(_ROOM)
    for what, statement in _SUMMED.items():
        sheet.add(tx.execute(statement, bound), what)
    found = Statistics(since, until, total=sheet.of("", ""))
    found.items = _sorted(sheet.all("item"))
    found.departments = _sorted(sheet.all("department"))
    found.clerks = _sorted(sheet.all("clerk"))
    found.months = sorted(sheet.all("month"), key=lambda one: one.key)
    return found


def times_not_submitted(tx: Connection, since: date, until: date, *, department: str | None = None) -> int:
    """The one figure of the home pages."""
    count: int = tx.execute(_ONCE, {**_between(since, until), "department": department}).scalar_one()
    return count


def _between(since: date, until: date) -> dict[str, datetime]:
    return {"since": _midnight(since), "until": _midnight(until + timedelta(days=1))}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL)


class _Sheet:
    """Figures by kind and key, filled from the grouping sets of the statements."""

    def __init__(self, names: dict[tuple[str, str], str]) -> None:
        self._names = names
        self._figures: dict[tuple[str, str, str | None], Figures] = {}

    def of(self, kind: str, key: str, department: str | None = None) -> Figures:
        """The figures of one key."""
        place = (kind, key, department)
        if place not in self._figures:
            name = self._names.get((kind, key), key)
            self._figures[place] = Figures(key, name, department=department)
        return self._figures[place]

    def all(self, kind: str) -> list[Figures]:
        """Every key of a kind."""
        return [figures for (known, _, _), figures in self._figures.items() if known == kind]

    def add(self, rows: Iterable[Any], what: str) -> None:
        """Add what one statement counted."""
        for row in rows:
            if not row.g_clerk:
                one = self.of("clerk", row.clerk or "", self._names.get(("department", row.department)))
            elif not row.g_item:
                one = self.of("item", row.item)
            elif not row.g_department:
                one = self.of("department", row.department or "")
            elif not row.g_month:
                one = self.of("month", row.month)
            else:
                one = self.of("", "")
            setattr(one, what, getattr(one, what) + row.n)


def _sorted(figures: list[Figures]) -> list[Figures]:
    return sorted(figures, key=lambda one: (-(one.used + one.taken), -one.cases, one.name))
