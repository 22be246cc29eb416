"""What the home pages show of sharing and reuse: what waits, what is late, what needed not be submitted again."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from sqlalchemy import Connection, func, select

from admin.home_figures import tile
from admin.premises import own_department
from admin.sharing import grant_list, objection_list
from admin.sharing.people import person
from hub.reuse.statistics import times_not_submitted
from hub.sharing.grant import Grant
from hub.sharing.objection import Objection


def waiting_tiles(tx: Connection) -> list[dict[str, Any]]:
    """Applications and objections that wait for the signed-in user's department, or for the data administrators."""
    mine = grant_list.waiting_for_me(administers=person().administers)
    late = func.count().filter(grant_list.overdue())
    count, overdue = tx.execute(select(func.count(), late).select_from(Grant).where(mine)).one()
    doubted, doubts_late = tx.execute(
        select(func.count(), func.count().filter(objection_list.overdue()))
        .select_from(Objection)
        .where(Objection.state.in_(objection_list.OPEN), *objection_list.to_settle())
    ).one()
    return [
        tile(
            gettext("待办共享申请"),
            count,
            url_for("GrantView.list", state="mine"),
            tone="bad" if overdue else "warn",
            note=_late(overdue, count),
        ),
        tile(
            gettext("待办校核"),
            doubted,
            url_for("ObjectionView.list", state="open"),
            tone="bad" if doubts_late else "warn",
            note=_late(doubts_late, doubted),
        ),
    ]


def _late(overdue: int, count: int) -> str:
    if overdue:
        return gettext("其中超期 %(n)s 件", n=overdue)
    return gettext("都在时限内") if count else gettext("没有待办")


def not_submitted_tile(tx: Connection) -> dict[str, Any]:
    """How often nothing had to be submitted again this month."""
    today = grant_list.today()
    first = today.replace(day=1)
    count = times_not_submitted(tx, first, today, department=own_department())
    return tile(
        gettext("本月免提交次数"),
        count,
        url_for("StatisticsView.list", **{"from": first, "to": today}),
        tone="good",
    )
