"""Repairing the exchange: tries that are kept, a check that changes nothing, keys let go, lost messages sent again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, insert, select, text, update

from hub.deciding.decide import decide
from hub.department import Department
from hub.errors import Conflict, NotFound, Rejected
from hub.exchange.attempt import Attempt
from hub.exchange.inbox import Quarantined
from hub.exchange.missing import Reference, references
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.exchange.resend import Waits, resend_lost, resend_unsigned
from hub.exchange.settle_quarantine import Tried, dismiss, try_replay, would_pass
from hub.exchange.take_in import take_in
from hub.exchange.unpark import behind, unpark, unpark_all
from hub.feedback.finding import Finding
from hub.ports import Desk
from hub.pushing.push import Push
from storage.signing import Signer
from tests.hub.builders import NOW, Clock, a_case, a_finding, a_receipt, decided, packages

VERIFY: Callable[[bytes, str | None], str] = lambda value, signature: "scjg"  # noqa: E731


def tries(tx: Connection) -> list[tuple[str, str, bool]]:
    return [
        (row.subject, row.act, row.done) for row in tx.execute(select(Attempt.__table__).order_by(Attempt.id))
    ]


def counts(tx: Connection) -> tuple[int, ...]:
    tables = ("inbox", "findings", "quarantine", "ledger", "outbox", "notices", "attempts")
    return tuple(tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables)


def test_every_try_is_kept_and_a_check_changes_nothing(
    county: Engine, desk: Desk, signers: dict[str, Signer]
) -> None:
    """A replay that fails leaves its reason among the attempts and the message where it is; asking whether it would pass
    leaves nothing anywhere; once the case is there it passes, and then there is nothing left to try."""
    case = a_case(1, area=desk.area)
    early = a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3")
    with county.begin() as tx:
        take_in(tx, [early], [], desk)
        held = tx.execute(select(Quarantined.id)).scalar_one()
        before = counts(tx)
        said = would_pass(tx, held, desk, VERIFY)
        assert not said.done
        assert counts(tx) == before
        tried = try_replay(tx, held, desk, VERIFY, actor="user:a", reason="再试")
        assert not tried.done
        assert "仍不能接收" in tried.words
        assert [one.there for one in references(tx, early.event, "scjg")] == [False]
    with county.begin() as tx:
        decide(tx, [case], desk, actor="user:test")
        before = counts(tx)
        assert would_pass(tx, held, desk, VERIFY).done
        assert counts(tx) == before
        assert references(tx, early.event, "scjg") == [Reference("case", case.case_no, True)]
        assert try_replay(tx, held, desk, VERIFY, actor="user:a", reason="已补录") == Tried(
            True, "消息已重放。"
        )
        assert tx.execute(select(func.count()).select_from(Finding)).scalar_one() == 1
        with pytest.raises(Conflict):
            would_pass(tx, held, desk, VERIFY)
        with pytest.raises(Conflict):
            dismiss(tx, held, actor="user:a", reason="不要了")
        subject = f"quarantine:{held}"
        assert tries(tx) == [(subject, "replay", False), (subject, "replay", True)]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "type", "project_no", "event_id", "files", "sha256", "corrects", "thread_id"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(event=_JSON)
def test_whatever_a_message_says_its_references_are_looked_for(county: Engine, event: Any) -> None:
    """Any JSON at all has a list of what it names; nothing raises, and nothing of an empty hub is there."""
    with county.connect() as tx:
        assert not any(one.there for one in references(tx, event, "scjg"))


def test_parked_keys_show_what_waits_and_are_let_go_together(county: Engine, desk: Desk) -> None:
    """Behind a key stand its unpublished rows in order; many are let go with one reason, those that are not parked are
    passed over, and each leaves its attempt and its ledger row."""
    cases = decided(county, desk, 3)
    topic = f"{desk.area}.scjg.in"
    with county.begin() as tx:
        for case in cases[:2]:
            tx.execute(insert(ParkedKey).values(topic=topic, key=case.case_no, cause="过大", attempts=1))
        (waiting,) = behind(tx, topic, cases[0].case_no)
        assert (waiting.event_type, waiting.size > 100) == ("approval.decided.v1", True)
        with pytest.raises(Rejected):
            unpark(tx, topic, cases[0].case_no, actor="user:a", reason=" ")
        gone = unpark_all(tx, [(topic, case.case_no) for case in cases], actor="user:a", reason="已放宽上限")
        assert sorted(gone) == sorted((topic, case.case_no) for case in cases[:2])
        with pytest.raises(NotFound):
            unpark(tx, topic, cases[0].case_no, actor="user:a", reason="再来")
        assert sorted(tries(tx)) == sorted(
            (f"key:{topic}/{case.case_no}", "unpark", True) for case in cases[:2]
        )
        told = tx.execute(text("SELECT count(*) FROM ledger WHERE action = 'outbox.unparked'")).scalar_one()
        assert told == 2


def waiting_now(tx: Connection) -> set[uuid.UUID]:
    return set(tx.execute(select(OutboxRow.event_id).where(OutboxRow.published_at.is_(None))).scalars())


def test_a_message_that_was_passed_over_goes_again_ever_more_rarely(
    county: Engine, desk: Desk, signers: dict[str, Signer], clock: Clock
) -> None:
    """Nothing goes again while a department may merely be slow; when it has signed for something written half an hour later,
    what it passed over goes again, alone, and each time after twice as long a wait; a receipt ends it."""
    lost, later = a_case(1, area=desk.area), a_case(2, area=desk.area)
    with county.begin() as tx:
        tx.execute(update(Department).where(Department.code == "zhzf").values(channel="web"))
        decide(tx, [lost], desk, actor="user:test")
        tx.execute(update(Push).values(created_at=NOW))
    clock.advance(minutes=40)
    with county.begin() as tx:
        decide(tx, [later], desk, actor="user:test")
        tx.execute(update(Push).where(Push.case_no == later.case_no).values(created_at=clock.now))
        tx.execute(update(OutboxRow).values(published_at=NOW))
        assert resend_unsigned(tx, clock.now) == 0  # it may be on its way to both
        take_in(
            tx, [a_receipt(desk, signers["scjg"], packages(tx, later.case_no)["scjg"], "signed")], [], desk
        )
        wanted = packages(tx, lost.case_no)["scjg"].event_id
        moments = []
        for minutes in range(41, 41 + 8 * 60, 10):
            now = NOW + timedelta(minutes=minutes)
            tx.execute(update(OutboxRow).values(published_at=NOW))
            if resend_unsigned(tx, now):
                assert waiting_now(tx) == {wanted}
                moments.append(minutes)
        assert moments == [41, 111, 241, 491]
        assert len(tries(tx)) == 4
        take_in(
            tx, [a_receipt(desk, signers["scjg"], packages(tx, lost.case_no)["scjg"], "arrived")], [], desk
        )
        assert resend_unsigned(tx, NOW + timedelta(days=9)) == 0


def test_a_silent_department_is_sent_everything_again_once_a_day_at_most(county: Engine, desk: Desk) -> None:
    """A department that signs for nothing gets what it is owed again after a day, then after longer, in bounded rounds."""
    decided(county, desk, 3)
    waits = Waits(batch=2)
    with county.begin() as tx:
        tx.execute(update(Push).values(created_at=NOW))
        tx.execute(update(OutboxRow).values(published_at=NOW))
        assert resend_unsigned(tx, NOW + timedelta(hours=23), waits) == 0
        day = NOW + timedelta(hours=25)
        assert [resend_unsigned(tx, day, waits) for _ in range(3)] == [
            4,
            2,
            0,
        ]  # two departments, two of each a round


def test_a_topic_that_was_made_anew_is_filled_with_what_was_not_received(
    county: Engine, desk: Desk, signers: dict[str, Signer]
) -> None:
    """Everything on it without a receipt goes again at once; other topics and what has arrived are left alone."""
    cases = decided(county, desk, 3)
    with county.begin() as tx:
        take_in(
            tx,
            [a_receipt(desk, signers["scjg"], packages(tx, cases[0].case_no)["scjg"], "arrived")],
            [],
            desk,
        )
        tx.execute(update(OutboxRow).values(published_at=NOW))
        assert resend_lost(tx, [f"{desk.area}.scjg.in"], NOW + timedelta(seconds=1)) == 2
        assert waiting_now(tx) == {packages(tx, case.case_no)["scjg"].event_id for case in cases[1:]}
        assert resend_lost(tx, ["nobody.in"], NOW) == 0
