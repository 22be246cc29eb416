"""推送规则: the list."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select

from admin import cells
from admin.listing import Column, Listing
from admin.pages import ListScreen
from hub.pushing.rules.rule import PushRule


def _query() -> Select[Any]:
    return select(PushRule.id, PushRule.name, PushRule.state, PushRule.number).select_from(PushRule)


class PushRuleView(ListScreen):
    """推送规则."""

    route_base = "/rules"
    listing = Listing(
        title=_("推送规则"),
        query=_query,
        columns=(Column("name", _("规则名称"), lambda r: cells.plain(r.name), PushRule.name),),
        order=(PushRule.id,),
        search=(PushRule.name,),
        search_hint=_("规则名称"),
        empty=_("没有推送规则。"),
    )
