"""材料类型: the list, one type to read, to edit as a draft, to publish, to withdraw; its versions and what changed."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.catalogue import type_list
from admin.catalogue.choices import (
    BAD_SIGNATURE_TITLES,
    HUB_TITLES,
    SHARING_TITLES,
    VALIDITY_TITLES,
    departments,
    field_options,
    known_fields,
)
from admin.catalogue.item_pages import chosen_pair
from admin.catalogue.posted import Refusal, boxes, lined, listed, placed, saved
from admin.catalogue.told import recorded, told, value_text
from admin.ledger_pages import action_text
from admin.pages import ExportedList, reason, sentence_on_refusal, to
from admin.premises import actor, here
from hub.catalogue import compare
from hub.catalogue.draft_type import add_type, discard_type_draft, type_content
from hub.catalogue.fields import parse_defs
from hub.catalogue.formats import FORMATS, MIB
from hub.catalogue.history import compared_types, history, type_versions
from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.catalogue.publish_type import items_asking, publish_type, renew_items, withdraw_type
from hub.catalogue.save_type import StandingType, save_type, standing_type
from hub.errors import Conflict, HubError, NotFound
from hub.item import ServiceItem
from schemas import code_table

TEXTS = (
    "name",
    "provider",
    "sharing",
    "sharing_conditions",
    "sharing_basis",
    "on_bad_signature",
    "max_mb",
    "accepts_from",
    "validity_kind",
    "validity_length",
    "validity_field",
)


class MaterialTypeView(ExportedList):
    """材料类型."""

    route_base = "/material-types"
    list_template = "catalogue_types.html"
    listing = type_list.LISTING

    @expose("/show/<code>")
    @has_access
    @permission_name("show")
    def show(self, code: str) -> str:
        """One type as it stands, and which items ask for it."""
        with here().engine.connect() as tx:
            row = _type(tx, code)
            versions = type_versions(tx, code)
            wanted = request.args.get("version", "")
            shown = next((one for one in versions if str(one.number) == wanted), None)
            shown = shown or next((one for one in versions if one.state == "published"), None)
            shown = shown or (versions[0] if versions else None)
            content = _content(tx, shown.id) if shown else compare.Content({})
            asking = items_asking(tx, code)
            names = dict(departments(tx))
            wanted = select(ServiceItem.code, ServiceItem.name).where(ServiceItem.code.in_(asking))
            asking_items = tx.execute(wanted.order_by(ServiceItem.code)).all()
        return self.page(
            "catalogue_type.html",
            title=row.name,
            row=row,
            versions=versions,
            shown=shown,
            header=content.header,
            fields=parse_defs(list(content.fields)),
            draft=next((one for one in versions if one.state == "draft"), None),
            asking=asking_items,
            departments=names,
            titles=HUB_TITLES,
            validity=VALIDITY_TITLES,
            sharing=SHARING_TITLES,
            bad_signature=BAD_SIGNATURE_TITLES,
            value_text=value_text,
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self) -> str | Response:
        """Code and name; the rest in the editor."""
        fault = ""
        if request.method == "POST":
            code = request.form.get("code", "").strip()
            try:
                with here().engine.begin() as tx:
                    add_type(tx, code=code, name=request.form.get("name", ""), actor=actor())
            except HubError as error:
                fault = error.message
            else:
                return redirect(url_for("MaterialTypeView.edit", code=code))
        return self.page(
            "catalogue_add.html", title=_("新增材料类型"), kind="type", given=request.form, fault=fault
        )

    @expose("/edit/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, code: str) -> str | Response:
        """The editor; on POST, into the draft."""
        refusal = Refusal()
        if request.method == "POST":
            answer = saved(lambda: self._save(code))
            if not isinstance(answer, Refusal):
                return answer
            refusal = answer
        faults, refused = refusal.faults, refusal.sentence
        with here().engine.connect() as tx:
            row = _type(tx, code)
            standing = standing_type(tx, row)
            given, fields = _posted() if request.method == "POST" else _shown(standing)
            offered = departments(tx)
            known = known_fields(tx)
        return self.page(
            "catalogue_type_edit.html",
            title=gettext("编辑：%(name)s", name=row.name),
            row=row,
            standing=standing,
            given=given,
            state={"fields": fields, "faults": lined(faults)},
            options={**field_options(), "known": known},
            wrong=placed(faults),
            refused=refused,
            seen=request.form.get("seen") or standing.stamp,
            departments=offered,
            formats=FORMATS,
            holders=code_table("party_kind"),
            titles=HUB_TITLES,
            validity=VALIDITY_TITLES,
            sharing=SHARING_TITLES,
            bad_signature=BAD_SIGNATURE_TITLES,
        )

    def _save(self, code: str) -> Response:
        header, fields = _posted()
        with here().engine.begin() as tx:
            said = {"header": header, "fields": fields}
            save_type(tx, code, said, actor=actor(), seen=request.form.get("seen"))
        if request.form.get("act") == "publish":
            return redirect(url_for("MaterialTypeView.review", code=code))
        flash(gettext("草稿已保存，尚未生效。"), "success")
        return redirect(url_for("MaterialTypeView.edit", code=code))

    @expose("/publish/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("MaterialTypeView.edit"))
    def review(self, code: str) -> str | Response:
        """What publishing would change; on POST, publish."""
        if request.method == "POST":
            return self._publish(code)
        with here().engine.connect() as tx:
            row = _type(tx, code)
            draft = _draft(tx, code)
            versions = type_versions(tx, code)
            old = next((one for one in versions if one.state == "published"), None)
            before = _content(tx, old.id) if old else compare.Content({})
            changes = compare.changes(before, compare.content(draft.header, (), draft.fields))
            behind = items_asking(tx, code)
        return self.page(
            "catalogue_review.html",
            title=gettext("发布：%(name)s", name=row.name),
            kind="type",
            code=code,
            name=row.name,
            draft=draft,
            first=old is None,
            changes=[told(one) for one in changes],
            faults=(),
            behind=behind,
        )

    def _publish(self, code: str) -> Response:
        renewed: list[str] = []
        with here().engine.begin() as tx:
            draft = _draft(tx, code)
            if draft.stamp != request.form.get("seen"):
                raise Conflict(gettext("草稿刚被别人改过。请再看一遍将要改变的内容，然后发布。"))
            number = publish_type(tx, draft.version_id, actor=actor())  # type: ignore[arg-type]
            if "renew" in request.form:
                renewed = renew_items(tx, code, actor=actor())
        flash(gettext("已发布第 %(n)s 版。", n=number), "success")
        if renewed:
            flash(gettext("已按新版重新发布事项：%(names)s。", names="、".join(renewed[:20])), "success")
        return redirect(url_for("MaterialTypeView.show", code=code))

    @expose("/withdraw/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("MaterialTypeView.show"))
    def withdraw(self, code: str) -> Response:
        """撤下."""
        with here().engine.begin() as tx:
            withdraw_type(tx, code, actor=actor(), reason=reason())
        flash(gettext("已撤下，新发布的事项不能再要求这种材料。"), "success")
        return redirect(url_for("MaterialTypeView.show", code=code))

    @expose("/discard/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("MaterialTypeView.show"))
    def discard(self, code: str) -> Response:
        """Throw the draft away."""
        with here().engine.begin() as tx:
            discard_type_draft(tx, _draft(tx, code).version_id, actor=actor())  # type: ignore[arg-type]
        flash(gettext("草稿已丢弃，已发布的版本没有变。"), "success")
        return redirect(url_for("MaterialTypeView.show", code=code))

    @expose("/history/<code>")
    @has_access
    @permission_name("show")
    def history(self, code: str) -> str:
        """Versions, the comparison of two of them, and every change."""
        with here().engine.connect() as tx:
            row = _type(tx, code)
            versions = type_versions(tx, code)
            pair = chosen_pair(versions)
            changes = compared_types(tx, pair[0].id, pair[1].id) if pair else []
            rows = history(tx, f"material_type:{code}")
        return self.page(
            "catalogue_history.html",
            title=gettext("变更历史：%(name)s", name=row.name),
            kind="type",
            code=code,
            name=row.name,
            versions=versions,
            pair=pair,
            changes=[told(one) for one in changes],
            rows=[(one, [recorded(c) for c in one.detail.get("changes", [])]) for one in rows],
            action_text=action_text,
        )


def _posted() -> tuple[dict[str, Any], Any]:
    header = boxes(TEXTS, ("consent_required", "signature_required"), ("formats", "holder_kinds"))
    return header, listed("fields")


def _shown(standing: StandingType) -> tuple[dict[str, Any], list[Any]]:
    most = standing.header.get("max_bytes")
    return {**standing.header, "max_mb": int(most) // MIB if most else ""}, [dict(o) for o in standing.fields]


def _type(tx: Connection, code: str) -> Any:
    row = tx.execute(select(*MaterialType.__table__.c).where(MaterialType.code == code)).first()
    if row is None:
        raise NotFound(gettext("没有代码为 %(code)s 的材料类型。", code=code[:40]))
    return row


def _content(tx: Connection, version_id: Any) -> compare.Content:
    return type_content(
        tx.execute(select(*MaterialTypeVersion.__table__.c).where(MaterialTypeVersion.id == version_id)).one()
    )


def _draft(tx: Connection, code: str) -> StandingType:
    found = standing_type(tx, _type(tx, code))
    if found.state != "draft":
        raise Conflict(gettext("这种材料没有草稿。请先编辑并保存。"))
    return found
