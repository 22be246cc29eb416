"""Who relied on a source is told: by a finding, a revocation, a correction, the end of its validity; and exactly once."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.exchange.take_in import take_in
from hub.ledger import LedgerRow
from hub.licensing.licence import Licence
from hub.material import Material
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.correct_material import correct_material, revoke_material
from hub.reuse.material_use import SOURCE_STATES, MaterialUse
from hub.reuse.tell_relied import HAPPENINGS, TRANSITIONS, SourceChange, expire_sources, tell_relied
from hub.reuse.use_material import take_back_use
from hub.reuse.withdraw_case import withdraw_case
from storage.signing import Signer
from tests.hub.builders import a_finding
from tests.hub.catalogue_builders import (
    CLINIC,
    FOOD,
    FOOD_LICENCE,
    HEALTH,
    HYGIENE,
    publish_sample_catalogue,
)
from tests.hub.reuse_builders import (
    CLERK,
    accepted,
    answers,
    days,
    decide_it,
    grant,
    start,
    take,
    today,
    use,
)

Signers = dict[str, Signer]


@pytest.fixture
def office(county: Engine) -> Engine:
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        for code in ("business-licence", "floor-plan", "premises"):
            grant(tx, code)
        grant(tx, FOOD_LICENCE, kind="licence")
        grant(tx, HYGIENE, kind="result")
    return county


def licensed(engine: Engine, desk: Desk) -> tuple[str, uuid.UUID]:
    """A decided case and its licence."""
    with engine.begin() as tx:
        case_no, _ = accepted(tx, desk, FOOD)
        decide_it(tx, desk, case_no)
        return case_no, tx.execute(select(Licence.id)).scalar_one()


def notices(engine: Engine, case_no: str) -> list[Any]:
    columns = (Notice.audience, Notice.severity, Notice.title, Notice.body)
    with engine.begin() as tx:
        return list(tx.execute(select(*columns).where(Notice.case_no == case_no).order_by(Notice.id)))


def states(engine: Engine, case_no: str) -> list[str]:
    with engine.begin() as tx:
        found = select(MaterialUse.source_state).where(MaterialUse.case_no == case_no)
        return list(tx.execute(found.order_by(MaterialUse.used_at)).scalars())


def changes_told(engine: Engine, case_no: str) -> list[Any]:
    columns = (LedgerRow.actor, LedgerRow.subject, LedgerRow.reason, LedgerRow.detail)
    asked = select(*columns).where(
        LedgerRow.case_no == case_no, LedgerRow.action == "material.source_changed"
    )
    with engine.begin() as tx:
        return list(tx.execute(asked.order_by(LedgerRow.id)))


def test_a_finding_tells_every_case_that_relied(office: Engine, desk: Desk, signers: Signers) -> None:
    """A real finding: the use is marked, the case noticed and the ledger written in one transaction; then restored."""
    source, licence_id = licensed(office, desk)
    with office.begin() as tx:
        relying, other = start(tx, desk, HYGIENE, department=HEALTH), start(tx, desk, HYGIENE)
        use_id = use(tx, desk, relying, "M03", licence_id, "licence")
        gone = use(tx, desk, other, "M03", licence_id, "licence")
        take_back_use(tx, gone, actor=CLERK)
    finding = a_finding(desk, signers["scjg"], source, "F1", "3", "3", explain="无证加工")
    for _ in range(2):
        with office.begin() as tx:
            take_in(tx, [finding], [], desk)

    ((audience, severity, title, body),) = notices(office, relying)
    assert (audience, severity) == ("clerk", "alert")
    assert title.startswith("所复用的证照已冻结（暂扣）：食品经营许可证")
    for part in ("示范县市场监督管理局", "无证加工", "2026-09-18", "经营场所使用证明"):
        assert part in body
    assert states(office, relying) == ["frozen"]
    ((actor, subject, reason, detail),) = changes_told(office, relying)
    assert (actor, subject, reason) == ("department:scjg", f"use:{use_id}", "无证加工")
    assert (detail["happened"], detail["source"]) == ("frozen", f"licence:{licence_id}")
    assert notices(office, other) == []
    assert states(office, other) == ["intact"]

    with office.begin() as tx:
        take_in(tx, [a_finding(desk, signers["scjg"], source, "F2", "1", "1", at="2026-09-18")], [], desk)
    assert [row.severity for row in notices(office, relying)] == ["alert", "info"]
    assert "已恢复有效" in notices(office, relying)[1].title
    assert states(office, relying) == ["intact"]


def test_frozen_and_restored_in_one_batch_alarms_nobody(office: Engine, desk: Desk, signers: Signers) -> None:
    """What was never frozen for anybody outside the transaction is not told."""
    source, licence_id = licensed(office, desk)
    with office.begin() as tx:
        relying = start(tx, desk, HYGIENE, department=HEALTH)
        use(tx, desk, relying, "M03", licence_id, "licence")
    with office.begin() as tx:
        findings = [
            a_finding(desk, signers["scjg"], source, "F1", "3", "3", at="2026-09-16"),
            a_finding(desk, signers["scjg"], source, "F2", "1", "1", at="2026-09-17"),
        ]
        take_in(tx, findings, [], desk)
    assert notices(office, relying) == []
    assert states(office, relying) == ["intact"]


def test_who_relied_on_a_result_is_told_of_its_licence(office: Engine, desk: Desk, signers: Signers) -> None:
    """A decision is worth what its licence is worth."""
    with office.begin() as tx:
        source, _ = accepted(tx, desk, HYGIENE)
        decide_it(tx, desk, source)
        relying = start(tx, desk, CLINIC, department=HEALTH)
        chosen = next(
            one for one in answers(tx, desk, relying)["M02"].candidates if one.source_kind == "decision"
        )
        assert chosen.refusal is None
        use(tx, desk, relying, "M02", chosen.source_id, "decision")
    with office.begin() as tx:
        take_in(tx, [a_finding(desk, signers["zhzf"], source, "G1", "3", "1")], [], desk)
    assert states(office, relying) == ["frozen"]
    (told,) = notices(office, relying)
    assert "审批结果已冻结" in told.title
    with office.begin() as tx:
        other = start(tx, desk, CLINIC, department=HEALTH, actor="user:other")
        with pytest.raises(Denied, match="冻结"):
            use(tx, desk, other, "M02", chosen.source_id, "decision")


def test_acceptance_refuses_what_no_longer_stands(office: Engine, desk: Desk, signers: Signers) -> None:
    """A use whose licence was frozen before acceptance does not count; taken back and replaced it does."""
    source, licence_id = licensed(office, desk)
    with office.begin() as tx:
        case_no = start(tx, desk, HYGIENE)
        use_id = use(tx, desk, case_no, "M03", licence_id, "licence")
        for code in ("M01", "M02", "M04", "M05"):
            take(tx, case_no, code, **({"fields": _FIELDS} if code == "M01" else {}))
        take_in(tx, [a_finding(desk, signers["scjg"], source, "F1", "3", "3")], [], desk)
    with office.begin() as tx, pytest.raises(Rejected, match=r"已被冻结.*撤销这次复用"):
        accept_case(tx, case_no, desk, actor=CLERK)
    with office.begin() as tx:
        take_back_use(tx, use_id, actor=CLERK)
        take(tx, case_no, "M03", fields=_FIELDS)
        accept_case(tx, case_no, desk, actor=CLERK)


_FIELDS = {"address": {"text": "示范路 1 号"}}


def test_a_revoked_material(office: Engine, desk: Desk) -> None:
    """It is offered to nobody, who relied is told, and twice is once."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD)
        relying = start(tx, desk, HYGIENE, department=HEALTH)
        use(tx, desk, relying, "M01", materials["M01"])
    for _ in range(2):
        with office.begin() as tx:
            revoke_material(tx, materials["M01"], actor=CLERK, reason="发现系伪造", desk=desk)
    ((_, severity, title, body),) = notices(office, relying)
    assert severity == "alert"
    assert "所复用的材料已撤销" in title
    assert "发现系伪造" in body
    assert states(office, relying) == ["revoked"]
    assert len(changes_told(office, relying)) == 1
    with office.begin() as tx:
        other = start(tx, desk, HYGIENE, department=HEALTH, actor="user:other")
        assert [one.refusal for one in answers(tx, desk, other)["M01"].candidates] == ["revoked"]
        with pytest.raises(Denied, match="已被撤销"):
            use(tx, desk, other, "M01", materials["M01"])


def test_a_corrected_material(office: Engine, desk: Desk) -> None:
    """The corrected version is offered, the old one stays, who relied on the old one is told."""
    with office.begin() as tx:
        source, materials = accepted(tx, desk, FOOD)
        relying = start(tx, desk, HYGIENE, department=HEALTH)
        use(tx, desk, relying, "M01", materials["M01"])
    with office.begin() as tx:
        new = correct_material(
            tx,
            materials["M01"],
            fields={"address": "示范路 2 号"},
            reason="门牌号有误",
            actor=CLERK,
            desk=desk,
        )
        rows = {row.id: row for row in tx.execute(select(Material.__table__))}
    old_row, new_row = rows[materials["M01"]], rows[new]
    assert (old_row.state, old_row.superseded_by) == ("superseded", new)
    assert (new_row.state, new_row.version, new_row.sha256) == ("usable", 2, old_row.sha256)
    assert new_row.fields == {**old_row.fields, "address": {"text": "示范路 2 号"}}
    assert states(office, relying) == ["corrected"]
    assert [row.severity for row in notices(office, relying)] == ["warning"]
    with office.begin() as tx:
        other = start(tx, desk, HYGIENE, department=HEALTH, actor="user:other")
        offered = [one.source_id for one in answers(tx, desk, other)["M01"].candidates]
        assert offered == [new]
        assert answers(tx, desk, source)["M01"].taken[0].id == new
        with pytest.raises(Conflict, match="现行版本"):
            correct_material(
                tx, materials["M01"], fields={"address": "x"}, reason="再改", actor=CLERK, desk=desk
            )


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"fields": {"no_such": "x"}, "reason": "有误"}, Rejected, "没有字段"),
        ({"fields": {"address": ""}, "reason": "有误"}, Rejected, "请填写"),
        ({"fields": {}, "reason": "有误"}, Rejected, "没有要更正的内容"),
        ({"fields": {"address": "示范路 1 号"}, "reason": "有误"}, Rejected, "没有要更正的内容"),
        ({"fields": {"address": "x"}, "reason": " "}, Rejected, "原因"),
    ],
)
def test_a_correction_that_is_refused(
    office: Engine, desk: Desk, how: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Each refusal is a sentence and changes nothing."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD)
    with office.begin() as tx, pytest.raises(error, match=said):
        correct_material(tx, materials["M01"], actor=CLERK, desk=desk, **how)
    with office.begin() as tx, pytest.raises(NotFound):
        correct_material(tx, uuid.uuid4(), fields={"address": "x"}, reason="有误", actor=CLERK, desk=desk)


def test_a_source_that_ran_out(office: Engine, desk: Desk) -> None:
    """The day after its last day each case is told once; a source that was extended meanwhile is not."""
    with office.begin() as tx:
        case_no = start(tx, desk, FOOD)
        last = today(desk) + days(5)
        ends = take(tx, case_no, "M03", valid_to=last, fields=_FIELDS)
        extended = take(tx, case_no, "M04", valid_to=last)
        for code in ("M01", "M02", "M05", "M06"):
            take(tx, case_no, code)
        accept_case(tx, case_no, desk, actor=CLERK)
        relying = start(tx, desk, HYGIENE, department=HEALTH)
        use(tx, desk, relying, "M03", ends)
        use(tx, desk, relying, "M04", extended)
        tx.execute(text("UPDATE materials SET valid_to = NULL WHERE id = :id"), {"id": extended})
        assert expire_sources(tx, last) == 0
        assert expire_sources(tx, last + days(1)) == 2
        assert expire_sources(tx, last + days(1)) == 0
    assert sorted(states(office, relying)) == ["expired", "intact"]
    ((_, severity, title, body),) = notices(office, relying)
    assert severity == "warning"
    assert "已到期" in title
    assert last.isoformat() in body
    assert [row.actor for row in changes_told(office, relying)] == ["program:housekeeping"]


def test_a_licence_that_ran_out_tells_who_relied_on_it_and_on_its_result(office: Engine, desk: Desk) -> None:
    """Both kinds of use, and a case that was decided meanwhile is told quietly."""
    with office.begin() as tx:
        source, _ = accepted(tx, desk, HYGIENE)
        decide_it(tx, desk, source)
        relying = start(tx, desk, CLINIC, department=HEALTH)
        decision = next(
            one for one in answers(tx, desk, relying)["M02"].candidates if one.source_kind == "decision"
        )
        use(tx, desk, relying, "M02", decision.source_id, "decision")
        assert expire_sources(tx, date(2031, 9, 17)) == 0
        assert expire_sources(tx, date(2031, 9, 18)) == 1
    assert states(office, relying) == ["expired"]


def test_a_withdrawn_case_is_left_in_peace(office: Engine, desk: Desk) -> None:
    """Its uses ended with it."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD)
        relying = start(tx, desk, HYGIENE, department=HEALTH)
        use(tx, desk, relying, "M01", materials["M01"])
        withdraw_case(tx, relying, reason="不办了", actor=CLERK, desk=desk)
        revoke_material(tx, materials["M01"], actor=CLERK, reason="伪造", desk=desk)
    assert notices(office, relying) == []


@pytest.mark.parametrize("was", SOURCE_STATES)
@pytest.mark.parametrize("happened", HAPPENINGS)
def test_every_state_and_every_happening(office: Engine, desk: Desk, was: str, happened: str) -> None:
    """All pairs: the table's are applied and told once, the others change and tell nothing."""
    with office.begin() as tx:
        _, materials = accepted(tx, desk, FOOD)
        relying = start(tx, desk, HYGIENE, department=HEALTH)
        use_id = use(tx, desk, relying, "M01", materials["M01"])
        tx.execute(
            text("UPDATE material_uses SET source_state = :was WHERE id = :id"), {"was": was, "id": use_id}
        )
        change = SourceChange("material", materials["M01"], happened)
        told = tell_relied(tx, [change, change], actor="user:test", now=desk.clock())
    expected = TRANSITIONS.get((was, happened))
    assert states(office, relying) == [expected or was]
    assert told == (1 if expected else 0)
    assert len(notices(office, relying)) == told


def test_the_table_leads_nowhere_unknown() -> None:
    """Every state of the table is one of the database's; only a correction leaves `revoked`; a renewal is no happening."""
    assert {state for pair in TRANSITIONS for state in (pair[0], TRANSITIONS[pair])} <= set(SOURCE_STATES)
    assert {happened for _, happened in TRANSITIONS} == set(HAPPENINGS)
    assert [pair for pair in TRANSITIONS if pair[0] == "revoked"] == [("revoked", "reinstated")]
