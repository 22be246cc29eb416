"""监管信息: what departments found, and what it did."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, select

from admin import cells
from admin.listing import Choice, Column, Listing, codes, words
from admin.pages import ExportedList
from admin.premises import own_department
from admin.pushing.push_pages import departments
from hub.case import Case
from hub.department import Department
from hub.feedback.finding import Finding
from hub.party import Party


def _query() -> Select[Any]:
    return (
        select(
            Finding.id,
            Finding.finding_no,
            Finding.case_no,
            Finding.check_result,
            Finding.handling,
            Finding.effect,
            Finding.effect_applied,
            Finding.happened_at,
            Finding.received_at,
            Finding.rectify_by,
            Finding.explanation,
            Department.name.label("department_name"),
            Party.name.label("party"),
        )
        .select_from(Finding)
        .join(Department, Department.code == Finding.department)
        .join(Case, Case.case_no == Finding.case_no)
        .join(Party, Party.id == Case.party_id)
    )


def effect(finding: Any) -> Markup:
    """What it did to the licence, or that it came too late to do anything."""
    if not finding.effect_applied and finding.effect != "none":
        return cells.pill(gettext("未生效：已有更新的检查"), "mute")
    return cells.word("effect", finding.effect)


class FindingView(ExportedList):
    """监管信息."""

    route_base = "/findings"
    listing = Listing(
        title=_("监管信息"),
        query=_query,
        columns=(
            Column(
                "finding_no", _("编号"), lambda r: cells.mono(r.finding_no), Finding.finding_no, wider=True
            ),
            Column(
                "department_name",
                _("部门"),
                lambda r: cells.plain(r.department_name),
                Department.name,
                narrow=True,
            ),
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), Finding.case_no, narrow=True),
            Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 14), Party.name),
            Column(
                "check_result",
                _("检查结果"),
                lambda r: cells.code("check_result", r.check_result),
                Finding.check_result,
                lambda r: cells.code_text("check_result", r.check_result),
                narrow=True,
            ),
            Column(
                "handling",
                _("处理结果"),
                lambda r: cells.code("handling", r.handling),
                Finding.handling,
                lambda r: cells.code_text("handling", r.handling),
            ),
            Column(
                "effect", _("对证照"), effect, Finding.effect, lambda r: cells.word_text("effect", r.effect)
            ),
            Column(
                "happened_at",
                _("检查时间"),
                lambda r: cells.when(r.happened_at),
                Finding.happened_at,
                wider=True,
            ),
            Column("received_at", _("收到时间"), lambda r: cells.when(r.received_at), Finding.received_at),
        ),
        order=(Finding.received_at.desc(), Finding.id),
        search=(Finding.finding_no, Finding.case_no, Party.name, Finding.explanation),
        search_hint=_("编号、办件编号、相对人、说明"),
        choices=(
            Choice("check_result", _("检查结果"), Finding.check_result, codes("check_result")),
            Choice("handling", _("处理结果"), Finding.handling, codes("handling")),
            Choice("effect", _("对证照"), Finding.effect, words("effect")),
            Choice("department", _("部门"), Finding.department, departments),
        ),
        day=(_("收到日期"), Finding.received_at),
        href=lambda r: url_for("CaseView.show", case_no=r.case_no, _anchor=f"finding-{r.id}"),
        empty=_("还没有监管信息。部门检查后经连接器上报，会出现在这里并提醒窗口。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees the department's findings."""
        mine = own_department()
        return () if mine is None else (Finding.department == mine,)
