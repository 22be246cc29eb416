"""电子证照 and 行政相对人: read-only lists. Personal numbers are masked as stored."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, select

from admin import cells
from admin.case_pages import pushed_to_own_department
from admin.listing import Choice, Column, Listing, codes
from admin.pages import ExportedList, ListScreen
from hub.case import Case
from hub.licensing.licence import Licence
from hub.party import Party


def _licences() -> Select[Any]:
    return (
        select(
            Licence.id,
            Licence.number,
            Licence.name,
            Licence.identifier,
            Licence.case_no,
            Licence.issuer_name,
            Licence.issued_on,
            Licence.valid_to,
            Licence.status,
            Licence.status_note,
            Party.name.label("party"),
        )
        .select_from(Licence)
        .join(Party, Party.id == Licence.party_id)
        .join(Case, Case.case_no == Licence.case_no)
    )


class LicenceView(ExportedList):
    """电子证照."""

    route_base = "/licences"
    listing = Listing(
        title=_("电子证照"),
        query=_licences,
        columns=(
            Column("number", _("证照编号"), lambda r: cells.mono(r.number), Licence.number, narrow=True),
            Column("name", _("证照名称"), lambda r: cells.clip(r.name, 26), Licence.name),
            Column("party", _("持证主体"), lambda r: cells.clip(r.party, 20), Party.name, narrow=True),
            Column(
                "issuer_name", _("颁证单位"), lambda r: cells.clip(r.issuer_name, 20), Licence.issuer_name
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
        choices=(Choice("status", _("状态"), Licence.status, codes("licence_status")),),
        day=(_("颁证日期"), Licence.issued_on),
        href=lambda r: url_for("CaseView.show", case_no=r.case_no),
        empty=_("还没有电子证照。办件准予许可并填有证照信息后会出现在这里。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees licences of cases that were pushed to it."""
        return pushed_to_own_department(Licence.case_no)


def _parties() -> Select[Any]:
    return select(
        Party.id,
        Party.kind,
        Party.name,
        Party.code_masked,
        Party.code_type,
        Party.legal_representative,
        Party.created_at,
    ).select_from(Party)


def _who_used(row: Any) -> Any:
    href = url_for("PartyUsesView.show", number=row.id)
    return Markup('<a href="{}">{}</a>').format(href, gettext("谁用过"))


class PartyView(ListScreen):
    """行政相对人."""

    route_base = "/parties"
    listing = Listing(
        title=_("行政相对人"),
        query=_parties,
        columns=(
            Column("name", _("名称"), lambda r: cells.clip(r.name, 34), Party.name, narrow=True),
            Column("kind", _("类别"), lambda r: cells.code("party_kind", r.kind), Party.kind),
            Column("code_masked", _("证件号码"), lambda r: cells.mono(r.code_masked), narrow=True),
            Column("legal_representative", _("法定代表人"), lambda r: cells.plain(r.legal_representative)),
            Column("created_at", _("首次出现"), lambda r: cells.when(r.created_at), Party.created_at),
            Column("uses", _("材料使用"), _who_used, narrow=True),
        ),
        order=(Party.created_at.desc(), Party.id),
        search=(Party.name, Party.code_masked),
        search_hint=_("名称、统一社会信用代码"),
        choices=(Choice("kind", _("类别"), Party.kind, codes("party_kind")),),
        href=lambda r: url_for("CaseView.list", q=r.name),
        empty=_("还没有行政相对人。导入办件后会自动建立。"),
    )
