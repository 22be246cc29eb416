"""What comes back: plans, inspections, rectifications, penalties, credit, corrections, withdrawals, and what each does."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from hub.case import Case
from hub.exchange.announcement import Announcement
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow
from hub.feedback.finding import Finding
from hub.feedback.light import PartyLight
from hub.feedback.shine_lights import dim_lights
from hub.licensing.licence import Hold, Licence
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.package import instant
from hub.pushing.push import Push
from hub.workday import due, end_of, exceptions, local_day
from schemas import loads, violations
from storage.signing import Signer
from tests.hub.builders import Clock, decided
from tests.hub.fact_builders import (
    a_credit,
    a_finding,
    a_penalty,
    a_plan,
    a_rectification,
    a_withdrawal,
    take,
    take_each,
)

Signers = dict[str, Signer]


def seen(engine: Engine) -> dict[str, Any]:
    """How licence, case, push of scjg and party stand."""
    with engine.begin() as tx:
        return {
            "licence": tx.execute(select(Licence.status)).scalar_one(),
            "holders": set(tx.execute(select(Hold.department).where(Hold.lifted_at.is_(None))).scalars()),
            "case": tx.execute(select(Case.standing)).scalar_one(),
            "push": tx.execute(select(Push.state).where(Push.department == "scjg")).scalar_one(),
            "light": tx.execute(select(PartyLight.light)).scalar_one_or_none(),
        }


def test_a_plan_begins_supervision(county: Engine, desk: Desk, signers: Signers) -> None:
    """A plan, although it lies in the future, makes the push supervised and nothing else."""
    (case,) = decided(county, desk)
    assert take(county, desk, a_plan(desk, signers["scjg"], case.case_no, "JH1")).accepted == 1
    assert seen(county) == {
        "licence": "01",
        "holders": set(),
        "case": "clear",
        "push": "supervising",
        "light": None,
    }


def test_a_rectification_lifts_what_its_inspection_froze(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """不符合 freezes, 继续整改 leaves it frozen, 整改合格 lifts; an older inspection's rectification lifts nothing."""
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    take(county, desk, a_finding(*of, "F1", "3", "2", at="2026-09-01"))
    assert (seen(county)["licence"], seen(county)["light"]) == ("02", "red")
    take(county, desk, a_rectification(*of, "Z1", "F1", "2", at="2026-09-03"))
    assert seen(county) == {
        "licence": "02", "holders": {"scjg"}, "case": "alert", "push": "supervising", "light": "yellow",
    }  # fmt: skip
    take(county, desk, a_rectification(*of, "Z2", "F1", "1", at="2026-09-05", round=2))
    assert seen(county) == {
        "licence": "01",
        "holders": set(),
        "case": "clear",
        "push": "answered",
        "light": None,
    }
    take(county, desk, a_finding(*of, "F2", "3", "2", at="2026-09-10"))
    take(county, desk, a_rectification(*of, "Z3", "F1", "1", at="2026-09-12", round=3))
    assert seen(county)["licence"] == "02"


def test_what_comes_before_its_inspection_waits_and_is_taken_by_itself(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """A withdrawal and a rectification before their inspection are held, and taken, in turn, when it comes."""
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    early = [a_rectification(*of, "Z1", "F1", "1"), a_withdrawal(*of, "C1", "Z1")]
    held = take_each(county, desk, early)
    assert [(one.accepted, one.quarantined) for one in held] == [(0, 1), (0, 1)]
    again = take(county, desk, a_finding(*of, "F1", "3", "3"))
    assert again.accepted == 1
    with county.begin() as tx:
        states = tx.execute(select(Quarantined.cause, Quarantined.state)).all()
        facts = dict(tx.execute(select(Finding.finding_no, Finding.standing)).all())
        answers = tx.execute(select(OutboxRow.id).where(OutboxRow.event_type == "quarantined.v1")).all()
    assert states == [("unknown_finding", "replayed")] * 2
    assert facts == {"F1": "standing", "Z1": "withdrawn", "C1": "standing"}
    assert len(answers) == 2
    assert seen(county)["licence"] == "02"
    assert take(county, desk, *early).duplicates == 2


def test_the_order_within_a_batch_does_not_matter(county: Engine, desk: Desk, signers: Signers) -> None:
    """What another message of the same batch explains is not quarantined."""
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    batch = [
        a_withdrawal(*of, "C1", "Z1"),
        a_rectification(*of, "Z1", "F1", "1"),
        a_finding(*of, "F1", "3", "3"),
    ]
    taken = take(county, desk, *batch)
    assert (taken.accepted, taken.quarantined) == (3, 0)
    assert seen(county)["licence"] == "02"


def test_a_withdrawn_finding_counts_as_if_it_had_never_been(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """A withdrawal lifts the hold, clears the case, dims the light, works out the push anew; the record stays."""
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    take(county, desk, a_finding(*of, "F1", "1", "1", at="2026-09-01"))
    take(county, desk, a_finding(*of, "F2", "3", "3", at="2026-09-02"))
    assert seen(county)["licence"] == "02"
    take(county, desk, a_withdrawal(*of, "C1", "F2", at="2026-09-03"))
    assert seen(county) == {
        "licence": "01",
        "holders": set(),
        "case": "clear",
        "push": "answered",
        "light": None,
    }
    refused = take(county, desk, a_withdrawal(*of, "C2", "F2", at="2026-09-03"))
    assert refused.quarantined == 1


def test_withdrawing_a_clean_check_brings_back_the_freeze(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """What lifted stands no longer: the department's earlier word holds again."""
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    take_each(
        county,
        desk,
        [
            a_finding(*of, "F1", "3", "3", at="2026-09-01"),
            a_finding(*of, "F2", "1", "1", at="2026-09-02"),
            a_withdrawal(*of, "C1", "F2", at="2026-09-03"),
        ],
    )
    assert seen(county) == {
        "licence": "02", "holders": {"scjg"}, "case": "alert", "push": "supervising", "light": "red",
    }  # fmt: skip


def test_a_correction_takes_the_place_of_what_it_corrects(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """Corrections of corrections; the rectification of the first one goes on with the last; the same number only once."""
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    take(county, desk, a_finding(*of, "F1", "1", "1", at="2026-09-01"))
    take(county, desk, a_finding(*of, "F2", "3", "2", at="2026-09-01", corrects="F1"))
    assert seen(county)["licence"] == "02"
    take(county, desk, a_rectification(*of, "Z1", "F1", "1", at="2026-09-04"))
    assert seen(county)["licence"] == "01"
    take(county, desk, a_finding(*of, "F3", "3", "3", at="2026-09-02", corrects="F2"))
    assert seen(county)["licence"] == "01"
    again = take(county, desk, a_finding(*of, "F4", "3", "3", corrects="F1"))
    wrong = take(county, desk, a_plan(*of, "J1", corrects="F3"))
    assert (again.quarantined, wrong.quarantined) == (1, 1)
    with county.begin() as tx:
        standing = dict(tx.execute(select(Finding.finding_no, Finding.standing)).all())
    assert standing == {"F1": "corrected", "F2": "corrected", "F3": "standing", "Z1": "standing"}


@pytest.mark.parametrize(
    ("money", "fen"),
    [
        ({"fine_fen": 200000, "fine_wan": 0.2}, 200000),
        ({"fine_wan": "1,000.50"}, 1000500000),
        ({"fine_wan": 0.29, "columns": {"CF_NR_FK": "0.29"}}, 290000),
        ({"fine_fen": 0}, 0),
        ({}, None),
        ({"fine_fen": 2000, "fine_wan": 0.2}, "不一致"),
        ({"fine_fen": 200000, "columns": {"CF_NR_FK": 2000}}, "不一致"),
        ({"fine_wan": "0.0000001"}, "小数"),
        ({"fine_wan": "两千"}, "不是金额"),
        ({"fine_wan": -1}, "不是金额"),
    ],
)
def test_money_is_one_sum_however_it_is_written(
    county: Engine, desk: Desk, signers: Signers, money: dict[str, Any], fen: object
) -> None:
    """分 and 万元 must agree; what is no sum, or two sums, is refused with a sentence that shows it."""
    (case,) = decided(county, desk)
    taken = take(county, desk, a_penalty(desk, signers["zhzf"], case.case_no, "CF1", **money))
    with county.begin() as tx:
        if isinstance(fen, str):
            assert taken.quarantined == 1
            assert fen in tx.execute(select(Quarantined.message)).scalar_one()
        else:
            assert tx.execute(select(Finding.fine_fen)).scalar_one() == fen


def test_lights_last_as_long_as_their_rules_say(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """A fine shines red for its year; a repaired credit clears the entry, not the fine; a later light is found again."""
    (case,) = decided(county, desk)
    of = (desk, signers["zhzf"], case.case_no)
    take(county, desk, a_penalty(*of, "CF1", "1", at="2026-09-01"))
    take(county, desk, a_credit(*of, "X1", "serious", at="2026-09-02", until="2029-09-02"))
    take(county, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "2", "2", at="2026-09-03"))
    with county.begin() as tx:
        assert tx.execute(select(PartyLight.light, PartyLight.why)).one() == ("red", "失信记录")
    take(county, desk, a_credit(*of, "X2", "repaired", at="2026-09-04"))
    with county.begin() as tx:
        assert tx.execute(select(PartyLight.why)).scalar_one() == "受到处罚"
    clock.advance(days=360)
    with county.begin() as tx:
        assert dim_lights(tx, clock()) == 1
        assert tx.execute(select(PartyLight.light)).scalar_one() == "yellow"
        assert dim_lights(tx, clock()) == 0


def test_other_departments_hear_what_their_rules_name(county: Engine, desk: Desk, signers: Signers) -> None:
    """A rule's hearer is told, signed and valid, masked, with its limit; of the withdrawal, too; nobody else is."""
    with county.begin() as tx:
        tx.execute(text("ALTER TABLE push_rule_departments DISABLE TRIGGER USER"))
        tx.execute(
            text(
                "UPDATE push_rule_departments SET hears = '{enforcement}', left_out = '{case.legal}',"
                " masked = '{case.applyer_name}', sign_days = 2 WHERE department = 'scjg'"
            )
        )
    (case,) = decided(county, desk)
    columns = {"CF_XDR_MC": "测试一食品店", "CF_FRDB": "示例甲", "CF_XDR_ZJHM": "990101199001010019"}
    take(county, desk, a_penalty(desk, signers["zhzf"], case.case_no, "CF1", columns=columns))
    take(county, desk, a_withdrawal(desk, signers["zhzf"], case.case_no, "CX1", "CF1"))
    take(county, desk, a_plan(desk, signers["zhzf"], case.case_no, "J1"))
    with county.begin() as tx:
        sent = tx.execute(
            select(OutboxRow.topic, OutboxRow.value)
            .where(OutboxRow.event_type == "finding.forwarded.v1")
            .order_by(OutboxRow.id)
        ).all()
        told = tx.execute(select(Announcement.department, Announcement.case_no)).all()
        until = end_of(due(local_day(desk.clock()), 2, exceptions(tx)))
        assert set(tx.execute(select(Announcement.sign_by)).scalars()) == {until}
    events = [loads(bytes(row.value)) for row in sent]
    assert [violations("finding.forwarded.v1", event) for event in events] == [[], []]
    assert [event["data"]["fact_no"] for event in events] == ["CF1", "CX1"]
    assert {event["data"]["sign_by"] for event in events} == {instant(until)}
    shown = events[0]["data"]["fact"]["columns"]
    assert "CF_FRDB" not in shown
    assert "*" in shown["CF_XDR_MC"]
    assert "199001" not in shown["CF_XDR_ZJHM"][6:]
    assert told == [("scjg", case.case_no)] * 2


def test_a_case_that_nobody_enforces_is_the_administrators(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """移交执法 without an enforcing department: a notice; a department that does not enforce cannot be named."""
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    assert take(county, desk, a_finding(*of, "F0", "3", "3", transfer_to="zhzf")).quarantined == 1
    take(county, desk, a_finding(*of, "F1", "3", "3"))
    with county.begin() as tx:
        notices = tx.execute(select(Notice.title).where(Notice.audience == "data_admin")).scalars().all()
    assert len(notices) == 1
    assert "移交执法无人接收" in notices[0]


def test_a_case_is_handed_over_to_the_enforcing_department(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """The enforcing department that has the case is told that it is to go on; its penalty answers its own push."""
    with county.begin() as tx:
        tx.execute(text("UPDATE departments SET roles = '{supervising,enforcing}' WHERE code = 'zhzf'"))
    (case,) = decided(county, desk)
    take(county, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3"))
    penalty = a_penalty(
        desk, signers["zhzf"], case.case_no, "CF1", "3", finding_no="F1", finding_department="scjg"
    )
    take(county, desk, penalty)
    with county.begin() as tx:
        why = [
            loads(bytes(value))["data"]["why"]
            for value in tx.execute(
                select(OutboxRow.value).where(OutboxRow.event_type == "finding.forwarded.v1")
            ).scalars()
        ]
        states = dict(tx.execute(select(Push.department, Push.state)).all())
        proposals = tx.execute(text("SELECT effect, state FROM licence_proposals")).all()
    assert why == ["transfer"]
    assert states == {"scjg": "supervising", "zhzf": "answered"}
    assert proposals == [("revoke", "open")]


def test_an_enforcing_department_without_the_case_gets_it(
    county: Engine, desk: Desk, signers: Signers
) -> None:
    """A department that is named and was never pushed to gets its own push and package, once, before it is told."""
    with county.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO departments (code, name, roles) VALUES ('yjj', '示范县应急管理局', '{enforcing}')"
            )
        )
        tx.execute(text("INSERT INTO push_limits (department, sign_days) VALUES ('yjj', 3)"))
    (case,) = decided(county, desk)
    of = (desk, signers["scjg"], case.case_no)
    taken = take(county, desk, a_finding(*of, "F1", "3", "3", transfer_to="yjj"), a_plan(*of, "J1"))
    assert taken.accepted == 2
    take(county, desk, a_finding(*of, "F2", "3", "3", transfer_to="yjj"))
    with county.begin() as tx:
        sent = tx.execute(
            select(OutboxRow.event_type)
            .where(OutboxRow.topic == f"{desk.area}.yjj.in")
            .order_by(OutboxRow.id)
        ).scalars()
        types = [one for one in sent if one != "licence.changed.v1"]
        push = tx.execute(
            select(Push.state, Push.came_from, Push.sign_by).where(Push.department == "yjj")
        ).one()
        told = tx.execute(select(Announcement.sign_by).where(Announcement.kind == "finding.forwarded.v1"))
        assert set(told.scalars()) == {push.sign_by}
        assert push.sign_by == end_of(due(local_day(desk.clock()), 3, exceptions(tx)))
    assert types == ["approval.decided.v1", "finding.forwarded.v1", "finding.forwarded.v1"]
    assert push.state == "owed"
    assert push.came_from is not None
