"""What comes back: receipts and findings, once each, in any order."""

from __future__ import annotations

import itertools
import random

import pytest
from sqlalchemy import Engine, select, text

from hub.case import Case
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow
from hub.exchange.take_in import take_in
from hub.feedback.finding import CHECK_RESULTS, HANDLINGS, Finding
from hub.licensing.licence import Hold, Licence
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.push import ACTS, STATES, TRANSITIONS, Push, Receipt, after
from schemas import loads, violations
from storage.signing import Signer
from tests.hub.builders import Clock, a_finding, a_receipt, decided, packages

Signers = dict[str, Signer]

#: (检查结果, 处理结果) -> what happens to the licence, as the rules stand at first.
EFFECTS = {
    ("1", "1"): "lift",
    ("1", "2"): "warn",
    ("1", "3"): "freeze",
    ("2", "1"): "lift",
    ("2", "2"): "warn",
    ("2", "3"): "freeze",
    ("3", "1"): "freeze",
    ("3", "2"): "freeze",
    ("3", "3"): "freeze",
}


def one(engine: Engine, *what: object) -> object:
    with engine.begin() as tx:
        return tx.execute(select(*what)).one()  # type: ignore[call-overload]


def test_receipts_move_a_push_forward(county: Engine, desk: Desk, signers: Signers, clock: Clock) -> None:
    """Arrived, then signed, then claimed: three timed states of one push; the other department's push stays."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        package = packages(tx, case.case_no)["scjg"]
        take_in(tx, [a_receipt(desk, signers["scjg"], package, "arrived", "signed")], [], desk)
    clock.advance(hours=1)
    with county.begin() as tx:
        take_in(tx, [a_receipt(desk, signers["scjg"], package, "claimed")], [], desk)
        states = dict(tx.execute(select(Push.department, Push.state)).all())
        push = tx.execute(select(*Push.__table__.columns).where(Push.department == "scjg")).one()

    assert states == {"scjg": "claimed", "zhzf": "owed"}
    assert push.arrived_at == push.signed_at < push.claimed_at


@pytest.mark.parametrize("order", list(itertools.permutations(["arrived", "signed", "claimed"])))
def test_receipts_in_any_order_end_the_same(
    county: Engine, desk: Desk, signers: Signers, order: tuple[str, ...]
) -> None:
    """Late and reordered receipts never move a push back; each time is kept."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        package = packages(tx, case.case_no)["scjg"]
        for kind in order:
            take_in(tx, [a_receipt(desk, signers["scjg"], package, kind)], [], desk)
        push = tx.execute(select(*Push.__table__.columns).where(Push.department == "scjg")).one()

    assert push.state == "claimed"
    assert None not in (push.arrived_at, push.signed_at, push.claimed_at)


def test_every_pair_of_state_and_act_is_decided() -> None:
    """The state machine over all pairs: an act leads where the table says or changes nothing; nothing leads back to held."""
    for state in STATES:
        for act in ACTS:
            assert after(state, act) == TRANSITIONS.get((state, act), state)
    assert {state for state, _ in TRANSITIONS} | {"reassigned", "recalled"} == set(STATES)
    assert "held" not in TRANSITIONS.values()
    assert [pair for pair, to in TRANSITIONS.items() if to == "owed"] == [("held", "released")]


def test_the_same_message_twice_has_one_effect(county: Engine, desk: Desk, signers: Signers) -> None:
    """Duplicates, in one batch and across batches, are counted and change nothing."""
    (case,) = decided(county, desk)
    finding = a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3")
    with county.begin() as tx:
        first = take_in(tx, [finding, finding], [], desk)
    with county.begin() as tx:
        second = take_in(tx, [finding], [], desk)
        notices = tx.execute(select(Notice.id).where(Notice.audience == "clerk")).all()

    assert (first.accepted, first.duplicates) == (1, 1)
    assert (second.accepted, second.duplicates, second.quarantined) == (0, 1, 0)
    assert len(notices) == 1


def test_a_finding_freezes_the_licence_and_tells_the_window(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """不符合, 移交执法: in one transaction the licence is 暂扣, the case on alert, the push marked, the clerk noticed."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        take_in(
            tx, [a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3", explain="无证加工")], [], desk
        )

    licence = one(county, Licence.status)
    standing = one(county, Case.standing)
    with county.begin() as tx:
        told = select(Notice.audience, Notice.severity, Notice.case_no, Notice.body, Notice.title)
        notice = tx.execute(told.where(Notice.audience == "clerk")).one()
    assert licence == ("02",)
    assert standing == ("alert",)
    assert notice[:3] == ("clerk", "alert", case.case_no)
    assert "无证加工" in notice[3]
    assert "冻结" in notice[3]
    assert notice[4].startswith("示范县市场监督管理局检查：不符合")
    with county.begin() as tx:
        push = tx.execute(select(Push.findings).where(Push.department == "scjg")).scalar_one()
        ledger = tx.execute(text("SELECT action FROM ledger ORDER BY id DESC LIMIT 1")).scalar_one()
    assert push == 1
    assert ledger == "licence.frozen"


def test_only_the_department_that_froze_lifts(county: Engine, desk: Desk, signers: Signers) -> None:
    """Another department's clean check does not lift a freeze; the same department's does."""
    (case,) = decided(county, desk)

    def take(code: str, number: str, result: str, handling: str, at: str) -> str:
        with county.begin() as tx:
            take_in(
                tx, [a_finding(desk, signers[code], case.case_no, number, result, handling, at=at)], [], desk
            )
            return tx.execute(select(Licence.status)).scalar_one()

    assert take("scjg", "F1", "3", "3", "2026-09-01") == "02"
    assert take("zhzf", "G1", "1", "1", "2026-09-02") == "02"
    assert take("zhzf", "G2", "3", "2", "2026-09-03") == "02"
    assert take("scjg", "F2", "1", "1", "2026-09-04") == "02"
    assert take("zhzf", "G3", "1", "1", "2026-09-05") == "01"


@pytest.mark.parametrize("seed", range(12))
def test_the_outcome_does_not_depend_on_the_order_of_arrival(
    county: Engine, desk: Desk, signers: Signers, seed: int
) -> None:
    """Any findings, in any order and any batching, leave the licence as each department's newest inspection says."""
    rng = random.Random(seed)
    (case,) = decided(county, desk)
    findings = [
        a_finding(
            desk,
            signers[code],
            case.case_no,
            f"{code}-{number}",
            rng.choice(CHECK_RESULTS),
            rng.choice(HANDLINGS),
            at=f"2026-09-{rng.randrange(1, 6):02d}",
        )
        for code in ("scjg", "zhzf")
        for number in range(6)
    ]
    rng.shuffle(findings)
    waiting = list(findings)
    while waiting:
        size = rng.randrange(1, 5)
        batch, waiting = waiting[:size], waiting[size:]
        with county.begin() as tx:
            take_in(tx, batch, [], desk)

    newest = {}
    for code in ("scjg", "zhzf"):
        mine = [message.data for message in findings if message.department == code]
        last = max(mine, key=lambda data: (data["inspected_at"], data["finding_no"]))
        newest[code] = EFFECTS[last["check_result"], last["handling"]]
    frozen = "freeze" in newest.values()
    with county.begin() as tx:
        status = tx.execute(select(Licence.status)).scalar_one()
        holders = set(tx.execute(select(Hold.department).where(Hold.lifted_at.is_(None))).scalars())
        standing = tx.execute(select(Case.standing)).scalar_one()
        kept = tx.execute(select(Finding.id)).all()
    assert status == ("02" if frozen else "01")
    assert holders == {code for code, effect in newest.items() if effect == "freeze"}
    assert standing == ("alert" if frozen else "watch" if "warn" in newest.values() else "clear")
    assert len(kept) == len(findings)


def test_what_cannot_be_taken_is_quarantined_and_answered(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """Unknown case, foreign push, wrong hash, reused number: quarantine, an answer to the sender, the rest goes on."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        package = packages(tx, case.case_no)["scjg"]
        other = packages(tx, case.case_no)["zhzf"]
        batch = [
            a_finding(desk, signers["scjg"], "no-such-case", "F1", "1", "1"),
            a_receipt(desk, signers["scjg"], other, "signed"),
            a_receipt(desk, signers["scjg"], package, "signed", package_sha256="0" * 64),
            a_finding(desk, signers["scjg"], case.case_no, "F2", "3", "3"),
            a_finding(desk, signers["scjg"], case.case_no, "F2", "1", "1"),
            a_finding(desk, signers["scjg"], case.case_no, "F3", "1", "1", at="2030-01-01"),
        ]
        result = take_in(tx, batch, [], desk)
        causes = list(tx.execute(select(Quarantined.cause).order_by(Quarantined.id)).scalars())
        answers = tx.execute(
            select(*OutboxRow.__table__.columns).where(OutboxRow.event_type == "quarantined.v1")
        ).all()

    assert (result.accepted, result.quarantined) == (1, 5)
    assert sorted(causes) == ["schema", "schema", "unknown_case", "unknown_push", "unknown_push"]
    assert len(answers) == 5
    for answer in answers:
        assert answer.topic == f"{desk.area}.scjg.in"
        assert violations("quarantined.v1", loads(bytes(answer.value))) == []


def test_a_department_cannot_speak_of_a_case_it_was_not_sent(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """A finding on a case that was pushed to others only is held back."""
    with county.begin() as tx:
        tx.execute(
            text(
                "UPDATE push_rules r SET state = 'withdrawn', ended_at = now() FROM push_rule_departments d"
                " WHERE d.rule_id = r.id AND d.department = 'zhzf'"
            )
        )
    (case,) = decided(county, desk)
    with county.begin() as tx:
        result = take_in(tx, [a_finding(desk, signers["zhzf"], case.case_no, "G1", "3", "3")], [], desk)

    assert (result.accepted, result.quarantined) == (0, 1)
    assert one(county, Licence.status) == ("01",)


def test_a_return_tells_the_data_administrator(county: Engine, desk: Desk, signers: Signers) -> None:
    """A returned push is a notice for the data administrator, with the department's reason."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        receipt = a_receipt(desk, signers["zhzf"], packages(tx, case.case_no)["zhzf"], "returned")
        take_in(tx, [receipt], [], desk)

    assert one(county, Notice.audience, Notice.severity) == ("data_admin", "warning")
    assert one(county, Receipt.kind) == ("returned",)
