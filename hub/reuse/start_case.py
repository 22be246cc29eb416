"""Start a case at the window: a party and a published item get a number, and materials can be gathered.

Guarantees: the number (area, local day, six digits) is unique, also twice at once, and never one that a sheet makes; a
person's number is sealed on the way in. The same clerk starting the same thing again finds the case that is being
prepared instead of a second one. Promises nothing to anybody: `accept_case` does.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection, insert, select, text

from hub.case import Case
from hub.catalogue.published import PublishedItem, published_item
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import party_id, party_rows
from hub.department import Department
from hub.errors import Denied, NotFound, Rejected
from hub.identifiers import citizen_number_fault, uscc_fault
from hub.ledger import Entry, record
from hub.party import PARTY_KINDS, Party
from hub.ports import Desk
from hub.round_trips import write
from hub.sheets.sheet_case import NAMED
from hub.workday import LOCAL

USCC, CITIZEN = "001", "111"
LONGEST_NAME = 200


def start_case(
    tx: Connection, *, item_code: str, party: PartyFacts, department: str, desk: Desk, actor: str
) -> str:
    """The number of the case. Raises NotFound, Denied or Rejected with what to do."""
    today = desk.clock().astimezone(LOCAL).date()
    party = _checked(party, today)
    item = published_item(tx, item_code)
    body = _approving(tx, department)
    write(tx, party_rows([party], desk))
    of_party = party_id(party, desk)
    # One at a time for one party: the second of two clicks finds the case of the first.
    tx.execute(select(Party.id).where(Party.id == of_party).with_for_update(key_share=True))
    preparing = _preparing(tx, of_party, item, department, actor)
    if preparing:
        return preparing
    case_no = _number(tx, desk.area, today)
    name = str(item.header.get("name") or item.item_code)
    tx.execute(
        insert(Case).values(
            case_no=case_no,
            name=f"{party.name} {name}",
            item_code=item.item_code,
            party_id=of_party,
            org_code=body.uscc or NAMED + body.name,
            org_name=body.name,
            area_code=desk.area,
            applied_on=today,
            state="preparing",
            department=department,
            item_version_id=item.version_id,
            taken_by=actor,
            source="window",
        )
    )
    detail = {"item": item.item_code, "version": item.number, "department": department}
    record(tx, Entry(actor, "case.started", f"case:{case_no}", case_no, detail=detail))
    return case_no


def _checked(party: PartyFacts, today: date) -> PartyFacts:
    """The party with a tidy name and number. A refusal never repeats a person's number."""
    name = " ".join(party.name.split())
    code = "".join((party.code or "").split()).upper() or None
    if not name or len(name) > LONGEST_NAME:
        raise Rejected(f"请填写行政相对人的名称，至多 {LONGEST_NAME} 字。")
    if party.kind not in PARTY_KINDS:
        raise Rejected("请选择行政相对人的类别：法人、自然人或个体工商户。")
    if code is None:
        raise Rejected("请填写统一社会信用代码或证件号码，否则以后无法查到其已有材料。")
    fault = None
    if party.code_type == USCC:
        fault = uscc_fault(code)
    elif party.code_type == CITIZEN:
        fault = citizen_number_fault(code, today=today)
    if fault:
        raise Rejected(f"{fault}。请对照证件核对。")
    return replace(party, name=name, code=code)


def _approving(tx: Connection, code: str) -> Department:
    row = tx.execute(
        select(Department.name, Department.uscc, Department.active, Department.roles).where(
            Department.code == code
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有代码为 {code} 的部门。请数据管理员在“部门”中登记。")
    if not row.active:
        raise Denied(f"{row.name}已停用，不能收件。请联系数据管理员。")
    if "approving" not in row.roles:
        raise Denied(f"{row.name}不是审批部门，不能收件。请数据管理员在“部门”中加上审批职责。")
    return Department(code=code, name=row.name, uscc=row.uscc)


def _preparing(
    tx: Connection, of_party: uuid.UUID, item: PublishedItem, department: str, actor: str
) -> str | None:
    found: str | None = tx.execute(
        select(Case.case_no)
        .where(
            Case.party_id == of_party,
            Case.item_version_id == item.version_id,
            Case.department == department,
            Case.taken_by == actor,
            Case.state == "preparing",
        )
        .order_by(Case.case_no)
        .limit(1)
    ).scalar()
    return found


def _number(tx: Connection, area: str, today: date) -> str:
    """A number that nobody has. The serial runs round after a million: a number already taken is passed over."""
    for _ in range(1000):
        serial = tx.execute(text("SELECT nextval('case_serial')")).scalar_one()
        case_no = f"{area}{today:%Y%m%d}{serial:06d}"
        if tx.execute(select(Case.case_no).where(Case.case_no == case_no)).first() is None:
            return case_no
    raise Rejected("今天的办件编号已经用完。请明天再收件，或联系数据管理员。")
