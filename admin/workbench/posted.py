"""What a form that reuses material says."""

from __future__ import annotations

import uuid

from flask import request
from flask_babel import gettext
from sqlalchemy import Connection

from admin.premises import actor, here
from hub.errors import Rejected
from hub.reuse.record_consent import record_consent
from hub.reuse.use_material import use_material


def picked(text: str) -> tuple[uuid.UUID, str, uuid.UUID]:
    """A ticked offer: for which requirement, and what. Raises Rejected."""
    try:
        requirement, kind, source = text.split("|")
        return uuid.UUID(requirement), kind, uuid.UUID(source)
    except ValueError:
        raise Rejected(gettext("勾选的内容读不出来，请刷新页面后重新勾选。")) from None


def record_given_consent(tx: Connection, case_no: str) -> None:
    """The applicant's consent, where the form says how it was given."""
    given_by, way = request.form.get("consent_by", "").strip(), request.form.get("consent_way", "")
    if given_by or way:
        note = request.form.get("consent_note", "").strip() or None
        record_consent(
            tx, case_no=case_no, way=way, given_by=given_by, note=note, actor=actor(), desk=here().config.desk
        )


def use_ticked(tx: Connection, case_no: str) -> int:
    """Reuse all that is ticked, for the stated purpose, with the consent where one is given. How many. Raises Rejected."""
    ticked = request.form.getlist("pick")
    if not ticked:
        raise Rejected(gettext("还没有勾选要复用的材料。请先勾选。"))
    record_given_consent(tx, case_no)
    for requirement, kind, source in map(picked, ticked):
        use_material(
            tx,
            case_no=case_no,
            requirement_id=requirement,
            source_kind=kind,
            source_id=source,
            purpose=request.form.get("purpose", ""),
            actor=actor(),
            desk=here().config.desk,
        )
    return len(ticked)
