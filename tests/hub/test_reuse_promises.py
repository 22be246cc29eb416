"""容缺: what may follow, until when at the latest, how it ends, and who is told when the day has passed."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from sqlalchemy import Engine, select, text

from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.material import Material
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.deferral import Deferral
from hub.reuse.promise_deferral import cancel_deferral, promise_deferral, settle_deferral, tell_overdue
from hub.reuse.receipt import case_receipt
from hub.reuse.record_consent import record_consent, withdraw_consent
from hub.reuse.withdraw_case import withdraw_case
from tests.hub.builders import Clock
from tests.hub.catalogue_builders import FOOD, HYGIENE, publish_sample_catalogue
from tests.hub.reuse_builders import CLERK, accepted, answers, line_of, start, take, take_all, use

LATEST = date(2026, 9, 25)  # five working days after Friday, 18 September 2026


@pytest.fixture
def office(county: Engine) -> Engine:
    with county.begin() as tx:
        publish_sample_catalogue(tx)
    return county


@pytest.fixture
def case_no(office: Engine, desk: Desk) -> str:
    """A case on which only what may follow is missing."""
    with office.begin() as tx:
        case_no = start(tx, desk)
        take_all(tx, case_no, but=("M06",))
    return case_no


def promise(engine: Engine, desk: Desk, case_no: str, until: date | None = None, **how: str) -> date:
    with engine.begin() as tx:
        return promise_deferral(
            tx,
            case_no=case_no,
            requirement_id=line_of(tx, case_no, how.get("line", "M06")).id,
            until=until,
            promised_by=how.get("by", "张三"),
            actor=CLERK,
            desk=desk,
        )


def settled(engine: Engine) -> list[str | None]:
    with engine.begin() as tx:
        return list(tx.execute(select(Deferral.settled_how).order_by(Deferral.recorded_at)).scalars())


def test_the_limit_is_in_working_days(office: Engine, desk: Desk, case_no: str) -> None:
    """No day named: the last one that is allowed; the line's own days go before the area's."""
    assert promise(office, desk, case_no) == LATEST
    with office.begin() as tx:
        assert answers(tx, desk, case_no)["M06"].promised_until == LATEST
        assert answers(tx, desk, case_no)["M06"].verdict == "promised"
        owed = case_receipt(tx, case_no).owed
    assert [(one.requirement, one.until, one.promised_by) for one in owed] == [
        ("从业人员健康证明", LATEST, "张三")
    ]


@pytest.mark.parametrize(
    ("until", "how", "error", "said"),
    [
        (date(2026, 9, 28), {}, Rejected, "最晚为 2026-09-25"),
        (date(2026, 9, 17), {}, Rejected, "已经过去"),
        (None, {"by": " "}, Rejected, "由谁承诺"),
        (None, {"line": "M01"}, Rejected, "不允许容缺"),
    ],
)
def test_a_promise_that_is_refused(
    office: Engine, desk: Desk, case_no: str, until: date | None, how: dict[str, str], error: type, said: str
) -> None:
    """Too late, in the past, by nobody, for a line that may not follow."""
    with pytest.raises(error, match=said):
        promise(office, desk, case_no, until, **how)
    assert settled(office) == []


def test_a_promise_is_one_and_does_not_creep(office: Engine, desk: Desk, case_no: str, clock: Clock) -> None:
    """Changing the day changes the promise; its limit is counted from the first day, so it cannot be put off for ever."""
    promise(office, desk, case_no, date(2026, 9, 21))
    promise(office, desk, case_no, date(2026, 9, 21))
    clock.advance(days=4)
    with pytest.raises(Rejected, match="最晚为 2026-09-25"):
        promise(office, desk, case_no, date(2026, 9, 28))
    assert promise(office, desk, case_no) == LATEST
    assert settled(office) == [None]
    with office.begin() as tx:
        told = tx.execute(select(LedgerRow.id).where(LedgerRow.action == "deferral.promised")).all()
    assert len(told) == 2


def test_a_case_is_accepted_on_a_promise(office: Engine, desk: Desk, case_no: str) -> None:
    """The clock starts although something follows; the promise stands after acceptance."""
    promise(office, desk, case_no)
    with office.begin() as tx:
        accept_case(tx, case_no, desk, actor=CLERK)
        line = line_of(tx, case_no, "M06")
        with pytest.raises(Conflict, match="已经受理"):
            cancel_deferral(tx, case_no=case_no, requirement_id=line.id, actor=CLERK, desk=desk)
    assert settled(office) == [None]


def test_the_material_ends_the_promise_and_supersedes(
    office: Engine, desk: Desk, case_no: str, clock: Clock
) -> None:
    """What comes after acceptance is usable at once, the older one of its series is superseded."""
    with office.begin() as tx:
        _, older = accepted(tx, desk, FOOD, actor="user:other")
    clock.advance(hours=1)
    promise(office, desk, case_no)
    with office.begin() as tx:
        accept_case(tx, case_no, desk, actor=CLERK)
        material = take(tx, case_no, "M06")
        line = line_of(tx, case_no, "M06")
        assert settle_deferral(tx, case_no, line.id, f"material:{material}", actor=CLERK)
        assert not settle_deferral(tx, case_no, line.id, f"material:{material}", actor=CLERK)
        states = dict(
            tx.execute(
                select(Material.id, Material.state).where(Material.id.in_([material, older["M06"]]))
            ).all()
        )
        assert answers(tx, desk, case_no)["M06"].verdict == "taken"
        with pytest.raises(Conflict, match="已经提交"):
            promise_deferral(
                tx,
                case_no=case_no,
                requirement_id=line.id,
                until=None,
                promised_by="张三",
                actor=CLERK,
                desk=desk,
            )
    assert states == {material: "usable", older["M06"]: "superseded"}
    assert settled(office) == [f"material:{material}"]


def test_a_use_ends_the_promise(office: Engine, desk: Desk, case_no: str) -> None:
    """What turns out to be on file need not follow."""
    promise(office, desk, case_no)
    with office.begin() as tx:
        _, other = accepted(tx, desk, FOOD, actor="user:other")
        used = use(tx, desk, case_no, "M06", other["M06"])
    assert settled(office) == [f"use:{used}"]


def test_a_cancelled_promise_can_be_made_again(office: Engine, desk: Desk, case_no: str) -> None:
    """While the case is prepared it is a tick on a page; twice is once."""
    promise(office, desk, case_no)
    with office.begin() as tx:
        line = line_of(tx, case_no, "M06")
        for _ in range(2):
            cancel_deferral(tx, case_no=case_no, requirement_id=line.id, actor=CLERK, desk=desk)
        with pytest.raises(Rejected, match="从业人员健康证明"):
            accept_case(tx, case_no, desk, actor=CLERK)
    promise(office, desk, case_no)
    assert settled(office) == ["cancelled", None]


def test_who_let_the_day_pass_is_told_once(office: Engine, desk: Desk, case_no: str, clock: Clock) -> None:
    """Not on the last day, on the day after, one notice a case, and never for a withdrawn one."""
    promise(office, desk, case_no)
    with office.begin() as tx:
        withdrawn = start(tx, desk, actor="user:other")
    promise(office, desk, withdrawn)
    with office.begin() as tx:
        withdraw_case(tx, withdrawn, reason="不办了", actor=CLERK, desk=desk)
    clock.now = clock.now.replace(day=25, hour=15)  # 23:00 of the last day
    with office.begin() as tx:
        assert tell_overdue(tx, desk.clock()) == 0
    clock.advance(hours=2)
    with office.begin() as tx:
        assert tell_overdue(tx, desk.clock()) == 1
        assert tell_overdue(tx, desk.clock()) == 0
        (notice,) = tx.execute(select(Notice.__table__)).all()
        ledger = tx.execute(text("SELECT case_no FROM ledger WHERE action = 'deferral.overdue'")).scalars()
        assert list(ledger) == [case_no]
    assert (notice.case_no, notice.audience, notice.severity) == (case_no, "clerk", "warning")
    assert "从业人员健康证明" in notice.body
    assert "2026-09-25" in notice.body


def test_consent_is_one_and_can_be_taken_back(office: Engine, desk: Desk) -> None:
    """The same again is the same; a withdrawn one stays on record and allows no new use."""
    with office.begin() as tx:
        case_no = start(tx, desk, HYGIENE)

        def given() -> uuid.UUID:
            return record_consent(
                tx, case_no=case_no, way="signed", given_by=" 张三 ", note="", actor=CLERK, desk=desk
            )

        first = given()
        assert given() == first
        for _ in range(2):
            withdraw_consent(tx, first, reason="不同意了", actor=CLERK, desk=desk)
        assert given() != first
        actions = tx.execute(
            select(LedgerRow.action).where(LedgerRow.action.like("consent.%")).order_by(LedgerRow.id)
        ).scalars()
        assert list(actions) == ["consent.recorded", "consent.withdrawn", "consent.recorded"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"way": "guessed"}, "方式"),
        ({"given_by": " "}, "姓名"),
        ({"given_by": "长" * 101}, "姓名"),
        ({"note": "长" * 501}, "500"),
    ],
)
def test_a_consent_that_is_refused(office: Engine, desk: Desk, how: dict[str, str], said: str) -> None:
    """Way and name are needed."""
    with office.begin() as tx:
        case_no = start(tx, desk, HYGIENE)
        facts = {"way": "signed", "given_by": "张三", "note": None, **how}
        with pytest.raises(Rejected, match=said):
            record_consent(tx, case_no=case_no, actor=CLERK, desk=desk, **facts)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            withdraw_consent(tx, uuid.uuid4(), reason="不同意了", actor=CLERK, desk=desk)
