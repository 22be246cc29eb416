"""The life of a licence: one table of what may happen, kept by the program and by the database alike."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from hub.case import Case
from hub.errors import Denied, HubError, NotFound, Rejected
from hub.licensing.licence import STATUSES, Hold, Licence
from hub.licensing.life import NEW, OPERATIONS, REGISTERED, TRANSITIONS, allowed, triples
from hub.licensing.living import change_status as acts
from hub.licensing.living.act import ACTS, NEEDS_PAPER
from hub.licensing.living.change_status import change_status
from hub.licensing.living.changed import ACTIONS, HAPPENED, SAID, Changed
from hub.licensing.living.operation import LicenceOperation
from hub.ports import Desk
from hub.register_department import add_department
from schemas import code_table
from schemas.messages import schema_of
from storage.signing import Signer, generate_private_key, kid_of
from tests.hub.builders import decided
from tests.hub.life_builders import next_version

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
    tables = ("licence_operations", "ledger", "outbox", "holder_notices", "notices", "announcements")
    with engine.begin() as tx:
        return {name: tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}


def statuses(engine: Engine) -> tuple[str, str]:
    with engine.begin() as tx:
        return tx.execute(select(Licence.status).order_by(Licence.version)).scalars().all()[-1], tx.execute(
            select(Case.standing)
        ).scalar_one()


def test_the_same_act_with_the_same_paper_is_one(office: Engine, desk: Desk) -> None:
    """Twice by a double click or a repeated request: the second changes nothing and tells nobody."""
    licence_id = licence_of(office, desk)
    for operation, paper in (
        ("suspend", None),
        ("restore", "示发〔2026〕1号"),
        ("revoke", "示吊〔2026〕1号"),
    ):
        with office.begin() as tx:
            assert change_status(tx, licence_id, operation, **said(desk, document_no=paper))
        before = counts(office)
        with office.begin() as tx:
            if operation == "restore":  # another paper is another act
                with pytest.raises(Rejected, match="不能办理暂扣发还"):
                    change_status(tx, licence_id, operation, **said(desk, document_no="别的文书"))
            assert not change_status(tx, licence_id, operation, **said(desk, document_no=paper))
        assert counts(office) == before


def test_everybody_is_told_in_the_same_transaction(office: Engine, desk: Desk) -> None:
    """A suspension: status, operation, hold, ledger, window, holder, both departments, the case's standing; rolled back,
    none of it is there."""
    licence_id = licence_of(office, desk)
    before = counts(office)
    with office.connect() as tx, tx.begin() as step:
        change_status(tx, licence_id, "suspend", **said(desk, reason="涉嫌提供虚假材料"))
        step.rollback()
    assert counts(office) == before
    assert statuses(office) == ("01", "clear")
    with office.begin() as tx:
        change_status(tx, licence_id, "suspend", **said(desk, reason="涉嫌提供虚假材料"))
    after = counts(office)
    assert {name: after[name] - before[name] for name in after} == {
        "licence_operations": 1, "ledger": 1, "outbox": 3, "holder_notices": 1, "notices": 1,
        "announcements": 3,
    }  # fmt: skip
    assert statuses(office) == ("02", "alert")
    with office.begin() as tx:
        hold = tx.execute(select(Hold.department, Hold.placed_by)).one()
        operation = tx.execute(
            select(LicenceOperation.id, LicenceOperation.department, LicenceOperation.case_no).where(
                LicenceOperation.operation == "suspend"
            )
        ).one()
        assert hold == ("xzsp", operation.id)
        assert operation.department == "xzsp"
        assert tx.execute(text("SELECT case_no FROM cases")).scalar_one() == operation.case_no
        title, body = tx.execute(text("SELECT title, body FROM holder_notices")).one()
        assert "已冻结（暂扣）" in title
        assert "示范县行政审批服务局" in body
        assert "涉嫌提供虚假材料" in body
        severity, title, case_no = tx.execute(text("SELECT severity, title, case_no FROM notices")).one()
        assert (severity, case_no) == ("alert", operation.case_no)
        action, subject = tx.execute(
            text("SELECT action, subject FROM ledger ORDER BY id DESC LIMIT 1")
        ).one()
        assert (action, subject) == ("licence.frozen", f"licence:{licence_id}")


def test_a_department_lifts_only_its_own_hold(office: Engine, desk: Desk) -> None:
    """Two departments hold a licence: each lifts its own, another's is refused by name, and it is valid after the last."""
    licence_id = licence_of(office, desk)
    for code in ("xzsp", "scjg"):
        with office.begin() as tx:
            assert change_status(tx, licence_id, "suspend", **said(desk, department=code))
    with office.begin() as tx, pytest.raises(Denied, match=r"由.*示范县行政审批服务局.*暂扣"):
        change_status(tx, licence_id, "restore", **said(desk, department="zhzf"))
    with office.begin() as tx:
        assert not change_status(tx, licence_id, "suspend", **said(desk, department="xzsp"))
        with pytest.raises(Rejected, match="起已经暂扣"):
            change_status(tx, licence_id, "suspend", **said(desk, department="xzsp", document_no="另一份"))
    with office.begin() as tx:
        assert change_status(tx, licence_id, "restore", **said(desk, department="xzsp"))
    assert statuses(office) == ("02", "alert")
    with office.begin() as tx:
        assert change_status(tx, licence_id, "restore", **said(desk, department="scjg"))
    assert statuses(office) == ("01", "clear")
    with office.begin() as tx:
        operations = (
            tx.execute(select(LicenceOperation.operation).order_by(LicenceOperation.at)).scalars().all()
        )
        actions = tx.execute(
            text("SELECT action FROM ledger WHERE action LIKE 'licence.%' ORDER BY id")
        ).scalars()
        assert sorted(operations) == ["register", "restore", "suspend"]
        assert list(actions) == [
            "licence.frozen", "licence.held_too", "licence.hold_lifted", "licence.lifted",
        ]  # fmt: skip


def test_a_freeze_that_nobody_here_made_can_be_lifted(office: Engine, desk: Desk) -> None:
    """A sheet said 暂扣 and no department holds it: any department may give it back, or nobody could."""
    licence_id = licence_of(office, desk)
    put(office, licence_id, "02")
    with office.begin() as tx:
        assert change_status(tx, licence_id, "restore", **said(desk))
    assert statuses(office) == ("01", "clear")


def test_a_licence_that_comes_back_while_it_is_held_is_held(office: Engine, desk: Desk) -> None:
    """Reinstating is the correction of a mistake, not the lifting of a hold: both steps are written, and it is 暂扣."""
    licence_id = licence_of(office, desk)
    with office.begin() as tx:
        change_status(tx, licence_id, "suspend", **said(desk, department="scjg"))
        change_status(tx, licence_id, "revoke", **said(desk, document_no="示吊〔2026〕1号"))
    assert statuses(office) == ("07", "alert")
    with office.begin() as tx:
        change_status(tx, licence_id, "reinstate", **said(desk, document_no="示复〔2026〕1号"))
    assert statuses(office) == ("02", "alert")
    with office.begin() as tx:
        assert not change_status(tx, licence_id, "reinstate", **said(desk, document_no="示复〔2026〕1号"))
        steps = tx.execute(
            text("SELECT from_status, to_status FROM licence_operations WHERE from_status <> '00'")
        ).all()
        assert sorted(tuple(step) for step in steps) == [
            ("01", "02"),
            ("01", "02"),
            ("02", "07"),
            ("07", "01"),
        ]
        change_status(tx, licence_id, "restore", **said(desk, department="scjg"))
    assert statuses(office) == ("01", "clear")


def test_other_says_what_and_forgets_it_when_it_comes_back(office: Engine, desk: Desk) -> None:
    """99 keeps its description while it lasts."""
    licence_id = licence_of(office, desk)
    with office.begin() as tx:
        change_status(tx, licence_id, "other", **said(desk, note="申请人声明遗失"))
        assert tx.execute(select(Licence.status_note)).scalar_one() == "申请人声明遗失"
        change_status(tx, licence_id, "reinstate", **said(desk, document_no="示复〔2026〕1号"))
        assert tx.execute(select(Licence.status, Licence.status_note)).one() == ("01", None)


@pytest.mark.parametrize(
    ("operation", "how", "words"),
    [
        ("suspend", {"reason": "短"}, "2 到 500 个字"),
        ("suspend", {"reason": "长" * 501}, "2 到 500 个字"),
        ("suspend", {"reason": "  "}, "理由"),
        ("suspend", {"reason": "依法\0办理"}, "不能保存"),
        ("suspend", {"department": None}, "所属部门"),
        ("restore", {"department": None}, "所属部门"),
        ("suspend", {"document_no": "长" * 101}, "文书号"),
        ("suspend", {"document": b"x" * 32}, "没有找到所附的文书"),
        ("other", {"note": " "}, "状态描述"),
        ("other", {"note": "长" * 201}, "状态描述"),
        ("expire", {}, "不能由人办理"),
        ("supersede", {}, "不能由人办理"),
        ("nonsense", {}, "不能由人办理"),
        *((operation, {"document_no": " "}, "文书号") for operation in NEEDS_PAPER),
    ],
)
def test_what_is_missing_is_said(
    office: Engine, desk: Desk, operation: str, how: dict[str, Any], words: str
) -> None:
    """Nothing is done, and the sentence says what to add."""
    licence_id = licence_of(office, desk)
    with office.begin() as tx, pytest.raises(Rejected, match=words):
        change_status(tx, licence_id, operation, **said(desk, **how))
    assert statuses(office) == ("01", "clear")


def test_a_licence_that_is_not_there_is_not_found(office: Engine, desk: Desk) -> None:
    """And it is no other error."""
    with office.begin() as tx, pytest.raises(NotFound):
        change_status(tx, uuid.uuid4(), "suspend", **said(desk))


def test_an_old_version_is_left_alone(office: Engine, desk: Desk) -> None:
    """What was superseded is not revoked or cancelled any more: the sentence names the version to do it to."""
    licence_id = licence_of(office, desk)
    newer = next_version(office, licence_id)
    with office.begin() as tx:
        identifier = tx.execute(select(Licence.identifier).where(Licence.id == newer)).scalar_one()
        for operation in ("cancel", "withdraw", "revoke"):
            with pytest.raises(HubError, match=identifier.replace(".", r"\.")):
                change_status(tx, licence_id, operation, **said(desk, document_no="示文〔2026〕1号"))
        assert change_status(tx, newer, "revoke", **said(desk, document_no="示文〔2026〕1号"))
