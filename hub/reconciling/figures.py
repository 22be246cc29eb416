"""Figures of a run: its lines summed up by department or by item, with their names."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.reconciling.stages import FIGURES


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted of one department or item."""

    key: str
    name: str
    decided: int = 0
    pushed: int = 0
    arrived: int = 0
    signed: int = 0
    claimed: int = 0
    answered: int = 0
    returned: int = 0
    overdue: int = 0
    open: int = 0  # differences that nobody dealt with yet

    def counts(self) -> list[int]:
        """In the order of FIGURES."""
        return [getattr(self, name) for name in FIGURES]

    def share(self, stage: str) -> float:
        """How many of those decided came so far, in percent."""
        return round(100 * getattr(self, stage) / self.decided, 1) if self.decided else 0.0


_SUMS = ", ".join(f"coalesce(sum(l.{name}), 0)::int AS {name}" for name in FIGURES)
_BY_DEPARTMENT = text(f"""
WITH open AS (
  SELECT department, count(*)::int AS n FROM reconciliation_differences WHERE run_id = :run AND state = 'open' GROUP BY 1
), lines AS (
  SELECT l.department AS key, {_SUMS} FROM reconciliation_lines l WHERE l.run_id = :run GROUP BY 1
)
SELECT coalesce(l.key, o.department) AS key, coalesce(d.name, '') AS name,
  {", ".join(f"coalesce(l.{name}, 0) AS {name}" for name in FIGURES)}, coalesce(o.n, 0) AS open
FROM lines l FULL JOIN open o ON o.department = l.key LEFT JOIN departments d ON d.code = coalesce(l.key, o.department)
WHERE CAST(:department AS text) IS NULL OR coalesce(l.key, o.department) = :department
ORDER BY coalesce(o.n, 0) DESC, coalesce(l.decided, 0) DESC, 1
""")  # noqa: S608 - our own words
_BY_ITEM = text(f"""
SELECT l.item_code AS key, coalesce(i.name, l.item_code) AS name, {_SUMS}, coalesce(max(o.n), 0) AS open
FROM reconciliation_lines l LEFT JOIN service_items i ON i.code = l.item_code LEFT JOIN (
  SELECT item_code, count(*)::int AS n FROM reconciliation_differences WHERE run_id = :run AND state = 'open'
    AND (CAST(:department AS text) IS NULL OR department = :department) GROUP BY 1
) o ON o.item_code = l.item_code
WHERE l.run_id = :run AND (CAST(:department AS text) IS NULL OR l.department = :department)
GROUP BY 1, 2 ORDER BY max(o.n) DESC NULLS LAST, sum(l.decided) DESC, 1
""")  # noqa: S608


def by_department(tx: Connection, run: uuid.UUID, *, only: str | None = None) -> list[Figures]:
    """One for each department, those with open differences first; the one without a name is nobody's."""
    return _figures(tx, _BY_DEPARTMENT, run, only)


def by_item(tx: Connection, run: uuid.UUID, *, department: str | None = None) -> list[Figures]:
    """One for each item, of one department or of all."""
    return _figures(tx, _BY_ITEM, run, department)


def summed(figures: list[Figures]) -> Figures:
    """All of them together."""
    sums = {name: sum(getattr(one, name) for one in figures) for name in (*FIGURES, "open")}
    return Figures("", "", **sums)


def _figures(tx: Connection, statement: Any, run: uuid.UUID, department: str | None) -> list[Figures]:
    rows = tx.execute(statement, {"run": run, "department": department})
    return [Figures(**row) for row in rows.mappings()]
