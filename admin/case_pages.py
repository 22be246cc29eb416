"""办件: the list of cases, and the trace of one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy import Connection as Tx
from sqlalchemy.orm import aliased

from admin import cells
from admin.advice.speaking import speaks
from admin.listing import Choice, Column, Listing, words
from admin.pages import ExportedList
from admin.premises import actor, here, may, own_department
from admin.sharing.people import clock
from admin.tracing.lanes import choices, lanes
from admin.tracing.shown import timeline
from hub.case import Case, Decision
from hub.department import Department
from hub.errors import Denied
from hub.item import ServiceItem
from hub.licensing.licence import Licence
from hub.licensing.living.operation import LicenceOperation
from hub.material import StoredObject
from hub.party import Party
from hub.pushing.push import Push
from hub.tracing.trace import Trace, Viewer, trace


def _query() -> Select[Any]:
    licence = (
        select(Licence.number)
        .where(Licence.case_no == Case.case_no)
        .order_by(Licence.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Case.case_no,
            Case.name,
            Case.standing,
            Case.source,
            Case.created_at,
            Case.org_name,
            Party.name.label("party"),
            ServiceItem.name.label("item"),
            Decision.document_no,
            Decision.decided_on,
            licence.label("licence"),
        )
        .select_from(Case)
        .join(Party, Party.id == Case.party_id)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
        .outerjoin(Decision, Decision.case_no == Case.case_no)
    )


def items(tx: Tx) -> list[tuple[str, Any]]:
    """Every item, for a filter."""
    rows = tx.execute(select(ServiceItem.code, ServiceItem.name).order_by(ServiceItem.name))
    return [(row.code, row.name) for row in rows]


def _standings(tx: Tx) -> list[tuple[str, Any]]:
    return [*words("standing")(tx), ("any", gettext("需要关注"))]


def _trace(row: Any) -> str:
    return url_for("CaseView.show", case_no=row.case_no)


LISTING = Listing(
    title=_("办件"),
    query=_query,
    columns=(
        Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), Case.case_no, narrow=True),
        Column(
            "standing",
            _("状态"),
            lambda r: cells.word("standing", r.standing),
            Case.standing,
            lambda r: cells.word_text("standing", r.standing),
            narrow=True,
        ),
        Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 17), Party.name, narrow=True),
        Column("item", _("事项"), lambda r: cells.clip(r.item, 14), ServiceItem.name),
        Column(
            "document_no",
            _("决定文书号"),
            lambda r: cells.clip(r.document_no, 22),
            Decision.document_no,
            wider=True,
        ),
        Column("licence", _("证照编号"), lambda r: cells.mono(r.licence)),
        Column("decided_on", _("决定日期"), lambda r: cells.day(r.decided_on), Decision.decided_on),
        Column("created_at", _("入库时间"), lambda r: cells.when(r.created_at), Case.created_at, wider=True),
    ),
    order=(Case.created_at.desc(), Case.case_no),
    search=(
        Case.case_no,
        Party.name,
        Party.code_masked,
        ServiceItem.name,
        Decision.document_no,
        select(Licence.number)
        .where(Licence.case_no == Case.case_no)
        .order_by(Licence.id)
        .limit(1)
        .scalar_subquery(),
    ),
    search_hint=_("办件编号、相对人、统一社会信用代码、决定文书号、证照编号"),
    choices=(
        Choice("standing", _("状态"), Case.standing, _standings, {"any": lambda: Case.standing != "clear"}),
        Choice("item", _("事项"), Case.item_code, items),
        Choice("source", _("来源"), Case.source, words("source")),
    ),
    day=(_("入库日期"), Case.created_at),
    href=_trace,
    empty=_("还没有办件。可从“数据导入”导入双公示表格，或用“登记审批决定”登记一件。"),
)


def pushed_to_own_department(case_no: Any) -> tuple[ColumnElement[bool], ...]:
    """Confines a department's user to the cases that were pushed to it, and to those it handles itself."""
    mine = own_department()
    if mine is None:
        return ()
    pushed = exists().where(Push.case_no == case_no, Push.department == mine, Push.state != "held")
    own = aliased(Case)
    return (or_(pushed, exists().where(own.case_no == case_no, own.department == mine)),)


def viewer(tx: Tx, case_no: str) -> Viewer:
    """The signed-in user. A department that handles the case sees all of it; another only what is its own."""
    mine = own_department()
    handles = mine is None or tx.scalar(select(Case.department).where(Case.case_no == case_no)) == mine
    return Viewer(actor(), None if handles else mine)


def check_confined(tx: Tx, case_no: str) -> None:
    """Raises Denied where the case is none of the signed-in user's department."""
    for condition in pushed_to_own_department(Case.case_no):
        if not tx.scalar(select(Case.case_no).where(Case.case_no == case_no, condition)):
            raise Denied(gettext("办件 %(case_no)s 没有推送给您所在的部门，不能查看。", case_no=case_no))


def traced(tx: Tx, case_no: str) -> Trace:
    """Everything about a case that the signed-in user may see. Raises NotFound or Denied."""
    found = trace(tx, case_no, area=here().config.desk.area, viewer=viewer(tx, case_no))
    check_confined(tx, case_no)
    return found


class CaseView(ExportedList):
    """办件."""

    route_base = "/cases"
    listing = LISTING

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees what was pushed to the department."""
        return pushed_to_own_department(Case.case_no)

    @expose("/<case_no>")
    @has_access
    @permission_name("show")
    def show(self, case_no: str) -> str:
        """The trace of one case: everything, in order of time."""
        with here().engine.connect() as tx:
            found = traced(tx, case_no)
            sizes = _sizes(tx, found.materials)
            item = tx.scalar(select(ServiceItem.name).where(ServiceItem.code == found.case["item_code"]))
            names = dict(tx.execute(select(Department.code, Department.name)).all())
            operations = _operations(tx, [licence["id"] for licence in found.licences])
            how = speaks(tx, case_no, pushed=bool(found.pushes))
        return self.page(
            "trace.html",
            title=_("办件追溯"),
            trace=found,
            sizes=sizes,
            item=item,
            names=names,
            operations=operations,
            now=datetime.now(UTC),
            can_read=may("can_read", "FileView"),
            speaks=how,
            once=uuid.uuid4,
            advice_clock=clock,
            picture=lanes(found.lines, names),
            timeline=timeline(found, names, links=may("can_verify", "TraceView")),
            **choices(found.lines, names),
        )


def _operations(tx: Tx, licences: list[Any]) -> dict[Any, list[Any]]:
    """What was done to these licences, the latest first."""
    found: dict[Any, list[Any]] = {}
    query = select(*LicenceOperation.__table__.c).where(LicenceOperation.licence_id.in_(licences))
    for row in tx.execute(query.order_by(LicenceOperation.at.desc()).limit(200)) if licences else ():
        found.setdefault(row.licence_id, []).append(row)
    return found


def _sizes(tx: Tx, materials: tuple[dict[str, Any], ...]) -> dict[bytes, int]:
    if not materials:
        return {}
    wanted = [material["sha256"] for material in materials]
    rows = tx.execute(select(StoredObject.sha256, StoredObject.size).where(StoredObject.sha256.in_(wanted)))
    return {bytes(row.sha256): row.size for row in rows}
