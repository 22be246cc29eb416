"""The life of a licence: one table of what may happen, kept by the program and by the database alike."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from hub.errors import Rejected
from hub.licensing import change_status as acts
from hub.licensing.act import ACTS
from hub.licensing.change_status import change_status
from hub.licensing.changed import ACTIONS, HAPPENED, SAID, Changed
from hub.licensing.licence import STATUSES, Licence
from hub.licensing.life import NEW, OPERATIONS, REGISTERED, TRANSITIONS, allowed, triples
from hub.ports import Desk
from hub.register_department import add_department
from schemas import code_table, schema_of
from storage.signing import Signer, generate_private_key, kid_of
from tests.hub.builders import decided

#: The whole life, written down a second time: status before -> operation -> status after.
LIFE = {
    "01": {
        "suspend": "02",
        "expire": "05",
        "supersede": "05",
        "cancel": "04",
        "withdraw": "03",
        "revoke": "07",
        "transfer": "06",
        "other": "99",
    },
    "02": {"restore": "01", "expire": "05", "cancel": "04", "withdraw": "03", "revoke": "07", "other": "99"},
    "03": {"reinstate": "01"},
    "04": {"reinstate": "01"},
    "05": {"cancel": "04", "withdraw": "03", "revoke": "07"},
    "06": {"reinstate": "01"},
    "07": {"reinstate": "01"},
    "99": {"reinstate": "01"},
}
BEGINNINGS = ("issue", "renew", "change", "replace", "receive")


@pytest.fixture
def office(county: Engine) -> Engine:
    """The county with its approving body."""
    pem = Signer.from_pem("xzsp", generate_private_key()).public_pem
    with county.begin() as tx:
        add_department(
            tx, code="xzsp", name="示范县行政审批服务局", roles=["approving"], public_pem=pem,
            kid=kid_of("xzsp", pem), actor="user:test", uscc="11370100MB00000194",
        )  # fmt: skip
    return county


def licence_of(engine: Engine, desk: Desk) -> uuid.UUID:
    decided(engine, desk)
    with engine.begin() as tx:
        return tx.execute(select(Licence.id)).scalar_one()


def put(engine: Engine, licence_id: uuid.UUID, status: str) -> None:
    """Have the licence in some status, whatever it was; only a test may."""
    with engine.begin() as tx:
        tx.execute(text("ALTER TABLE licences DISABLE TRIGGER licences_live"))
        tx.execute(
            text("UPDATE licences SET status = :status, status_note = :note WHERE id = :id"),
            {"status": status, "id": licence_id, "note": "停用" if status == "99" else None},
        )
        tx.execute(text("ALTER TABLE licences ENABLE TRIGGER licences_live"))


def said(desk: Desk, **more: Any) -> dict[str, Any]:
    return {
        "reason": "依法办理",
        "actor": "user:a",
        "department": "xzsp",
        "desk": desk,
        "note": "停用",
    } | more


def test_every_pair_of_operation_and_status_is_decided() -> None:
    """Over all pairs: an operation leads where the table says, or nowhere."""
    for status, operation in itertools.product(STATUSES, OPERATIONS):
        assert TRANSITIONS.get((operation, status)) == LIFE[status].get(operation), (operation, status)
    for operation in OPERATIONS:
        assert TRANSITIONS.get((operation, NEW)) == ("01" if operation in BEGINNINGS else None)
    assert {becomes for operation, _, becomes in REGISTERED if operation == "register"} == set(STATUSES)
    for status in STATUSES:
        assert set(allowed(status)) == LIFE[status].keys()


def test_everything_that_may_happen_has_its_words() -> None:
    """Each operation on a licence has a ledger action, words and a meaning for those who relied; codes are national."""
    moving = {operation for operation, was in TRANSITIONS if was != NEW}
    assert moving == ACTIONS.keys() == SAID.keys()
    assert moving - {"supersede"} == HAPPENED.keys()
    assert set(ACTS) | {"expire", "supersede"} == moving
    assert {code for _, code in OPERATIONS.values()} <= code_table("licence_operation").keys()
    named = schema_of("licence.changed.v1")["$defs"]["change"]["properties"]["operation"]["enum"]
    assert set(named) == OPERATIONS.keys()


def test_the_database_keeps_the_same_table(engine: Engine) -> None:
    """The rows of licence_transitions are the table of the program, no more and no less."""
    with engine.begin() as tx:
        rows = tx.execute(text("SELECT operation, from_status, to_status FROM licence_transitions")).all()
    assert sorted(tuple(row) for row in rows) == sorted(triples())


def test_the_database_refuses_by_itself(county: Engine, desk: Desk) -> None:
    """Every change of status and every operation that is not in the table is refused, whoever writes it."""
    licence_id = licence_of(county, desk)
    reachable = {(was, becomes) for _, was, becomes in triples()}
    for was, becomes in itertools.product(STATUSES, STATUSES):
        put(county, licence_id, was)
        update = text("UPDATE licences SET status = :becomes, status_note = '停用' WHERE id = :id")
        with county.connect() as tx, tx.begin() as step:
            if was == becomes or (was, becomes) in reachable:
                tx.execute(update, {"becomes": becomes, "id": licence_id})
            else:
                with pytest.raises(IntegrityError, match="does not become"):
                    tx.execute(update, {"becomes": becomes, "id": licence_id})
            step.rollback()
    possible = set(triples())
    insert = text(
        "INSERT INTO licence_operations (id, licence_id, operation, from_status, to_status, reason, actor)"
        " VALUES (gen_random_uuid(), :id, :operation, :was, :becomes, '试', 'user:a')"
    )
    for operation, was, becomes in itertools.product(OPERATIONS, (NEW, *STATUSES), STATUSES):
        with county.connect() as tx, tx.begin() as step:
            values = {"id": licence_id, "operation": operation, "was": was, "becomes": becomes}
            if (operation, was, becomes) in possible:
                tx.execute(insert, values)
            else:
                with pytest.raises(IntegrityError, match="licence_operations"):
                    tx.execute(insert, values)
            step.rollback()


def test_what_was_done_stands(county: Engine, desk: Desk, office: Engine) -> None:
    """An operation is neither changed nor deleted."""
    licence_id = licence_of(county, desk)
    with county.begin() as tx:
        assert change_status(tx, licence_id, "suspend", **said(desk))
    for statement in ("UPDATE licence_operations SET reason = '别的'", "DELETE FROM licence_operations"):
        with county.begin() as tx, pytest.raises(IntegrityError, match="neither changed nor deleted"):
            tx.execute(text(statement))


def test_a_change_that_the_table_does_not_know_cannot_be_made(desk: Desk) -> None:
    """Not even in the program."""
    with pytest.raises(ValueError, match="cannot be done"):
        Changed(uuid.uuid4(), "restore", "01", "试", "user:a", desk.clock())


@pytest.mark.parametrize("operation", ACTS)
def test_an_act_moves_the_licence_or_says_why_not(office: Engine, desk: Desk, operation: str) -> None:
    """Every act on every status: where the table allows it the status changes and one operation and one ledger row tell
    of it; elsewhere nothing changes, and the sentence names the status and what may be done instead."""
    licence_id = licence_of(office, desk)
    for status in STATUSES:
        put(office, licence_id, status)
        with office.begin() as tx:
            tx.execute(text("DELETE FROM holds"))
            if status == "02":
                tx.execute(
                    text(
                        "INSERT INTO holds (id, licence_id, department, placed_by, placed_at)"
                        " VALUES (gen_random_uuid(), :id, :department, gen_random_uuid(), now())"
                    ),
                    {"id": licence_id, "department": "scjg" if operation == "suspend" else "xzsp"},
                )
        before = counts(office)
        act = getattr(acts, operation)
        becomes = LIFE[status].get(operation)
        with office.begin() as tx:
            if becomes is not None:
                assert act(tx, licence_id, **said(desk, document_no=f"示文〔2026〕{status}号"))
            elif (operation, status) == ("suspend", "02"):  # a second department holds it too
                assert act(tx, licence_id, **said(desk))
            else:
                with pytest.raises(Rejected, match=f"“{code_table('licence_status')[status]}”") as refused:
                    act(tx, licence_id, **said(desk, document_no=f"示文〔2026〕{status}号"))
                assert OPERATIONS[operation][0] in refused.value.message
        after = counts(office)
        with office.begin() as tx:
            assert tx.execute(select(Licence.status)).scalar_one() == (becomes or status)
        moved = 1 if becomes else 0
        assert after["licence_operations"] - before["licence_operations"] == moved
        assert after["ledger"] - before["ledger"] == (moved or ((operation, status) == ("suspend", "02")))


def counts(engine: Engine) -> dict[str, int]:
    tables = ("licence_operations", "ledger", "outbox", "holder_notices", "notices", "licence_announcements")
    with engine.begin() as tx:
        return {name: tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}
