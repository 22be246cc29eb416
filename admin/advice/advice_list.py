"""The list of threads: what waits for an answer, mine, overdue."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from admin import cells
from admin.listing import Choice, Column, Listing, codes
from admin.premises import here, own_department
from admin.sharing.people import clock, clock_text, departments
from hub.advice.thread import STATES, AdvicePost, AdviceThread
from hub.case import Case
from hub.department import Department
from hub.party import Party

_POSTS = (
    select(func.count())
    .select_from(AdvicePost)
    .where(AdvicePost.thread_id == AdviceThread.id)
    .correlate(AdviceThread)
    .scalar_subquery()
)


def _query() -> Select[Any]:
    return (
        select(
            AdviceThread.id,
            AdviceThread.case_no,
            AdviceThread.kind,
            AdviceThread.subject,
            AdviceThread.state,
            AdviceThread.asked_by,
            AdviceThread.due_at,
            AdviceThread.created_at,
            Department.name.label("department_name"),
            Party.name.label("party"),
            _POSTS.label("posts"),
        )
        .select_from(AdviceThread)
        .join(Department, Department.code == AdviceThread.department)
        .join(Case, Case.case_no == AdviceThread.case_no)
        .join(Party, Party.id == Case.party_id)
    )


def confined() -> tuple[ColumnElement[bool], ...]:
    """A department's user sees its own threads, and those of cases that it handles."""
    mine = own_department()
    return () if mine is None else (or_(AdviceThread.department == mine, Case.department == mine),)


def _ours() -> ColumnElement[bool]:
    """Who owes the answer is the side of the signed-in user."""
    mine = own_department()
    if mine is None:
        return AdviceThread.asked_by.is_not(None)
    owed_by_department = and_(AdviceThread.department == mine, AdviceThread.asked_by.is_(None))
    return or_(owed_by_department, and_(Case.department == mine, AdviceThread.asked_by.is_not(None)))


def _asked_by_us() -> ColumnElement[bool]:
    mine = own_department()
    if mine is None:
        return AdviceThread.asked_by.is_(None)
    return or_(AdviceThread.asked_by == mine, and_(Case.department == mine, AdviceThread.asked_by.is_(None)))


CONDITIONS = {
    "mine": lambda: and_(AdviceThread.state == "open", _ours()),
    "asked": _asked_by_us,
    "overdue": lambda: and_(AdviceThread.state == "open", AdviceThread.due_at < func.now()),
}


def _attention(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [
        ("mine", gettext("待我方答复")),
        ("asked", gettext("我方提出")),
        ("overdue", gettext("逾期未答复")),
    ]


def _way(row: Any) -> str:
    window = gettext("审批窗口")
    return f"{row.department_name} → {window}" if row.asked_by else f"{window} → {row.department_name}"


LISTING = Listing(
    title=_("协调建议"),
    query=_query,
    columns=(
        Column("subject", _("标题"), lambda r: cells.clip(r.subject, 24), AdviceThread.subject, narrow=True),
        Column(
            "state",
            _("状态"),
            lambda r: cells.code("advice_state", r.state),
            AdviceThread.state,
            lambda r: cells.code_text("advice_state", r.state),
            narrow=True,
        ),
        Column(
            "kind",
            _("种类"),
            lambda r: cells.code("advice_kind", r.kind),
            AdviceThread.kind,
            lambda r: cells.code_text("advice_kind", r.kind),
            wider=True,
        ),
        Column("way", _("谁问谁"), lambda r: cells.plain(_way(r)), Department.name, _way),
        Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 14), Party.name, wider=True),
        Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), AdviceThread.case_no),
        Column("posts", _("发言"), lambda r: r.posts, None, wider=True),
        Column(
            "due_at",
            _("答复时限"),
            lambda r: clock(r.due_at),
            AdviceThread.due_at,
            lambda r: clock_text(r.due_at),
        ),
        Column("created_at", _("提出时间"), lambda r: cells.when(r.created_at), AdviceThread.created_at),
    ),
    order=(case((AdviceThread.state == "open", 0), else_=1), AdviceThread.created_at.desc(), AdviceThread.id),
    search=(AdviceThread.subject, AdviceThread.case_no, Party.name),
    search_hint=_("标题、办件编号、相对人"),
    choices=(
        Choice("attention", _("需要关注"), None, _attention, CONDITIONS),
        Choice("state", _("状态"), AdviceThread.state, codes("advice_state", STATES)),
        Choice("department", _("部门"), AdviceThread.department, departments),
        Choice("kind", _("种类"), AdviceThread.kind, codes("advice_kind")),
    ),
    day=(_("提出日期"), AdviceThread.created_at),
    href=lambda r: url_for("CaseView.show", case_no=r.case_no, _anchor=f"thread-{r.id}"),
    empty=_("没有协调建议。可以在办件页上向收到推送的部门提出询问或建议。"),
)


def waiting() -> int:
    """How many threads wait for the side of the signed-in user: for the side bar."""
    query = select(func.count()).select_from(AdviceThread).join(Case, Case.case_no == AdviceThread.case_no)
    with here().engine.connect() as tx:
        return tx.scalar(query.where(AdviceThread.state == "open", _ours(), *confined())) or 0
