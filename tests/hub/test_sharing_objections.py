"""Objections: the mark stands until the answer, a correction reaches everybody who relied on it, nobody judges their own."""

from __future__ import annotations

import itertools
import threading
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select, update

from hub.errors import Conflict, Denied, HubError, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.licensing.licence import Licence
from hub.material import Material
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.material_use import MaterialUse
from hub.sharing.objection import OBJECTION_STATES, TRANSITIONS, Objection
from hub.sharing.person import Person
from hub.sharing.raise_objection import Doubt, raise_objection
from hub.sharing.settle_objection import (
    STATE_NAMES,
    Remedy,
    answer,
    correct,
    open_acts,
    reject,
    verify,
)
from hub.sharing.source import find_source
from tests.hub import reuse_builders as built
from tests.hub.catalogue_builders import HEALTH, HYGIENE, OFFICE, publish_sample_catalogue

CLERK = Person("user:clerk")
PROVIDER = Person("user:office", OFFICE)
USER = Person("user:health", HEALTH)
OUTSIDER = Person("user:outsider", "scjg")
ADMIN = Person("user:data_admin", None, administers=True)
ACTS = sorted({act for _, act in TRANSITIONS})
SAID = "门牌号与现场不一致，应为 12 号"


@pytest.fixture
def reused(county: Engine, desk: Desk) -> tuple[Engine, str, uuid.UUID]:
    """A case of another department that reused a material of the office; both accepted."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        _, materials = built.accepted(tx, desk)
        built.grant(tx, "business-licence")
        case_no = built.start(tx, desk, HYGIENE, department=HEALTH)
        source = materials["M01"]
        built.use(tx, desk, case_no, "M01", source)
        for code, one in built.answers(tx, desk, case_no).items():
            if one.requirement.required and one.verdict not in ("used", "taken"):
                built.take(tx, case_no, code)
        accept_case(tx, case_no, desk, actor=built.CLERK)
    return county, case_no, source


def row_of(tx: Connection, number: uuid.UUID) -> Any:
    return tx.execute(select(*Objection.__table__.columns).where(Objection.id == number)).one()


def doubt(source: uuid.UUID, **changes: Any) -> Doubt:
    return Doubt(
        **{"kind": "material", "source_id": source, "statement": SAID, "field": "address", **changes}
    )


def marked(
    tx: Connection, desk: Desk, source: uuid.UUID, person: Person = CLERK, **changes: Any
) -> uuid.UUID:
    return raise_objection(tx, doubt(source, **changes), desk, person=person)


def act(tx: Connection, desk: Desk, name: str, number: uuid.UUID, person: Person, **how: Any) -> str:
    if name == "verify":
        return verify(tx, number, desk, person=person)
    if name == "correct":
        return correct(tx, number, desk, person=person, verdict="经核实应为 12 号", **how)
    if name == "reject":
        return reject(tx, number, desk, person=person, verdict="经核实登记无误")
    return answer(tx, number, desk, person=person, words="已处理，谢谢。")


def test_a_correction_is_a_new_version_and_reaches_who_relied(
    reused: tuple[Engine, str, uuid.UUID], desk: Desk
) -> None:
    """Marked, verified, corrected: a new version stands, the old one is kept, the using case is told; then the answer."""
    engine, case_no, source = reused
    with engine.begin() as tx:
        number = marked(tx, desk, source, proposed="示范路 12 号", case_no=case_no)
        assert built.answers(tx, desk, case_no)["M01"].candidates[0].objected
        verify(tx, number, desk, person=PROVIDER)
        with pytest.raises(
            Rejected, match="没有要更正的内容"
        ):  # nothing was changed: nobody is told of anything
            correct(tx, number, desk, person=PROVIDER, verdict="门牌登记有误", remedy=Remedy(fields={}))
        remedy = Remedy(fields={"address": "示范路 12 号"})
        assert (
            correct(tx, number, desk, person=PROVIDER, verdict="门牌登记有误", remedy=remedy) == "corrected"
        )
        row = row_of(tx, number)
        old, new = find_source(tx, "material", source), find_source(tx, "material", row.corrected_material_id)
        values = [next(one.value for one in found.fields if one.name == "address") for found in (old, new)]
        assert values == ["示范路 1 号", "示范路 12 号"]
        assert (old.state, new.state) == ("superseded", "usable")
        assert tx.scalar(select(MaterialUse.source_state)) == "corrected"
        told = tx.scalars(
            select(Notice.body).where(Notice.case_no == case_no, Notice.audience == "clerk")
        ).all()
        assert any("已更正" in body and "门牌登记有误" in body for body in told)
        answer(tx, number, desk, person=PROVIDER, words="已按现场情况更正。")
        last = tx.execute(
            select(Notice.audience, Notice.title, Notice.body).order_by(Notice.id.desc())
        ).first()
        assert last is not None
        assert (last.audience, last.title) == ("clerk", "校核纠错已反馈：已更正")
        assert "已按现场情况更正。" in last.body
        actions = tx.scalars(
            select(LedgerRow.action).where(LedgerRow.subject == f"objection:{number}").order_by(LedgerRow.id)
        ).all()
        assert actions == [f"objection.{s}" for s in ("marked", "verifying", "corrected", "answered")]


def test_the_mark_is_taken_off_with_the_answer(reused: tuple[Engine, str, uuid.UUID], desk: Desk) -> None:
    """Kept as it is: nothing changes but the mark, which goes with the answer and not before."""
    engine, _, source = reused
    with engine.begin() as tx:
        case_no = built.start(tx, desk)

        def objected() -> bool:
            return built.answers(tx, desk, case_no)["M01"].candidates[0].objected

        number = marked(tx, desk, source)
        for name in ("verify", "reject"):
            assert act(tx, desk, name, number, PROVIDER)
            assert objected()
        act(tx, desk, "answer", number, PROVIDER)
        assert not objected()
        assert tx.scalar(select(MaterialUse.source_state)) == "intact"
        assert tx.scalar(select(Material.state).where(Material.id == source)) == "usable"


def test_a_material_can_be_found_worthless(reused: tuple[Engine, str, uuid.UUID], desk: Desk) -> None:
    """The remedy `revoke`: it is not usable any more and who relied on it is told."""
    engine, case_no, source = reused
    with engine.begin() as tx:
        number = marked(tx, desk, source)
        act(tx, desk, "verify", number, PROVIDER)
        act(tx, desk, "correct", number, PROVIDER, remedy=Remedy(revoke=True))
        assert tx.scalar(select(Material.state).where(Material.id == source)) == "revoked"
        assert tx.scalar(select(MaterialUse.source_state)) == "revoked"
        assert tx.scalar(select(func.count()).where(Notice.case_no == case_no, Notice.severity == "alert"))


def test_a_licence_is_doubted_and_its_users_are_told(county: Engine, desk: Desk) -> None:
    """A licence is not changed here; that it was corrected elsewhere is told, and its own words can be doubted."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        case_no, _ = built.accepted(tx, desk)
        built.decide_it(tx, desk, case_no)
        licence = tx.scalar(select(Licence.id))
        assert licence is not None
        number = marked(tx, desk, licence, kind="licence", field="valid_to", statement="有效期写错了一年")
        assert row_of(tx, number).provider == OFFICE
        before = tx.execute(select(Licence.__table__)).one()
        act(tx, desk, "verify", number, PROVIDER)
        act(tx, desk, "correct", number, PROVIDER)
        assert tx.execute(select(Licence.__table__)).one() == before


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"statement": "错"}, Rejected, "疑点和理由"),
        ({"field": "nothing"}, Rejected, "没有数据项"),
        ({"case_no": "nothing"}, NotFound, "办件"),
        ({"source_id": uuid.uuid4()}, NotFound, "没有找到这份材料"),
        ({"source_id": uuid.uuid4(), "kind": "licence"}, NotFound, "没有找到这本证照"),
    ],
)
def test_what_cannot_be_raised(
    reused: tuple[Engine, str, uuid.UUID],
    desk: Desk,
    changes: dict[str, Any],
    error: type[HubError],
    sentence: str,
) -> None:
    """Too few words, an unknown field, case or source: a sentence, and no mark."""
    engine, _, source = reused
    with engine.begin() as tx:
        with pytest.raises(error, match=sentence):
            marked(tx, desk, source, **changes)
        assert tx.scalar(select(func.count()).select_from(Objection)) == 0


def test_only_who_is_concerned_may_raise(reused: tuple[Engine, str, uuid.UUID], desk: Desk) -> None:
    """The provider, who used it, and who may use it; not a department that has nothing to do with it."""
    engine, _, source = reused
    with engine.begin() as tx:
        for person in (PROVIDER, USER, CLERK):
            with tx.begin_nested() as point:
                assert marked(tx, desk, source, person)
                point.rollback()
        with pytest.raises(Denied, match="不能提出校核"):
            marked(tx, desk, source, OUTSIDER)
        tx.execute(update(MaterialUse).values(department="zhzf"))  # a live grant is enough
        assert marked(tx, desk, source, USER)


def test_one_open_mark_on_one_field(reused: tuple[Engine, str, uuid.UUID], desk: Desk) -> None:
    """The same person again gets the same one, another person is told; another field is another objection."""
    engine, _, source = reused
    with engine.begin() as tx:
        first = marked(tx, desk, source)
        assert marked(tx, desk, source) == first
        with pytest.raises(Conflict, match="已经有人提出"):
            marked(tx, desk, source, USER)
        assert marked(tx, desk, source, field=None) != first


def test_two_marks_at_once_are_one(reused: tuple[Engine, str, uuid.UUID], desk: Desk) -> None:
    """Two departments doubt the same field at the same moment: one mark, one Conflict."""
    engine, _, source = reused
    barrier, outcomes = threading.Barrier(2), []

    def mark(person: Person) -> None:
        barrier.wait(60)
        try:
            with engine.begin() as tx:
                outcomes.append(marked(tx, desk, source, person))
        except Conflict:
            outcomes.append(None)

    threads = [threading.Thread(target=mark, args=(person,)) for person in (USER, CLERK)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(outcome is None for outcome in outcomes) == [False, True]


@pytest.mark.parametrize(("state", "name"), list(itertools.product(OBJECTION_STATES, ACTS)))
def test_every_state_and_act(
    reused: tuple[Engine, str, uuid.UUID], desk: Desk, state: str, name: str
) -> None:
    """Over all pairs: what TRANSITIONS has is done, everything else is refused and changes nothing."""
    engine, _, source = reused
    with engine.begin() as tx:
        number = marked(tx, desk, source)
        tx.execute(update(Objection).values(state=state))
        wanted = TRANSITIONS.get((state, name))
        if wanted:
            assert act(tx, desk, name, number, PROVIDER) == wanted
        else:
            with pytest.raises(Conflict, match=STATE_NAMES[state]):
                act(tx, desk, name, number, PROVIDER)
        assert row_of(tx, number).state == (wanted or state)


@pytest.mark.parametrize("pair", sorted(TRANSITIONS))
@pytest.mark.parametrize("person", [CLERK, PROVIDER, USER, OUTSIDER, ADMIN], ids=lambda person: person.actor)
def test_who_may_settle(
    reused: tuple[Engine, str, uuid.UUID], desk: Desk, pair: tuple[str, str], person: Person
) -> None:
    """The provider and a data administrator settle it; who raised it, another department, a clerk do not."""
    engine, _, source = reused
    state, name = pair
    with engine.begin() as tx:
        number = marked(tx, desk, source, USER)
        tx.execute(update(Objection).values(state=state))
        buttons = open_acts(row_of(tx, number), person)
        if person in (PROVIDER, ADMIN):
            assert name in buttons
            act(tx, desk, name, number, person)
        else:
            assert buttons == ()
            with pytest.raises(Denied):
                act(tx, desk, name, number, person)


def test_who_raised_it_does_not_settle_it(reused: tuple[Engine, str, uuid.UUID], desk: Desk) -> None:
    """Also where the provider's own user raised it: another one verifies."""
    engine, _, source = reused
    with engine.begin() as tx:
        number = marked(tx, desk, source, PROVIDER)
        with pytest.raises(Denied, match="不能核实自己提出的"):
            verify(tx, number, desk, person=PROVIDER)
        assert verify(tx, number, desk, person=Person("user:other", OFFICE)) == "verifying"


def test_the_same_click_twice_is_one(reused: tuple[Engine, str, uuid.UUID], desk: Desk) -> None:
    """Each act by the same person again says the same and writes nothing more."""
    engine, _, source = reused
    with engine.begin() as tx:
        number = marked(tx, desk, source)
        for name in ("verify", "reject", "answer"):
            first = act(tx, desk, name, number, PROVIDER)
            assert act(tx, desk, name, number, PROVIDER) == first
        rows = select(func.count()).select_from(LedgerRow).where(LedgerRow.subject == f"objection:{number}")
        assert tx.scalar(rows) == 4
        assert tx.scalar(select(func.count()).where(Notice.title.startswith("校核纠错已反馈"))) == 1


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(ACTS), st.sampled_from([CLERK, PROVIDER, USER, OUTSIDER, ADMIN])),
        max_size=12,
    )
)
def test_no_sequence_of_acts_leaves_the_table(
    reused: tuple[Engine, str, uuid.UUID], desk: Desk, moves: list[tuple[str, Person]]
) -> None:
    """Whatever anybody tries: every step in the ledger is one of TRANSITIONS, and the mark stands until `answered`."""
    engine, _, source = reused
    tx = engine.connect()
    try:
        number = marked(tx, desk, source, USER)
        for name, person in moves:
            with tx.begin_nested() as point:
                try:
                    act(tx, desk, name, number, person)
                except HubError:
                    point.rollback()
        steps = tx.scalars(
            select(LedgerRow.action).where(LedgerRow.subject == f"objection:{number}").order_by(LedgerRow.id)
        )
        path = [step.removeprefix("objection.") for step in steps]
        allowed = {(state, to) for (state, _), to in TRANSITIONS.items()}
        assert all(pair in allowed for pair in itertools.pairwise(path)), path
        row = row_of(tx, number)
        assert path[-1] == row.state
        assert (row.answered_at is not None) == (row.state == "answered")
    finally:
        tx.rollback()
        tx.close()
