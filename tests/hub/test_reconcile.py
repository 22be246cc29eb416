"""Reconciling: counts that anybody can recount, differences that name what is missing, and a zero that can be reached."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, select, update

from hub.department import Department, DepartmentKey
from hub.errors import Conflict
from hub.exchange.announcement import Announcement
from hub.exchange.arrived import Arrived
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow
from hub.exchange.settle_quarantine import dismiss
from hub.exchange.take_in import take_in
from hub.ports import Desk
from hub.pushing.push import STATES, Push
from hub.pushing.rules.add_rule import add_rule
from hub.reconciling.our_counts import ids_sha256
from hub.reconciling.reconcile import Run, find_run, finish, reconcile, start_run
from hub.reconciling.reconcile_nightly import reconcile_nightly
from hub.reconciling.reconciliation import (
    DepartmentCount,
    Reconciliation,
    ReconciliationDifference,
    ReconciliationLine,
)
from hub.reconciling.resend_differences import resend_differences, settle_differences
from hub.reconciling.stages import FIGURES, count_stages
from hub.round_trips import Rows, tell, write
from hub.workday import LOCAL
from storage.signing import Signer
from tests.hub.builders import Clock, a_case, a_finding, a_receipt, decided, message

Signers = dict[str, Signer]
DAY = date(2026, 9, 18)


def run_over(engine: Engine, desk: Desk, first: date = DAY, last: date = DAY) -> Run:
    with engine.begin() as tx:
        run = start_run(tx, first, last, desk, actor="user:test")
    return reconcile(engine, run, desk)


def differences(engine: Engine, run: Run) -> list[Any]:
    columns = ReconciliationDifference.__table__.columns
    with engine.connect() as tx:
        return list(tx.execute(select(*columns).where(columns.run_id == run.id).order_by(columns.id)))


def lines(engine: Engine, run: Run) -> dict[tuple[str, str], dict[str, int]]:
    columns = ReconciliationLine.__table__.columns
    with engine.connect() as tx:
        rows = tx.execute(select(*columns).where(columns.run_id == run.id)).all()
    return {(row.department, row.item_code): {name: getattr(row, name) for name in FIGURES} for row in rows}


def a_count(
    desk: Desk, signer: Signer, counts: dict[str, Iterable[str]], *, named: bool = False, on: date = DAY
) -> Arrived:
    """What a department counts of one day: what -> ids."""
    days = [
        {
            "day": on.isoformat(),
            "what": what,
            "count": len(ids),
            "ids_sha256": ids_sha256(ids).hex(),
            **({"ids": ids} if named else {}),
        }
        for what, ids in ((what, sorted(ids)) for what, ids in counts.items())
    ]
    at = desk.clock().isoformat().replace("+00:00", "Z")
    return message(desk, signer, "count.reported.v1", f"count-{on}", {"counted_at": at, "days": days})


def settle_in(engine: Engine, desk: Desk, *messages: Arrived) -> None:
    with engine.begin() as tx:
        taken = take_in(tx, messages, [], desk)
    assert taken.quarantined == 0


class Books:
    """A department that counts DAY as its schema says, and answers everything it gets."""

    def __init__(self, engine: Engine, desk: Desk, signer: Signer) -> None:
        self.engine, self.desk, self.signer = engine, desk, signer
        self.counted: dict[str, set[str]] = {what: set() for what in ("packages", "receipts", "findings")}

    @property
    def code(self) -> str:
        return self.signer.kid.rsplit("-", 1)[0]

    def read(self, *, lose: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """Take over and receipt what is new, but for what is lost on the way."""
        topic = f"{self.desk.area}.{self.code}.in"
        with self.engine.begin() as tx:
            tx.execute(
                update(OutboxRow)
                .where(OutboxRow.published_at.is_(None))
                .values(published_at=self.desk.clock())
            )
            sent = tx.execute(select(*OutboxRow.__table__.columns).where(OutboxRow.topic == topic)).all()
            fresh = [
                one
                for one in sent
                if one.event_type == "approval.decided.v1"
                and str(one.event_id) not in self.counted["packages"] | lose
            ]
            receipts = [
                a_receipt(self.desk, self.signer, one, "arrived", "signed", "claimed") for one in fresh
            ]
            take_in(tx, receipts, [], self.desk)
        self.counted["packages"] |= {str(one.event_id) for one in fresh}
        if self.desk.clock().astimezone(LOCAL).date() == DAY:
            self.counted["receipts"] |= {one.event["id"] for one in receipts}

    def report(self, *, named: bool = False) -> None:
        settle_in(self.engine, self.desk, a_count(self.desk, self.signer, self.counted, named=named))


@pytest.fixture
def both(county: Engine, desk: Desk, signers: Signers) -> list[Books]:
    return [Books(county, desk, signers[code]) for code in sorted(signers)]


def test_everything_done_and_counted_alike_is_zero(
    county: Engine, desk: Desk, clock: Clock, both: list[Books]
) -> None:
    """Decided, signed, claimed, and the same counts on both sides: a run without a difference, its lines equal all along."""
    decided(county, desk, 3)
    for one in both:
        one.read()
    clock.advance(days=1)
    for one in both:
        one.report()
    clock.advance(days=30)
    done = run_over(county, desk)

    assert done.differences == 0, differences(county, done)
    assert {one["state"] for one in done.totals["counts"]} == {"same"}
    for figures in lines(county, done).values():
        assert [figures[name] for name in FIGURES[:5]] == [3] * 5


def test_a_package_lost_on_the_way_is_named_resent_and_then_zero(
    county: Engine, desk: Desk, clock: Clock, both: list[Books]
) -> None:
    """The department lacks one: counts differ, ids are asked for, it is named, goes out again, and the next run is zero."""
    scjg, zhzf = both
    decided(county, desk, 3)
    with county.connect() as tx:
        lost = tx.execute(select(Push.event_id, Push.case_no).where(Push.department == "scjg")).first()
    assert lost is not None
    scjg.read(lose={str(lost.event_id)})
    zhzf.read()
    clock.advance(days=1)
    scjg.report()
    zhzf.report()
    first = run_over(county, desk)
    scjg.report(named=True)
    with county.begin() as tx:
        finish(tx, find_run(tx, first.id), desk)
    named = differences(county, first)

    assert [one.kind for one in differences(county, first)] == ["not_there"]
    assert (named[0].department, named[0].event_id, named[0].case_no) == (
        "scjg",
        str(lost.event_id),
        lost.case_no,
    )
    with county.begin() as tx:
        sent = resend_differences(tx, first.id, desk, actor="user:test", reason="部门没有收到")
    assert (sent.differences, sent.messages) == (1, 1)
    scjg.read()
    clock.advance(days=1)
    scjg.report()
    assert run_over(county, desk).differences == 0


def test_what_the_department_says_it_sent_is_missed_here_and_found(
    county: Engine, desk: Desk, clock: Clock, both: list[Books], signers: Signers
) -> None:
    """A finding that never reached the hub is named by its id; once it is taken in, the next run is zero."""
    (case,) = decided(county, desk)
    for one in both:
        one.read()
    finding = a_finding(desk, signers["scjg"], case.case_no, "F1", "1", "1")
    both[0].counted["findings"].add(finding.event["id"])
    clock.advance(days=1)
    for one in both:
        one.report(named=True)
    run = run_over(county, desk)
    (found,) = differences(county, run)

    assert (found.kind, found.department, found.event_id) == ("not_here", "scjg", finding.event["id"])
    with county.begin() as tx, pytest.raises(Conflict, match="没有可以重新发送"):
        resend_differences(tx, run.id, desk, actor="user:test", reason="试一试")
    settle_in(county, desk, finding)
    assert run_over(county, desk).differences == 0


def test_what_a_person_dismissed_is_accounted_for(
    county: Engine, desk: Desk, clock: Clock, both: list[Books], signers: Signers
) -> None:
    """A finding in the quarantine is a difference that says so, until a person has dismissed it."""
    decided(county, desk)
    for one in both:
        one.read()
    finding = a_finding(desk, signers["scjg"], "99010120260918999999999999", "F1", "1", "1")
    with county.begin() as tx:
        assert take_in(tx, [finding], [], desk).quarantined == 1
    both[0].counted["findings"].add(finding.event["id"])
    clock.advance(days=1)
    for one in both:
        one.report(named=True)
    (found,) = differences(county, run_over(county, desk))
    with county.begin() as tx:
        (number,) = tx.execute(select(Quarantined.id)).scalars()
        dismiss(tx, number, actor="user:test", reason="部门写错了办件编号")

    assert f"隔离区第 {number} 条" in found.words
    assert run_over(county, desk).differences == 0


def test_a_decision_that_was_never_pushed_is_named_with_its_department(
    county: Engine, desk: Desk, clock: Clock
) -> None:
    """A push that is not there is found by the rule of its time; a rule of later changes nothing."""
    decided(county, desk, 2)
    with county.begin() as tx:
        tx.execute(
            delete(Push).where(Push.department == "zhzf", Push.case_no == a_case(2, area=desk.area).case_no)
        )
    run = run_over(county, desk)
    (found,) = differences_of(county, run, "not_pushed")

    assert (found.department, found.case_no) == ("zhzf", a_case(2, area=desk.area).case_no)
    assert "全部推送示范县综合行政执法局" in found.words
    figures = lines(county, run)["zhzf", "XK-001"]
    assert (figures["decided"], figures["pushed"]) == (2, 1)
    with county.begin() as tx:
        settle_differences(tx, run.id, [found.id], desk, actor="user:test", reason="已经另行通知")
        add_rule(tx, "后来的规则", {"scjg": 1}, actor="user:test")
    clock.advance(seconds=1)
    (again,) = differences_of(county, run_over(county, desk), "not_pushed")
    assert (again.state, again.settled_why) == ("settled", "已经另行通知")


def test_what_was_never_pushed_is_pushed_by_the_button(county: Engine, desk: Desk) -> None:
    """The missing push is made, with the package that was written for it or one made of another's; the next run is zero."""
    decided(county, desk, 2)
    with county.begin() as tx:
        written, unwritten = tx.execute(
            select(Push.event_id, Push.case_no).where(Push.department == "zhzf").order_by(Push.case_no)
        ).all()
        tx.execute(delete(Push).where(Push.department == "zhzf"))
        tx.execute(delete(OutboxRow).where(OutboxRow.event_id == unwritten.event_id))
        tx.execute(update(OutboxRow).values(published_at=desk.clock()))
    run = run_over(county, desk)
    with county.begin() as tx:
        sent = resend_differences(tx, run.id, desk, actor="user:test", reason="漏推")
        packages = (
            tx.execute(select(OutboxRow.event_id).where(OutboxRow.published_at.is_(None))).scalars().all()
        )
        made = dict(
            tx.execute(select(Push.event_id, Push.package_sha256).where(Push.department == "zhzf")).all()
        )
        values = dict(tx.execute(select(OutboxRow.event_id, OutboxRow.value)).all())

    assert (sent.differences, sent.messages) == (2, 2)
    assert sorted(packages) == sorted(made) == sorted((written.event_id, unwritten.event_id))
    assert {event_id: hashlib.sha256(values[event_id]).digest() for event_id in made} == made
    assert run_over(county, desk).differences == 0


def test_a_decision_that_no_rule_names_is_named_without_a_department(county: Engine, desk: Desk) -> None:
    """Nothing is silently left out: what nobody supervises stands among the differences."""
    with county.begin() as tx:
        tx.execute(update(Department).values(active=False))
    decided(county, desk)
    (found,) = differences_of(county, run_over(county, desk), "not_pushed")

    assert found.department == ""


def test_before_a_limit_nothing_is_a_difference(county: Engine, desk: Desk, clock: Clock) -> None:
    """A push that is not signed is open until its last working day is over, and then a difference of its earliest stage."""
    decided(county, desk)
    on_time = run_over(county, desk)
    clock.advance(days=10)
    late = run_over(county, desk)

    assert on_time.differences == 0
    assert [one.kind for one in differences(county, late) if one.push_id] == ["not_arrived", "not_arrived"]
    assert lines(county, late)["scjg", "XK-001"]["overdue"] == 1


def test_a_department_on_the_web_inbox_counts_with_the_hub(
    county: Engine, desk: Desk, clock: Clock, both: list[Books]
) -> None:
    """Who has no system of its own is not asked, and both sides are equal; who never counted is named."""
    decided(county, desk)
    for one in both:
        one.read()
    with county.begin() as tx:
        tx.execute(update(Department).where(Department.code == "scjg").values(channel="web"))
    clock.advance(days=1)
    run = run_over(county, desk)
    with county.connect() as tx:
        asked = (
            tx.execute(select(Announcement.department).where(Announcement.kind == "count.asked.v1"))
            .scalars()
            .all()
        )

    assert {one["department"]: one["state"] for one in run.totals["counts"]} == {
        "scjg": "web",
        "zhzf": "missing",
    }
    assert [(one.kind, one.department) for one in differences(county, run)] == [("no_count", "zhzf")]
    assert asked == ["zhzf"]


def test_what_was_done_in_the_web_inbox_is_not_asked_of_a_later_connector(
    county: Engine, desk: Desk, clock: Clock, both: list[Books]
) -> None:
    """A department that left the web inbox counts nothing of that time; what it signed for there is accounted for."""
    decided(county, desk)
    for one in both:
        one.read()
    with county.begin() as tx:
        custodial = {
            "custody": "hub",
            "sealed_key": b"sealed",
            "valid_from": clock(),
            "valid_to": clock() + timedelta(hours=1),
        }
        tx.execute(update(DepartmentKey).where(DepartmentKey.department == "scjg").values(custodial))
    scjg, zhzf = both
    scjg.counted = {what: set() for what in scjg.counted}
    clock.advance(days=1)
    scjg.report(named=True)
    zhzf.report()

    assert run_over(county, desk).differences == 0


def test_a_count_that_contradicts_itself_is_refused(county: Engine, desk: Desk, signers: Signers) -> None:
    """A hash that does not fit the ids, or a day that is counted twice, is quarantined with the reason."""
    good = a_count(desk, signers["scjg"], {"packages": [str(uuid.uuid4())]}, named=True)
    days = good.data["days"]
    wrong = [
        [{**days[0], "ids_sha256": "0" * 64}],
        [{**days[0], "count": 2}],
        [*days, *days],
    ]
    for one in wrong:
        data = {"counted_at": good.data["counted_at"], "days": one}
        bad = message(desk, signers["scjg"], "count.reported.v1", "count-2026-09-18", data)
        with county.begin() as tx:
            assert take_in(tx, [bad], [], desk).quarantined == 1
    with county.connect() as tx:
        assert tx.scalar(select(func.count()).select_from(DepartmentCount)) == 0


def test_the_newest_count_stands_and_keeps_ids_of_the_same_hash(
    county: Engine, desk: Desk, signers: Signers, clock: Clock
) -> None:
    """An older count that comes late changes nothing; ids that were named stay while the hash over them does."""
    ids = [str(uuid.uuid4())]
    older = a_count(desk, signers["scjg"], {"packages": []})
    clock.advance(hours=1)
    named = a_count(desk, signers["scjg"], {"packages": ids}, named=True)
    clock.advance(hours=1)
    plain = a_count(desk, signers["scjg"], {"packages": ids})
    settle_in(county, desk, named)
    settle_in(county, desk, plain, older)
    with county.connect() as tx:
        found = tx.execute(
            select(DepartmentCount.count, DepartmentCount.ids, DepartmentCount.counted_at)
        ).one()

    assert (found.count, found.ids, found.counted_at) == (1, ids, clock())


def test_the_night_asks_waits_and_counts_once(
    county: Engine, desk: Desk, clock: Clock, both: list[Books]
) -> None:
    """After working hours departments are asked, then the trailing month and the month before are counted, each once."""
    decided(county, desk)
    with county.begin() as tx:
        tx.execute(update(Push).values(created_at=clock()))
    for one in both:
        one.read()
    assert reconcile_nightly(county, desk) == 0  # ten in the morning
    clock.advance(hours=16)
    assert reconcile_nightly(county, desk) == 0  # asked
    for one in both:
        one.report()
    assert reconcile_nightly(county, desk) == 0  # not all of what was asked for is counted
    for one in both:
        settle_in(county, desk, a_count(desk, one.signer, {"packages": []}, on=date(2026, 8, 19)))
    counted = reconcile_nightly(county, desk)
    with county.connect() as tx:
        runs = tx.execute(
            select(Reconciliation.first_day, Reconciliation.last_day, Reconciliation.differences)
        ).all()

    assert counted == 2
    assert reconcile_nightly(county, desk) == 0
    assert sorted(runs) == [(date(2026, 8, 1), date(2026, 8, 31), 0), (date(2026, 8, 19), DAY, 0)]
    clock.advance(days=100)
    with county.begin() as tx:
        tx.execute(update(Department).values(channel="web"))
    assert reconcile_nightly(county, desk) == 2
    with county.connect() as tx:
        kept = tx.execute(select(Reconciliation.first_day).order_by(Reconciliation.first_day)).scalars().all()
    assert kept == [date(2026, 8, 1), date(2026, 11, 1), date(2026, 11, 27)]


def differences_of(engine: Engine, run: Run, kind: str) -> list[Any]:
    return [one for one in differences(engine, run) if one.kind == kind]


MOMENTS = st.none() | st.integers(-20, 20)
#: Any push that the columns allow, also those that the state machine would not make: counting rests on nothing else.
PUSHES = st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "missing": st.sampled_from([None, [{"kind": "material", "code": "a", "name": "申请书"}]]),
        **dict.fromkeys(
            (
                *("sign_by", "claim_by", "plan_by", "feedback_by"),
                *(
                    "arrived_at",
                    "signed_at",
                    "claimed_at",
                    "planned_at",
                    "answered_at",
                    "closed_at",
                    "returned_at",
                ),
            ),
            MOMENTS,
        ),
    }
)


def recount(push: dict[str, Any]) -> tuple[dict[str, bool], str | None]:
    """The figures of one push and its difference, as the words of `stages` say it, at moment 0."""
    state = push["state"]
    known = {name for name, value in push.items() if name.endswith("_at") and value is not None} | {state}
    answered = bool(known & {"answered", "closed", "answered_at", "closed_at"})
    claimed = answered or bool(known & {"claimed", "supervising", "claimed_at", "planned_at"})
    returned = bool(known & {"returned", "returned_at"})
    signed = claimed or returned or bool(known & {"signed", "signed_at"})
    arrived = signed or bool(known & {"arrived", "arrived_at"})
    past = {
        what: (by := push[f"{what}_by"]) is not None and by < 0
        for what in ("sign", "claim", "plan", "feedback")
    }
    arrive_by = next((by for by in (push["sign_by"], push["claim_by"]) if by is not None), 3)
    gone = state in ("recalled", "reassigned")
    undone = [
        (state == "held", "incomplete"),
        (not arrived and arrive_by < 0, "not_arrived"),
        (not signed and past["sign"], "not_signed"),
        (not claimed and past["claim"], "not_claimed"),
        (not answered and state != "returned" and past["feedback"], "not_answered"),
    ]
    late = None if gone else next((kind for holds, kind in undone if holds), None)
    planned = answered or push["planned_at"] is not None
    missed = (
        *((not signed and past["sign"]), (not claimed and past["claim"])),
        *((not planned and past["plan"]), (not answered and past["feedback"])),
    )
    figures = {
        "decided": True, "pushed": state != "held", "arrived": arrived, "signed": signed, "claimed": claimed,
        "answered": answered, "returned": returned,
        "overdue": not gone and state not in ("held", "returned") and any(missed),
    }  # fmt: skip
    return figures, late


def test_any_mixture_is_counted_as_by_hand(county: Engine, desk: Desk) -> None:
    """Whatever states and times the pushes have, lines and differences are those of a naive recount."""
    cases = decided(county, desk, 6)
    with county.connect() as tx:
        rows = [dict(row) for row in tx.execute(select(*Push.__table__.columns).order_by(Push.id)).mappings()]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(PUSHES, min_size=len(rows), max_size=len(rows)))
    def counted(drawn: list[dict[str, Any]]) -> None:
        with county.connect() as tx:
            tx.execute(delete(Push))
            made = []
            for row, push in zip(rows, drawn, strict=True):
                times = {
                    name: None if value is None else desk.clock() + timedelta(hours=value)
                    for name, value in push.items()
                    if name.endswith(("_at", "_by"))
                }
                lacks = (
                    [{"kind": "step", "code": "1", "name": "审查"}]
                    if push["state"] == "held"
                    else push["missing"]
                )
                made.append({**row, **push, **times, "missing": lacks, "created_at": desk.clock()})
            write(tx, Rows(Push, made))
            run = start_run(tx, DAY, DAY, desk, actor="user:test")
            tell(tx, *count_stages(run, DAY, DAY, desk.clock()))
            found = tx.execute(select(*ReconciliationLine.__table__.columns)).all()
            missed = tx.execute(select(ReconciliationDifference.push_id, ReconciliationDifference.kind)).all()
            tx.rollback()
        expected: dict[str, dict[str, int]] = {}
        late = set()
        for row, push in zip(rows, drawn, strict=True):
            figures, kind = recount(push)
            mine = expected.setdefault(row["department"], dict.fromkeys(FIGURES, 0))
            for name, holds in figures.items():
                mine[name] += holds
            late |= {(row["id"], kind)} if kind else set()
        assert {
            line.department: {name: getattr(line, name) for name in FIGURES} for line in found
        } == expected
        assert {tuple(one) for one in missed} == late

    counted()
    assert len(cases) == 6
