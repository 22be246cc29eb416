"""电子证照: the list, and the page of one licence with everything about it.

Guarantees: the list costs what every list costs (admin.listing); a face that is shown before a use is stated is the masked
one; a department's user sees what admin.licensing.seeing says. Changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from flask import Response, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, select

from admin import cells
from admin.department_api import stream
from admin.feedback.finding_list import money, said
from admin.licensing.acts import possible_acts
from admin.licensing.licence_show import licence_show
from admin.licensing.live_face import press
from admin.licensing.papers import take_document, take_paper
from admin.licensing.seeing import check_may_see, is_own, visible
from admin.listing import Choice, Column, Listing, codes, words
from admin.pages import ExportedList, sentence_on_refusal, to
from admin.premises import here, may
from admin.workbench.qr import qr_svg
from hub.catalogue.licence_type import LicenceType
from hub.department import Department
from hub.errors import NotFound
from hub.licensing.issuing.masked_face import masked_face
from hub.licensing.licence import FROZEN, VALID, Hold, Licence
from hub.party import Party
from hub.workday import LOCAL

RUNNING_OUT = (30, 60, 90)


def today() -> date:
    """The day here."""
    day: date = here().config.desk.clock().astimezone(LOCAL).date()
    return day


def _licences() -> Select[Any]:
    return (
        select(
            Licence.id,
            Licence.number,
            Licence.name,
            Licence.identifier,
            Licence.identifier_fault,
            Licence.case_no,
            Licence.issuer_name,
            Licence.issued_on,
            Licence.valid_to,
            Licence.status,
            Licence.status_note,
            Licence.origin,
            Licence.version,
            Party.name.label("party"),
        )
        .select_from(Licence)
        .join(Party, Party.id == Licence.party_id)
    )


def _types(tx: Connection) -> list[tuple[str, Any]]:
    rows = tx.execute(select(LicenceType.code, LicenceType.name).order_by(LicenceType.name))
    return [(row.code, row.name) for row in rows]


def _departments(tx: Connection) -> list[tuple[str, Any]]:
    rows = tx.execute(select(Department.code, Department.name).order_by(Department.name))
    return [(row.code, row.name) for row in rows]


def _days(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [(str(n), gettext("%(n)s 天内到期", n=n)) for n in RUNNING_OUT] + [("over", gettext("已过有效期"))]


def _within(days: int) -> Callable[[], ColumnElement[bool]]:
    def condition() -> ColumnElement[bool]:
        first = today()
        return and_(
            Licence.status.in_((VALID, FROZEN)),
            Licence.valid_to >= first,
            Licence.valid_to <= first + timedelta(days=days),
        )

    return condition


class _HeldBy(Choice):
    """By a department that holds it now."""

    __slots__ = ()

    def where(self, value: str) -> ColumnElement[bool]:
        """A licence may be held by several."""
        held = exists().where(Hold.licence_id == Licence.id, Hold.lifted_at.is_(None))
        return held if value == "any" else held.where(Hold.department == value)


def _holders(tx: Connection) -> list[tuple[str, Any]]:
    return [("any", gettext("任一部门")), *_departments(tx)]


def _doubts(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [("fault", gettext("标识有疑问")), ("none", gettext("标识无疑问"))]


def _number(row: Any) -> Markup:
    newer = Markup(" <small>v{}</small>").format(row.version) if row.version > 1 else ""
    doubt = (
        Markup(' <span class="pill warn" title="{}">{}</span>').format(
            row.identifier_fault, gettext("标识存疑")
        )
        if row.identifier_fault
        else ""
    )
    return Markup("{}{}{}").format(cells.mono(row.number), newer, doubt)


LISTING = Listing(
    title=_("电子证照"),
    query=_licences,
    columns=(
        Column("number", _("证照编号"), _number, Licence.number, lambda r: r.number, narrow=True),
        Column(
            "identifier",
            _("证照标识"),
            lambda r: cells.clip(r.identifier, 24),
            Licence.identifier,
            wider=True,
        ),
        Column("name", _("证照名称"), lambda r: cells.clip(r.name, 18), Licence.name),
        Column("party", _("持证主体"), lambda r: cells.clip(r.party, 18), Party.name, narrow=True),
        Column(
            "issuer_name",
            _("颁证单位"),
            lambda r: cells.clip(r.issuer_name, 16),
            Licence.issuer_name,
            wider=True,
        ),
        Column("issued_on", _("颁证日期"), lambda r: cells.day(r.issued_on), Licence.issued_on),
        Column(
            "valid_to",
            _("有效期至"),
            lambda r: cells.day(r.valid_to) if r.valid_to else gettext("长期"),
            Licence.valid_to,
            lambda r: r.valid_to.isoformat() if r.valid_to else "长期",
        ),
        Column(
            "origin",
            _("来源"),
            lambda r: cells.word("licence_origin", r.origin),
            Licence.origin,
            lambda r: cells.word_text("licence_origin", r.origin),
        ),
        Column(
            "status",
            _("状态"),
            lambda r: cells.code("licence_status", r.status),
            Licence.status,
            lambda r: cells.code_text("licence_status", r.status),
            narrow=True,
        ),
    ),
    order=(Licence.issued_on.desc(), Licence.id),
    search=(Licence.number, Licence.identifier, Party.name, Licence.name),
    search_hint=_("证照编号、证照标识、持证主体"),
    choices=(
        Choice("type", _("证照类型"), Licence.type_code, _types),
        Choice("status", _("状态"), Licence.status, codes("licence_status")),
        Choice(
            "ends",
            _("到期"),
            None,
            _days,
            {
                **{str(n): _within(n) for n in RUNNING_OUT},
                "over": lambda: and_(Licence.valid_to.is_not(None), Licence.valid_to < today()),
            },
        ),
        _HeldBy("held", _("暂扣部门"), None, _holders),
        Choice("origin", _("来源"), Licence.origin, words("licence_origin")),
        Choice(
            "doubt",
            _("证照标识"),
            None,
            _doubts,
            {
                "fault": lambda: Licence.identifier_fault.is_not(None),
                "none": lambda: Licence.identifier_fault.is_(None),
            },
        ),
    ),
    day=(_("颁证日期"), Licence.issued_on),
    href=lambda r: url_for("LicenceView.show", licence=r.id),
    empty=_("还没有电子证照。可以“签发证照”，也可以导入；办件准予许可并填有证照信息后也会出现在这里。"),
)


class LicenceView(ExportedList):
    """电子证照."""

    route_base = "/licences"
    list_template = "licence_list.html"
    listing = LISTING

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees its own and what was pushed to it."""
        return visible()

    def extras(self) -> dict[str, Any]:
        """Whether there is a button for issuing."""
        return {"can_issue": may("can_issue", "LicenceIssueView")}

    @expose("/<uuid:licence>")
    @has_access
    @permission_name("show")
    def show(self, licence: uuid.UUID) -> str:
        """One licence."""
        with here().engine.connect() as tx:
            owner = check_may_see(tx, licence)
            found = licence_show(tx, licence)
            names = dict(_departments(tx))
        address = self._address(found.licence)
        return self.page(
            "licence_show.html",
            title=found.licence["number"],
            found=found,
            l=found.licence,
            owner=owner,
            names=names,
            acts=possible_acts(found, owner.code if is_own(owner) else None),
            today=today(),
            address=address,
            qr=qr_svg(address, label=gettext("核验二维码"), scale=3) if address else None,
            can_read=may("can_read", "FileView") and found.pdf is not None,
            use=request.args.get("use", ""),
            said_of=lambda row: said(SimpleNamespace(**row)),
            amount_of=lambda row: money(SimpleNamespace(**row)),
        )

    @expose("/<uuid:licence>/face.png")
    @has_access
    @permission_name("show")
    def face(self, licence: uuid.UUID) -> Response:
        """The masked face as a picture; no opening of the document."""
        with here().engine.connect() as tx:
            check_may_see(tx, licence)
            address = self._address_of(licence)
            face = masked_face(tx, licence, qr=address, mark=gettext("已遮盖"))
        if face is None:
            raise NotFound(gettext("这张证照不是在这里制证的，没有照面。"))
        answer = Response(press().picture(face, width=900), mimetype="image/png")
        answer.headers["Cache-Control"] = "private, max-age=300"
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer

    @expose("/<uuid:licence>/documents/<form>", methods=["POST"])
    @has_access
    @permission_name("take")
    @sentence_on_refusal(to("LicenceView.show", form=None))
    def take(self, licence: uuid.UUID, form: str) -> Response:
        """A file of it to take away, for a stated use."""
        with here().engine.begin() as tx:
            facts = take_document(tx, licence, form, request.form.get("use", ""))
        return stream(facts, inline=False)

    @expose("/<uuid:licence>/papers/<uuid:operation>", methods=["POST"])
    @has_access
    @permission_name("take")
    @sentence_on_refusal(to("LicenceView.show", operation=None))
    def paper(self, licence: uuid.UUID, operation: uuid.UUID) -> Response:
        """The scan behind an operation, for a stated use."""
        with here().engine.begin() as tx:
            facts = take_paper(tx, licence, operation, request.form.get("use", ""))
        return stream(facts, inline=False)

    def _address(self, licence: Any) -> str:
        return self._address_of(licence["id"]) if licence["origin"] == "issued" else ""

    def _address_of(self, licence: uuid.UUID) -> str:
        tokens = here().config.tokens
        return f"{here().config.desk.public_url}/v/{tokens.make(licence)}" if tokens else ""
