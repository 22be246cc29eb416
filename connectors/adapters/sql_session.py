"""One held connection to a database, its tables looked at once, and what happens when it fails.

Guarantees: a connection that was lost while nobody used it is opened again without a word; every error of the database comes
out as AdapterUnavailable with a sentence, but those of single rows, which `RowFault` carries to whoever can bisect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.adapters.sql_errors import DatabaseFault, fault_of
from connectors.adapters.sql_server import Server, within
from connectors.adapters.sql_table import SchemaChanged, Shape, shape_of
from connectors.errors import AdapterUnavailable, ConnectorError

Result = TypeVar("Result")
#: A connection that went while nobody used it says so at once; what takes longer was not that.
STALE_SECONDS = 1.0
_ADVICE = {
    "sign_in": "请核对用户名、密码和数据库名，或请对方的数据库管理员授权。",
    "permission": "请对方的数据库管理员授予读写所用表的权限。",
    "schema": "请测试连接，查看对方现在的表和字段。",
}


class RowFault(Exception):
    """The database refuses one of the rows it was given."""

    def __init__(self, fault: DatabaseFault) -> None:
        super().__init__(fault.words)
        self.fault = fault


class Lost(Exception):
    """The connection broke; another one may hold."""

    def __init__(self, fault: DatabaseFault) -> None:
        super().__init__(fault.words)
        self.fault = fault


class Session:
    """At most one connection; never two threads at once."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._file = 0
        self._shapes: dict[str, Shape] = {}

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """`work` inside one transaction. It is tried a second time when a connection that was held has gone in between."""
        held, begun = self._connection is not None, time.monotonic()
        try:
            return self._run(work)
        except Lost as lost:
            if not held or time.monotonic() - begun > STALE_SECONDS:
                raise self._unavailable(lost.fault) from lost
        try:
            return self._run(work)
        except Lost as lost:
            raise self._unavailable(lost.fault) from lost

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        with self._watch():
            connection = self._opened()
            with (
                within(1 + self.server.timeout * 1.2, connection.connection.dbapi_connection),
                connection.begin(),
            ):
                return work(connection)

    def shape(self, connection: Connection, name: str) -> Shape:
        """The table, as it was when it was first looked at."""
        if name not in self._shapes:
            self._shapes[name] = shape_of(connection, name, self.server.schema)
        return self._shapes[name]

    def forget(self) -> None:
        """Look at all tables again."""
        self._shapes.clear()

    def close(self) -> None:
        """Let go."""
        connection, self._connection = self._connection, None
        self._shapes.clear()
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except (SQLAlchemyError, OSError):
                pass  # it was gone already

    def connect(self) -> Connection:
        """A connection; what the driver raises is raised as it is."""
        if self._engine is None:
            self._engine = self.server.engine()
        return self._engine.connect()

    def _opened(self) -> Connection:
        file = self.server.file_number()
        if file != self._file:
            self.close()  # an SQLite file that somebody moved away or put in its place would still be open
        if self._connection is None:
            self._connection, self._file = self.connect(), file
        return self._connection

    @contextmanager
    def _watch(self) -> Iterator[None]:
        try:
            yield
        except (RowFault, ConnectorError):
            raise
        except Exception as error:
            if not is_of_database(error):
                self.close()
                raise
            fault = fault_of(error)
            if fault.kind == "row":
                raise RowFault(fault) from error
            if fault.kind == "schema":
                self.forget()
                raise SchemaChanged(self._sentence(fault)) from error
            self.close()
            if fault.gone:
                raise Lost(fault) from error
            raise self._unavailable(fault) from error

    def _unavailable(self, fault: DatabaseFault) -> AdapterUnavailable:
        return AdapterUnavailable(self._sentence(fault))

    def _sentence(self, fault: DatabaseFault) -> str:
        advice = _ADVICE.get(fault.kind, "")
        return f"部门数据库 {self.server.shown} {fault.words}。{advice}数据没有丢失，恢复后会自动继续。"


def is_of_database(error: BaseException) -> bool:
    """Whether the database, its driver or the network between raised it."""
    drivers = ("pymysql", "psycopg", "sqlite3")
    raised_by = type(error).__module__.partition(".")[0]
    return isinstance(error, SQLAlchemyError | OSError | EOFError) or raised_by in drivers
