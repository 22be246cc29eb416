"""Designs that move: copied from another type, taken away as a file, brought in from one after a look at what it changes."""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import closing
from typing import Any, ClassVar

from flask import Response, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response as Answer

from admin.licensing.types.design_pages import licence_type_row
from admin.licensing.types.rights import LICENCE_TYPE_RIGHTS
from admin.licensing.types.type_exchange import (
    Brought,
    WaitingDesigns,
    differences,
    read_file,
    standing_or_none,
    taken,
)
from admin.licensing.types.type_images import add, put
from admin.licensing.types.type_told import element_names, told
from admin.pages import Screen, sentence_on_refusal, to
from admin.premises import actor, here
from hub.add_material import StoredFacts
from hub.catalogue.fields import parse_defs
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.licence_types import add_licence_type
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.licensing.types.layout import parse_layout
from hub.licensing.types.licence_images import add_image, images_named, images_of
from hub.licensing.types.published_type import licence_type_version
from hub.licensing.types.save_licence_type import save_licence_type, standing_licence_type
from hub.licensing.types.type_version import LicenceTypeVersion
from hub.material import StoredObject
from schemas import canonical

#: Of the rules these stay the target's own when a design is copied.
OWN_RULES = ("name", "definer_code", "definer_name")


class LicenceExchangeView(Screen):
    """证照设计的复制、导出和导入."""

    route_base = "/licence-exchange"
    default_view = "bring"
    class_permission_name = "LicenceTypeView"
    base_permissions: ClassVar = list(LICENCE_TYPE_RIGHTS)

    @expose("/take/<code>/<int:version>.json")
    @has_access
    @permission_name("edit")
    def take(self, code: str, version: int) -> Response:
        """One version's design as a file."""
        with here().engine.begin() as tx:
            row = licence_type_row(tx, code)
            known = tx.scalar(
                select(LicenceTypeVersion.id).where(
                    LicenceTypeVersion.type_code == code, LicenceTypeVersion.number == version
                )
            )
            if known is None:
                raise NotFound(gettext("没有这个版本。"))
            said = taken(tx, row, licence_type_version(tx, known))
            record(
                tx,
                Entry(
                    actor(), "licence_type.design_taken", f"licence_type:{code}", detail={"number": version}
                ),
            )
        answer = Response(json.dumps(said, ensure_ascii=False, indent=1), mimetype="application/json")
        answer.headers["Content-Disposition"] = (
            f"attachment; filename=licence-design-{row.code}-v{version}.json"
        )
        return answer

    @expose("/bring", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("LicenceExchangeView.bring"))
    def bring(self) -> str | Answer:
        """The form to bring a design in."""
        if request.method == "POST":
            upload = request.files.get("design")
            if upload is None or not upload.filename:
                raise Rejected(gettext("请选择要导入的文件。"))
            with closing(upload):
                token = self._waiting().keep(upload)
            read_file(self._waiting().found(token).read_bytes())
            return redirect(url_for("LicenceExchangeView.preview", token=token))
        return self.page("licence_type_bring.html", title=_("导入证照类型的设计"))

    @expose("/preview/<token>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(lambda **_kept: url_for("LicenceExchangeView.bring"))
    def preview(self, token: str) -> str | Answer:
        """What the file would change; on POST, into the draft."""
        brought = read_file(self._waiting().found(token).read_bytes())
        if request.method == "POST":
            self._bring_in(brought)
            self._waiting().drop(token)
            flash(gettext("已导入到草稿，尚未生效。请看一遍样张，然后发布。"), "success")
            return redirect(url_for("LicenceTypeView.edit", code=brought.code, _anchor="layout"))
        with here().engine.connect() as tx:
            now = standing_or_none(tx, brought.code)
        changes = differences(now, brought.design)
        names = element_names(*([now] if now is not None else []))
        return self.page(
            "licence_type_preview.html",
            title=_("导入预览"),
            brought=brought,
            now=now,
            changes=[told(one, names) for one in changes],
            stamp=_stamp(now),
        )

    @staticmethod
    def _bring_in(brought: Brought) -> None:
        kept = [(found, put(found)) for found in brought.images]
        with here().engine.begin() as tx:
            now = standing_or_none(tx, brought.code)
            if _stamp(now) != request.form.get("stamp"):
                raise Conflict(gettext("预览之后这种证照又被改过。请重新上传，再看一遍将要改变的内容。"))
            if now is None:
                header = {"active": True, "name": brought.name, **brought.header}
                add_licence_type(tx, brought.code, header, actor=actor())
            for found, stored in kept:
                add(tx, brought.code, found, stored)
            seen = now.stamp if now is not None else None
            save_licence_type(tx, brought.code, brought.design, actor=actor(), seen=seen)

    @expose("/copy/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("LicenceExchangeView.copy"))
    def copy(self, code: str) -> str | Answer:
        """Another type's design into this one's draft."""
        if request.method == "POST":
            with here().engine.begin() as tx:
                _copy(tx, request.form.get("source", ""), code)
            flash(gettext("已复制到草稿，尚未生效。名称和定义机构仍是本类型的。"), "success")
            return redirect(url_for("LicenceTypeView.edit", code=code, _anchor="layout"))
        with here().engine.connect() as tx:
            row = licence_type_row(tx, code)
            standing = standing_licence_type(tx, row)
            others = tx.execute(
                select(LicenceType.code, LicenceType.name, LicenceType.published_version)
                .where(
                    LicenceType.code != code,
                    select(LicenceTypeVersion.id)
                    .where(LicenceTypeVersion.type_code == LicenceType.code)
                    .exists(),
                )
                .order_by(LicenceType.name)
                .limit(500)
            ).all()
        return self.page(
            "licence_type_copy.html",
            title=gettext("从别的类型复制：%(name)s", name=row.name),
            row=row,
            standing=standing,
            others=others,
        )

    @staticmethod
    def _waiting() -> WaitingDesigns:
        return WaitingDesigns(str(here().engine.url), g.user.username)


def _copy(tx: Connection, source: str, code: str) -> uuid.UUID:
    """The standing design of `source` into the draft of `code`, pictures too."""
    from_row, row = licence_type_row(tx, source), licence_type_row(tx, code)
    from_, now = standing_licence_type(tx, from_row), standing_licence_type(tx, row)
    if not from_.state or source == code:
        raise Rejected(gettext("请选择一种已有设计的证照类型。"))
    rules = {**from_.rules, **{key: now.rules.get(key) for key in OWN_RULES}}
    design: dict[str, Any] = {"rules": rules, "fields": from_.fields, "layout": from_.layout}
    named = _named(from_.layout, from_.fields)
    have = {one.sha256.hex() for one in images_of(tx, code)}
    for image in images_of(tx, source):
        if image.sha256.hex() in named - have:
            stored = tx.execute(
                select(*StoredObject.__table__.c).where(StoredObject.sha256 == image.sha256)
            ).one()
            facts = StoredFacts(stored.sha256, stored.object_name, stored.size, stored.wrapped_key)
            shape = {"media_type": image.media_type, "width": image.width, "height": image.height}
            add_image(tx, code, facts, name=image.name, actor=actor(), **shape)
    return save_licence_type(tx, code, design, actor=actor())


def _named(layout: Any, fields: Any) -> set[str]:
    return images_named(parse_layout(layout, parse_defs(fields)))


def _stamp(now: Any) -> str:
    """Changes when what would be changed changes."""
    return hashlib.sha256(canonical(["none" if now is None else now.stamp])).hexdigest()[:32]
