"""The list of push rules: what counts, and what is being drafted."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, Select, any_, func, or_, select

from admin import cells
from admin.listing import Choice, Column, Listing
from admin.pushing import rule_words
from hub.department import Department
from hub.pushing.rules.rule import PushRule, RuleDepartment


def _query() -> Select[Any]:
    named = (
        select(func.string_agg(Department.name, "、"))
        .join(RuleDepartment, RuleDepartment.department == Department.code)
        .where(RuleDepartment.rule_id == PushRule.id)
        .correlate(PushRule)
        .scalar_subquery()
    )
    return (
        select(
            PushRule.id,
            PushRule.name,
            PushRule.state,
            PushRule.number,
            PushRule.incomplete,
            func.cardinality(PushRule.item_codes).label("items"),
            named.label("departments"),
            func.coalesce(PushRule.ended_at, PushRule.published_at, PushRule.created_at).label("at"),
        )
        .select_from(PushRule)
        .where(PushRule.state != "superseded")
    )


def rules_of_item(tx: Connection, item_code: str) -> list[Any]:
    """The published rules that an item's decisions may be pushed by: id, name, departments."""
    rows = tx.execute(
        _query()
        .where(PushRule.state == "published")
        .where(or_(func.cardinality(PushRule.item_codes) == 0, any_(PushRule.item_codes) == item_code))
        .order_by(PushRule.id)
    )
    return list(rows)


def _state(row: Any) -> Any:
    text, tone = rule_words.STATES[row.state]
    return cells.pill(f"{text} v{row.number}", tone)


def _items(row: Any) -> str:
    return gettext("%(n)s 个事项", n=row.items) if row.items else gettext("所有事项")


LISTING = Listing(
    title=_("推送规则"),
    query=_query,
    columns=(
        Column("name", _("规则名称"), lambda r: cells.plain(r.name), PushRule.name, narrow=True),
        Column(
            "state", _("状态"), _state, PushRule.state, lambda r: str(rule_words.STATES[r.state][0]), True
        ),
        Column("items", _("适用事项"), _items, None, _items),
        Column("departments", _("接收部门"), lambda r: cells.clip(r.departments or "", 24)),
        Column(
            "incomplete",
            _("内容不完整时"),
            lambda r: str(rule_words.INCOMPLETE[r.incomplete]),
            PushRule.incomplete,
            lambda r: str(rule_words.INCOMPLETE[r.incomplete]),
            wider=True,
        ),
        Column("at", _("最近变动"), lambda r: cells.when(r.at), PushRule.created_at),
    ),
    order=(PushRule.state, PushRule.name, PushRule.id),
    search=(PushRule.name,),
    search_hint=_("规则名称"),
    choices=(
        Choice(
            "state",
            _("状态"),
            PushRule.state,
            lambda _tx: [(key, text) for key, (text, _t) in rule_words.STATES.items() if key != "superseded"],
        ),
    ),
    href=lambda r: url_for("PushRuleView.show", number=r.id),
    empty=_("没有推送规则，决定不会推送给任何部门。点“新增规则”。"),
)
