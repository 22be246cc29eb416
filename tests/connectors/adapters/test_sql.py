"""The SQL adapter passes the contract on PostgreSQL and SQLite; MariaDB is in tests/adapters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from connectors.adapters import Outside, open_adapter
from connectors.adapters.port import Outgoing
from connectors.errors import Misconfigured
from schemas.connector.document import Endpoint, Flow
from tests.adapters.contract import (
    Checks,
    Collects,
    Delivers,
    Refuses,
    Rehearses,
    RehearsesCollecting,
    Settles,
)
from tests.adapters.sql_counterpart import SqlCounterpart
from tests.adapters.sql_traps import FrontDatabase, OverAWire, Reads, Writes
from tests.adapters.wire import Wire


def postgres(url: str) -> SqlCounterpart:
    """The embedded server, over a wire."""
    at = make_url(url)
    assert at.host is not None
    assert at.port is not None
    wire = Wire(at.host, at.port)
    settings = {
        "dialect": "postgresql",
        "host": wire.host,
        "port": wire.port,
        "database": at.database,
        "user": at.username,
    }
    made = SqlCounterpart(
        create_engine(url), settings, secrets={"password": str(at.password)}, cut=wire.cut, mend=wire.mend
    )
    made.wire = wire
    return made


def sqlite(folder: Path) -> SqlCounterpart:
    """A file; it is away when it is moved."""
    file, away = folder / "own.sqlite", folder / "away"
    engine = create_engine(f"sqlite:///{file}")

    def cut() -> None:
        engine.dispose()
        file.rename(away)

    def mend() -> None:
        if away.exists():
            away.rename(file)

    made = SqlCounterpart(engine, {"dialect": "sqlite", "path": "own.sqlite"}, secrets={}, cut=cut, mend=mend)
    made.outside = replace(made.outside, base=folder)
    made.fails_at = {"away": "address", "place": "shape"}
    return made


@pytest.fixture(params=["postgresql", "sqlite"])
def counterpart(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlCounterpart]:
    made = (
        sqlite(tmp_path)
        if request.param == "sqlite"
        else postgres(request.getfixturevalue("empty_database_url"))
    )
    yield made
    made.close()


class TestSql(Checks, Delivers, Refuses, Collects, Rehearses, RehearsesCollecting):
    """The contract: a table with a key, a number that grows."""


class TestSqlWithStatus(Settles):
    """The contract where the department has a column for what became of its rows."""

    @pytest.fixture(autouse=True)
    def _status(self, counterpart: Any) -> None:
        counterpart.place_in |= {"status_column": "status", "words_column": "words"}


class TestSqlWithoutKey(Delivers, Refuses):
    """The contract for a table in which nothing is unique: our own list of what was delivered."""

    @pytest.fixture(autouse=True)
    def _no_key(self, counterpart: Any) -> None:
        counterpart.place_out |= {"key_columns": ""}


class TestSqlTraps(Writes, Reads, FrontDatabase):
    """What databases do to those who write into them."""


class TestPostgresOverAWire(OverAWire):
    """A network that breaks off and servers that do not answer."""

    @pytest.fixture
    def counterpart(self, empty_database_url: str) -> Iterator[SqlCounterpart]:
        made = postgres(empty_database_url)
        yield made
        made.close()


@pytest.mark.parametrize("path", ["/etc/passwd", "../other.sqlite", "a/../../b.sqlite"])
def test_at_the_hub_files_stay_in_their_folder(tmp_path: Path, path: str) -> None:
    """Claim: a connector on the hub's machine opens no file outside its own folder; at a department it may."""
    endpoint = Endpoint("own", "sql", {"dialect": "sqlite", "path": path})
    with pytest.raises(Misconfigured):
        open_adapter(endpoint, None, Outside(base=tmp_path))
    if Path(path).is_absolute():
        open_adapter(endpoint, None, Outside(base=tmp_path, absolute_paths=True))


def test_a_record_without_any_field_is_no_fault_of_syntax(tmp_path: Path) -> None:
    """Claim: what a mapping gave no field is refused with a sentence, and what it would be found by does not break."""
    with closing(sqlite3.connect(tmp_path / "own.sqlite")) as db:
        db.execute("CREATE TABLE permits (number TEXT PRIMARY KEY)")
    endpoint = Endpoint("own", "sql", {"dialect": "sqlite", "path": "own.sqlite"})
    flow = Flow("out", "out", "approval.decided.v1", "own", {"table": "permits", "delivery_column": "number"})
    with closing(open_adapter(endpoint, flow, Outside(base=tmp_path))) as adapter:
        assert adapter.found([Outgoing("k-1", "c-1", {})]) == [None]
    bare = replace(flow, place={"table": "permits"})
    with closing(open_adapter(endpoint, bare, Outside(base=tmp_path))) as adapter:
        (refused,) = adapter.deliver([Outgoing("k-1", "c-1", {})])
    assert refused is not None
    assert refused.words.startswith("映射没有给这条记录任何字段")
