"""A case at the window: its number, its party, its acceptance and its withdrawal."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, func, select, text

from hub.case import Case
from hub.deciding.decided_case import PartyFacts
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.material import Material
from hub.noticing.notice import Notice
from hub.party import Party
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.case_field import CaseField
from hub.reuse.match import Question, match
from hub.reuse.material_use import MaterialUse
from hub.reuse.promise_deferral import promise_deferral
from hub.reuse.receipt import case_receipt
from hub.reuse.start_case import start_case
from hub.reuse.use_material import take_back_use, use_material
from hub.reuse.withdraw_case import withdraw_case
from tests.hub.builders import Clock
from tests.hub.catalogue_builders import CLINIC, FOOD, HEALTH, HYGIENE, OFFICE, publish_sample_catalogue
from tests.hub.reuse_builders import (
    CLERK,
    PERSON,
    SHOP,
    accepted,
    answers,
    decide_it,
    grant,
    line_of,
    start,
    take,
    take_all,
    today,
    use,
)


@pytest.fixture
def office(county: Engine) -> Engine:
    with county.begin() as tx:
        publish_sample_catalogue(tx)
    return county


def ledger(engine: Engine, case_no: str) -> list[str]:
    with engine.begin() as tx:
        return list(
            tx.execute(
                select(LedgerRow.action).where(LedgerRow.case_no == case_no).order_by(LedgerRow.id)
            ).scalars()
        )


def test_a_number_is_area_day_and_six_digits(office: Engine, desk: Desk, clock: Clock) -> None:
    """The local day counts: at 16:30 UTC it is tomorrow here. The ledger says who started what."""
    clock.advance(hours=14, minutes=30)
    with office.begin() as tx:
        case_no = start(tx, desk)
        row = tx.execute(select(Case.__table__).where(Case.case_no == case_no)).one()
    assert re.fullmatch(rf"{desk.area}20260919[0-9]{{6}}", case_no)
    assert (row.state, row.applied_on, row.accepted_on) == ("preparing", date(2026, 9, 19), None)
    assert (row.org_code, row.org_name) == ("11370100MB00000194", "示范县行政审批服务局")
    assert (row.department, row.taken_by, row.source) == (OFFICE, CLERK, "window")
    assert row.name == "示范县甲食品有限公司 食品经营许可"
    assert ledger(office, case_no) == ["case.started"]


def test_the_same_start_again_finds_the_case_that_is_prepared(office: Engine, desk: Desk) -> None:
    """A double click is one case; another clerk, item or department is another; after acceptance a new one starts."""
    with office.begin() as tx:
        first = start(tx, desk)
        assert start(tx, desk) == first
        others = {
            start(tx, desk, actor="user:other"),
            start(tx, desk, HYGIENE),
            start(tx, desk, department=HEALTH),
        }
        assert len(others | {first}) == 4
        take_all(tx, first)
        accept_case(tx, first, desk, actor=CLERK)
        assert start(tx, desk) not in others | {first}


def test_twice_at_once(office: Engine, desk: Desk) -> None:
    """Eight clicks at once are one case; eight parties at once are eight numbers."""

    def one(party: PartyFacts) -> str:
        with office.begin() as tx:
            return start(tx, desk, party=party)

    parties = [
        replace(SHOP, code=code)
        for code in ("91370102MA3C00011F", "91370102MA3C0002X7", "92370103MA3K00027G", "12370100495400013J")
    ]
    with office.begin() as tx:
        start(tx, desk, HYGIENE)  # the party is known already
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(one, [SHOP] * 8))) == 1
        assert len(set(threads.map(one, parties * 2))) == 4


def test_the_serial_runs_round_without_taking_a_number_twice(office: Engine, desk: Desk) -> None:
    """At the end of the serial it begins anew and passes over what is taken."""
    with office.begin() as tx:
        tx.execute(text("ALTER SEQUENCE case_serial RESTART WITH 999999"))
        last, first = start(tx, desk), start(tx, desk, HYGIENE)
        assert (last[-6:], first[-6:]) == ("999999", "000001")
        tx.execute(text("ALTER SEQUENCE case_serial RESTART WITH 999999"))
        assert start(tx, desk, CLINIC)[-6:] == "000002"


def test_a_person_is_sealed_and_masked(office: Engine, desk: Desk) -> None:
    """Nothing in the party's row is the number; the same person is the same party."""
    with office.begin() as tx:
        start(tx, desk, party=PERSON)
        start(tx, desk, HYGIENE, party=replace(PERSON, code=" 990101 19900101 0019 "))
        row = tx.execute(select(Party.__table__)).one()
    assert row.code_masked == "990101********0019"
    assert b"990101199001010019" not in bytes(row.code_sealed)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"party": replace(SHOP, code="91370102MA3C00011E")}, Rejected, "校验位"),
        ({"party": replace(PERSON, code="990101199001010018")}, Rejected, "校验位"),
        ({"party": replace(SHOP, code=None)}, Rejected, "请填写统一社会信用代码"),
        ({"party": replace(SHOP, name="  ")}, Rejected, "名称"),
        ({"party": replace(SHOP, name="长" * 201)}, Rejected, "200"),
        ({"party": replace(SHOP, kind="alien")}, Rejected, "类别"),
        ({"item_code": "NO-SUCH"}, NotFound, "没有已发布"),
        ({"department": "nobody"}, NotFound, "没有代码为 nobody 的部门"),
        ({"department": "scjg"}, Denied, "不是审批部门"),
    ],
)
def test_a_start_that_is_refused_says_what_to_do(
    office: Engine, desk: Desk, changes: dict[str, object], error: type[Exception], said: str
) -> None:
    """Each refusal is a sentence, never repeats a person's number, and leaves nothing behind."""
    how = {"item_code": FOOD, "party": SHOP, "department": OFFICE, **changes}
    with office.begin() as tx, pytest.raises(error, match=said) as caught:
        start_case(tx, desk=desk, actor=CLERK, **how)  # type: ignore[arg-type]
    assert "990101199001010018" not in str(caught.value)
    with office.begin() as tx:
        assert tx.execute(select(func.count()).select_from(Case)).scalar_one() == 0


def test_acceptance_names_every_line_that_is_open(office: Engine, desk: Desk) -> None:
    """Nothing is written while something is missing; the sentence names each line and what may be done."""
    with office.begin() as tx:
        case_no = start(tx, desk)
        take(tx, case_no, "M01")
    with office.begin() as tx, pytest.raises(Rejected) as caught:
        accept_case(tx, case_no, desk, actor=CLERK)
    for name in ("法定代表人身份证明", "经营场所使用证明", "平面图", "申请书", "从业人员健康证明"):
        assert name in caught.value.message
    assert "营业执照" not in caught.value.message
    assert "授权委托书" not in caught.value.message
    assert "登记容缺" in caught.value.message
    with office.begin() as tx:
        assert tx.execute(select(Case.state)).scalar_one() == "preparing"
        assert tx.execute(select(Material.state)).scalar_one() == "pending"
        assert tx.execute(select(func.count()).select_from(CaseField)).scalar_one() == 0


def test_acceptance_starts_the_clock_once(office: Engine, desk: Desk, clock: Clock) -> None:
    """The promised day is counted in working days from the next day on; accepting again changes nothing."""
    with office.begin() as tx:
        tx.execute(
            text("INSERT INTO calendar_days (day, working, source) VALUES ('2026-09-20', true, '调休')")
        )
        case_no, _ = accepted(tx, desk, HYGIENE)
        promised = tx.execute(select(Case.promised_on).where(Case.case_no == case_no)).scalar_one()
        assert promised is None  # the sample promises nothing
    with office.begin() as tx:
        tx.execute(text("UPDATE service_items SET promised_days = 2, legal_days = 20 WHERE code = 'XK-012'"))
        tx.execute(text("ALTER TABLE item_versions DISABLE TRIGGER USER"))
        tx.execute(
            text(
                """UPDATE item_versions SET header = header || '{"promised_days": 2}' WHERE item_code = 'XK-012'"""
            )
        )
        tx.execute(text("ALTER TABLE item_versions ENABLE TRIGGER USER"))
    with office.begin() as tx:
        case_no, _ = accepted(tx, desk, CLINIC)
    clock.advance(days=3)
    with office.begin() as tx:
        again = accept_case(tx, case_no, desk, actor="user:other")
    assert (again.accepted_on, again.promised_on) == (date(2026, 9, 18), date(2026, 9, 21))
    assert ledger(office, case_no).count("case.accepted") == 1


def test_an_immediate_item_is_promised_for_the_same_day(office: Engine, desk: Desk) -> None:
    """即办件: the day of acceptance."""
    with office.begin() as tx:
        tx.execute(text("ALTER TABLE item_versions DISABLE TRIGGER USER"))
        tx.execute(
            text(
                """UPDATE item_versions SET header = header || '{"case_type": "1"}' WHERE item_code = 'XK-012'"""
            )
        )
        tx.execute(text("ALTER TABLE item_versions ENABLE TRIGGER USER"))
    with office.begin() as tx:
        case_no = start(tx, desk, CLINIC)
        take_all(tx, case_no)
        assert accept_case(tx, case_no, desk, actor=CLERK).promised_on == date(2026, 9, 18)


def test_a_new_version_supersedes_and_the_old_case_keeps_what_it_relied_on(
    office: Engine, desk: Desk, clock: Clock
) -> None:
    """Only the newest of a series is offered; the older stays with its cases; a renewal alarms nobody."""
    with office.begin() as tx:
        _, old = accepted(tx, desk, FOOD)
        grant(tx, "business-licence")
        reusing = start(tx, desk, HYGIENE, department=HEALTH)
        use(tx, desk, reusing, "M01", old["M01"])
    clock.advance(days=1)
    with office.begin() as tx:
        _, new = accepted(tx, desk, FOOD)
        rows = {row.id: row for row in tx.execute(select(Material.__table__))}
        assert rows[old["M01"]].state == "superseded"
        assert rows[old["M01"]].superseded_by == new["M01"]
        assert (rows[old["M01"]].version, rows[new["M01"]].version) == (1, 2)
        other = start(tx, desk, HYGIENE, department=HEALTH, actor="user:other")
        offered = [one.source_id for one in answers(tx, desk, other)["M01"].candidates]
        assert offered == [new["M01"]]
        assert case_receipt(tx, reusing).reused[0].source_state == "intact"
        assert answers(tx, desk, reusing)["M01"].used[0].source_id == old["M01"]
        assert tx.execute(select(func.count()).select_from(Notice)).scalar_one() == 0
        with pytest.raises(Denied, match="更新的版本"):
            use(tx, desk, other, "M01", old["M01"])


def test_another_subject_is_another_series(office: Engine, desk: Desk, clock: Clock) -> None:
    """The identity cards of two people do not supersede each other."""
    with office.begin() as tx:
        first = start(tx, desk)
        take_all(tx, first, but=("M02",))
        take(tx, first, "M02", subject="张三")
        accept_case(tx, first, desk, actor=CLERK)
        second = start(tx, desk)
        take_all(tx, second, but=("M02",))
        take(tx, second, "M02", subject="李四")
        accept_case(tx, second, desk, actor=CLERK)
        states = tx.execute(
            select(Material.state).where(Material.type_code == "legal-person-id").order_by(Material.subject)
        ).scalars()
        assert list(states) == ["usable", "usable"]


def test_two_acceptances_at_once_leave_one_usable_version(office: Engine, desk: Desk) -> None:
    """Two clerks accept for one party at the same moment: of each series exactly one stays usable."""
    with office.begin() as tx:
        cases = [start(tx, desk, actor=f"user:{number}") for number in range(4)]
        for case_no in cases:
            take_all(tx, case_no)

    def accept(case_no: str) -> None:
        with office.begin() as tx:
            accept_case(tx, case_no, desk, actor=CLERK)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(accept, cases))
    with office.begin() as tx:
        counts = tx.execute(
            text("SELECT type_code, count(*) FROM materials WHERE state = 'usable' GROUP BY type_code")
        ).all()
        versions = tx.execute(
            text("SELECT array_agg(version ORDER BY version) FROM materials GROUP BY type_code")
        ).scalars()
        assert {count for _, count in counts} == {1}
        assert set(map(tuple, versions)) == {(1, 2, 3, 4)}


def test_a_withdrawn_case_leaves_nothing_to_reuse(office: Engine, desk: Desk) -> None:
    """Pending files are discarded, uses and promises end; nothing more can be done on it; twice is once."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD)
        case_no = start(tx, desk, HYGIENE)
        used = use(tx, desk, case_no, "M01", materials["M01"])
        taken = take(tx, case_no, "M05")
    for _ in range(2):
        with office.begin() as tx:
            withdraw_case(tx, case_no, reason="申请人撤回", actor=CLERK, desk=desk)
    with office.begin() as tx:
        assert tx.execute(select(Material.state).where(Material.id == taken)).scalar_one() == "discarded"
        row = tx.execute(select(MaterialUse.__table__).where(MaterialUse.id == used)).one()
        assert (row.withdrawn_by, row.withdrawn_at is not None) == (CLERK, True)
        for act in (
            lambda: use(tx, desk, case_no, "M01", materials["M01"]),
            lambda: accept_case(tx, case_no, desk, actor=CLERK),
            lambda: take_back_use(tx, used, actor=CLERK),
        ):
            with pytest.raises(Conflict, match="已经撤回"):
                act()
    assert ledger(office, case_no).count("case.withdrawn") == 1


@pytest.mark.parametrize("reason", ["", " ", "长" * 201])
def test_withdrawing_needs_a_reason(office: Engine, desk: Desk, reason: str) -> None:
    """Without one it is refused."""
    with office.begin() as tx:
        case_no = start(tx, desk)
        with pytest.raises(Rejected, match="原因"):
            withdraw_case(tx, case_no, reason=reason, actor=CLERK, desk=desk)


def test_after_the_decision_nothing_changes(office: Engine, desk: Desk) -> None:
    """A decided case takes no use, no promise, no withdrawal: its package is signed and gone."""
    with office.begin() as tx:
        _first, materials = accepted(tx, desk, FOOD)
        case_no, _ = accepted(tx, desk, HYGIENE)
        decide_it(tx, desk, case_no, 2)
        line = line_of(tx, case_no, "M01")
        for act in (
            lambda: use(tx, desk, case_no, "M01", materials["M01"]),
            lambda: withdraw_case(tx, case_no, reason="不办了", actor=CLERK, desk=desk),
            lambda: promise_deferral(
                tx,
                case_no=case_no,
                requirement_id=line.id,
                until=None,
                promised_by="张三",
                actor=CLERK,
                desk=desk,
            ),
        ):
            with pytest.raises(Conflict, match="已经作出决定"):
                act()


def test_a_case_without_a_list_has_nothing_to_reuse_for(office: Engine, desk: Desk) -> None:
    """A case that came with a sheet is told apart in a sentence."""
    with office.begin() as tx:
        first, materials = accepted(tx, desk, FOOD)
        line = line_of(tx, first, "M01")
        tx.execute(text("UPDATE cases SET item_version_id = NULL"))
        with pytest.raises(Rejected, match="不是在窗口"):
            use_material(
                tx,
                case_no=first,
                requirement_id=line.id,
                source_kind="material",
                source_id=materials["M01"],
                purpose="办理",
                actor=CLERK,
                desk=desk,
            )


@pytest.mark.parametrize("purpose", ["", "长", "长" * 201, "   "])
def test_a_use_without_a_purpose_is_refused(office: Engine, desk: Desk, purpose: str) -> None:
    """Two to two hundred characters."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD)
        case_no = start(tx, desk, HYGIENE)
        with pytest.raises(Rejected, match="使用目的"):
            use_material(
                tx,
                case_no=case_no,
                requirement_id=line_of(tx, case_no, "M01").id,
                source_kind="material",
                source_id=materials["M01"],
                purpose=purpose,
                actor=CLERK,
                desk=desk,
            )


def test_a_use_taken_back_can_be_made_again(office: Engine, desk: Desk) -> None:
    """While the case is prepared a use is a tick on a page; the record of each stays."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD)
        case_no = start(tx, desk, HYGIENE)
        first = use(tx, desk, case_no, "M01", materials["M01"])
        assert use(tx, desk, case_no, "M01", materials["M01"]) == first
        take_back_use(tx, first, actor=CLERK)
        take_back_use(tx, first, actor=CLERK)
        assert answers(tx, desk, case_no)["M01"].verdict == "usable"
        assert use(tx, desk, case_no, "M01", materials["M01"]) != first
    actions = ledger(office, case_no)
    assert actions == ["case.started", "material.used", "material.use_withdrawn", "material.used"]


def test_another_cases_line_is_not_found(office: Engine, desk: Desk) -> None:
    """A forged requirement id of another item is refused."""
    with office.begin() as tx:
        first, materials = accepted(tx, desk, FOOD)
        case_no = start(tx, desk, HYGIENE)
        with pytest.raises(NotFound):
            use_material(
                tx,
                case_no=case_no,
                requirement_id=line_of(tx, first, "M01").id,
                source_kind="material",
                source_id=materials["M01"],
                purpose="办理",
                actor=CLERK,
                desk=desk,
            )


def test_another_partys_material_is_never_taken(office: Engine, desk: Desk) -> None:
    """A forged source id of another party is refused, and nothing of that party is told."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD, party=replace(SHOP, name="别人", code="91370102MA3C0002X7"))
        case_no = start(tx, desk, HYGIENE)
        with pytest.raises(Denied) as caught:
            use(tx, desk, case_no, "M01", materials["M01"])
        assert "别人" not in caught.value.message


def test_what_ran_out_while_the_case_was_prepared_holds_acceptance_back(
    office: Engine, desk: Desk, clock: Clock
) -> None:
    """A use whose source's last day has passed, and a promise whose day has passed, are named; told or not."""
    with office.begin() as tx:
        other = start(tx, desk, FOOD, actor="user:other")
        take_all(tx, other, but=("M03",))
        ends = take(tx, other, "M03", valid_to=today(desk), fields={"address": {"text": "示范路 1 号"}})
        accept_case(tx, other, desk, actor=CLERK)
        case_no = start(tx, desk, FOOD)
        take_all(tx, case_no, but=("M03", "M06"))
        use(tx, desk, case_no, "M03", ends)
        line = line_of(tx, case_no, "M06")
        until = promise_deferral(
            tx,
            case_no=case_no,
            requirement_id=line.id,
            until=today(desk),
            promised_by="甲",
            actor=CLERK,
            desk=desk,
        )
    clock.advance(days=1)
    with office.begin() as tx, pytest.raises(Rejected) as caught:
        accept_case(tx, case_no, desk, actor=CLERK)
    assert "已经到期，请撤销这次复用" in caught.value.message
    assert f"承诺的补交日期 {until} 已过" in caught.value.message


def test_matching_before_there_is_a_case(office: Engine, desk: Desk) -> None:
    """The same answers without a case: what is on file for a party and an item."""
    with office.begin() as tx:
        first, _ = accepted(tx, desk, FOOD)
        row = tx.execute(select(Case.party_id, Case.item_version_id).where(Case.case_no == first)).one()
        question = Question(row.party_id, row.item_version_id, OFFICE, today(desk))
        verdicts = {answer.requirement.code: answer.verdict for answer in match(tx, question)}
    assert verdicts == {
        **dict.fromkeys(("M01", "M02", "M03", "M04", "M05", "M06"), "usable"),
        "M07": "missing",
    }
