"""按决定看推送: the list, "5 of 7 signed"."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Boolean, ColumnElement, Connection, Select, exists, func, literal_column, or_, select

from admin import cells
from admin.listing import Choice, Column, Listing
from admin.narrowing import Walk
from admin.pushing.push_pages import MOST, items
from admin.pushing.push_search import cases_like
from hub.case import Case, Decision
from hub.deciding.revision import DecisionRevision
from hub.exchange.announcement import Announcement
from hub.item import ServiceItem
from hub.party import Party
from hub.pushing.act_on_push import RENEWED
from hub.pushing.push import GONE, NARROWED, Push


def _query() -> Select[Any]:
    mine = select(func.count()).where(Push.decision_id == Decision.id, Push.state.not_in(GONE))
    signed = mine.where(or_(Push.signed_at.is_not(None), Push.claimed_at.is_not(None)))
    renewed = select(func.count()).where(
        Announcement.case_no == Decision.case_no,
        Announcement.kind.in_(RENEWED),
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


def _any_push(condition: str) -> Walk:
    """Decisions of which it holds for any push."""
    said = literal_column(NARROWED[condition], Boolean)
    rows: Select[Any] = select(Push.listed_at, Push.case_no).where(said).distinct()
    return Walk(rows, Case.created_at, Decision.case_no, _some(said))


def _corrected() -> Walk:
    rows: Select[Any] = select(DecisionRevision.listed_at, DecisionRevision.case_no).distinct()
    revised = exists().where(DecisionRevision.decision_id == Decision.id)
    return Walk(rows, Case.created_at, Decision.case_no, revised)


CONDITIONS = {
    "unsigned": lambda: _any_push("unsigned"),
    "returned": lambda: _any_push("returned"),
    "overdue": lambda: _any_push("overdue"),
    "revision": lambda: _any_push("revision"),
    "corrected": _corrected,
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


def pushed_to(code: str) -> ColumnElement[bool]:
    """Decisions that were pushed to a department."""
    return _some(Push.department == code)


LISTING = Listing(
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
        Column("created_at", _("入库时间"), lambda r: cells.when(r.created_at), Case.created_at, wider=True),
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
