"""The lists of reconciling: runs, the differences of a run, and the pushes behind a figure."""

from __future__ import annotations

import uuid
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, select

from admin import cells
from admin.listing import Choice, Column, Listing, words
from admin.premises import own_department
from hub.case import Case, Decision
from hub.department import Department
from hub.item import ServiceItem
from hub.pushing.push import Push
from hub.reconciling.reconciliation import Reconciliation, ReconciliationDifference

_DIFFERENCE = ReconciliationDifference


def _runs() -> Select[Any]:
    return select(*Reconciliation.__table__.columns).select_from(Reconciliation)


def _figure(name: str) -> tuple[Any, Any]:
    """A sum of the whole area, as it is shown and exported: not for the eyes of one department."""

    def said(row: Any) -> str:
        return "" if own_department() or name not in row.totals else f"{row.totals[name]:,}"

    return lambda row: said(row) or cells.EMPTY, lambda row: said(row).replace(",", "")


def _differing(row: Any) -> Any:
    if row.state != "done" or own_department():
        return cells.EMPTY
    return cells.pill(row.differences, "bad" if row.differences else "good")


RUNS = Listing(
    title=_("对账"),
    query=_runs,
    columns=(
        Column(
            "first_day",
            _("期间"),
            lambda r: f"{r.first_day} – {r.last_day}",
            Reconciliation.first_day,
            lambda r: f"{r.first_day} – {r.last_day}",
            narrow=True,
        ),
        Column(
            "state",
            _("状态"),
            lambda r: cells.word("run_state", r.state),
            None,
            lambda r: cells.word_text("run_state", r.state),
        ),
        Column("decided", _("应推"), _figure("decided")[0], None, _figure("decided")[1]),
        Column("signed", _("已签收"), _figure("signed")[0], None, _figure("signed")[1]),
        Column("answered", _("已反馈"), _figure("answered")[0], None, _figure("answered")[1]),
        Column(
            "differences",
            _("差异"),
            _differing,
            None,
            lambda r: "" if own_department() else str(r.differences),
            narrow=True,
        ),
        Column("asked_by", _("发起人"), lambda r: cells.who(r.asked_by, {})),
        Column("started_at", _("开始时间"), lambda r: cells.when(r.started_at), Reconciliation.started_at),
    ),
    order=(Reconciliation.started_at.desc(),),
    choices=(Choice("state", _("状态"), Reconciliation.state, words("run_state")),),
    day=(_("开始日期"), Reconciliation.started_at),
    href=lambda r: url_for("ReconciliationView.show", run_id=r.id),
    empty=_("还没有对过账。中心每晚自动对最近 31 天的账；也可以在上面选一段时间，马上对账。"),
)


def departments(tx: Connection) -> list[tuple[str, Any]]:
    """Every department, to choose from."""
    return [
        (row.code, row.name)
        for row in tx.execute(select(Department.code, Department.name).order_by(Department.name))
    ]


def _differences() -> Select[Any]:
    return (
        select(*_DIFFERENCE.__table__.columns, Department.name.label("department_name"))
        .select_from(_DIFFERENCE)
        .outerjoin(Department, Department.code == _DIFFERENCE.department)
    )


def _picked(row: Any) -> Markup:
    label = gettext("选中")
    return Markup('<input type="checkbox" name="id" value="{}" form="deal" aria-label="{}">').format(
        row.id, label
    )


def _case(row: Any) -> Any:
    if not row.case_no:
        return cells.EMPTY
    href = url_for("CaseView.show", case_no=row.case_no)
    return Markup('<a href="{}">{}</a>').format(href, cells.mono(row.case_no))


def _said(row: Any) -> Markup:
    return Markup('<span class="said">{}</span>').format(row.words)


def _became(row: Any) -> Markup:
    shown = cells.word("difference_state", row.state)
    if row.settled_why:
        shown += Markup("<br><small>{}</small>").format(row.settled_why)
    return shown


def difference_list(*, deal: bool) -> Listing:
    """The differences of a run; `deal`: with boxes to pick some."""
    pick = (Column("id", "", _picked, None, lambda r: str(r.id), narrow=True),) if deal else ()
    return Listing(
        title=_("差异"),
        query=_differences,
        columns=(
            *pick,
            Column("kind", _("差异"), lambda r: cells.word("difference", r.kind), _DIFFERENCE.kind,
                   lambda r: cells.word_text("difference", r.kind), narrow=True),
            Column("department_name", _("部门"), lambda r: r.department_name or cells.EMPTY, None),
            Column("case_no", _("办件编号"), _case, _DIFFERENCE.case_no),
            Column("words", _("说明"), _said, None, lambda r: r.words, narrow=True),
            Column("state", _("处理"), _became, _DIFFERENCE.state, lambda r: cells.word_text("difference_state", r.state)),
            Column("settled_why", _("原因"), lambda r: cells.plain(r.settled_why), wider=True),
            Column("event_id", _("事件编号"), lambda r: cells.mono(r.event_id) if r.event_id else cells.EMPTY, wider=True),
        ),
        order=(_DIFFERENCE.id,),
        search=(_DIFFERENCE.case_no, _DIFFERENCE.words, _DIFFERENCE.event_id),
        search_hint=_("办件编号、说明、事件编号"),
        choices=(
            Choice("kind", _("差异"), _DIFFERENCE.kind, words("difference")),
            Choice("department", _("部门"), _DIFFERENCE.department, departments),
            Choice("state", _("处理"), _DIFFERENCE.state, words("difference_state")),
        ),
        empty=_("没有差异：每个决定都推送了，该签收、认领、反馈的都已按期完成，部门的数也对得上。"),
    )  # fmt: skip


def _pushes() -> Select[Any]:
    columns = (
        Push.id, Push.case_no, Push.department, Push.state, Push.arrived_at, Push.signed_at, Push.claimed_at,
        Push.answered_at, Decision.decided_on, Decision.document_no, Department.name.label("department_name"),
        ServiceItem.name.label("item"),
    )  # fmt: skip
    return (
        select(*columns)
        .select_from(Push)
        .join(Decision, Decision.id == Push.decision_id)
        .join(Case, Case.case_no == Push.case_no)
        .join(Department, Department.code == Push.department)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
    )


PUSHES = Listing(
    title=_("对账明细"),
    query=_pushes,
    columns=(
        Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), None, narrow=True),
        Column("item", _("事项"), lambda r: cells.clip(r.item, 14), None),
        Column("department_name", _("部门"), lambda r: r.department_name, wider=True),
        Column("decided_on", _("决定日期"), lambda r: str(r.decided_on), Decision.decided_on),
        Column("state", _("状态"), lambda r: cells.code("push_state", r.state), None,
               lambda r: cells.code_text("push_state", r.state), narrow=True),
        Column("arrived_at", _("到达"), lambda r: cells.when(r.arrived_at)),
        Column("signed_at", _("签收"), lambda r: cells.when(r.signed_at)),
        Column("claimed_at", _("认领"), lambda r: cells.when(r.claimed_at)),
        Column("answered_at", _("反馈"), lambda r: cells.when(r.answered_at)),
    ),
    order=(Decision.decided_on, Push.case_no),
    search=(Push.case_no, Decision.document_no),
    search_hint=_("办件编号、决定文书号"),
    choices=(
        Choice("department", _("部门"), Push.department, departments),
        Choice("stage", _("还没有"), None, lambda _tx: [(key, gettext(title)) for key, title in LACKING.items()], {
            "arrived": lambda: Push.arrived_at.is_(None),
            "signed": lambda: Push.signed_at.is_(None),
            "claimed": lambda: Push.claimed_at.is_(None),
            "answered": lambda: Push.answered_at.is_(None),
        }),
    ),
    href=lambda r: url_for("CaseView.show", case_no=r.case_no),
    empty=_("这一行没有推送。"),
)  # fmt: skip
LACKING = {"arrived": _("到达"), "signed": _("签收"), "claimed": _("认领"), "answered": _("反馈")}


def of_run(run_id: uuid.UUID, department: str | None) -> tuple[ColumnElement[bool], ...]:
    """The differences of a run that the signed-in user may see."""
    own = (_DIFFERENCE.department == department,) if department else ()
    return (_DIFFERENCE.run_id == run_id, *own)
