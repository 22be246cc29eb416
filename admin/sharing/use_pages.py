"""复用记录: every reuse, searchable, with what has happened to its source since."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select
from sqlalchemy.orm import aliased

from admin import cells
from admin.case_pages import items
from admin.listing import Choice, Column, Listing, words
from admin.pages import ExportedList
from admin.premises import may, own_department
from admin.sharing.people import departments, identifier
from hub.case import Case
from hub.department import Department
from hub.item import ServiceItem
from hub.party import Party
from hub.reuse.material_use import MaterialUse

Provider = aliased(Department)


def _query() -> Select[Any]:
    return (
        select(
            MaterialUse.id,
            MaterialUse.used_at,
            MaterialUse.source_name,
            MaterialUse.resource_kind,
            MaterialUse.case_no,
            MaterialUse.purpose,
            MaterialUse.used_by,
            MaterialUse.source_state,
            MaterialUse.withdrawn_at,
            MaterialUse.grant_id,
            MaterialUse.material_id,
            MaterialUse.licence_id,
            Case.state.label("case_state"),
            Party.name.label("party"),
            ServiceItem.name.label("item"),
            Department.name.label("department"),
            Provider.name.label("provider"),
        )
        .select_from(MaterialUse)
        .join(Case, Case.case_no == MaterialUse.case_no)
        .join(Party, Party.id == Case.party_id)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
        .outerjoin(Department, Department.code == MaterialUse.department)
        .outerjoin(Provider, Provider.code == MaterialUse.provider)
    )


def counted() -> ColumnElement[bool]:
    """What the statistics count: not taken back, on an accepted case."""
    return and_(MaterialUse.withdrawn_at.is_(None), Case.state == "accepted")


def _standing(value: str) -> ColumnElement[bool]:
    return and_(MaterialUse.withdrawn_at.is_(None), MaterialUse.source_state == value)


def _states(tx: Connection) -> list[tuple[str, Any]]:
    return [
        ("counted", gettext("计入统计")),
        ("changed", gettext("来源有变化")),
        ("withdrawn", gettext("复用已撤销")),
        *words("source_state")(tx),
    ]


def _source(row: Any) -> Markup:
    return Markup("{} {}").format(
        cells.word("resource_kind", row.resource_kind), cells.clip(row.source_name, 18)
    )


def _state(row: Any) -> Markup:
    if row.withdrawn_at is not None:
        return cells.pill(gettext("复用已撤销"), "mute")
    return cells.word("source_state", row.source_state)


def _may_raise() -> bool:
    """Asked once for a page, not for each row."""
    if "may_raise_objection" not in g:
        g.may_raise_objection = may("can_raise", "ObjectionView")
    return bool(g.may_raise_objection)


def _doubt(row: Any) -> Any:
    """The way to say that the source is wrong."""
    kind = "material" if row.material_id else "licence"
    source = row.material_id or row.licence_id
    if source is None or row.withdrawn_at is not None or not _may_raise():
        return ""
    href = url_for("ObjectionView.new", case=row.case_no, **{kind: source})
    return Markup('<a href="{}">{}</a>').format(href, gettext("提出校核"))


def _state_text(row: Any) -> str:
    if row.withdrawn_at is not None:
        return gettext("复用已撤销")
    return cells.word_text("source_state", row.source_state)


class UseView(ExportedList):
    """复用记录."""

    route_base = "/reuse/uses"
    list_template = "sharing_uses.html"
    listing = Listing(
        title=_("复用记录"),
        query=_query,
        columns=(
            Column("used_at", _("时间"), lambda r: cells.when(r.used_at), MaterialUse.used_at, narrow=True),
            Column("source_name", _("来源"), _source, None, narrow=True),
            Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 14), Party.name),
            Column("item", _("用于事项"), lambda r: cells.clip(r.item, 10)),
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no)),
            Column("department", _("使用部门"), lambda r: cells.clip(r.department, 12), None, wider=True),
            Column("provider", _("提供部门"), lambda r: cells.clip(r.provider, 12), None, wider=True),
            Column("purpose", _("用途"), lambda r: cells.clip(r.purpose, 14), None, wider=True),
            Column("used_by", _("经办"), lambda r: cells.who(r.used_by, {}), None, wider=True),
            Column("source_state", _("来源现状"), _state, None, _state_text, narrow=True),
            Column("doubt", _("校核"), _doubt, None, lambda _row: ""),
        ),
        order=(MaterialUse.used_at.desc(), MaterialUse.id),
        search=(MaterialUse.case_no, MaterialUse.source_name, Party.name, MaterialUse.used_by),
        search_hint=_("办件编号、材料、相对人、经办人"),
        choices=(
            Choice(
                "state",
                _("来源现状"),
                None,
                _states,
                {
                    "counted": counted,
                    "changed": lambda: and_(
                        MaterialUse.withdrawn_at.is_(None), MaterialUse.source_state != "intact"
                    ),
                    "withdrawn": lambda: MaterialUse.withdrawn_at.is_not(None),
                    **{
                        word: (lambda value=word: _standing(value))
                        for word in ("intact", "expired", "revoked", "frozen", "corrected")
                    },
                },
            ),
            Choice("item", _("事项"), Case.item_code, items),
            Choice("department", _("使用部门"), MaterialUse.department, departments),
        ),
        day=(_("复用日期"), MaterialUse.used_at),
        href=lambda r: url_for("CaseView.show", case_no=r.case_no),
        empty=_("还没有复用记录。窗口受理时复用已有的材料，会记在这里。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees what it used and what it provided; an address may name one grant, party or clerk."""
        mine = own_department()
        only: list[ColumnElement[bool]] = []
        if mine is not None:
            only.append(or_(MaterialUse.department == mine, MaterialUse.provider == mine))
        if number := request.args.get("grant"):
            only.append(MaterialUse.grant_id == identifier(number))
        if number := request.args.get("party"):
            only.append(Case.party_id == identifier(number))
        return tuple(only)
