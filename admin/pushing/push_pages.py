"""推送: one decision owed to one department, with its three receipts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, and_, select

from admin import cells
from admin.listing import Choice, Column, Listing, codes
from admin.pages import ExportedList
from admin.premises import own_department
from hub.case import Case
from hub.department import Department
from hub.party import Party
from hub.pushing.push import STATES, Push


def _query() -> Select[Any]:
    return (
        select(
            Push.id,
            Push.case_no,
            Push.department,
            Push.state,
            Push.sign_by,
            Push.created_at,
            Push.arrived_at,
            Push.signed_at,
            Push.claimed_at,
            Push.claimed_by,
            Push.returned_at,
            Push.returned_why,
            Department.name.label("department_name"),
            Party.name.label("party"),
        )
        .select_from(Push)
        .join(Department, Department.code == Push.department)
        .join(Case, Case.case_no == Push.case_no)
        .join(Party, Party.id == Case.party_id)
    )


def departments(tx: Connection) -> list[tuple[str, Any]]:
    """Every department, for a filter."""
    rows = tx.execute(select(Department.code, Department.name).order_by(Department.name))
    return [(row.code, row.name) for row in rows]


def receipts(push: Any) -> Markup:
    """到达, 签收, 认领 as three dots; a return in red with its reason."""
    dots = Markup("")
    for at, label in (
        (push.arrived_at, gettext("到达")),
        (push.signed_at, gettext("签收")),
        (push.claimed_at, gettext("认领")),
    ):
        title = f"{label} {cells.local(at, '%m-%d %H:%M:%S')}" if at else gettext("未%(what)s", what=label)
        dots += Markup('<i class="{}" title="{}">{}</i>').format("on" if at else "off", title, label)
    if push.returned_at:
        dots += Markup('<i class="bad" title="{}">{}</i>').format(push.returned_why or "", gettext("退回"))
    return Markup('<span class="receipts">{}</span>').format(dots)


def _sign_by(push: Any) -> Any:
    if push.sign_by is None:
        return cells.EMPTY
    late = push.signed_at is None and push.claimed_at is None and push.sign_by < datetime.now(UTC)
    return (
        cells.pill(gettext("超期"), "bad") + " " + cells.when(push.sign_by)
        if late
        else cells.when(push.sign_by)
    )


def _unsigned() -> ColumnElement[bool]:
    return Push.state.in_(["owed", "arrived"])


CONDITIONS = {
    "undelivered": _unsigned,
    "overdue": lambda: and_(_unsigned(), Push.sign_by < datetime.now(UTC)),
    "stuck": lambda: and_(Push.state == "owed", Push.created_at < datetime.now(UTC) - timedelta(minutes=5)),
}


def _attention(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [
        ("undelivered", gettext("未签收")),
        ("overdue", gettext("超过签收时限")),
        ("stuck", gettext("五分钟仍未到达")),
    ]


class PushView(ExportedList):
    """推送."""

    route_base = "/pushes"
    listing = Listing(
        title=_("推送"),
        query=_query,
        columns=(
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), Push.case_no, narrow=True),
            Column(
                "department_name",
                _("部门"),
                lambda r: cells.plain(r.department_name),
                Department.name,
                narrow=True,
            ),
            Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 18), Party.name),
            Column(
                "state",
                _("状态"),
                lambda r: cells.code("push_state", r.state),
                Push.state,
                lambda r: cells.code_text("push_state", r.state),
                narrow=True,
            ),
            Column("receipts", _("回执"), receipts, None, lambda r: cells.code_text("push_state", r.state)),
            Column("created_at", _("推送时间"), lambda r: cells.when(r.created_at), Push.created_at),
            Column("signed_at", _("签收时间"), lambda r: cells.when(r.signed_at), Push.signed_at, wider=True),
            Column("sign_by", _("签收时限"), _sign_by, Push.sign_by),
        ),
        order=(Push.created_at.desc(), Push.id),
        search=(Push.case_no, Party.name),
        search_hint=_("办件编号、相对人"),
        choices=(
            Choice("state", _("状态"), Push.state, codes("push_state", STATES)),
            Choice("department", _("部门"), Push.department, departments),
            Choice("attention", _("需要关注"), None, _attention, CONDITIONS),
        ),
        day=(_("推送日期"), Push.created_at),
        href=lambda r: url_for("CaseView.show", case_no=r.case_no, _anchor=f"push-{r.id}"),
        empty=_("没有推送。办件决定后，会按“推送规则”推送给监管部门。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees the department's pushes."""
        mine = own_department()
        return () if mine is None else (Push.department == mine,)
