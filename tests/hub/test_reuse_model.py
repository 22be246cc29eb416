"""The engine held to its rules: over generated catalogues, sources, grants and days, beside a naive oracle."""

from __future__ import annotations

import uuid
from collections import Counter

from hypothesis import given, settings
from sqlalchemy import Connection, Engine, func, select

from hub.errors import Denied
from hub.ports import Desk
from hub.reuse.match import Question, match
from hub.reuse.material_use import MaterialUse
from hub.reuse.use_material import use_material
from hub.workday import LOCAL
from tests.hub.reuse_worlds import CASE, WORLDS, Source, World, build, meets, on_file, why_not

KINDS = {"material": "material", "licence": "licence", "result": "decision"}


def test_never_offers_what_is_forbidden_and_always_what_is_allowed(engine: Engine, desk: Desk) -> None:
    """Match offers exactly what the oracle allows, tells a true reason for the rest, and using agrees with it."""
    seen: Counter[str] = Counter()

    @settings(max_examples=200, deadline=None)
    @given(world=WORLDS)
    def holds(world: World) -> None:
        with engine.connect() as tx:
            _hold(tx, desk, world, seen)
            tx.rollback()

    holds()
    assert seen["used"] > 50, "too little was allowed for this to mean something"
    assert seen["denied"] > 100


def _hold(tx: Connection, desk: Desk, world: World, seen: Counter[str]) -> None:
    day = desk.clock().astimezone(LOCAL).date()
    party, version = build(tx, world, desk.clock(), day)
    question = Question(party, version, world.department, day, CASE)
    for place, answer in enumerate(match(tx, question)):
        offered = {one.source_id: one for one in answer.candidates}
        shown = [one for one in world.sources if on_file(world, one) and meets(world, place, one)]
        assert offered.keys() == {one.id for one in shown}
        for source in shown:
            reasons, candidate = why_not(world, source), offered[source.id]
            assert (candidate.refusal is None) == (not reasons), (source, reasons, candidate)
            assert candidate.refusal is None or candidate.refusal in reasons
            assert candidate.source_kind == KINDS[source.kind]
            if source.kind != "result":
                assert candidate.objected == (source.objection not in (None, "answered"))
        for source in world.sources:
            used = _try_to_use(tx, desk, world, answer.requirement.id, source, source.id in offered)
            seen["used" if used else "denied"] += 1


def _try_to_use(
    tx: Connection, desk: Desk, world: World, requirement: uuid.UUID, source: Source, meant: bool
) -> bool:
    """Using is allowed exactly where the oracle allows it and, where it must be had, the consent is there."""
    resource = world.resources[source.kind, source.code]
    consented = world.consent or not resource.consent or source.kind == "result"
    allowed = meant and not why_not(world, source) and consented
    before = tx.execute(select(func.count()).select_from(MaterialUse)).scalar_one()
    try:
        with tx.begin_nested():
            use = use_material(
                tx,
                case_no=CASE,
                requirement_id=requirement,
                source_kind=KINDS[source.kind],
                source_id=source.id,
                purpose="办理本事项",
                actor="user:test",
                desk=desk,
            )
            row = tx.execute(select(MaterialUse.__table__).where(MaterialUse.id == use)).one()
            assert (row.grant_id is None) == (source.owner == world.department)
        used = True
    except Denied:
        used = False
    assert used == allowed, (source, why_not(world, source))
    count = tx.execute(select(func.count()).select_from(MaterialUse)).scalar_one()
    assert count == before + used
    return used
