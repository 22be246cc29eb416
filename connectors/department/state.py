"""The connector's own SQLite file: what came, what was answered, what could not be taken, which files are still to come.

Guarantees: a receipt that was once made keeps its bytes, so sending it again is a duplicate and never a second statement.
Holds no department data beyond what is needed for that; the packages themselves are with the department's own system.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from connectors.bus import Message
from connectors.department.events import Signed, instant

_TABLES = """
CREATE TABLE IF NOT EXISTS received (
  event_id TEXT PRIMARY KEY, push_id TEXT NOT NULL, case_no TEXT NOT NULL, sha256 TEXT NOT NULL,
  received_at TEXT NOT NULL,
  receipt_id TEXT NOT NULL, receipt BLOB NOT NULL, signature TEXT NOT NULL, kid TEXT NOT NULL, receipted_at TEXT);
CREATE INDEX IF NOT EXISTS received_push ON received (push_id);
CREATE INDEX IF NOT EXISTS received_unanswered ON received (event_id) WHERE receipted_at IS NULL;
CREATE TABLE IF NOT EXISTS said (
  event_id TEXT PRIMARY KEY, case_no TEXT NOT NULL, value BLOB NOT NULL, signature TEXT NOT NULL, kid TEXT NOT NULL,
  said_at TEXT NOT NULL, again INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS said_again ON said (said_at) WHERE again;
CREATE TABLE IF NOT EXISTS quarantine (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, sha256 TEXT NOT NULL,
  cause TEXT NOT NULL, message TEXT NOT NULL, value BLOB NOT NULL, signature TEXT, received_at TEXT NOT NULL,
  PRIMARY KEY (topic, partition, offset, sha256));
CREATE TABLE IF NOT EXISTS returned_problems (
  event_id TEXT PRIMARY KEY, about_event_id TEXT, cause TEXT NOT NULL, message TEXT NOT NULL, expected TEXT NOT NULL,
  topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, sha256 TEXT NOT NULL, received_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  material_id TEXT PRIMARY KEY, case_no TEXT NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
  href TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0, problem TEXT, stored_as TEXT);
CREATE INDEX IF NOT EXISTS files_wanted ON files (next_try) WHERE stored_as IS NULL;
"""
_KEPT = 64 * 1024
_FILE_COLUMNS = ("material_id", "case_no", "name", "media_type", "href", "sha256", "size")


class Received(NamedTuple):
    """A package or a licence's change that came, as receipts need to name it."""

    event_id: str
    push_id: str  # '': a licence's change
    case_no: str
    sha256: str


class State:
    """One connection, one thread. Every method is a transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def receipts_of(self, event_ids: Sequence[str]) -> dict[str, Signed]:
        """The receipts already made for these packages."""
        found: dict[str, Signed] = {}
        for start in range(0, len(event_ids), 500):
            part = event_ids[start : start + 500]
            marks = ",".join("?" * len(part))
            rows = self._db.execute(
                f"SELECT event_id, receipt_id, case_no, receipt, signature, kid FROM received WHERE event_id IN ({marks})",  # noqa: S608 - marks only
                part,
            )
            found |= {row[0]: Signed(*row[1:]) for row in rows}
        return found

    def note_received(
        self, packages: Iterable[tuple[Received, Signed]], files: Iterable[Mapping[str, Any]]
    ) -> None:
        """These are delivered; their receipts stand, though not yet sent. Their files are wanted."""
        now = instant(datetime.now(UTC))
        columns = ", ".join(_FILE_COLUMNS)
        names = ", ".join(f":{name}" for name in _FILE_COLUMNS)
        with self._transaction():
            self._db.executemany(
                """INSERT OR IGNORE INTO received (event_id, push_id, case_no, sha256, received_at,
                     receipt_id, receipt, signature, kid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                [(*got, now, s.event_id, s.value, s.signature, s.kid) for got, s in packages],
            )
            self._db.executemany(
                f"INSERT OR IGNORE INTO files ({columns}) VALUES ({names})",  # noqa: S608 - our own names
                [dict(one) for one in files],
            )

    def note_receipted(self, event_ids: Iterable[str]) -> None:
        """The receipts of these packages are safe on the broker."""
        now = instant(datetime.now(UTC))
        with self._transaction():
            self._db.executemany(
                "UPDATE received SET receipted_at = ? WHERE event_id = ? AND receipted_at IS NULL",
                [(now, event_id) for event_id in event_ids],
            )

    def note_said(self, statements: Iterable[Signed]) -> None:
        """These findings, claims and returns are safe on the broker. Kept, so that a wiped broker can be told again."""
        now = instant(datetime.now(UTC))
        with self._transaction():
            self._db.executemany(
                """INSERT INTO said (event_id, case_no, value, signature, kid, said_at) VALUES (?, ?, ?, ?, ?, ?)
                   ON CONFLICT (event_id) DO UPDATE SET again = 0""",
                [(*one, now) for one in statements],
            )

    def say_again(self, since: str | None = None) -> int:
        """Have everything said since then (RFC 3339, UTC) sent once more, the same bytes. Returns how many."""
        with self._transaction():
            done = self._db.execute("UPDATE said SET again = 1 WHERE said_at >= ?", (since or "",))
        return done.rowcount

    def to_say_again(self, limit: int) -> list[Signed]:
        """What waits to be sent once more, the oldest first."""
        rows = self._db.execute(
            "SELECT event_id, case_no, value, signature, kid FROM said WHERE again ORDER BY said_at, rowid LIMIT ?",
            (limit,),
        )
        return [Signed(*row) for row in rows]

    def find(self, *, event_id: str | None = None, push_id: str | None = None) -> Received | None:
        """A package by its event id or its push id."""
        row = self._db.execute(
            "SELECT event_id, push_id, case_no, sha256 FROM received WHERE event_id = ? OR push_id = ? LIMIT 1",
            (event_id, push_id),
        ).fetchone()
        return Received(*row) if row else None

    def quarantine(self, message: Message, sha256: str, *, cause: str, words: str) -> None:
        """Set a message aside with its cause."""
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    message.topic,
                    message.partition,
                    message.offset,
                    sha256,
                    cause,
                    words,
                    message.value[:_KEPT],
                    message.header("signature"),
                    instant(datetime.now(UTC)),
                ),
            )

    def note_problem(self, event_id: str, data: Mapping[str, Any]) -> bool:
        """The hub could not take a message of ours. True when this is news."""
        with self._transaction():
            done = self._db.execute(
                "INSERT OR IGNORE INTO returned_problems VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (event_id, data["event_id"], data["cause"], data["message"], data["expected"], data["topic"],
                 data["partition"], data["offset"], data["sha256"], data["received_at"]),
            )  # fmt: skip
        return done.rowcount > 0

    def counts(self) -> dict[str, int]:
        """How much of everything there is."""
        asked = {
            "received": "SELECT count(*) FROM received WHERE push_id <> ''",
            "licence_changes": "SELECT count(*) FROM received WHERE push_id = ''",
            "unreceipted": "SELECT count(*) FROM received WHERE receipted_at IS NULL",
            "quarantined": "SELECT count(*) FROM quarantine",
            "returned_problems": "SELECT count(*) FROM returned_problems",
            "files_wanted": "SELECT count(*) FROM files WHERE stored_as IS NULL",
        }
        return {name: self._db.execute(question).fetchone()[0] for name, question in asked.items()}

    def unsent_receipts(self, limit: int = 500) -> dict[str, Signed]:
        """Receipts that were made and may not have been sent: a crash came between."""
        rows = self._db.execute(
            "SELECT event_id, receipt_id, case_no, receipt, signature, kid FROM received WHERE receipted_at IS NULL LIMIT ?",
            (limit,),
        )
        return {row[0]: Signed(*row[1:]) for row in rows}

    def wanted_file(self, now: float) -> dict[str, Any] | None:
        """One file to fetch now."""
        cursor = self._db.execute(
            f"SELECT {', '.join(_FILE_COLUMNS)}, attempts FROM files WHERE stored_as IS NULL AND next_try <= ?"  # noqa: S608
            " ORDER BY next_try LIMIT 1",
            (now,),
        )
        row = cursor.fetchone()
        return dict(zip((*_FILE_COLUMNS, "attempts"), row, strict=True)) if row else None

    def file_stored(self, material_id: str, where: str) -> None:
        """The file is here, complete and as promised."""
        with self._transaction():
            self._db.execute(
                "UPDATE files SET stored_as = ?, problem = NULL WHERE material_id = ?", (where, material_id)
            )

    def file_failed(self, material_id: str, words: str, next_try: float) -> None:
        """Not yet; again later."""
        with self._transaction():
            self._db.execute(
                "UPDATE files SET attempts = attempts + 1, problem = ?, next_try = ? WHERE material_id = ?",
                (words, next_try, material_id),
            )

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("ROLLBACK" if kind else "COMMIT")
