"""The tables of the connector's state file, and how the file of an earlier release becomes one of this."""

from __future__ import annotations

import sqlite3

from connectors.department.events import local_day
from schemas import loads

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
CREATE TABLE IF NOT EXISTS elsewhere (event_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS evidence (
  sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL, brought_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS count_asked (
  event_id TEXT PRIMARY KEY, first_day TEXT NOT NULL, last_day TEXT NOT NULL, with_ids INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counted (
  day TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL, ids_sha256 TEXT NOT NULL, PRIMARY KEY (day, what));
"""
#: Columns that came later: of what a message is, and on which day it says it was sent.
_ADDED = {
    "received": ("event_type", "day", "receipt_day"),
    "said": ("event_type", "day"),
}
_INDEXES = """
CREATE INDEX IF NOT EXISTS received_day ON received (day);
CREATE INDEX IF NOT EXISTS received_receipt_day ON received (receipt_day);
CREATE INDEX IF NOT EXISTS said_day ON said (day);
"""


def make_tables(db: sqlite3.Connection) -> None:
    """Make what is missing; rows of an earlier release learn what they are from the bytes that were kept."""
    db.executescript(_TABLES)
    db.execute("BEGIN IMMEDIATE")  # the thread that fetches files opens the same file
    try:
        for table, names in _ADDED.items():
            present = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            for name in names:
                if name not in present:
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
        _fill_received(db)
        _fill_said(db)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    db.executescript(_INDEXES)


def _fill_received(db: sqlite3.Connection) -> None:
    """When the message itself was sent is not known of these: the day on which it came stands for it."""
    old = db.execute("SELECT event_id, push_id, receipt, received_at FROM received WHERE event_type = ''")
    for event_id, push_id, receipt, received_at in old.fetchall():
        kind = "approval.decided.v1" if push_id else "licence.changed.v1"
        db.execute(
            "UPDATE received SET event_type = ?, day = ?, receipt_day = ? WHERE event_id = ?",
            (kind, local_day(received_at), kind_and_day(receipt)[1], event_id),
        )


def _fill_said(db: sqlite3.Connection) -> None:
    for event_id, value in db.execute("SELECT event_id, value FROM said WHERE event_type = ''").fetchall():
        db.execute(
            "UPDATE said SET event_type = ?, day = ? WHERE event_id = ?", (*kind_and_day(value), event_id)
        )


def kind_and_day(value: bytes) -> tuple[str, str]:
    """Of an event's bytes: its type, and the local day that its `time` says."""
    event = loads(value)
    return event["type"], local_day(event["time"])
