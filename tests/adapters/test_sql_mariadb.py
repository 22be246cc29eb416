"""The SQL adapter passes the contract on a real MariaDB, with and without TLS, and minds its ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import URL, create_engine

from connectors.adapters.port import AdapterUnavailable, Outgoing
from connectors.errors import ConnectorError
from tests.adapters.contract import (
    Checks,
    Collects,
    Delivers,
    Refuses,
    Rehearses,
    RehearsesCollecting,
    Settles,
    deliver,
)
from tests.adapters.counterpart import outgoing, record
from tests.adapters.servers import certificate
from tests.adapters.sql_counterpart import SqlCounterpart
from tests.adapters.sql_traps import FrontDatabase, OverAWire, Reads, Writes
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
    made.wire = wire
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


class TestTablesWithoutTransactions(Delivers, Refuses):
    """The contract for a table on MyISAM, which keeps half of what was broken off: its own key makes it whole again."""

    @pytest.fixture(autouse=True)
    def _half(self, counterpart: Any) -> None:
        counterpart.run("ALTER TABLE licences ENGINE=MyISAM")

    test_nothing_half_is_ever_seen = None  # not promised here: what is there so far can be seen


def test_without_transactions_and_without_key_nothing_is_written(counterpart: Any) -> None:
    """Claim: where neither the engine nor a key would keep rows apart, that is said, by the check as well."""
    counterpart.run("ALTER TABLE licences ENGINE=MyISAM")
    counterpart.place_out |= {"key_columns": ""}
    adapter = counterpart.open()
    with pytest.raises(AdapterUnavailable, match="InnoDB"):
        deliver(adapter, [record(1)])
    last = list(adapter.check())[-1]
    assert (last.layer, last.ok) == ("shape", False)
    assert "InnoDB" in last.words
    assert counterpart.there() == []
    adapter.close()


def test_nothing_is_cut_off_in_silence(counterpart: Any, mariadb: Any) -> None:
    """Claim: a server may not cut texts off: what is too long for its type, or not of its characters, is refused."""
    counterpart.run(
        "ALTER TABLE licences MODIFY note TINYTEXT, MODIFY name VARCHAR(60) CHARACTER SET utf8mb3"
    )
    adapter = counterpart.open()
    batch = [record(1), record(2, note="长" * 100), record(3, name="𠮷野家"), record(4)]
    answers = adapter.deliver([outgoing(one) for one in batch])
    causes = [answer.cause if answer else None for answer in answers]
    assert causes == [None, "too_big", "shape", None]
    assert answers[2] is not None
    assert "utf8mb4" in answers[2].words
    assert counterpart.there() == [record(1), record(4)]
    adapter.close()


def test_rights_that_are_missing(counterpart: Any, mariadb: Any) -> None:
    """Claim: a user who may only read is told so at its own layer, with the right to ask for; delivering says the same."""
    reader, password = f"{mariadb.database}_r", "only-Reads-1"
    counterpart.secrets = (password,)
    with mariadb.admin() as admin:
        admin.execute(f"CREATE USER {reader}@'%' IDENTIFIED BY '{password}'")
        admin.execute(f"GRANT SELECT ON {mariadb.database}.* TO {reader}@'%'")
    try:
        counterpart.endpoint.settings["user"] = reader
        counterpart.outside = replace(counterpart.outside, secrets={"password": password})
        adapter = counterpart.open()
        last = list(adapter.check())[-1]
        assert (last.layer, last.ok) == ("permission", False)
        assert reader in last.advice
        with pytest.raises(AdapterUnavailable, match="权限"):
            deliver(adapter, [record(1)])
        adapter.close()
        reading = counterpart.open(out=False)
        assert [step.words for step in reading.check() if not step.ok] == []
        reading.close()
    finally:
        with mariadb.admin() as admin:
            admin.execute(f"DROP USER {reader}@'%'")


def test_certificates_that_do_not_hold(counterpart: Any, mariadb: Any, tmp_path: Any) -> None:
    """Claim: another authority, another name: said at the layer of TLS, before any password is sent."""
    other, _ = certificate(tmp_path)
    mine = mariadb.certificate.read_text()
    for authority, name in ((other.read_text(), "localhost"), (mine, "db.example"), ("no certificate", "")):
        counterpart.endpoint.settings.update(tls="verify", authority=authority, server_name=name)
        adapter = counterpart.open()
        last = list(adapter.check())[-1]
        assert (last.layer, last.ok) == ("tls", False), last
        with pytest.raises(ConnectorError):
            deliver(adapter, [record(1)])
        adapter.close()
    assert counterpart.there() == []


class TestMariaDBOverAWire(OverAWire):
    """A network that breaks off and servers that do not answer."""


def test_every_kind_of_column(counterpart: Any) -> None:
    """Claim: bits as flags, JSON, years, times, unsigned numbers go in as they are written and come out so."""
    kinds = "b BIT(1), j JSON, d DATETIME(3), y YEAR, t TIME, e ENUM('甲','乙'), u BIGINT UNSIGNED, f DOUBLE, day DATE"
    counterpart.run(f"CREATE TABLE kinds (id INT PRIMARY KEY, {kinds})")
    counterpart.place_out |= {"table": "kinds"}
    counterpart.place_in |= {"table": "kinds", "cursor_column": "id"}
    counterpart.rules = ()
    row = {
        "id": "1", "b": "是", "j": {"a": [1, "中"]}, "d": "2026-11-21T01:02:03.456Z", "y": "2026", "t": "08:30",
        "e": "甲", "u": "18446744073709551615", "f": "1.5", "day": "2026年1月5日",
    }  # fmt: skip
    bad = [{**row, "id": "2", "e": "丙"}, {**row, "id": "3", "u": "-1"}, {**row, "id": "4", "t": "无"}]
    adapter = counterpart.open()
    answers = adapter.deliver([Outgoing(one["id"], "c", one) for one in (row, *bad)])
    assert [answer is None for answer in answers] == [True, False, False, False]
    kinds_told = {column.name: column.kind for column in adapter.columns()}
    assert [kinds_told[name] for name in ("b", "d", "u", "f", "day")] == [
        "flag",
        "moment",
        "integer",
        "number",
        "date",
    ]
    adapter.close()
    reading = counterpart.open(out=False)
    (found,) = reading.collect("", 10).records
    assert found.record == {
        "id": 1, "b": 1, "j": '{"a":[1,"中"]}', "d": "2026-11-21 09:02:03.456000", "y": 2026, "t": "8:30:00",
        "e": "甲", "u": 18446744073709551615, "f": 1.5, "day": "2026-01-05",
    }  # fmt: skip
    reading.close()
