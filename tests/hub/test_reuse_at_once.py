"""Using something while it is frozen, revoked or its grant ends: whoever comes first, nothing slips through."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from hub.errors import Conflict, Denied, HubError
from hub.exchange.take_in import take_in
from hub.licensing.licence import Licence
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.correct_material import correct_material, revoke_material
from hub.reuse.material_use import MaterialUse
from hub.reuse.record_consent import record_consent, withdraw_consent
from hub.sharing.end_grant import withdraw_grant
from hub.sharing.person import Person
from storage.signing import Signer
from tests.hub.builders import a_finding
from tests.hub.catalogue_builders import (
    FOOD,
    FOOD_LICENCE,
    HEALTH,
    HYGIENE,
    OFFICE,
    publish_sample_catalogue,
)
from tests.hub.reuse_builders import CLERK, accepted, consent, decide_it, grant, start, take_all, use

Act = Callable[[Connection], Any]


@pytest.fixture
def office(county: Engine) -> Engine:
    with county.begin() as tx:
        publish_sample_catalogue(tx)
    return county


class Scene:
    """A source on file, a case of another department that wants it, and both acts."""

    def __init__(self, engine: Engine, desk: Desk, signers: dict[str, Signer]) -> None:
        self.engine, self.desk, self.signers = engine, desk, signers
        with engine.begin() as tx:
            self.source, self.materials = accepted(tx, desk, FOOD)
            decide_it(tx, desk, self.source)
            self.licence = tx.execute(select(Licence.id)).scalar_one()
            self.grants = {code: grant(tx, code) for code in ("business-licence", "legal-person-id")}
            grant(tx, FOOD_LICENCE, kind="licence")
            self.case = start(tx, desk, HYGIENE, department=HEALTH)

    def use_licence(self, tx: Connection) -> uuid.UUID:
        return use(tx, self.desk, self.case, "M03", self.licence, "licence")

    def use_material(self, tx: Connection) -> uuid.UUID:
        return use(tx, self.desk, self.case, "M01", self.materials["M01"])

    def freeze(self, tx: Connection) -> None:
        take_in(tx, [a_finding(self.desk, self.signers["scjg"], self.source, "F1", "3", "3")], [], self.desk)

    def revoke(self, tx: Connection) -> None:
        revoke_material(tx, self.materials["M01"], actor=CLERK, reason="伪造", desk=self.desk)

    def correct(self, tx: Connection) -> None:
        correct_material(
            tx,
            self.materials["M01"],
            fields={"address": "别处"},
            reason="有误",
            actor=CLERK,
            desk=self.desk,
        )

    def end_grant(self, tx: Connection) -> None:
        withdraw_grant(
            tx, self.grants["business-licence"], self.desk, person=Person(CLERK, OFFICE), reason="收回"
        )


@pytest.fixture
def scene(office: Engine, desk: Desk, signers: dict[str, Signer]) -> Scene:
    return Scene(office, desk, signers)


PAIRS = [
    ("use_licence", "freeze", "frozen"),
    ("use_material", "revoke", "revoked"),
    ("use_material", "correct", "corrected"),
    ("use_material", "end_grant", "intact"),
]


def _act(engine: Engine, act: Act) -> Any:
    with engine.begin() as tx:
        return act(tx)


def _beside(engine: Engine, first: Act, second: Act) -> Future[Any]:
    """`second` starts while `first` has not committed, and must wait for it."""
    with ThreadPoolExecutor(1) as thread:
        with engine.begin() as tx:
            first(tx)
            other = thread.submit(_act, engine, second)
            _until_somebody_waits(engine)
            assert not other.done()
        other.exception(timeout=60)
    return other


def _until_somebody_waits(engine: Engine) -> None:
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(3000):
        with engine.connect() as tx:
            if tx.execute(asked).scalar_one():
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize(("using", "ending", "state"), PAIRS)
def test_what_ended_first_refuses_the_use(scene: Scene, using: str, ending: str, state: str) -> None:
    """The use waits for the freeze (revocation, correction, end of the grant) that is under way, and is refused."""
    outcome = _beside(scene.engine, getattr(scene, ending), getattr(scene, using))
    assert isinstance(outcome.exception(), Denied)
    with scene.engine.begin() as tx:
        assert tx.execute(select(func.count()).select_from(MaterialUse)).scalar_one() == 0


@pytest.mark.parametrize(("using", "ending", "state"), PAIRS)
def test_what_was_used_first_is_told(scene: Scene, using: str, ending: str, state: str) -> None:
    """The freeze waits for the use that is under way, finds it, marks it and tells its case; a grant's end does not."""
    outcome = _beside(scene.engine, getattr(scene, using), getattr(scene, ending))
    assert outcome.exception() is None
    with scene.engine.begin() as tx:
        assert tx.execute(select(MaterialUse.source_state)).scalar_one() == state
        told = tx.execute(
            select(func.count()).select_from(Notice).where(Notice.case_no == scene.case)
        ).scalar_one()
    assert told == (0 if state == "intact" else 1)


@pytest.mark.parametrize("round_", range(6))
@pytest.mark.parametrize(("using", "ending", "state"), PAIRS)
def test_whoever_wins_a_race(scene: Scene, using: str, ending: str, state: str, round_: int) -> None:
    """Started together: afterwards either there is no use, or it is marked; never an intact use of what ended."""
    barrier = threading.Barrier(2)

    def racing(act: Act) -> Callable[[], Any]:
        def run() -> Any:
            barrier.wait()
            try:
                return _act(scene.engine, act)
            except Denied as error:
                return error

        return run

    with ThreadPoolExecutor(2) as threads:
        outcomes = [threads.submit(racing(getattr(scene, name))) for name in (using, ending)]
    used = outcomes[0].result(30)
    outcomes[1].result(30)
    with scene.engine.begin() as tx:
        found = tx.execute(select(MaterialUse.source_state)).scalars().all()
    assert found == ([] if isinstance(used, Denied) else [state])


def test_the_same_use_many_times_at_once_is_one(scene: Scene) -> None:
    """Eight clicks: one use, one id for all."""

    def click(_: int) -> uuid.UUID:
        with scene.engine.begin() as tx:
            return scene.use_material(tx)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(click, range(8)))) == 1


def test_a_decision_and_a_use_at_once(scene: Scene, desk: Desk) -> None:
    """A use that waits for the decision is refused: the package was signed without it."""
    with scene.engine.begin() as tx:
        case_no, _ = accepted(tx, desk, HYGIENE)
    outcome = _beside(
        scene.engine,
        lambda tx: decide_it(tx, desk, case_no, 7),
        lambda tx: use(tx, desk, case_no, "M01", scene.materials["M01"]),
    )
    assert isinstance(outcome.exception(), Conflict)


def test_consent_taken_back_at_the_same_moment(scene: Scene) -> None:
    """A use that waits for the withdrawal of the consent it would rest on is refused."""
    with scene.engine.begin() as tx:
        consent_id = consent(tx, scene.desk, scene.case)
    outcome = _beside(
        scene.engine,
        lambda tx: withdraw_consent(tx, consent_id, reason="不同意了", actor=CLERK, desk=scene.desk),
        lambda tx: use(tx, scene.desk, scene.case, "M02", scene.materials["M02"]),
    )
    assert isinstance(outcome.exception(), Denied)


def test_many_clerks_and_findings_do_not_lock_each_other_out(
    office: Engine, desk: Desk, signers: dict[str, Signer]
) -> None:
    """Uses, consents, acceptances, findings and revocations at random on the same few cases: nobody deadlocks."""
    scenes = [Scene(office, desk, signers)]
    with office.begin() as tx:
        cases = [start(tx, desk, HYGIENE, department=HEALTH, actor=f"user:{n}") for n in range(4)]
        for case_no in cases[:2]:
            take_all(tx, case_no)
    scene, numbers = scenes[0], iter(range(1000))

    def clerk(case_no: str) -> None:
        for source, code, kind in (
            (scene.licence, "M03", "licence"),
            (scene.materials["M01"], "M01", "material"),
        ):
            _quietly(office, lambda tx, c=code, s=source, k=kind: use(tx, desk, case_no, c, s, k))
        _quietly(
            office,
            lambda tx: record_consent(
                tx, case_no=case_no, way="spoken", given_by="甲", note=None, actor=CLERK, desk=desk
            ),
        )
        _quietly(office, lambda tx: accept_case(tx, case_no, desk, actor=CLERK))

    def inspector(_: str) -> None:
        for result in ("3", "1", "3"):
            finding = a_finding(
                desk, signers["scjg"], scene.source, f"N{next(numbers)}", result, "1", at="2026-09-17"
            )
            with office.begin() as tx:
                take_in(tx, [finding], [], desk)

    with ThreadPoolExecutor(6) as threads:
        work = [threads.submit(clerk, case_no) for case_no in cases * 2]
        work += [threads.submit(inspector, "")]
        work += [threads.submit(_quietly, office, scene.revoke)]
        for one in work:
            one.result(60)
    with office.begin() as tx:
        frozen = tx.execute(select(Licence.status)).scalar_one() == "02"
        uses = tx.execute(
            select(MaterialUse.source_state).where(MaterialUse.licence_id == scene.licence)
        ).scalars()
        assert set(uses) <= {"frozen" if frozen else "intact"}
        revoked = tx.execute(select(MaterialUse.source_state).where(MaterialUse.material_id.is_not(None)))
        assert set(revoked.scalars()) <= {"revoked"}


def _quietly(engine: Engine, act: Act) -> None:
    """A refusal is a fine answer here; a deadlock or any other error is not."""
    with contextlib.suppress(HubError):
        _act(engine, act)
