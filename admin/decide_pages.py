"""登记审批决定: one decision with its files and its licence, checked by the same rules as a sheet's row, decided in the live
lane.

Guarantees: what a sheet would be refused for is refused here, field by field; files and licence are stored whole before the
one transaction that opens the case, adds them and decides - or nothing remains of it but objects that a sweep removes. Where
the item's licence type is designed here, deciding issues the licence, unless the box for it is unticked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.decide_case import OpenedCase, on_opened, opened_case, with_party
from admin.decide_files import decide_with_files, refuse_known
from admin.decide_form import by_field, case_of, day_of, row_of
from admin.licensing.decide_licence import (
    Designed,
    as_columns,
    designed_for,
    printed,
    read_decided,
    shown_again,
)
from admin.licensing.issue_order import Typed
from admin.licensing.live_face import live_face
from admin.media import refuse_unknown
from admin.pages import Screen
from admin.premises import here, own_department
from admin.workbench.office import seat
from admin.workbench.wording import code_choices
from hub.case import Case
from hub.deciding.decided_case import DecidedCase
from hub.department import Department
from hub.errors import HubError, Rejected
from hub.item import ServiceItem
from hub.sheets.sheet import Refusal, SheetRow
from hub.workday import LOCAL
from schemas import code_table, permit_columns


class DecideView(Screen):
    """登记审批决定."""

    route_base = "/decide"
    default_view = "form"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def form(self) -> str | Response:
        """The form; on POST, the decision."""
        faults: dict[str, str] = {}
        case, designed = _asked()
        if request.method == "POST":
            try:
                outcome = _submit(faults, case, designed)
            except HubError as error:
                faults[""] = error.message
            else:
                if outcome is not None:
                    case_no, departments = outcome
                    pushed = "、".join(departments) or gettext("（没有符合的推送规则）")
                    flash(gettext("决定已登记，已推送给：%(names)s。", names=pushed), "success")
                    return redirect(url_for("CaseView.show", case_no=case_no))
        return self._page(case, designed, faults)

    @expose("/licence")
    @has_access
    @permission_name("decide")
    def licence(self) -> str:
        """The part of the form about the licence, for the item that was chosen."""
        case, designed = _asked()
        values = shown_again(designed, {}, sent=False)
        return self.page(
            "decide_licence.html",
            case=case,
            designed=designed,
            choices=code_choices,
            faults={},
            labels=_labels(),
            today=datetime.now(LOCAL).date(),
            **values,
        )

    @expose("/face", methods=["POST"])
    @has_access
    @permission_name("decide")
    def face(self) -> Response:
        """The licence that is typed, as a picture."""
        case, designed = _asked()
        if designed is None:
            raise Rejected(gettext("这个事项的证照类型还没有设计照面。"))
        with here().engine.connect() as tx:
            return jsonify(live_face(_licence(tx, _given(case), designed, case)))

    def _page(self, case: OpenedCase | None, designed: Designed | None, faults: dict[str, str]) -> str:
        with here().engine.connect() as tx:
            items = tx.execute(
                select(ServiceItem.code, ServiceItem.name, ServiceItem.licence_name)
                .where(ServiceItem.active)
                .order_by(ServiceItem.name)
            ).all()
            office = _office_of(tx, case)
        return self.page(
            "decide.html",
            title=_("登记审批决定"),
            items=items,
            office=office,
            designed=designed,
            choices=code_choices,
            faults=faults,
            labels=_labels(),
            kinds=code_table("party_kind"),
            permit_kinds=code_table("permit_kind"),
            documents=code_table("person_document_type"),
            today=datetime.now(LOCAL).date(),
            case=case,
            **shown_again(designed, request.values, sent=request.method == "POST"),
        )


def _labels() -> dict[str, str]:
    return {column["code"]: column["name"] for column in permit_columns("2018")["columns"]}


def _asked() -> tuple[OpenedCase | None, Designed | None]:
    """The case that the request names, and what its licence is issued by."""
    number, desk = request.values.get("case", ""), here().config.desk
    with here().engine.connect() as tx:
        case = opened_case(tx, number, desk) if number else None
        item = case.item_code if case else request.values.get("item", "")
        return case, designed_for(tx, item, number or None, desk, request.values.get("previous", ""))


def _given(case: OpenedCase | None) -> dict[str, str]:
    return with_party(request.form, case) if case is not None else dict(request.form)


def _licence(tx: Connection, given: Mapping[str, str], designed: Designed, case: OpenedCase | None) -> Typed:
    """The licence as the form has it, for the department that decides."""
    office = _office_of(tx, case)
    department = office.code if office else None
    if department is None:
        uscc = given.get("XK_XKJGDM", "").strip() or "-"
        department = tx.scalar(select(Department.code).where(Department.uscc == uscc, Department.active))
    return read_decided(tx, given, designed, department, case, here().config.desk)


def _office_of(tx: Connection, case: OpenedCase | None) -> Any:
    """Who decides: the department that accepted the case, else the user's."""
    if case is None:
        return _office(tx)
    query = select(Department.name, Department.uscc, Department.code).join(
        Case, Case.department == Department.code
    )
    return tx.execute(query.where(Case.case_no == case.case_no)).one_or_none() or _office(tx)


def _office(tx: Connection) -> Any:
    """The user's own department, else the one they sit for at the window: the only approving one, or the one chosen."""
    query = select(Department.name, Department.uscc, Department.code).where(Department.active)
    if own := own_department():
        return tx.execute(query.where(Department.code == own)).one_or_none()
    return seat(tx).office


def _submit(
    faults: dict[str, str], opened: OpenedCase | None, designed: Designed | None
) -> tuple[str, tuple[str, ...]] | None:
    """Check and decide; None where `faults` now say what is wrong."""
    given, typed = _given(opened), None
    if designed is not None and given.get("designed"):
        with here().engine.connect() as tx:
            typed = _licence(tx, given, designed, opened)
        given |= as_columns(typed, issued=bool(given.get("issue")))
        if given.get("issue"):
            faults.update(typed.faults)
        else:
            typed = None
    row = row_of(given)
    if not isinstance(row, SheetRow):
        faults.update(by_field(row))
    uploads = [upload for upload in request.files.getlist("files") if upload.filename]
    for upload in uploads:
        refuse_unknown(upload.filename or "")
    case = _decided(given, row, opened, faults)
    if case is None:
        return None
    if typed is not None:
        case = _with_licence(given, typed, case, opened, faults)
    return decide_with_files(case, uploads, new=opened is None)


def _decided(
    given: Mapping[str, str], row: SheetRow | list[Refusal], opened: OpenedCase | None, faults: dict[str, str]
) -> DecidedCase | None:
    """The case; None where `faults` say what is wrong."""
    dates = {
        name: day_of(given.get(name, ""), name, faults)
        for name in ("applied_on", "accepted_on", "promised_on")
    }
    if faults or not isinstance(row, SheetRow):
        return None
    with here().engine.connect() as tx:
        case = case_of(tx, row, given.get("item", ""), dates)
        if opened is None:
            refuse_known(tx, case)
    return on_opened(case, opened) if opened is not None else case


def _with_licence(
    given: Mapping[str, str],
    typed: Typed,
    case: DecidedCase,
    opened: OpenedCase | None,
    faults: dict[str, str],
) -> DecidedCase:
    """The case with its licence, printed; the number that it got stands in the decision, too."""
    prepared = printed(typed, case)
    numbered = {**given, "XK_XKBH": prepared.words.number}
    again = _decided(numbered, row_of(numbered), opened, faults)
    if again is None:
        raise Rejected("；".join(faults.values()))
    return replace(again, licence=prepared.facts)
