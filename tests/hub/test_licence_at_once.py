"""Several who do something to the same licence at the same moment: one order, nothing lost, nobody waits for ever."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, select, text

from hub.errors import HubError, Rejected, Unavailable
from hub.exchange.take_in import take_in
from hub.licensing.findings.rule import LicenceProposal
from hub.licensing.findings.save_rules import RuleFacts, add_rule
from hub.licensing.findings.settle_proposal import confirm_proposal, decline_proposal
from hub.licensing.licence import Hold, Licence
from hub.licensing.living.change_status import change_status
from hub.licensing.living.operation import LicenceOperation
from hub.ports import Desk
from storage.signing import Signer
from tests.hub.builders import a_finding, decided
from tests.hub.life_builders import next_version

Signers = dict[str, Signer]
TYPE = "11370100MB00000194001"


def together(*acts: Callable[[], Any]) -> list[Any]:
    """All at once; what each gave, or the HubError that it met. Any other error is raised."""
    gate = threading.Barrier(len(acts))

    def one(act: Callable[[], Any]) -> Any:
        gate.wait(60)
        try:
            return act()
        except HubError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def said(desk: Desk, **more: Any) -> dict[str, Any]:
    return {"reason": "依法办理", "actor": "user:a", "department": "scjg", "desk": desk} | more


def act(engine: Engine, licence_id: uuid.UUID, operation: str, **how: Any) -> bool:
    with engine.begin() as tx:
        return change_status(tx, licence_id, operation, **how)


def only_licence(engine: Engine) -> uuid.UUID:
    with engine.begin() as tx:
        return tx.execute(select(Licence.id)).scalar_one()


def steps(engine: Engine) -> list[tuple[str, str]]:
    with engine.begin() as tx:
        asked = select(LicenceOperation.from_status, LicenceOperation.to_status).where(
            LicenceOperation.from_status != "00"
        )
        return [tuple(row) for row in tx.execute(asked)]


def test_the_same_act_by_eight_hands(county: Engine, desk: Desk) -> None:
    """One does it, the others learn that it is done."""
    decided(county, desk)
    licence_id = only_licence(county)
    given = together(*[lambda: act(county, licence_id, "suspend", **said(desk))] * 8)
    assert sorted(given) == [False] * 7 + [True]
    assert steps(county) == [("01", "02")]


def test_acts_that_exclude_each_other(county: Engine, desk: Desk) -> None:
    """Cancelled and transferred at once: the first wins, the other is told what the licence is now."""
    decided(county, desk)
    licence_id = only_licence(county)
    given = together(
        lambda: act(county, licence_id, "cancel", **said(desk)),
        lambda: act(county, licence_id, "transfer", **said(desk)),
    )
    assert sorted(type(one).__name__ for one in given) == ["Rejected", "bool"]
    refused = next(one for one in given if isinstance(one, Rejected))
    assert "现在可以办理：恢复（纠错）" in refused.message
    assert len(steps(county)) == 1


def test_findings_and_people_at_once(county: Engine, desk: Desk, signers: Signers) -> None:
    """Both departments' findings, and people of both, in parallel on three licences: no deadlock, and each licence is
    暂扣 exactly while somebody holds it."""
    cases = decided(county, desk, 3)
    with county.begin() as tx:
        ids = list(tx.execute(select(Licence.id)).scalars())

    def report(code: str) -> Callable[[], None]:
        def all_of_them() -> None:
            for number in range(6):
                batch = [
                    a_finding(
                        desk, signers[code], case.case_no, f"{code}-{number}-{at}", "31"[number % 2], "1",
                        at=f"2026-09-{10 + number}",
                    )
                    for at, case in enumerate(cases if code == "scjg" else reversed(cases))
                ]  # fmt: skip
                with county.begin() as tx:
                    assert take_in(tx, batch, [], desk).accepted == 3

        return all_of_them

    def person(code: str) -> Callable[[], None]:
        def again_and_again() -> None:
            for number in range(6):
                for licence_id in ids:
                    with contextlib.suppress(HubError):
                        act(
                            county,
                            licence_id,
                            ("suspend", "restore")[number % 2],
                            **said(desk, department=code),
                        )

        return again_and_again

    given = together(report("scjg"), report("zhzf"), person("scjg"), person("zhzf"))
    assert given == [None] * 4
    with county.begin() as tx:
        held = set(tx.execute(select(Hold.licence_id).where(Hold.lifted_at.is_(None))).scalars())
        for licence_id, status in tx.execute(select(Licence.id, Licence.status)):
            assert status == ("02" if licence_id in held else "01")
        told = text(
            "SELECT count(*) FROM announcements UNION ALL"
            " SELECT 2 * count(*) FROM licence_operations WHERE from_status <> '00'"
        )
        announced, expected = tx.execute(told).scalars()
        assert announced == expected


def test_a_licence_renewed_under_a_findings_hands(county: Engine, desk: Desk, signers: Signers) -> None:
    """The finding saw the old version, then waited for the renewal: it is put off, and taken again acts on the new one."""
    (case,) = decided(county, desk)
    old_id = only_licence(county)
    finding = a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3")

    def report() -> Any:
        with county.begin() as tx:
            return take_in(tx, [finding], [], desk)

    with ThreadPoolExecutor(1) as pool:
        with county.begin() as tx:
            tx.execute(text("SELECT 1 FROM licences WHERE id = :id FOR UPDATE"), {"id": old_id})
            waiting = pool.submit(report)
            _until_blocked(county)
            new_id = next_version(county, old_id, tx=tx)
        error = waiting.exception(timeout=60)
    assert isinstance(error, Unavailable)
    report()
    with county.begin() as tx:
        assert dict(tx.execute(select(Licence.id, Licence.status)).all()) == {old_id: "05", new_id: "02"}


def _until_blocked(engine: Engine) -> None:
    """Somebody waits for a lock."""
    for _ in range(6000):
        with engine.connect() as tx:
            if tx.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
            ).scalar_one():
                return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits")


def test_confirmed_and_declined_at_once(county: Engine, desk: Desk, signers: Signers) -> None:
    """One of them decides; the next finding of the department at the same moment does no harm."""
    with county.begin() as tx:
        tx.execute(
            text("INSERT INTO licence_types (code, name) VALUES (:code, '食品经营许可证')"), {"code": TYPE}
        )
        add_rule(tx, RuleFacts("inspection", "freeze", "3", None, TYPE, automatic=False), actor="user:a")
    (case,) = decided(county, desk)
    with county.begin() as tx:
        take_in(
            tx, [a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3", at="2026-09-01")], [], desk
        )
        proposal = tx.execute(select(LicenceProposal.id)).scalar_one()

    def settle(how: Callable[..., None]) -> Callable[[], None]:
        def now() -> None:
            with county.begin() as tx:
                how(tx, proposal, actor="user:a", reason="看过了", desk=desk)

        return now

    def report() -> None:
        with county.begin() as tx:
            take_in(
                tx,
                [a_finding(desk, signers["scjg"], case.case_no, "F2", "3", "3", at="2026-09-02")],
                [],
                desk,
            )

    given = together(settle(confirm_proposal), settle(decline_proposal), report)
    assert [isinstance(one, HubError) for one in given].count(True) == 1
    with county.begin() as tx:
        states = list(tx.execute(select(LicenceProposal.state)).scalars())
        held = tx.execute(select(Hold.id)).first() is not None
        status = tx.execute(select(Licence.status)).scalar_one()
    assert ("confirmed" in states) == held == (status == "02")
    assert states.count("open") <= 1


def test_two_licences_of_one_case_at_once(county: Engine, desk: Desk) -> None:
    """One is frozen while the other is given back: whoever comes last sees both, and the case is on alert."""
    decided(county, desk)
    first = only_licence(county)
    second = next_version(county, first, supersede=False)
    with county.begin() as tx:
        tx.execute(
            text(
                "UPDATE licences SET case_no = (SELECT case_no FROM cases), previous_id = NULL WHERE id = :id"
            ),
            {"id": second},
        )
    act(county, second, "suspend", **said(desk))
    with ThreadPoolExecutor(1) as pool, county.connect() as tx, tx.begin() as step:
        change_status(tx, first, "suspend", **said(desk, department="zhzf"))
        later = pool.submit(act, county, second, "restore", **said(desk))
        _until_blocked(county)
        step.commit()
        assert later.result(20)
    with county.begin() as tx:
        assert dict(tx.execute(select(Licence.id, Licence.status)).all()) == {first: "02", second: "01"}
        assert tx.execute(text("SELECT standing FROM cases")).scalar_one() == "alert"
