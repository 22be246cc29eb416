"""The demo area: made once, the same at every later start; and the working days that are shipped."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select, update

from hub.connecting.connector import Connector
from hub.department import Department, DepartmentKey
from hub.item import ServiceItem
from hub.joining.custodial_key import signer_for
from hub.ledger import LedgerRow
from hub.ports import Desk
from hub.pushing.rules.rule import PushRule, RuleDepartment
from hub.sheets.sheet_case import load_catalogue
from hub.workday import CalendarDay, due, exceptions, is_working
from shenguan import (
    demo,
    demo_county_words,
    demo_departments,
    demo_mappings,
    demo_web,
    wiring,
    working_calendar,
)
from shenguan.demo_county import add_county
from shenguan.sample_words import PERMITS
from storage.custody import KeyCustody
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key

VAULT = IdentityVault(bytes(32), KeyEncryption(bytes(32)))
CUSTODY = KeyCustody(KeyEncryption(bytes(32)))
TABLES = (Department, DepartmentKey, ServiceItem, PushRule, LedgerRow)


def _counts(engine: Engine) -> list[int]:
    with engine.connect() as tx:
        return [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES]


def test_a_second_start_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    """Keys, departments, items and rules are made at the first start only."""
    keys = demo_departments.ensure_keys(tmp_path)
    with engine.begin() as tx:
        assert demo.ensure_demo_area(tx, keys) is True
    before = _counts(engine)
    assert demo_departments.ensure_keys(tmp_path) == keys
    with engine.begin() as tx:
        assert demo.ensure_demo_area(tx, keys) is False
    assert _counts(engine) == before


def _withdraw_rules_of(tx: Connection, code: str) -> None:
    of = select(RuleDepartment.rule_id).where(RuleDepartment.department == code)
    tx.execute(update(PushRule).where(PushRule.id.in_(of)).values(state="withdrawn", ended_at=func.now()))


def test_what_an_administrator_removed_stays_removed(engine: Engine, tmp_path: Path) -> None:
    """A push rule deleted after the first start does not come back; a key file made anew is registered beside the old."""
    keys = demo_departments.ensure_keys(tmp_path)
    with engine.begin() as tx:
        demo.ensure_demo_area(tx, keys)
        _withdraw_rules_of(tx, "zhzf")
    (demo_departments.folder_of(tmp_path, "zhzf") / demo_departments.KEY_FILE).unlink()
    with engine.begin() as tx:
        demo.ensure_demo_area(tx, demo_departments.ensure_keys(tmp_path))
        standing = (
            select(RuleDepartment.department).join(RuleDepartment.rule).where(PushRule.state == "published")
        )
        assert tx.execute(standing).scalars().all() == ["scjg"]
        kids = tx.execute(select(func.count()).where(DepartmentKey.department == "zhzf")).scalar_one()
    assert kids == 2


def test_every_licence_of_the_sample_has_its_item(engine: Engine, tmp_path: Path) -> None:
    """No permit of the sample sheets falls into the catch-all item."""
    with engine.begin() as tx:
        demo.ensure_demo_area(tx, demo_departments.ensure_keys(tmp_path))
        catalogue = load_catalogue(tx, demo.AREA)
    for permit in PERMITS:
        for name in (permit.licence, permit.item):
            assert catalogue.items["".join(name.split()).lower()].name == permit.item
    assert len({item.licence_type_code for item in catalogue.items.values() if item.licence_type_code}) == 12


def test_private_keys_are_for_their_owner(tmp_path: Path) -> None:
    """Only the owner may read a demo department's key or enter its folder."""
    demo_departments.ensure_keys(tmp_path)
    for file in tmp_path.glob(f"departments/*/{demo_departments.KEY_FILE}"):
        assert file.stat().st_mode & 0o077 == 0
        assert file.parent.stat().st_mode & 0o077 == 0


def test_shipped_working_days(engine: Engine) -> None:
    """The shipped days are those of the State Council; filling in twice adds nothing and overwrites nothing."""
    with engine.begin() as tx:
        assert working_calendar.fill(tx) > 250
        tx.execute(delete(CalendarDay).where(CalendarDay.day == date(2026, 2, 14)))
        tx.execute(CalendarDay.__table__.insert().values(day=date(2026, 2, 14), working=False, source="本县"))  # type: ignore[attr-defined]
        assert working_calendar.fill(tx) == 0
        table = exceptions(tx)
    assert is_working(date(2026, 2, 28), table)
    assert is_working(date(2026, 10, 10), table)
    assert not is_working(date(2026, 2, 14), table)
    assert not is_working(date(2026, 10, 1), table)
    assert due(date(2026, 9, 30), 1, table) == date(2026, 10, 8)


def test_the_department_without_a_system_waits_for_its_rule(engine: Engine, tmp_path: Path) -> None:
    """It is there with a key in custody, and nothing is pushed to it before its rule, a draft, is published."""
    desk = Desk(
        "990101", "http://x", Signer.from_pem("hub", generate_private_key()), VAULT, wiring.now, CUSTODY
    )
    with engine.begin() as tx:
        demo.ensure_demo_area(tx, demo_departments.ensure_keys(tmp_path))
        demo_web.add_demo_web_department(tx, desk, actor=demo.ACTOR)
        named = select(PushRule.state).join(RuleDepartment).where(RuleDepartment.department == demo_web.CODE)
        assert tx.execute(named).scalars().all() == ["draft"]
        signer_for(tx, demo_web.CODE, desk)


def test_a_whole_county_signs(engine: Engine, tmp_path: Path) -> None:
    """Every permit of the sample has at least four departments that sign for it by themselves, one permit seven; every
    connector is live with a version without faults, and its department's own folder or table is made once."""
    desk = Desk(
        "990101", "http://x", Signer.from_pem("hub", generate_private_key()), VAULT, wiring.now, CUSTODY
    )
    keys = demo_departments.ensure_keys(tmp_path)
    with engine.begin() as tx:
        demo.ensure_demo_area(tx, keys)
        add_county(tx, desk, keys[demo_county_words.PULLING.code], actor=demo.ACTOR)
        channels = dict(
            tx.execute(select(Department.channel, func.count()).group_by(Department.channel)).all()
        )
        live = tx.execute(select(func.count()).where(Connector.state == "live")).scalar_one()
    hosted = len(demo_county_words.HOSTED)
    assert (live, channels["hosted"], channels["rest"]) == (hosted, hosted, 1)
    signing = [
        len(demo.CONNECTED) + sum(number in one.permits for one in demo_county_words.NEIGHBOURS)
        for number in range(1, len(PERMITS) + 1)
    ]
    assert (min(signing), max(signing)) == (4, 7)
    demo_mappings.ensure_places(tmp_path)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.sqlite")}
    demo_mappings.ensure_places(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert len(made) == sum(
        one.way in ("permit_table", "table", "table_both") for one in demo_county_words.HOSTED
    )
