"""按决定看推送: how many departments signed for each decision; and correcting or withdrawing one, with a look before."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from admin import cells
from admin.listing import Choice, Column, Listing
from admin.pages import ExportedList
from admin.premises import actor, here, own_department, roles
from admin.pushing.push_pages import MOST, items
from admin.pushing.push_search import cases_like
from admin.pushing.seeing import check_decides, speaker
from hub.case import Case, Decision
from hub.deciding.correct_decision import (
    COLUMNS,
    FIXED_ELEMENTS,
    Correction,
    compare,
    correct_decision,
    with_twins,
)
from hub.deciding.revision import DecisionRevision
from hub.deciding.told import Decided, Standing, checked, look
from hub.deciding.withdraw_decision import licences_of, withdraw_decision
from hub.errors import HubError, Rejected
from hub.exchange.announcement import Announcement
from hub.item import ServiceItem
from hub.party import Party
from hub.pushing.push import Push
from hub.sheets.sheet_columns import generations
from schemas import code_table

_OVER = ("reassigned", "recalled")
_RENEWED = ("approval.corrected.v1", "approval.withdrawn.v1")


def _query() -> Select[Any]:
    mine = select(func.count()).where(Push.decision_id == Decision.id, Push.state.not_in(_OVER))
    signed = mine.where(or_(Push.signed_at.is_not(None), Push.claimed_at.is_not(None)))
    renewed = select(func.count()).where(
        Announcement.case_no == Decision.case_no,
        Announcement.kind.in_(_RENEWED),
        Announcement.signed_at.is_(None),
    )
    return (
        select(
            Decision.case_no,
            Decision.document_no,
            Decision.decided_on,
            Decision.revision,
            Decision.withdrawn_at,
            Decision.created_at,
            Party.name.label("party"),
            ServiceItem.name.label("item"),
            mine.scalar_subquery().label("owed"),
            signed.scalar_subquery().label("signed"),
            renewed.scalar_subquery().label("unsigned_revision"),
        )
        .select_from(Decision)
        .join(Case, Case.case_no == Decision.case_no)
        .join(Party, Party.id == Case.party_id)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
    )


def _some(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Push.decision_id == Decision.id, *conditions)


CONDITIONS = {
    "unsigned": lambda: _some(Push.state.in_(["owed", "arrived"])),
    "returned": lambda: _some(Push.state == "returned"),
    "overdue": lambda: _some(Push.overdue),
    "revision": lambda: _some(Push.unsigned_revision),
    "corrected": lambda: Decision.id.in_(select(DecisionRevision.decision_id)),
}


def _attention(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [
        ("unsigned", gettext("还有部门未签收")),
        ("returned", gettext("有部门退回")),
        ("overdue", gettext("有部门超过时限")),
        ("revision", gettext("更正或撤回未签收")),
        ("corrected", gettext("更正或撤回过")),
    ]


def _progress(row: Any) -> Markup:
    if not row.owed:
        return cells.pill(gettext("没有推送"), "mute")
    said = gettext("%(signed)s / %(owed)s 已签收", signed=row.signed, owed=row.owed)
    return Markup(
        '<span class="signed-of"><progress class="meter" max="{}" value="{}"></progress>{}</span>'
    ).format(row.owed, row.signed, said)


def _revision(row: Any) -> Markup:
    if row.withdrawn_at:
        said = cells.pill(gettext("已撤回"), "bad")
    elif row.revision > 1:
        said = cells.pill(gettext("第 %(n)s 版", n=row.revision), "info")
    else:
        return cells.EMPTY
    if row.unsigned_revision:
        waits = cells.pill(gettext("%(n)s 个部门未签收新版", n=row.unsigned_revision), "warn")
        return Markup("{} {}").format(said, waits)
    return said


def _department(code: str) -> ColumnElement[bool]:
    return _some(Push.department == code)


class DecisionView(ExportedList):
    """按决定看推送."""

    route_base = "/decisions"
    list_template = "decisions.html"
    listing = Listing(
        title=_("按决定看推送"),
        query=_query,
        columns=(
            Column("document_no", _("决定文书号"), lambda r: cells.clip(r.document_no, 24), narrow=True),
            Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 18), narrow=True),
            Column("item", _("事项"), lambda r: cells.clip(r.item, 14)),
            Column(
                "signed",
                _("签收"),
                _progress,
                None,
                lambda r: f"{r.signed}/{r.owed}",
                narrow=True,
            ),
            Column("revision", _("更正与撤回"), _revision),
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), wider=True),
            Column(
                "created_at", _("入库时间"), lambda r: cells.when(r.created_at), Case.created_at, wider=True
            ),
        ),
        order=(Case.created_at.desc(), Case.case_no.desc()),
        most=MOST,
        slim=lambda: select(Decision.id).select_from(Decision).join(Case, Case.case_no == Decision.case_no),
        search=(Decision.document_no, Decision.case_no),
        searched=lambda word: Decision.case_no.in_(cases_like(word)),
        search_hint=_("办件编号开头、相对人名称"),
        choices=(
            Choice("item", _("事项"), Case.item_code, items),
            Choice("attention", _("需要关注"), None, _attention, CONDITIONS),
        ),
        day=(_("入库日期"), Case.created_at),
        href=lambda r: url_for("CaseView.show", case_no=r.case_no),
        empty=_("还没有决定。在“登记审批决定”登记一件，或导入双公示表格。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A supervising department's user sees decisions that were pushed to it; an approving one's, its cases'."""
        mine = own_department()
        if mine is None:
            return ()
        pushed = _department(mine)
        return (or_(pushed, Case.department == mine) if "approver" in roles() else pushed,)

    @expose("/<case_no>/correct", methods=["GET", "POST"])
    @has_access
    @permission_name("correct")
    def correct(self, case_no: str) -> Any:
        """Correct it: type what is right, look at what changes and who is told, confirm."""
        desk, fault, changes = here().config.desk, None, None
        with here().engine.begin() as tx:
            standing = look(tx, case_no)
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
            standing = look(tx, case_no)
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
