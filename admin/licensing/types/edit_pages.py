"""The designer of a licence type: rules, fields and layout into a draft; what publishing changes, and publishing.

Guarantees: a save onto what somebody else has changed meanwhile is refused and nothing typed is lost; a version is published
only when the press prints its sample without a fault. The next licence is issued by it, without a restart.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from admin.catalogue.choices import departments, field_options, known_fields
from admin.catalogue.posted import Refusal, saved
from admin.licensing.types.design_pages import asked, licence_type_row
from admin.licensing.types.design_words import PRESETS, design_options
from admin.licensing.types.type_code import code_remarks
from admin.licensing.types.type_forms import posted, read_design
from admin.licensing.types.type_images import image_told
from admin.licensing.types.type_sample import draw, sampled
from admin.licensing.types.type_told import ISSUER_TITLES, VALIDITY_TITLES, element_names, told
from admin.pages import Screen, sentence_on_refusal, to
from admin.premises import actor, here, may
from hub.catalogue.faults import Fault
from hub.errors import Conflict
from hub.licensing.types.draft_licence_type import locked_licence_type
from hub.licensing.types.licence_images import image_facts, images_of
from hub.licensing.types.publish_licence_type import (
    compared_licence_types,
    licence_type_versions,
    publish_licence_type,
    publish_warnings,
)
from hub.licensing.types.save_licence_type import Standing, save_licence_type, standing_licence_type
from schemas import code_table

TABS = ("basic", "fields", "rules", "layout")


class TypeEditing(Screen):
    """The part of LicenceTypeView that designs and publishes."""

    @expose("/edit/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("list")
    def edit(self, code: str) -> str | Response:
        """The designer; on POST, into the draft. Who may not edit reads it."""
        can_edit = may("can_edit", "LicenceTypeView")
        refusal = Refusal()
        if request.method == "POST" and can_edit:
            answer = saved(lambda: self._save(code))
            if not isinstance(answer, Refusal):
                return answer
            refusal = answer
        with here().engine.connect() as tx:
            row = licence_type_row(tx, code)
            standing = standing_licence_type(tx, row)
            given = posted() if request.method == "POST" and can_edit else _shown(standing)
            images = [image_told(code, one) for one in images_of(tx, code)]
            offered, known = departments(tx), known_fields(tx)
        faults = refusal.faults
        return self.page(
            "licence_type_edit.html",
            title=gettext("设计：%(name)s", name=row.name),
            row=row,
            standing=standing,
            given=given["rules"],
            state={"fields": given["fields"], "layout": given["layout"], "faults": _lined(faults)},
            options={**field_options(), "known": known},
            design={**design_options(), "images": images, "drawsSamples": can_edit},
            wrong={one.field: one.sentence for one in faults if one.part == "rules"},
            refused=refusal.sentence,
            misplaced=[one.sentence for one in faults if one.part == "layout"][:12],
            seen=request.form.get("seen") or standing.stamp,
            departments=offered,
            holders=code_table("party_kind"),
            validity=VALIDITY_TITLES,
            issuers=ISSUER_TITLES,
            presets=PRESETS,
            can_edit=can_edit,
        )

    def _save(self, code: str) -> Response:
        said = posted()
        with here().engine.begin() as tx:
            save_licence_type(tx, code, said, actor=actor(), seen=request.form.get("seen"))
        if request.form.get("act") == "publish":
            return redirect(url_for("LicenceTypeView.review", code=code))
        flash(gettext("草稿已保存，尚未生效。"), "success")
        tab = request.form.get("tab", "")
        anchor = tab if tab in TABS else None
        return redirect(url_for("LicenceTypeView.edit", code=code, _anchor=anchor))

    @expose("/publish/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("LicenceTypeView.edit"))
    def review(self, code: str) -> str | Response:
        """What publishing would change, warnings, the sample; on POST, publish."""
        if request.method == "POST":
            return self._publish(code)
        with here().engine.connect() as tx:
            row = licence_type_row(tx, code)
            draft = standing_draft(tx, code)
            old = next((one for one in licence_type_versions(tx, code) if one.state == "published"), None)
            changes = compared_licence_types(tx, old.id if old else None, draft.version_id)  # type: ignore[arg-type]
            warnings = publish_warnings(tx, draft.version_id)  # type: ignore[arg-type]
        drawn = _drawn(code, draft)
        remarks = [said for said, tone in code_remarks(code) if tone == "warn"]
        return self.page(
            "licence_type_review.html",
            title=gettext("发布：%(name)s", name=row.name),
            row=row,
            draft=draft,
            first=old is None,
            changes=[told(one, element_names(draft)) for one in changes],
            counts=(len(draft.layout.get("elements", ())), len(draft.fields)),
            warnings=[*remarks, *warnings, *_tried(code, draft)],
            drawn=drawn,
        )

    def _publish(self, code: str) -> Response:
        with here().engine.connect() as tx:
            draft = standing_draft(tx, code)
        drawn = _drawn(code, draft)
        if drawn["faults"] or "said" in drawn:
            raise Conflict(gettext("样张还有问题，不能发布：%(why)s", why=_why(drawn)))
        with here().engine.begin() as tx:
            locked_licence_type(tx, code)
            if standing_draft(tx, code).stamp != request.form.get("seen") or draft.stamp != request.form.get(
                "seen"
            ):
                raise Conflict(gettext("草稿刚被别人改过。请再看一遍将要改变的内容，然后发布。"))
            number = publish_licence_type(tx, draft.version_id, actor=actor())  # type: ignore[arg-type]
        flash(gettext("已发布第 %(n)s 版，从现在起按这一版签发。", n=number), "success")
        return redirect(url_for("LicenceTypeView.show", code=code))


def standing_draft(tx: Connection, code: str) -> Standing:
    """The draft of a type. Raises NotFound, Conflict."""
    found = standing_licence_type(tx, licence_type_row(tx, code))
    if found.state != "draft":
        raise Conflict(gettext("这种证照没有草稿。请先编辑并保存。"))
    return found


def _shown(standing: Standing) -> dict[str, Any]:
    return {"rules": standing.rules, "fields": standing.fields, "layout": standing.layout}


def _drawn(code: str, draft: Standing) -> dict[str, Any]:
    """What the press says of the sample of a draft."""
    design = read_design(_shown(draft), draft.rules)
    with here().engine.connect() as tx:
        images = image_facts(tx, design.layout)
    told_ = draw(here().config.press, sampled(code, design, images, asked()), shown=True)
    return {**told_, "faults": [*design.element_faults(), *told_["faults"]]}


def _tried(code: str, draft: Standing) -> list[str]:
    """What does not fit when the words are as long as the fields allow, or rare: worth knowing before publishing."""
    design = read_design(_shown(draft), draft.rules)
    with here().engine.connect() as tx:
        images = image_facts(tx, design.layout)
    said: dict[str, None] = {}
    for preset, title in (("long", gettext("内容很长时")), ("rare", gettext("有生僻字时"))):
        told_ = draw(here().config.press, sampled(code, design, images, asked(preset)), shown=False)
        said |= dict.fromkeys(f"{title}：{sentence}" for _element, sentence in told_["faults"])
    return list(said)


def _why(drawn: dict[str, Any]) -> str:
    said = [sentence for _element, sentence in drawn["faults"][:5]]
    return "".join([*said, drawn.get("said", "")])


def _lined(faults: tuple[Fault, ...]) -> list[list[Any]]:
    """Faults of fields and layout, for the scripts: part, line (from 0), box, sentence."""
    return [[one.part, one.line - 1, one.field, one.sentence] for one in faults if one.part != "rules"]
