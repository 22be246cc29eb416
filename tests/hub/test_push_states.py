"""A push moves as its table says, whatever comes first; its clock runs with it; people of the hub act on it."""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from hub.deciding.correct_decision import Correction, correct_decision
from hub.errors import Conflict, Rejected
from hub.exchange.outbox import OutboxRow
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.act_on_push import insist_on_push, recall_push, reopen_push, resend_push
from hub.pushing.move import Act, move_pushes
from hub.pushing.overdue import notice_overdue
from hub.pushing.push import TRANSITIONS, Push, PushMove, PushOverdue
from hub.pushing.reassign_push import reassign_push
from hub.pushing.standing import COLUMNS, forward, note, replay, steps
from hub.register_department import add_department
from schemas import loads, violations
from storage.signing import Signer, generate_private_key, kid_of
from tests.hub.builders import NOW, Clock, decided
from tests.hub.push_builders import BY, data_of, packages_of, push_of, say

Signers = dict[str, Signer]
PUSH = uuid.UUID(int=1)
FACTS = ("arrived", "signed", "claimed", "supervised", "answered", "closed")


def a_push() -> dict[str, object]:
    return {**dict.fromkeys(COLUMNS), "id": PUSH, "state": "owed", "findings": 0}


def acts(kinds: tuple[str, ...]) -> st.SearchStrategy[list[Act]]:
    moments = st.integers(1, 6).map(lambda hour: NOW - timedelta(hours=hour))
    return st.lists(
        st.builds(lambda act, at: Act(PUSH, act, at), st.sampled_from(kinds), moments), max_size=8
    )


def shown(push: dict[str, object]) -> dict[str, object]:
    return {name: push[name] for name in ("state", *(c for c in COLUMNS if c.endswith("_at")))}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_receipts_and_facts_commute(data: st.DataObject) -> None:
    """Any receipts and facts, in any order and however often, end in one state and times: those of the order of time."""
    drawn = data.draw(acts(FACTS))
    ends = []
    for order in (drawn, data.draw(st.permutations(drawn + drawn))):
        push = a_push()
        for act in order:
            note(push, act, NOW)
            forward(push, act, NOW)
        ends.append(shown(push))
    inorder = a_push()
    replay(inorder, drawn, NOW)
    assert ends[0] == ends[1]
    assert ends[0]["state"] == inorder["state"]


@settings(max_examples=100, deadline=None)
@given(acts((*FACTS, "returned", "insisted")), st.randoms())
def test_with_returns_the_order_in_time_counts(drawn: list[Act], random: object) -> None:
    """Once a push was returned, what counts is the order in which it all happened, not the order of arrival."""
    again = list(drawn)
    random.shuffle(again)  # type: ignore[attr-defined]
    one, other = a_push(), a_push()
    replay(one, drawn, NOW)
    replay(other, again, NOW)
    assert shown(one) == shown(other)


def test_there_is_a_way_that_the_table_knows() -> None:
    """Between any two states that facts lead to there is a way of single steps, and the database takes each."""
    pairs = {(was, to) for (was, _), to in TRANSITIONS.items()}
    reached = {"arrived", "signed", "claimed", "supervising", "answered", "closed", "returned"}
    for was in reached - {"arrived"}:
        for becomes in reached - {"arrived", was}:
            way = [was, *steps(was, becomes)]
            assert way[-1] == becomes
            assert all(pair in pairs for pair in itertools.pairwise(way))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_the_database_never_objects(county: Engine, desk: Desk, data: st.DataObject) -> None:
    """Whatever departments say in whatever batches, the trigger of the database has nothing against it."""
    drawn = data.draw(acts((*FACTS, "returned")))
    cut = data.draw(st.integers(0, len(drawn)))
    with county.connect() as tx, tx.begin() as whole:
        push_id = _decided(county, desk)
        for batch in (drawn[:cut], drawn[cut:]):
            moved = move_pushes(tx, [act._replace(push_id=push_id) for act in batch], NOW)
            state = tx.execute(select(Push.state).where(Push.id == push_id)).scalar_one()
            assert not any(moved) or [one for one in moved if one][-1] == state
        whole.rollback()


def _decided(county: Engine, desk: Desk) -> uuid.UUID:
    with county.connect() as tx:
        found = tx.execute(select(Push.id).where(Push.department == "scjg")).scalar()
    if found is None:
        decided(county, desk)
        return _decided(county, desk)
    return found


def test_the_clock_runs_from_limit_to_limit(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """What is due next is the earliest limit not met: sign, then claim, then the plan; closed ends the clock."""
    (case,) = decided(county, desk)

    def due() -> datetime | None:
        with county.connect() as tx:
            found: datetime | None = push_of(tx).next_due_at
            return found

    with county.connect() as tx:
        push = push_of(tx)
    assert due() == push.sign_by
    say(county, desk, signers["scjg"], case.case_no, "arrived", "signed")
    assert due() == push.claim_by
    say(county, desk, signers["scjg"], case.case_no, "claimed")
    assert due() == push.plan_by
    say(county, desk, signers["scjg"], case.case_no, "closed")
    assert due() is None
    with county.connect() as tx:
        assert (push_of(tx).state, push_of(tx).closed_at) == ("closed", clock())


def test_each_missed_limit_is_noticed_once_and_ends(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """One notice for the department and one for the overseer, however often it is looked for; what is done late ends it."""
    (case,) = decided(county, desk)
    with county.connect() as tx:
        push = push_of(tx)
    say(county, desk, signers["zhzf"], case.case_no, "closed")
    clock.now = push.sign_by + timedelta(minutes=1)
    for _ in range(3):
        with county.begin() as tx:
            notice_overdue(tx, clock())
    with county.begin() as tx:
        noticed = tx.execute(select(PushOverdue.what, PushOverdue.ended_at).order_by(PushOverdue.what)).all()
        told = tx.execute(select(Notice.audience, Notice.department, Notice.push_id)).all()
    assert noticed == [("claim", None), ("sign", None)]
    assert (
        sorted(told) == sorted([("overseer", None, push.id), ("supervisor", "scjg", push.id)] * 2, key=str)
        or len(told) == 4
    )
    with county.begin() as tx:
        assert push_of(tx).next_due_at == push.plan_by
    say(county, desk, signers["scjg"], case.case_no, "signed")
    with county.begin() as tx:
        ended = dict(tx.execute(select(PushOverdue.what, PushOverdue.ended_at)).all())
    assert ended == {"claim": None, "sign": clock()}


def test_two_programs_share_the_work_and_one_that_fails_stops_no_other(
    county: Engine, desk: Desk, clock: Clock
) -> None:
    """What another is at is left to it; a push that cannot be noticed is put off, the rest is noticed."""
    decided(county, desk, 3)
    clock.advance(days=30)
    with county.begin() as one, county.begin() as other:
        assert notice_overdue(one, clock(), batch=2) == 2
        assert notice_overdue(other, clock()) == 4
    with county.begin() as tx:
        assert tx.execute(select(text("count(*)")).select_from(PushOverdue)).scalar() == 18
        tx.execute(text("DELETE FROM push_overdues"))
        tx.execute(text("UPDATE pushes SET next_due_at = sign_by"))
        bad = push_of_any(tx)
        tx.execute(text(f"ALTER TABLE push_overdues ADD CONSTRAINT bad CHECK (push_id <> '{bad}')"))
        notice_overdue(tx, clock())
        found = tx.execute(select(PushOverdue.push_id)).scalars().all()
    assert bad not in found
    assert len(set(found)) == 5


def push_of_any(tx: object) -> uuid.UUID:
    found: uuid.UUID = tx.execute(select(Push.id).order_by(Push.id).limit(1)).scalar_one()  # type: ignore[attr-defined]
    return found


def test_a_returned_push_is_reassigned(county: Engine, desk: Desk, signers: Signers, clock: Clock) -> None:
    """The other department gets its own package and clock; the first is told it is over, and may not be chosen again."""
    pem = Signer.from_pem("wjj", generate_private_key()).public_pem
    with county.begin() as tx:
        add_department(
            tx, code="wjj", name="示范县卫生健康局", roles=["supervising"], public_pem=pem,
            kid=kid_of("wjj", pem), actor="user:test",
        )  # fmt: skip
    (case,) = decided(county, desk)
    with county.connect() as tx:
        old = push_of(tx)
    with pytest.raises(Conflict), county.begin() as tx:
        reassign_push(tx, old.id, "wjj", reason="太早", by=BY, desk=desk)
    say(county, desk, signers["scjg"], case.case_no, "arrived", "signed", "returned")
    with county.connect() as tx:
        audiences = set(tx.execute(select(Notice.audience).where(Notice.push_id == old.id)).scalars())
    assert "data_admin" in audiences
    with pytest.raises(Rejected, match="已经推送过"), county.begin() as tx:
        reassign_push(tx, old.id, "zhzf", reason="转给执法", by=BY, desk=desk)
    clock.advance(hours=1)
    with county.begin() as tx:
        new_id = reassign_push(tx, old.id, "wjj", reason="属于卫健", by=BY, desk=desk)
    with county.begin() as tx:
        new, was = push_of(tx, "wjj"), push_of(tx)
        package = packages_of(tx, case.case_no, "approval.decided.v1")["wjj"]
        told = packages_of(tx, case.case_no, "approval.withdrawn.v1")
        move = tx.execute(select(PushMove.act, PushMove.reason, PushMove.actor)).one()
    assert (new.id, new.state, new.came_from) == (new_id, "owed", old.id)
    assert new.next_due_at == new.sign_by > clock()
    assert (was.state, was.next_due_at) == ("reassigned", None)
    assert not violations("approval.decided.v1", loads(bytes(package.value)))
    assert data_of(package)["push"]["id"] == str(new_id)
    assert set(told) == {"scjg"}
    assert data_of(told["scjg"])["scope"] == "push"
    assert not violations("approval.withdrawn.v1", loads(bytes(told["scjg"].value)))
    assert move == ("reassigned", "属于卫健", "user:test")


def test_a_department_that_gave_it_back_gets_it_again(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """Its own push is open anew with its package as decided meanwhile, signed for anew; a later return counts as ever."""
    pem = Signer.from_pem("wjj", generate_private_key()).public_pem
    with county.begin() as tx:
        add_department(
            tx, code="wjj", name="示范县卫生健康局", roles=["supervising"], public_pem=pem,
            kid=kid_of("wjj", pem), actor="user:test",
        )  # fmt: skip
    (case,) = decided(county, desk)
    say(county, desk, signers["scjg"], case.case_no, "arrived", "signed", "returned")
    clock.advance(hours=1)
    with county.begin() as tx:
        first = push_of(tx)
        second = reassign_push(tx, first.id, "wjj", reason="属于卫健", by=BY, desk=desk)
    with pytest.raises(Conflict, match="转派回来"), county.begin() as tx:
        reopen_push(tx, first.id, reason="不能直接重开", by=BY, desk=desk)
    clock.advance(hours=1)
    with county.begin() as tx:
        correction = Correction("写错了", columns={"explanation": "更正后的内容"})
        revision = correct_decision(tx, case.case_no, correction, desk, actor="user:test").revision
        tx.execute(text("UPDATE pushes SET state = 'returned' WHERE id = :id"), {"id": second})
    clock.advance(hours=1)
    with county.begin() as tx:
        assert reassign_push(tx, second, "scjg", reason="核实后仍归市监", by=BY, desk=desk) == first.id
    with county.begin() as tx:
        back, gone = push_of(tx), push_of(tx, "wjj")
        anew = packages_of(tx, case.case_no, "approval.corrected.v1")["scjg"]
        told = tx.execute(
            select(Notice.title).where(Notice.push_id == first.id, Notice.audience == "supervisor")
        )
        moves = tx.execute(
            select(PushMove.act).where(PushMove.push_id == first.id).order_by(PushMove.at)
        ).scalars()
        titles = list(told.scalars())
        assert list(moves) == ["reassigned", "reopened"]
    data = data_of(anew)
    assert not violations("approval.corrected.v1", loads(bytes(anew.value)))
    assert (back.state, gone.state, back.unsigned_revision) == ("signed", "reassigned", True)
    assert back.revision == data["push"]["revision"] == data["correction"]["revision"] > revision
    assert data["result"]["result_explain"] == "更正后的内容"
    assert back.claim_by is None or back.claim_by > clock()
    assert any(title.startswith("推送转派回本部门") for title in titles)
    clock.advance(hours=1)
    say(county, desk, signers["scjg"], case.case_no, "claimed")
    with county.begin() as tx:
        assert push_of(tx).state == "claimed"
        later = correct_decision(
            tx, case.case_no, Correction("再改", columns={"explanation": "又一版"}), desk, actor="user:test"
        )
        assert later.revision == back.revision + 1
    clock.advance(hours=1)
    say(county, desk, signers["scjg"], case.case_no, "returned")
    with county.connect() as tx:
        assert push_of(tx).state == "returned"


def test_the_hub_insists_and_the_department_is_told(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """Insisting makes it signed again, the reason is sent on; the old return sent again changes nothing, a new one does."""
    (case,) = decided(county, desk)
    say(county, desk, signers["scjg"], case.case_no, "arrived", "signed", "returned")
    first = clock()
    clock.advance(hours=2)
    with county.begin() as tx:
        insist_on_push(tx, push_of(tx).id, reason="依法由你局监管", by=BY, desk=desk)
    with county.begin() as tx:
        assert push_of(tx).state == "signed"
        assert push_of(tx).next_due_at == push_of(tx).claim_by
        advice = packages_of(tx, case.case_no, "advice.forwarded.v1")["scjg"]
        assert data_of(advice)["body"] == "依法由你局监管"
    say(county, desk, signers["scjg"], case.case_no, "returned", at=first)
    with county.begin() as tx:
        assert push_of(tx).state == "signed"
    clock.advance(hours=1)
    say(county, desk, signers["scjg"], case.case_no, "returned")
    with county.begin() as tx:
        assert push_of(tx).state == "returned"
    say(county, desk, signers["scjg"], case.case_no, "claimed")
    with county.begin() as tx:
        assert push_of(tx).state == "returned"  # it says both of one moment: the return is what stands


def test_recall_reopen_and_send_again(county: Engine, desk: Desk, signers: Signers, clock: Clock) -> None:
    """A closed push is reopened; a push is recalled from one department alone; what is not signed for goes out again."""
    (case,) = decided(county, desk)
    say(county, desk, signers["scjg"], case.case_no, "arrived", "signed", "claimed", "closed")
    with county.begin() as tx:
        reopen_push(tx, push_of(tx).id, reason="又有投诉", by=BY, desk=desk)
        assert push_of(tx).state == "supervising"
        recall_push(tx, push_of(tx, "zhzf").id, reason="不归执法局管", by=BY, desk=desk)
        assert (push_of(tx, "zhzf").state, push_of(tx).state) == ("recalled", "supervising")
        assert set(packages_of(tx, case.case_no, "approval.withdrawn.v1")) == {"zhzf"}
        tx.execute(text("UPDATE outbox SET published_at = now()"))
    with pytest.raises(Conflict), county.begin() as tx:
        recall_push(tx, push_of(tx, "zhzf").id, reason="再撤一次", by=BY, desk=desk)
    with county.begin() as tx:
        assert resend_push(tx, push_of(tx, "zhzf").id, reason="没有签收", actor="user:test") == 2
        waiting = tx.execute(select(OutboxRow.event_type).where(OutboxRow.published_at.is_(None))).scalars()
        assert sorted(waiting) == ["approval.decided.v1", "approval.withdrawn.v1"]
