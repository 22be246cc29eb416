"""材料类型: the list, with where each type stands and how it is shared."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, func, select
from sqlalchemy.orm import aliased

from admin import cells
from admin.catalogue.choices import SHARING_TITLES
from admin.listing import Choice, Column, Listing
from hub.catalogue.item_version import ItemVersion, Requirement
from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.department import Department

_TONES = {"unconditional": "good", "conditional": "info", "none": "mute"}
_draft = (
    select(MaterialTypeVersion.number)
    .where(MaterialTypeVersion.type_code == MaterialType.code, MaterialTypeVersion.state == "draft")
    .limit(1)
    .scalar_subquery()
)
_current = aliased(MaterialTypeVersion)
_fields = (
    select(func.jsonb_array_length(_current.fields))
    .where(_current.type_code == MaterialType.code, _current.state == "published")
    .limit(1)
    .scalar_subquery()
)
_items = (
    select(func.count(ItemVersion.item_code.distinct()))
    .select_from(Requirement)
    .join(ItemVersion, ItemVersion.id == Requirement.version_id)
    .where(Requirement.material_type == MaterialType.code, ItemVersion.state == "published")
    .scalar_subquery()
)


def _query() -> Select[Any]:
    return (
        select(
            MaterialType.code,
            MaterialType.name,
            MaterialType.sharing,
            MaterialType.consent_required,
            MaterialType.published_version,
            Department.name.label("provider_name"),
            _draft.label("draft"),
            _fields.label("fields"),
            _items.label("items"),
        )
        .select_from(MaterialType)
        .outerjoin(Department, Department.code == MaterialType.provider)
    )


def sharing_pill(row: Any) -> Markup:
    """无条件共享, 有条件共享, 不予共享."""
    pill = cells.pill(SHARING_TITLES[row.sharing], _TONES[row.sharing])
    return (
        Markup("{} {}").format(pill, cells.pill(gettext("须同意"), "warn")) if row.consent_required else pill
    )


def _standing(row: Any) -> Markup:
    pills = []
    if row.published_version:
        pills.append(cells.pill(gettext("已发布 v%(n)s", n=row.published_version), "good"))
    if row.draft:
        pills.append(cells.pill(gettext("草稿"), "wait"))
    if not pills:
        pills.append(cells.pill(gettext("已撤下"), "bad"))
    return Markup(" ").join(pills)


def _sharing(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return list(SHARING_TITLES.items())


LISTING = Listing(
    title=_("材料类型"),
    query=_query,
    columns=(
        Column("code", _("代码"), lambda r: cells.mono(r.code), MaterialType.code, narrow=True),
        Column("name", _("名称"), lambda r: cells.clip(r.name, 24), MaterialType.name, narrow=True),
        Column("state", _("状态"), _standing, None, lambda r: r.published_version or "", narrow=True),
        Column(
            "sharing", _("共享属性"), sharing_pill, MaterialType.sharing, lambda r: SHARING_TITLES[r.sharing]
        ),
        Column("provider_name", _("数源部门"), lambda r: cells.plain(r.provider_name), Department.name),
        Column("fields", _("字段"), lambda r: r.fields or cells.EMPTY, _fields),
        Column("items", _("要求它的事项"), lambda r: r.items or cells.EMPTY, _items),
    ),
    order=(MaterialType.code,),
    search=(MaterialType.code, MaterialType.name),
    search_hint=_("代码、名称"),
    choices=(Choice("sharing", _("共享属性"), MaterialType.sharing, _sharing),),
    href=lambda r: url_for("MaterialTypeView.show", code=r.code),
    empty=_("还没有材料类型。点“新增材料类型”，或从 Excel 导入。"),
)
