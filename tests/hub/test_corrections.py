"""A decision that was pushed is corrected, corrected again, and withdrawn: everyone who has it hears of it, and signs."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, insert, select, text, update

from hub.case import Decision
from hub.deciding.correct_decision import Correction, correct_decision
from hub.deciding.decide import decide
from hub.deciding.owed_rows import held_context
from hub.deciding.revision import DecisionRevision
from hub.deciding.withdraw_decision import withdraw_decision
from hub.errors import Conflict, Rejected
from hub.exchange.announcement import Announcement
from hub.exchange.outbox import BULK, OutboxRow
from hub.licensing.licence import Licence
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.push import Push, PushMove
from hub.pushing.rules.rule import RuleDepartment
from hub.register_department import add_department
from schemas import dumps, loads, violations
from storage.signing import Signer, generate_private_key
from tests.hub.builders import Clock, a_case, decided
from tests.hub.push_builders import data_of, packages_of, push_of, say, sign_announcement, unsigned

Signers = dict[str, Signer]


def correct(engine: Engine, desk: Desk, case_no: str, **changes: object) -> int:
    elements = {"XK_XDR_ZJHM": "990101199001010027"}
    values = {"reason": "内容写错", "columns": {"explanation": "更正后"}, "elements": elements, **changes}
    with engine.begin() as tx:
        return correct_decision(tx, case_no, Correction(**values), desk, actor="user:test").revision  # type: ignore[arg-type]


def test_everyone_gets_the_whole_package_anew(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """Both departments get a valid package that names what it replaces; the decision shows what is right, masked."""
    (case,) = decided(county, desk)
    say(county, desk, signers["scjg"], case.case_no, "arrived", "signed", "claimed")
    clock.advance(days=1)
    assert correct(county, desk, case.case_no, document_no="示更〔2026〕1号") == 2

    with county.begin() as tx:
        first = packages_of(tx, case.case_no, "approval.decided.v1")
        second = packages_of(tx, case.case_no, "approval.corrected.v1")
        decision = tx.execute(select(*Decision.__table__.columns)).one()
        revision = tx.execute(select(*DecisionRevision.__table__.columns)).one()
        push = push_of(tx)
        told = tx.execute(select(Announcement.department, Announcement.sign_by)).all()
        notices = tx.execute(select(Notice.department, Notice.push_id)).all()
    assert set(second) == {"scjg", "zhzf"}
    for code, row in second.items():
        event = loads(bytes(row.value))
        assert not violations("approval.corrected.v1", event)
        correction = event["data"]["correction"]
        assert correction["replaces_event_id"] == str(first[code].event_id)
        assert correction["replaces_sha256"] == hashlib.sha256(bytes(first[code].value)).hexdigest()
        assert correction["changed"] == ["result.result_explain", "elements.XK_XDR_ZJHM"]
        assert event["data"]["result"]["result_explain"] == "更正后"
        assert event["data"]["elements"]["XK_XDR_ZJHM"] == "990101199001010027"
        assert event["data"]["push"]["revision"] == 2
    assert (decision.revision, decision.explanation) == (2, "更正后")
    assert "199001010027" not in str(decision.elements) + str(revision.after)
    assert revision.document_no == "示更〔2026〕1号"
    assert (push.state, push.revision) == ("claimed", 2)
    assert {department for department, sign_by in told if sign_by} == {"scjg", "zhzf"}
    assert {row.department for row in notices} == {"scjg", "zhzf"}
    assert all(row.push_id for row in notices)


def test_who_has_not_signed_for_the_new_one_is_known(county: Engine, desk: Desk, signers: Signers) -> None:
    """The first version's receipts do not count for the second; each department signs for each."""
    (case,) = decided(county, desk)
    correct(county, desk, case.case_no)
    with county.begin() as tx:
        assert unsigned(tx) == {"scjg": 1, "zhzf": 1}
        package = packages_of(tx, case.case_no, "approval.corrected.v1")["scjg"]
    say(county, desk, signers["zhzf"], case.case_no, "arrived", "signed")
    sign_announcement(county, desk, signers["scjg"], package)
    with county.begin() as tx:
        assert unsigned(tx) == {"zhzf": 1}


def test_a_second_correction_replaces_the_first(county: Engine, desk: Desk) -> None:
    """It names the first correction's message, keeps what that made right, and both stay on file unchanged."""
    (case,) = decided(county, desk)
    correct(county, desk, case.case_no)
    with county.begin() as tx:
        first = packages_of(tx, case.case_no, "approval.corrected.v1")["scjg"]
    columns = {"decided_on": date(2026, 9, 17)}
    assert correct(county, desk, case.case_no, columns=columns, elements={}) == 3
    with county.begin() as tx:
        data = data_of(packages_of(tx, case.case_no, "approval.corrected.v1")["scjg"])
        revisions = tx.execute(
            select(DecisionRevision.revision).order_by(DecisionRevision.revision)
        ).scalars()
        assert list(revisions) == [2, 3]
    assert data["correction"]["replaces_event_id"] == str(first.event_id)
    assert data["result"]["result_explain"] == "更正后"
    assert data["result"]["result_date"] == "2026-09-17"


def test_what_stands_under_two_names_is_corrected_under_both(county: Engine, desk: Desk) -> None:
    """许可内容 is a column and an element: where both said the same, both say what is right."""
    elements = {**a_case(1).decision.elements, "XK_NR": "准予"}
    facts = replace(a_case(1).decision, elements=elements, content_hash=bytes(32))
    case = a_case(1, area=desk.area, decision=facts)
    with county.begin() as tx:
        decide(tx, [case], desk, actor="user:test")
    correct(county, desk, case.case_no, elements={})
    with county.begin() as tx:
        data = data_of(packages_of(tx, case.case_no, "approval.corrected.v1")["scjg"])
    assert data["elements"]["XK_NR"] == data["result"]["result_explain"] == "更正后"


def test_what_a_department_does_not_see_stays_withheld(county: Engine, desk: Desk) -> None:
    """Left out stays left out, masked is masked anew; the other department gets it all."""
    with county.begin() as tx:
        tx.execute(text("ALTER TABLE push_rule_departments DISABLE TRIGGER push_rule_departments_stand"))
        tx.execute(
            update(RuleDepartment)
            .where(RuleDepartment.department == "zhzf")
            .values(left_out=["elements.XK_XDR_ZJHM"], masked=["result.result_explain"])
        )
    (case,) = decided(county, desk)
    correct(county, desk, case.case_no, columns={"explanation": "准予热食类制售许可"})
    with county.begin() as tx:
        sent = {
            code: data_of(row) for code, row in packages_of(tx, case.case_no, "approval.corrected.v1").items()
        }
    assert "XK_XDR_ZJHM" not in sent["zhzf"]["elements"]
    assert "elements.XK_XDR_ZJHM" not in sent["zhzf"]["correction"]["changed"]
    assert sent["zhzf"]["result"]["result_explain"] == "准予*******"
    assert sent["scjg"]["result"]["result_explain"] == "准予热食类制售许可"


def test_a_correction_does_not_overtake_its_package(county: Engine, desk: Desk) -> None:
    """A package that still waits in the bulk lane goes first: the correction queues behind it, in the same lane."""
    case = a_case(1, area=desk.area)
    with county.begin() as tx:
        decide(tx, [case], desk, actor="user:test", lane=BULK)
    correct(county, desk, case.case_no)
    with county.begin() as tx:
        lanes = tx.execute(
            select(OutboxRow.event_type, OutboxRow.lane)
            .where(OutboxRow.topic.like("%scjg%"))
            .order_by(OutboxRow.id)
        ).all()
    assert lanes == [("approval.decided.v1", BULK), ("approval.corrected.v1", BULK)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": {}, "elements": {}}, "没有改动"),
        ({"columns": {}, "elements": {"XK_WSH": "别的文号"}}, "不能更正"),
        ({"columns": {}, "elements": {"XK_NONE": "x"}}, "没有要素"),
        ({"columns": {"result_type": "x"}}, "办结结果"),
        ({"reason": " "}, "原因"),
    ],
)
def test_what_cannot_be_corrected_is_refused(
    county: Engine, desk: Desk, changes: dict[str, object], said: str
) -> None:
    """A sentence says what is wrong, and nothing is written."""
    (case,) = decided(county, desk)
    with pytest.raises(Rejected, match=said):
        correct(county, desk, case.case_no, **changes)
    with county.begin() as tx:
        assert not tx.execute(select(Announcement.event_id)).all()


def test_two_people_do_not_correct_each_other(county: Engine, desk: Desk) -> None:
    """Who looked at an earlier revision is told to look again."""
    (case,) = decided(county, desk)
    correct(county, desk, case.case_no, seen=1)
    with pytest.raises(Conflict):
        correct(county, desk, case.case_no, seen=1, columns={"explanation": "又改"})


def test_a_withdrawal_reaches_everyone_and_recalls_every_push(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """Each department that has it is told what is withdrawn; no clock runs; the licence is named, and not touched."""
    (case,) = decided(county, desk)
    say(county, desk, signers["scjg"], case.case_no, "arrived", "signed", "claimed")
    correct(county, desk, case.case_no)
    with county.begin() as tx:
        corrected = packages_of(tx, case.case_no, "approval.corrected.v1")
        ended = withdraw_decision(
            tx, case.case_no, reason="申请材料系伪造", actor="user:test", by="审批局", desk=desk
        )
    with county.begin() as tx:
        messages = packages_of(tx, case.case_no, "approval.withdrawn.v1")
        states = tx.execute(select(Push.state, Push.next_due_at, Push.revision)).all()
        moves = tx.execute(select(PushMove.from_state, PushMove.to_state).order_by(PushMove.from_state)).all()
        licence = tx.execute(select(Licence.status)).scalar_one()
        decision = tx.execute(select(Decision.withdrawn_at, Decision.revision)).one()
    assert ended.revision == 3
    assert [status for _, _, status in ended.licences] == ["01"] == [licence]
    assert set(messages) == {"scjg", "zhzf"}
    for code, row in messages.items():
        assert not violations("approval.withdrawn.v1", loads(bytes(row.value)))
        assert data_of(row)["replaces_event_id"] == str(corrected[code].event_id)
        assert data_of(row)["scope"] == "decision"
    assert states == [("recalled", None, 3)] * 2
    assert moves == [("claimed", "recalled"), ("owed", "recalled")]
    assert decision == (clock(), 3)
    with county.begin() as tx:
        again = withdraw_decision(tx, case.case_no, reason="再次", actor="user:test", by="审批局", desk=desk)
        assert again.departments == ()
    with pytest.raises(Conflict, match="已经撤回"):
        correct(county, desk, case.case_no)
    sign_announcement(county, desk, signers["scjg"], messages["scjg"])
    say(county, desk, signers["zhzf"], case.case_no, "arrived", "signed")
    with county.begin() as tx:
        assert push_of(tx, "zhzf").state == "recalled"
        assert push_of(tx, "zhzf").signed_at is not None


def test_a_held_push_is_corrected_before_it_goes(county: Engine, desk: Desk) -> None:
    """Nobody has it yet, so nobody is told of a correction; what it will be made of is right."""
    (case,) = decided(county, desk)
    push_id = uuid.uuid4()
    with county.begin() as tx:
        data = data_of(packages_of(tx, case.case_no, "approval.decided.v1")["scjg"])
        blob = desk.identities.seal_text(dumps({"data": data}).decode(), context=held_context(push_id))
        row = {**push_of(tx)._mapping, "id": push_id, "event_id": push_id, "state": "held", "missing": [{}]}
        pem = Signer.from_pem("wjj", generate_private_key()).public_pem
        add_department(
            tx,
            code="wjj",
            name="卫健局",
            roles=["supervising"],
            public_pem=pem,
            kid="wjj-1",
            actor="user:test",
        )
        tx.execute(insert(Push).values({**row, "department": "wjj", "held_package": blob}))
    correct(county, desk, case.case_no)
    with county.begin() as tx:
        assert set(packages_of(tx, case.case_no, "approval.corrected.v1")) == {"scjg", "zhzf"}
        kept = bytes(tx.execute(select(Push.held_package).where(Push.id == push_id)).scalar_one() or b"")
    package = loads(desk.identities.unseal_text(kept, context=held_context(push_id)).encode())["data"]
    assert package["result"]["result_explain"] == "更正后"


def test_signing_for_the_newest_is_enough(county: Engine, desk: Desk, signers: Signers) -> None:
    """What a department was told before the newest version waits for nobody; the list says who has not signed for that."""
    (case,) = decided(county, desk)

    def waits() -> bool:
        with county.connect() as tx:
            found: bool = push_of(tx).unsigned_revision
            return found

    assert not waits()
    correct(county, desk, case.case_no)
    with county.begin() as tx:
        first = packages_of(tx, case.case_no, "approval.corrected.v1")["scjg"]
    correct(county, desk, case.case_no, columns={"explanation": "再更正"}, elements={})
    with county.begin() as tx:
        second = packages_of(tx, case.case_no, "approval.corrected.v1")["scjg"]
    sign_announcement(county, desk, signers["scjg"], first)
    assert waits()
    sign_announcement(county, desk, signers["scjg"], second)
    assert not waits()
    with county.connect() as tx:
        ledger = tx.execute(
            text("SELECT case_no FROM ledger WHERE action = 'announcement.receipted'")
        ).scalars()
        assert list(ledger) == [case.case_no] * 2
