"""The tables of the connector's state, and how the file of an earlier release becomes one of this."""

from __future__ import annotations

from connectors.department.events import local_day
from connectors.department.store import Store
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
CREATE INDEX IF NOT EXISTS said_waiting ON said (said_at) WHERE again = 1;
CREATE TABLE IF NOT EXISTS quarantine (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" BIGINT NOT NULL, sha256 TEXT NOT NULL,
  cause TEXT NOT NULL, message TEXT NOT NULL, value BLOB NOT NULL, signature TEXT, received_at TEXT NOT NULL,
  PRIMARY KEY (topic, partition, "offset", sha256));
CREATE TABLE IF NOT EXISTS returned_problems (
  event_id TEXT PRIMARY KEY, about_event_id TEXT, cause TEXT NOT NULL, message TEXT NOT NULL, expected TEXT NOT NULL,
  topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" BIGINT NOT NULL, sha256 TEXT NOT NULL,
  received_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  material_id TEXT PRIMARY KEY, case_no TEXT NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
  href TEXT NOT NULL, sha256 TEXT NOT NULL, size BIGINT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, next_try DOUBLE PRECISION NOT NULL DEFAULT 0, problem TEXT, stored_as TEXT);
CREATE INDEX IF NOT EXISTS files_wanted ON files (next_try) WHERE stored_as IS NULL;
CREATE TABLE IF NOT EXISTS elsewhere (event_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS evidence (
  sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, size BIGINT NOT NULL, media_type TEXT NOT NULL, brought_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS count_asked (
  event_id TEXT PRIMARY KEY, first_day TEXT NOT NULL, last_day TEXT NOT NULL, with_ids INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counted (
  day TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL, ids_sha256 TEXT NOT NULL, PRIMARY KEY (day, what));
CREATE TABLE IF NOT EXISTS held (
  event_id TEXT PRIMARY KEY, value BLOB NOT NULL, flow TEXT NOT NULL, cause TEXT NOT NULL, version TEXT NOT NULL,
  held_at TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 1, again INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS aside (
  flow TEXT NOT NULL, ref TEXT NOT NULL, nr INTEGER NOT NULL, fields TEXT NOT NULL, record TEXT NOT NULL,
  since TEXT NOT NULL, PRIMARY KEY (flow, ref, nr));
CREATE TABLE IF NOT EXISTS refusals (
  flow TEXT NOT NULL, ref TEXT NOT NULL, direction TEXT NOT NULL, cause TEXT NOT NULL, words TEXT NOT NULL,
  faults TEXT NOT NULL, record TEXT, at TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1,
  state TEXT NOT NULL DEFAULT 'open', told INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (flow, ref));
CREATE INDEX IF NOT EXISTS refusals_untold ON refusals (flow) WHERE told = 0;
CREATE INDEX IF NOT EXISTS refusals_again ON refusals (flow) WHERE state = 'again';
CREATE TABLE IF NOT EXISTS origins (event_id TEXT PRIMARY KEY, flow TEXT NOT NULL, ref TEXT NOT NULL);
"""
#: Columns that came later: of what a message is, and on which day it says it was sent.
_TEXT, _NUMBER = "TEXT NOT NULL DEFAULT ''", "INTEGER NOT NULL DEFAULT 0"
_ADDED = {
    "received": {"event_type": _TEXT, "day": _TEXT, "receipt_day": _TEXT, "again": _NUMBER},
    "said": {"event_type": _TEXT, "day": _TEXT, "nr": _NUMBER},
}
#: Grows with every change of what is above.
VERSION = 6
_INDEXES = """
CREATE INDEX IF NOT EXISTS received_day ON received (day);
CREATE INDEX IF NOT EXISTS received_receipt_day ON received (receipt_day);
CREATE INDEX IF NOT EXISTS said_day ON said (day);
CREATE INDEX IF NOT EXISTS received_again ON received (received_at) WHERE again = 1;
"""


def make_tables(db: Store) -> None:
    """Make what is missing; rows of an earlier release learn what they are from the bytes that were kept."""
    if db.version == VERSION:
        return
    db.make(_TABLES)
    with db.transaction():  # the thread that fetches files opens the same file
        for table, columns in _ADDED.items():
            present = db.columns(table)
            for name, kind in columns.items():
                if name not in present:
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
        _fill_received(db)
        _fill_said(db)
    db.make(_INDEXES)
    db.set_version(VERSION)


def _fill_received(db: Store) -> None:
    """When the message itself was sent is not known of these: the day on which it came stands for it."""
    old = db.execute("SELECT event_id, push_id, receipt, received_at FROM received WHERE event_type = ''")
    for event_id, push_id, receipt, received_at in old.fetchall():
        kind = "approval.decided.v1" if push_id else "licence.changed.v1"
        db.execute(
            "UPDATE received SET event_type = ?, day = ?, receipt_day = ? WHERE event_id = ?",
            (kind, local_day(received_at), kind_and_day(receipt)[1], event_id),
        )


def _fill_said(db: Store) -> None:
    for event_id, value in db.execute("SELECT event_id, value FROM said WHERE event_type = ''").fetchall():
        db.execute(
            "UPDATE said SET event_type = ?, day = ? WHERE event_id = ?", (*kind_and_day(value), event_id)
        )


def kind_and_day(value: bytes) -> tuple[str, str]:
    """Of an event's bytes: its type, and the local day that its `time` says."""
    event = loads(value)
    return event["type"], local_day(event["time"])
