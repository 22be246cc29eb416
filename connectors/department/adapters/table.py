"""The adapter for a department that works with tables: what comes is a row of `shenguan_inbox`, what is told beside it a row
of `shenguan_licence_changes`, `shenguan_withdrawals`, `shenguan_forwarded`, `shenguan_advice`; what it reports is a row of
the table of its kind (`columns.ROWS`); its claims, returns and closings are columns of the inbox row.

Guarantees: columns of the department's own are left alone; missing ones of ours are added; a table that is seen has all its
columns. A row with status 'new' is taken once it is complete; what becomes of it stands in `status` ('sent', 'problem') and
`problem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.department.adapters.columns import (
    DELIVERED,
    FATE,
    INBOX,
    ROWS,
    STATEMENTS,
    TOLD_TABLES,
    inbox_row,
    told_columns,
    told_row,
)
from connectors.department.adapters.port import Draft, Kind
from connectors.department.adapters.sql import Database, Sqlite, open_database
from connectors.department.events import instant
from connectors.department.judge import LicenceChanged, Package, Told, Withdrawn

_STATUS = """
UPDATE shenguan_inbox SET licence_status = ?, licence_status_at = ?
WHERE licence_identifier = ? AND (licence_status_at IS NULL OR licence_status_at <= ?)
"""
#: A package that comes after the change of its licence (sent again, or delayed).
_CAUGHT_UP = """
UPDATE shenguan_inbox SET licence_status_at = (SELECT max(c.changed_at) FROM shenguan_licence_changes c
    WHERE c.licence_identifier = shenguan_inbox.licence_identifier),
  licence_status = (SELECT c.to_status FROM shenguan_licence_changes c
    WHERE c.licence_identifier = shenguan_inbox.licence_identifier ORDER BY c.changed_at DESC LIMIT 1)
WHERE licence_identifier = ? AND licence_status_at IS NULL AND EXISTS (SELECT 1 FROM shenguan_licence_changes c
    WHERE c.licence_identifier = shenguan_inbox.licence_identifier)
"""
#: A corrected package takes over what the department said of the one whose place it takes; whichever came first.
_REPLACED = """
UPDATE shenguan_inbox SET replaced_by = (SELECT n.event_id FROM shenguan_inbox n WHERE n.replaces = shenguan_inbox.event_id)
WHERE push_id = ? AND replaced_by IS NULL
  AND EXISTS (SELECT 1 FROM shenguan_inbox n WHERE n.replaces = shenguan_inbox.event_id)
"""
_TAKEN_OVER = """
UPDATE shenguan_inbox SET
  claimed_by = (SELECT o.claimed_by FROM shenguan_inbox o WHERE o.event_id = shenguan_inbox.replaces),
  claimed_at = (SELECT o.claimed_at FROM shenguan_inbox o WHERE o.event_id = shenguan_inbox.replaces),
  claim_sent_as = (SELECT o.claim_sent_as FROM shenguan_inbox o WHERE o.event_id = shenguan_inbox.replaces)
WHERE event_id = ? AND claimed_by IS NULL AND EXISTS (SELECT 1 FROM shenguan_inbox o
  WHERE o.event_id = shenguan_inbox.replaces AND o.claimed_by IS NOT NULL)
"""
#: A push that is withdrawn, whichever of the two came first.
_WITHDRAWN = """
UPDATE shenguan_inbox SET
  withdrawn_at = (SELECT max(w.withdrawn_at) FROM shenguan_withdrawals w WHERE w.push_id = shenguan_inbox.push_id),
  withdrawn_why = (SELECT w.reason FROM shenguan_withdrawals w WHERE w.push_id = shenguan_inbox.push_id
    ORDER BY w.withdrawn_at DESC LIMIT 1)
WHERE push_id = ? AND EXISTS (SELECT 1 FROM shenguan_withdrawals w WHERE w.push_id = shenguan_inbox.push_id)
"""
#: What the statements above look for, however long the inbox has grown.
_INDEXES = (
    ("shenguan_inbox", "push_id"),
    ("shenguan_inbox", "replaces"),
    ("shenguan_inbox", "licence_identifier"),
    ("shenguan_licence_changes", "licence_identifier"),
    ("shenguan_withdrawals", "push_id"),
)


class TableAdapter:
    """A SQLite file or a PostgreSQL database of the department's own."""

    def __init__(self, url: str, *, evidence: Path = Path()) -> None:
        self._db: Database = open_database(url)
        self._evidence = evidence

    def prepare(self) -> None:
        """Make the tables, or add the columns that are missing."""
        self._ensure("shenguan_inbox", INBOX)
        for told in TOLD_TABLES.values():
            self._ensure(told.name, told_columns(told))
        for table, column in _INDEXES:
            statement = f"CREATE INDEX IF NOT EXISTS {table}_by_{column} ON {table} ({column})"
            self._db.write((statement, [()]))
        for table, columns in ROWS.values():
            self._ensure(table, {"id": self._db.identity, **dict.fromkeys(columns, "TEXT"), **FATE})

    def deliver(self, packages: Sequence[Package]) -> None:
        """One row per package; one that is there stays as it is."""
        now = instant(datetime.now(UTC))
        rows = [inbox_row(package, now) for package in packages]
        identifiers = [[row[DELIVERED.index("licence_identifier")]] for row in rows]
        pushes = [[package.push_id] for package in packages]
        corrections = [[package.event_id] for package in packages if package.correction]
        self._db.write(
            (_insert("shenguan_inbox", DELIVERED), rows),
            (_CAUGHT_UP, identifiers),
            (_REPLACED, pushes),
            (_TAKEN_OVER, corrections),
            (_WITHDRAWN, pushes),
        )

    def changed(self, changes: Sequence[LicenceChanged]) -> None:
        """One row per change, and the newest status in every inbox row with that licence."""
        rows = self._told_rows(changes)
        statuses = [
            [row[name] for name in ("to_status", "changed_at", "licence_identifier", "changed_at")]
            for row in rows
        ]
        self._db.write(_told_step(LicenceChanged, rows), (_STATUS, statuses))

    def told(self, messages: Sequence[Told]) -> None:
        """One row per message in the table of its kind; a withdrawal shows in the inbox rows of its push too."""
        kinds = {type(message) for message in messages}
        steps = [
            _told_step(kind, self._told_rows([one for one in messages if type(one) is kind]))
            for kind in kinds
        ]
        pushes = [[one.data["push_id"]] for one in messages if isinstance(one, Withdrawn)]
        self._db.write(*steps, (_WITHDRAWN, pushes))

    def drafts(self, limit: int) -> list[Draft]:
        """New rows, kind by kind, then what was said of packages and has not been told."""
        drafts = [draft for kind in ROWS for draft in self._new_rows(kind, limit)]
        return drafts + [draft for kind in STATEMENTS for draft in self._statements(kind, limit)]

    def sent(self, answered: Sequence[tuple[Draft, str]]) -> None:
        """Note it in the row that said it."""
        now = instant(datetime.now(UTC))
        of: dict[Kind, list[tuple[str, str]]] = {}
        for draft, event_id in answered:
            of.setdefault(draft.kind, []).append((event_id, draft.ref))
        steps: list[tuple[str, Sequence[Sequence[Any]]]] = []
        for kind, noted in of.items():
            if kind in ROWS:
                statement = (
                    f"UPDATE {ROWS[kind][0]} SET status = 'sent', problem = NULL, event_id = ?, sent_at = ?"  # noqa: S608
                    " WHERE id = ?"
                )
                steps.append((statement, [(event_id, now, int(ref)) for event_id, ref in noted]))
            else:
                statement = f"UPDATE shenguan_inbox SET {STATEMENTS[kind].sent_as} = ?, problem = NULL WHERE event_id = ?"  # noqa: S608
                steps.append((statement, noted))
        self._db.write(*steps)

    def refused(self, draft: Draft, words: str) -> None:
        """Status 'problem', and why; set the status back to 'new' when it is put right."""
        if draft.kind in ROWS:
            table, _ = ROWS[draft.kind]
            statement = f"UPDATE {table} SET status = 'problem', problem = ? WHERE id = ?"  # noqa: S608 - our own names
            self._db.write((statement, [(words, int(draft.ref))]))
            return
        column = STATEMENTS[draft.kind].sent_as
        statement = f"UPDATE shenguan_inbox SET {column} = 'problem', problem = ? WHERE event_id = ?"  # noqa: S608
        self._db.write((statement, [(words, draft.ref)]))

    def returned(self, event_id: str | None, words: str) -> bool:
        """Show the hub's refusal at the row whose message it was."""
        for table, _ in ROWS.values():
            if event_id is not None and self._db.read(
                f"SELECT 1 FROM {table} WHERE event_id = ?",  # noqa: S608 - our own names
                (event_id,),
            ):
                statement = f"UPDATE {table} SET status = 'problem', problem = ? WHERE event_id = ?"  # noqa: S608
                self._db.write((statement, [(words, event_id)]))
                return True
        return False

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def _told_rows(self, messages: Sequence[Told]) -> list[dict[str, Any]]:
        now = instant(datetime.now(UTC))
        return [told_row(message, now) for message in messages]

    def _new_rows(self, kind: Kind, limit: int) -> list[Draft]:
        table, columns = ROWS[kind]
        rows = self._db.read(
            f"SELECT id, {', '.join(columns)} FROM {table} WHERE status = 'new' ORDER BY id LIMIT ?",  # noqa: S608
            (limit,),
        )
        return [
            Draft(
                str(row[0]), kind, dict(zip(columns, map(_text, row[1:]), strict=True)), base=self._evidence
            )
            for row in rows
        ]

    def _statements(self, kind: Kind, limit: int) -> list[Draft]:
        says, by, at, reason, sent_as = STATEMENTS[kind]
        rows = self._db.read(
            f"SELECT event_id, {by}, {at}, {reason or 'NULL'} FROM shenguan_inbox"  # noqa: S608 - our own names
            f" WHERE {says} IS NOT NULL AND {says} <> '' AND {sent_as} IS NULL LIMIT ?",
            (limit,),
        )
        return [
            Draft(row[0], kind, dict(zip(("event_id", "by", "at", "reason"), row, strict=True)))
            for row in rows
        ]

    def _ensure(self, table: str, columns: dict[str, str]) -> None:
        # A statement without a value to fill in still needs one (empty) row of values.
        once: Sequence[Sequence[Any]] = [()]
        # Whole from the first moment: a program of the department's may be waiting to write into it.
        whole = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self._db.write((f"CREATE TABLE IF NOT EXISTS {table} ({whole})", once))
        present = self._columns(table)
        missing = [name for name in columns if name not in present]
        self._db.write(
            *((f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}", once) for name in missing)
        )

    def _columns(self, table: str) -> set[str]:
        if isinstance(self._db, Sqlite):
            return {row[1] for row in self._db.read(f"PRAGMA table_info({table})")}
        question = (
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = ? AND table_schema = current_schema()"
        )
        return {row[0] for row in self._db.read(question, (table,))}


def _insert(table: str, names: Sequence[str]) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT (event_id) DO NOTHING"  # noqa: S608 - our own names


def _told_step(kind: type[Told], rows: Sequence[dict[str, Any]]) -> tuple[str, Sequence[Sequence[Any]]]:
    names = list(told_columns(TOLD_TABLES[kind]))
    return _insert(TOLD_TABLES[kind].name, names), [[row[name] for name in names] for row in rows]


def _text(value: Any) -> Any:
    """A department may have given its columns another type."""
    return str(value) if isinstance(value, int | float) else value
