"""One database session of a program that holds locks: the driver's own connection, with the values in binary.

Guarantees: every statement commits by itself, except in `transaction()`; a lost session raises `SessionLost`, and with
it the server has let go of every lock. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.engine import make_url


class SessionLost(Exception):
    """数据库暂时不可用。数据没有丢失，恢复后会自动继续。"""


class Session:
    """Opened by the constructor, given up by `close`."""

    def __init__(self, database_url: str, *, name: str) -> None:
        try:
            self._connection = psycopg.connect(
                libpq_url(database_url),
                autocommit=True,
                application_name=name,
                connect_timeout=5,
                # A zombie's session must not live for hours on a server that lost the way back to it.
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=20_000,
            )
        except psycopg.Error as error:
            raise SessionLost(f"数据库连接不上：{str(error).strip()[:200]}") from error

    def rows(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """The rows of one statement."""
        with self._watch():
            cursor = self._connection.execute(statement, parameters, binary=True)
            return cursor.fetchall() if cursor.description else []

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """One statement without rows; how many rows it touched."""
        with self._watch():
            return self._connection.execute(statement, parameters).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none."""
        with self._watch(), self._connection.transaction():
            yield

    def listen(self, channel: str) -> None:
        """Have the server tell us of every NOTIFY on `channel`."""
        self.run(f"LISTEN {channel}")

    def wait(self, seconds: float) -> bool:
        """Until a notification comes, at most `seconds`. True when one came."""
        with self._watch():
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))

    def check(self) -> None:
        """Raise `SessionLost` unless the server still knows this session, and so its locks."""
        self.run("SELECT 1")

    def close(self) -> None:
        """End the session; its locks go with it."""
        self._connection.close()

    @contextmanager
    def _watch(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise SessionLost(f"数据库暂时不可用：{str(error).strip()[:200]}") from error


def libpq_url(database_url: str) -> str:
    """The address as the driver reads it (SQLAlchemy names its driver in it)."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
