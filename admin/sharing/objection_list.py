"""校核纠错, the list: what is doubted, by whom, how far it is and how much of the clock is left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from admin import cells
from admin.listing import Choice, Column, Listing, words
from admin.premises import own_department
from admin.sharing.people import clock, clock_text, departments
from hub.department import Department
from hub.licensing.licence import Licence
from hub.material import Material
from hub.party import Party
from hub.sharing.objection import Objection

Raiser = aliased(Department)
OPEN = ("marked", "verifying", "corrected", "rejected")
SOURCE = func.coalesce(Material.name, Licence.name)


def _query() -> Select[Any]:
    return (
        select(
            Objection.id,
            Objection.field,
            Objection.statement,
            Objection.state,
            Objection.raised_at,
            Objection.raised_by,
            Objection.answer_by,
            Objection.material_id,
            SOURCE.label("source"),
            Party.name.label("party"),
            Department.name.label("provider"),
            Raiser.name.label("raiser"),
        )
        .select_from(Objection)
        .outerjoin(Material, Material.id == Objection.material_id)
        .outerjoin(Licence, Licence.id == Objection.licence_id)
        .join(Party, Party.id == func.coalesce(Material.party_id, Licence.party_id))
        .outerjoin(Department, Department.code == Objection.provider)
        .outerjoin(Raiser, Raiser.code == Objection.raised_department)
    )


def overdue() -> ColumnElement[bool]:
    """What should have been answered by now."""
    return and_(Objection.state.in_(OPEN), Objection.answer_by < datetime.now(UTC))


def to_settle() -> tuple[ColumnElement[bool], ...]:
    """Narrows to what the signed-in user's department has to settle; without a department, everything."""
    mine = own_department()
    return () if mine is None else (Objection.provider == mine,)


def _states(tx: Connection) -> list[tuple[str, Any]]:
    return [("open", gettext("办理中")), ("overdue", gettext("已超期")), *words("objection_state")(tx)]


LISTING = Listing(
    title=_("校核纠错"),
    query=_query,
    columns=(
        Column("source", _("材料或证照"), lambda r: cells.clip(r.source, 18), None, narrow=True),
        Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 14), Party.name),
        Column("statement", _("疑点"), lambda r: cells.clip(r.statement, 22), None, narrow=True),
        Column(
            "provider",
            _("提供部门"),
            lambda r: cells.clip(r.provider, 12) if r.provider else cells.pill(gettext("数据管理员")),
            None,
            lambda r: r.provider or gettext("数据管理员"),
        ),
        Column(
            "raised_by",
            _("提出"),
            lambda r: cells.plain(r.raiser or cells.who(r.raised_by, {})),
            None,
            lambda r: r.raiser or r.raised_by,
        ),
        Column(
            "state",
            _("状态"),
            lambda r: cells.word("objection_state", r.state),
            Objection.state,
            lambda r: cells.word_text("objection_state", r.state),
            narrow=True,
        ),
        Column(
            "clock",
            _("答复时限"),
            lambda r: clock(r.answer_by) if r.state in OPEN else cells.EMPTY,
            Objection.answer_by,
            lambda r: clock_text(r.answer_by) if r.state in OPEN else "",
        ),
        Column(
            "raised_at", _("提出时间"), lambda r: cells.when(r.raised_at), Objection.raised_at, wider=True
        ),
    ),
    order=(Objection.raised_at.desc(), Objection.id),
    search=(Material.name, Licence.name, Party.name, Objection.statement, Objection.case_no),
    search_hint=_("材料、相对人、疑点、办件编号"),
    choices=(
        Choice(
            "state",
            _("状态"),
            Objection.state,
            _states,
            {"open": lambda: Objection.state.in_(OPEN), "overdue": overdue},
        ),
        Choice("provider", _("提供部门"), Objection.provider, departments),
    ),
    day=(_("提出日期"), Objection.raised_at),
    href=lambda r: url_for("ObjectionView.show", number=r.id),
    empty=_("没有校核。使用材料时发现内容有误，可以在材料旁点“提出校核”。"),
)


def confined() -> tuple[ColumnElement[bool], ...]:
    """A department's user sees what it raised and what it has to verify."""
    mine = own_department()
    return () if mine is None else (or_(Objection.raised_department == mine, Objection.provider == mine),)
