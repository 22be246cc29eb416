"""The figures behind the home pages: signing rates, states, results, fourteen days, the newest notices and cases.

Each is one query that reads a bounded number of rows, however many there are: figures are counted as far as COUNTED, rates
and shares are of the NEWEST, and the fourteen days are of what was pushed on them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Connection, Select, func, literal, select, true

from admin import cells
from admin.listing import COUNTED
from admin.noticing.reading import reader
from hub.case import Case
from hub.department import Department
from hub.feedback.finding import Finding
from hub.item import ServiceItem
from hub.noticing.notice import Notice
from hub.party import Party
from hub.pushing.push import STATES, Push
from hub.workday import LOCAL

RECENT = 12
NEWEST = 2_000
_UNDER_WAY = Push.state.not_in(["held", "reassigned", "recalled"])
_SIGNED = Push.state.not_in(["held", "owed", "arrived"])


class Counted(int):
    """A figure that is not counted to its end where it is large, and says so."""

    def __format__(self, spec: str) -> str:
        return f"{COUNTED:{spec}}+" if self > COUNTED else super().__format__(spec)


def today() -> datetime:
    """Midnight in Shanghai."""
    return datetime.now(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)


def tile(label: str, value: Any, href: str, *, tone: str = "plain", note: Any = "") -> dict[str, Any]:
    """One figure."""
    return {"label": label, "value": value, "href": href, "tone": tone, "note": note}


def counted(tx: Connection, *conditions: Any) -> Counted:
    """How many rows there are of which all of this holds."""
    found = select(literal(1)).where(*conditions).limit(COUNTED + 1).subquery()
    return Counted(tx.scalar(select(func.count()).select_from(found)) or 0)


def signing_rates(tx: Connection, *only: Any) -> list[dict[str, Any]]:
    """Of each department, how many of the newest pushes it has signed for and claimed, and is too late with."""
    newest = (
        select(Push.state, Push.overdue)
        .where(Push.department == Department.code, _UNDER_WAY, *only)
        .order_by(Push.created_at.desc(), Push.id.desc())
        .limit(NEWEST)
        .lateral()
    )
    waiting = newest.c.state.in_(["owed", "arrived"])
    claimed = newest.c.state.in_(["claimed", "supervising", "answered", "closed"])
    rows = tx.execute(
        select(
            Department.code,
            Department.name,
            func.count().label("total"),
            func.count().filter(~waiting).label("signed"),
            func.count().filter(claimed).label("claimed"),
            func.count().filter(newest.c.overdue).label("late"),
        )
        .select_from(Department)
        .join(newest, true())
        .group_by(Department.code, Department.name)
        .order_by(Department.code)
    )
    return [{**row._mapping, "rate": round(100 * row.signed / row.total, 1)} for row in rows]


def states(tx: Connection, *only: Any) -> list[dict[str, Any]]:
    """How far the newest pushes are."""
    newest = select(Push.state).where(*only).order_by(Push.created_at.desc(), Push.id.desc())
    counts = _shares(tx, newest)
    return [
        {
            "name": cells.code_text("push_state", s),
            "value": counts.get(s, 0),
            "href": url_for("PushView.list", state=s),
        }
        for s in STATES
    ]


def results(tx: Connection, *only: Any) -> list[dict[str, Any]]:
    """What the newest facts say that came from the departments."""
    counts = _shares(tx, select(Finding.check_result).where(*only).order_by(Finding.received_at.desc()))
    return [
        {
            "name": cells.code_text("check_result", code),
            "value": counts.get(code, 0),
            "href": url_for("FindingView.list", check_result=code),
        }
        for code in ("1", "2", "3")
    ]


def _shares(tx: Connection, newest: Select[Any]) -> dict[Any, int]:
    (of,) = (first := newest.limit(NEWEST).subquery()).c
    return {row[0]: row[1] for row in tx.execute(select(of, func.count()).select_from(first).group_by(of))}


def per_day(tx: Connection, *only: Any) -> dict[str, list[Any]]:
    """How much was pushed on each of the last fourteen days, and how much of that is signed for by now."""
    since = today() - timedelta(days=13)
    labels = [(since + timedelta(days=n)).date() for n in range(14)]
    day = func.date(func.timezone("Asia/Shanghai", Push.created_at))
    rows = tx.execute(
        select(day, func.count(), func.count().filter(_SIGNED))
        .where(Push.created_at >= since, *only)
        .group_by(day)
    )
    found = {on: (pushed, signed) for on, pushed, signed in rows}
    return {
        "labels": [label.strftime("%m-%d") for label in labels],
        "pushed": [found.get(label, (0, 0))[0] for label in labels],
        "signed": [found.get(label, (0, 0))[1] for label in labels],
    }


def notices(tx: Connection, limit: int = RECENT) -> list[Any]:
    rows = tx.execute(
        select(Notice.__table__).where(reader().shown_to()).order_by(Notice.id.desc()).limit(limit)
    )
    return list(rows)


def recent_cases(tx: Connection) -> list[Any]:
    return list(
        tx.execute(
            select(
                Case.case_no,
                Case.standing,
                Case.created_at,
                Party.name.label("party"),
                ServiceItem.name.label("item"),
            )
            .join(Party, Party.id == Case.party_id)
            .join(ServiceItem, ServiceItem.code == Case.item_code)
            .order_by(Case.created_at.desc())
            .limit(RECENT)
        )
    )
