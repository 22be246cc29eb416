"""A connector at a department over the hub's real REST door: it tells how it is and does what people there decide."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text, update

from connectors.department.config import ConnectorConfig
from connectors.department.newer import as_kept
from connectors.department.program import Connector, run_configured
from hub.connecting.connector import Connector as ConnectorRow
from hub.connecting.connector import ConnectorRefusal, ConnectorVersion
from schemas.connector.document import ConnectorDocument, document_to
from storage.signing import BadSignature
from tests.connectors.test_mapped import FINDINGS, Own, a_document, a_finding, own, tiny  # noqa: F401
from tests.connectors.test_rest_line import door  # noqa: F401 - a fixture
from tests.connectors.waiting import until


@pytest.fixture
def reporting(
    county: Engine,
    connector_config: Callable[..., ConnectorConfig],
    door: str,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Connector]:
    document = a_document(FINDINGS)
    with county.begin() as tx:
        tx.execute(
            insert(ConnectorRow).values(
                code=document.code, department="scjg", title="小库", state="live", runs_at="department",
                version=1, created_by="user:t",
            )
        )  # fmt: skip
        tx.execute(
            insert(ConnectorVersion).values(
                connector=document.code, version=1, state="published", document=document_to(document),
                made_by="user:t", published_by="user:t", published_at=datetime.now(UTC),
            )
        )  # fmt: skip
    config = connector_config(
        adapter="mapped", document=document, base=tmp_path, evidence=tmp_path, bus=None, public_url=door
    )
    made = Connector(config, lambda: datetime.now(UTC))
    made._ready = True
    yield made
    made.close()


def rows(engine: Engine, question: str) -> list[Any]:
    with engine.connect() as tx:
        return list(tx.execute(text(question)).all())


def turn(connector: Connector) -> None:
    assert connector._reporter is not None
    connector._reporter._next_at = 0.0
    connector._say("running", None)


def test_it_tells_and_hears(reporting: Connector, county: Engine, own: Own) -> None:  # noqa: F811
    """Claim: health, figures and a refusal with its masked record stand in the hub's tables; what people ask to have
    tried again is; a pause is heard, and a rewind is done once; a record that goes through settles its refusal."""
    own.say(a_finding(1), a_finding(2, r_check_result=None))
    assert reporting._sender.send() == 1
    turn(reporting)
    ((state, waiting),) = rows(county, "SELECT state, waiting FROM connector_health")
    assert (state, waiting) == ("running", 0)
    ((refused, record),) = rows(county, "SELECT ref, record FROM connector_refusals WHERE settled_at IS NULL")
    assert refused == "id=2"
    assert "张三" not in str(record)
    assert rows(county, "SELECT sum(records), sum(refused) FROM connector_measures") == [(2, 1)]
    with county.begin() as tx:
        tx.execute(update(ConnectorRefusal).values(again=True))
        tx.execute(
            update(ConnectorRow).values(
                state="paused",
                rewind_to=datetime(2026, 1, 1, tzinfo=UTC),
                changed_no=ConnectorRow.changed_no + 1,
            )
        )
    turn(reporting)
    assert reporting._pace() == (True, 0)
    assert reporting._state.note("rewound_to") is not None
    assert reporting._sender.send() == 0
    turn(reporting)
    assert rows(county, "SELECT state FROM connector_health") == [("paused",)]
    assert rows(county, "SELECT times FROM connector_refusals") == [(2,)]
    with county.begin() as tx:
        tx.execute(update(ConnectorRow).values(state="live", changed_no=ConnectorRow.changed_no + 1))
    turn(reporting)
    assert reporting._pace()[1] > 0


def test_a_new_version_is_run_from_the_same_place(
    reporting: Connector,
    county: Engine,
    own: Own,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Claim: what the hub published since is run instead within a turn, from the place of the one before, and again at the
    next start; a settings file of another content counts again; what the hub did not sign changes nothing."""
    first, stop = reporting._config, threading.Event()
    newer = a_document(replace(FINDINGS, place={"table": "said_elsewhere"}))
    publish(county, newer)
    with monkeypatch.context() as forged:
        forged.setattr(reporting._parts.trust, "verify", _refuse)
        turn(reporting)
    assert reporting._reporter is not None
    assert reporting._reporter.newer is None
    reporting._reporter._next_at = 0.0
    assert reporting.run(stop) == newer
    reporting.close()
    own.say(a_finding(7), table="said_elsewhere")
    runs = threading.Thread(target=run_configured, args=(first, stop), daemon=True)
    runs.start()
    try:
        said = "SELECT count(*) FROM said_elsewhere WHERE event_id IS NOT NULL"
        until(lambda: own.rows(said) == [(1,)])
    finally:
        stop.set()
        runs.join(60)
    assert as_kept(first).document == newer
    other = replace(first, document=a_document(FINDINGS, poll_seconds=7))
    assert as_kept(other) == other


def test_an_answer_played_again_takes_nobody_back(
    reporting: Connector,
    county: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Claim: the hub's own signed answer of before, in the place of today's, changes nothing: neither version nor pause.
    What the hub itself says next is done, a lower version too."""
    reporter, knocker = reporting._reporter, reporting._door
    assert reporter is not None
    ask, answers = knocker.ask, list[Any]()
    second = a_document(replace(FINDINGS, place={"table": "said_elsewhere"}))

    def kept(method: str, path: str, **more: Any) -> Any:
        answers.append(ask(method, path, **more))
        return answers[-1]

    publish(county, second)
    monkeypatch.setattr(knocker, "ask", kept)
    turn(reporting)
    assert reporter.newer == second
    old = next(one for one in answers if one.request.method == "GET")
    assert old.headers["signature"]

    reporter.newer, reporter._tag = None, ""
    with county.begin() as tx:
        tx.execute(
            update(ConnectorRow).values(version=1, state="paused", changed_no=ConnectorRow.changed_no + 1)
        )
    monkeypatch.setattr(knocker, "ask", lambda *_asked, **_more: old)
    turn(reporting)
    assert (reporter.newer, reporter.paused) == (None, False)

    monkeypatch.setattr(knocker, "ask", ask)
    turn(reporting)
    assert (reporter.newer, reporter.paused) == (None, True)  # version 1 is what it runs


def _refuse(*_: object, **__: object) -> None:
    raise BadSignature("not the hub's")


def publish(engine: Engine, document: ConnectorDocument) -> None:
    with engine.begin() as tx:
        tx.execute(
            insert(ConnectorVersion).values(
                connector=document.code, version=2, state="published", document=document_to(document),
                made_by="user:t", published_by="user:t", published_at=datetime.now(UTC),
            )
        )  # fmt: skip
        tx.execute(update(ConnectorRow).values(version=2, changed_no=ConnectorRow.changed_no + 1))


def test_a_hub_that_is_away_holds_up_nothing(reporting: Connector, own: Own) -> None:  # noqa: F811
    """Claim: without an answer the refusal stays untold, and nothing is raised."""
    own.say(a_finding(2, r_check_result=None))
    reporting._sender.send()
    object.__setattr__(reporting._config, "public_url", "http://127.0.0.1:1")
    turn(reporting)
    assert len(reporting._state.mapped.untold(10)) == 1
