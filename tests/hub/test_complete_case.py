"""What a held push lacks is filled in by the department that approved: files, reuse, steps, elements - and the push goes."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, select, update

from hub.case import Step
from hub.deciding.decide import decide
from hub.errors import Conflict, Denied, Rejected
from hub.exchange.outbox import OutboxRow
from hub.material import Material
from hub.ports import Desk
from hub.pushing.complete_case import Completion, StepDone, complete_case
from hub.pushing.push import Push
from hub.pushing.release_push import check_again, complete_held
from hub.reuse.list_of_case import list_of_case
from hub.reuse.use_material import use_material
from hub.take_upload import Announced, begin_upload
from hub.upload_rules import IntakeRules
from schemas import loads, violations
from tests.hub.builders import a_case
from tests.hub.catalogue_builders import FOOD
from tests.hub.reuse_builders import accepted, decide_it, line_of, take
from tests.hub.test_completeness import MUST, ask_for, blocking, county

__all__ = ["county"]
ACTOR = "user:approver"


def held(tx: Connection) -> list[str]:
    return list(tx.execute(select(Push.department).where(Push.state == "held")).scalars())


def newest(tx: Connection, case_no: str, department: str) -> bytes:
    """What this department was sent last."""
    rows = tx.execute(
        select(OutboxRow.topic, OutboxRow.value).where(OutboxRow.key == case_no).order_by(OutboxRow.id)
    )
    return [bytes(row.value) for row in rows if row.topic.split(".")[1] == department][-1]


def visit(desk: Desk, **changes: object) -> StepDone:
    begun = desk.clock() - timedelta(days=1)
    return replace(StepDone("现场核查", "通过", "李核查", begun, opinion="符合条件"), **changes)  # type: ignore[arg-type]


def decided(tx: Connection, desk: Desk) -> str:
    """A decision that lacks a step and an element; one department waits, another has it with what is missing named."""
    ask_for(tx, MUST)
    blocking(tx)
    case_no, _materials = accepted(tx, desk)
    decide_it(tx, desk, case_no)
    return case_no


def test_what_is_filled_in_sets_the_push_free_and_reaches_who_has_the_decision_already(
    county: Engine, desk: Desk
) -> None:
    """Half of it leaves the push held and says what is left; the rest lets it go, whole; the others are corrected."""
    with county.begin() as tx:
        case_no = decided(tx, desk)
        half = complete_case(tx, case_no, Completion({"XK_FRDB": "张三"}), desk, actor=ACTOR)
        assert ([one["name"] for one in half.missing], half.released) == (["现场核查"], ())
        assert held(tx) == ["zhzf"]
        done = complete_case(tx, case_no, Completion(steps=[visit(desk)]), desk, actor=ACTOR)
        assert (len(done.released), done.missing) == (1, ())
        mine = loads(newest(tx, case_no, "zhzf"))
        others = loads(newest(tx, case_no, "scjg"))
        kept = tx.execute(select(Step.name, Step.handled_by).where(Step.case_no == case_no)).all()
        lacking = tx.execute(select(Push.missing)).scalars().all()

    for event in (mine, others):
        assert violations(event["type"], event) == []
        assert event["data"]["elements"]["XK_FRDB"] == "张三"
        assert event["data"]["steps"][-1]["process_name"] == "现场核查"
        assert event["data"]["completeness"]["missing"] == []
    assert others["data"]["correction"]["changed"] == ["steps[现场核查]"]
    assert ("现场核查", "李核查") in [tuple(one) for one in kept]
    assert lacking == [None, None]


def test_only_what_is_missing_is_taken_once_and_as_it_can_be(county: Engine, desk: Desk) -> None:
    """A second filling in, a thing nobody waits for, a step from the future, an element of somebody else: refused."""
    with county.begin() as tx:
        case_no = decided(tx, desk)

        def fill(*steps: StepDone, **elements: str) -> None:
            complete_case(tx, case_no, Completion(elements, steps), desk, actor=ACTOR)

        with pytest.raises(Rejected, match="还没有填写"):
            fill(XK_FRDB="  ")
        with pytest.raises(Conflict, match="没有在等待“XK_NR”"):
            fill(XK_NR="别的")
        with pytest.raises(Rejected, match="还没有到"):
            fill(visit(desk, started_at=desk.clock() + timedelta(hours=1)))
        with pytest.raises(Rejected, match="办理人"):
            fill(visit(desk, handled_by=" "))
        with pytest.raises(Rejected, match="填了两次"):
            fill(visit(desk), visit(desk))
        fill(visit(desk), XK_FRDB="张三")
        with pytest.raises(Conflict, match="可能刚刚由他人补齐"):
            fill(visit(desk), XK_FRDB="李四")
        assert held(tx) == []


def test_a_material_on_file_is_reused_for_a_held_push(county: Engine, desk: Desk) -> None:
    """Only for the line that is waited for; the chores then let the push go with the reuse named in it."""
    with county.begin() as tx:
        blocking(tx)
        case_no, materials = accepted(tx, desk)
        _other, on_file = accepted(tx, desk)
        code, lost = next(iter(materials.items()))
        tx.execute(update(Material).where(Material.id == lost).values(state="revoked"))
        decide_it(tx, desk, case_no)

        def reuse(of: str) -> uuid.UUID:
            return use_material(
                tx, case_no=case_no, requirement_id=line_of(tx, case_no, of).id, source_kind="material",
                source_id=on_file[of], purpose="补齐推送", actor=ACTOR, desk=desk,
            )  # fmt: skip

        with pytest.raises(Conflict, match="已经作出决定"):
            reuse(next(one for one in materials if one != code))
        used = reuse(code)
        assert complete_held(tx, desk) == 1
        event = loads(newest(tx, case_no, "zhzf"))

    assert [one["id"] for one in event["data"]["reused"]] == [str(used)]
    assert event["data"]["completeness"]["missing"] == []


def test_a_case_from_a_sheet_takes_what_its_push_waits_for(county: Engine, desk: Desk) -> None:
    """It has no list of its own: the version in force is it while a push waits; only its own department adds to it."""
    with county.begin() as tx:
        blocking(tx)
        case = a_case(1, item_code=FOOD, source="sheet")
        decide(tx, [case], desk, actor=ACTOR)
        (missing,) = tx.execute(select(Push.missing).where(Push.state == "held")).scalars()
        asked = list_of_case(tx, case.case_no)
        assert (asked.version_id is not None, asked.department) == (True, "xzsp")
        codes = [str(one["code"]) for one in missing or ()]
        line = line_of(tx, case.case_no, codes[0])
        announced = Announced(case.case_no, line.id, "营业执照.pdf", 10)
        with pytest.raises(Denied, match="不由本部门"):
            begin_upload(tx, announced, IntakeRules(), desk, actor=ACTOR, department="scjg")
        with pytest.raises(Rejected, match="只收"):
            begin_upload(
                tx, replace(announced, file_name="a.exe"), IntakeRules(), desk, actor=ACTOR, department="xzsp"
            )
        for code in codes:
            assert held(tx) == ["zhzf"]
            take(tx, case.case_no, code)
            check_again(tx, case.case_no, desk)
        assert held(tx) == []
        assert list_of_case(tx, case.case_no).version_id is None
