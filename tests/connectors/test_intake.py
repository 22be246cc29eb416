"""The intake on real parts: what is taken, what is refused and why, and what one bad message can not do to the others."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from connectors.bus import Message, Producer, Record
from connectors.intake.program import Intake, IntakeConfig, run
from hub.department import topic_out
from hub.exchange import take_safely
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.inbox import InboxRow, Quarantined
from hub.exchange.outbox import OutboxRow
from hub.feedback.finding import Finding
from hub.program import Program
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department, revoke_key
from schemas import dumps, loads
from storage.judging import Judge, department_of
from storage.signing import Signer, TrustedKey, TrustedKeys, generate_private_key
from tests.connectors.waiting import running, until
from tests.hub.builders import a_finding, a_receipt, decided, packages

HEADERS = {"content-type": "application/cloudevents+json; charset=UTF-8"}


def sent(arrived: Arrived, **changes: Any) -> Record:
    """A builder's message as it would lie on the topic, or changed."""
    value = changes.get("value", arrived.value)
    signature = changes.get("signature", arrived.signature)
    headers = [("content-type", HEADERS["content-type"].encode()), ("kid", arrived.kid.encode())]
    if signature is not None:
        headers.append(("signature", signature.encode()))
    return Record(changes.get("topic", arrived.topic), arrived.case_no.encode(), value, headers)


def as_message(record: Record, offset: int = 0) -> Message:
    return Message(record.topic, 0, offset, record.key, record.value, dict(record.headers))


def resigned(event: Any, signer: Signer) -> dict[str, Any]:
    value = dumps(event)
    return {"value": value, "signature": signer.sign(value)}


@pytest.fixture
def keys(signers: dict[str, Signer]) -> TrustedKeys:
    return TrustedKeys.of(TrustedKey(s.kid, c, s.public_pem) for c, s in signers.items() if c != "hub")


@pytest.fixture
def judge(area: str, keys: TrustedKeys) -> Judge:
    return Judge(area, keys)


@pytest.fixture
def finding(desk: Any, signers: dict[str, Signer]) -> Arrived:
    return a_finding(desk, signers["scjg"], "c-1", "JC-1", "1", "1")


def test_a_good_message_is_arrived_with_its_exact_bytes(judge: Judge, finding: Arrived) -> None:
    """Claim: a verified, valid message of the right sender comes through with its bytes, signature and key."""
    verdict = judge.judge(as_message(sent(finding)), datetime.now(UTC))
    assert isinstance(verdict, Arrived)
    assert (verdict.value, verdict.signature, verdict.kid) == (finding.value, finding.signature, finding.kid)
    assert verdict.department == "scjg"


def test_each_kind_of_bad_message_has_its_cause_and_a_sentence(
    judge: Judge, finding: Arrived, desk: Any, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: unsigned, forged, changed, unknown key, other department's key, topic or source, too large, not JSON, unknown
    type and schema faults are each told apart, in Chinese, with what would be right; the event id is found where
    it can be."""
    own, other = signers["scjg"], signers["zhzf"]
    stranger = Signer.from_pem("scjg", generate_private_key())
    event = dict(finding.event)
    bad: list[tuple[str, dict[str, Any]]] = [
        ("unsigned", {"signature": None}),
        ("bad_signature", {"signature": "nonsense"}),
        ("bad_signature", {"value": finding.value.replace(b"JC-1", b"JC-2")}),
        ("bad_signature", {"signature": own.sign_attached(finding.value)}),
        ("unknown_key", {"signature": stranger.sign(finding.value)}),
        ("wrong_sender", {"signature": other.sign(finding.value)}),
        ("wrong_sender", {"topic": topic_out(area, "zhzf")}),
        ("wrong_sender", resigned({**event, "source": f"/{area}/zhzf"}, own)),
        ("too_large", {"value": b"x" * (1024 * 1024 + 1)}),
        ("not_json", {"value": b"{", "signature": own.sign(b"{")}),
        ("not_json", {"value": b"\xff", "signature": own.sign(b"\xff")}),
        ("schema", {"value": b"[]", "signature": own.sign(b"[]")}),
        ("unknown_type", resigned({**event, "type": "finding.reported.v9"}, own)),
        ("unknown_type", resigned({**event, "type": ["x"]}, own)),
        ("schema", resigned({**event, "data": {}}, own)),
        ("schema", resigned({**event, "id": "not a uuid"}, own)),
    ]
    for cause, changes in bad:
        verdict = judge.judge(as_message(sent(finding, **changes)), datetime.now(UTC))
        assert isinstance(verdict, Refused), changes
        assert verdict.cause == cause, (cause, verdict)
        assert any("一" <= letter <= "鿿" for letter in verdict.message), verdict.message
        assert verdict.expected
        assert verdict.sha256 == hashlib.sha256(verdict.value).digest()
        assert verdict.size == len(verdict.value)
    unsigned = judge.judge(as_message(sent(finding, signature=None)), datetime.now(UTC))
    assert isinstance(unsigned, Refused)
    assert unsigned.event_id == finding.event["id"]


def test_department_is_read_from_the_topic_alone(area: str) -> None:
    """Claim: only `<area>.<dept>.out` names a department; anything else names nobody."""
    assert department_of(area, f"{area}.scjg.out") == "scjg"
    for topic in (f"{area}.scjg.in", f"{area}..out", "other.scjg.out", f"{area}.out", "x"):
        assert department_of(area, topic) is None


@pytest.fixture
def intake(intake_config: IntakeConfig, county: Engine, topics: list[str]) -> Iterator[Intake]:
    opened = Intake(intake_config, county)
    yield opened
    opened.close()


def rows(engine: Engine, model: Any) -> list[Any]:
    with engine.connect() as tx:
        return list(tx.execute(select(model.__table__)).all())


def take(intake: Intake, engine: Engine, total: int) -> None:
    """Step until inbox and quarantine hold `total` messages."""

    def enough() -> bool:
        intake.step()
        return len(rows(engine, InboxRow)) + len(rows(engine, Quarantined)) >= total

    until(enough, every=0)


def test_good_and_bad_side_by_side(
    intake: Intake, county: Engine, desk: Any, signers: dict[str, Signer], producer: Producer
) -> None:
    """Claim: from one batch the good messages take effect, the bad ones are quarantined with their bytes, and each sender is
    told on its own topic; everything again has no second effect."""
    case, other = decided(county, desk, 2)
    scjg = signers["scjg"]
    with county.connect() as tx:
        package = packages(tx, case.case_no)["scjg"]
    good = [
        a_receipt(desk, scjg, package, "arrived", "signed"),
        a_finding(desk, scjg, case.case_no, "JC-1", "3", "2"),
        a_finding(desk, scjg, other.case_no, "JC-2", "1", "1"),
    ]
    forged = sent(good[1], value=good[1].value.replace(b"JC-1", b"JC-9"))
    unknown = a_finding(desk, scjg, "no-such-case", "JC-3", "1", "1")
    records = [sent(good[0]), forged, sent(good[1]), sent(unknown), sent(good[2])]
    assert producer.publish(records) == [None] * 5
    take(intake, county, 5)
    assert {row.event_id for row in rows(county, InboxRow)} == {one.event["id"] for one in good}
    held = {row.cause: row for row in rows(county, Quarantined)}
    assert set(held) == {"bad_signature", "unknown_case"}
    assert held["bad_signature"].value == forged.value
    with county.connect() as tx:
        answers = tx.execute(
            select(OutboxRow.topic, OutboxRow.value).where(OutboxRow.event_type == "quarantined.v1")
        ).all()
    assert [row.topic for row in answers] == [f"{desk.area}.scjg.in"] * 2
    assert {loads(bytes(row.value))["data"]["cause"] for row in answers} == set(held)
    producer.publish([sent(one) for one in good])
    again = until(intake.step, every=0)
    while again.duplicates < 3:
        more = until(intake.step, every=0)
        again = type(again)(again.accepted + more.accepted, again.duplicates + more.duplicates, 0)
    assert (again.accepted, again.duplicates) == (0, 3)
    assert len(rows(county, Finding)) == 2


def test_a_revoked_key_stops_at_once(
    intake: Intake, county: Engine, desk: Any, signers: dict[str, Signer], producer: Producer
) -> None:
    """Claim: the batch after a revocation is already refused, without a restart."""
    case = decided(county, desk, 1)[0]
    scjg = signers["scjg"]
    producer.publish([sent(a_finding(desk, scjg, case.case_no, "JC-1", "1", "1"))])
    take(intake, county, 1)
    with county.begin() as tx:
        revoke_key(tx, scjg.kid, actor="user:t", reason="私钥遗失")
    producer.publish([sent(a_finding(desk, scjg, case.case_no, "JC-2", "1", "1"))])
    take(intake, county, 2)
    assert [row.cause for row in rows(county, Quarantined)] == ["revoked_key"]
    assert len(rows(county, Finding)) == 1


def test_one_poison_message_is_quarantined_alone(
    intake: Intake, county: Engine, desk: Any, signers: dict[str, Signer], producer: Producer
) -> None:
    """Claim: when the database cannot take one valid message of a batch, that one alone is quarantined and the rest take
    effect, in the same poll."""
    cases = decided(county, desk, 12)
    with county.begin() as tx:  # a rule that only the database knows
        tx.execute(text("ALTER TABLE findings ADD CONSTRAINT poison CHECK (finding_no <> 'JC-7')"))
    scjg = signers["scjg"]
    producer.publish(
        [sent(a_finding(desk, scjg, case.case_no, f"JC-{n}", "1", "1")) for n, case in enumerate(cases)]
    )
    take(intake, county, 12)
    assert {row.finding_no for row in rows(county, Finding)} == {f"JC-{n}" for n in range(12) if n != 7}
    (held,) = rows(county, Quarantined)
    assert held.cause == "schema"
    assert loads(bytes(held.value))["data"]["finding_no"] == "JC-7"


def test_a_database_that_is_away_is_not_blamed_on_a_message(
    county: Engine, desk: Any, signers: dict[str, Signer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: a session cut in the middle of a batch raises StoreAway; nothing is quarantined; the same batch then
    goes in."""
    case = decided(county, desk, 1)[0]
    message = a_finding(desk, signers["scjg"], case.case_no, "JC-1", "1", "1")
    whole = take_safely.take_in

    def cut(tx: Any, *args: Any) -> Any:
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with county.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return whole(tx, *args)

    monkeypatch.setattr(take_safely, "take_in", cut)
    with pytest.raises(take_safely.StoreAway):
        take_safely.take_safely(county, [message], [], desk)
    monkeypatch.setattr(take_safely, "take_in", whole)
    assert rows(county, Quarantined) == []
    assert take_safely.take_safely(county, [message], [], desk).accepted == 1


def test_a_new_department_is_read_without_a_restart(
    intake_config: IntakeConfig, county: Engine, desk: Any, topics: list[str], producer: Producer
) -> None:
    """Claim: findings of a department registered while the intake runs are taken; the intake says that it runs, and that it
    stopped."""
    fresh = Signer.from_pem("wjw", generate_private_key())
    with running(lambda stop: run(intake_config, stop)):
        until(lambda: [row.state for row in rows(county, Program)] == ["running"])
        with county.begin() as tx:
            add_department(
                tx, code="wjw", name="示范县卫生健康局", roles=["supervising"], public_pem=fresh.public_pem,
                kid=fresh.kid, actor="user:t",
            )  # fmt: skip
            add_rule(tx, "推送卫健", {"wjw": 3}, actor="user:test")
        case = decided(county, desk, 1)[0]
        message = a_finding(desk, fresh, case.case_no, f"WJ-{uuid.uuid4()}", "1", "1")
        until(lambda: producer.publish([sent(message)]) == [None])
        until(lambda: len(rows(county, Finding)) == 1)
    assert [row.state for row in rows(county, Program)] == ["stopped"]
