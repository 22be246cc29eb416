"""Who relied on a decision hears when it is corrected or withdrawn; a withdrawn one is not offered for reuse."""

from __future__ import annotations

from sqlalchemy import Engine, select

from hub.deciding.correct_decision import Correction, correct_decision
from hub.deciding.withdraw_decision import withdraw_decision
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.material_use import MaterialUse
from tests.hub.catalogue_builders import CLINIC, HEALTH, HYGIENE, publish_sample_catalogue
from tests.hub.reuse_builders import accepted, answers, decide_it, grant, start, use


def test_cases_that_rely_on_a_decision_are_told(county: Engine, desk: Desk) -> None:
    """Corrected: the use says so and the clerk is told; withdrawn: it does not stand, and nobody is offered it any more."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        grant(tx, HYGIENE, kind="result")
        source, _ = accepted(tx, desk, HYGIENE)
        decide_it(tx, desk, source)
        relying = start(tx, desk, CLINIC, department=HEALTH)
        offered = answers(tx, desk, relying)["M02"].candidates
        chosen = next(one for one in offered if one.source_kind == "decision")
        use(tx, desk, relying, "M02", chosen.source_id, "decision")
    seen = []
    for step in ("correct", "withdraw"):
        with county.begin() as tx:
            if step == "correct":
                right = Correction("写错了", columns={"explanation": "改正后的内容"})
                correct_decision(tx, source, right, desk, actor="user:test")
            else:
                withdraw_decision(tx, source, reason="不该准予", actor="user:test", by="审批局", desk=desk)
        with county.begin() as tx:
            seen.append(tx.execute(select(MaterialUse.source_state)).scalar_one())
            told = tx.execute(select(Notice.title).where(Notice.case_no == relying)).scalars().all()
    assert seen == ["corrected", "revoked"]
    assert ["审批结果已更正" in told[0], "审批结果已撤销" in told[1]] == [True, True]
    with county.begin() as tx:
        other = start(tx, desk, CLINIC, department=HEALTH, actor="user:other")
        assert chosen.source_id not in {one.source_id for one in answers(tx, desk, other)["M02"].candidates}
