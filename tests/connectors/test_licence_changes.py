"""A licence's change on the wire: from a finding of one department to the tables and files of both, and signed for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from connectors.bus import Message, Record
from connectors.department.adapters.port import AdapterUnavailable
from connectors.department.config import ConnectorConfig
from connectors.department.program import Connector, run_configured
from connectors.intake import program as intake
from connectors.relay import program as relay
from hub.exchange.announcement import Announcement
from hub.licensing.licence import Licence
from hub.licensing.living.change_status import change_status
from schemas import dumps, examples_of, loads, violations
from storage.signing import Signer
from tests.connectors.test_department import a_package, as_message
from tests.connectors.waiting import running, until
from tests.hub.builders import decided


def own(config: ConnectorConfig) -> sqlite3.Connection:
    return sqlite3.connect(config.database.removeprefix("sqlite:///"), timeout=60, isolation_level=None)


def test_a_finding_freezes_and_both_departments_have_it_within_seconds(
    county: Engine,
    desk: Any,
    relay_config: relay.RelayConfig,
    intake_config: intake.IntakeConfig,
    connector_config: Callable[..., ConnectorConfig],
) -> None:
    """Claim: a finding written as a row freezes the licence; the reporting department's table and the other one's folder
    say so, their packages' licence follows, and the hub knows that both signed for it; a person's lifting works the same
    way."""
    table, folder = connector_config("scjg"), connector_config("zhzf", adapter="folder")
    (case,) = decided(county, desk)
    with (
        running(lambda stop: relay.run(relay_config, stop)),
        running(lambda stop: intake.run(intake_config, stop)),
        running(lambda stop: run_configured(table, stop)),
        running(lambda stop: run_configured(folder, stop)),
    ):
        db = own(table)
        until(lambda: _inbox(db) == [("01", None)])
        db.execute(
            "INSERT INTO shenguan_findings (finding_no, project_no, inspected_at, inspectors, check_result, handling,"
            " explain) VALUES ('JC-1', ?, '2026-11-21', '示例己', '不符合', '移交执法', '无证加工')",
            (case.case_no,),
        )
        frozen = until(lambda: _changes(db))
        assert frozen == [("暂扣", "02", "无证加工", "示范县市场监督管理局", "JC-1")]
        assert [status for status, _ in _inbox(db)] == ["02"]
        (file,) = until(lambda: list((folder.folder / "licences").glob("*.json")))
        assert loads(file.read_bytes())["data"]["department"] == "zhzf"
        until(lambda: _signed(county) == [True, True])
        with county.begin() as tx:
            change_status(
                tx, tx.execute(select(Licence.id)).scalar_one(), "restore",
                reason="整改合格", actor="user:a", department="scjg", desk=desk,
            )  # fmt: skip
        until(lambda: len(_changes(db)) == 2)
        assert _changes(db)[1][:2] == ("暂扣发还", "01")
        assert [status for status, _ in _inbox(db)] == ["01"]
        until(lambda: _signed(county) == [True] * 4)
        assert db.execute("SELECT count(*) FROM shenguan_inbox").fetchone() == (1,)
        db.close()


def _inbox(db: sqlite3.Connection) -> list[Any]:
    try:
        return db.execute("SELECT licence_status, licence_status_at FROM shenguan_inbox").fetchall()
    except sqlite3.OperationalError:
        return []


def _changes(db: sqlite3.Connection) -> list[Any]:
    columns = "operation_name, to_status, reason, by_name, finding_no"
    return db.execute(f"SELECT {columns} FROM shenguan_licence_changes ORDER BY changed_at").fetchall()


def _signed(engine: Engine) -> list[bool]:
    with engine.connect() as tx:
        rows = tx.execute(select(Announcement.arrived_at, Announcement.signed_at)).all()
    return [arrived is not None and signed is not None for arrived, signed in rows]


# -- the connector alone -----------------------------------------------------------------------------------------


def a_change(area: str, hub: Signer, number: int = 1, **data: Any) -> Record:
    document = json.loads(json.dumps(examples_of("licence.changed.v1")[0]))
    document |= {
        "id": f"30000000-0000-4000-8000-{number:012d}", "source": f"/{area}/hub", "subject": "c-1",
    }  # fmt: skip
    document["data"] |= data
    value = dumps(document)
    headers = [("signature", hub.sign(value).encode()), ("kid", hub.kid.encode())]
    return Record(f"{area}.scjg.in", b"c-1", value, headers)


def told(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM shenguan_licence_changes").fetchone()[0])


def test_a_change_is_delivered_once_and_receipted_without_a_push(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer], tap: Any
) -> None:
    """Claim: in one batch with its package, twice and again later, it is one row; its receipt is a valid receipt.v1 that
    names the message and the hash of its bytes, and keeps its own bytes."""
    change, package = a_change(area, signers["hub"]), a_package(area, signers["hub"])
    batch = [as_message(one, at) for at, one in enumerate((change, package, change))]
    assert connector._receiver.take(batch) == 2
    assert connector._receiver.take([as_message(change, 9)]) == 0
    assert told(own(config)) == 1
    answers = [message for message in tap(config.topic_out).until(3) if _about(message, change)]
    assert len(answers) == 2
    assert answers[0].value == answers[1].value
    receipt = loads(answers[0].value)
    assert violations("receipt.v1", receipt) == []
    assert "push_id" not in receipt["data"]
    assert [one["kind"] for one in receipt["data"]["receipts"]] == ["arrived", "signed"]
    counts = connector._state.counts()
    assert (counts["received"], counts["licence_changes"]) == (1, 1)


def _about(message: Message, record: Record) -> bool:
    return bool(loads(message.value)["data"]["event_id"] == loads(record.value)["id"])


def test_what_is_not_for_us_or_not_the_hubs_is_set_aside(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: a change for another department, one signed by a department, one against the schema and one altered after it
    was signed go to our own quarantine; nothing is delivered of them."""
    good = a_change(area, signers["hub"])
    bad = [
        a_change(area, signers["hub"], 2, department="zhzf"),
        a_change(area, signers["scjg"], 3),
        a_change(area, signers["hub"], 4, change={}),
        good._replace(value=good.value.replace("暂扣".encode(), "有效".encode(), 1)),
    ]
    assert connector._receiver.take([as_message(one, at) for at, one in enumerate([*bad, good])]) == 1
    rows = connector._state._db.execute("SELECT cause FROM quarantine ORDER BY offset").fetchall()
    assert [row[0] for row in rows] == ["wrong_sender", "unknown_key", "schema", "bad_signature"]
    assert told(own(config)) == 1


def test_a_department_that_is_away_gets_it_later(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Claim: while the department's own database is away nothing is receipted; when it is back the batch is taken whole."""

    def away(_: Any) -> None:
        raise AdapterUnavailable

    records = [as_message(a_package(area, signers["hub"])), as_message(a_change(area, signers["hub"]), 1)]
    with monkeypatch.context() as patched:
        patched.setattr(connector._parts.adapter, "changed", away)
        with pytest.raises(AdapterUnavailable):
            connector._receiver.take(records)
    assert connector._state.counts()["received"] == 0
    assert connector._receiver.take(records) == 2
    assert told(own(config)) == 1
    assert own(config).execute("SELECT count(*) FROM shenguan_inbox").fetchone() == (1,)


def test_a_change_is_neither_claimed_nor_returned(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: a claim that names a change of a licence is refused in words, here, before it leaves."""
    connector._receiver.take([as_message(a_change(area, signers["hub"]))])
    db = own(config)
    db.execute(
        "INSERT INTO shenguan_inbox (event_id, claimed_by) VALUES ('30000000-0000-4000-8000-000000000001', '示例辛')"
    )
    assert connector._sender.send() == 0
    assert "不需要认领、退回或办结" in db.execute("SELECT problem FROM shenguan_inbox").fetchone()[0]


def test_a_folder_gets_the_exact_bytes(
    connector_config: Callable[..., ConnectorConfig], topics: list[str], area: str, signers: dict[str, Signer]
) -> None:
    """Claim: what stands in `licences/` is what the hub signed."""
    config = connector_config(adapter="folder")
    config.state_dir.mkdir(exist_ok=True)
    connector = Connector(config, lambda: datetime.now(UTC))
    connector._parts.adapter.prepare()
    change = a_change(area, signers["hub"])
    try:
        connector._receiver.take([as_message(change)])
    finally:
        connector.close()
    (path,) = (Path(config.folder) / "licences").glob("*.json")
    assert path.read_bytes() == change.value
