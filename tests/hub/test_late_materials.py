"""A material that comes after the decision reaches those who have the decision already, once, as they may see it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text, update

from hub.deciding.brought import brought
from hub.deciding.revision import DecisionRevision
from hub.deciding.withdraw_decision import withdraw_decision
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.material import Material
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.complete_case import Completion, complete_case
from hub.pushing.push import Push
from hub.pushing.reassign_push import reassign_push
from hub.pushing.release_push import check_again, complete_held
from hub.pushing.rules.draft_rule import draft_rule, save_rule
from hub.pushing.rules.publish_rule import publish_rule
from hub.pushing.send_late import send_late
from hub.pushing.take_back_late import take_back_late, unsent_files
from hub.reuse.accept_case import accept_case
from hub.reuse.promise_deferral import promise_deferral, settle_deferral
from hub.reuse.use_material import use_material
from hub.tracing.trace import Viewer, trace
from schemas import loads, violations
from tests.hub.push_builders import BY, data_of, packages_of, unsigned
from tests.hub.reuse_builders import CLERK, accepted, days, decide_it, line_of, start, take, take_all, today
from tests.hub.test_complete_case import visit
from tests.hub.test_completeness import MUST, ask_for, blocking, county

__all__ = ["county"]
ACTOR = "user:approver"
CORRECTED = "approval.corrected.v1"
BOTH = ("示范县市场监督管理局", "示范县综合行政执法局")


def flagged(tx: Connection, desk: Desk, *lost: str) -> str:
    """A decision that went without these materials."""
    case_no, materials = accepted(tx, desk)
    ids = [materials[code] for code in lost]
    tx.execute(update(Material).where(Material.id.in_(ids)).values(state="revoked"))
    decide_it(tx, desk, case_no)
    return case_no


def promised(tx: Connection, desk: Desk) -> str:
    """A decision that went while a material may follow."""
    case_no = start(tx, desk)
    take_all(tx, case_no, but=("M06",))
    promise_deferral(
        tx, case_no=case_no, requirement_id=line_of(tx, case_no, "M06").id, until=today(desk) + days(1),
        promised_by="张三", actor=CLERK, desk=desk,
    )  # fmt: skip
    accept_case(tx, case_no, desk, actor=CLERK)
    decide_it(tx, desk, case_no)
    return case_no


def hide(tx: Connection, *paths: str, department: str = "zhzf") -> None:
    """One of the two departments does not get these."""
    rule_id = draft_rule(tx, None, actor=ACTOR)
    row = {"department": department, "left_out": list(paths)}
    save_rule(tx, rule_id, {"name": "不给原件", "departments": [row]}, actor=ACTOR)
    publish_rule(tx, rule_id, actor=ACTOR)


def files(data: dict[str, Any]) -> set[str]:
    return {one["id"] for one in data["materials"]}


def sent(tx: Connection, case_no: str) -> dict[str, dict[str, Any]]:
    """The newest correction that each department was sent; each is valid."""
    found = packages_of(tx, case_no, CORRECTED)
    for row in found.values():
        assert violations(CORRECTED, loads(bytes(row.value))) == []
    return {code: data_of(row) for code, row in found.items()}


def test_what_was_missing_reaches_who_has_the_decision_when_the_last_of_it_is_there(
    county: Engine, desk: Desk
) -> None:
    """Not after the first of two files; then all in one correction, which everybody signs for once, and never again."""
    with county.begin() as tx:
        case_no = flagged(tx, desk, "M01", "M03")
        first = take(tx, case_no, "M01", content="anew", name="扫描件1.pdf")
        assert check_again(tx, case_no, desk).corrected == ()
        assert sent(tx, case_no) == {}
        second = take(tx, case_no, "M03", content="anew", name="扫描件2.pdf")
        assert check_again(tx, case_no, desk, actor=ACTOR).corrected == BOTH
        assert check_again(tx, case_no, desk).corrected == ()
        found = sent(tx, case_no)
        names = [line_of(tx, case_no, code).name for code in ("M01", "M03")]
        missing = tx.execute(select(Push.missing, Push.unsigned_revision)).all()
        revisions = tx.execute(select(DecisionRevision.reason, DecisionRevision.after)).all()
        entry = tx.execute(
            select(LedgerRow.actor, LedgerRow.reason).where(LedgerRow.action == "decision.corrected")
        )
        assert unsigned(tx) == {"scjg": 1, "zhzf": 1}
        titles = tx.execute(select(Notice.title).where(Notice.title.contains("须重新签收"))).scalars().all()
        with pytest.raises(Conflict, match="已经作出决定"):
            take(tx, case_no, "M03", content="once more")

    assert len(titles) == 2
    assert all(one.startswith("决定的材料已补来") for one in titles)
    reason = f"补齐推送包缺少的内容：材料：{names[0]}、{names[1]}"
    assert set(found) == {"scjg", "zhzf"}
    for data in found.values():
        assert {str(first), str(second)} < files(data)
        assert data["completeness"]["missing"] == []
        assert data["correction"]["changed"] == [f"materials[{name}]" for name in names]
        assert data["correction"]["reason"] == reason
    assert [tuple(row) for row in missing] == [(None, True), (None, True)]
    assert [row.reason for row in revisions] == [reason]
    assert revisions[0].after[f"materials[{names[0]}]"] == "扫描件1.pdf"
    assert [tuple(row) for row in entry] == [(ACTOR, reason)]


def test_who_may_not_see_a_file_does_not_get_it_late_either(county: Engine, desk: Desk) -> None:
    """By the line that it was taken for, whatever the file is called: neither its row nor its name; the others get it."""
    with county.begin() as tx:
        case_no, materials = accepted(tx, desk)
        name = line_of(tx, case_no, "M03").name
        hide(tx, f"materials[{name}]")
        tx.execute(update(Material).where(Material.id == materials["M03"]).values(state="revoked"))
        decide_it(tx, desk, case_no)
        late = take(tx, case_no, "M03", content="anew", name="扫描件.pdf")
        check_again(tx, case_no, desk)
        found = sent(tx, case_no)
        assert check_again(tx, case_no, desk).corrected == ()

    assert str(late) in files(found["scjg"])
    assert str(late) not in files(found["zhzf"])
    assert "扫描件.pdf" not in str(found["zhzf"])
    assert found["zhzf"]["correction"]["changed"] == []
    with county.connect() as tx:
        seen = {
            code: trace(tx, case_no, area=desk.area, viewer=Viewer("user:test", code))
            for code in ("scjg", "zhzf")
        }
    assert [code for code, one in seen.items() if "扫描件.pdf" in str(one.lines)] == ["scjg"]
    assert [code for code, one in seen.items() if late in {row["id"] for row in one.materials}] == ["scjg"]
    assert found["zhzf"]["completeness"]["missing"] == []


def test_who_is_given_the_push_later_is_corrected_as_well_and_sees_no_more_than_it_may(
    county: Engine, desk: Desk
) -> None:
    """What the package lacked stands on the new push, too; a file is withheld from it by its line, whatever its name is."""
    with county.begin() as tx:
        tx.execute(
            text("UPDATE push_rules SET state = 'superseded' WHERE name = '全部推送示范县综合行政执法局'")
        )
        case_no, materials = accepted(tx, desk)
        hidden = line_of(tx, case_no, "M03")
        tx.execute(update(Material).where(Material.id == materials["M01"]).values(state="revoked"))
        tx.execute(update(Material).where(Material.id == materials["M03"]).values(name="扫描件.pdf"))
        decide_it(tx, desk, case_no)
        hide(tx, f"materials[{hidden.name}]")
        tx.execute(update(Push).values(state="returned"))
        push_id = tx.scalars(select(Push.id)).one()
        reassign_push(tx, push_id, "zhzf", reason="转给执法", by=BY, desk=desk)
        given = data_of(packages_of(tx, case_no, "approval.decided.v1")["zhzf"])
        assert str(materials["M03"]) not in files(given)
        late = take(tx, case_no, "M01", content="anew")
        assert check_again(tx, case_no, desk).corrected == (BOTH[1],)
        found = sent(tx, case_no)["zhzf"]

    assert str(late) in files(found)
    assert str(materials["M03"]) not in files(found)
    assert found["completeness"]["missing"] == []


def test_a_promised_material_is_sent_when_it_comes(county: Engine, desk: Desk) -> None:
    """容缺: the package named the promise; the correction has the file in its place, once."""
    with county.begin() as tx:
        case_no = promised(tx, desk)
        line = line_of(tx, case_no, "M06")
        first = data_of(packages_of(tx, case_no, "approval.decided.v1")["scjg"])
        assert [one["material_name"] for one in first["promised"]] == [line.name]
        assert check_again(tx, case_no, desk).corrected == ()
        late = take(tx, case_no, "M06", name="扫描件.pdf")
        settle_deferral(tx, case_no, line.id, f"material:{late}", actor=CLERK, now=desk.clock())
        assert check_again(tx, case_no, desk).corrected == BOTH
        assert check_again(tx, case_no, desk).corrected == ()
        found = sent(tx, case_no)

    for data in found.values():
        assert str(late) in files(data)
        assert data["promised"] == []
        assert data["correction"]["changed"] == [f"materials[{line.name}]"]


def test_a_promise_is_kept_also_for_who_may_not_see_what_it_was_kept_with(county: Engine, desk: Desk) -> None:
    """Nobody gets the file, as the rules say; nobody reads that it is still promised."""
    with county.begin() as tx:
        hide(tx, "materials[]")
        hide(tx, "materials[]", department="scjg")
        case_no = promised(tx, desk)
        line = line_of(tx, case_no, "M06")
        late = take(tx, case_no, "M06")
        settle_deferral(tx, case_no, line.id, f"material:{late}", actor=CLERK, now=desk.clock())
        assert check_again(tx, case_no, desk).corrected == BOTH
        assert check_again(tx, case_no, desk).corrected == ()
        for data in sent(tx, case_no).values():
            assert (data["materials"], data["promised"], data["correction"]["changed"]) == ([], [], [])


def test_what_has_come_is_sent_early_only_when_somebody_says_so(county: Engine, desk: Desk) -> None:
    """While a step is missing nothing goes by itself; sent by hand it goes once, and what comes later goes without it."""
    with county.begin() as tx:
        ask_for(tx, MUST)
        case_no = flagged(tx, desk, "M01")
        with pytest.raises(Conflict, match="没有要补发的材料"):
            send_late(tx, case_no, desk, actor=ACTOR)
        late = take(tx, case_no, "M01", content="anew")
        assert check_again(tx, case_no, desk).corrected == ()
        known = brought(tx, case_no, desk, lock=False)
        assert known is not None
        assert (known.departments, known.waits) == (BOTH, True)
        assert send_late(tx, case_no, desk, actor=ACTOR) == BOTH
        with pytest.raises(Conflict, match="没有要补发的材料"):
            send_late(tx, case_no, desk, actor=ACTOR)
        found = sent(tx, case_no)["scjg"]
        assert str(late) in files(found)
        assert [one["kind"] for one in found["completeness"]["missing"]] == ["step", "element"]
        complete_case(tx, case_no, Completion({"XK_FRDB": "张三"}, [visit(desk)]), desk, actor=ACTOR)
        found = sent(tx, case_no)["scjg"]
        assert set(found["correction"]["changed"]) == {"elements.XK_FRDB", "steps[现场核查]"}
        assert found["completeness"]["missing"] == []
        assert sorted(tx.execute(select(DecisionRevision.revision)).scalars()) == [2, 3]


def test_a_material_on_file_is_reused_late_and_goes_with_what_is_filled_in(
    county: Engine, desk: Desk
) -> None:
    """One correction for the reuse and the step, not two; held pushes of the same decision go with it, too."""
    with county.begin() as tx:
        ask_for(tx, {"must_steps": [{"name": "决定"}, {"name": "现场核查"}]})
        blocking(tx)
        case_no, materials = accepted(tx, desk)
        _other, on_file = accepted(tx, desk)
        tx.execute(update(Material).where(Material.id == materials["M01"]).values(state="revoked"))
        decide_it(tx, desk, case_no)
        line = line_of(tx, case_no, "M01")
        used = use_material(
            tx, case_no=case_no, requirement_id=line.id, source_kind="material", source_id=on_file["M01"],
            purpose="补齐推送", actor=ACTOR, desk=desk,
        )  # fmt: skip
        assert check_again(tx, case_no, desk).corrected == ()
        done = complete_case(tx, case_no, Completion(steps=[visit(desk)]), desk, actor=ACTOR)
        found = sent(tx, case_no)
        released = data_of(packages_of(tx, case_no, "approval.decided.v1")["zhzf"])

    assert set(found) == {"scjg"}
    assert (len(done.released), done.missing) == (1, ())
    assert found["scjg"]["correction"]["changed"] == ["steps[现场核查]", f"reused[{line.name}]"]
    for data in (found["scjg"], released):
        assert [one["id"] for one in data["reused"]] == [str(used)]
        assert str(on_file["M01"]) in files(data)
        assert data["completeness"]["missing"] == []


def test_nothing_is_sent_of_a_decision_that_was_withdrawn_or_that_nobody_has(
    county: Engine, desk: Desk
) -> None:
    """Withdrawn after the file came: nothing more is said of it. Held everywhere: the file goes with the push, not twice."""
    with county.begin() as tx:
        case_no = flagged(tx, desk, "M01", "M03")
        take(tx, case_no, "M01", content="anew")
        withdraw_decision(tx, case_no, reason="发错了", actor=ACTOR, by="测试", desk=desk)
        assert brought(tx, case_no, desk) is None
        assert check_again(tx, case_no, desk).corrected == ()
        assert sent(tx, case_no) == {}
        blocking(tx)
        blocking(tx, "scjg")
        held, materials = accepted(tx, desk)
        tx.execute(update(Material).where(Material.id == materials["M01"]).values(state="revoked"))
        decide_it(tx, desk, held, 2)
        late = take(tx, held, "M01", content="anew")
        done = check_again(tx, held, desk)
        assert (len(done.released), done.corrected, sent(tx, held)) == (2, (), {})
        assert str(late) in files(data_of(packages_of(tx, held, "approval.decided.v1")["scjg"]))


def test_a_file_that_nobody_saw_through_is_sent_by_the_chores(county: Engine, desk: Desk) -> None:
    """Stored by a program, or just before a crash: the next round of chores sends it, the one after that finds nothing."""
    with county.begin() as tx:
        case_no = flagged(tx, desk, "M03")
        assert complete_held(tx, desk) == 0
    with county.begin() as tx:
        late = take(tx, case_no, "M03", content="anew")
    with county.begin() as tx:
        assert complete_held(tx, desk) == 1
        assert complete_held(tx, desk) == 0
        assert str(late) in files(sent(tx, case_no)["scjg"])
        ids = [uuid.UUID(one) for one in files(sent(tx, case_no)["scjg"])]
        assert len(ids) == len(set(ids))
        assert tx.execute(text("SELECT count(*) FROM decision_revisions")).scalar() == 1


def test_a_file_chosen_by_mistake_is_taken_back_before_it_was_sent(county: Engine, desk: Desk) -> None:
    """With a reason, once; then it is missing again where the push waits. What was accepted, or was sent, stays."""
    with county.begin() as tx:
        blocking(tx)
        case_no = flagged(tx, desk, "M01", "M03")
    with county.begin() as tx:
        wrong = take(tx, case_no, "M01", content="wrong", name="选错.pdf")
        check_again(tx, case_no, desk)

    def back(tx: Connection, one: uuid.UUID, reason: str = "选错了文件") -> str:
        return take_back_late(tx, one, case_no=case_no, reason=reason, desk=desk, actor=ACTOR)

    with county.begin() as tx:
        assert [one["id"] for one in unsent_files(tx, case_no, desk)] == [str(wrong)]
        with pytest.raises(Rejected, match="理由"):
            back(tx, wrong, " ")
        with pytest.raises(NotFound):
            back(tx, uuid.uuid4())
        assert (back(tx, wrong), back(tx, wrong)) == ("选错.pdf", "选错.pdf")
        removed = tx.execute(select(LedgerRow.reason).where(LedgerRow.action == "material.removed"))
        assert list(removed.scalars()) == ["选错了文件"]
        lacked = tx.scalars(select(Push.missing).where(Push.state == "held")).one()
        assert [one["code"] for one in lacked or ()] == ["M01", "M03"]
        assert brought(tx, case_no, desk) is None
    with county.begin() as tx:
        right = take(tx, case_no, "M01", content="right")
        send_late(tx, case_no, desk, actor=ACTOR)
        accepted_one = tx.scalars(
            select(Material.id).where(Material.case_no == case_no, Material.state == "usable")
            .order_by(Material.created_at, Material.id)
        ).first()  # fmt: skip
        assert accepted_one is not None
        for one in (right, accepted_one):
            with pytest.raises(Conflict, match="不能移除"):
                back(tx, one)
        assert str(wrong) not in files(sent(tx, case_no)["scjg"])


def test_taken_back_it_is_promised_again_and_what_it_replaced_stands(county: Engine, desk: Desk) -> None:
    """As if it had never come: the promise is open, the older file of the party may be reused, and nothing was sent."""
    with county.begin() as tx:
        ask_for(tx, MUST)
        _earlier, on_file = accepted(tx, desk)
        case_no = promised(tx, desk)
        line = line_of(tx, case_no, "M06")
    with county.begin() as tx:
        late = take(tx, case_no, "M06", content="wrong")
        settle_deferral(tx, case_no, line.id, f"material:{late}", actor=CLERK, now=desk.clock())
        older = select(Material.state).where(Material.id == on_file["M06"])
        assert tx.scalar(older) == "superseded"
    with county.begin() as tx:
        take_back_late(tx, late, case_no=case_no, reason="选错了文件", desk=desk, actor=ACTOR)
        assert tx.scalar(older) == "usable"
        assert tx.scalar(text("SELECT count(*) FROM deferrals WHERE settled_at IS NULL")) == 1
        assert brought(tx, case_no, desk) is None
        assert sent(tx, case_no) == {}
