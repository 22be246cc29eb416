"""A connector at a department over the hub's real REST door: it tells how it is and does what people there decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text, update

from connectors.department.config import ConnectorConfig
from connectors.department.program import Connector
from hub.connecting.connector import Connector as ConnectorRow
from hub.connecting.connector import ConnectorRefusal, ConnectorVersion
from schemas.connector.document import document_to
from tests.connectors.test_mapped import FINDINGS, Own, a_document, a_finding, own, tiny  # noqa: F401
from tests.connectors.test_rest_line import door  # noqa: F401 - a fixture


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


def test_a_hub_that_is_away_holds_up_nothing(reporting: Connector, own: Own) -> None:  # noqa: F811
    """Claim: without an answer the refusal stays untold, and nothing is raised."""
    own.say(a_finding(2, r_check_result=None))
    reporting._sender.send()
    object.__setattr__(reporting._config, "public_url", "http://127.0.0.1:1")
    turn(reporting)
    assert len(reporting._state.mapped.untold(10)) == 1
