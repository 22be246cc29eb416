"""Statistics and who-used-what say what was done: each reuse and each taking once, in its month, of the right people."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from sqlalchemy import Engine, select, text, update

from hub.errors import NotFound
from hub.ledger import LedgerRow
from hub.material import Material
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.correct_material import correct_material
from hub.reuse.material_use import MaterialUse
from hub.reuse.statistics import Figures, statistics, times_not_submitted
from hub.reuse.use_material import take_back_use
from hub.reuse.who_used import who_used
from hub.reuse.withdraw_case import withdraw_case
from tests.hub import reuse_builders as built
from tests.hub.builders import Clock
from tests.hub.catalogue_builders import FOOD, HEALTH, HYGIENE, OFFICE, publish_sample_catalogue

YEAR = (date(2026, 1, 1), date(2026, 12, 31))
SHARED = ("business-licence", "floor-plan")


@pytest.fixture
def twice(county: Engine, desk: Desk, clock: Clock) -> tuple[Engine, str, str]:
    """Six files handed in in September; in October another department reuses two of them and takes three."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        first, materials = built.accepted(tx, desk)
        tx.execute(update(Material).values(created_at=clock.now, added_by="user:zhang"))
        clock.advance(days=30)
        for code in SHARED:
            built.grant(tx, code)
        second = built.start(tx, desk, HYGIENE, department=HEALTH)
        for code, source in (("M01", materials["M01"]), ("M04", materials["M04"])):
            built.use(tx, desk, second, code, source)
        for code in ("M02", "M03", "M05"):
            built.take(tx, second, code)
        tx.execute(update(Material).where(Material.case_no == second).values(created_at=clock.now))
        accept_case(tx, second, desk, actor=built.CLERK)
    return county, first, second


def of(figures: list[Figures], key: str) -> tuple[int, int, int, int]:
    one = next(one for one in figures if one.key == key)
    return one.cases, one.used, one.taken, one.repeated


def test_what_was_reused_and_taken_is_counted_once(twice: tuple[Engine, str, str]) -> None:
    """(cases, reused, taken, repeated) of the whole, each item, department, month and clerk; the rate is of both."""
    engine, _, _ = twice
    with engine.connect() as tx:
        found = statistics(tx, *YEAR)
    total = found.total
    assert (total.cases, total.used, total.taken, total.repeated, total.rate) == (2, 2, 9, 3, 18.2)
    assert of(found.items, FOOD) == (1, 0, 6, 0)
    assert of(found.items, HYGIENE) == (1, 2, 3, 3)
    assert of(found.departments, OFFICE) == (1, 0, 6, 0)
    assert of(found.departments, HEALTH) == (1, 2, 3, 3)
    assert [(one.key, one.used, one.taken) for one in found.months] == [("2026-09", 0, 6), ("2026-10", 2, 3)]
    assert {one.name for one in found.items} == {"食品经营许可", "公共场所卫生许可"}
    assert [(one.key, one.taken) for one in found.never] == [("user:zhang", 6)]


def test_the_period_and_the_department_narrow_it(twice: tuple[Engine, str, str]) -> None:
    """Both days count, by the local calendar; a department sees its own figures; no day, no figures."""
    engine, _, _ = twice
    with engine.connect() as tx:
        september = statistics(tx, date(2026, 9, 18), date(2026, 9, 18)).total
        assert (september.used, september.taken) == (0, 6)
        assert statistics(tx, date(2026, 9, 19), date(2026, 10, 17)).months == []
        october = statistics(tx, date(2026, 10, 18), date(2026, 10, 18), department=HEALTH).total
        assert (october.cases, october.used, october.taken) == (1, 2, 3)
        empty = statistics(tx, *YEAR, department="scjg").total
        assert (empty.cases, empty.used, empty.taken, empty.rate) == (0, 0, 0, None)
        assert times_not_submitted(tx, *YEAR) == 2
        assert times_not_submitted(tx, *YEAR, department=OFFICE) == 0


def test_what_did_not_count_in_the_end_is_not_counted(twice: tuple[Engine, str, str], desk: Desk) -> None:
    """A case still in preparation, a withdrawn one, a use taken back, a corrected version: none adds a number."""
    engine, _, _ = twice
    with engine.begin() as tx:
        before = statistics(tx, *YEAR).total
        usable = tx.execute(select(Material.id, Material.type_code).where(Material.state == "usable")).all()
        source = next(row.id for row in usable if row.type_code == "floor-plan")
        preparing, gone = (built.start(tx, desk, item) for item in (HYGIENE, FOOD))
        for case_no in (preparing, gone):
            built.use(tx, desk, case_no, "M04", source)
            built.take(tx, case_no, "M05")
        withdraw_case(tx, gone, desk=desk, actor=built.CLERK, reason="申请人撤回")
        use = tx.scalar(select(MaterialUse.id).where(MaterialUse.case_no == preparing))
        assert use is not None
        take_back_use(tx, use, actor=built.CLERK)
        fixed = next(row.id for row in usable if row.type_code == "premises")
        correct_material(
            tx, fixed, fields={"address": "示范路 9 号"}, reason="核实有误", actor="user:x", desk=desk
        )
        after = statistics(tx, *YEAR).total
    assert (after.cases, after.used, after.taken, after.repeated) == (
        before.cases,
        before.used,
        before.taken,
        before.repeated,
    )


def test_taking_again_what_had_run_out_is_not_repeated(twice: tuple[Engine, str, str]) -> None:
    """Only what was good on the day it was taken again makes it a repetition."""
    engine, first, _ = twice
    with engine.begin() as tx:
        tx.execute(update(Material).where(Material.case_no == first).values(valid_to=date(2026, 10, 17)))
        assert statistics(tx, *YEAR).total.repeated == 0
        tx.execute(update(Material).where(Material.case_no == first).values(valid_to=date(2026, 10, 18)))
        assert statistics(tx, *YEAR).total.repeated == 3


def test_the_applicant_is_shown_every_use_and_reading(twice: tuple[Engine, str, str], desk: Desk) -> None:
    """Who, for what, under which grant and consent, when; readings, too; and that it was shown is in the ledger."""
    engine, _, second = twice
    with engine.begin() as tx:
        party = tx.scalar(select(Material.party_id).limit(1))
        assert party is not None
        built.consent(tx, desk, second)
        tx.execute(
            text(
                "INSERT INTO file_reads (id, material_id, reader, token_id, stated_use)"
                " SELECT gen_random_uuid(), id, 'department:scjg', 't', '监督检查' FROM materials LIMIT 1"
            )
        )
        found = who_used(tx, party, actor="user:clerk", reason="应申请人要求出示")
        assert {(use.department, use.provider, use.case_no) for use in found.uses} == {
            ("示范县卫生健康局", "示范县行政审批服务局", second)
        }
        assert {use.grant_basis for use in found.uses} == {"依据"}
        assert [(read.department, read.stated_use) for read in found.reads] == [
            ("示范县市场监督管理局", "监督检查")
        ]
        assert [(one.way, one.given_by) for one in found.consents] == [("signed", "张三")]
        row = tx.execute(
            select(LedgerRow.actor, LedgerRow.subject, LedgerRow.detail).where(
                LedgerRow.action == "party.uses_shown"
            )
        ).one()
        assert (row.actor, row.subject) == ("user:clerk", f"party:{party}")
        assert row.detail == {"uses": 2, "reads": 1, "consents": 1}


def test_an_unknown_party_is_not_found(county: Engine) -> None:
    """And nothing is written of it."""
    with county.begin() as tx:
        with pytest.raises(NotFound):
            who_used(tx, uuid.uuid4(), actor="user:clerk")
        assert tx.scalar(select(LedgerRow.id).where(LedgerRow.action == "party.uses_shown")) is None
