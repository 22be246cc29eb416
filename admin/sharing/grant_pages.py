"""共享授权: the list, one grant with its steps and history, and what is done to it by whom it is.

Guarantees: a department's user sees and does only what is the department's, as applicant or as provider; every button is a
POST with a token, and what a use case refuses is said as a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Connection, func, select
from werkzeug.wrappers import Response

from admin.pages import ExportedList, sentence_on_refusal, to
from admin.premises import here
from admin.sharing import grant_list
from admin.sharing.grant_form import GrantForm, chosen, office
from admin.sharing.people import clock, department_names, identifier, person
from hub.errors import Denied, HubError, NotFound
from hub.item import ServiceItem
from hub.reuse.material_use import MaterialUse
from hub.sharing.apply_for_grant import apply_for_grant
from hub.sharing.decide_grant import decide_grant
from hub.sharing.end_grant import cancel_grant, withdraw_grant
from hub.sharing.grant import Grant
from hub.sharing.resource import Resource, find_resource, search_resources
from hub.sharing.review_grant import review_grant
from hub.sharing.turn_grant import open_acts

DONE = {
    "reviewed": _("合规审查已通过，转提供部门审核。"),
    "granted": _("已授权，即日起按期限和范围可以使用。"),
    "refused": _("已拒绝，理由会告诉申请部门。"),
    "cancelled": _("申请已撤回。"),
    "withdrawn": _("授权已收回。以前的使用保留，以后不能再用。"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the life of a grant, as the page shows it."""

    title: Any
    by: str | None
    at: datetime | None
    note: str | None
    mood: str  # 'done', 'now', 'bad', 'next'


class GrantView(ExportedList):
    """共享授权."""

    route_base = "/sharing/grants"
    listing = grant_list.LISTING
    list_template = "sharing_grants.html"

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees what it applied for and what it provides."""
        return grant_list.confined()

    @expose("/apply", methods=["GET", "POST"])
    @has_access
    @permission_name("apply")
    def apply(self) -> str | Response:
        """Choose a resource; then fill in what it is wanted for."""
        form, fault = GrantForm(request.form), ""
        if request.method == "POST":
            try:
                with here().engine.begin() as tx:
                    number = apply_for_grant(tx, form.application(), here().config.desk, person=person())
            except HubError as error:
                fault = error.message
            else:
                flash(gettext("申请已提交，等待合规审查。"), "success")
                return redirect(url_for("GrantView.show", number=number))
        with here().engine.connect() as tx:
            resource = chosen(tx, request.values)
            found = search_resources(tx, request.args.get("q", ""), limit=24) if resource is None else ()
            if "only" in request.args:  # the list alone, asked for by the script as one types
                return self.page("sharing_resources.html", found=found, mine=person().department)
            return self.page(
                "sharing_apply.html",
                title=_("申请共享"),
                resource=resource,
                found=found,
                mine=person().department,
                form=form,
                fault=fault,
                **office(tx, resource),
            )

    @expose("/<number>")
    @has_access
    @permission_name("show")
    def show(self, number: str) -> str:
        """One grant."""
        with here().engine.connect() as tx:
            row = _row(tx, number)
            resource = _resource(tx, row)
            uses = tx.execute(
                select(func.count(), func.min(MaterialUse.used_at), func.max(MaterialUse.used_at)).where(
                    MaterialUse.grant_id == row.id, MaterialUse.withdrawn_at.is_(None)
                )
            ).one()
            items = tx.execute(
                select(ServiceItem.code, ServiceItem.name).where(ServiceItem.code.in_(row.item_codes))
            ).all()
            names = department_names(tx)
        return self.page(
            "sharing_grant.html",
            title=_("申请与授权"),
            row=row,
            resource=resource,
            names=names,
            items=items,
            uses=uses,
            steps=steps(row, names),
            acts=open_acts(row, person()),
            clock=clock(row.reply_by) if row.state in grant_list.OPEN else None,
            today=grant_list.today(),
            labels=dict(resource.fields) if resource else {},
        )

    @expose("/<number>/review", methods=["POST"])
    @has_access
    @permission_name("review")
    @sentence_on_refusal(to("GrantView.show"))
    def review(self, number: str) -> Response:
        """Pass the review, or refuse with a reason."""
        said = request.form.get("reason", "")
        with here().engine.begin() as tx:
            row, desk = _row(tx, number), here().config.desk
            if request.form.get("verdict") == "refuse":
                state = decide_grant(tx, row.id, desk, person=person(), grant=False, reason=said)
            else:
                state = review_grant(tx, row.id, desk, person=person(), note=said)
        return _done(number, state)

    @expose("/<number>/decide", methods=["POST"])
    @has_access
    @permission_name("decide")
    @sentence_on_refusal(to("GrantView.show"))
    def decide(self, number: str) -> Response:
        """Grant, or refuse with a reason."""
        agreed, said = request.form.get("verdict") == "grant", request.form.get("reason", "")
        with here().engine.begin() as tx:
            row = _row(tx, number)
            state = decide_grant(tx, row.id, here().config.desk, person=person(), grant=agreed, reason=said)
        return _done(number, state)

    @expose("/<number>/cancel", methods=["POST"])
    @has_access
    @permission_name("apply")
    @sentence_on_refusal(to("GrantView.show"))
    def cancel(self, number: str) -> Response:
        """Take the own application back."""
        said = request.form.get("reason", "")
        with here().engine.begin() as tx:
            row = _row(tx, number)
            state = cancel_grant(tx, row.id, here().config.desk, person=person(), reason=said)
        return _done(number, state)

    @expose("/<number>/withdraw", methods=["POST"])
    @has_access
    @permission_name("decide")
    @sentence_on_refusal(to("GrantView.show"))
    def withdraw(self, number: str) -> Response:
        """Take the grant back, with a reason."""
        said = request.form.get("reason", "")
        with here().engine.begin() as tx:
            row = _row(tx, number)
            state = withdraw_grant(tx, row.id, here().config.desk, person=person(), reason=said)
        return _done(number, state)


def _done(number: str, state: str) -> Response:
    flash(str(DONE[state]), "success")
    return redirect(url_for("GrantView.show", number=number))


def _row(tx: Connection, number: str) -> Any:
    """The grant, if it is the signed-in user's to see. Raises NotFound or Denied."""
    row = tx.execute(select(*Grant.__table__.columns).where(Grant.id == identifier(number))).one_or_none()
    if row is None:
        raise NotFound(gettext("没有找到这份共享授权。请从列表进入。"))
    mine = person().department
    if mine is not None and mine not in (row.department, row.provider):
        raise Denied(gettext("这份共享授权与您所在的部门无关，不能查看。"))
    return row


def _resource(tx: Connection, row: Any) -> Resource | None:
    """The catalogue's entry; None where it is not in use any more."""
    try:
        return find_resource(tx, row.resource_kind, row.resource_code)
    except NotFound:
        return None


def steps(row: Any, names: dict[str, str]) -> list[Step]:
    """申请 → 合规审查 → 提供方审核 → 授权, and how it ended."""
    provider = names.get(row.provider, "") if row.provider else gettext("数据管理员")
    made = [
        Step(gettext("申请"), row.applied_by, row.applied_at, names.get(row.department), "done"),
        Step(gettext("合规审查"), row.reviewed_by, row.reviewed_at, row.review_note, "next"),
        Step(gettext("提供方审核"), None, None, provider, "next"),
        Step(gettext("授权"), None, None, None, "next"),
    ]
    moods = {"applied": (1,), "reviewed": (1, 2)}
    if row.reviewed_at or row.state == "granted":
        made[1] = _with(made[1], "done")
    if row.state in moods:
        made[moods[row.state][-1]] = _with(made[moods[row.state][-1]], "now")
    elif row.state == "refused":
        at = 2 if row.reviewed_at else 1
        made[at] = Step(made[at].title, row.decided_by, row.decided_at, row.end_reason, "bad")
    elif row.decided_at:
        made[2] = Step(made[2].title, row.decided_by, row.decided_at, provider, "done")
        span = f"{row.period_from} – {row.period_to}"
        made[3] = Step(made[3].title, None, row.decided_at, span, "done")
    endings = {"cancelled": gettext("撤回"), "expired": gettext("到期"), "withdrawn": gettext("收回")}
    if row.state in endings:
        mood = "done" if row.state == "expired" else "bad"
        made = [step for step in made if step.mood == "done"]
        made.append(Step(endings[row.state], row.ended_by, row.ended_at, row.end_reason, mood))
    return made


def _with(step: Step, mood: str) -> Step:
    return Step(step.title, step.by, step.at, step.note, mood)
