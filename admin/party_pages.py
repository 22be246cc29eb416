"""行政相对人: a read-only list. Personal numbers are masked as stored."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Select, func, outerjoin, select

from admin import cells
from admin.listing import Choice, Column, Listing, codes
from admin.pages import ListScreen
from hub.feedback.light import PartyLight
from hub.party import Party


def _parties() -> Select[Any]:
    return select(
        Party.id,
        Party.kind,
        Party.name,
        Party.code_masked,
        Party.code_type,
        Party.legal_representative,
        Party.created_at,
        func.coalesce(PartyLight.light, "green").label("light"),
        PartyLight.why,
    ).select_from(outerjoin(Party, PartyLight, PartyLight.party_id == Party.id))


def _who_used(row: Any) -> Any:
    href = url_for("PartyUsesView.show", number=row.id)
    return Markup('<a href="{}">{}</a>').format(href, gettext("谁用过"))


def _light(row: Any) -> Markup:
    return Markup('<span title="{}">{}</span>').format(row.why or "", cells.code("party_light", row.light))


class PartyView(ListScreen):
    """行政相对人."""

    route_base = "/parties"
    listing = Listing(
        title=_("行政相对人"),
        query=_parties,
        columns=(
            Column("name", _("名称"), lambda r: cells.clip(r.name, 34), Party.name, narrow=True),
            Column("light", _("红黄绿灯"), _light, narrow=True),
            Column("kind", _("类别"), lambda r: cells.code("party_kind", r.kind), Party.kind),
            Column("code_masked", _("证件号码"), lambda r: cells.mono(r.code_masked), narrow=True),
            Column("legal_representative", _("法定代表人"), lambda r: cells.plain(r.legal_representative)),
            Column("created_at", _("首次出现"), lambda r: cells.when(r.created_at), Party.created_at),
            Column("uses", _("材料使用"), _who_used, narrow=True),
        ),
        order=(Party.created_at.desc(), Party.id),
        search=(Party.name, Party.code_masked),
        search_hint=_("名称、统一社会信用代码"),
        choices=(
            Choice("kind", _("类别"), Party.kind, codes("party_kind")),
            Choice(
                "light",
                _("红黄绿灯"),
                PartyLight.light,
                codes("party_light"),
                {"green": lambda: PartyLight.light.is_(None)},
            ),
        ),
        href=lambda r: url_for("CaseView.list", q=r.name),
        empty=_("还没有行政相对人。导入办件后会自动建立。"),
    )
