"""Letter 对账函: what a run says to one department, or of all of them: figures, differences, what is not answered yet.

Guarantees: made of the run as it was done, so the same run gives the same letter, unless differences have been named or
dealt with since. Personal numbers do not stand in it. At most LISTED rows of a kind are listed, and it says how many more.
Not here: how it is set or laid out on sheets; see storage.letters.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, TextClause, select, text

from hub.department import Department
from hub.errors import Conflict, NotFound
from hub.reconciling.figures import Figures, by_department, by_item, summed
from hub.reconciling.reconcile import find_run
from hub.reconciling.reconciliation import Reconciliation
from hub.workday import LOCAL

LISTED = 500
ISSUER = "审管联动数据共享中心"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list."""

    department: str
    case_no: str
    item: str
    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The first rows of a list, and how many there are."""

    rows: tuple[Row, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter, ready to be set."""

    number: str
    to: str | None  # None: of all departments
    first: date
    last: date
    made_at: datetime
    total: Figures
    departments: tuple[Figures, ...]  # of a letter of all
    items: tuple[Figures, ...]
    books: str  # how the counts of both sides stand, in words
    differences: Listed
    unanswered: Listed


_BOOKS = {
    "same": "贵单位连接器自报的收发数与本平台一致。",
    "differs": "贵单位连接器自报的收发数与本平台不一致，见所列差异。",
    "missing": "贵单位没有报齐本期的收发数，无法逐日对照。",
    "web": "贵单位通过网页收件箱收发，收发数由本平台代计，两边相同。",
    "quiet": "按消息日期，本期内双方没有收发。",
}
_DIFFERENCES = text("""
SELECT coalesce(d.name, '') AS department, coalesce(x.case_no, '') AS case_no, coalesce(i.name, '') AS item, x.kind AS what,
  x.words, count(*) OVER () AS whole
FROM reconciliation_differences x LEFT JOIN departments d ON d.code = x.department
LEFT JOIN service_items i ON i.code = x.item_code
WHERE x.run_id = :run AND x.state <> 'settled' AND (CAST(:department AS text) IS NULL OR x.department = :department)
ORDER BY x.department, x.kind, x.case_no, x.id LIMIT :listed
""")
#: Signed for and, when the run was done, neither answered nor closed; as far as is known of then.
_UNANSWERED = text("""
SELECT b.name AS department, p.case_no, i.name AS item, '' AS what,
  '决定 ' || d.decided_on
    || coalesce('，' || to_char(p.feedback_by AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') || ' 前反馈', '') AS words,
  count(*) OVER () AS whole
FROM decisions d JOIN pushes p ON p.decision_id = d.id JOIN cases c ON c.case_no = d.case_no
JOIN service_items i ON i.code = c.item_code JOIN departments b ON b.code = p.department
WHERE d.decided_on BETWEEN :first AND :last AND p.state NOT IN ('held', 'recalled', 'reassigned')
  AND (p.answered_at IS NULL OR p.answered_at > :at) AND (p.closed_at IS NULL OR p.closed_at > :at)
  AND (CAST(:department AS text) IS NULL OR p.department = :department)
ORDER BY p.department, d.decided_on, p.case_no LIMIT :listed
""")


def letter(tx: Connection, run: uuid.UUID, *, department: str | None = None) -> Letter:
    """The letter of a run to a department, or of all. Raises Conflict while the run is counting, NotFound otherwise."""
    found = find_run(tx, run)
    if found.state != "done":
        raise Conflict("对账还没有完成，不能出具对账函。请稍候再试。")
    name = None
    if department is not None:
        name = tx.scalar(select(Department.name).where(Department.code == department))
        if name is None:
            raise NotFound(f"没有代码为 {department} 的部门。")
    done_at = tx.execute(select(Reconciliation.done_at).where(Reconciliation.id == run)).scalar_one()
    assert done_at is not None
    departments = by_department(tx, run, only=department)
    bound = {
        "run": run, "department": department, "listed": LISTED, "first": found.first_day, "last": found.last_day,
        "at": done_at,
    }  # fmt: skip
    states = {one["department"]: one["state"] for one in found.totals.get("counts", ())}
    return Letter(
        number=_number(done_at, department, run),
        to=name,
        first=found.first_day,
        last=found.last_day,
        made_at=done_at,
        total=summed(departments),
        departments=() if department else tuple(one for one in departments if one.key),
        items=tuple(by_item(tx, run, department=department)),
        books=_BOOKS[states.get(department, "quiet")] if department else _all_books(states),
        differences=_listed(tx, _DIFFERENCES, bound),
        unanswered=_listed(tx, _UNANSWERED, bound),
    )


def _number(done_at: datetime, department: str | None, run: uuid.UUID) -> str:
    return f"DZ-{done_at.astimezone(LOCAL):%Y%m%d}-{(department or 'all').upper()}-{run.hex[:6].upper()}"


def _all_books(states: dict[str, str]) -> str:
    counts = {state: sum(one == state for one in states.values()) for state in _BOOKS}
    return (
        f"与各部门自报的收发数对照：{counts['same']} 个部门一致，{counts['web']} 个部门由本平台代计，"
        f"{counts['differs']} 个部门不一致，{counts['missing']} 个部门没有报齐，{counts['quiet']} 个部门没有往来。"
    )


def _listed(tx: Connection, statement: TextClause, bound: Mapping[str, Any]) -> Listed:
    rows = tx.execute(statement, bound).all()
    return Listed(
        tuple(Row(one.department, one.case_no, one.item, one.what, one.words) for one in rows),
        rows[0].whole if rows else 0,
    )
