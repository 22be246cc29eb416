"""事项目录: the list, with where each item stands."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, func, select

from admin import cells
from admin.listing import Choice, Column, Listing, codes
from hub.catalogue.item_version import ItemVersion, Requirement
from hub.item import ServiceItem


def _version(state: str, column: Any) -> Any:
    return (
        select(column)
        .where(ItemVersion.item_code == ServiceItem.code, ItemVersion.state == state)
        .limit(1)
        .scalar_subquery()
    )


PUBLISHED = _version("published", ItemVersion.number)
DRAFT = _version("draft", ItemVersion.number)
_WITHDRAWN = _version("withdrawn", ItemVersion.number)
_LINES = (
    select(func.count())
    .select_from(Requirement)
    .join(ItemVersion, ItemVersion.id == Requirement.version_id)
    .where(ItemVersion.item_code == ServiceItem.code, ItemVersion.state == "published")
    .scalar_subquery()
)


def _query() -> Select[Any]:
    return select(
        ServiceItem.code,
        ServiceItem.name,
        ServiceItem.item_type,
        ServiceItem.case_type,
        ServiceItem.legal_days,
        ServiceItem.promised_days,
        ServiceItem.licence_name,
        ServiceItem.active,
        PUBLISHED.label("published"),
        DRAFT.label("draft"),
        _WITHDRAWN.label("withdrawn"),
        _LINES.label("lines"),
    ).select_from(ServiceItem)


def standing(row: Any) -> Markup:
    """已发布 v2, 草稿, 已撤下, 未建清单: one or two pills."""
    pills = []
    if not row.active:
        pills.append(cells.word("active", False))
    if row.published:
        pills.append(cells.pill(gettext("已发布 v%(n)s", n=row.published), "good"))
    elif row.withdrawn:
        pills.append(cells.pill(gettext("已撤下"), "bad"))
    elif not row.draft:
        pills.append(cells.pill(gettext("未建清单"), "mute"))
    if row.draft:
        pills.append(cells.pill(gettext("草稿"), "wait"))
    return Markup(" ").join(pills)


def _states(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [
        ("published", gettext("已发布")),
        ("draft", gettext("有草稿")),
        ("none", gettext("没有已发布的版本")),
        ("inactive", gettext("停用")),
    ]


def _days(row: Any) -> str:
    parts = ["—" if days is None else str(days) for days in (row.promised_days, row.legal_days)]
    return " / ".join(parts)


LISTING = Listing(
    title=_("事项目录"),
    query=_query,
    columns=(
        Column("code", _("事项编码"), lambda r: cells.mono(r.code), ServiceItem.code, narrow=True),
        Column("name", _("事项名称"), lambda r: cells.clip(r.name, 24), ServiceItem.name, narrow=True),
        Column("state", _("状态"), standing, None, lambda r: "、".join(standing_words(r)), narrow=True),
        Column("lines", _("材料"), lambda r: r.lines or cells.EMPTY, _LINES),
        Column("case_type", _("办件类型"), lambda r: cells.code_text("case_type", r.case_type)),
        Column("promised_days", _("承诺 / 法定（工作日）"), _days, ServiceItem.promised_days, _days),
        Column("licence_name", _("证照名称"), lambda r: cells.clip(r.licence_name, 14), wider=True),
    ),
    order=(ServiceItem.code,),
    search=(ServiceItem.code, ServiceItem.name, ServiceItem.licence_name, ServiceItem.task_code),
    search_hint=_("事项编码、名称、证照"),
    choices=(
        Choice("item_type", _("事项类型"), ServiceItem.item_type, codes("item_type")),
        Choice(
            "state",
            _("状态"),
            ServiceItem.active,
            _states,
            {
                "published": lambda: PUBLISHED.is_not(None),
                "draft": lambda: DRAFT.is_not(None),
                "none": lambda: PUBLISHED.is_(None),
                "inactive": lambda: ServiceItem.active.is_(False),
            },
        ),
    ),
    href=lambda r: url_for("ItemView.show", code=r.code),
    empty=_("还没有事项。点“新增事项”，或从 Excel 导入。"),
)


def standing_words(row: Any) -> list[str]:
    """The same as `standing`, for an export."""
    words = [] if row.active else [cells.word_text("active", False)]
    if row.published:
        words.append(gettext("已发布 v%(n)s", n=row.published))
    elif row.withdrawn:
        words.append(gettext("已撤下"))
    if row.draft:
        words.append(gettext("草稿"))
    return words or [gettext("未建清单")]
