"""Where a connector keeps its state: its own SQLite file, or (connectors.host) a schema of the hub's database.

The statements are written once, in what both understand: `?` and `:name` for values, `ON CONFLICT`, quoted reserved words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

Values = Sequence[Any] | Mapping[str, Any]


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Store(Protocol):
    """One connection, one thread at a time."""

    def execute(self, statement: str, values: Values = ()) -> Rows:
        """One statement."""

    def executemany(self, statement: str, rows: Iterable[Values]) -> None:
        """One statement for each of these rows."""

    def make(self, tables: str) -> None:
        """Several statements without values, that make what is missing."""

    def columns(self, table: str) -> set[str]:
        """The columns that a table has."""

    @property
    def version(self) -> int:
        """Which version its tables were last made as; 0: never."""

    def set_version(self, version: int) -> None:
        """They are of this version now."""

    def transaction(self) -> AbstractContextManager[None]:
        """All inside, or none."""

    def close(self) -> None:
        """Let go."""


class SqliteStore:
    """A file that survives a power cut."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")

    def execute(self, statement: str, values: Values = ()) -> Rows:
        """One statement."""
        return self._db.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Values]) -> None:
        """One statement for each of these rows."""
        self._db.executemany(statement, rows)

    def make(self, tables: str) -> None:
        """Several statements without values."""
        self._db.executescript(tables)

    def columns(self, table: str) -> set[str]:
        """The columns that a table has."""
        return {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}

    @property
    def version(self) -> int:
        """As the file itself has it."""
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def set_version(self, version: int) -> None:
        """Write it into the file."""
        self._db.execute(f"PRAGMA user_version = {version}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN IMMEDIATE: a second process that opens the same file waits."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
