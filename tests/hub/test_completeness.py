"""Whether a package holds what its item asks for: flagged, held, checked again, released - and files that are not shown."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text, update

from hub.catalogue.draft_item import draft_item, set_header
from hub.catalogue.publish_item import publish_item
from hub.deciding.decide import decide
from hub.deciding.owed_rows import batch_notices
from hub.errors import Conflict, Denied, Rejected
from hub.exchange.outbox import BULK, OutboxRow
from hub.material import Material
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.push import Push, PushMove
from hub.pushing.release_push import check_again, complete_held, release_push
from hub.pushing.rules.draft_rule import draft_rule, save_rule
from hub.pushing.rules.publish_rule import publish_rule
from hub.read_file import read_file
from schemas import loads, violations
from storage.signing import Signer
from tests.hub.builders import a_case, packages
from tests.hub.catalogue_builders import FOOD, publish_sample_catalogue
from tests.hub.reuse_builders import accepted, decide_it, take

ACTOR = "user:admin"
MUST = {"must_steps": [{"name": "决定"}, {"name": "现场核查"}], "must_elements": ["XK_WSH", "XK_FRDB"]}


@pytest.fixture
def county(county: Engine) -> Engine:
    """The county with a catalogue, whose food permit asks for a step and an element that tests' decisions lack."""
    with county.begin() as tx:
        tx.execute(text("DELETE FROM service_items WHERE code = 'XK-001'"))
        publish_sample_catalogue(tx)
    return county


def ask_for(tx: Connection, must: dict[str, Any]) -> None:
    draft = draft_item(tx, FOOD, actor=ACTOR)
    set_header(tx, draft, must, actor=ACTOR)
    publish_item(tx, draft, actor=ACTOR)


def blocking(tx: Connection, department: str = "zhzf", **row: Any) -> None:
    rule_id = draft_rule(tx, None, actor=ACTOR)
    named = [{"department": department, **row}]
    save_rule(tx, rule_id, {"name": "等补齐", "incomplete": "block", "departments": named}, actor=ACTOR)
    publish_rule(tx, rule_id, actor=ACTOR)


def test_what_is_missing_is_named_in_the_package_on_the_push_and_to_who_approved(
    county: Engine, desk: Desk
) -> None:
    """Nothing is left out in silence: a decision that lacks a step and an element goes, and says so everywhere."""
    with county.begin() as tx:
        ask_for(tx, MUST)
        case_no, _materials = accepted(tx, desk)
        decide_it(tx, desk, case_no)
        event = loads(bytes(packages(tx, case_no)["scjg"].value))
        push = tx.execute(select(Push.state, Push.missing).where(Push.department == "scjg")).one()
        notice = tx.execute(select(*Notice.__table__.c)).one()

    names = [(one["kind"], one["name"]) for one in event["data"]["completeness"]["missing"]]
    assert violations("approval.decided.v1", event) == []
    assert names == [("step", "现场核查"), ("element", "法定代表人")]
    assert event["data"]["completeness"]["required"] >= 4
    assert (push.state, push.missing) == ("owed", event["data"]["completeness"]["missing"])
    assert (notice.audience, notice.department, notice.case_no) == ("approver", "xzsp", case_no)
    assert "环节：现场核查；要素：法定代表人" in notice.body


def test_many_at_once_are_told_in_one_notice(county: Engine, desk: Desk) -> None:
    """A load tells each approving body once, with how many; decided in bulk, no case is told by itself."""
    many = [a_case(n, item_code=FOOD, source="sheet") for n in (1, 2, 3)]
    with county.begin() as tx:
        found = [one.lacking for one in decide(tx, many, desk, actor=ACTOR, lane=BULK)]
        assert tx.execute(select(Notice.id)).all() == []
        (notice,) = batch_notices([one for one in found if one])
        why = tx.execute(select(Push.missing).limit(1)).scalar_one()

    assert found == [("xzsp", 0)] * 3
    assert (notice["title"], notice["department"]) == ("一批推送内容不完整：3 件", "xzsp")
    assert why
    assert {one["kind"] for one in why} == {"material"}
    assert why[0]["why"] == "决定随表格导入，没有附材料"


def test_a_rule_that_waits_holds_the_push_until_it_is_let_go(county: Engine, desk: Desk) -> None:
    """Held: no package, no clock, nothing in the outbox; released with a reason: signed, valid, withheld as ever, once."""
    with county.begin() as tx:
        ask_for(tx, MUST)
        blocking(tx, sign_days=2, masked=["elements.XK_XDR_MC"])
        case_no, _materials = accepted(tx, desk)
        decide_it(tx, desk, case_no)
        held = tx.execute(select(*Push.__table__.c).where(Push.state == "held")).one()
        assert set(packages(tx, case_no)) == {"scjg"}
        assert (held.department, held.sign_by, held.next_due_at) == ("zhzf", None, None)
        assert "法定代表人" in str(held.missing)
        assert b"XK_WSH" not in bytes(held.held_package)
        with pytest.raises(Rejected, match="理由"):
            release_push(tx, held.id, desk, actor=ACTOR, reason=" ")
        assert check_again(tx, case_no, desk).released == ()
        release_push(tx, held.id, desk, actor=ACTOR, reason="监管部门急需")
        with pytest.raises(Conflict, match="没有在等待"):
            release_push(tx, held.id, desk, actor=ACTOR, reason="监管部门急需")
        now = tx.execute(select(*Push.__table__.c).where(Push.id == held.id)).one()
        row = packages(tx, case_no)["zhzf"]
        move = tx.execute(select(PushMove.act, PushMove.actor, PushMove.reason)).one()
        left = tx.execute(select(OutboxRow.id).where(OutboxRow.key == case_no)).all()

    event = loads(bytes(row.value))
    assert violations("approval.decided.v1", event) == []
    assert tuple(move) == ("released", ACTOR, "监管部门急需")
    assert (now.state, now.held_package, len(left)) == ("owed", None, 2)
    assert now.sign_by is not None
    assert "*" in event["data"]["elements"]["XK_XDR_MC"]
    assert event["data"]["push"]["withheld"] == ["elements.XK_XDR_MC"]
    assert event["data"]["completeness"]["missing"] == now.missing
    assert event["id"] == str(held.event_id)


def test_a_missing_material_may_follow_a_held_push_and_sets_it_free(county: Engine, desk: Desk) -> None:
    """What a held push waits for may be handed in after the decision; the round of chores then lets it go, whole."""
    with county.begin() as tx:
        blocking(tx)
        case_no, materials = accepted(tx, desk)
        code, lost = next(iter(materials.items()))
        tx.execute(update(Material).where(Material.id == lost).values(state="revoked"))
        decide_it(tx, desk, case_no)
        assert tx.execute(select(Push.state).where(Push.department == "zhzf")).scalar() == "held"
        assert complete_held(tx, desk) == 0
        other = next(one for one in materials if one != code)
        with pytest.raises(Conflict, match="已经作出决定"):
            take(tx, case_no, other, content="again")
        found = take(tx, case_no, code, content="anew")
        assert complete_held(tx, desk) == 1
        assert complete_held(tx, desk) == 0
        now = tx.execute(select(Push.state, Push.missing).where(Push.department == "zhzf")).one()
        event = loads(bytes(packages(tx, case_no)["zhzf"].value))

    assert tuple(now) == ("owed", None)
    assert str(found) in {one["id"] for one in event["data"]["materials"]}
    assert event["data"]["completeness"]["missing"] == []


def test_a_material_that_is_left_out_is_not_read_either(
    county: Engine, desk: Desk, hub_signer: Signer
) -> None:
    """A department from whose package a file is left out is refused the file itself; another one gets it."""
    del hub_signer
    with county.begin() as tx:
        rule_id = draft_rule(tx, None, actor=ACTOR)
        case_no, materials = accepted(tx, desk)
        name = tx.execute(
            text(
                "SELECT r.name FROM materials m JOIN requirements r ON r.id = m.requirement_id WHERE m.id = :id"
            ),
            {"id": next(iter(materials.values()))},
        ).scalar_one()
        row = {"department": "zhzf", "left_out": [f"materials[{name}]"]}
        save_rule(tx, rule_id, {"name": "不给原件", "departments": [row]}, actor=ACTOR)
        publish_rule(tx, rule_id, actor=ACTOR)
        decide_it(tx, desk, case_no)
        shown = {
            code: {one["id"] for one in loads(bytes(row.value))["data"]["materials"]}
            for code, row in packages(tx, case_no).items()
        }
        material = next(iter(materials.values()))
        assert str(material) in shown["scjg"]
        assert str(material) not in shown["zhzf"]

        def read(department: str, token: str) -> Any:
            return read_file(
                tx, material, reader=f"department:{department}", department=department, token_id=token,
                stated_use="现场检查",
            )  # fmt: skip

        assert read("scjg", "t1").name
        with pytest.raises(Denied, match="不提供给本部门"):
            read("zhzf", "t2")
