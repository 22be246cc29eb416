"""A department without a system: the channel, the key in custody, and what is said for it."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import Engine, select, text

from connectors.relay.housekeeping import Housekeeper
from hub.department import Department, DepartmentKey
from hub.errors import Conflict, Rejected
from hub.exchange.inbox import InboxRow, Quarantined
from hub.joining.change_channel import change_channel
from hub.joining.custodial_key import make_custodial_key, signer_for
from hub.joining.receipts import messages_to, receipt, sign, take_arrivals
from hub.joining.speak_for import Statement, Unsaid, speak_for, statement_id
from hub.ledger import LedgerRow
from hub.ports import Desk
from hub.pushing.push import Push, Receipt
from hub.register_department import revoke_key
from schemas import violations
from storage.custody import KeyCustody
from storage.key_encryption import KeyEncryption
from storage.sealing import Tampered
from tests.hub.builders import decided

WHY = "该局没有业务系统"
ACTOR = "user:inspector"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    return replace(desk, custody=KeyCustody(KeyEncryption(bytes(range(32)))))


@pytest.fixture
def web(county: Engine, desk: Desk) -> Engine:
    """The county, where scjg takes part in the browser."""
    with county.begin() as tx:
        change_channel(tx, "scjg", "web", desk, actor="user:admin", reason=WHY)
    return county


def push_of(engine: Engine, case_no: str, department: str = "scjg") -> Any:
    with engine.connect() as tx:
        query = select(Push.__table__).where(Push.case_no == case_no, Push.department == department)
        return tx.execute(query).one()


def finding(push: Any, **changes: Any) -> Statement:
    data = {
        "finding_no": "JC-1",
        "project_no": push.case_no,
        "push_id": str(push.id),
        "inspected_at": "2026-09-18",
        "inspectors": [{"name": "示例己"}],
        "check_result": "1",
        "handling": "1",
    } | changes
    return Statement("finding.reported.v1", push.case_no, data, statement_id("test", data))


def test_what_is_said_in_the_browser_is_the_message_of_a_connector(web: Engine, desk: Desk) -> None:
    """Valid by the schema, signed with the registered key by anybody's Ed25519, and its receipts move the push."""
    (case,) = decided(web, desk)
    push = push_of(web, case.case_no)
    with web.begin() as tx:
        assert take_arrivals(tx, desk) == 1
        assert sign(tx, "scjg", [push.id], desk, by="示例己", actor=ACTOR) == 1

    with web.connect() as tx:
        rows = tx.execute(select(InboxRow.__table__).where(InboxRow.case_no == case.case_no)).all()
        pem = tx.scalar(select(DepartmentKey.public_pem).where(DepartmentKey.custody == "hub"))
        kinds = dict(tx.execute(select(Receipt.kind, Receipt.by).where(Receipt.push_id == push.id)).all())
        actors = (
            tx.execute(select(LedgerRow.actor).where(LedgerRow.action == "department.spoke")).scalars().all()
        )
    assert kinds == {"arrived": None, "signed": "示例己"}
    assert push_of(web, case.case_no).state == "signed"
    assert set(actors) == {"program:web-inbox", ACTOR}
    for row in rows:
        event = json.loads(row.value)
        assert violations("receipt.v1", event) == []
        assert event["data"]["package_sha256"] == bytes(push.package_sha256).hex()
        assert_signed(str(pem), row.value, row.signature)


def assert_signed(pem: str, value: bytes, signature: str) -> None:
    """RFC 7515, appendix F, by hand: nothing of ours but the bytes."""
    head, _, tail = signature.split(".")
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, Ed25519PublicKey)
    padded = tail + "=" * (-len(tail) % 4)
    payload = base64.urlsafe_b64encode(value).rstrip(b"=")
    key.verify(base64.urlsafe_b64decode(padded), head.encode() + b"." + payload)


def test_what_speaks_against_a_statement_is_told_and_nothing_is_kept(web: Engine, desk: Desk) -> None:
    """A fault is named by its box; neither inbox nor quarantine nor ledger know of the attempt."""
    (case,) = decided(web, desk)
    push = push_of(web, case.case_no)
    with web.begin() as tx:
        speak_for(tx, "scjg", [finding(push)], desk, actor=ACTOR)
    for changes, box in (
        ({"check_result": "9"}, "check_result"),
        ({"inspectors": [{"name": ""}]}, "inspectors"),
        ({"explain": "同一编号，别的内容"}, "number"),
    ):
        with pytest.raises(Unsaid) as told, web.begin() as tx:
            speak_for(tx, "scjg", [finding(push, **changes)], desk, actor=ACTOR)
        assert list(told.value.faults) == [box]
    with web.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM inbox")) == 1
        assert tx.execute(select(Quarantined.id)).all() == []


def test_a_statement_about_what_was_not_pushed_here_is_refused(web: Engine, desk: Desk) -> None:
    """Another department's package is not there for this one, and a forged one is refused."""
    (case,) = decided(web, desk)
    other = push_of(web, case.case_no, "zhzf")
    with web.begin() as tx:
        assert messages_to(tx, "scjg", [other.id]) == []
        assert sign(tx, "scjg", [other.id], desk, by="示例己", actor=ACTOR) == 0
    (told,) = _told(web, other)
    with pytest.raises(Unsaid), web.begin() as tx:
        speak_for(tx, "scjg", [receipt(told, "signed", desk)], desk, actor=ACTOR)


def _told(engine: Engine, push: Any) -> list[Any]:
    with engine.connect() as tx:
        return messages_to(tx, push.department, [push.id])


def test_pressed_twice_at_once_is_said_once(web: Engine, desk: Desk) -> None:
    """Eight at the same moment: one message, one finding, no error."""
    (case,) = decided(web, desk)
    push = push_of(web, case.case_no)
    wrong: list[BaseException] = []
    ready = threading.Barrier(8)

    def press() -> None:
        try:
            ready.wait()
            with web.begin() as tx:
                speak_for(tx, "scjg", [finding(push)], desk, actor=ACTOR)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    with web.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM inbox")) == 1
        assert tx.scalar(text("SELECT count(*) FROM findings")) == 1


def test_only_bytes_that_the_hub_signed_are_said_to_have_arrived(web: Engine, desk: Desk) -> None:
    """A package whose stored bytes are not what was registered stays unanswered, and holds up no other."""
    spoiled, sound = decided(web, desk, 2)
    with web.begin() as tx:
        push_id = push_of(web, spoiled.case_no).id
        tx.execute(text("UPDATE pushes SET package_sha256 = sha256('x') WHERE id = :id"), {"id": push_id})
    with web.begin() as tx:
        assert take_arrivals(tx, desk) == 1
    assert push_of(web, spoiled.case_no).state == "owed"
    assert push_of(web, sound.case_no).state == "arrived"
    with web.begin() as tx:
        assert take_arrivals(tx, desk) == 0


def test_the_relay_says_arrived_without_anybody_looking(web: Engine, desk: Desk) -> None:
    """The housekeeper's greeting takes all that waits, and nothing the second time."""
    decided(web, desk, 3)
    housekeeper = Housekeeper(web, desk.clock, desk=desk)
    assert housekeeper.greet() == 3
    assert housekeeper.greet() == 0


def test_leaving_the_browser_needs_a_key_of_ones_own_and_ends_the_hubs(web: Engine, desk: Desk) -> None:
    """From the change on the hub signs nothing for the department; coming back makes a new key; all is in the ledger."""
    with web.begin() as tx:
        change_channel(tx, "scjg", "rest", desk, actor="user:admin", reason="系统已建成")
    with web.begin() as tx, pytest.raises(Conflict):
        signer_for(tx, "scjg", desk)
    with web.begin() as tx:
        kid = change_channel(tx, "scjg", "web", desk, actor="user:admin", reason="系统停用")
        assert signer_for(tx, "scjg", desk).kid == kid
        for own in tx.execute(
            select(DepartmentKey.kid).where(DepartmentKey.custody == "department")
        ).scalars():
            if own.startswith("scjg"):
                revoke_key(tx, own, actor="user:admin", reason="密钥丢失")
    with pytest.raises(Rejected, match="公钥"), web.begin() as tx:
        change_channel(tx, "scjg", "kafka", desk, actor="user:admin", reason="改用连接器")
    with web.connect() as tx:
        assert tx.scalar(select(Department.channel).where(Department.code == "scjg")) == "web"
        moves = tx.execute(select(LedgerRow.detail).where(LedgerRow.action == "department.channel_changed"))
        assert [(row.detail["from"], row.detail["to"]) for row in moves] == [
            ("kafka", "web"),
            ("web", "rest"),
            ("rest", "web"),
        ]


def test_a_replaced_or_revoked_key_signs_nothing_more(web: Engine, desk: Desk) -> None:
    """One custodial key in force at a time; without one the sentence says whom to ask."""
    with web.begin() as tx:
        first = signer_for(tx, "scjg", desk).kid
        second = make_custodial_key(tx, "scjg", desk, actor="user:admin", reason="每年更换")
        assert signer_for(tx, "scjg", desk).kid == second != first
        revoke_key(tx, second, actor="user:admin", reason="怀疑泄露")
        with pytest.raises(Conflict, match="托管密钥"):
            signer_for(tx, "scjg", desk)
    with pytest.raises(Rejected), web.begin() as tx:
        make_custodial_key(tx, "zhzf", desk, actor="user:admin")


def test_a_sealed_key_opens_for_its_department_alone(desk: Desk) -> None:
    """Moved to another department's row, or changed by a bit, it is refused."""
    assert desk.custody is not None
    made = desk.custody.make("scjg")
    assert desk.custody.signer("scjg", made.sealed).kid == made.kid
    assert b"PRIVATE" not in made.sealed
    with pytest.raises(Tampered):
        desk.custody.signer("zhzf", made.sealed)
    with pytest.raises(Tampered):
        desk.custody.signer("scjg", made.sealed[:-1] + bytes([made.sealed[-1] ^ 1]))


def test_the_place_is_what_was_signed_for(web: Engine, desk: Desk) -> None:
    """What was signed in the browser stays signed after a move, what was not is still owed, and nothing is lost."""
    first, second = decided(web, desk, 2)
    with web.begin() as tx:
        take_arrivals(tx, desk)
        sign(tx, "scjg", [push_of(web, first.case_no).id], desk, by="示例己", actor=ACTOR)
        change_channel(tx, "scjg", "kafka", desk, actor="user:admin", reason="接入连接器")
    assert push_of(web, first.case_no).state == "signed"
    assert push_of(web, second.case_no).state == "arrived"
    with web.connect() as tx:
        topics = tx.execute(text("SELECT count(*) FROM outbox WHERE topic LIKE '%.scjg.in'")).scalar()
    assert topics == 2


def test_an_id_is_what_is_said_alone() -> None:
    """The same parts give the same id, in every process."""
    assert statement_id("a", {"b": 1, "c": 2}) == statement_id("a", {"c": 2, "b": 1})
    assert statement_id("a") != statement_id("b")
    assert isinstance(statement_id("a"), uuid.UUID)
