"""The SQL adapter passes the contract on a real MariaDB, with and without TLS, and minds its ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import URL, create_engine

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
from tests.adapters.sql_traps import FrontDatabase, Reads, Writes
from tests.adapters.wire import Wire


@pytest.fixture
def counterpart(mariadb: Any) -> Iterator[SqlCounterpart]:
    wire = Wire(mariadb.host, mariadb.port)
    settings = {
        "dialect": "mysql",
        "host": wire.host,
        "port": wire.port,
        "database": mariadb.database,
        "user": mariadb.user,
    }
    url = URL.create(
        "mysql+pymysql", mariadb.user, mariadb.password, mariadb.host, mariadb.port, mariadb.database
    )
    made = SqlCounterpart(
        create_engine(url), settings, secrets={"password": mariadb.password}, cut=wire.cut, mend=wire.mend
    )
    yield made
    made.close()
    wire.cut()


class TestMariaDB(Checks, Delivers, Refuses, Collects, Rehearses, RehearsesCollecting):
    """The contract: a table with a key, a number that grows."""


class TestMariaDBOverTls(Checks):
    """The contract over TLS, the certificate checked."""

    @pytest.fixture(autouse=True)
    def _tls(self, counterpart: Any, mariadb: Any) -> None:
        more = {"tls": "verify", "authority": mariadb.certificate.read_text(), "server_name": "localhost"}
        counterpart.endpoint.settings.update(more)


class TestMariaDBWithStatus(Settles):
    """The contract where the department has a column for what became of its rows."""

    @pytest.fixture(autouse=True)
    def _status(self, counterpart: Any) -> None:
        counterpart.place_in |= {"status_column": "status", "words_column": "words"}


class TestMariaDBWithoutKey(Delivers, Refuses):
    """The contract for a table in which nothing is unique: our own list of what was delivered."""

    @pytest.fixture(autouse=True)
    def _no_key(self, counterpart: Any) -> None:
        counterpart.place_out |= {"key_columns": ""}


class TestMariaDBWithASecondKey(Delivers, Refuses):
    """The contract for a table with another unique column: looked at first, inserted and updated apart."""

    @pytest.fixture(autouse=True)
    def _two_keys(self, counterpart: Any) -> None:
        counterpart.run("ALTER TABLE licences ADD UNIQUE (name)")


class TestMariaDBTraps(Writes, Reads, FrontDatabase):
    """What databases do to those who write into them."""
