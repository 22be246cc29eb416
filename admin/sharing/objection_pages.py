"""校核纠错: raise a doubt on a material or licence, verify it, correct or keep it, answer.

Guarantees: a department's user sees and settles only what its department raised or provides; every act is a POST with a
token, and what a use case refuses is said as a sentence - on the form itself where something was typed.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Connection, select
from werkzeug.wrappers import Response

from admin.pages import ExportedList, sentence_on_refusal, to
from admin.premises import here
from admin.sharing import objection_list
from admin.sharing.grant_pages import Step
from admin.sharing.people import clock, department_names, identifier, person
from hub.errors import Denied, HubError, NotFound
from hub.sharing import settle_objection as settle
from hub.sharing.objection import Objection
from hub.sharing.raise_objection import Doubt, raise_objection
from hub.sharing.source import Source, concerns, find_source
from hub.workday import LOCAL

DONE = {
    "verifying": _("已开始核实。"),
    "corrected": _("已更正，使用过它的办件都已收到提醒。请答复提出人。"),
    "rejected": _("已维持原样。请答复提出人。"),
    "answered": _("已答复，疑点标记已撤下。"),
}


class ObjectionView(ExportedList):
    """校核纠错."""

    route_base = "/sharing/objections"
    listing = objection_list.LISTING

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees what it raised and what it has to verify."""
        return objection_list.confined()

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("raise")
    def new(self) -> str | Response:
        """Doubt a material or a licence."""
        fault = ""
        kind = "licence" if request.values.get("licence") else "material"
        source_id = identifier(request.values.get(kind))
        if request.method == "POST":
            try:
                with here().engine.begin() as tx:
                    number = raise_objection(tx, _doubt(kind, source_id), here().config.desk, person=person())
            except HubError as error:
                fault = error.message
            else:
                flash(gettext("已标注。核实完成前，凡是用到它的地方都会显示疑点标记。"), "success")
                return redirect(url_for("ObjectionView.show", number=number))
        with here().engine.connect() as tx:
            source = find_source(tx, kind, source_id)
            today = here().config.desk.clock().astimezone(LOCAL).date()
            if not concerns(tx, source, person(), today):
                raise Denied(gettext("这份材料或证照与您所在的部门无关，不能查看。"))
            names = department_names(tx)
        return self.page(
            "sharing_doubt.html",
            title=_("提出校核"),
            source=source,
            names=names,
            fault=fault,
            given=request.values,
        )

    @expose("/<number>")
    @has_access
    @permission_name("show")
    def show(self, number: str) -> str:
        """One objection."""
        return self._shown(number)

    def _shown(self, number: str, fault: str = "") -> str:
        """The page; with what was typed, where it was refused."""
        with here().engine.connect() as tx:
            row = _row(tx, number)
            source = _source(tx, row)
            names = department_names(tx)
        who = person()
        return self.page(
            "sharing_objection.html",
            title=_("校核详情"),
            row=row,
            source=source,
            names=names,
            steps=steps(row, names),
            acts=settle.open_acts(row, who),
            clock=clock(row.answer_by) if row.state in objection_list.OPEN else None,
            fault=fault,
            given=request.form if fault else {},
        )

    @expose("/<number>/verify", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("ObjectionView.show"))
    def verify(self, number: str) -> Response:
        """Begin to verify."""
        with here().engine.begin() as tx:
            row = _row(tx, number)
            state = settle.verify(tx, row.id, here().config.desk, person=person())
        return _done(number, state)

    @expose("/<number>/conclude", methods=["POST"])
    @has_access
    @permission_name("settle")
    def conclude(self, number: str) -> str | Response:
        """Correct it, or keep it."""
        said, desk = request.form.get("reason", ""), here().config.desk
        try:
            with here().engine.begin() as tx:
                row = _row(tx, number)
                if request.form.get("verdict") == "reject":
                    state = settle.reject(tx, row.id, desk, person=person(), verdict=said)
                else:
                    remedy = _remedy(_source(tx, row))
                    state = settle.correct(tx, row.id, desk, person=person(), verdict=said, remedy=remedy)
        except HubError as error:
            return self._shown(number, error.message)
        return _done(number, state)

    @expose("/<number>/answer", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("ObjectionView.show"))
    def answer(self, number: str) -> Response:
        """Answer who raised it."""
        with here().engine.begin() as tx:
            row = _row(tx, number)
            said = request.form.get("reason", "")
            state = settle.answer(tx, row.id, here().config.desk, person=person(), words=said)
        return _done(number, state)


def _done(number: str, state: str) -> Response:
    flash(str(DONE[state]), "success")
    return redirect(url_for("ObjectionView.show", number=number))


def _doubt(kind: str, source_id: uuid.UUID) -> Doubt:
    given = request.form
    return Doubt(
        kind,
        source_id,
        given.get("statement", ""),
        given.get("field") or None,
        given.get("proposed") or None,
        given.get("case") or None,
    )


def _remedy(source: Source) -> settle.Remedy:
    """What the form says: new values of those fields that were changed, or that it must not be relied on."""
    if request.form.get("remedy") == "revoke":
        return settle.Remedy(revoke=True)
    if request.form.get("remedy") != "fields":
        return settle.Remedy()
    shown = {one.name: one.value for one in source.fields}
    typed = {name: request.form.get(f"field-{name}", value).strip() for name, value in shown.items()}
    return settle.Remedy(fields={name: value for name, value in typed.items() if value != shown[name]})


def _source(tx: Connection, row: Any) -> Source:
    if row.material_id:
        return find_source(tx, "material", row.material_id)
    return find_source(tx, "licence", row.licence_id)


def _row(tx: Connection, number: str) -> Any:
    """The objection, if it is the signed-in user's to see. Raises NotFound or Denied."""
    row = tx.execute(
        select(*Objection.__table__.columns).where(Objection.id == identifier(number))
    ).one_or_none()
    if row is None:
        raise NotFound(gettext("没有找到这条校核。请从列表进入。"))
    mine = person().department
    if mine is not None and mine not in (row.raised_department, row.provider):
        raise Denied(gettext("这条校核与您所在的部门无关，不能查看。"))
    return row


def steps(row: Any, names: dict[str, str]) -> list[Step]:
    """标注 → 核实 → 更正或维持 → 反馈."""
    provider = names.get(row.provider, "") if row.provider else gettext("数据管理员")
    concluded = row.state in ("corrected", "rejected", "answered")
    outcome = gettext("更正或维持")
    if concluded:
        outcome = (
            gettext("更正") if row.state == "corrected" or row.corrected_material_id else gettext("结论")
        )
    if row.state == "rejected":
        outcome = gettext("维持")
    reached = {"marked": 1, "verifying": 2, "corrected": 3, "rejected": 3, "answered": 4}[row.state]
    moods = ["done" if at < reached else "now" if at == reached else "next" for at in range(4)]
    return [
        Step(gettext("标注"), row.raised_by, row.raised_at, names.get(row.raised_department), moods[0]),
        Step(
            gettext("核实"),
            row.verified_by,
            None if concluded else row.verified_at,
            None if row.verified_by else provider,
            moods[1],
        ),
        Step(outcome, None, row.verified_at if concluded else None, row.verdict, moods[2]),
        Step(gettext("反馈"), row.answered_by, row.answered_at, row.answer, moods[3]),
    ]
