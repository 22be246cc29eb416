"""入网码: one-time codes with which a department's connector brings its own key; made, shown once, cancelled.

Guarantees: a code is on one page, the answer to the click that made it, and is kept nowhere.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy import Connection, Select, and_, func, select
from werkzeug.wrappers import Response as Answer

from admin import cells
from admin.listing import Choice, Column, Listing, words
from admin.pages import ListScreen, sentence_on_refusal, to
from admin.premises import actor, here, may
from hub.connecting.connector import Connector
from hub.connecting.enrol import LONGEST_HOURS, cancel_enrolment_code, make_enrolment_code
from hub.connecting.enrolment import EnrolmentCode
from hub.department import Department
from hub.errors import Rejected

HOURS = 72
_CONDITIONS = {
    "used": lambda: EnrolmentCode.used_at.is_not(None),
    "cancelled": lambda: EnrolmentCode.cancelled_at.is_not(None),
    "expired": lambda: and_(_unsettled(), EnrolmentCode.expires_at <= func.now()),
    "waiting": lambda: and_(_unsettled(), EnrolmentCode.expires_at > func.now()),
}


def _unsettled() -> Any:
    return and_(EnrolmentCode.used_at.is_(None), EnrolmentCode.cancelled_at.is_(None))


def state(row: Any) -> str:
    """What became of a code, as a key of the words 'enrolment_state'."""
    if row.used_at is not None:
        return "used"
    if row.cancelled_at is not None:
        return "cancelled"
    return "expired" if row.expires_at <= datetime.now(UTC) else "waiting"


def _query() -> Select[Any]:
    return (
        select(EnrolmentCode.__table__, Department.name.label("department_name"))
        .select_from(EnrolmentCode)
        .join(Department, Department.code == EnrolmentCode.department)
    )


def _departments(tx: Connection) -> list[tuple[str, Any]]:
    rows = tx.execute(select(Department.code, Department.name).order_by(Department.name))
    return [(row.code, row.name) for row in rows]


class EnrolmentView(ListScreen):
    """入网码."""

    route_base = "/enrolment"
    list_template = "enrolment.html"
    listing = Listing(
        title=_("入网码"),
        query=_query,
        columns=(
            Column("department_name", _("部门"), lambda r: cells.plain(r.department_name), narrow=True),
            Column("connector", _("连接器"), lambda r: cells.mono(r.connector)),
            Column("made_at", _("生成时间"), lambda r: cells.when(r.made_at), EnrolmentCode.made_at),
            Column("expires_at", _("有效到"), lambda r: cells.when(r.expires_at), EnrolmentCode.expires_at),
            Column("kid", _("登记的密钥"), lambda r: cells.mono(r.kid), wider=True),
            Column("state", _("状态"), lambda r: cells.word("enrolment_state", state(r)), narrow=True),
            Column("act", "", lambda r: _cancel_button(r), narrow=True),
        ),
        order=(EnrolmentCode.made_at.desc(), EnrolmentCode.id),
        search=(EnrolmentCode.department, Department.name, EnrolmentCode.kid),
        search_hint=_("部门、密钥编号"),
        choices=(
            Choice("state", _("状态"), None, words("enrolment_state"), _CONDITIONS),
            Choice("department", _("部门"), EnrolmentCode.department, _departments),
        ),
        empty=_("还没有入网码。部门要在自己那边运行连接器时，在上面给它生成一个。"),
    )

    def extras(self) -> dict[str, Any]:
        """What a code can be made for."""
        with here().engine.connect() as tx:
            connectors = tx.execute(
                select(Connector.code, Connector.title, Connector.department)
                .where(Connector.state != "retired")
                .order_by(Connector.title)
            ).all()
            departments = tx.execute(
                select(Department.code, Department.name).where(Department.active).order_by(Department.name)
            ).all()
        return {
            "can_edit": may("can_edit", "EnrolmentView"),
            "connectors": connectors,
            "departments": departments,
            "hours": HOURS,
        }

    @expose("/make", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("EnrolmentView.list"))
    def make(self) -> Response:
        """A new code, and the command to type with it."""
        form = request.form
        kind, _colon, name = form.get("for", "").partition(":")
        hours = form.get("hours", "")
        if not hours.isdecimal() or not 1 <= int(hours[:6]) <= LONGEST_HOURS:
            raise Rejected(gettext("有效时间应为 1 到 %(most)s 小时。", most=LONGEST_HOURS))
        with here().engine.begin() as tx:
            connector = name if kind == "connector" else None
            department = name
            if connector is not None:
                department = tx.scalar(select(Connector.department).where(Connector.code == name)) or ""
            title = tx.scalar(select(Department.name).where(Department.code == department))
            if title is None:
                raise Rejected(gettext("请选择部门或连接器。"))
            code = make_enrolment_code(
                tx,
                here().config.desk,
                department=department,
                connector=connector,
                hours=int(hours),
                actor=actor(),
            )
        answer = make_response(
            self.page(
                "enrolment_code.html",
                title=gettext("新的入网码"),
                code=code,
                department=title,
                connector=connector,
                hours=int(hours),
                hub=here().config.desk.public_url,
            )
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @expose("/<uuid:code>/cancel", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("EnrolmentView.list", code=None))
    def cancel(self, code: uuid.UUID) -> Answer:
        """作废."""
        with here().engine.begin() as tx:
            cancel_enrolment_code(tx, here().config.desk, code, actor=actor())
        flash(gettext("入网码已作废，谁也不能再用它。"), "success")
        return redirect(url_for("EnrolmentView.list"))


def _cancel_button(row: Any) -> Any:
    if state(row) != "waiting" or not may("can_edit", "EnrolmentView"):
        return ""
    return Markup(
        '<form method="post" action="{}" class="inline"><input type="hidden" name="csrf_token" value="{}">'
        '<button class="btn small danger">{}</button></form>'
    ).format(url_for("EnrolmentView.cancel", code=row.id), generate_csrf(), gettext("作废"))
