"""推送: one decision owed to one department - the list, and what people of the hub do with one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    false,
    func,
    literal_column,
    select,
)

from admin import cells
from admin.listing import Choice, Column, Listing, codes
from admin.pages import ExportedList, reason, sentence_on_refusal, to
from admin.premises import actor, here, may
from admin.pushing import push_show
from admin.pushing.push_search import cases_like
from admin.pushing.seeing import check_decides, seen_pushes, speaker
from hub.case import Case
from hub.department import Department
from hub.item import ServiceItem
from hub.party import Party
from hub.pushing.act_on_push import (
    insist_on_push,
    recall_push,
    reopen_push,
    resend_push,
    resend_revisions,
)
from hub.pushing.push import NARROWED, STATES, Push, PushOverdue
from hub.pushing.reassign_push import reassign_push


def of_item(code: str) -> ColumnElement[bool]:
    """Pushes of cases of an item."""
    return exists().where(Case.case_no == Push.case_no, Case.item_code == code).correlate(Push)


def _query() -> Select[Any]:
    missed = (
        select(func.array_agg(PushOverdue.what))
        .where(PushOverdue.push_id == Push.id, PushOverdue.ended_at.is_(None))
        .scalar_subquery()
    )
    return (
        select(
            Push.id,
            Push.case_no,
            Push.department,
            Push.state,
            Push.revision,
            Push.next_due_at,
            Push.created_at,
            Push.arrived_at,
            Push.signed_at,
            Push.claimed_at,
            Push.claimed_by,
            Push.planned_at,
            Push.answered_at,
            Push.closed_at,
            Push.returned_at,
            Push.returned_why,
            Department.name.label("department_name"),
            Party.name.label("party"),
            missed.label("missed"),
            Push.unsigned_revision,
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


def items(tx: Connection) -> list[tuple[str, Any]]:
    """Items that something was pushed of, for a filter."""
    rows = tx.execute(
        select(ServiceItem.code, ServiceItem.name)
        .where(exists().where(Case.item_code == ServiceItem.code))
        .order_by(ServiceItem.name)
        .limit(500)
    )
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


def missed_words() -> dict[str, str]:
    """What can be missed, in words."""
    return {
        "sign": gettext("签收超时"),
        "claim": gettext("认领超时"),
        "plan": gettext("监管计划超时"),
        "feedback": gettext("反馈超时"),
    }


def in_state(state: str) -> ColumnElement[bool]:
    """Pushes in a state, said so that the index of rare ones fits whatever was prepared before."""
    return Push.state == literal_column(f"'{state}'") if state in STATES else false()


def _state(push: Any) -> Markup:
    pills = [cells.code("push_state", push.state)]
    pills += [cells.pill(missed_words()[what], "bad") for what in push.missed or ()]
    if push.unsigned_revision:
        pills.append(cells.pill(gettext("新版未签"), "warn"))
    return Markup(" ").join(pills)


def _due(push: Any) -> Any:
    return cells.local(push.next_due_at, "%m-%d") if push.next_due_at else cells.EMPTY


def _waiting() -> ColumnElement[bool]:
    waiting: ColumnElement[bool] = literal_column(f"pushes.{NARROWED['unsigned']}", Boolean)
    return waiting


CONDITIONS = {
    "undelivered": _waiting,
    "overdue": lambda: Push.overdue,
    "returned": lambda: in_state("returned"),
    "revision": lambda: Push.unsigned_revision,
    "stuck": lambda: and_(Push.state == "owed", Push.created_at < datetime.now(UTC) - timedelta(minutes=5)),
}


def _attention(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [
        ("undelivered", gettext("未签收")),
        ("overdue", gettext("超过时限")),
        ("returned", gettext("被退回，待转派或坚持")),
        ("revision", gettext("更正或撤回未签收")),
        ("stuck", gettext("五分钟仍未到达")),
    ]


MOST = 2_000  # pushes that a list counts and pages through; who wants more narrows it, or takes it away as a file


class PushView(ExportedList):
    """推送."""

    route_base = "/pushes"
    list_template = "pushes.html"
    listing = Listing(
        title=_("推送"),
        query=_query,
        columns=(
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), Push.case_no, narrow=True),
            Column("department_name", _("部门"), lambda r: cells.plain(r.department_name), narrow=True),
            Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 18)),
            Column(
                "state",
                _("状态"),
                _state,
                None,
                lambda r: cells.code_text("push_state", r.state),
                narrow=True,
            ),
            Column("receipts", _("回执"), receipts, None, lambda r: cells.code_text("push_state", r.state)),
            Column("created_at", _("推送时间"), lambda r: cells.when(r.created_at), Push.created_at),
            Column("signed_at", _("签收时间"), lambda r: cells.when(r.signed_at), wider=True),
            Column("next_due_at", _("下一时限"), _due),
        ),
        order=(Push.created_at.desc(), Push.id.desc()),
        most=MOST,
        slim=lambda: select(Push.id).select_from(Push),
        search=(Push.case_no, Party.name),
        searched=lambda word: Push.case_no.in_(cases_like(word)),
        search_hint=_("办件编号开头、相对人名称"),
        choices=(
            Choice("state", _("状态"), None, codes("push_state", STATES), narrow=in_state),
            Choice("department", _("部门"), Push.department, departments),
            Choice("item", _("事项"), None, items, narrow=of_item),
            Choice("attention", _("需要关注"), None, _attention, CONDITIONS),
        ),
        day=(_("推送日期"), Push.created_at),
        href=lambda r: url_for("PushView.show", push=r.id),
        empty=_("没有推送。办件决定后，会按“推送规则”推送给监管部门。"),
    )

    def extras(self) -> dict[str, Any]:
        """Whether there are buttons."""
        return {"can_resend": may("can_resend", "PushView")}

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees what concerns the department."""
        return seen_pushes()

    @expose("/resend-revisions", methods=["POST"])
    @has_access
    @permission_name("resend")
    @sentence_on_refusal(to("PushView.list", attention="revision"))
    def resend_revisions(self) -> Any:
        """Send corrections and withdrawals again that are not signed for."""
        department = request.form.get("department") or None
        with here().engine.begin() as tx:
            count = resend_revisions(tx, reason=reason(), actor=actor(), department=department)
        flash(gettext("%(n)s 条消息已排队补发。内容不变，部门已有的会自动去重。", n=count), "success")
        return redirect(url_for("PushView.list", attention="revision", department=department))

    @expose("/<uuid:push>")
    @has_access
    @permission_name("show")
    def show(self, push: uuid.UUID) -> str:
        """One push: how far it is, all that was said and done, and what can be done."""
        with here().engine.connect() as tx:
            found = push_show.read(tx, push, self.confined())
        can_act = may("can_act", "PushView") and push_show.decides(found)
        return self.page(
            "push.html",
            title=gettext("推送"),
            f=found,
            acts=push_show.acts(found) if can_act else (),
            missed=missed_words(),
            can_resend=may("can_resend", "PushView"),
            now=datetime.now(UTC),
        )

    @expose("/<uuid:push>/<act>", methods=["POST"])
    @has_access
    @permission_name("act")
    @sentence_on_refusal(to("PushView.show", act=None))
    def act(self, push: uuid.UUID, act: str) -> Any:
        """转派, 坚持, 撤回, 重开."""
        why, desk = reason(), here().config.desk
        with here().engine.begin() as tx:
            found = push_show.read(tx, push, self.confined())
            check_decides(found.push["case_department"])
            by = speaker(tx)
            if act == "reassign":
                department = request.form.get("department", "")
                push = reassign_push(tx, push, department, reason=why, by=by, desk=desk)
                done = gettext("已转派，下面是新的推送。原部门会收到撤回通知。")
            elif act == "insist":
                insist_on_push(tx, push, reason=why, by=by, desk=desk)
                done = gettext("已坚持推送，理由已作为协调建议发给该部门。")
            elif act == "recall":
                recall_push(tx, push, reason=why, by=by, desk=desk)
                done = gettext("已撤回，该部门会收到撤回通知并须签收。")
            else:
                reopen_push(tx, push, reason=why, by=by, desk=desk)
                done = gettext("已重新打开，理由已作为协调建议发给该部门。")
        flash(done, "success")
        return redirect(url_for("PushView.show", push=push))

    @expose("/<uuid:push>/resend", methods=["POST"])
    @has_access
    @permission_name("resend")
    @sentence_on_refusal(to("PushView.show"))
    def resend(self, push: uuid.UUID) -> Any:
        """Send again what is not signed for."""
        with here().engine.begin() as tx:
            count = resend_push(tx, push, reason=reason(), actor=actor())
        flash(gettext("%(n)s 条消息已排队补发。内容不变，部门已有的会自动去重。", n=count), "success")
        return redirect(url_for("PushView.show", push=push))
