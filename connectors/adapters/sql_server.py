"""The database that an endpoint's settings name, and connections to it: PostgreSQL, MySQL/MariaDB, or an SQLite file.

Guarantees: only judged addresses are connected to (`guard`); every wait has an end (`timeout_seconds`); MySQL runs in strict
mode, so that it refuses what it would otherwise cut off in silence; an SQLite file that is not there is not made.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from connectors.adapters.filled import filled
from connectors.adapters.guard import dial, guard, spelled
from connectors.adapters.outside import Outside
from connectors.adapters.shelf import inside
from connectors.adapters.tls import tls_context
from connectors.errors import Misconfigured

PORTS = {"mysql": 3306, "postgresql": 5432}
#: A server that does not even take the connection.
CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is, and how to get in. Its representation has no secret in it."""

    dialect: str
    host: str
    port: int
    database: str
    schema: str | None
    user: str
    tls: bool
    server_name: str
    timeout: int
    path: Path
    outside: Outside = field(repr=False)
    password: str = field(repr=False, default="")
    authority: str = field(repr=False, default="")

    @classmethod
    def of(cls, settings: Mapping[str, Any], outside: Outside) -> Server:
        """From the settings of an endpoint. Raises Misconfigured."""
        given = filled("sql", "settings", settings)
        dialect = given["dialect"]
        if dialect not in (*PORTS, "sqlite"):
            raise Misconfigured(f"不认识数据库种类“{dialect}”。")
        return cls(
            dialect=dialect,
            host=given["host"],
            port=given["port"] or PORTS.get(dialect, 0),
            database=given["database"],
            schema=given["schema"] or None if dialect == "postgresql" else None,
            user=given["user"],
            tls=given["tls"] == "verify" and dialect != "sqlite",
            server_name=given["server_name"],
            timeout=given["timeout_seconds"],
            path=_file(given["path"], outside) if dialect == "sqlite" else Path(),
            outside=outside,
            password=outside.secrets.get("password", ""),
            authority=given["authority"],
        )

    @property
    def shown(self) -> str:
        """How it is called in a sentence."""
        return str(self.path) if self.dialect == "sqlite" else f"{self.host}:{self.port}/{self.database}"

    def file_number(self) -> int:
        """Which file it is just now; 0 for a server, -1 for a file that is not there."""
        if self.dialect != "sqlite":
            return 0
        try:
            return self.path.stat().st_ino
        except OSError:
            return -1

    def engine(self) -> Engine:
        """One connection at a time, none kept; made by `_connect_...`."""
        ways = {
            "postgresql": ("postgresql+psycopg://", self._connect_postgres),
            "mysql": ("mysql+pymysql://", self._connect_mysql),
            "sqlite": ("sqlite://", self._connect_sqlite),
        }
        url, connect = ways[self.dialect]
        # Values by position: rows go to the driver as they are, without a dictionary for each.
        marks = "qmark" if self.dialect == "sqlite" else "format"
        return create_engine(url, creator=connect, poolclass=NullPool, paramstyle=marks)

    def context(self) -> ssl.SSLContext:
        """Whom we trust."""
        return tls_context(self.authority)

    def _connect_sqlite(self) -> Any:
        if not self.path.is_file():
            raise sqlite3.OperationalError(f"no such file: {self.path}")
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self.timeout,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    def _connect_mysql(self) -> Any:
        import pymysql  # type: ignore[import-untyped]

        connection = pymysql.Connection(
            host=self.server_name or spelled(self.host),
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.database,
            charset="utf8mb4",
            connect_timeout=min(CONNECT_SECONDS, self.timeout),
            read_timeout=self.timeout,
            write_timeout=self.timeout,
            ssl=self.context() if self.tls else None,
            local_infile=False,
            defer_connect=True,
            init_command="SET SESSION sql_mode = CONCAT_WS(',', @@sql_mode, 'STRICT_ALL_TABLES'),"
            f" innodb_lock_wait_timeout = {max(1, self.timeout // 2)}",
        )
        wire = dial(self.host, self.port, self.outside, min(CONNECT_SECONDS, self.timeout))
        try:
            connection.connect(wire)
        except BaseException:
            wire.close()
            raise
        return connection

    def _connect_postgres(self) -> Any:
        import psycopg

        addresses = guard(self.host, self.port, self.outside)
        milliseconds = self.timeout * 1000
        with self._trusted() as file:
            return psycopg.connect(
                host=",".join([self.server_name or spelled(self.host)] * len(addresses)),
                hostaddr=",".join(addresses),
                port=self.port,
                user=self.user,
                password=self.password,
                dbname=self.database,
                connect_timeout=min(CONNECT_SECONDS, self.timeout),
                sslmode="verify-full" if self.tls else "prefer",
                sslrootcert=file,
                sslcertmode="disable",
                passfile=os.devnull,  # nothing of the home of whoever runs this
                gssencmode="disable",
                tcp_user_timeout=milliseconds,
                prepare_threshold=None,  # a pooler may be in between
                options=f"-c statement_timeout={milliseconds} -c lock_timeout={max(500, milliseconds // 2)}",
            )

    @contextmanager
    def _trusted(self) -> Iterator[str | None]:
        """libpq reads authorities from files alone."""
        if not self.tls:
            yield None
        elif not self.authority.strip():
            yield ssl.get_default_verify_paths().cafile or "system"
        else:
            self.context()  # says so in Chinese where it is none
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as held:
                held.write(self.authority)
                held.flush()
                yield held.name


def _file(written: str, outside: Outside) -> Path:
    path = Path(written.strip())
    if not path.is_absolute():
        return outside.base / inside(written.strip())
    if not outside.absolute_paths:
        raise Misconfigured(
            "在平台上运行的连接器只能用平台数据目录之下的文件，请填写相对路径，例如 own.sqlite。"
        )
    return path


@contextmanager
def within(seconds: float, connection: Any) -> Iterator[None]:
    """A connection of psycopg that waits longer than this loses its socket: libpq itself would wait for ever."""
    number = getattr(getattr(connection, "pgconn", None), "socket", None)
    if number is None:
        yield
        return

    def hang_up() -> None:
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
