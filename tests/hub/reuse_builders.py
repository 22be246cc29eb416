"""Cases at the window, materials, grants and licences for the tests of reuse, made by the real verbs where there is one."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from hub.add_material import StoredFacts, Taken, add_material
from hub.case import Case
from hub.catalogue.published import PublishedItem, RequirementLine, item_version
from hub.deciding.decide import decide
from hub.deciding.decided_case import DecidedCase, PartyFacts
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.list_of_case import list_of_case
from hub.reuse.match import Answer, Question, match
from hub.reuse.record_consent import record_consent
from hub.reuse.start_case import start_case
from hub.reuse.use_material import use_material
from hub.sharing.grant import Grant
from hub.workday import LOCAL
from tests.hub.builders import a_case
from tests.hub.catalogue_builders import FOOD, HEALTH, OFFICE

CLERK = "user:clerk"
SHOP = PartyFacts("legal", "示范县甲食品有限公司", "91370102MA3C00011F", "001", "张三")
PERSON = PartyFacts("natural", "李四", "990101199001010019", "111")


def today(desk: Desk) -> date:
    return desk.clock().astimezone(LOCAL).date()


def item_of(tx: Connection, case_no: str) -> PublishedItem:
    version = list_of_case(tx, case_no).version_id
    assert version is not None
    return item_version(tx, version)


def line_of(tx: Connection, case_no: str, code: str) -> RequirementLine:
    return next(line for line in item_of(tx, case_no).requirements if line.code == code)


def start(
    tx: Connection,
    desk: Desk,
    item: str = FOOD,
    *,
    party: PartyFacts = SHOP,
    department: str = OFFICE,
    actor: str = CLERK,
) -> str:
    return start_case(tx, item_code=item, party=party, department=department, desk=desk, actor=actor)


def take(tx: Connection, case_no: str, code: str, **known: Any) -> uuid.UUID:
    """A file taken for a line, as an upload ends."""
    line = line_of(tx, case_no, code)
    content = f"{case_no}|{code}|{known.pop('content', '')}".encode()
    sha256 = hashlib.sha256(content).digest()
    stored = StoredFacts(sha256, f"objects/{sha256.hex()}", len(content), b"key")
    taken = Taken(line.id, line.material_type, line.type_version, signature_state="none")
    return add_material(
        tx,
        case_no=case_no,
        name=known.pop("name", f"{line.name}.pdf"),
        media_type="application/pdf",
        stored=stored,
        actor=CLERK,
        taken=replace(taken, **known),
    )


def take_all(tx: Connection, case_no: str, *, but: tuple[str, ...] = ()) -> dict[str, uuid.UUID]:
    """Everything that the case requires, taken."""
    lines = [line for line in item_of(tx, case_no).requirements if line.required and line.code not in but]
    return {line.code: take(tx, case_no, line.code, **_fields(line)) for line in lines}


def _fields(line: RequirementLine) -> dict[str, Any]:
    values = {"address": "示范路 1 号", "capital": "100.00", "legal_name": "张三"}
    return {"fields": {one.name: {"text": values[one.name]} for one in line.fields if one.name in values}}


def accepted(tx: Connection, desk: Desk, item: str = FOOD, **how: Any) -> tuple[str, dict[str, uuid.UUID]]:
    """A case with everything handed in, accepted."""
    case_no = start(tx, desk, item, **how)
    materials = take_all(tx, case_no)
    accept_case(tx, case_no, desk, actor=CLERK)
    return case_no, materials


def decide_it(tx: Connection, desk: Desk, case_no: str, number: int = 1, **changes: Any) -> DecidedCase:
    """The decision on an accepted case, with a licence."""
    row = tx.execute(select(Case.__table__).where(Case.case_no == case_no)).one()
    case = a_case(
        number,
        area=desk.area,
        case_no=case_no,
        party=changes.pop("party", SHOP),
        item_code=row.item_code,
        org_code=row.org_code,
        **changes,
    )
    decide(tx, [case], desk, actor=CLERK)
    return case


def grant(
    tx: Connection, code: str, *, kind: str = "material", department: str = HEALTH, **changes: Any
) -> uuid.UUID:
    """A grant as it stands after its workflow."""
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "resource_kind": kind,
        "resource_code": code,
        "department": department,
        "provider": OFFICE,
        "sharing": "conditional",
        "basis": "依据",
        "scene": "场景",
        "scope": "范围",
        "period_from": date(2026, 1, 1),
        "period_to": date(2026, 12, 31),
        "state": "granted",
        "applied_by": "user:test",
        "reply_by": date(2026, 1, 15),
    }
    tx.execute(insert(Grant).values(**{**values, **changes}))
    return uuid.UUID(str({**values, **changes}["id"]))


def answers(tx: Connection, desk: Desk, case_no: str, *, on: date | None = None) -> Mapping[str, Answer]:
    """What match says of a case, by the codes of the lines."""
    row = tx.execute(
        select(Case.party_id, Case.item_version_id, Case.department).where(Case.case_no == case_no)
    ).one()
    question = Question(row.party_id, row.item_version_id, row.department, on or today(desk), case_no)
    return {answer.requirement.code: answer for answer in match(tx, question)}


def use(
    tx: Connection, desk: Desk, case_no: str, code: str, source_id: uuid.UUID, kind: str = "material"
) -> uuid.UUID:
    return use_material(
        tx,
        case_no=case_no,
        requirement_id=line_of(tx, case_no, code).id,
        source_kind=kind,
        source_id=source_id,
        purpose="办理本事项",
        actor=CLERK,
        desk=desk,
    )


def consent(tx: Connection, desk: Desk, case_no: str) -> uuid.UUID:
    return record_consent(
        tx, case_no=case_no, way="signed", given_by="张三", note=None, actor=CLERK, desk=desk
    )


def days(count: int) -> timedelta:
    return timedelta(days=count)
