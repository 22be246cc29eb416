"""The figures behind the home pages: signing rates, states, results, fourteen days, the newest notices and cases.

Each is one query with a bounded answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Connection, and_, case, func, select

from admin import cells
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


def today() -> datetime:
    """Midnight in Shanghai."""
    return datetime.now(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)


def tile(label: str, value: Any, href: str, *, tone: str = "plain", note: Any = "") -> dict[str, Any]:
    """One figure."""
    return {"label": label, "value": value, "href": href, "tone": tone, "note": note}


def signing_rates(tx: Connection, *only: Any) -> list[dict[str, Any]]:
    signed = func.count(case((Push.state.in_(["signed", "claimed", "returned"]), 1)))
    late = func.count(case((and_(Push.state.in_(["owed", "arrived"]), Push.sign_by < func.now()), 1)))
    claimed = func.count(case((Push.state == "claimed", 1)))
    rows = tx.execute(
        select(
            Department.code,
            Department.name,
            func.count().label("total"),
            signed.label("signed"),
            claimed.label("claimed"),
            late.label("late"),
        )
        .join(Push, Push.department == Department.code)
        .where(*only)
        .group_by(Department.code, Department.name)
        .order_by(Department.code)
    )
    return [{**row._mapping, "rate": round(100 * row.signed / row.total, 1)} for row in rows]


def states(tx: Connection, *only: Any) -> list[dict[str, Any]]:
    rows = tx.execute(select(Push.state, func.count()).where(*only).group_by(Push.state))
    counts = {row[0]: row[1] for row in rows}
    return [
        {
            "name": cells.code_text("push_state", s),
            "value": counts.get(s, 0),
            "href": url_for("PushView.list", state=s),
        }
        for s in STATES
    ]


def results(tx: Connection, *only: Any) -> list[dict[str, Any]]:
    rows = tx.execute(select(Finding.check_result, func.count()).where(*only).group_by(Finding.check_result))
    counts = {row[0]: row[1] for row in rows}
    return [
        {
            "name": cells.code_text("check_result", code),
            "value": counts.get(code, 0),
            "href": url_for("FindingView.list", check_result=code),
        }
        for code in ("1", "2", "3")
    ]


def per_day(tx: Connection, *only: Any) -> dict[str, list[Any]]:
    """Decisions entered and pushes signed on each of the last fourteen days."""
    since = today() - timedelta(days=13)
    labels = [(since + timedelta(days=n)).date() for n in range(14)]
    made = func.date(func.timezone("Asia/Shanghai", Push.created_at))
    signed = func.date(func.timezone("Asia/Shanghai", Push.signed_at))
    pushed_on = dict(
        tx.execute(select(made, func.count()).where(Push.created_at >= since, *only).group_by(made)).all()
    )
    signed_on = dict(
        tx.execute(select(signed, func.count()).where(Push.signed_at >= since, *only).group_by(signed)).all()
    )
    return {
        "labels": [label.strftime("%m-%d") for label in labels],
        "pushed": [pushed_on.get(label, 0) for label in labels],
        "signed": [signed_on.get(label, 0) for label in labels],
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
