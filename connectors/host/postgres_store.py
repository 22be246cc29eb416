"""A connector's state in the hub's database: a schema of its own for each connector, the statements those of the file.

Guarantees: what one connector remembers no other can read by mistake: every statement runs with that schema alone in sight.
A host that takes over finds everything as the last one left it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

from connectors.department.store import Rows, Values
from connectors.errors import BusUnavailable

_NAMED = re.compile(r"(?<![:\w]):(\w+)")


class StateAway(BusUnavailable):
    """数据库暂时不可用。数据没有丢失，恢复后会自动继续。"""


def schema_of(connector: str) -> str:
    """Where this connector's state is."""
    return f"connector_{connector.replace('-', '_')}"


class PostgresStore:
    """Has a connection only inside `bound`."""

    def __init__(self, connector: str) -> None:
        self.schema = schema_of(connector)
        self._connection: psycopg.Connection[Any] | None = None

    @contextmanager
    def bound(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Work on this connection (autocommit), alone, until the end of the block."""
        self._connection = connection
        try:
            with _watched():
                connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(self.schema)))
            yield
        finally:
            self._connection = None

    def execute(self, statement: str, values: Values = ()) -> Rows:
        """One statement."""
        with _watched():
            return self._open.execute(_ours(statement), values)

    def executemany(self, statement: str, rows: Iterable[Values]) -> None:
        """One statement for each of these rows."""
        listed = list(rows)
        if listed:
            with _watched():
                self._open.cursor().executemany(_ours(statement), listed)

    def make(self, tables: str) -> None:
        """Several statements, the schema first."""
        with _watched():
            name = sql.Identifier(self.schema)
            self._open.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
            self._open.execute(sql.SQL(tables.replace(" BLOB", " BYTEA")))

    def columns(self, table: str) -> set[str]:
        """The columns that a table has."""
        asked = "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ?"
        return {row[0] for row in self.execute(asked, (self.schema, table))}

    @property
    def version(self) -> int:
        """As the schema's comment has it."""
        asked = "SELECT obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace WHERE nspname = ?"
        row = self.execute(asked, (self.schema,)).fetchone()
        return int(row[0]) if row and row[0] else 0

    def set_version(self, version: int) -> None:
        """Write it there."""
        with _watched():
            self._open.execute(
                sql.SQL("COMMENT ON SCHEMA {} IS {}").format(
                    sql.Identifier(self.schema), sql.Literal(str(version))
                )
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All inside, or none."""
        with _watched(), self._open.transaction():
            yield

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            raise StateAway
        return self._connection


@lru_cache(maxsize=512)
def _ours(statement: str) -> Any:
    """`?` and `:name` as the driver has them."""
    plain = statement.replace("%", "%%").replace("?", "%s")
    return _NAMED.sub(r"%(\1)s", plain)


@contextmanager
def _watched() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StateAway(f"数据库暂时不可用：{str(error).strip()[:200]}") from error
