"""证照类型: the list, one type to read, to add, to share, to withdraw; its versions and what changed."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin import cells
from admin.catalogue.choices import HUB_TITLES, SHARING_TITLES, departments
from admin.catalogue.item_pages import chosen_pair
from admin.catalogue.posted import boxes, placed
from admin.ledger_pages import action_text
from admin.licensing.types import type_list
from admin.licensing.types.design_pages import licence_type_row
from admin.licensing.types.edit_pages import TypeEditing, standing_draft
from admin.licensing.types.rights import LICENCE_TYPE_RIGHTS
from admin.licensing.types.type_code import code_remarks
from admin.licensing.types.type_forms import SHARING
from admin.licensing.types.type_told import ISSUER_TITLES, element_names, recorded, told, validity_words
from admin.pages import ExportedList, reason, sentence_on_refusal, to
from admin.premises import actor, here, may
from hub.catalogue.faults import Faulty
from hub.catalogue.history import history
from hub.catalogue.licence_types import add_licence_type, change_licence_type, unlisted_licence_types
from hub.errors import Conflict
from hub.licensing.types.draft_licence_type import discard_licence_type_draft
from hub.licensing.types.publish_licence_type import (
    compared_licence_types,
    licence_type_versions,
    withdraw_licence_type,
)
from hub.licensing.types.published_type import licence_type_version
from hub.licensing.types.type_version import LicenceTypeVersion
from schemas import code_table


class LicenceTypeView(TypeEditing, ExportedList):
    """证照类型."""

    route_base = "/licence-types"
    base_permissions: ClassVar = list(LICENCE_TYPE_RIGHTS)
    list_template = "licence_types.html"
    listing = type_list.LISTING

    def extras(self) -> dict[str, Any]:
        """What stands on licences but not here."""
        if not may("can_edit", "LicenceTypeView"):
            return {"offered": []}
        with here().engine.connect() as tx:
            return {"offered": unlisted_licence_types(tx)}

    @expose("/show/<code>")
    @has_access
    @permission_name("list")
    def show(self, code: str) -> str:
        """One type as it stands: rules, fields, a picture of its face, versions."""
        with here().engine.connect() as tx:
            row = licence_type_row(tx, code)
            versions = licence_type_versions(tx, code)
            wanted = request.args.get("version", "")
            shown = next((one for one in versions if str(one.number) == wanted), None)
            shown = shown or next((one for one in versions if one.state == "published"), None)
            shown = shown or (versions[0] if versions else None)
            content = licence_type_version(tx, shown.id) if shown else None
            names = dict(departments(tx))
        return self.page(
            "licence_type.html",
            title=row.name,
            row=row,
            versions=versions,
            shown=shown,
            rules=content.rules if content else None,
            fields=content.fields if content else (),
            draft=next((one for one in versions if one.state == "draft"), None),
            departments=names,
            titles=HUB_TITLES,
            validity=validity_words(content.rules) if content else "",
            sharing=SHARING_TITLES,
            holders=code_table("party_kind"),
            issuers=ISSUER_TITLES,
            remarks=code_remarks(code),
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def add(self) -> str | Response:
        """A new type; code and name may come from a licence."""
        given: dict[str, Any] = {"sharing": "conditional", "active": True, **request.args.to_dict()}
        wrong: dict[str, str] = {}
        refused = ""
        if request.method == "POST":
            given = {**given, **boxes(("code", "name", *SHARING), ("consent_required", "active"))}
            try:
                with here().engine.begin() as tx:
                    add_licence_type(tx, str(given["code"]), given, actor=actor())
            except Faulty as error:
                wrong = placed(error.faults)
            except Conflict as error:
                refused = error.message
            else:
                flash(gettext("已加入目录。现在可以设计它的字段和版面。"), "success")
                return redirect(url_for("LicenceTypeView.edit", code=str(given["code"]).strip()))
        with here().engine.connect() as tx:
            offered = departments(tx)
        return self.page(
            "licence_type_add.html",
            title=_("新增证照类型"),
            given=given,
            wrong=wrong,
            refused=refused,
            departments=offered,
            sharing=SHARING_TITLES,
        )

    @expose("/try-code")
    @has_access
    @permission_name("edit")
    def try_code(self) -> str:
        """What can be said of a code while it is typed."""
        said = code_remarks(request.args.get("code", "")[:60])
        return str(Markup(" ").join(cells.pill(words, tone) for words, tone in said))

    @expose("/sharing/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def sharing(self, code: str) -> str | Response:
        """Provider, sharing attribute, consent, active: these count at once and have no versions."""
        wrong: dict[str, str] = {}
        if request.method == "POST":
            try:
                with here().engine.begin() as tx:
                    change_licence_type(
                        tx, code, boxes(SHARING, ("consent_required", "active")), actor=actor()
                    )
            except Faulty as error:
                wrong = placed(error.faults)
            else:
                flash(gettext("已保存，立即生效。"), "success")
                return redirect(url_for("LicenceTypeView.show", code=code))
        with here().engine.connect() as tx:
            row = licence_type_row(tx, code)
            offered = departments(tx)
        given = {**row._mapping, **(boxes(SHARING, ("consent_required", "active")) if wrong else {})}
        return self.page(
            "licence_type_sharing.html",
            title=gettext("共享与启用：%(name)s", name=row.name),
            row=row,
            given=given,
            wrong=wrong,
            departments=offered,
            sharing=SHARING_TITLES,
        )

    @expose("/withdraw/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("LicenceTypeView.show"))
    def withdraw(self, code: str) -> Response:
        """撤下."""
        with here().engine.begin() as tx:
            withdraw_licence_type(tx, code, actor=actor(), reason=reason())
        flash(gettext("已撤下，不能再按它签发；已颁发的证照不受影响。"), "success")
        return redirect(url_for("LicenceTypeView.show", code=code))

    @expose("/discard/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("LicenceTypeView.show"))
    def discard(self, code: str) -> Response:
        """Throw the draft away."""
        with here().engine.begin() as tx:
            draft = standing_draft(tx, code)
            discard_licence_type_draft(tx, draft.version_id, actor=actor())  # type: ignore[arg-type]
        flash(gettext("草稿已丢弃，已发布的版本没有变。"), "success")
        return redirect(url_for("LicenceTypeView.show", code=code))

    @expose("/history/<code>")
    @has_access
    @permission_name("list")
    def history(self, code: str) -> str:
        """Versions, the comparison of two of them, and every change."""
        with here().engine.connect() as tx:
            row = licence_type_row(tx, code)
            versions = licence_type_versions(tx, code)
            pair = chosen_pair(versions)
            changes = compared_licence_types(tx, pair[0].id, pair[1].id) if pair else []
            names = element_names(*_contents(tx, pair)) if pair else {}
            rows = history(tx, f"licence_type:{code}")
        return self.page(
            "licence_type_history.html",
            title=gettext("变更历史：%(name)s", name=row.name),
            row=row,
            versions=versions,
            pair=pair,
            changes=[told(one, names) for one in changes],
            rows=[(one, recorded(one.detail)) for one in rows],
            action_text=action_text,
        )


def _contents(tx: Connection, versions: Any) -> list[Any]:
    """Two versions as they are kept, the later first."""
    wanted = [one.id for one in versions]
    rows = tx.execute(select(*LicenceTypeVersion.__table__.c).where(LicenceTypeVersion.id.in_(wanted)))
    return sorted(rows, key=lambda row: -row.number)
