"""What a retired connector remembered on the host: kept for a while, never dropped while something of it is unsettled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from connectors.bus import BusSettings
from connectors.department.adapters.port import Held
from connectors.department.mapped_state import Aside
from connectors.department.state import State
from connectors.host.postgres_store import PostgresStore
from connectors.host.retired import KEPT, drop_retired
from connectors.relay.housekeeping import Housekeeper
from connectors.session import libpq_url
from hub.connecting.turn_connector import retire
from hub.ports import Desk
from storage.signing import Signer
from tests.connectors.hosted import HostedHub, with_custody

EVENT = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def hosted(
    engine: Engine,
    desk: Desk,
    bus: BusSettings,
    signers: dict[str, Signer],
    tmp_path: Path,
    database_url: str,
) -> HostedHub:
    return HostedHub(engine, with_custody(desk), bus, signers["hub"], tmp_path / "connectors", database_url)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(libpq_url(database_url), autocommit=True) as opened:
        yield opened


def schemas(hosted: HostedHub) -> list[str]:
    asked = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'connector\\_%' ORDER BY 1"
    return [row.nspname for row in hosted.ask(asked)]


def test_the_state_of_a_retired_connector_goes_when_all_is_settled(
    hosted: HostedHub, connection: psycopg.Connection[Any]
) -> None:
    """Claim: not before its days are over, and not while a held message is neither signed for nor given up or a statement
    of the department's was not said; then it is gone, with a row in the ledger, and no other connector's is touched."""
    later = hosted.desk.clock() + KEPT + timedelta(minutes=1)
    for department in ("scjg", "zhzf"):
        hosted.join(department)
        store = PostgresStore(f"{department}-db")
        with store.bound(connection):
            state = State(store)
            if department == "scjg":
                state.mapped.note_held([(Held(EVENT, "packages", "shape", "小库没有这一列"), b"{}")], "v1")
                aside = Aside("findings", "id=3", 0, {}, {})
                state.mapped.move("findings", "3", (), [aside])
    with hosted.engine.begin() as tx:
        retire(tx, hosted.desk, "scjg-db", reason="改由新系统接入", actor="user:t")
    hosted.ask(
        "INSERT INTO connector_refusals (connector, flow, direction, ref, cause, words)"
        " VALUES ('scjg-db', 'packages', 'out', :ref, 'shape', '小库没有这一列')",
        ref=EVENT,
    )
    both = schemas(hosted)
    assert both == ["connector_scjg_db", "connector_zhzf_db"]

    def dropped(moment: Any) -> int:
        with hosted.engine.begin() as tx:
            return drop_retired(tx, moment, actor="program:relay")

    assert dropped(later) == 0
    with store.bound(connection):
        connection.execute("DELETE FROM connector_scjg_db.aside")
    assert dropped(later) == 0
    hosted.ask(
        "UPDATE connector_refusals SET settled_at = now(), settled_as = 'dismissed', settled_why = '已线下办理'"
    )
    assert dropped(later - timedelta(days=1)) == 0
    assert schemas(hosted) == both
    done = Housekeeper(hosted.engine, lambda: later).round(orphans=False)
    assert done is not None
    assert done["dropped"] == 1
    assert schemas(hosted) == ["connector_zhzf_db"]
    assert dropped(later) == 0
    (row,) = hosted.ask("SELECT actor, subject, detail FROM ledger WHERE action = 'connector.state_dropped'")
    assert (row.actor, row.subject, row.detail["held"]) == ("program:relay", "connector:scjg-db", 1)
