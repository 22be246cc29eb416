"""Over the hub's REST door: a real hub, a real department - and one that changes between door and broker in the middle."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update
from werkzeug.serving import make_server

from admin import AdminConfig, create_app
from connectors.bus import Message
from connectors.department.config import ConnectorConfig
from connectors.department.line import PLACE
from connectors.department.program import Connector, run_configured
from connectors.errors import BusUnavailable, ConnectorError
from connectors.intake import program as intake
from connectors.relay import program as relay
from hub.deciding.decide import decide
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow
from hub.feedback.evidence import Evidence
from hub.feedback.finding import Finding
from hub.pushing.push import Push
from schemas import loads
from storage.files import FileStore
from storage.intake.finish import Intake
from storage.intake.spool import Spool
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from tests.connectors.waiting import running, until
from tests.hub.builders import a_case
from tests.readable import until_readable

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
def door(
    county: Engine, database_url: str, desk: Any, parts: Any, tmp_path: Path, area: str
) -> Iterator[str]:
    """The hub's admin over HTTP, with a store for files."""
    objects = ObjectStore(
        parts.s3_endpoint, access_key=parts.s3_access_key, secret_key=parts.s3_secret_key, bucket=f"rest-{area}"
    )  # fmt: skip
    objects.ensure_bucket()
    files = FileStore(objects, KeyEncryption(bytes(range(32))))
    kept = Intake(Spool(tmp_path / "spool"), files, desk.clock)
    app = create_app(AdminConfig(database_url, "only for tests, " * 3, desk, files=files, intake=kept))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    app.extensions["shenguan"].live.stop()
    server.shutdown()
    thread.join(60)
    server.server_close()
    app.extensions["shenguan"].engine.dispose()


@pytest.fixture
def over_rest(connector_config: Callable[..., ConnectorConfig], door: str) -> ConnectorConfig:
    return connector_config(bus=None, public_url=door, rest_poll_ms=200)


def own(config: ConnectorConfig) -> sqlite3.Connection:
    return sqlite3.connect(config.database.removeprefix("sqlite:///"), timeout=60, isolation_level=None)


def signed(engine: Engine) -> int:
    with engine.connect() as tx:
        question = select(Push.id).where(Push.department == "scjg", Push.signed_at.is_not(None))
        return len(tx.execute(question).all())


def delivered(config: ConnectorConfig) -> list[str]:
    with sqlite3.connect(config.database.removeprefix("sqlite:///"), timeout=60) as db:
        return [row[0] for row in db.execute("SELECT case_no FROM shenguan_inbox ORDER BY rowid")]


def test_a_department_moves_between_broker_and_door_and_loses_nothing(
    county: Engine,
    desk: Any,
    relay_config: relay.RelayConfig,
    intake_config: intake.IntakeConfig,
    connector_config: Callable[..., ConnectorConfig],
    over_rest: ConnectorConfig,
) -> None:
    """Claim: broker, then door, then broker again, decisions coming all the while: every package is delivered once and
    signed for, what it reports is taken once, and nothing is in anybody's quarantine."""
    over_broker = connector_config()
    cases: list[str] = []

    def everything_signed() -> bool:
        return signed(county) == len(cases)

    def everything_reported() -> bool:
        return _count(county, Finding) == reported

    with (
        running(lambda stop: relay.run(relay_config, stop)),
        running(lambda stop: intake.run(intake_config, stop)),
    ):
        for reported, config in enumerate((over_broker, over_rest, over_broker), 1):
            # Some while nobody is connected, some while the connector runs.
            cases += more(county, desk, 3)
            with running(partial(run_configured, config)):
                cases += more(county, desk, 2)
                until(everything_signed)
                report(config, f"JC-{reported}", cases[-1])
                until(everything_reported)
    assert sorted(delivered(over_broker)) == sorted(cases)
    assert _count(county, Quarantined) == 0
    with sqlite3.connect(over_broker.state_dir / "state.sqlite") as db:
        assert db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)


def report(config: ConnectorConfig, number: str, case_no: str, files: str | None = None) -> None:
    with own(config) as db:
        db.execute(
            "INSERT INTO shenguan_findings (finding_no, project_no, inspected_at, inspectors, check_result, handling,"
            " files) VALUES (?, ?, '2026-11-21', '示例己', '符合', '通过', ?)",
            (number, case_no, files),
        )
    db.close()


def _count(engine: Engine, model: Any) -> int:
    with engine.connect() as tx:
        return len(tx.execute(select(model.id)).all())


_CASES = itertools.count(1)


def more(engine: Engine, desk: Any, count: int) -> list[str]:
    """Decisions that were not there before, and can be read over REST; their case numbers."""
    cases = [a_case(next(_CASES), area=desk.area) for _ in range(count)]
    with engine.begin() as tx:
        decide(tx, cases, desk, actor="user:t")
    until_readable(engine)
    return [case.case_no for case in cases]


@pytest.fixture
def connector(over_rest: ConnectorConfig) -> Iterator[Connector]:
    over_rest.state_dir.mkdir(exist_ok=True)
    made = Connector(over_rest, lambda: datetime.now(UTC))
    made._parts.adapter.prepare()
    yield made
    made.close()


def step(connector: Connector) -> int:
    """One look at the door, however little time has passed; how many messages came."""
    connector._line._asked_at = 0.0  # type: ignore[attr-defined]
    messages = connector._line.receive(500, 200)
    if messages:
        connector._take(messages)
    return len(messages)


def test_a_new_machine_takes_only_what_is_not_signed_for(
    county: Engine, desk: Any, over_rest: ConnectorConfig, connector: Connector
) -> None:
    """Claim: with an empty state folder only what has no receipt comes; then everything that comes; the place survives."""
    old = more(county, desk, 3)
    with county.begin() as tx:
        tx.execute(update(Push).where(Push.case_no == old[0]).values(signed_at=datetime.now(UTC)))
    until(lambda: step(connector) == 2)
    assert sorted(delivered(over_rest)) == sorted(old[1:])
    until(lambda: signed(county) == 3)
    assert step(connector) == 0
    place = connector._state.note(PLACE)
    (fresh,) = more(county, desk, 1)
    until(lambda: step(connector) == 1)
    assert connector._state.note(PLACE) != place
    assert delivered(over_rest)[-1] == fresh


def test_a_new_machine_on_a_broker_learns_what_was_signed_for(
    county: Engine, desk: Any, over_rest: ConnectorConfig, bus: Any, topics: list[str]
) -> None:
    """Claim: with an empty state folder on a broker, what the hub holds a receipt for is not delivered again though it is on
    the topic; the rest is; a hub that does not answer delays nobody."""
    old = more(county, desk, 2)
    with county.begin() as tx:
        tx.execute(update(Push).where(Push.case_no == old[0]).values(signed_at=datetime.now(UTC)))
    with county.connect() as tx:
        rows = tx.execute(select(OutboxRow).where(OutboxRow.topic == over_rest.topic_in)).all()
    messages = [
        Message(
            row.topic, 0, number, row.key.encode(), bytes(row.value), {"signature": row.signature.encode()}
        )
        for number, row in enumerate(rows)
    ]
    for name, address, taken in (("new", over_rest.public_url, 1), ("cut off", "http://127.0.0.1:1", 2)):
        folder = over_rest.state_dir / name
        folder.mkdir(parents=True)
        made = Connector(
            replace(over_rest, bus=bus, state_dir=folder, public_url=address), lambda: datetime.now(UTC)
        )
        made._parts.adapter.prepare()
        made._learn_place()
        assert made._receiver.take(messages) == taken
        made.close()


def test_after_a_restore_of_the_hub_the_connector_goes_on(
    county: Engine, desk: Any, over_rest: ConnectorConfig, connector: Connector
) -> None:
    """Claim: a place that the hub does not know any more is given up; nothing is delivered twice, nothing is missed."""
    more(county, desk, 2)
    until(lambda: step(connector) == 2)
    connector._state.set_note(PLACE, "abc-1.99999999.7")
    assert step(connector) == 0
    more(county, desk, 1)
    until(lambda: step(connector) == 1)
    assert len(delivered(over_rest)) == 3


def test_evidence_goes_first_and_a_door_that_is_shut_only_delays(
    county: Engine,
    desk: Any,
    over_rest: ConnectorConfig,
    connector: Connector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Claim: a file that a row names is with the hub before the message that names it, once though two rows name it; a file
    that is not there is told in the row; while the hub is away nothing is lost or refused."""
    (case_no,) = more(county, desk, 1)
    until(lambda: step(connector) == 1)
    over_rest.evidence.mkdir(parents=True, exist_ok=True)
    (over_rest.evidence / "现场.pdf").write_bytes(PDF)
    for number, name in (("JC-1", "现场.pdf"), ("JC-2", "现场.pdf"), ("JC-3", "没有.pdf")):
        report(over_rest, number, case_no, name)
    db = own(over_rest)
    address = over_rest.public_url
    connector._door._config = replace(over_rest, public_url="http://127.0.0.1:1")
    assert connector._sender.send() == 0
    with pytest.raises(BusUnavailable, match="连接不上"):
        connector._door.ask("GET", "/messages")
    assert [row[0] for row in db.execute("SELECT status FROM shenguan_findings ORDER BY id")] == [
        "new",
        "new",
        "problem",
    ]
    connector._door._config = replace(over_rest, public_url=address)
    connector._sender._evidence._away = (0.0, "")
    assert connector._sender.send() == 2
    with county.connect() as tx:
        assert [row.name for row in tx.execute(select(Evidence.name))] == ["现场.pdf"]
        values = tx.execute(select(Finding.finding_no)).scalars().all()
    assert sorted(values) == ["JC-1", "JC-2"]
    problem = db.execute("SELECT problem FROM shenguan_findings WHERE finding_no = 'JC-3'").fetchone()[0]
    assert "没有.pdf" in problem
    db.close()


def test_a_refusal_over_the_door_is_shown_where_it_was_written(
    county: Engine, desk: Any, over_rest: ConnectorConfig, connector: Connector
) -> None:
    """Claim: what the hub cannot take comes back to its row with the hub's words, as over a topic."""
    db = own(over_rest)
    report(over_rest, "JC-9", "nowhere")
    assert connector._sender.send() == 1
    until(lambda: step(connector) == 1)
    (words,) = db.execute("SELECT problem FROM shenguan_findings WHERE status = 'problem'").fetchone()
    assert "平台未采用" in words
    with county.connect() as tx:
        (value,) = tx.execute(select(OutboxRow.value).where(OutboxRow.event_type == "quarantined.v1")).one()
    assert loads(bytes(value))["data"]["partition"] == -1
    db.close()


def test_a_stranger_waits_in_words(over_rest: ConnectorConfig, connector: Connector, county: Engine) -> None:
    """Claim: a department whose key is revoked is told so by its connector, and nothing is sent."""
    with county.begin() as tx:
        tx.execute(text("UPDATE department_keys SET revoked_at = now() - interval '1 minute'"))
    with pytest.raises(ConnectorError, match="吊销"):
        step(connector)
