"""The list of facts, declared; and whose facts a signed-in user sees."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, exists, or_, select

from admin import cells
from admin.listing import Choice, Column, Listing, codes, words
from admin.premises import own_department
from admin.pushing.push_pages import departments
from hub.case import Case
from hub.department import Department
from hub.exchange.announcement import Announcement
from hub.feedback.finding import Finding
from hub.feedback.money import in_yuan
from hub.party import Party

#: kind -> the code table of its result.
RESULTS = {
    "inspection": "check_result",
    "rectification": "rectification_result",
    "enforcement": "enforcement_result",
    "credit": "credit_kind",
}


def said_text(fact: Any) -> str:
    """Its result in words."""
    table = RESULTS.get(fact.kind)
    if table is None:
        return str((fact.details or {}).get("plan_name") or (fact.details or {}).get("withdraws") or "")
    words_ = [cells.code_text(table, fact.check_result or fact.result)]
    if fact.handling:
        words_.append(cells.code_text("handling", fact.handling))
    return "，".join(words_)


def said(fact: Any) -> Markup:
    """Its result as pills."""
    table = RESULTS.get(fact.kind)
    if table is None:
        return cells.clip(said_text(fact), 20)
    first = cells.code(table, fact.check_result or fact.result)
    return first + (Markup(" ") + cells.code("handling", fact.handling) if fact.handling else Markup(""))


def effect(finding: Any) -> Markup:
    """What it did to the licence, or that it came too late to do anything."""
    if not finding.effect_applied and finding.effect != "none":
        return cells.pill(gettext("未生效：已有更新的检查"), "mute")
    return cells.word("effect", finding.effect)


def money(fact: Any) -> str:
    """Fine and what was confiscated, in 元."""
    total = (fact.fine_fen or 0) + (fact.confiscated_fen or 0)
    return in_yuan(total) if total else ""


def seen() -> tuple[ColumnElement[bool], ...]:
    """A department's user sees the department's facts, and those it was told of."""
    mine = own_department()
    if mine is None:
        return ()
    told = exists().where(Announcement.finding_id == Finding.id, Announcement.department == mine)
    return (or_(Finding.department == mine, told),)


def _query() -> Select[Any]:
    return (
        select(
            *Finding.__table__.columns,
            Department.name.label("department_name"),
            Party.name.label("party"),
        )
        .select_from(Finding)
        .join(Department, Department.code == Finding.department)
        .join(Case, Case.case_no == Finding.case_no)
        .join(Party, Party.id == Case.party_id)
    )


LISTING = Listing(
    title=_("监管信息"),
    query=_query,
    columns=(
        Column("finding_no", _("编号"), lambda r: cells.mono(r.finding_no), Finding.finding_no, wider=True),
        Column(
            "kind",
            _("种类"),
            lambda r: cells.code("finding_kind", r.kind),
            Finding.kind,
            lambda r: cells.code_text("finding_kind", r.kind),
            narrow=True,
        ),
        Column(
            "department_name",
            _("部门"),
            lambda r: cells.plain(r.department_name),
            Department.name,
            narrow=True,
        ),
        Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), Finding.case_no, wider=True),
        Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 14), Party.name),
        Column("result", _("结果"), said, None, said_text, narrow=True),
        Column("money", _("罚没（元）"), money, Finding.fine_fen, money),
        Column("effect", _("对证照"), effect, Finding.effect, lambda r: cells.word_text("effect", r.effect)),
        Column(
            "standing",
            _("是否有效"),
            lambda r: cells.word("fact_standing", r.standing),
            Finding.standing,
            lambda r: cells.word_text("fact_standing", r.standing),
        ),
        Column(
            "happened_at", _("发生时间"), lambda r: cells.when(r.happened_at), Finding.happened_at, wider=True
        ),
        Column("received_at", _("收到时间"), lambda r: cells.when(r.received_at), Finding.received_at),
    ),
    order=(Finding.received_at.desc(), Finding.id),
    search=(Finding.finding_no, Finding.case_no, Party.name, Finding.explanation, Finding.document_no),
    search_hint=_("编号、办件编号、相对人、文书号、说明"),
    choices=(
        Choice("kind", _("种类"), Finding.kind, codes("finding_kind")),
        Choice("check_result", _("检查结果"), Finding.check_result, codes("check_result")),
        Choice("handling", _("处理结果"), Finding.handling, codes("handling")),
        Choice("effect", _("对证照"), Finding.effect, words("effect")),
        Choice("standing", _("是否有效"), Finding.standing, words("fact_standing")),
        Choice(
            "money",
            _("罚没"),
            Finding.fine_fen,
            lambda _tx: [("some", gettext("有罚没金额")), ("much", gettext("10 万元以上"))],
            {
                "some": lambda: or_(Finding.fine_fen > 0, Finding.confiscated_fen > 0),
                "much": lambda: or_(Finding.fine_fen >= 10**7, Finding.confiscated_fen >= 10**7),
            },
        ),
        Choice("department", _("部门"), Finding.department, departments),
    ),
    day=(_("收到日期"), Finding.received_at),
    href=lambda r: url_for("FindingView.show", finding=r.id),
    empty=_("还没有监管信息。部门检查后经连接器、接口或网页收件箱上报，会出现在这里并提醒窗口。"),
)
