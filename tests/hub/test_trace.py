"""The trace of a case: everything that happened to it is on it, in one order, once, and only what the viewer may see."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.advice.speak import Asked, Speaker, open_thread
from hub.deciding.correct_decision import Correction, correct_decision
from hub.deciding.withdraw_decision import withdraw_decision
from hub.exchange.resend import resend
from hub.exchange.take_in import take_in
from hub.licensing.life import OPERATIONS
from hub.noticing.notice import AUDIENCES
from hub.ports import Desk
from hub.pushing.act_on_push import insist_on_push
from hub.pushing.overdue import notice_overdue
from hub.round_trips import ask
from hub.tracing import trace as tracing
from hub.tracing.trace import Trace, Viewer, trace
from hub.tracing.trace_licence import TITLES
from hub.tracing.trace_line import FAMILIES
from hub.tracing.trace_notices import ROLES
from storage.signing import Signer
from tests.hub.advice_builders import a_post, a_question
from tests.hub.builders import Clock, a_finding, decided
from tests.hub.fact_builders import a_credit, a_penalty, a_plan, a_rectification, a_withdrawal
from tests.hub.push_builders import BY, packages_of, push_of, say, sign_announcement

Signers = dict[str, Signer]


def look(engine: Engine, desk: Desk, case_no: str, only: str | None = None) -> Trace:
    with engine.begin() as tx:
        return trace(tx, case_no, area=desk.area, viewer=Viewer("user:test", only))


@pytest.fixture
def life(county: Engine, desk: Desk, signers: Signers, clock: Clock) -> str:
    """A case with everything that can happen after a decision, by the real steps."""
    (case,) = decided(county, desk)
    number, scjg, zhzf = case.case_no, signers["scjg"], signers["zhzf"]
    clock.advance(hours=1)
    say(county, desk, scjg, number, "arrived", "signed", "claimed")
    say(county, desk, zhzf, number, "arrived", "returned")
    clock.advance(hours=1)
    with county.begin() as tx:
        insist_on_push(tx, push_of(tx, "zhzf").id, reason="属于贵局职责", by=BY, desk=desk)
        correct_decision(
            tx, number, Correction("地址写错", columns={"explanation": "更正后"}), desk, actor="user:test"
        )
        corrected = packages_of(tx, number, "approval.corrected.v1")["scjg"]
    sign_announcement(county, desk, scjg, corrected)
    clock.advance(days=20)
    thread = uuid.uuid4()
    with county.begin() as tx:
        notice_overdue(tx, clock())
        take_in(
            tx,
            [
                a_plan(desk, scjg, number, "P1"),
                a_finding(desk, scjg, number, "F1", "3", "2", at="2026-09-18", rectify_by="2026-10-01"),
                a_rectification(desk, scjg, number, "R1", "F1", "2"),
                a_penalty(desk, scjg, number, "E1"),
                a_credit(desk, scjg, number, "C1", "dishonest"),
                a_question(desk, scjg, number, thread),
                a_post(desk, zhzf, number, uuid.uuid4()),
                a_finding(desk, zhzf, number, "G1", "1", "1", at="2026-09-18", explain="别的部门的检查"),
            ],
            [],
            desk,
        )
        take_in(tx, [a_withdrawal(desk, scjg, number, "W1", "C1")], [], desk)
        open_thread(
            tx,
            Asked(number, "zhzf", "proposal", "联合检查", "建议一并检查。"),
            desk,
            by=Speaker("user:clerk", "示例甲"),
            once=uuid.uuid4(),
        )
        resend(tx, actor="user:admin", reason="部门请求补发", case_no=number)
    clock.advance(days=60)
    with county.begin() as tx:
        withdraw_decision(tx, number, reason="申请人撤回申请", actor="user:test", by="管理员", desk=desk)
    return number


def test_every_family_is_told(county: Engine, desk: Desk, life: str) -> None:
    """Pushes, moves, misses, receipts, facts of each kind, corrections, advice, quarantine, notices: all are lines."""
    found = look(county, desk, life)
    titles = " ".join(line.title for line in found.lines)
    for said in (
        "决定入库", "决定更正（第 2 版）", "决定被撤回", "应推送：", "到达：", "签收：", "认领：", "退回：", "维持推送",
        "超过", "撤回推送", "监管计划：", "检查：", "次整改：", "执法结果：", "信用记录：", "撤销所报：", "告知决定更正",
        "告知决定撤回", "签收（告知决定更正）", "转达协调建议", "询问：", "建议：", "消息被隔离", "提醒",
    ):  # fmt: skip
        assert said in titles, said
    assert {line.family for line in found.lines} >= set(FAMILIES) - {
        "consent",
        "reuse",
        "promise",
        "read",
        "ledger",
    }
    assert found.decision is not None
    assert found.decision["withdrawn_at"] is not None


def test_signed_lines_lead_to_their_bytes(county: Engine, desk: Desk, life: str) -> None:
    """Whatever somebody signed names its key and where its bytes are, and those bytes have the digest of the line."""
    signed = [line.signed for line in look(county, desk, life).lines if line.signed]
    queries = {
        "outbox": "SELECT sha256(value) FROM outbox WHERE event_id = CAST(:ref AS uuid)",
        "inbox": "SELECT sha256(value) FROM inbox WHERE source || '|' || event_id = :ref",
        "quarantine": "SELECT sha256(value) FROM quarantine WHERE id = CAST(:ref AS bigint)",
    }
    assert {one.kept for one in signed} == set(queries)
    with county.begin() as tx:
        for one in signed:
            assert bytes(tx.execute(text(queries[one.kept]), {"ref": one.ref}).scalar_one()) == one.sha256


def test_the_order_stands_still(county: Engine, desk: Desk, life: str) -> None:
    """Lines are in order of time, and of the same moment always in the same order; what is told once is told once."""
    first, second = look(county, desk, life).lines, look(county, desk, life).lines
    assert first == second
    assert [line.at for line in first] == sorted(line.at for line in first)
    told = [(line.at, line.title, line.detail, line.by, line.signed and line.signed.ref) for line in first]
    assert [one for one in told if told.count(one) > 1] == []


def test_a_department_sees_only_its_own(county: Engine, desk: Desk, life: str) -> None:
    """Nothing of another department's pushes, facts, advice or messages is on a department's trace."""
    found = look(county, desk, life, only="scjg")
    assert {push["department"] for push in found.pushes} == {"scjg"}
    assert {finding["department"] for finding in found.findings} == {"scjg"}
    assert {thread["department"] for thread in found.threads} == {"scjg"}
    assert {line.department for line in found.lines} <= {None, "scjg"}
    said = " ".join(f"{line.title}{line.detail}" for line in found.lines)
    assert "别的部门的检查" not in said
    assert "综合行政执法局" not in said
    assert len(found.lines) < len(look(county, desk, life).lines)


def test_what_was_withheld_is_withheld_here(county: Engine, desk: Desk, life: str) -> None:
    """What a department was not sent of the decision is not on its page either; the window still sees it."""
    with county.begin() as tx:
        tx.execute(
            text("UPDATE pushes SET withheld = :paths WHERE department = 'scjg'"),
            {"paths": ["elements.XK_WSH", "case.applyer_name", "result.result_explain", "steps[]"]},
        )
    confined, whole = look(county, desk, life, only="scjg"), look(county, desk, life)
    assert confined.decision is not None
    assert whole.decision is not None
    assert "XK_WSH" in whole.decision["elements"]
    assert "XK_WSH" not in confined.decision["elements"]
    assert confined.decision["explanation"] == ""
    assert confined.party["name"] != whole.party["name"]
    assert "更正后" not in str([line.more for line in confined.lines])
    assert not [line for line in confined.lines if line.title.startswith("环节")]


def test_altered_receipts_are_seen(county: Engine, desk: Desk, life: str) -> None:
    """A receipt whose stored bytes were changed no longer stands behind its line, and stands out as a line by itself."""
    before = look(county, desk, life)
    assert all(line.signed.ref for line in before.lines if line.signed)
    with county.begin() as tx:
        tx.execute(text("ALTER TABLE inbox DISABLE TRIGGER inbox_stands"))
        tx.execute(text("UPDATE inbox SET value = value || ' '::bytea WHERE event_type = 'receipt.v1'"))
    after = look(county, desk, life)
    assert {line.family for line in after.lines if line.signed and not line.signed.ref} == {"receipt"}
    stray = [line for line in after.lines if line.title.startswith("收到的消息没有对应的记录")]
    assert stray
    assert {line.tone for line in stray} == {"alert"}


def test_it_is_one_round_trip_however_long_the_life(
    county: Engine, desk: Desk, life: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All families are asked at once."""
    trips = []

    def counted(tx: Any, *questions: Any) -> Any:
        trips.append(len(questions))
        return ask(tx, *questions)

    monkeypatch.setattr(tracing, "ask", counted)
    look(county, desk, life)
    assert len(trips) == 1


def test_every_word_is_there() -> None:
    """The words for who is told cover every audience, those for licences every operation."""
    assert set(ROLES) == set(AUDIENCES)
    assert set(TITLES) == set(OPERATIONS)
