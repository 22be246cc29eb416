"""The adapter for a department that works with tables: what comes is a row of `shenguan_inbox`, what becomes of its
licence a row of `shenguan_licence_changes` and the inbox row's `licence_status`; what it reports is a row of
`shenguan_findings`, data it supplies a row of `shenguan_supplies`; its claims and returns are columns of the inbox row.

Guarantees: columns of the department's own are left alone; missing ones of ours are added. A row with status 'new' is
taken once it is complete; what becomes of it stands in `status` ('sent', 'problem') and `problem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.department.adapters.port import Draft, Kind
from connectors.department.adapters.sql import Database, Sqlite, open_database
from connectors.department.events import instant
from connectors.department.judge import LicenceChanged, Package
from schemas import dumps

INBOX = {
    "event_id": "TEXT PRIMARY KEY",
    "push_id": "TEXT",
    "case_no": "TEXT",
    "party_name": "TEXT",
    "party_code": "TEXT",
    "licence_no": "TEXT",
    "licence_name": "TEXT",
    "licence_identifier": "TEXT",
    "decided_on": "TEXT",
    "sign_by": "TEXT",
    "package": "TEXT",
    "received_at": "TEXT",
    "claimed_by": "TEXT",
    "claimed_at": "TEXT",
    "claim_sent_as": "TEXT",
    "returned_by": "TEXT",
    "returned_why": "TEXT",
    "returned_at": "TEXT",
    "return_sent_as": "TEXT",
    "problem": "TEXT",
    "licence_status": "TEXT",
    "licence_status_at": "TEXT",
}
#: Columns of shenguan_licence_changes, one row for one change.
CHANGES = dict.fromkeys(
    (
        "event_id", "case_no", "licence_identifier", "licence_no", "licence_name", "holder", "operation",
        "operation_name", "from_status", "to_status", "status_title", "reason", "document_no", "changed_at",
        "by_department", "by_name", "finding_no", "previous_identifier", "next_identifier", "relied_cases",
        "message", "received_at",
    ),
    "TEXT",
) | {"event_id": "TEXT PRIMARY KEY"}  # fmt: skip
SAID = (
    "finding_no", "project_no", "push_id", "certificate_identifier", "inspected_at", "inspectors", "check_result",
    "handling", "rectify_by", "explain", "publicity",
)  # fmt: skip
SUPPLIED = (
    "supply_no", "material_type", "party_kind", "party_name", "party_code_type", "party_code", "legal_representative",
    "subject", "fields", "valid_from", "valid_to", "as_of", "change", "reason",
)  # fmt: skip
_FATE = {"status": "TEXT DEFAULT 'new'", "event_id": "TEXT", "problem": "TEXT", "sent_at": "TEXT"}
FINDINGS = {**dict.fromkeys(SAID, "TEXT"), **_FATE}
SUPPLIES = {**dict.fromkeys(SUPPLIED, "TEXT"), **_FATE}
#: Tables whose rows are said as they are: kind of draft -> (table, the columns that say it).
ROWS: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "finding": ("shenguan_findings", SAID),
    "supply": ("shenguan_supplies", SUPPLIED),
}
_DELIVERED = ("event_id", "push_id", "case_no", "party_name", "party_code", "licence_no", "licence_name",
              "licence_identifier", "decided_on", "sign_by", "package", "received_at", "licence_status")  # fmt: skip


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


class TableAdapter:
    """A SQLite file or a PostgreSQL database of the department's own."""

    def __init__(self, url: str) -> None:
        self._db: Database = open_database(url)

    def prepare(self) -> None:
        """Make the tables, or add the columns that are missing."""
        self._ensure("shenguan_inbox", INBOX, "event_id")
        self._ensure("shenguan_licence_changes", CHANGES, "event_id")
        self._ensure("shenguan_findings", {"id": self._db.identity, **FINDINGS}, "id")
        self._ensure("shenguan_supplies", {"id": self._db.identity, **SUPPLIES}, "id")

    def deliver(self, packages: Sequence[Package]) -> None:
        """One row per package; one that is there stays as it is."""
        now = instant(datetime.now(UTC))
        names, marks = ", ".join(_DELIVERED), ", ".join("?" * len(_DELIVERED))
        rows = [_inbox_row(package, now) for package in packages]
        statement = f"INSERT INTO shenguan_inbox ({names}) VALUES ({marks}) ON CONFLICT (event_id) DO NOTHING"  # noqa: S608 - our own names
        identifiers = [[row[_DELIVERED.index("licence_identifier")]] for row in rows]
        self._db.write((statement, rows), (_CAUGHT_UP, identifiers))

    def changed(self, changes: Sequence[LicenceChanged]) -> None:
        """One row per change, and the newest status in every inbox row with that licence."""
        now = instant(datetime.now(UTC))
        names, marks = ", ".join(CHANGES), ", ".join("?" * len(CHANGES))
        statement = f"INSERT INTO shenguan_licence_changes ({names}) VALUES ({marks}) ON CONFLICT (event_id) DO NOTHING"  # noqa: S608 - our own names
        rows = [_change_row(one, now) for one in changes]
        statuses = [
            [row[name] for name in ("to_status", "changed_at", "licence_identifier", "changed_at")]
            for row in rows
        ]
        self._db.write((statement, [list(row.values()) for row in rows]), (_STATUS, statuses))

    def drafts(self, limit: int) -> list[Draft]:
        """New findings and supplied data, then claims and returns that have not been told."""
        drafts = [draft for kind in ROWS for draft in self._new_rows(kind, limit)]
        return drafts + self._claims(limit) + self._returns(limit)

    def sent(self, answered: Sequence[tuple[Draft, str]]) -> None:
        """Note it in the row that said it."""
        now = instant(datetime.now(UTC))
        rows = [
            (
                f"UPDATE {table} SET status = 'sent', problem = NULL, event_id = ?, sent_at = ? WHERE id = ?",  # noqa: S608 - our own names
                [(event_id, now, int(d.ref)) for d, event_id in answered if d.kind == kind],
            )
            for kind, (table, _) in ROWS.items()
        ]
        claims = [(event_id, d.ref) for d, event_id in answered if d.kind == "claimed"]
        returns = [(event_id, d.ref) for d, event_id in answered if d.kind == "returned"]
        self._db.write(
            *rows,
            ("UPDATE shenguan_inbox SET claim_sent_as = ?, problem = NULL WHERE event_id = ?", claims),
            ("UPDATE shenguan_inbox SET return_sent_as = ?, problem = NULL WHERE event_id = ?", returns),
        )

    def refused(self, draft: Draft, words: str) -> None:
        """Status 'problem', and why; set the status back to 'new' when it is put right."""
        if draft.kind in ROWS:
            table, _ = ROWS[draft.kind]
            statement = f"UPDATE {table} SET status = 'problem', problem = ? WHERE id = ?"  # noqa: S608 - our own names
            self._db.write((statement, [(words, int(draft.ref))]))
            return
        column = "claim_sent_as" if draft.kind == "claimed" else "return_sent_as"
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

    def _new_rows(self, kind: Kind, limit: int) -> list[Draft]:
        table, columns = ROWS[kind]
        rows = self._db.read(
            f"SELECT id, {', '.join(columns)} FROM {table} WHERE status = 'new' ORDER BY id LIMIT ?",  # noqa: S608
            (limit,),
        )
        return [
            Draft(str(row[0]), kind, dict(zip(columns, map(_text, row[1:]), strict=True))) for row in rows
        ]

    def _claims(self, limit: int) -> list[Draft]:
        rows = self._db.read(
            "SELECT event_id, claimed_by, claimed_at FROM shenguan_inbox"
            " WHERE claimed_by IS NOT NULL AND claimed_by <> '' AND claim_sent_as IS NULL LIMIT ?",
            (limit,),
        )
        return [_statement("claimed", row[0], by=row[1], at=row[2]) for row in rows]

    def _returns(self, limit: int) -> list[Draft]:
        rows = self._db.read(
            "SELECT event_id, returned_by, returned_at, returned_why FROM shenguan_inbox"
            " WHERE returned_why IS NOT NULL AND returned_why <> '' AND return_sent_as IS NULL LIMIT ?",
            (limit,),
        )
        return [_statement("returned", row[0], by=row[1], at=row[2], reason=row[3]) for row in rows]

    def _ensure(self, table: str, columns: dict[str, str], first: str) -> None:
        # A statement without a value to fill in still needs one (empty) row of values.
        once: Sequence[Sequence[Any]] = [()]
        self._db.write((f"CREATE TABLE IF NOT EXISTS {table} ({first} {columns[first]})", once))
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


def _statement(kind: Kind, event_id: str, **said: Any) -> Draft:
    return Draft(event_id, kind, {"event_id": event_id, **said})


def _text(value: Any) -> Any:
    """A department may have given its columns another type."""
    return str(value) if isinstance(value, int | float) else value


def _inbox_row(package: Package, now: str) -> list[Any]:
    data = package.data
    case, licence = data["case"], data["licence"] or {}
    values = {
        "event_id": package.event_id,
        "push_id": package.push_id,
        "case_no": package.case_no,
        "party_name": case.get("applyer_name"),
        "party_code": case.get("applyer_page_code"),
        "licence_no": licence.get("certificateNumber") or data["result"].get("result_cetr_no"),
        "licence_name": licence.get("certificateName") or data["result"].get("result_cetr_name"),
        "licence_identifier": licence.get("certificateIdentifier"),
        "decided_on": data["result"].get("result_date"),
        "sign_by": data["push"].get("sign_by"),
        "package": dumps(data).decode(),
        "received_at": now,
        "licence_status": licence.get("status"),
    }
    return [values[name] for name in _DELIVERED]


def _change_row(message: LicenceChanged, now: str) -> dict[str, Any]:
    data = message.data
    licence, change = data["licence"], data["change"]
    values = {
        "event_id": message.event_id,
        "case_no": message.case_no,
        "licence_identifier": licence["certificateIdentifier"],
        "licence_no": licence["certificateNumber"],
        "licence_name": licence["certificateName"],
        "holder": "、".join(licence["certificateHolder"]),
        "status_title": licence["status_title"],
        "changed_at": change["at"],
        "by_department": change["by"]["department"],
        "by_name": change["by"]["name"],
        "previous_identifier": data["previous_identifier"],
        "next_identifier": data["next_identifier"],
        "relied_cases": dumps(data["relied_cases"]).decode(),
        "message": dumps(data).decode(),
        "received_at": now,
    }
    return {name: values[name] if name in values else change.get(name) for name in CHANGES}
