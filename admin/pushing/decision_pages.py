"""按决定看推送: how many departments signed for each decision; and correcting or withdrawing one, with a look before."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import ColumnElement, or_

from admin.pages import ExportedList
from admin.premises import actor, here, own_department, roles
from admin.pushing.decision_list import LISTING, pushed_to
from admin.pushing.seeing import check_decides, speaker
from hub.case import Case
from hub.deciding.correct_decision import (
    COLUMNS,
    FIXED_ELEMENTS,
    Correction,
    compare,
    correct_decision,
    with_twins,
)
from hub.deciding.told import Decided, Standing, checked, look
from hub.deciding.withdraw_decision import licences_of, withdraw_decision
from hub.errors import HubError, Rejected
from hub.sheets.sheet_columns import generations
from schemas import code_table


class DecisionView(ExportedList):
    """按决定看推送."""

    route_base = "/decisions"
    list_template = "decisions.html"
    listing = LISTING

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A supervising department's user sees decisions that were pushed to it; an approving one's, its cases'."""
        mine = own_department()
        if mine is None:
            return ()
        pushed = pushed_to(mine)
        return (or_(pushed, Case.department == mine) if "approver" in roles() else pushed,)

    @expose("/<case_no>/correct", methods=["GET", "POST"])
    @has_access
    @permission_name("correct")
    def correct(self, case_no: str) -> Any:
        """Correct it: type what is right, look at what changes and who is told, confirm."""
        desk, fault, changes = here().config.desk, None, None
        with here().engine.begin() as tx:
            standing = look(tx, case_no, here().config.desk.clock())
            check_decides(standing.decision.department)
            if request.method == "POST":
                try:
                    correction = _typed(standing.decision)
                    changes = compare(standing.decision, with_twins(standing.decision, correction), desk)
                    checked(correction.reason, correction.document_no)
                    if request.form.get("sure"):
                        done = correct_decision(tx, case_no, correction, desk, actor=actor())
                        return _corrected(case_no, done.revision, len(done.departments))
                except HubError as error:
                    tx.rollback()
                    fault, changes = error.message, None
        return self._form("decision_correct.html", standing, gettext("更正决定"), fault, changes=changes)

    @expose("/<case_no>/withdraw", methods=["GET", "POST"])
    @has_access
    @permission_name("withdraw")
    def withdraw(self, case_no: str) -> Any:
        """Withdraw it, with a look at what follows."""
        desk, fault = here().config.desk, None
        with here().engine.begin() as tx:
            standing = look(tx, case_no, here().config.desk.clock())
            check_decides(standing.decision.department)
            licences = licences_of(tx, case_no)
            if request.method == "POST":
                try:
                    if not request.form.get("sure"):
                        raise Rejected(gettext("请先看清影响范围，并勾选“已核对”。"))
                    done = withdraw_decision(
                        tx,
                        case_no,
                        reason=request.form.get("reason", ""),
                        document_no=request.form.get("document_no"),
                        actor=actor(),
                        by=speaker(tx).name,
                        seen=_seen(),
                        desk=desk,
                    )
                    flash(
                        gettext("决定已撤回，通知了 %(n)s 个部门，须逐一签收。", n=len(done.departments)),
                        "success",
                    )
                    if done.licences:
                        flash(gettext("随决定签发的证照状态没有变，需要时请到证照页面办理撤销。"), "warning")
                    return redirect(url_for("CaseView.show", case_no=case_no))
                except HubError as error:
                    tx.rollback()
                    fault = error.message
        title = gettext("撤回决定")
        return self._form("decision_withdraw.html", standing, title, fault, licences=licences)

    def _form(self, template: str, standing: Standing, title: str, fault: Any, **more: Any) -> str:
        return self.page(
            template,
            title=title,
            d=standing.decision,
            told=standing.told,
            held=[one for one in standing.recipients if one.state == "held"],
            fault=fault,
            given=request.form,
            results=code_table("result_type"),
            names=_names(),
            titles=_titles(),
            fixed=FIXED_ELEMENTS,
            **more,
        )


def _names() -> dict[str, str]:
    return {
        "document_name": gettext("决定文书名称"),
        "decided_on": gettext("决定日期"),
        "result_type": gettext("办结结果"),
        "explanation": gettext("许可内容"),
    }


@cache
def _titles() -> dict[str, str]:
    """What people call the elements that the sheets of decisions have."""
    return {column.code: column.name for one in reversed(generations()) for column in one.columns}


def _seen() -> int | None:
    text = request.form.get("seen", "")
    return int(text) if text.isdecimal() and len(text) < 5 else None


def _typed(decision: Decided) -> Correction:
    """What the form says; fields that were not on it stay."""
    form = request.form
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        if name not in form:
            continue
        value = form[name].strip()
        columns[name] = _day(value) if name == "decided_on" else value
    elements = {
        name: form[f"e.{name}"].strip()
        for name in decision.elements
        if f"e.{name}" in form and name not in FIXED_ELEMENTS
    }
    reason, document_no = form.get("reason", ""), form.get("document_no")
    return Correction(reason, document_no, columns, elements, _seen())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Rejected(gettext("请填写决定日期。")) from error


def _corrected(case_no: str, revision: int, count: int) -> Any:
    flash(
        gettext(
            "决定已更正为第 %(revision)s 版，发给了 %(n)s 个部门，须逐一重新签收。",
            revision=revision,
            n=count,
        ),
        "success",
    )
    return redirect(url_for("CaseView.show", case_no=case_no))
