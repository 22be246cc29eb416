"""The department connector on a real broker: what it takes, sets aside, says, and what a crash repeats."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.bus import BusSettings, Message, Producer, Record
from connectors.department import program
from connectors.department.adapters import TableAdapter
from connectors.department.config import ConnectorConfig
from connectors.department.events import event, sign
from connectors.department.program import Connector, read_health, run_configured
from connectors.errors import BusUnavailable, ConnectorError, Misconfigured
from schemas import dumps, examples_of, loads, violations
from storage.signing import Signer, TrustedKey, TrustedKeys, generate_private_key
from tests.connectors.waiting import running, until

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def a_package(area: str, hub: Signer, number: int = 1, **changes: Any) -> Record:
    document = json.loads(json.dumps(examples_of("approval.decided.v1")[0]))
    document |= {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "source": f"/{area}/hub",
        "subject": f"c-{number}",
    }
    document["data"]["case"]["project_no"] = f"c-{number}"
    document["data"]["push"] |= {"id": f"10000000-0000-4000-8000-{number:012d}", "department": "scjg"}
    document |= changes
    value = dumps(document)
    headers = [("signature", hub.sign(value).encode()), ("kid", hub.kid.encode())]
    return Record(f"{area}.scjg.in", document["subject"].encode(), value, headers)


def as_message(record: Record, offset: int = 0) -> Message:
    return Message(record.topic, 0, offset, record.key, record.value, dict(record.headers))


def own(config: ConnectorConfig) -> sqlite3.Connection:
    return sqlite3.connect(config.database.removeprefix("sqlite:///"), timeout=60, isolation_level=None)


def test_a_package_is_receipted_after_delivery(
    config: ConnectorConfig, producer: Producer, area: str, signers: dict[str, Signer], tap: Any
) -> None:
    """Claim: the receipt is a valid, signed receipt.v1 that names package, push and the hash of the exact
    bytes; the same package twice is delivered once and its receipt keeps its bytes; after a restart nothing
    comes again; `state.json` tells of it."""
    record = a_package(area, signers["hub"])
    producer.publish([record])
    answers = tap(config.topic_out)
    with running(lambda stop: run_configured(config, stop)):
        (first,) = answers.until(1)
        producer.publish([record])
        second = answers.until(2)[1]
        health = until(
            lambda: (found := read_health(config.state_dir / "state.json")) and found["received"] and found
        )
        assert health["state"] == "running"
    assert second.value == first.value
    document = loads(first.value)
    assert violations("receipt.v1", document) == []
    own_key = signers["scjg"]
    TrustedKeys.of([TrustedKey(own_key.kid, "scjg", own_key.public_pem)]).verify(
        first.value, first.header("signature"), at=datetime.now(UTC)
    )
    assert document["data"]["package_sha256"] == hashlib.sha256(record.value).hexdigest()
    assert [one["kind"] for one in document["data"]["receipts"]] == ["arrived", "signed"]
    assert first.key == b"c-1"
    assert own(config).execute("SELECT count(*) FROM shenguan_inbox").fetchone() == (1,)
    with running(lambda stop: run_configured(config, stop)):
        until(lambda: (read_health(config.state_dir / "state.json") or {}).get("state") == "running")
        assert len(answers.quiet()) == 2
    stopped = read_health(config.state_dir / "state.json")
    assert stopped is not None
    assert stopped["state"] == "stopped"


def test_what_is_not_the_hubs_goes_to_our_own_quarantine(
    connector: Connector, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: unsigned, forged, by another key, too large, not JSON, unknown type, against the schema, from
    another source and for another department: each is set aside with its cause, and the good package among
    them is delivered."""
    hub, stranger = signers["hub"], Signer.from_pem("hub", generate_private_key())
    good = a_package(area, hub)
    to_other = json.loads(good.value)
    to_other["data"]["push"]["department"] = "zhzf"
    receipt = examples_of("receipt.v1")[0] | {"source": f"/{area}/hub"}

    def signed(value: bytes) -> Record:
        return good._replace(value=value, headers=[("signature", hub.sign(value).encode())])

    bad = {
        "unsigned": good._replace(headers=[]),
        "bad_signature": good._replace(value=good.value + b" "),
        "unknown_key": good._replace(headers=[("signature", stranger.sign(good.value).encode())]),
        "too_large": signed(b"x" * (1024 * 1024 + 1)),
        "not_json": signed(b"{"),
        "unknown_type": signed(dumps(receipt)),
        "schema": a_package(area, hub, data={}),
        "wrong_sender": a_package(area, hub, source="/elsewhere/hub"),
    }
    records = [*bad.values(), signed(dumps(to_other)), good]
    assert connector._receiver.take([as_message(one, offset) for offset, one in enumerate(records)]) == 1
    rows = connector._state._db.execute("SELECT cause, message FROM quarantine ORDER BY offset").fetchall()
    assert [row[0] for row in rows] == [*bad, "wrong_sender"]
    assert all(row[1] for row in rows)


class CutProducer(Producer):
    """A producer that loses the broker right before the receipts."""

    def publish(self, records: Any) -> Any:
        return [BusUnavailable() for _ in records]


def test_a_crash_between_delivery_and_receipt_loses_no_receipt(
    config: ConnectorConfig, area: str, signers: dict[str, Signer], tap: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: when the broker goes away after delivery, the package is not delivered twice and its receipt
    leaves at the next start, even before the package is read again."""
    record = a_package(area, signers["hub"])
    config.state_dir.mkdir(exist_ok=True)
    monkeypatch.setattr(program, "Producer", CutProducer)
    first = Connector(config, lambda: datetime.now(UTC))
    first._parts.adapter.prepare()
    with pytest.raises(BusUnavailable):
        first._receiver.take([as_message(record)])
    first.close()
    monkeypatch.undo()
    answers = tap(config.topic_out)
    with running(lambda stop: run_configured(config, stop)):
        (receipt,) = answers.until(1)
    assert loads(receipt.value)["data"]["event_id"] == loads(record.value)["id"]
    assert own(config).execute("SELECT count(*) FROM shenguan_inbox").fetchone() == (1,)


def test_findings_claims_and_returns_leave_signed_or_come_back_with_a_reason(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer], tap: Any
) -> None:
    """Claim: a written finding leaves as a valid signed event whose id depends on its content alone; a
    faulty one stays with a reason; a claim and a return become receipts of their kind; one for an unknown
    package is refused in words."""
    connector._receiver.take([as_message(a_package(area, signers["hub"], n), n) for n in (1, 2)])
    db = own(config)
    db.executemany(
        "INSERT INTO shenguan_findings (finding_no, project_no, inspected_at, inspectors, check_result, handling)"
        " VALUES (?, 'c-1', ?, ?, ?, '2')",
        [
            ("JC-1", "2026年11月21日 9:30", "示例己，示例庚", "不符合"),
            ("JC-2", "昨天", "示例己", "3"),
            ("JC-3", "2026-11-21", None, "4"),
        ],
    )
    db.execute("UPDATE shenguan_inbox SET claimed_by = '示例辛' WHERE case_no = 'c-1'")
    db.execute("UPDATE shenguan_inbox SET returned_why = '不属于本部门职责' WHERE case_no = 'c-2'")
    assert connector._sender.send() == 3
    assert connector._sender.send() == 0
    found = [loads(m.value) for m in tap(config.topic_out).until(5)]
    by_type: dict[str, list[Any]] = {}
    for document in found:
        assert violations(document["type"], document) == []
        by_type.setdefault(document["type"], []).append(document)
    (finding,) = by_type["finding.reported.v1"]
    assert finding["data"]["check_result"] == "3"
    assert finding["data"]["inspected_at"] == "2026-11-21T09:30:00+08:00"
    kinds = [[one["kind"] for one in document["data"]["receipts"]] for document in by_type["receipt.v1"]]
    assert sorted(kinds) == [["arrived", "signed"]] * 2 + [["claimed"], ["returned"]]
    rows = dict(db.execute("SELECT finding_no, problem FROM shenguan_findings").fetchall())
    assert rows["JC-1"] is None
    assert "inspected_at" in rows["JC-2"]
    assert "check_result" in rows["JC-3"]
    assert "inspectors" in rows["JC-3"]
    db.execute(
        "UPDATE shenguan_findings SET status = 'new' WHERE finding_no = 'JC-1'"
    )  # as after a crash before the note
    db.execute("UPDATE shenguan_inbox SET claim_sent_as = NULL WHERE case_no = 'c-1'")
    db.execute(
        "INSERT INTO shenguan_inbox (event_id, claimed_by) VALUES ('00000000-0000-4000-8000-00000000dead', '示例辛')"
    )
    assert connector._sender.send() == 2
    again = [loads(m.value)["id"] for m in tap(config.topic_out).until(7)]
    assert len(set(again)) == 5
    assert (
        "没有收到过" in db.execute("SELECT problem FROM shenguan_inbox WHERE case_no IS NULL").fetchone()[0]
    )


def test_what_the_hub_quarantined_is_shown_at_its_source(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: quarantined.v1 is kept once in `returned_problems` and turns the row that caused it into a
    problem, with cause and cure."""
    db = own(config)
    db.execute(
        "INSERT INTO shenguan_findings (finding_no, project_no, inspected_at, inspectors, check_result, handling)"
        " VALUES ('JC-1', 'c-9', '2026-11-21', '示例己', '1', '1')"
    )
    connector._sender.send()
    (sent_as,) = db.execute("SELECT event_id FROM shenguan_findings").fetchone()
    data = examples_of("quarantined.v1")[0]["data"] | {"event_id": sent_as, "cause": "unknown_case"}
    data |= {"message": "没有办件编号为 c-9 的办件", "expected": "请核对办件编号"}
    news = "20000000-0000-4000-8000-000000000001"
    document = event(f"/{area}/hub", "quarantined.v1", "c-9", data, event_id=news, at=NOW)
    record = sign(document, signers["hub"]).record(config.topic_in)
    connector._receiver.take([as_message(record), as_message(record, 1)])
    status, problem = db.execute("SELECT status, problem FROM shenguan_findings").fetchone()
    assert status == "problem"
    assert "没有办件编号为 c-9 的办件" in problem
    assert "请核对办件编号" in problem
    assert connector._state.counts()["returned_problems"] == 1


def test_two_connectors_cannot_share_a_state_folder(config: ConnectorConfig) -> None:
    """Claim: a second connector on the same state folder is refused in words."""
    with running(lambda stop: run_configured(config, stop)):
        until(lambda: (read_health(config.state_dir / "state.json") or {}).get("state") == "running")
        with pytest.raises(Misconfigured, match="已有一个连接器"):
            run_configured(config, __import__("threading").Event())


def test_a_new_key_of_the_hub_is_found_by_one_fresh_look(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: after the hub's key was rotated in the bundle, the first message under the new key is taken; a
    revoked key is not."""
    old, new = signers["hub"], Signer.from_pem("hub", generate_private_key())
    connector._receiver.take([as_message(a_package(area, old, 1))])
    keys = {
        old.kid: {"public_pem": old.public_pem, "revoked_at": "2020-01-01T00:00:00Z"},
        new.kid: new.public_pem,
    }
    with open(config.trust_bundle, "wb") as file:
        file.write(dumps({"keys": keys}))
    connector._parts.trust._looked_at = -1e9  # the last look was long ago
    assert (
        connector._receiver.take(
            [as_message(a_package(area, new, 2), 1), as_message(a_package(area, old, 3), 2)]
        )
        == 1
    )
    assert connector._state.counts()["quarantined"] == 1


def test_without_a_trust_list_nothing_is_judged(
    connector_config: Callable[..., ConnectorConfig], area: str, topics: list[str], signers: dict[str, Signer]
) -> None:
    """Claim: a bundle that cannot be read makes the connector wait (nothing is quarantined); the last good
    copy serves later."""
    config = connector_config(trust_bundle="http://127.0.0.1:1/trust")
    config.state_dir.mkdir()
    made = Connector(config, lambda: datetime.now(UTC))
    made._parts.adapter.prepare()
    message = as_message(a_package(area, signers["hub"]))
    with pytest.raises(ConnectorError, match="信任清单"):
        made._receiver.take([message])
    assert made._state.counts()["quarantined"] == 0
    hub = signers["hub"]
    (config.state_dir / "trust.json").write_bytes(dumps({"keys": {hub.kid: hub.public_pem}}))
    assert made._receiver.take([message]) == 1
    made.close()


def test_the_adapter_being_away_stops_the_offset(
    connector: Connector, area: str, signers: dict[str, Signer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: when the department's own system is away, delivery raises, no receipt is made, and a later try
    succeeds."""
    message = as_message(a_package(area, signers["hub"]))
    good = connector._parts.adapter
    assert isinstance(good, TableAdapter)
    monkeypatch.setattr(good, "_db", TableAdapter("sqlite:////proc/none/own.sqlite")._db)
    with pytest.raises(ConnectorError):
        connector._receiver.take([message])
    assert connector._state.counts()["received"] == 0
    monkeypatch.undo()
    assert connector._receiver.take([message]) == 1


def test_a_broker_without_our_topics_is_told_apart(
    connector_config: Callable[..., ConnectorConfig], bus: BusSettings
) -> None:
    """Claim: a connector of a department that the hub does not know yet waits and says for what."""
    config = connector_config("zhzf", area="never-registered")
    config.state_dir.mkdir()
    made = Connector(config, lambda: datetime.now(UTC))
    with pytest.raises(ConnectorError, match="等待平台登记本部门"):
        made._line.receive(1, 10)
    made.close()


def test_what_was_said_is_said_again_with_the_same_bytes(
    config: ConnectorConfig, connector: Connector, tap: Any
) -> None:
    """Asked to, a connector sends its findings once more, byte for byte, and only once."""
    document = event(config.source, "finding.reported.v1", "case-1", {"n": 1}, event_id="e1", at=NOW)
    signed = sign(document, connector._parts.signer)
    state, sender = connector._parts.state, connector._sender
    state.note_said([signed])
    assert sender.send() == 0
    assert state.say_again("2999-01-01T00:00:00.000Z") == 0
    assert state.say_again() == 1

    assert (sender.send(), sender.send()) == (1, 0)
    (message,) = tap(config.topic_out).quiet()
    assert (message.value, message.header("signature")) == (signed.value, signed.signature)
