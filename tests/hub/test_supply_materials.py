"""Data that departments supply: kept as reusable materials, newest counts, only from the provider, sealed numbers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.exchange.take_in import take_in
from hub.ports import Desk
from storage.signing import Signer
from tests.hub.supply_builders import a_supply, provided_type

pytestmark = pytest.mark.usefixtures("county")


def _materials(engine: Engine) -> list[Any]:
    question = """
    SELECT state, version, fields, state_reason FROM materials ORDER BY supplied_as_of, id
    """
    with engine.connect() as tx:
        return list(tx.execute(text(question)))


def test_supplied_data_becomes_a_material_of_the_party(
    engine: Engine, desk: Desk, signers: dict[str, Signer]
) -> None:
    """One message, taken twice, is one material of a (new) party, with its fields checked, personal numbers sealed, and
    a ledger row; the quarantine is empty."""
    with engine.begin() as tx:
        provided_type(tx, "scjg")
    supply = a_supply(desk, signers["scjg"], valid_to="2027-09-17")
    with engine.begin() as tx:
        assert take_in(tx, [supply], [], desk).accepted == 1
    with engine.begin() as tx:
        assert take_in(tx, [supply], [], desk).duplicates == 1
    (material,) = _materials(engine)
    assert (material.state, material.version) == ("usable", 1)
    assert material.fields["address"] == {"text": "示范县样例路1号"}
    assert set(material.fields["manager_no"]) == {"masked", "sealed", "digest"}
    assert "990101199001010019" not in str(material.fields)
    with engine.connect() as tx:
        assert tx.execute(text("select name, code_masked from parties")).all() == [
            ("示范县青禾饮食有限公司", "91370102MA3C00011F")
        ]
        assert tx.execute(text("select actor, action from ledger where action like 'material.%'")).all() == [
            ("department:scjg", "material.supplied")
        ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_the_newest_counts_in_any_order(
    engine: Engine, desk: Desk, signers: dict[str, Signer], order: tuple[int, ...], together: bool
) -> None:
    """Three versions in any order, in one batch or one by one, end the same: the newest usable, the others superseded."""
    with engine.begin() as tx:
        provided_type(tx, "scjg")
    versions = [
        a_supply(
            desk, signers["scjg"], as_of=f"2026-09-1{day}T00:00:00Z", fields={"address": f"样例路{day}号"}
        )
        for day in (5, 6, 7)
    ]
    arriving = [versions[number] for number in order]
    for batch in [arriving] if together else [[one] for one in arriving]:
        with engine.begin() as tx:
            assert take_in(tx, batch, [], desk).quarantined == 0
    found = [(row.state, row.fields["address"]["text"]) for row in _materials(engine)]
    assert found == [
        ("superseded", "样例路5号"),
        ("superseded", "样例路6号"),
        ("usable", "样例路7号"),
    ]


def test_a_revocation_leaves_nothing_to_reuse(engine: Engine, desk: Desk, signers: dict[str, Signer]) -> None:
    """After a revocation no version of the data is usable; a late older version does not bring it back."""
    with engine.begin() as tx:
        provided_type(tx, "scjg")
    for supply in (
        a_supply(desk, signers["scjg"], as_of="2026-09-15"),
        a_supply(desk, signers["scjg"], as_of="2026-09-17", change="revocation", reason="企业已注销"),
        a_supply(desk, signers["scjg"], as_of="2026-09-16"),
    ):
        with engine.begin() as tx:
            take_in(tx, [supply], [], desk)
    rows = _materials(engine)
    assert [row.state for row in rows] == ["superseded", "superseded", "revoked"]
    assert rows[2].state_reason == "企业已注销"


@pytest.mark.parametrize(("change", "happened"), [("correction", "corrected"), ("revocation", "revoked")])
def test_who_relied_on_the_data_is_told(
    engine: Engine, desk: Desk, signers: dict[str, Signer], change: str, happened: str
) -> None:
    """A correction or revocation marks the uses of the earlier version and puts a notice on their cases; a plain new
    version alarms nobody."""
    with engine.begin() as tx:
        provided_type(tx, "scjg")
        take_in(tx, [a_supply(desk, signers["scjg"], as_of="2026-09-15")], [], desk)
        for statement in RELYING:
            tx.execute(text(statement))
    with engine.begin() as tx:
        take_in(
            tx,
            [a_supply(desk, signers["scjg"], as_of="2026-09-16", change=change, reason="登记有误")],
            [],
            desk,
        )
    with engine.connect() as tx:
        assert tx.execute(text("select source_state from material_uses")).scalars().all() == [happened]
        assert tx.execute(text("select case_no from notices")).scalars().all() == ["C-1"]
        (row,) = tx.execute(text("select actor, reason from ledger where action = 'material.source_changed'"))
        assert row == ("department:scjg", "登记有误")


RELYING = (
    """INSERT INTO cases (case_no, name, item_code, party_id, org_code, org_name, area_code, source)
  SELECT 'C-1', '甲', 'XK-001', party_id, 'X', '某机关', '990101', 'window' FROM materials""",
    """INSERT INTO item_versions (id, item_code, number, created_by)
  VALUES ('00000000-0000-4000-8000-000000000003', 'XK-001', 1, 'user:test')""",
    """INSERT INTO requirements (id, version_id, code, seq, name, material_type)
  SELECT '00000000-0000-4000-8000-000000000004', id, 'M1', 1, '登记信息', 'qydjxx' FROM item_versions""",
    """INSERT INTO material_uses (id, case_no, requirement_id, source_kind, material_id, source_name, resource_kind,
    resource_code, purpose, used_by)
  SELECT gen_random_uuid(), 'C-1', '00000000-0000-4000-8000-000000000004', 'material', id, name, 'material', type_code,
    '办理本次申请', 'user:test' FROM materials""",
)


@pytest.mark.parametrize(
    ("changes", "cause", "words"),
    [
        ({"material_type": "none"}, "unknown_material", "没有发布"),
        ({"material_type": "other"}, "unknown_material", "不由本部门提供"),
        ({"fields": {}}, "schema", "住所"),
        ({"fields": {"address": "甲", "manager_no": "990101199001010011"}}, "schema", "校验位"),
        ({"as_of": "2027-09-18"}, "schema", "在将来"),
        ({"supply_no": "another"}, "schema", "subject"),
        ({"valid_from": "2026-09-18", "valid_to": "2026-09-17"}, "schema", "早于"),
        (
            {"party": {"kind": "legal", "name": "甲", "code_type": "001", "code": "91370102MA3C00012F"}},
            "schema",
            "校验位",
        ),
    ],
)
def test_what_cannot_be_taken_is_told(
    engine: Engine, desk: Desk, signers: dict[str, Signer], changes: dict[str, Any], cause: str, words: str
) -> None:
    """Wrong type, somebody else's type, wrong fields, wrong numbers: quarantined with the cause, and no material."""
    with engine.begin() as tx:
        provided_type(tx, "scjg")
        provided_type(tx, "zhzf", "other")
    supply = a_supply(desk, signers["scjg"], **changes)
    with engine.begin() as tx:
        assert take_in(tx, [supply], [], desk).quarantined == 1
    with engine.connect() as tx:
        row = tx.execute(text("select cause, message from quarantine")).one()
    assert row.cause == cause
    assert words in row.message
    assert _materials(engine) == []
