"""The tabs of the inbox: every push is in exactly one of them; what waits in each is counted no further than people care."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask_babel import gettext
from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, not_, select
from sqlalchemy.orm import aliased

from admin.premises import here, own_department
from hub.exchange.announcement import Announcement
from hub.feedback.finding import Finding
from hub.pushing.push import Push

COUNTED = 999
#: What a machine answers, not a person.
FOR_PROGRAMS = ("count.asked.v1",)


class Tab(NamedTuple):
    """One tab with its count; None: not counted."""

    key: str
    title: str
    count: int | None


def _to_rectify() -> ColumnElement[bool]:
    """The newest of what its department says of it asks for a rectification that was not found good since."""
    said, later = aliased(Finding), aliased(Finding)
    weighty = ("inspection", "rectification", "enforcement")
    newer = exists().where(
        later.push_id == said.push_id,
        later.standing == "standing",
        later.kind.in_(weighty),
        later.happened_at > said.happened_at,
    )
    asks = (said.kind == "inspection") & (said.handling == "2") | (said.kind == "rectification") & (
        said.result == "2"
    )
    return and_(
        Push.state == "supervising",
        exists().where(said.push_id == Push.id, said.standing == "standing", asks, not_(newer)),
    )


CONDITIONS = {
    "sign": lambda: Push.state.in_(["owed", "arrived"]),
    "claim": lambda: Push.state == "signed",
    "supervise": lambda: and_(Push.state.in_(["claimed", "supervising"]), not_(_to_rectify())),
    "rectify": _to_rectify,
    "answered": lambda: Push.state == "answered",
    "closed": lambda: Push.state == "closed",
    "back": lambda: Push.state.in_(["returned", "reassigned", "recalled"]),
}
COUNTED_TABS = ("sign", "claim", "supervise", "rectify")


def titles() -> dict[str, str]:
    """What the tabs are called, in their order."""
    return {
        "sign": gettext("待签收"),
        "claim": gettext("待认领"),
        "supervise": gettext("监管中"),
        "rectify": gettext("待整改"),
        "answered": gettext("已反馈"),
        "closed": gettext("已办结"),
        "back": gettext("退回和撤回"),
    }


def options(tx: Connection) -> list[tuple[str, Any]]:
    """The same for a filter."""
    del tx
    return list(titles().items())


def tabs(tx: Connection, department: str) -> list[Tab]:
    """The tabs of this department's inbox."""
    found = [
        Tab(key, title, _count(tx, Push, Push.department == department, CONDITIONS[key]()))
        if key in COUNTED_TABS
        else Tab(key, title, None)
        for key, title in titles().items()
    ]
    return [*found, Tab("news", gettext("更正与通知"), unsigned_news(tx, department))]


def unsigned_news(tx: Connection, department: str) -> int:
    """Corrections, withdrawals, changes and what was passed on, that nobody has signed for."""
    return _count(
        tx,
        Announcement,
        Announcement.department == department,
        Announcement.signed_at.is_(None),
        Announcement.kind.not_in(FOR_PROGRAMS),
    )


def _count(tx: Connection, table: type[Any], *conditions: ColumnElement[bool]) -> int:
    some = select(literal(1)).select_from(table).where(*conditions).limit(COUNTED + 1).subquery()
    return tx.scalar(select(func.count()).select_from(some)) or 0


def to_sign() -> int:
    """How much waits to be signed for: for the side bar."""
    department = own_department()
    if department is None:
        return 0
    with here().engine.connect() as tx:
        packages = _count(tx, Push, Push.department == department, CONDITIONS["sign"]())
        return packages + unsigned_news(tx, department)
