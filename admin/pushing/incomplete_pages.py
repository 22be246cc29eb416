"""推送完整性: pushes that lack what their item asks for - those that went, marked, and those that are held; and release.

Guarantees: an approving department's user sees the cases it decided or handles; nothing is let go without a reason.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, select
from werkzeug.wrappers import Response

from admin import cells
from admin.listing import Choice, Column, Listing
from admin.pages import reason, sentence_on_refusal, to
from admin.premises import actor, here, may, own_department
from admin.pushing.completing_pages import CompletingPages, check_approved
from admin.pushing.seeing import approved_by
from hub.case import Case
from hub.department import Department
from hub.item import ServiceItem
from hub.pushing.completeness import told
from hub.pushing.push import GONE, Push
from hub.pushing.release_push import check_again, release_push


def _query() -> Select[Any]:
    return (
        select(
            Push.id,
            Push.case_no,
            Push.state,
            Push.missing,
            Push.created_at,
            Department.name.label("department_name"),
            ServiceItem.name.label("item"),
            Case.org_name,
        )
        .select_from(Push)
        .join(Department, Department.code == Push.department)
        .join(Case, Case.case_no == Push.case_no)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
        .where(Push.missing.is_not(None))
    )


def _departments(tx: Connection) -> list[tuple[str, Any]]:
    rows = tx.execute(select(Department.code, Department.name).order_by(Department.name))
    return [(row.code, row.name) for row in rows]


def _kinds(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [("held", gettext("等待补齐")), ("sent", gettext("已注明缺少后推送"))]


def _state(row: Any) -> str:
    return gettext("等待补齐") if row.state == "held" else gettext("已注明缺少后推送")


def _acts(row: Any) -> Markup:
    if row.state in GONE or not may("can_release", "IncompletePushView"):
        return Markup("")
    where, what = (
        ("IncompletePushView.show", gettext("处理"))
        if row.state == "held"
        else ("IncompletePushView.complete", gettext("补齐"))
    )
    return Markup('<a class="btn small" href="{}">{}</a>').format(url_for(where, case_no=row.case_no), what)


class IncompletePushView(CompletingPages):
    """推送完整性."""

    route_base = "/incomplete-pushes"
    listing = Listing(
        title=_("推送完整性"),
        query=_query,
        columns=(
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), Push.case_no, narrow=True),
            Column("department_name", _("推送给"), lambda r: cells.plain(r.department_name), Department.name),
            Column(
                "missing",
                _("缺少"),
                lambda r: cells.clip(told(r.missing), 40),
                None,
                lambda r: told(r.missing),
                True,
            ),
            Column(
                "state",
                _("状态"),
                lambda r: cells.pill(_state(r), "warn" if r.state == "held" else "info"),
                Push.state,
                _state,
                narrow=True,
            ),
            Column("item", _("事项"), lambda r: cells.clip(r.item, 14), ServiceItem.name, wider=True),
            Column(
                "org_name", _("审批部门"), lambda r: cells.clip(r.org_name, 14), Case.org_name, wider=True
            ),
            Column("created_at", _("推送时间"), lambda r: cells.when(r.created_at), Push.created_at),
            Column("acts", "", _acts, None, lambda _r: ""),
        ),
        order=(Push.created_at.desc(), Push.id),
        search=(Push.case_no, ServiceItem.name),
        search_hint=_("办件编号、事项"),
        choices=(
            Choice(
                "held",
                _("状态"),
                None,
                _kinds,
                {"held": lambda: Push.state == "held", "sent": lambda: Push.state != "held"},
            ),
            Choice("department", _("推送给"), Push.department, _departments),
        ),
        day=(_("推送日期"), Push.created_at),
        href=lambda r: url_for("IncompletePushView.show", case_no=r.case_no),
        empty=_("没有不完整的推送：每个推送包都有事项要求的材料、环节和要素。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """An approving department's user sees what it decided or handles."""
        mine = own_department()
        return () if mine is None else (approved_by(mine),)

    @expose("/<case_no>")
    @has_access
    @permission_name("list")
    def show(self, case_no: str) -> str:
        """One case's incomplete pushes, and what can be done about them."""
        with here().engine.connect() as tx:
            check_approved(tx, case_no)
            rows = tx.execute(_query().where(Push.case_no == case_no).order_by(Department.name)).all()
        held = [row for row in rows if row.state == "held"]
        return self.page(
            "push_incomplete.html",
            title=gettext("推送完整性：%(no)s", no=case_no),
            case_no=case_no,
            rows=rows,
            held=held,
            went=[row for row in rows if row.state != "held" and row.state not in GONE],
            missing=(held or rows)[0].missing if rows else [],
        )

    @expose("/<case_no>/check", methods=["POST"])
    @has_access
    @permission_name("release")
    @sentence_on_refusal(to("IncompletePushView.show"))
    def check(self, case_no: str) -> Response:
        """Check again: what is whole now is pushed."""
        with here().engine.begin() as tx:
            check_approved(tx, case_no)
            found = check_again(tx, case_no, here().config.desk, actor=actor())
        if found.corrected:
            names = gettext("、").join(found.corrected)
            flash(gettext("补来的内容已发给%(names)s，须重新签收。", names=names), "success")
        if found.released:
            flash(gettext("已补齐，%(n)s 个部门的推送已发出。", n=len(found.released)), "success")
        if found.missing:
            flash(gettext("仍缺少%(what)s。", what=told(found.missing)), "warning")
        return redirect(url_for("IncompletePushView.show", case_no=case_no))

    @expose("/<case_no>/release", methods=["POST"])
    @has_access
    @permission_name("release")
    @sentence_on_refusal(to("IncompletePushView.show"))
    def release(self, case_no: str) -> Response:
        """Let one push go as it is, with a reason."""
        with here().engine.begin() as tx:
            check_approved(tx, case_no)
            push_id = uuid.UUID(request.form.get("push", ""))
            release_push(tx, push_id, here().config.desk, actor=actor(), reason=reason())
        flash(gettext("已放行：推送包注明了缺少的内容，随即发出。"), "success")
        return redirect(url_for("IncompletePushView.show", case_no=case_no))
