"""What findings do to licences: by the table of rules, in whatever order they come; proposals wait for a person."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import IntegrityError

from hub.case import Case
from hub.errors import Conflict, NotFound, Rejected
from hub.exchange.arrived import Arrived
from hub.exchange.take_in import take_in
from hub.feedback.finding import CHECK_RESULTS, HANDLINGS, LICENCE_EFFECTS, Finding
from hub.licensing.findings.rule import EFFECTS, LicenceProposal, LicenceRule
from hub.licensing.findings.rules_of_findings import Rule, RulesOfFindings
from hub.licensing.findings.save_rules import (
    EFFECT_WORDS,
    RuleFacts,
    add_rule,
    change_rule,
    reorder_rules,
    retire_rule,
    revive_rule,
    try_rules,
)
from hub.licensing.findings.settle_proposal import confirm_proposal, decline_proposal
from hub.licensing.licence import Hold, Licence
from hub.licensing.living.change_status import change_status
from hub.licensing.living.changed import Changed
from hub.licensing.living.operation import LicenceOperation
from hub.licensing.living.take_effect import take_effect
from hub.ports import Desk
from storage.signing import Signer
from tests.hub.builders import Clock, a_finding, decided
from tests.hub.life_builders import next_version

Signers = dict[str, Signer]
TYPE = "11370100MB00000194001"
ADMIN = "user:admin"


@pytest.fixture
def typed(county: Engine) -> Engine:
    """The county with the type of its licences in the catalogue."""
    with county.begin() as tx:
        tx.execute(
            text("INSERT INTO licence_types (code, name) VALUES (:code, '食品经营许可证')"), {"code": TYPE}
        )
    return county


def take(engine: Engine, desk: Desk, *findings: Arrived) -> None:
    with engine.begin() as tx:
        taken = take_in(tx, findings, [], desk)
        assert taken.quarantined == 0


def ask_for(tx: Connection, result: str, handling: str, effect: str, *, automatic: bool = True) -> None:
    """Have a rule for licences of our type say this."""
    add_rule(tx, RuleFacts("inspection", effect, result, handling, TYPE, automatic), actor=ADMIN)


def proposals(engine: Engine) -> list[tuple[str, str]]:
    with engine.begin() as tx:
        asked = select(LicenceProposal.effect, LicenceProposal.state).order_by(LicenceProposal.created_at)
        return [tuple(row) for row in tx.execute(asked)]


def status(engine: Engine) -> str:
    with engine.begin() as tx:
        return str(tx.execute(select(Licence.status)).scalar_one())


# -- the table ---------------------------------------------------------------------------------------------------


def rule(id_: int, effect: str, **more: Any) -> Rule:
    facts = {"result": None, "handling": None, "type_code": None, "automatic": True, "seq": 100} | more
    return Rule(id_, "inspection", effect=effect, note="", **facts)  # type: ignore[arg-type]


def book(*rules: Rule) -> RulesOfFindings:
    return RulesOfFindings(tuple(sorted(rules, key=lambda one: one.rank)))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_most_specific_rule_counts(order: Sequence[int]) -> None:
    """A licence type before none, then more of result and handling, then the lower seq; however the table is read."""
    rules = [
        rule(1, "none", type_code="T"),
        rule(2, "warn", result="3", handling="3"),
        rule(3, "lift", result="3"),
        rule(4, "freeze", result="3", seq=50),
    ]
    table = book(*(rules[at] for at in order))
    assert table.asks("inspection", "3", "3", "T") == ("none", 1)
    assert table.asks("inspection", "3", "3", "X") == ("warn", 2)
    assert table.asks("inspection", "3", "1", None) == ("freeze", 4)
    assert table.asks("inspection", "1", "1", "X") == ("none", None)
    assert table.asks("enforcement", "3", None, "T") == ("none", None)


def test_a_freeze_that_is_not_automatic_is_a_proposal() -> None:
    """And every effect that a rule may have is an effect that a finding may keep."""
    assert rule(1, "freeze", automatic=False).asks == "propose_freeze"
    kept = {rule(1, effect, automatic=automatic).asks for effect in EFFECTS for automatic in (True, False)}
    assert kept == set(LICENCE_EFFECTS)
    assert EFFECT_WORDS.keys() == set(EFFECTS)


def test_the_seeded_rules_are_what_inspections_always_did(engine: Engine) -> None:
    """检查结果 x 处理结果, as it was before there was a table."""
    expected = {
        ("1", "1"): "lift", ("1", "2"): "warn", ("1", "3"): "freeze",
        ("2", "1"): "lift", ("2", "2"): "warn", ("2", "3"): "freeze",
        ("3", "1"): "freeze", ("3", "2"): "freeze", ("3", "3"): "freeze",
    }  # fmt: skip
    with engine.begin() as tx:
        for (result, handling), effect in expected.items():
            assert try_rules(tx, "inspection", result, handling, None).effect == effect
        assert try_rules(tx, "rectification", "1", None, None).effect == "lift"
        assert try_rules(tx, "enforcement", "3", None, None).effect == "propose_revocation"
        assert try_rules(tx, "enforcement", "1", None, None).rule is None


# -- findings by rules -------------------------------------------------------------------------------------------


@pytest.fixture
def strict(typed: Engine) -> Engine:
    """For our type 基本符合+移交执法 asks a person to freeze, 不符合+移交执法 to revoke; 符合+限期整改 means nothing."""
    with typed.begin() as tx:
        ask_for(tx, "2", "3", "freeze", automatic=False)
        ask_for(tx, "3", "3", "propose_revocation", automatic=False)
        ask_for(tx, "1", "2", "none")
    return typed


#: What each pair asks for under `strict`.
ASKS = {
    ("1", "1"): "lift",
    ("1", "2"): "none",
    ("1", "3"): "freeze",
    ("2", "1"): "lift",
    ("2", "2"): "warn",
    ("2", "3"): "propose_freeze",
    ("3", "1"): "freeze",
    ("3", "2"): "freeze",
    ("3", "3"): "propose_revocation",
}


def test_rules_can_be_changed_while_everything_runs(typed: Engine, desk: Desk, signers: Signers) -> None:
    """A rule for a licence type counts for the next finding, is named in the ledger, and the same finding would have done
    something else before; a retired one counts no more."""
    (case,) = decided(typed, desk)
    with typed.begin() as tx:
        number = add_rule(tx, RuleFacts("inspection", "none", "3", None, TYPE), actor=ADMIN)
    take(typed, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "2"))
    assert status(typed) == "01"
    with typed.begin() as tx:
        assert tx.execute(select(Finding.effect, Finding.effect_applied)).one() == ("none", True)
        detail = tx.execute(text("SELECT detail FROM ledger WHERE action = 'finding.taken'")).scalar_one()
        assert detail["rule"] == number
        assert retire_rule(tx, number, actor=ADMIN)
    take(typed, desk, a_finding(desk, signers["scjg"], case.case_no, "F2", "3", "2"))
    assert status(typed) == "02"


def test_what_must_be_confirmed_only_asks(strict: Engine, desk: Desk, signers: Signers) -> None:
    """A freeze to be confirmed and a revocation: one proposal and one notice each, the case is watched, the licence stays;
    the next finding of the same kind asks for the same thing again, not for a second one."""
    (case,) = decided(strict, desk)
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "2", "3", at="2026-09-01"))
    take(
        strict,
        desk,
        a_finding(desk, signers["scjg"], case.case_no, "F2", "2", "3", at="2026-09-02", explain="再次"),
    )
    take(strict, desk, a_finding(desk, signers["zhzf"], case.case_no, "G1", "3", "3", at="2026-09-03"))
    assert status(strict) == "01"
    assert sorted(proposals(strict)) == [("freeze", "open"), ("revoke", "open")]
    with strict.begin() as tx:
        assert tx.execute(select(Case.standing)).scalar_one() == "watch"
        bodies = tx.execute(
            text("SELECT severity, body FROM notices WHERE audience = 'clerk' ORDER BY id")
        ).all()
        newest = tx.execute(
            select(Finding.finding_no, LicenceProposal.reason)
            .join(LicenceProposal, LicenceProposal.finding_id == Finding.id)
            .where(LicenceProposal.effect == "freeze")
        ).one()
        assert tx.execute(select(LicenceOperation.id).where(LicenceOperation.from_status != "00")).all() == []
    assert [severity for severity, _ in bodies] == ["warning"] * 3
    assert "请求暂扣，须由人确认" in bodies[0][1]
    assert "请求吊销，须由人确认" in bodies[2][1]
    assert newest == ("F2", "再次")


def proposal_of(tx: Connection, effect: str = "freeze") -> uuid.UUID:
    found = select(LicenceProposal.id).where(
        LicenceProposal.state == "open", LicenceProposal.effect == effect
    )
    return tx.execute(found).scalar_one()


def test_a_confirmed_freeze_is_a_hold_of_that_department(
    strict: Engine, desk: Desk, signers: Signers
) -> None:
    """Confirmed, the licence is 暂扣 by the department of the finding, on record with who confirmed and why; an older
    clean check that comes late does not lift it, a newer one does."""
    (case,) = decided(strict, desk)
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F2", "2", "3", at="2026-09-05"))
    with strict.begin() as tx:
        confirm_proposal(tx, proposal_of(tx), actor="user:chief", reason="情况属实", desk=desk)
    assert status(strict) == "02"
    with strict.begin() as tx:
        assert tx.execute(select(Hold.department)).scalars().all() == ["scjg"]
        done = select(LicenceOperation.actor, LicenceOperation.department, LicenceOperation.reason).where(
            LicenceOperation.operation == "suspend", LicenceOperation.finding_id.is_not(None)
        )
        assert tx.execute(done).one() == ("user:chief", "scjg", "情况属实")
        decided_row = select(LicenceProposal.state, LicenceProposal.decided_by, LicenceProposal.decided_why)
        assert tx.execute(decided_row).one() == ("confirmed", "user:chief", "情况属实")
        actions = set(tx.execute(text("SELECT action FROM ledger")).scalars())
        assert {"proposal.confirmed", "licence.frozen"} <= actions
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "1", "1", at="2026-09-04"))
    assert status(strict) == "02"
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F3", "1", "1", at="2026-09-06"))
    assert status(strict) == "01"


def test_a_confirmed_revocation_revokes(strict: Engine, desk: Desk, signers: Signers) -> None:
    """With the number of its document; other open proposals about the licence are over with it."""
    (case,) = decided(strict, desk)
    take(
        strict,
        desk,
        a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3"),
        a_finding(desk, signers["zhzf"], case.case_no, "G1", "2", "3"),
    )
    with strict.begin() as tx, pytest.raises(Rejected, match="文书号"):
        confirm_proposal(tx, proposal_of(tx, "revoke"), actor="user:chief", reason="情节严重", desk=desk)
    with strict.begin() as tx:
        confirm_proposal(
            tx,
            proposal_of(tx, "revoke"),
            actor="user:chief",
            reason="情节严重",
            desk=desk,
            document_no="示吊〔2026〕1号",
        )
    assert status(strict) == "07"
    assert sorted(proposals(strict)) == [("freeze", "overtaken"), ("revoke", "confirmed")]
    take(strict, desk, a_finding(desk, signers["zhzf"], case.case_no, "G2", "2", "3", at="2026-09-18"))
    assert sorted(proposals(strict)) == [("freeze", "overtaken"), ("revoke", "confirmed")]
    assert status(strict) == "07"


def test_a_declined_proposal_stays_declined(strict: Engine, desk: Desk, signers: Signers) -> None:
    """With a reason; a late older finding does not ask again, a newer one does; nobody decides twice."""
    (case,) = decided(strict, desk)
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F2", "2", "3", at="2026-09-05"))
    with strict.begin() as tx:
        first = proposal_of(tx)
        with pytest.raises(Rejected, match="理由"):
            decline_proposal(tx, first, actor="user:chief", reason=" ", desk=desk)
    with strict.begin() as tx:
        decline_proposal(tx, first, actor="user:chief", reason="证据不足", desk=desk)
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "2", "3", at="2026-09-04"))
    assert proposals(strict) == [("freeze", "declined")]
    for act in (confirm_proposal, decline_proposal):
        with strict.begin() as tx, pytest.raises(Conflict, match="不采纳"):
            act(tx, first, actor="user:other", reason="再看一次", desk=desk)
    with strict.begin() as tx, pytest.raises(NotFound):
        confirm_proposal(tx, uuid.uuid4(), actor="user:chief", reason="情况属实", desk=desk)
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F3", "2", "3", at="2026-09-06"))
    assert sorted(proposals(strict)) == [("freeze", "declined"), ("freeze", "open")]
    assert status(strict) == "01"


def test_a_later_finding_that_asks_for_less_overtakes(strict: Engine, desk: Desk, signers: Signers) -> None:
    """The department itself no longer asks; another department's finding changes nothing about it."""
    (case,) = decided(strict, desk)
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3", at="2026-09-01"))
    take(strict, desk, a_finding(desk, signers["zhzf"], case.case_no, "G1", "1", "1", at="2026-09-02"))
    assert proposals(strict) == [("revoke", "open")]
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F2", "1", "1", at="2026-09-03"))
    assert proposals(strict) == [("revoke", "overtaken")]
    with strict.begin() as tx:
        assert tx.execute(select(Case.standing)).scalar_one() == "clear"


@pytest.mark.parametrize("seed", range(10))
def test_with_proposals_too_the_order_of_arrival_does_not_matter(
    strict: Engine, desk: Desk, signers: Signers, seed: int
) -> None:
    """Any findings in any order and batching: holds as each department's newest finding that speaks of holding says,
    proposals as its newest finding asks, and never two for the same thing."""
    rng = random.Random(seed)
    (case,) = decided(strict, desk)
    findings = [
        a_finding(
            desk, signers[code], case.case_no, f"{code}-{number}", rng.choice(CHECK_RESULTS), rng.choice(HANDLINGS),
            at=f"2026-09-{rng.randrange(1, 6):02d}",
        )
        for code in ("scjg", "zhzf")
        for number in range(7)
    ]  # fmt: skip
    rng.shuffle(findings)
    for batch in _batches(findings, rng):
        take(strict, desk, *batch)
    held, asked = set(), set()
    for code in ("scjg", "zhzf"):
        mine = [message.data for message in findings if message.department == code]
        mine.sort(key=lambda data: (data["inspected_at"], data["finding_no"]))
        asks = [ASKS[data["check_result"], data["handling"]] for data in mine]
        decisive = [one for one in asks if one in ("freeze", "lift", "warn")]
        if decisive and decisive[-1] == "freeze":
            held.add(code)
        if asks[-1] == "propose_revocation":
            asked.add((code, "revoke"))
        elif asks[-1] == "propose_freeze" and code not in held:
            asked.add((code, "freeze"))
    with strict.begin() as tx:
        holders = set(tx.execute(select(Hold.department).where(Hold.lifted_at.is_(None))).scalars())
        open_ = select(LicenceProposal.department, LicenceProposal.effect).where(
            LicenceProposal.state == "open"
        )
        found = [tuple(row) for row in tx.execute(open_)]
        standing = tx.execute(select(Case.standing)).scalar_one()
        newest = {
            code: max((m.data["inspected_at"], m.data["finding_no"], ASKS[m.data["check_result"], m.data["handling"]])
                      for m in findings if m.department == code)[2]
            for code in ("scjg", "zhzf")
        }  # fmt: skip
        chain = [
            tuple(row)
            for row in tx.execute(select(LicenceOperation.from_status, LicenceOperation.to_status).where(
                LicenceOperation.from_status != "00"))
        ]  # fmt: skip
    assert holders == held
    assert status(strict) == ("02" if held else "01")
    assert set(found) == asked
    assert len(found) == len(asked)
    watched = any(one in ("warn", "propose_freeze", "propose_revocation") for one in newest.values())
    assert standing == ("alert" if held else "watch" if watched else "clear")
    assert chain.count(("01", "02")) - chain.count(("02", "01")) == bool(held)


def _batches(findings: list[Arrived], rng: random.Random) -> Iterator[list[Arrived]]:
    waiting = list(findings)
    while waiting:
        size = rng.randrange(1, 5)
        yield waiting[:size]
        waiting = waiting[size:]


# -- findings and licences that are not simply valid ---------------------------------------------------------------


def said(desk: Desk, **more: Any) -> dict[str, Any]:
    return {"reason": "依法办理", "actor": "user:a", "department": "zhzf", "desk": desk} | more


def test_an_ended_licence_keeps_its_status(county: Engine, desk: Desk, signers: Signers) -> None:
    """A finding on a cancelled licence is kept and changes nothing; nobody is told that it was frozen."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        licence_id = tx.execute(select(Licence.id)).scalar_one()
        change_status(tx, licence_id, "cancel", **said(desk))
        before = tx.execute(text("SELECT count(*) FROM outbox")).scalar_one()
    take(county, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3"))
    assert status(county) == "04"
    with county.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM outbox")).scalar_one() == before
        told = text("SELECT body FROM notices WHERE audience = 'clerk' ORDER BY id DESC LIMIT 1")
        assert tx.execute(told).scalar_one().startswith("证照状态未变")
    with county.begin() as tx:  # the department's word is not lost, though
        change_status(tx, licence_id, "reinstate", **said(desk, document_no="示复〔2026〕1号"))
    assert status(county) == "02"


def test_what_a_person_did_is_not_undone_by_an_older_inspection(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """A department's person suspends today; its clean check of last week, which comes late, lifts nothing, that of
    tomorrow does."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        licence_id = tx.execute(select(Licence.id)).scalar_one()
        change_status(tx, licence_id, "suspend", **said(desk))
    take(county, desk, a_finding(desk, signers["zhzf"], case.case_no, "G1", "1", "1", at="2026-09-11"))
    assert status(county) == "02"
    clock.advance(days=1)
    take(county, desk, a_finding(desk, signers["zhzf"], case.case_no, "G2", "1", "1", at="2026-09-19"))
    assert status(county) == "01"


def test_a_finding_acts_on_the_newest_version(county: Engine, desk: Desk, signers: Signers) -> None:
    """A finding on the case of a licence that was renewed since freezes the version in force, by the old identifier, by
    the new one or without; the case it is about is on alert."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        old_id, old = tx.execute(select(Licence.id, Licence.identifier)).one()
    newer = next_version(county, old_id)
    with county.begin() as tx:
        new = tx.execute(select(Licence.identifier).where(Licence.id == newer)).scalar_one()
    for number, identifier, result, becomes in (
        ("F1", None, "3", "02"), ("F2", new, "1", "01"), ("F3", old, "3", "02"), ("F4", new, "1", "01"),
    ):  # fmt: skip
        named = {"certificateIdentifier": identifier} if identifier else {}
        take(county, desk, a_finding(desk, signers["scjg"], case.case_no, number, result, "1", **named))
        with county.begin() as tx:
            statuses = dict(tx.execute(select(Licence.id, Licence.status)).all())
            assert statuses == {old_id: "05", newer: becomes}
            assert tx.execute(select(Case.standing)).scalar_one() == ("alert" if becomes == "02" else "clear")
    with county.begin() as tx:
        assert set(tx.execute(select(Finding.licence_id)).scalars()) == {newer}


# -- keeping the table -------------------------------------------------------------------------------------------


def test_two_rules_do_not_contradict(typed: Engine) -> None:
    """Exactly the same conditions with another effect are refused, naming the rule; also when a rule is changed into it or
    revived; the same conditions for a type are another matter."""
    with typed.begin() as tx:
        with pytest.raises(Conflict, match=r"规则 \d+ 对完全相同的条件写着“暂扣证照”"):
            add_rule(tx, RuleFacts("inspection", "warn", "3"), actor=ADMIN)
        with pytest.raises(Conflict, match="已经写着同样的内容"):
            add_rule(tx, RuleFacts("inspection", "freeze", "3"), actor=ADMIN)
        number = add_rule(tx, RuleFacts("inspection", "warn", "3", type_code=TYPE), actor=ADMIN)
        with pytest.raises(Conflict, match="完全相同"):
            change_rule(tx, number, RuleFacts("inspection", "warn", "3"), actor=ADMIN)
        assert retire_rule(tx, number, actor=ADMIN, reason="不再需要")
        assert not retire_rule(tx, number, actor=ADMIN)
        add_rule(tx, RuleFacts("inspection", "none", "3", type_code=TYPE), actor=ADMIN)
        with pytest.raises(Conflict, match="不处置"):
            revive_rule(tx, number, actor=ADMIN)
        assert not change_rule(tx, number, RuleFacts("inspection", "warn", "3", type_code=TYPE), actor=ADMIN)
        actions = tx.execute(text("SELECT action FROM ledger WHERE action LIKE 'licence_rule.%' ORDER BY id"))
        assert list(actions.scalars()) == ["licence_rule.added", "licence_rule.retired", "licence_rule.added"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (RuleFacts("visit", "warn"), "种类"),
        (RuleFacts("inspection", "burn"), "处置应为"),
        (RuleFacts("inspection", "warn", "9"), "1 符合"),
        (RuleFacts("inspection", "warn", "1", "9"), "1 通过"),
        (RuleFacts("enforcement", "warn", "3", "1"), "没有处理结果"),
        (RuleFacts("rectification", "warn", "7"), "整改合格"),
        (RuleFacts("inspection", "warn", type_code="no-such"), "no-such"),
        (RuleFacts("inspection", "warn", automatic=False), "只有暂扣"),
        (RuleFacts("inspection", "warn", note="长" * 201), "说明"),
        (RuleFacts("inspection", "warn", seq=-1), "顺序号"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(typed: Engine, facts: RuleFacts, words: str) -> None:
    """With a sentence that says what would be right."""
    with typed.begin() as tx, pytest.raises(Rejected, match=words):
        add_rule(tx, facts, actor=ADMIN)


def test_the_database_refuses_a_revocation_that_nobody_confirms(typed: Engine) -> None:
    """And a warning that waits for a person; whatever the program does. Through save_rules a revocation always waits."""
    for effect, automatic in (("propose_revocation", True), ("warn", False), ("burn", True)):
        with typed.begin() as tx, pytest.raises(IntegrityError):
            tx.execute(
                text(
                    "INSERT INTO licence_rules (kind, effect, automatic) VALUES ('enforcement', :effect, :automatic)"
                ),
                {"effect": effect, "automatic": automatic},
            )
    with typed.begin() as tx:
        number = add_rule(
            tx, RuleFacts("enforcement", "propose_revocation", "5", automatic=True), actor=ADMIN
        )
        kept = select(LicenceRule.automatic).where(LicenceRule.id == number)
        assert tx.execute(kept).scalar_one() is False


def test_the_order_decides_between_equals(typed: Engine) -> None:
    """Two rules that name equally much: the one that was put first counts, and the try says why; a list that is not the
    one in force is refused."""
    with typed.begin() as tx:
        one = add_rule(tx, RuleFacts("inspection", "warn", result="1", type_code=TYPE), actor=ADMIN)
        two = add_rule(tx, RuleFacts("inspection", "none", handling="1", type_code=TYPE), actor=ADMIN)
        tried = try_rules(tx, "inspection", "1", "1", TYPE)
        assert tried.rule is not None
        assert (tried.rule.id, tried.effect, [other.id for other in tried.others][:1]) == (one, "warn", [two])
        assert "它排在前面" in tried.why
        there = list(tx.execute(select(LicenceRule.id).where(LicenceRule.active)).scalars())
        reorder_rules(tx, [two, one, *(id_ for id_ in there if id_ not in (one, two))], actor=ADMIN)
        assert try_rules(tx, "inspection", "1", "1", TYPE).effect == "none"
        with pytest.raises(Conflict, match="增减"):
            reorder_rules(tx, [one, two], actor=ADMIN)


def test_what_another_changed_meanwhile_is_not_overwritten(typed: Engine) -> None:
    """A save says what its editor saw."""
    with typed.begin() as tx:
        number = add_rule(tx, RuleFacts("enforcement", "warn", "0"), actor=ADMIN)
        seen = {
            "kind": "enforcement", "effect": "warn", "result": "0", "handling": None, "type_code": None,
            "automatic": True, "note": "", "seq": 100,
        }  # fmt: skip
        assert change_rule(tx, number, RuleFacts("enforcement", "freeze", "0"), actor=ADMIN, seen=seen)
        with pytest.raises(Conflict, match="刚刚由他人改动"):
            change_rule(tx, number, RuleFacts("enforcement", "none", "0"), actor="user:other", seen=seen)
        with pytest.raises(NotFound):
            change_rule(tx, 10**6, RuleFacts("enforcement", "none", "0"), actor=ADMIN)


def test_nobody_escapes_a_proposal_by_renewing(strict: Engine, desk: Desk, signers: Signers) -> None:
    """What a department asks for goes over to the new version; confirming it acts on that; its next clean check lets go
    of it."""
    (case,) = decided(strict, desk)
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3", at="2026-09-01"))
    with strict.begin() as tx:
        old_id = tx.execute(select(Licence.id)).scalar_one()
    new_id = next_version(strict, old_id, supersede=False)
    with strict.begin() as tx:
        change = Changed(old_id, "supersede", "01", "延续", "user:a", desk.clock(), related_id=new_id)
        take_effect(tx, [change], desk)
        assert tx.execute(select(LicenceProposal.licence_id, LicenceProposal.state)).one() == (new_id, "open")
        assert tx.execute(select(Case.standing)).scalar_one() == "watch"
    with strict.connect() as tx, tx.begin() as step:
        confirm_proposal(
            tx,
            proposal_of(tx, "revoke"),
            actor="user:a",
            reason="情节严重",
            desk=desk,
            document_no="示吊〔2026〕1号",
        )
        assert dict(tx.execute(select(Licence.id, Licence.status)).all()) == {old_id: "05", new_id: "07"}
        step.rollback()
    take(strict, desk, a_finding(desk, signers["scjg"], case.case_no, "F2", "1", "1", at="2026-09-02"))
    assert proposals(strict) == [("revoke", "overtaken")]
