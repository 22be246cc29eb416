"""协调建议: a question between a department and the window, its answer, and its clock."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from hub.advice.speak import Asked, Speaker, open_thread, post
from hub.advice.standing import Standing
from hub.advice.tell_late_answers import tell_late_answers
from hub.advice.thread import AdvicePost, AdviceThread
from hub.errors import Denied, NotFound, Rejected
from hub.exchange.announcement import Announcement
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow
from hub.exchange.take_in import take_in
from hub.noticing.notice import Notice
from hub.ports import Desk
from schemas import loads, violations
from storage.signing import Signer
from tests.hub.advice_builders import a_post, a_question
from tests.hub.builders import NOW, Clock, decided, message

Signers = dict[str, Signer]
CLERK = Speaker("user:clerk", "示例甲")


def thread_of(engine: Engine) -> Any:
    with engine.begin() as tx:
        return tx.execute(select(*AdviceThread.__table__.columns)).one()


def told(engine: Engine) -> list[tuple[str, str | None, bool]]:
    """Audience, department, and whether an answer is asked for, of every notice about advice."""
    query = select(Notice.audience, Notice.department, Notice.answer_by).where(Notice.thread_id.is_not(None))
    with engine.begin() as tx:
        return [(row[0], row[1], row[2] is not None) for row in tx.execute(query.order_by(Notice.id))]


def ask_scjg(engine: Engine, desk: Desk, case_no: str, once: uuid.UUID) -> None:
    with engine.begin() as tx:
        open_thread(
            tx,
            Asked(case_no, "scjg", "question", "经营场所是否已变更", "请核对现场地址。"),
            desk,
            by=CLERK,
            once=once,
        )


def test_a_department_asks_and_the_window_answers(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """The question starts a clock at the window; the answer goes out signed, is owed until signed, and stops it."""
    (case,) = decided(county, desk)
    number = uuid.uuid4()
    with county.begin() as tx:
        result = take_in(tx, [a_question(desk, signers["scjg"], case.case_no, number)], [], desk)
    asked = thread_of(county)
    clock.advance(hours=3)
    with county.begin() as tx:
        state = post(tx, number, "已核对，系录入有误，将更正。", desk, by=CLERK, once=uuid.uuid4())
        row = tx.execute(
            select(*OutboxRow.__table__.columns).where(OutboxRow.event_type == "advice.forwarded.v1")
        ).one()
        take_in(tx, [_signed(desk, signers["scjg"], row)], [], desk)
        announced = tx.execute(select(*Announcement.__table__.columns)).one()

    event = loads(bytes(row.value))
    assert result.accepted == 1
    assert (asked.state, asked.asked_by, asked.due_at is not None) == ("open", "scjg", True)
    assert (state, thread_of(county).due_at) == ("answered", None)
    assert violations("advice.forwarded.v1", event) == []
    assert (row.topic, row.key, event["data"]["state"]) == (f"{desk.area}.scjg.in", case.case_no, "answered")
    assert announced.signed_at is not None
    assert told(county) == [("approver", None, True), ("clerk", None, False), ("supervisor", "scjg", False)]


def _signed(desk: Desk, signer: Signer, row: Any) -> Any:
    at = desk.clock().isoformat().replace("+00:00", "Z")
    data = {
        "event_id": str(row.event_id),
        "package_sha256": hashlib.sha256(bytes(row.value)).hexdigest(),
        "receipts": [{"kind": kind, "at": at, "by": None, "reason": None} for kind in ("arrived", "signed")],
    }
    return message(desk, signer, "receipt.v1", row.key, data)


def test_the_window_asks_and_a_department_answers(county: Engine, desk: Desk, signers: Signers) -> None:
    """A window's question is the department's to answer; pressing the button twice asks once; closing ends it for both."""
    (case,) = decided(county, desk)
    once = uuid.uuid4()
    ask_scjg(county, desk, case.case_no, once)
    ask_scjg(county, desk, case.case_no, once)
    opened = thread_of(county)
    with county.begin() as tx:
        take_in(tx, [a_post(desk, signers["scjg"], case.case_no, once, "已核对，一致。")], [], desk)
    answered = thread_of(county)
    with county.begin() as tx:
        post(tx, once, "谢谢，就此了结。", desk, by=CLERK, once=uuid.uuid4(), closes=True)
        sent = [
            loads(bytes(value))["data"]["state"]
            for value in tx.execute(
                select(OutboxRow.value)
                .where(OutboxRow.event_type == "advice.forwarded.v1")
                .order_by(OutboxRow.id)
            ).scalars()
        ]

    assert (opened.state, opened.asked_by, opened.department) == ("open", None, "scjg")
    assert (answered.state, answered.due_at) == ("answered", None)
    assert thread_of(county).closed_by == "user:clerk"
    assert sent == ["open", "closed"]
    assert told(county)[0] == ("supervisor", "scjg", True)


def test_the_same_message_twice_is_one_post(county: Engine, desk: Desk, signers: Signers) -> None:
    """A thread may be opened, answered and ended in one batch; a repeated message changes nothing."""
    (case,) = decided(county, desk)
    number, signer = uuid.uuid4(), signers["scjg"]
    batch = [
        a_question(desk, signer, case.case_no, number),
        a_post(desk, signer, case.case_no, number, "补充：已拍照。"),
        a_post(desk, signer, case.case_no, number, "已自行查明。", closes=True),
    ]
    for again in (batch, batch, batch[:1]):
        with county.begin() as tx:
            take_in(tx, again, [], desk)
    with county.begin() as tx:
        posts = tx.execute(select(AdvicePost.body).order_by(AdvicePost.id)).all()

    assert len(posts) == 3
    assert thread_of(county).state == "closed"


def test_a_post_on_a_closed_thread_opens_it_again(county: Engine, desk: Desk, signers: Signers) -> None:
    """Who asked and asks again starts the clock anew; who answers late adds an answer."""
    (case,) = decided(county, desk)
    number, signer = uuid.uuid4(), signers["scjg"]
    with county.begin() as tx:
        take_in(tx, [a_question(desk, signer, case.case_no, number, closes=True)], [], desk)
    assert thread_of(county).state == "closed"
    with county.begin() as tx:
        take_in(tx, [a_post(desk, signer, case.case_no, number, "又有新情况。")], [], desk)
    again = thread_of(county)

    assert (again.state, again.closed_at, again.due_at is not None) == ("open", None, True)


def test_what_cannot_be_taken_waits_with_its_cause(county: Engine, desk: Desk, signers: Signers) -> None:
    """Not of this area, not pushed, no such thread, another's thread: each is held with a cause, and known by its case."""
    (case, other) = decided(county, desk, 2)
    number, scjg, zhzf = uuid.uuid4(), signers["scjg"], signers["zhzf"]
    with county.begin() as tx:
        tx.execute(
            text("DELETE FROM pushes WHERE case_no = :c AND department = 'zhzf'"), {"c": other.case_no}
        )
        take_in(tx, [a_question(desk, scjg, case.case_no, number)], [], desk)
        result = take_in(
            tx,
            [
                a_question(desk, scjg, "990101209901010000001", uuid.uuid4()),
                a_question(desk, zhzf, other.case_no, uuid.uuid4()),
                a_post(desk, scjg, case.case_no, uuid.uuid4()),
                a_post(desk, zhzf, case.case_no, number),
                a_post(desk, scjg, other.case_no, number),
                a_question(desk, scjg, case.case_no, uuid.uuid4(), at="2027-01-01T00:00:00Z"),
            ],
            [],
            desk,
        )
        held = tx.execute(select(Quarantined.cause, Quarantined.case_no).order_by(Quarantined.id)).all()

    causes = ["unknown_case", "unknown_push", "unknown_thread", "unknown_thread", "unknown_thread", "schema"]
    assert (result.accepted, [row.cause for row in held]) == (0, causes)
    assert [row.case_no for row in held][1:3] == [other.case_no, case.case_no]


def test_only_who_handles_the_case_speaks_for_the_window(county: Engine, desk: Desk) -> None:
    """Another department's approver is refused; so is a question to a department that does not have the case."""
    (case,) = decided(county, desk)
    stranger = Speaker("user:other", "示例乙", "zhzf")
    asked = Asked(case.case_no, "scjg", "question", "经营场所", "请核对。")
    with county.begin() as tx:
        with pytest.raises(Denied):
            open_thread(tx, asked, desk, by=stranger, once=uuid.uuid4())
        tx.execute(text("DELETE FROM pushes WHERE department = 'scjg'"))
        with pytest.raises(Rejected, match="没有推送给"):
            open_thread(tx, asked, desk, by=CLERK, once=uuid.uuid4())
        with pytest.raises(NotFound):
            post(tx, uuid.uuid4(), "在吗", desk, by=CLERK, once=uuid.uuid4())


def test_a_late_answer_is_noticed_once(county: Engine, desk: Desk, signers: Signers, clock: Clock) -> None:
    """When the clock has run out both sides are told, once; an answer afterwards ends it."""
    (case,) = decided(county, desk)
    number = uuid.uuid4()
    ask_scjg(county, desk, case.case_no, number)
    with county.begin() as tx:
        assert tell_late_answers(tx, clock()) == 0
    clock.advance(days=10)
    with county.begin() as tx:
        assert (tell_late_answers(tx, clock()), tell_late_answers(tx, clock())) == (1, 0)
    late = told(county)[-3:]
    with county.begin() as tx:
        take_in(tx, [a_post(desk, signers["scjg"], case.case_no, number, "已核对。")], [], desk)

    assert late == [("approver", None, False), ("clerk", None, False), ("supervisor", "scjg", False)]
    assert thread_of(county).state == "answered"


@given(st.lists(st.tuples(st.sampled_from([None, "scjg"]), st.booleans()), min_size=1, max_size=12))
def test_whoever_asked_waits_until_the_other_side_speaks(posts: list[tuple[str | None, bool]]) -> None:
    """Whatever is said by whom: a clock runs exactly while the thread is open, and it is open only after the asker spoke."""
    thread = Standing.opened(
        uuid.uuid4(),
        "1",
        {"kind": "question", "subject": "测试", "department": "scjg", "asked_by": posts[0][0]},
        NOW,
    )
    for by, closes in posts:
        thread.post(by, "user:test", NOW, NOW, closes=closes)
        row = thread.row
        assert (row["state"] == "open") == (row["due_at"] is not None)
        assert (row["state"] == "closed") == (row["closed_at"] is not None) == closes
        assert row["state"] != "open" or by == row["asked_by"]
