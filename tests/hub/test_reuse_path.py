"""Once only, from end to end in the hub: taken once, accepted, reused elsewhere under a grant, refused after a freeze."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, func, select

from hub.case import Case
from hub.errors import Denied, Rejected
from hub.exchange.take_in import take_in
from hub.ledger import LedgerRow
from hub.licensing.licence import Licence
from hub.material import Material
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.match import explain
from hub.reuse.material_use import MaterialUse
from hub.reuse.receipt import case_receipt
from storage.signing import Signer
from tests.hub.builders import a_finding
from tests.hub.catalogue_builders import FOOD, FOOD_LICENCE, HEALTH, HYGIENE, publish_sample_catalogue
from tests.hub.reuse_builders import (
    CLERK,
    accepted,
    answers,
    consent,
    decide_it,
    grant,
    start,
    take,
    today,
    use,
)


@pytest.fixture
def office(county: Engine) -> Engine:
    with county.begin() as tx:
        publish_sample_catalogue(tx)
    return county


def test_the_second_application_submits_only_what_is_missing(
    office: Engine, desk: Desk, signers: dict[str, Signer]
) -> None:
    """Six lines taken once; another item of another department reuses four of five; the third is refused the licence."""
    with office.begin() as tx:
        first, materials = accepted(tx, desk, FOOD)
    with office.begin() as tx:
        decide_it(tx, desk, first)
        licence_id = tx.execute(select(Licence.id)).scalar_one()
        for code in ("business-licence", "legal-person-id", "floor-plan"):
            grant(tx, code)
        grant(tx, FOOD_LICENCE, kind="licence")
    with office.begin() as tx:
        second = start(tx, desk, HYGIENE, department=HEALTH)
        found = answers(tx, desk, second)
    assert {code: answer.verdict for code, answer in found.items()} == {
        "M01": "usable",
        "M02": "usable",
        "M03": "usable",
        "M04": "usable",
        "M05": "unusable",
    }
    assert [one.refusal for one in found["M03"].candidates] == [None, "not_granted"]
    assert found["M02"].candidates[0].consent_needed
    assert "不予共享" in explain(found["M05"].candidates[0])

    with office.begin() as tx:
        with pytest.raises(Denied, match="申请人同意"):
            use(tx, desk, second, "M02", materials["M02"])
        consent(tx, desk, second)
        for code, source in (("M01", "M01"), ("M02", "M02"), ("M04", "M04")):
            use(tx, desk, second, code, materials[source])
        use(tx, desk, second, "M03", licence_id, "licence")
        with pytest.raises(Rejected, match="申请书"):
            accept_case(tx, second, desk, actor=CLERK)
        take(tx, second, "M05")
        acceptance = accept_case(tx, second, desk, actor=CLERK)
        receipt = case_receipt(tx, second)
        objects = tx.execute(select(func.count()).select_from(Material)).scalar_one()
    assert acceptance.accepted_on == today(desk)
    assert [len(part) for part in (receipt.reused, receipt.taken, receipt.owed)] == [4, 1, 0]
    assert objects == 7

    with office.begin() as tx:
        take_in(tx, [a_finding(desk, signers["scjg"], first, "F1", "3", "3")], [], desk)
    with office.begin() as tx:
        third = start(tx, desk, HYGIENE, department=HEALTH)
        refused = answers(tx, desk, third)["M03"].candidates
        assert {one.refusal for one in refused} == {"frozen", "not_granted"}
        with pytest.raises(Denied, match=r"冻结.*示范县市场监督管理局"):
            use(tx, desk, third, "M03", licence_id, "licence")
        uses = tx.execute(select(func.count()).select_from(MaterialUse)).scalar_one()
        told = tx.execute(
            select(func.count()).select_from(LedgerRow).where(LedgerRow.action == "material.used")
        ).scalar_one()
        states = set(tx.execute(select(Case.state)).scalars())
    assert (uses, told) == (4, 4)
    assert states == {"accepted", "preparing"}
