"""处置: suspend, restore, cancel, withdraw, revoke, transfer and the like, by the department whose licence it is.

Guarantees: whom it will reach is on the page before it is done, and the person says that they have read it; what the use
case refuses comes back as a sentence with everything that was typed still there.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from admin.cells import code_text, word_text
from admin.licensing.acts import GRAVE, STEPS, frozen_sentence
from admin.licensing.licence_show import LicenceShow, licence_show
from admin.licensing.reach import Reach, reach_of
from admin.licensing.scans import with_scan
from admin.licensing.seeing import check_own, owner_of
from admin.pages import Screen, reason
from admin.premises import actor, here
from hub.errors import Conflict, HubError, NotFound, Rejected
from hub.licensing.licence import FROZEN
from hub.licensing.life import TRANSITIONS
from hub.licensing.living.act import NEEDS_PAPER
from hub.licensing.living.change_status import change_status

DOCUMENT_LONGEST, NOTE_LONGEST = 100, 200


class LicenceLifeView(Screen):
    """证照处置."""

    route_base = "/licences"
    default_view = "act"

    @expose("/<uuid:licence>/act/<operation>", methods=["GET", "POST"])
    @has_access
    @permission_name("change")
    def act(self, licence: uuid.UUID, operation: str) -> str | Response:
        """The form; on POST, the act."""
        if operation not in STEPS:
            raise NotFound(gettext("没有这种处置。请回到证照页面选择。"))
        with here().engine.connect() as tx:
            department = check_own(owner_of(tx, licence))
            found = licence_show(tx, licence)
        fault = ""
        if request.method == "POST":
            try:
                _do(found, operation, department)
            except HubError as error:
                fault = error.message
            else:
                flash(_done(found, operation, reach_of(found)), "success")
                return redirect(url_for("LicenceView.show", licence=licence))
        return self._form(found, operation, fault)

    def _form(self, found: LicenceShow, operation: str, fault: str) -> str:
        status = found.licence["status"]
        becomes = TRANSITIONS.get((operation, status))
        if (operation, status) == ("suspend", FROZEN):  # a further department holds it as well
            becomes = FROZEN
        return self.page(
            "licence_act.html",
            title=word_text("licence_operation", operation),
            found=found,
            l=found.licence,
            operation=operation,
            becomes=becomes,
            stays_frozen=operation == "restore" and len(found.open_holds) > 1,
            why_not=_why_not(found, operation) if becomes is None else "",
            reach=reach_of(found),
            grave=operation in GRAVE,
            needs_document=operation in NEEDS_PAPER,
            needs_note=operation == "other",
            given=request.form,
            fault=fault,
        )


def _why_not(found: LicenceShow, operation: str) -> str:
    said = code_text("licence_status", found.licence["status"])
    name = word_text("licence_operation", operation)
    if found.licence["status"] == FROZEN:
        return frozen_sentence(found)
    return gettext("证照现在是“%(status)s”，不能%(name)s。", status=said, name=name)


def _do(found: LicenceShow, operation: str, department: str) -> None:
    """Check what was typed, and act."""
    if not request.form.get("sure"):
        raise Rejected(gettext("请先看清影响范围，并勾选“已核对”。"))
    why = reason()
    document_no = request.form.get("document_no", "").strip()[:DOCUMENT_LONGEST] or None
    if operation in NEEDS_PAPER and not document_no:
        raise Rejected(gettext("请填写决定文书号：这一步要有书面依据。"))
    note = request.form.get("note", "").strip()[:NOTE_LONGEST] or None
    if operation == "other" and not note:
        raise Rejected(gettext("请写明是什么状态。"))
    if request.form.get("seen") != found.licence["status_at"].isoformat():
        raise Conflict(gettext("这张证照刚刚被他人处置过，请看清现在的状态再办。"))

    def act(tx: Connection, sha256: bytes | None) -> None:
        change_status(
            tx,
            found.licence["id"],
            operation,
            reason=why,
            actor=actor(),
            department=department,
            desk=here().config.desk,
            document_no=document_no,
            document=sha256,
            note=note,
        )

    with_scan(request.files.get("scan"), act)


def _done(found: LicenceShow, operation: str, reach: Reach) -> str:
    name = word_text("licence_operation", operation)
    told: Mapping[str, Any] = {"name": name, "number": found.licence["number"], "n": len(reach.departments)}
    return gettext("%(number)s 已%(name)s，通知了 %(n)s 个部门。", **told)
