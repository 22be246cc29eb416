"""How each department of the county says what it has to say: rows in a table, files in a folder, or a browser's form."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, text

from hub.joining.receipts import Told, receipt, sign, take_arrivals
from hub.joining.speak_for import Statement, speak_for, statement_id
from hub.ports import Desk

#: What is said -> the table, the beginning of the file's name, the type of the message.
PLACES = {
    "plan": ("shenguan_plans", "plan", "supervision.planned.v1"),
    "finding": ("shenguan_findings", "finding", "finding.reported.v1"),
    "rectification": ("shenguan_rectifications", "rectify", "rectification.reported.v1"),
    "enforcement": ("shenguan_enforcements", "enforce", "enforcement.decided.v1"),
    "withdrawal": ("shenguan_fact_withdrawals", "withdraw", "finding.withdrawn.v1"),
}


class Voice(Protocol):
    """What a department can say of a push, and of a case. Said many at once; `flush` lets it go."""

    def claim(self, event_id: str, by: str, at: datetime) -> None:
        """认领."""

    def give_back(self, event_id: str, why: str, at: datetime) -> None:
        """退回."""

    def close(self, event_id: str, by: str, at: datetime) -> None:
        """办结."""

    def fact(self, kind: str, fields: Mapping[str, Any]) -> None:
        """A plan, an inspection, a rectification, an enforcement, a credit entry, or the withdrawal of one."""

    def flush(self) -> None:
        """All that was said is on its way."""


class TableVoice:
    """Rows and columns of the department's own database."""

    def __init__(self, database: Path) -> None:
        self._db = sqlite3.connect(database, timeout=60)

    def claim(self, event_id: str, by: str, at: datetime) -> None:
        self._mark(event_id, claimed_by=by, claimed_at=at.isoformat())

    def give_back(self, event_id: str, why: str, at: datetime) -> None:
        self._mark(event_id, returned_by="示例", returned_why=why, returned_at=at.isoformat())

    def close(self, event_id: str, by: str, at: datetime) -> None:
        self._mark(event_id, closed_by=by, closed_at=at.isoformat())

    def fact(self, kind: str, fields: Mapping[str, Any]) -> None:
        names = ", ".join(fields)
        marks = ", ".join("?" for _ in fields)
        self._db.execute(
            f"INSERT INTO {PLACES[kind][0]} ({names}) VALUES ({marks})",
            [_cell(one) for one in fields.values()],
        )

    def flush(self) -> None:
        self._db.commit()

    def _mark(self, event_id: str, **columns: str) -> None:
        changes = ", ".join(f"{name} = ?" for name in columns)
        self._db.execute(
            f"UPDATE shenguan_inbox SET {changes} WHERE event_id = ?",
            [*columns.values(), event_id],
        )


class FolderVoice:
    """Files dropped into the exchange folder."""

    def __init__(self, root: Path) -> None:
        self._outbox = root / "outbox"
        self._number = 0

    def claim(self, event_id: str, by: str, at: datetime) -> None:
        self._drop("claim", {"event_id": event_id, "by": by, "at": at.isoformat()})

    def give_back(self, event_id: str, why: str, at: datetime) -> None:
        self._drop("return", {"event_id": event_id, "by": "示例", "reason": why, "at": at.isoformat()})

    def close(self, event_id: str, by: str, at: datetime) -> None:
        self._drop("close", {"event_id": event_id, "by": by, "at": at.isoformat()})

    def fact(self, kind: str, fields: Mapping[str, Any]) -> None:
        self._drop(PLACES[kind][1], fields)

    def flush(self) -> None:
        """Nothing waits: each file was whole when it appeared."""

    def _drop(self, prefix: str, fields: Mapping[str, Any]) -> None:
        self._number += 1
        name = f"{prefix}-{self._number:06d}.json"
        draft = self._outbox / f".{name}.tmp"
        draft.write_text(json.dumps(fields, ensure_ascii=False), "utf-8")
        draft.rename(self._outbox / name)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


class WebVoice:
    """What the department's user presses and types in the browser, as the pages hand it on."""

    def __init__(self, engine: Engine, desk: Desk, code: str) -> None:
        self._engine, self._desk, self._code = engine, desk, code
        self._actor = f"user:{code}"

    def sign(self) -> None:
        """Everything that has come is there, and is signed for."""
        with self._engine.begin() as tx:
            while take_arrivals(tx, self._desk, department=self._code):
                pass
            query = """
                SELECT id FROM pushes WHERE department = :code AND state = 'arrived'
                UNION SELECT event_id FROM announcements WHERE department = :code AND signed_at IS NULL
            """
            waiting = list(tx.execute(text(query), {"code": self._code}).scalars())
            sign(tx, self._code, waiting, self._desk, by="示例己", actor=self._actor)

    def claim(self, event_id: str, by: str, at: datetime) -> None:
        self._of_package(event_id, "claimed", by=by)

    def give_back(self, event_id: str, why: str, at: datetime) -> None:
        self._of_package(event_id, "returned", by="示例己", reason=why, mark=at.isoformat())

    def close(self, event_id: str, by: str, at: datetime) -> None:
        self._of_package(event_id, "closed", by=by, mark=at.isoformat())

    def fact(self, kind: str, fields: Mapping[str, Any]) -> None:
        data = {"from" if name == "starts_on" else name: value for name, value in fields.items()}
        if "inspectors" in data:
            data["inspectors"] = [{"name": "示例丁", "certificate_no": "99010100001"}, {"name": "示例戊"}]
        number = str(data.get("finding_no" if kind == "finding" else "fact_no"))
        self._say(Statement(PLACES[kind][2], data["project_no"], data, statement_id(kind, number)))

    def flush(self) -> None:
        """Nothing waits: what was pressed is done."""

    def _of_package(self, event_id: str, kind: str, **said: Any) -> None:
        query = "SELECT event_id, case_no, package_sha256, id FROM pushes WHERE event_id = :event_id"
        with self._engine.begin() as tx:
            row = tx.execute(text(query), {"event_id": event_id}).one()
            told = Told(row[0], row[1], bytes(row[2]), row[3])
            speak_for(
                tx, self._code, [receipt(told, kind, self._desk, **said)], self._desk, actor=self._actor
            )

    def _say(self, statement: Statement) -> None:
        with self._engine.begin() as tx:
            speak_for(tx, self._code, [statement], self._desk, actor=self._actor)
