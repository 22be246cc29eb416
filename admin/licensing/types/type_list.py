"""证照类型: the list, with where each type's design stands, how it is shared, and how many licences there are of it."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, not_, select
from sqlalchemy.orm import aliased

from admin import cells
from admin.catalogue.choices import SHARING_TITLES
from admin.catalogue.type_list import sharing_pill
from admin.listing import Choice, Column, Listing
from hub.catalogue.licence_type import LicenceType
from hub.department import Department
from hub.licensing.licence import Licence
from hub.licensing.types.type_version import LicenceTypeVersion

#: More licences than these are not counted one by one for a list.
COUNTED = 10_000
STATES = {"none": _("未设计"), "draft": _("草稿"), "published": _("已发布"), "withdrawn": _("已撤下")}

_version = aliased(LicenceTypeVersion)
_any_version = select(_version.id).where(_version.type_code == LicenceType.code).exists()
_draft = (
    select(LicenceTypeVersion.number)
    .where(LicenceTypeVersion.type_code == LicenceType.code, LicenceTypeVersion.state == "draft")
    .limit(1)
    .scalar_subquery()
)
_newest = (
    select(LicenceTypeVersion.state)
    .where(LicenceTypeVersion.type_code == LicenceType.code)
    .order_by(LicenceTypeVersion.number.desc())
    .limit(1)
    .scalar_subquery()
)
#: Counted to a bound, by the index on the type: a type with a million licences costs the list no more.
_licences = (
    select(func.count())
    .select_from(
        select(literal(1))
        .select_from(Licence)
        .where(Licence.type_code == LicenceType.code)
        .limit(COUNTED + 1)
        .correlate(LicenceType)
        .subquery()
    )
    .scalar_subquery()
)


def _query() -> Select[Any]:
    return (
        select(
            LicenceType.code,
            LicenceType.name,
            LicenceType.sharing,
            LicenceType.consent_required,
            LicenceType.active,
            LicenceType.published_version,
            Department.name.label("provider_name"),
            _draft.label("draft"),
            _newest.label("newest"),
            _licences.label("licences"),
        )
        .select_from(LicenceType)
        .outerjoin(Department, Department.code == LicenceType.provider)
    )


def standing(row: Any) -> list[tuple[str, str]]:
    """The words and tones of where a type's design stands."""
    found = []
    if row.published_version:
        found.append((gettext("已发布 v%(n)s", n=row.published_version), "good"))
    if row.draft:
        found.append((gettext("草稿"), "wait"))
    if not found:
        found.append((gettext("未设计"), "mute") if row.newest is None else (gettext("已撤下"), "bad"))
    if not row.active:
        found.append((gettext("停用"), "mute"))
    return found


def _standing(row: Any) -> Markup:
    return Markup(" ").join(cells.pill(words, tone) for words, tone in standing(row))


def _count(row: Any) -> str:
    return gettext("超过 %(n)s", n=f"{COUNTED:,}") if row.licences > COUNTED else f"{row.licences:,}"


def _counted(row: Any) -> Any:
    if not row.licences:
        return cells.EMPTY
    href = url_for("LicenceView.list", type=row.code)
    return Markup('<a href="{}">{}</a>').format(href, _count(row))


def _sharing(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return list(SHARING_TITLES.items())


def _states(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return list(STATES.items())


def _none() -> ColumnElement[bool]:
    return not_(_any_version)


def _drafted() -> ColumnElement[bool]:
    return _draft.isnot(None)


def _published() -> ColumnElement[bool]:
    return LicenceType.published_version.isnot(None)


def _withdrawn() -> ColumnElement[bool]:
    return and_(LicenceType.published_version.is_(None), _draft.is_(None), _any_version)


LISTING = Listing(
    title=_("证照类型"),
    query=_query,
    columns=(
        Column("code", _("证照类型代码"), lambda r: cells.mono(r.code), LicenceType.code, narrow=True),
        Column("name", _("名称"), lambda r: cells.clip(r.name, 24), LicenceType.name, narrow=True),
        Column(
            "state",
            _("设计"),
            _standing,
            None,
            lambda r: "、".join(words for words, _tone in standing(r)),
            narrow=True,
        ),
        Column("licences", _("已颁证照"), _counted, None, _count),
        Column(
            "sharing", _("共享属性"), sharing_pill, LicenceType.sharing, lambda r: SHARING_TITLES[r.sharing]
        ),
        Column("provider_name", _("数源部门"), lambda r: cells.plain(r.provider_name), Department.name),
    ),
    order=(LicenceType.name, LicenceType.code),
    search=(LicenceType.code, LicenceType.name),
    search_hint=_("代码、名称"),
    choices=(
        Choice(
            "state",
            _("设计"),
            None,
            _states,
            {"none": _none, "draft": _drafted, "published": _published, "withdrawn": _withdrawn},
        ),
        Choice("sharing", _("共享属性"), LicenceType.sharing, _sharing),
    ),
    href=lambda r: url_for("LicenceTypeView.show", code=r.code),
    empty=_("还没有证照类型。点“新增证照类型”，从三种版面之一开始。"),
)
