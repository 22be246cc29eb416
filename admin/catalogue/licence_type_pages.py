"""证照类型: the list, a form for one, and those that stand on licences but are not in the catalogue yet."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, Select, select
from werkzeug.wrappers import Response

from admin import cells
from admin.catalogue.choices import SHARING_TITLES, departments
from admin.catalogue.posted import boxes, placed
from admin.catalogue.type_list import sharing_pill
from admin.listing import Choice, Column, Listing
from admin.pages import ExportedList
from admin.premises import actor, here, may
from hub.catalogue.faults import Faulty
from hub.catalogue.history import history
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.licence_types import add_licence_type, change_licence_type, unlisted_licence_types
from hub.department import Department
from hub.errors import Conflict, NotFound


def _query() -> Select[Any]:
    return (
        select(
            LicenceType.code,
            LicenceType.name,
            LicenceType.sharing,
            LicenceType.consent_required,
            LicenceType.active,
            Department.name.label("provider_name"),
        )
        .select_from(LicenceType)
        .outerjoin(Department, Department.code == LicenceType.provider)
    )


def _sharing(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return list(SHARING_TITLES.items())


def _open(row: Any) -> str:
    return url_for("LicenceTypeView.edit", code=row.code)


class LicenceTypeView(ExportedList):
    """证照类型."""

    route_base = "/licence-types"
    list_template = "catalogue_licence_types.html"
    listing = Listing(
        title=_("证照类型"),
        query=_query,
        columns=(
            Column("code", _("证照类型代码"), lambda r: cells.mono(r.code), LicenceType.code, narrow=True),
            Column("name", _("名称"), lambda r: cells.clip(r.name, 24), LicenceType.name, narrow=True),
            Column(
                "sharing",
                _("共享属性"),
                sharing_pill,
                LicenceType.sharing,
                lambda r: SHARING_TITLES[r.sharing],
            ),
            Column("provider_name", _("数源部门"), lambda r: cells.plain(r.provider_name), Department.name),
            Column("active", _("状态"), lambda r: cells.word("active", r.active)),
        ),
        order=(LicenceType.name, LicenceType.code),
        search=(LicenceType.code, LicenceType.name),
        search_hint=_("代码、名称"),
        choices=(Choice("sharing", _("共享属性"), LicenceType.sharing, _sharing),),
        href=_open,
        empty=_("还没有证照类型。"),
    )

    def extras(self) -> dict[str, Any]:
        """What stands on licences but not here."""
        if not may("can_edit", "LicenceTypeView"):
            return {"offered": []}
        with here().engine.connect() as tx:
            return {"offered": unlisted_licence_types(tx)}

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def add(self) -> str | Response:
        """A new type; code and name may come from a licence."""
        return self._form("", {"sharing": "conditional", "active": True, **request.args.to_dict()})

    @expose("/edit/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("list")
    def edit(self, code: str) -> str | Response:
        """One type; who may not edit reads it."""
        with here().engine.connect() as tx:
            row = tx.execute(select(*LicenceType.__table__.c).where(LicenceType.code == code)).first()
        if row is None:
            raise NotFound(gettext("目录里没有代码为 %(code)s 的证照类型。", code=code[:40]))
        return self._form(code, dict(row._mapping))

    def _form(self, code: str, given: dict[str, Any]) -> str | Response:
        wrong: dict[str, str] = {}
        refused = ""
        can_edit = may("can_edit", "LicenceTypeView")
        if request.method == "POST" and can_edit:
            given = {**given, **_posted()}
            try:
                return self._save(code, given)
            except Faulty as error:
                wrong = placed(error.faults)
            except Conflict as error:
                refused = error.message
        with here().engine.connect() as tx:
            offered = departments(tx)
            rows = history(tx, f"licence_type:{code}") if code else []
        return self.page(
            "catalogue_licence_type.html",
            title=given.get("name") or _("新增证照类型"),
            code=code,
            given=given,
            wrong=wrong,
            refused=refused,
            departments=offered,
            sharing=SHARING_TITLES,
            rows=rows,
            can_edit=can_edit,
        )

    def _save(self, code: str, said: dict[str, Any]) -> Response:
        with here().engine.begin() as tx:
            if code:
                change_licence_type(tx, code, said, actor=actor())
            else:
                add_licence_type(tx, str(said.get("code", "")), said, actor=actor())
        flash(gettext("已保存，立即生效。"), "success")
        return redirect(url_for("LicenceTypeView.list"))


def _posted() -> dict[str, Any]:
    said = boxes(
        ("name", "provider", "sharing", "sharing_conditions", "sharing_basis"),
        ("consent_required", "active"),
    )
    if "code" in request.form:
        said["code"] = request.form["code"]
    return said
