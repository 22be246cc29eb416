"""共享授权, the list: who asked for what, how far it is and how much of the clock is left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, and_, case, false, or_, select
from sqlalchemy.orm import aliased

from admin import cells
from admin.listing import Choice, Column, Listing, words
from admin.premises import own_department
from admin.sharing.people import clock, clock_text, departments, person
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType
from hub.department import Department
from hub.item import ServiceItem
from hub.sharing.grant import Grant
from hub.workday import LOCAL

OPEN = ("applied", "reviewed")
Provider = aliased(Department)


def resource_name(kind: Any, code: Any) -> ColumnElement[Any]:
    """The name of a resource in the catalogue, whichever of the three tables it stands in."""
    named = [
        select(model.name).where(model.code == code).correlate_except(model).scalar_subquery()
        for model in (MaterialType, LicenceType, ServiceItem)
    ]
    return case((kind == "material", named[0]), (kind == "licence", named[1]), else_=named[2])


NAME = resource_name(Grant.resource_kind, Grant.resource_code)


def _query() -> Select[Any]:
    return (
        select(
            Grant.id,
            Grant.resource_kind,
            Grant.resource_code,
            NAME.label("resource"),
            Grant.sharing,
            Grant.state,
            Grant.period_from,
            Grant.period_to,
            Grant.applied_at,
            Grant.reply_by,
            Department.name.label("department"),
            Provider.name.label("provider"),
        )
        .select_from(Grant)
        .join(Department, Department.code == Grant.department)
        .outerjoin(Provider, Provider.code == Grant.provider)
    )


def today() -> Any:
    """The local day."""
    return datetime.now(LOCAL).date()


def overdue() -> ColumnElement[bool]:
    """Applications whose clock has run out."""
    return and_(Grant.state.in_(OPEN), Grant.reply_by < datetime.now(UTC))


def in_force() -> ColumnElement[bool]:
    """Grants that count today."""
    return and_(Grant.state == "granted", Grant.period_from <= today(), Grant.period_to >= today())


def waiting_for_me(*, administers: bool) -> ColumnElement[bool]:
    """What waits for an act of the signed-in user's department, or of the data administrators."""
    mine = own_department()
    theirs = and_(Grant.state == "reviewed", Grant.provider == mine) if mine else None
    ours = or_(Grant.state == "applied", and_(Grant.state == "reviewed", Grant.provider.is_(None)))
    wanted = [one for one in (theirs, ours if administers else None) if one is not None]
    return or_(*wanted) if wanted else false()


def _mine() -> ColumnElement[bool]:
    return waiting_for_me(administers=person().administers)


def _states(tx: Connection) -> list[tuple[str, Any]]:
    return [
        ("mine", gettext("待我办理")),
        ("open", gettext("办理中")),
        ("overdue", gettext("已超期")),
        ("force", gettext("现行有效")),
        *words("grant_state")(tx),
    ]


def _resource(row: Any) -> Markup:
    return Markup("{} {}").format(
        cells.word("resource_kind", row.resource_kind), cells.clip(row.resource or row.resource_code, 20)
    )


def _clock(row: Any) -> Any:
    return clock(row.reply_by) if row.state in OPEN else cells.EMPTY


def _period(row: Any) -> Markup:
    span = Markup("{} – {}").format(row.period_from.isoformat(), row.period_to.isoformat())
    if row.state == "granted" and row.period_to < today():
        return Markup("{} {}").format(span, cells.pill(gettext("已过"), "mute"))
    return span


LISTING = Listing(
    title=_("共享授权"),
    query=_query,
    columns=(
        Column("resource", _("资源"), _resource, None, lambda r: r.resource or r.resource_code, narrow=True),
        Column(
            "department", _("使用部门"), lambda r: cells.clip(r.department, 14), Department.name, narrow=True
        ),
        Column(
            "provider",
            _("提供部门"),
            lambda r: cells.clip(r.provider, 14) if r.provider else cells.pill(gettext("数据管理员")),
            Provider.name,
            lambda r: r.provider or gettext("数据管理员"),
        ),
        Column(
            "sharing",
            _("共享属性"),
            lambda r: cells.word("sharing", r.sharing),
            Grant.sharing,
            lambda r: cells.word_text("sharing", r.sharing),
            wider=True,
        ),
        Column(
            "state",
            _("状态"),
            lambda r: cells.word("grant_state", r.state),
            Grant.state,
            lambda r: cells.word_text("grant_state", r.state),
            narrow=True,
        ),
        Column(
            "clock",
            _("答复时限"),
            _clock,
            Grant.reply_by,
            lambda r: clock_text(r.reply_by) if r.state in OPEN else "",
        ),
        Column(
            "period",
            _("使用期限"),
            _period,
            Grant.period_to,
            lambda r: f"{r.period_from} – {r.period_to}",
        ),
        Column("applied_at", _("申请时间"), lambda r: cells.when(r.applied_at), Grant.applied_at, wider=True),
    ),
    order=(Grant.applied_at.desc(), Grant.id),
    search=(Grant.resource_code, NAME, Department.name, Provider.name, Grant.basis, Grant.scene),
    search_hint=_("资源名称、部门、依据、场景"),
    choices=(
        Choice(
            "state",
            _("状态"),
            Grant.state,
            _states,
            {
                "mine": _mine,
                "open": lambda: Grant.state.in_(OPEN),
                "overdue": overdue,
                "force": in_force,
            },
        ),
        Choice("kind", _("资源类别"), Grant.resource_kind, words("resource_kind")),
        Choice("department", _("使用部门"), Grant.department, departments),
    ),
    day=(_("申请日期"), Grant.applied_at),
    href=lambda r: url_for("GrantView.show", number=r.id),
    empty=_("还没有共享申请。要使用其他部门的材料、证照或办结结果，请点“申请共享”。"),
)


def confined() -> tuple[ColumnElement[bool], ...]:
    """A department's user sees what their department applied for and what it provides."""
    mine = own_department()
    return () if mine is None else (or_(Grant.department == mine, Grant.provider == mine),)
