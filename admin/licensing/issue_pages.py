"""签发证照: a licence issued alone, and the next version of one - 延续, 变更, 补发 - with its face beside the form.

Guarantees: the same form sent twice issues once (its key); what is wrong is said at its field and everything typed stays; a
number of a person never stands in an address. A licence on a decision is issued by admin.decide_pages.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.cells import word_text
from admin.decide_case import SHEET_WORDS
from admin.licensing.acts import NEXT_VERSIONS
from admin.licensing.issue_order import FIELD, Typed, changes, read_new, read_next
from admin.licensing.live_face import live_face, press
from admin.licensing.seeing import check_own, owner_of
from admin.pages import Screen
from admin.premises import actor, here
from admin.workbench import office
from admin.workbench.find import Found, PartyLine, look_up
from admin.workbench.recognise import Typed as Recognised
from admin.workbench.recognise import recognise
from admin.workbench.wording import code_choices
from hub.catalogue.licence_type import LicenceType
from hub.errors import HubError, NotFound
from hub.licensing.issuing.issue_licence import issue
from hub.licensing.issuing.next_version import continue_order, read_old
from hub.licensing.issuing.order import Issued, Order
from hub.licensing.types.published_type import PublishedType, published_licence_type
from hub.party import Party
from hub.workday import LOCAL
from schemas import code_table


class LicenceIssueView(Screen):
    """签发证照."""

    route_base = "/licences"
    default_view = "form"

    @expose("/issue", methods=["GET", "POST"])
    @has_access
    @permission_name("issue")
    def form(self) -> str | Response:
        """Choose a type, find the holder, fill in; on POST, look for the holder or issue."""
        code = request.values.get("type", "")
        if not code:
            return self._types()
        with here().engine.connect() as tx:
            type_ = published_licence_type(tx, code)
        if request.form.get("act") == "find":
            return self._found(type_)
        if request.method == "POST":
            return self._issued(type_)
        return self._form(type_)

    @expose("/issue/face", methods=["POST"])
    @has_access
    @permission_name("issue")
    def face(self) -> Response:
        """What is typed, as a picture."""
        with here().engine.connect() as tx:
            type_ = published_licence_type(tx, request.form.get("type", ""))
            typed = self._read(tx, type_)
        return jsonify(live_face(typed))

    @expose("/<uuid:licence>/next/<operation>", methods=["GET", "POST"])
    @has_access
    @permission_name("issue")
    def next_version(self, licence: uuid.UUID, operation: str) -> str | Response:
        """The next version of a licence; on POST, issued."""
        try:
            old, typed = _next(licence, operation)
        except HubError as error:
            flash(error.message, "danger")
            return redirect(url_for("LicenceView.show", licence=licence))
        fault = ""
        if request.method == "POST":
            fault, issued = _issue(typed)
            if issued is not None:
                flash(_said(issued), "success")
                return redirect(url_for("LicenceView.show", licence=issued.licence_id))
        return self.page(
            "licence_next.html",
            title=word_text("licence_operation", operation),
            operation=operation,
            licence=licence,
            old=old,
            holder=old.holders[0],
            type_=typed.type,
            choices=code_choices,
            changes=changes(typed, old),
            key=request.form.get("key") or uuid.uuid4().hex,
            case=request.values.get("case", ""),
            fault=fault,
            **_shown(typed, old),
        )

    @expose("/<uuid:licence>/next/<operation>/face", methods=["POST"])
    @has_access
    @permission_name("issue")
    def next_face(self, licence: uuid.UUID, operation: str) -> Response:
        """What is typed, as a picture, and what changes."""
        old, typed = _next(licence, operation)
        return jsonify(live_face(typed, changes(typed, old)))

    def _types(self) -> str:
        query = select(LicenceType.code, LicenceType.name, LicenceType.published_version).where(
            LicenceType.active, LicenceType.published_version.is_not(None)
        )
        with here().engine.connect() as tx:
            types = tx.execute(query.order_by(LicenceType.name)).all()
            sitting = office.seat(tx)
        party = request.args.get("party", "")
        return self.page(
            "licence_types_to_issue.html", title=gettext("签发证照"), types=types, seat=sitting, party=party
        )

    def _found(self, type_: PublishedType) -> str | Response:
        """Who is meant: straight on where there is one, else a list, else the form for a new one."""
        desk = here().config.desk
        typed = recognise(request.form.get("q", ""), desk.area, today=desk.clock().astimezone(LOCAL).date())
        found = Found()
        if typed.kind not in ("nothing", "case") and not typed.fault:
            with here().engine.connect() as tx:
                found = look_up(tx, typed, desk)
        if len(found.parties) == 1:
            return redirect(url_for(".form", type=type_.code, party=found.parties[0].id))
        return self._form(type_, looked_for=typed, found=found)

    def _issued(self, type_: PublishedType) -> str | Response:
        with here().engine.connect() as tx:
            typed = self._read(tx, type_)
        fault, issued = _issue(typed)
        if issued is None:
            return self._form(type_, typed=typed, fault=fault)
        flash(_said(issued), "success")
        return redirect(url_for("LicenceView.show", licence=issued.licence_id))

    def _read(self, tx: Connection, type_: PublishedType) -> Typed:
        return read_new(tx, request.form, type_, office.my_office(tx).code, here().config.desk)

    def _form(
        self,
        type_: PublishedType,
        *,
        typed: Typed | None = None,
        fault: str = "",
        looked_for: Recognised | None = None,
        found: Found | None = None,
    ) -> str:
        with here().engine.connect() as tx:
            sitting = office.seat(tx)
            party = _party(tx, request.values.get("party", ""))
        shown = _shown(typed, None) if typed else {"faults": {}, "given": {}, "kept": {}}
        return self.page(
            "licence_issue.html",
            title=gettext("签发证照"),
            type_=type_,
            choices=code_choices,
            seat=sitting,
            party=party,
            looked_for=looked_for,
            found=found,
            q=request.form.get("q", ""),
            natural_types=tuple(SHEET_WORDS),
            holder_kinds=type_.rules.holder_kinds or tuple(code_table("party_kind")),
            today=here().config.desk.clock().astimezone(LOCAL).date(),
            key=request.form.get("key") or uuid.uuid4().hex,
            fault=fault,
            **shown,
        )


def _next(licence: uuid.UUID, operation: str) -> tuple[Order, Typed]:
    """The version that stands, as an order, and the form read over it. Raises what keeps it from a next version."""
    if operation not in NEXT_VERSIONS:
        raise NotFound(gettext("没有这种办理。请回到证照页面选择。"))
    desk = here().config.desk
    with here().engine.connect() as tx:
        department = check_own(owner_of(tx, licence))
        order = continue_order(tx, desk, licence, operation, department=department)
        type_ = published_licence_type(tx, order.type_code)
        old = read_old(tx, licence).previous
        form = dict(request.form) if request.method == "POST" else _first(order, type_)
        return order, read_next(tx, form, type_, order, old, desk)


def _first(order: Order, type_: PublishedType) -> dict[str, str]:
    """The form as it opens: everything as it was, but persons' numbers, which stay where they are."""
    return {
        FIELD + one.name: order.values.get(one.name, "")
        for one in type_.fields
        if one.type != "person_number"
    }


def _issue(typed: Typed) -> tuple[str, Issued | None]:
    """Issue it where nothing is wrong. Gives a sentence, or what was issued."""
    if typed.faults:
        return gettext("有 %(n)s 处需要改正，见标红处。", n=len(typed.faults)), None
    config = here().config
    try:
        return "", issue(here().engine, typed.order, config.desk, press(), config.tokens, actor=actor())
    except HubError as error:
        return error.message, None


def _said(issued: Issued) -> str:
    if not issued.fresh:
        return gettext("这张证照刚才已经签发：%(number)s。", number=issued.number)
    return gettext("已签发：%(number)s。可以打印，也可以请持证人扫码核验。", number=issued.number)


def _shown(typed: Typed, old: Order | None) -> dict[str, Any]:
    """What the form shows again: faults where something was sent, values as typed, numbers that stay covered."""
    sent = request.method == "POST"
    given = dict(request.form) if sent else _first(old, typed.type) if old else {}
    kept = {
        one.name
        for one in typed.type.fields
        if old and one.type == "person_number" and old.values.get(one.name)
    }
    return {"faults": typed.faults if sent else {}, "given": given, "kept": kept}


def _party(tx: Connection, number: str) -> PartyLine | None:
    try:
        wanted = uuid.UUID(number)
    except ValueError:
        return None
    columns = [getattr(Party, name) for name in PartyLine.__dataclass_fields__]
    row = tx.execute(select(*columns).where(Party.id == wanted)).one_or_none()
    return PartyLine(*row) if row else None
