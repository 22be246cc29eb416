"""Sharing grants: only along the table, only by whom it is, on the clock, on the record."""

from __future__ import annotations

import itertools
import threading
import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select, text, update

from hub.errors import Conflict, Denied, HubError, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.sharing.apply_for_grant import years_after
from hub.sharing.clocks import change_limit, days_left
from hub.sharing.decide_grant import decide_grant
from hub.sharing.end_grant import cancel_grant, withdraw_grant
from hub.sharing.expire_grants import expire_grants
from hub.sharing.grant import GRANT_STATES, TRANSITIONS, Grant
from hub.sharing.person import Person
from hub.sharing.resource import search_resources
from hub.sharing.review_grant import review_grant
from hub.sharing.turn_grant import BY, STATE_NAMES, TICK, locked, open_acts, turn
from hub.workday import LOCAL
from tests.hub.builders import Clock
from tests.hub.sharing_builders import (
    ADMIN,
    APPLICANT,
    LICENCE,
    PEOPLE,
    PROVIDER,
    PROVIDES,
    STRANGER,
    USING,
    applied,
    sharing_catalogue,
)

ACTS = sorted({act for _, act in TRANSITIONS})
COLLEAGUE = Person("user:colleague", USING)
OTHER_ADMIN = Person("user:other_admin", None, administers=True)


@pytest.fixture
def sharing(engine: Engine) -> Engine:
    with engine.begin() as tx:
        sharing_catalogue(tx)
    return engine


def state_of(tx: Connection, grant_id: uuid.UUID) -> Any:
    return tx.execute(select(*Grant.__table__.columns).where(Grant.id == grant_id)).one()


def act(tx: Connection, desk: Desk, name: str, grant_id: uuid.UUID, person: Person) -> str:
    """One act, by its name."""
    reason = "测试理由"
    if name == "review":
        return review_grant(tx, grant_id, desk, person=person, note=reason)
    if name in ("grant", "refuse"):
        return decide_grant(tx, grant_id, desk, person=person, grant=name == "grant", reason=reason)
    if name == "cancel":
        return cancel_grant(tx, grant_id, desk, person=person)
    if name == "withdraw":
        return withdraw_grant(tx, grant_id, desk, person=person, reason=reason)
    return turn(tx, locked(tx, grant_id), "expire", person, desk.clock(), reason=reason)


def test_a_conditional_request_goes_review_provider_grant(sharing: Engine, desk: Desk) -> None:
    """Applied (10 working days to reply), reviewed, granted by the provider (20 to share): who, when, why in the ledger."""
    with sharing.begin() as tx:
        grant = applied(tx, desk)
        row = state_of(tx, grant)
        assert (row.state, row.provider, row.sharing) == ("applied", PROVIDER, "conditional")
        assert row.reply_by.astimezone(LOCAL).date() == date(2026, 10, 2)  # no holidays entered: 10 weekdays
        assert review_grant(tx, grant, desk, person=ADMIN, note="材料齐全") == "reviewed"
        assert decide_grant(tx, grant, desk, person=PROVIDES, grant=True, reason="同意") == "granted"
        row = state_of(tx, grant)
        assert row.share_by.astimezone(LOCAL).date() == date(2026, 10, 16)
        assert (row.reviewed_by, row.decided_by) == ("user:data_admin", "user:provider")
        told = tx.execute(
            select(LedgerRow.actor, LedgerRow.action, LedgerRow.reason)
            .where(LedgerRow.subject == f"grant:{grant}")
            .order_by(LedgerRow.id)
        ).all()
        assert [tuple(one) for one in told] == [
            ("user:using", "grant.applied", "旅馆业治安管理办法第四条"),
            ("user:data_admin", "grant.reviewed", "材料齐全"),
            ("user:provider", "grant.granted", "同意"),
        ]
        titles = list(tx.scalars(select(Notice.title).order_by(Notice.id)))
        assert titles == [f"共享授权：{STATE_NAMES[state]}" for state in ("applied", "reviewed", "granted")]


def test_an_unconditional_request_is_granted_with_its_review(sharing: Engine, desk: Desk) -> None:
    """One working day to reply, and the review grants it in the same transaction."""
    with sharing.begin() as tx:
        grant = applied(tx, desk, resource_code="SG-OPEN")
        assert state_of(tx, grant).reply_by.astimezone(LOCAL).date() == date(2026, 9, 21)  # Friday to Monday
        assert review_grant(tx, grant, desk, person=ADMIN) == "granted"
        assert review_grant(tx, grant, desk, person=ADMIN) == "granted"
        row = state_of(tx, grant)
        assert row.share_by is not None
        assert row.decided_by == "user:data_admin"
        assert tx.scalar(select(func.count()).select_from(LedgerRow)) == 3


def test_without_a_provider_the_data_administrator_decides(sharing: Engine, desk: Desk) -> None:
    """A resource that has no provider is granted by a data administrator; a department's user cannot."""
    with sharing.begin() as tx:
        grant = applied(tx, desk, resource_code="SG-ORPHAN")
        review_grant(tx, grant, desk, person=ADMIN)
        with pytest.raises(Denied):
            decide_grant(tx, grant, desk, person=PROVIDES, grant=True)
        assert decide_grant(tx, grant, desk, person=OTHER_ADMIN, grant=True) == "granted"


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"resource_code": "SG-SECRET"}, Rejected, "不予共享，不能申请。依据：依法不予共享"),
        ({"resource_code": "nothing"}, NotFound, "目录里没有"),
        ({"resource_kind": "secret"}, NotFound, "目录里没有"),
        ({"department": PROVIDER}, Denied, "自己所在的部门"),
        ({"period_to": date(2026, 9, 17)}, Rejected, "不能早于"),
        ({"period_from": date(2025, 1, 1), "period_to": date(2026, 9, 17)}, Rejected, "已经过去"),
        ({"period_to": date(2029, 9, 19)}, Rejected, "不超过 3 年"),
        ({"period_from": date(2028, 9, 18), "period_to": date(2029, 9, 18)}, Rejected, "一年以内"),
        ({"basis": " "}, Rejected, "使用依据"),
        ({"scene": "x" * 501}, Rejected, "使用场景"),
        ({"scope": ""}, Rejected, "使用范围"),
        ({"item_codes": ("SG-001", "nothing")}, Rejected, "nothing"),
        ({"fields": ("holder", "salary")}, Rejected, "salary"),
        ({"resource_kind": "licence", "resource_code": LICENCE, "fields": ("holder",)}, Rejected, "holder"),
    ],
)
def test_what_cannot_be_applied_for_is_refused_with_a_sentence(
    sharing: Engine, desk: Desk, changes: dict[str, Any], error: type[HubError], sentence: str
) -> None:
    """Not shared (with its legal basis), unknown, for another department, too long or over, empty texts, other fields."""
    with sharing.begin() as tx, pytest.raises(error, match=sentence):
        applied(tx, desk, **changes)


def test_the_provider_needs_no_grant_for_its_own(sharing: Engine, desk: Desk) -> None:
    """An application for the department's own resource is refused."""
    with sharing.begin() as tx, pytest.raises(Rejected, match="不需要申请"):
        applied(tx, desk, department=PROVIDER, person=PROVIDES)


def test_three_years_from_a_leap_day_end_on_the_28th() -> None:
    """The longest period is counted in calendar years."""
    assert years_after(date(2028, 2, 29), 3) == date(2031, 2, 28)
    assert years_after(date(2026, 9, 18), 3) == date(2029, 9, 18)


def test_one_open_application_for_one_resource(sharing: Engine, desk: Desk) -> None:
    """A second one while the first is open, or inside what is granted already, is refused; a longer one is a renewal."""
    with sharing.begin() as tx:
        grant = applied(tx, desk, item_codes=("SG-001",))
        with pytest.raises(Conflict, match="正在办理"):
            applied(tx, desk)
        review_grant(tx, grant, desk, person=ADMIN)
        decide_grant(tx, grant, desk, person=PROVIDES, grant=True)
        with pytest.raises(Conflict, match="已经包含"):
            applied(tx, desk, item_codes=("SG-001",), fields=("holder",))
        assert applied(tx, desk, period_to=date(2028, 9, 17))


@pytest.mark.parametrize(("state", "name"), list(itertools.product(GRANT_STATES, ACTS)))
def test_every_state_and_act(sharing: Engine, desk: Desk, state: str, name: str) -> None:
    """Over all pairs: what TRANSITIONS has is done, everything else is refused and changes nothing."""
    with sharing.begin() as tx:
        grant = applied(tx, desk)
        tx.execute(
            update(Grant).where(Grant.id == grant).values(state=state, end_reason="测试", provider=None)
        )
        person = {"cancel": APPLICANT, "expire": TICK}.get(name, ADMIN)
        wanted = TRANSITIONS.get((state, name))
        if wanted:
            assert act(tx, desk, name, grant, person) == wanted
        else:
            with pytest.raises(Conflict, match=STATE_NAMES[state]):
                act(tx, desk, name, grant, person)
        assert state_of(tx, grant).state == (wanted or state)


RIGHT = {
    ("applied", "review"): {ADMIN},
    ("applied", "refuse"): {ADMIN},
    ("applied", "cancel"): {APPLICANT, COLLEAGUE},
    ("reviewed", "grant"): {PROVIDES},
    ("reviewed", "refuse"): {PROVIDES},
    ("reviewed", "cancel"): {APPLICANT, COLLEAGUE},
    ("granted", "withdraw"): {PROVIDES, ADMIN},
    ("granted", "expire"): set(),
}


@pytest.mark.parametrize("pair", sorted(TRANSITIONS))
@pytest.mark.parametrize("person", [*PEOPLE, COLLEAGUE], ids=lambda person: person.actor)
def test_who_may_do_what(sharing: Engine, desk: Desk, pair: tuple[str, str], person: Person) -> None:
    """Each act is its own people's: nobody of another department, and never the applicant on their own application."""
    state, name = pair
    with sharing.begin() as tx:
        grant = applied(tx, desk)
        tx.execute(update(Grant).where(Grant.id == grant).values(state=state))
        buttons = open_acts(state_of(tx, grant), person)
        if person in RIGHT[pair]:
            assert name in buttons
            act(tx, desk, name, grant, person)
        else:
            assert name not in buttons
            with pytest.raises(Denied):
                act(tx, desk, name, grant, person)


def test_an_administrator_does_not_review_what_they_applied_for(sharing: Engine, desk: Desk) -> None:
    """Separation of duties holds for a data administrator who applied on a department's behalf."""
    with sharing.begin() as tx:
        grant = applied(tx, desk, person=ADMIN)
        with pytest.raises(Denied, match="不能审查、审核自己的申请"):
            review_grant(tx, grant, desk, person=ADMIN)
        assert review_grant(tx, grant, desk, person=OTHER_ADMIN) == "reviewed"


def test_refusing_and_taking_back_want_a_reason(sharing: Engine, desk: Desk) -> None:
    """Without a reason neither happens; with one it stands on the grant."""
    with sharing.begin() as tx:
        grant = applied(tx, desk)
        with pytest.raises(Rejected, match="理由"):
            decide_grant(tx, grant, desk, person=ADMIN, grant=False, reason=" ")
        assert decide_grant(tx, grant, desk, person=ADMIN, grant=False, reason="依据不足") == "refused"
        assert state_of(tx, grant).end_reason == "依据不足"
        again = applied(tx, desk)
        review_grant(tx, again, desk, person=ADMIN)
        decide_grant(tx, again, desk, person=PROVIDES, grant=True)
        with pytest.raises(Rejected, match="理由"):
            withdraw_grant(tx, again, desk, person=PROVIDES, reason="")


def test_what_changed_meanwhile_is_not_granted(sharing: Engine, desk: Desk, clock: Clock) -> None:
    """A type that is 不予共享 by now, and a period that is over by now, are refused when it comes to granting."""
    with sharing.begin() as tx:
        grant = applied(tx, desk)
        review_grant(tx, grant, desk, person=ADMIN)
        change = text("UPDATE material_types SET sharing = :s, sharing_basis = '新规定' WHERE code = 'SG-ID'")
        tx.execute(change, {"s": "none"})
        with pytest.raises(Rejected, match="新规定"):
            decide_grant(tx, grant, desk, person=PROVIDES, grant=True)
        tx.execute(change, {"s": "conditional"})
        clock.advance(days=366)
        with pytest.raises(Rejected, match="已经过去"):
            decide_grant(tx, grant, desk, person=PROVIDES, grant=True)


def test_of_two_who_decide_at_once_one_is_told(sharing: Engine, desk: Desk) -> None:
    """Grant and refusal at the same moment: exactly one counts, the other gets a Conflict; the ledger has one of them."""
    with sharing.begin() as tx:
        grant = applied(tx, desk)
        review_grant(tx, grant, desk, person=ADMIN)
    barrier, outcomes = threading.Barrier(2), []

    def decide(agree: bool, actor: str) -> None:
        barrier.wait(60)
        try:
            with sharing.begin() as tx:
                outcomes.append(
                    decide_grant(
                        tx, grant, desk, person=Person(actor, PROVIDER), grant=agree, reason="各执一词"
                    )
                )
        except Conflict as error:
            outcomes.append(error.message)

    threads = [threading.Thread(target=decide, args=(n == 0, f"user:p{n}")) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(outcome in ("granted", "refused") for outcome in outcomes) == 1, outcomes
    assert any("不能再这样处理" in outcome for outcome in outcomes)
    with sharing.begin() as tx:
        decided = LedgerRow.action.in_(["grant.granted", "grant.refused"])
        assert tx.scalar(select(func.count()).select_from(LedgerRow).where(decided)) == 1


def test_two_applications_at_once_are_one(sharing: Engine, desk: Desk) -> None:
    """The same application sent twice at the same moment: one row, one Conflict."""
    barrier, outcomes = threading.Barrier(2), []

    def apply() -> None:
        barrier.wait(60)
        try:
            with sharing.begin() as tx:
                outcomes.append(applied(tx, desk))
        except Conflict:
            outcomes.append(None)

    threads = [threading.Thread(target=apply) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(outcome is None for outcome in outcomes) == [False, True]


def test_the_tick_expires_what_is_over_once(sharing: Engine, desk: Desk, clock: Clock) -> None:
    """The last day still counts; the day after, the tick writes it down, once."""
    with sharing.begin() as tx:
        grant = applied(tx, desk, resource_code="SG-OPEN", period_to=date(2026, 9, 30))
        review_grant(tx, grant, desk, person=ADMIN)
        assert expire_grants(tx, date(2026, 9, 30), clock()) == 0
        assert expire_grants(tx, date(2026, 10, 1), clock()) == 1
        assert expire_grants(tx, date(2026, 10, 1), clock()) == 0
        assert state_of(tx, grant).state == "expired"
        assert tx.scalar(select(Notice.title).order_by(Notice.id.desc())) == "共享授权：已到期"


def test_a_changed_clock_counts_for_what_starts_later(sharing: Engine, desk: Desk) -> None:
    """The area shortens the reply to 3 working days: the running application keeps 10, the next one has 3; ledgered."""
    with sharing.begin() as tx:
        first = applied(tx, desk)
        change_limit(tx, "grant.reply.conditional", 3, source="示范区〔2026〕1号", person=ADMIN)
        change_limit(tx, "grant.reply.conditional", 3, source="示范区〔2026〕1号", person=ADMIN)
        second = applied(tx, desk, resource_code="SG-ORPHAN")
        assert state_of(tx, first).reply_by.astimezone(LOCAL).date() == date(2026, 10, 2)
        assert state_of(tx, second).reply_by.astimezone(LOCAL).date() == date(2026, 9, 23)
        changes = tx.scalars(select(LedgerRow.detail).where(LedgerRow.action == "limit.changed")).all()
        assert [(one["before"], one["after"]) for one in changes] == [(10, 3)]
        for days, error in ((-1, Rejected), (251, Rejected)):
            with pytest.raises(error):
                change_limit(tx, "grant.share", days, source="示范", person=ADMIN)
        with pytest.raises(NotFound):
            change_limit(tx, "nothing", 1, source="示范", person=ADMIN)


def test_working_days_left() -> None:
    """0 on the last day, negative after it, holidays left out; late is never shown as in time."""
    noon = datetime(2026, 9, 30, 12, tzinfo=LOCAL)
    holidays = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True}
    assert days_left(noon, datetime(2026, 9, 30, 23, 59, 59, tzinfo=LOCAL), holidays) == 0
    assert days_left(noon, datetime(2026, 10, 8, 23, tzinfo=LOCAL), holidays) == 1
    assert days_left(noon, datetime(2026, 10, 10, 23, tzinfo=LOCAL), holidays) == 3
    assert days_left(noon + timedelta(days=3), datetime(2026, 9, 30, 23, tzinfo=LOCAL), holidays) == -1
    assert days_left(noon + timedelta(days=9), datetime(2026, 9, 30, 23, tzinfo=LOCAL), holidays) == -2


def test_searching_resources(sharing: Engine) -> None:
    """By words of name or code, all kinds alike; a percent sign is a percent sign."""
    with sharing.begin() as tx:
        found = search_resources(tx, "示范 身份")
        assert [(one.kind, one.code, one.provider_name) for one in found] == [
            ("material", "SG-ID", "示范区公安局")
        ]
        assert {one.kind for one in search_resources(tx, "示范")} == {"material", "licence", "result"}
        assert search_resources(tx, "%") == []
        assert len(search_resources(tx, "", limit=2)) == 2


DAY_ONE = date(2026, 9, 18)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from([*ACTS, "day"]),
            st.sampled_from([*PEOPLE, COLLEAGUE, OTHER_ADMIN, TICK]),
        ),
        max_size=14,
    ),
    resource=st.sampled_from(["SG-ID", "SG-OPEN", "SG-ORPHAN"]),
)
def test_no_sequence_of_acts_leaves_the_table(
    sharing: Engine, desk: Desk, clock: Clock, moves: list[tuple[str, Person]], resource: str
) -> None:
    """Whatever anybody tries in whatever order: every step is one of TRANSITIONS by someone else than the applicant, the
    ledger has every step, and the grant counts exactly from its granting to its end, between its days."""
    start = clock.now
    tx = sharing.connect()
    try:
        grant = applied(tx, desk, resource_code=resource, period_to=DAY_ONE + timedelta(days=3))
        seen = ["applied"]
        for name, person in moves:
            if name == "day":
                clock.advance(days=1)
                expire_grants(tx, clock().astimezone(LOCAL).date(), clock())
            else:
                with tx.begin_nested() as point:
                    try:
                        act(tx, desk, name, grant, person)
                    except HubError:
                        point.rollback()
            row = state_of(tx, grant)
            if row.state != seen[-1]:
                seen.append(row.state)
            today = clock().astimezone(LOCAL).date()
            counts = row.state == "granted" and row.period_from <= today <= row.period_to
            assert counts == (seen[-1] == "granted" and today <= DAY_ONE + timedelta(days=3))
        steps = list(
            tx.scalars(
                select(LedgerRow.action).where(LedgerRow.subject == f"grant:{grant}").order_by(LedgerRow.id)
            )
        )
        path = [step.removeprefix("grant.") for step in steps]
        allowed = {(state, to) for (state, _), to in TRANSITIONS.items()}
        assert all(pair in allowed for pair in itertools.pairwise(path)), path
        assert path[-1] == row.state if moves else path == ["applied"]
        if row_state := state_of(tx, grant):
            for column in ("reviewed_by", "decided_by"):
                assert getattr(row_state, column) != APPLICANT.actor
    finally:
        tx.rollback()
        tx.close()
        clock.now = start


def test_the_words_cover_every_state() -> None:
    """Each state has a name, and each but the first a column that says who."""
    assert set(STATE_NAMES) == set(GRANT_STATES)
    assert set(BY) == set(GRANT_STATES) - {"applied"}
    assert STRANGER.department not in (USING, PROVIDER)
