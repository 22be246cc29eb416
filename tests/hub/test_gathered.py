"""What was gathered at the window travels in the package: reuse, promises, the form; a case not accepted is not decided."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Connection, Engine, insert, text, update

from hub.add_material import StoredFacts, Taken, add_material
from hub.case import Case
from hub.catalogue.item_version import ItemVersion, Requirement
from hub.catalogue.material_type import MaterialType
from hub.deciding.decide import decide
from hub.deciding.decided_case import PartyFacts
from hub.errors import Conflict
from hub.material import Material
from hub.open_case import open_case
from hub.ports import Desk
from hub.reuse.case_field import CaseField
from hub.reuse.deferral import Deferral
from hub.reuse.material_use import MaterialUse
from schemas import loads, violations
from tests.hub.builders import NOW, a_case, decided, packages

pytestmark = pytest.mark.usefixtures("county")


def _requirements(tx: Connection) -> tuple[uuid.UUID, uuid.UUID]:
    version = uuid.uuid4()
    tx.execute(insert(MaterialType).values(code="YYZZ", name="营业执照复印件"))
    tx.execute(insert(ItemVersion).values(id=version, item_code="XK-001", number=3, created_by="user:test"))
    lines = (uuid.uuid4(), uuid.uuid4())
    for seq, (id_, name) in enumerate(zip(lines, ("营业执照", "健康证明"), strict=True)):
        tx.execute(
            insert(Requirement).values(
                id=id_, version_id=version, code=f"M{seq}", seq=seq, name=name, material_type="YYZZ"
            )
        )
    tx.execute(
        update(ItemVersion)
        .where(ItemVersion.id == version)
        .values(state="published", published_at=NOW, published_by="user:test")
    )
    return lines


def test_a_package_tells_what_was_reused_promised_and_filled_in(engine: Engine, desk: Desk) -> None:
    """A case from the window carries its uses, its open promises and its form; the schema and the version agree."""
    earlier = decided(engine, desk)[0]
    case = a_case(2, area=desk.area, party=earlier.party)
    source = uuid.uuid4()
    with engine.begin() as tx:
        licence, promised = _requirements(tx)
        open_case(tx, case, desk, actor="user:test")
        party_id, version_id = tx.execute(
            text("select party_id, (select id from item_versions) from cases where case_no = :no"),
            {"no": case.case_no},
        ).one()
        tx.execute(update(Case).where(Case.case_no == case.case_no).values(item_version_id=version_id))
        tx.execute(
            insert(Material).values(
                id=source, party_id=party_id, origin="supplied", name="企业登记信息", media_type="application/json",
                fields={"address": {"text": "示范县样例路1号"}, "holder": {"masked": "990101********0019", "sealed": "x"}},
            )
        )  # fmt: skip
        tx.execute(
            insert(MaterialUse).values(
                id=uuid.uuid4(), case_no=case.case_no, requirement_id=licence, source_kind="material", material_id=source,
                source_name="企业登记信息", resource_kind="material", resource_code="YYZZ", purpose="办理本次申请",
                used_by="user:test",
            )
        )  # fmt: skip
        tx.execute(
            insert(Deferral).values(
                id=uuid.uuid4(), case_no=case.case_no, requirement_id=promised, promised_until=date(2026, 10, 9),
                promised_by="示例甲", recorded_by="user:test",
            )
        )  # fmt: skip
        tx.execute(
            insert(CaseField).values(
                case_no=case.case_no, name="address", value={"text": "示范县样例路1号"}, source_kind="material",
                source_name="企业登记信息", source_date=date(2026, 9, 1), set_by="user:test",
            )
        )  # fmt: skip
    with engine.begin() as tx:
        assert decide(tx, [case], desk, actor="user:test")[0].departments
        for package in packages(tx, case.case_no).values():
            event = loads(bytes(package.value))
            assert violations("approval.decided.v1", event) == []
            data = event["data"]
            assert data["case"]["task_version"] == "3"
            assert [(use["requirement"], use["source_no"]) for use in data["reused"]] == [
                ("营业执照", str(source))
            ]
            assert data["reused"][0]["fields"] == {
                "address": "示范县样例路1号",
                "holder": "990101********0019",
            }
            assert [(one["material_name"], one["promised_until"]) for one in data["promised"]] == [
                ("健康证明", "2026-10-09")
            ]
            assert data["form"][0]["source_date"] == "2026-09-01"


@pytest.mark.parametrize(("state", "sentence"), [("preparing", "没有受理"), ("withdrawn", "已经撤回")])
def test_a_case_that_is_not_accepted_is_not_decided(
    engine: Engine, desk: Desk, state: str, sentence: str
) -> None:
    """A decision on a case still preparing, or withdrawn, is refused with what to do, and nothing is written."""
    case = a_case(1, area=desk.area)
    with engine.begin() as tx:
        open_case(tx, case, desk, actor="user:test")
        tx.execute(update(Case).values(state=state))
    with engine.begin() as tx, pytest.raises(Conflict, match=sentence):
        decide(tx, [case], desk, actor="user:test")
    with engine.connect() as tx:
        assert packages(tx, case.case_no) == {}


def test_a_decision_for_somebody_else_is_refused(engine: Engine, desk: Desk) -> None:
    """The decision's party must be the party the case was opened for."""
    case = a_case(1, area=desk.area)
    with engine.begin() as tx:
        open_case(tx, case, desk, actor="user:test")
    other = replace(case, party=PartyFacts("legal", "示范县另一家有限公司", "91370102MA3C00011F", "001"))
    with engine.begin() as tx, pytest.raises(Conflict, match="不是同一个"):
        decide(tx, [other], desk, actor="user:test")


def test_what_was_promised_may_follow_the_decision(engine: Engine, desk: Desk) -> None:
    """After the decision only a material that was promised is taken, for its own line; not one more of what is there."""
    case = a_case(1, area=desk.area)
    stored = StoredFacts(hashlib.sha256(b"a").digest(), "files/a", 1, b"key")

    def hand_in(tx: Connection, line: uuid.UUID) -> uuid.UUID:
        return add_material(
            tx,
            case_no=case.case_no,
            name="健康证明.pdf",
            media_type="application/pdf",
            stored=stored,
            actor="user:test",
            taken=Taken(line, "YYZZ", 1),
        )

    with engine.begin() as tx:
        other, promised = _requirements(tx)
        open_case(tx, case, desk, actor="user:test")
        hand_in(tx, other)
        tx.execute(
            insert(Deferral).values(
                id=uuid.uuid4(), case_no=case.case_no, requirement_id=promised, promised_until=date(2026, 10, 9),
                promised_by="示例甲", recorded_by="user:test",
            )
        )  # fmt: skip
        decide(tx, [case], desk, actor="user:test")
    with engine.begin() as tx, pytest.raises(Conflict, match="承诺补交的除外"):
        hand_in(tx, other)
    with engine.begin() as tx:
        hand_in(tx, promised)
    with engine.connect() as tx:
        assert tx.execute(text("select state from materials")).scalars().all() == ["usable", "usable"]
