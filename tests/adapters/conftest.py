"""The servers of Debian, one of each for the whole run. Only `make test-adapters` runs this folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests import session_parts
from tests.adapters.servers import new_password


def _admin() -> pymysql.Connection[Any]:
    at = session_parts.ask("mariadb")
    return pymysql.connect(
        host=at["host"], port=int(at["port"]), user="admin", password=at["password"], autocommit=True
    )


@dataclass(frozen=True)
class MariaDBAt:
    """A database of one test's own, and an ordinary user who may do everything in it."""

    host: str
    port: int
    database: str
    user: str
    password: str
    certificate: Path  # its own authority

    def connect(self) -> pymysql.Connection[Any]:
        """An autocommit connection of that user."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.database,
            charset="utf8mb4",
            autocommit=True,
        )

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """A cursor of the server's administrator."""
        with _admin() as connection, connection.cursor() as cursor:
            yield cursor

    def read(self, statement: str, values: Any = ()) -> list[Any]:
        """Rows."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())


@pytest.fixture
def mariadb() -> Iterator[MariaDBAt]:
    """A real MariaDB of Debian's package."""
    at = session_parts.ask("mariadb")
    name, password = f"t_{secrets.token_hex(6)}", new_password()
    with _admin() as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'")
        cursor.execute(f"GRANT ALL ON {name}.* TO {name}@'%'")
        yield MariaDBAt(at["host"], int(at["port"]), name, name, password, Path(at["certificate"]))
        cursor.execute(f"DROP DATABASE {name}")
        cursor.execute(f"DROP USER {name}@'%'")


@dataclass(frozen=True)
class SftpAt:
    """An SFTP server that opens in `home`, a folder of one test's own below `files`, where its user starts."""

    host: str
    port: int
    user: str
    key: str  # the private key, OpenSSH's own format
    host_key: str  # 'ssh-ed25519 AAAA...', what a client pins
    files: Path  # the folder a session starts in
    home: Path  # inside it, this test's alone; its name is its path for the client


@pytest.fixture
def sftp_server() -> SftpAt:
    """A real OpenSSH of Debian's package; by key only."""
    at = session_parts.ask("sftp")
    files = Path(at["files"])
    home = files / f"t-{secrets.token_hex(6)}"
    home.mkdir()
    return SftpAt(
        at["host"], int(at["port"]), at["user"], Path(at["key"]).read_text(), at["host_key"], files, home
    )
