"""登记审批决定: one decision with its files, checked by the same rules as a sheet's row, decided in the live lane.

Guarantees: what a sheet would be refused for is refused here, field by field; the files are stored whole before the one
transaction that opens the case, adds them and decides - or nothing remains of it but an object that a sweep removes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from admin.decide_case import OpenedCase, on_opened, opened_case, with_party
from admin.media import media_type_of, refuse_unknown
from admin.pages import Screen
from admin.premises import actor, here, own_department
from admin.workbench.office import seat
from hub.add_material import StoredFacts, add_material, standing_object
from hub.case import Case
from hub.decide import ACCEPTED, decide
from hub.decided_case import DecidedCase, StepFacts
from hub.department import Department
from hub.errors import Conflict, HubError, Rejected
from hub.item import ServiceItem
from hub.open_case import open_case
from hub.sheet import Refusal, SheetRow, find_header, read_row
from hub.sheet_case import decided_case, load_catalogue
from hub.workday import LOCAL
from schemas import code_table, permit_columns

LARGEST = 200 * 1024 * 1024
FIELDS = (
    "XK_XDR_MC", "XK_XDR_LB", "XK_XDR_SHXYM", "XK_FRDB", "XK_XDR_ZJLX", "XK_XDR_ZJHM", "XK_XKWS", "XK_WSH", "XK_XKLB",
    "XK_XKZS", "XK_XKBH", "XK_NR", "XK_JDRQ", "XK_YXQZ", "XK_YXQZI", "XK_XKJG", "XK_XKJGDM", "BZ",
)  # fmt: skip
ONLY_NATURAL = ("XK_XDR_ZJLX", "XK_XDR_ZJHM")
ONLY_BODIES = ("XK_XDR_SHXYM", "XK_FRDB")


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
        number, case = request.values.get("case", ""), None
        if number:
            with here().engine.connect() as tx:
                case = opened_case(tx, number, here().config.desk)
        if request.method == "POST":
            try:
                outcome = _submit(faults, case)
            except HubError as error:
                faults[""] = error.message
            else:
                if outcome is not None:
                    case_no, departments = outcome
                    pushed = "、".join(departments) or gettext("（没有符合的推送规则）")
                    flash(gettext("决定已登记，已推送给：%(names)s。", names=pushed), "success")
                    return redirect(url_for("CaseView.show", case_no=case_no))
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
            given=request.form,
            faults=faults,
            labels={column["code"]: column["name"] for column in permit_columns("2018")["columns"]},
            kinds=code_table("party_kind"),
            permit_kinds=code_table("permit_kind"),
            documents=code_table("person_document_type"),
            today=datetime.now(LOCAL).date(),
            case=case,
        )


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


def _submit(faults: dict[str, str], opened: OpenedCase | None) -> tuple[str, tuple[str, ...]] | None:
    """Check and decide; None where `faults` now say what is wrong."""
    given: Mapping[str, str] = request.form
    if opened is not None:
        given = with_party(given, opened)
    row = _row(given)
    if not isinstance(row, SheetRow):
        faults.update(_by_field(row))
    dates = {
        name: _date(given.get(name, ""), name, faults)
        for name in ("applied_on", "accepted_on", "promised_on")
    }
    uploads = [upload for upload in request.files.getlist("files") if upload.filename]
    for upload in uploads:
        refuse_unknown(upload.filename or "")
    if faults or not isinstance(row, SheetRow):
        return None
    with here().engine.connect() as tx:
        case = _case(tx, row, given.get("item", ""), dates)
    if opened is not None:
        case = on_opened(case, opened)
    return _decide_with_files(case, uploads, new=opened is None)


def _row(given: Mapping[str, str]) -> SheetRow | list[Refusal]:
    """The form as a sheet of one row, read by the sheet's own rules."""
    natural = given.get("XK_XDR_LB") == "natural"
    values = {name: given.get(name, "").strip() for name in FIELDS}
    values["XK_XDR_LB"] = code_table("party_kind").get(values["XK_XDR_LB"], "")
    for name in ONLY_BODIES if natural else ONLY_NATURAL:
        values[name] = ""
    if given.get("long_term"):
        values["XK_YXQZI"] = "长期"
    values |= {"XK_ZT": "1", "XK_LYDW": values["XK_XKJG"], "XK_LYDWDM": values["XK_XKJGDM"]}
    header = find_header([(1, list(values))])
    return read_row(header, list(values.values()), 2, today=datetime.now(LOCAL).date())


def _by_field(refusals: Sequence[Refusal]) -> dict[str, str]:
    said: dict[str, str] = {}
    for refusal in refusals:
        name = next((code for code in FIELDS if f"（{code}）" in refusal.column), "")
        sentence = f"{refusal.cause}。{refusal.expected}"
        said[name] = (
            f"{said[name]} {sentence}"
            if name in said
            else sentence
            if name
            else f"{refusal.column}：{sentence}"
        )
    return said


def _date(text: str, name: str, faults: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        faults[name] = gettext("日期不正确。")
        return None


def _case(tx: Connection, row: SheetRow, item_code: str, dates: Mapping[str, date | None]) -> DecidedCase:
    now = datetime.now(UTC)
    case = decided_case(row, load_catalogue(tx, here().config.desk.area), loaded_at=now)
    item = tx.execute(
        select(ServiceItem.__table__).where(ServiceItem.code == item_code, ServiceItem.active)
    ).one_or_none()
    if item is None:
        raise Rejected(gettext("请选择事项。"))
    accepted = dates["accepted_on"] or dates["applied_on"]
    name = str(g.user.first_name)
    steps = [
        StepFacts(
            "决定", "通过", _at(row.decided_on), now, case.org_name, case.org_code, name, row.content[:500]
        )
    ]
    if accepted:
        if accepted > row.decided_on:
            raise Rejected(gettext("受理日期不能晚于决定日期。"))
        steps.insert(
            0, StepFacts("受理", "通过", _at(accepted), _at(accepted), case.org_name, case.org_code, name)
        )
    return replace(
        case,
        item_code=item.code,
        item_name=item.name,
        catalog_code=item.catalog_code or "",
        case_type=item.case_type,
        steps=tuple(steps),
        source="window",
        **dates,
    )


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=LOCAL).astimezone(UTC)


def _decide_with_files(
    case: DecidedCase, uploads: Sequence[FileStorage], *, new: bool
) -> tuple[str, tuple[str, ...]]:
    files = here().config.files
    if uploads and files is None:
        raise Rejected(gettext("本中心没有配置文件存储，不能上传材料。"))
    stored = []
    try:
        for upload in uploads:
            media_type = media_type_of(upload)
            stored.append((upload, files.put(upload.stream, media_type=media_type, max_size=LARGEST)))
        with here().engine.begin() as tx:
            departments = _write(tx, case, stored, new=new)
            standing = {bytes(file.sha256): standing_object(tx, file.sha256) for _upload, file in stored}
    except (
        HubError
    ):  # surely not committed; after any other failure the sweep decides, lest a file in use be deleted
        for _upload, file in stored:
            files.delete(file.object_name)
        raise
    for _upload, file in stored:  # the same bytes were stored before: keep one
        if standing[bytes(file.sha256)] != file.object_name:
            files.delete(file.object_name)
    return case.case_no, departments


def _write(
    tx: Connection, case: DecidedCase, stored: Sequence[tuple[FileStorage, Any]], *, new: bool
) -> tuple[str, ...]:
    desk = here().config.desk
    if new:
        _open(tx, case)
    for upload, file in stored:
        add_material(
            tx,
            case_no=case.case_no,
            name=(upload.filename or "material").replace("\\", "/").rsplit("/", 1)[-1][:120],
            media_type=file.media_type,
            stored=StoredFacts(file.sha256, file.object_name, file.size, file.wrapped_key),
            actor=actor(),
        )
    outcome = decide(tx, [case], desk, actor=actor())[0]
    if outcome.verdict != ACCEPTED:
        raise Conflict(
            gettext(
                "决定文书号 %(no)s 已被办件 %(case_no)s 使用。",
                no=case.decision.document_no,
                case_no=outcome.first_case_no,
            )
        )
    names = tx.execute(select(Department.name).where(Department.code.in_(outcome.departments))).scalars()
    return tuple(names)


def _open(tx: Connection, case: DecidedCase) -> None:
    if tx.scalar(select(Case.case_no).where(Case.case_no == case.case_no)):
        raise Conflict(
            gettext(
                "决定文书号 %(no)s 已经登记过（办件 %(case_no)s）。",
                no=case.decision.document_no,
                case_no=case.case_no,
            )
        )
    open_case(tx, case, here().config.desk, actor=actor())
