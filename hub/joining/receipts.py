"""Receipts in the browser: what a department's user says of a message, and that the inbox has it, said by the hub itself.

Guarantees: `arrived` is signed by the custodial key once the web inbox holds exactly the bytes that the hub signed, without
anybody's doing; `signed` and everything after it is a person's, by name. Signing twice is one receipt.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from hub.errors import Rejected
from hub.joining.speak_for import Statement, speak_for, statement_id
from hub.ports import Desk
from hub.pushing.package import instant

PROGRAM = "program:web-inbox"


class Told(NamedTuple):
    """A message to a department: a package, or an announcement (then there is no push)."""

    event_id: uuid.UUID
    key: str
    sha256: bytes
    push_id: uuid.UUID | None


def receipt(
    told: Told,
    kind: str,
    desk: Desk,
    *,
    by: str | None = None,
    reason: str | None = None,
    mark: str | None = None,
) -> Statement:
    """What is said of one message. `mark` tells this saying from an earlier one of the same; None: it is said once."""
    data: dict[str, Any] = {
        "event_id": str(told.event_id),
        **({"push_id": str(told.push_id)} if told.push_id else {}),
        "package_sha256": told.sha256.hex(),
        "receipts": [{"kind": kind, "at": instant(desk.clock()), "by": by, "reason": reason}],
    }
    return Statement(
        "receipt.v1",
        told.key,
        data,
        statement_id(str(told.event_id), kind, *((by, reason, mark) if mark else ())),
    )


_MESSAGES = """
SELECT p.event_id, p.case_no, p.package_sha256, p.id FROM pushes p
WHERE p.department = :department AND p.id = ANY(:ids)
UNION ALL
SELECT a.event_id, a.key, a.message_sha256, a.push_id FROM announcements a
WHERE a.department = :department AND a.event_id = ANY(:ids)
"""


def messages_to(tx: Connection, department: str, ids: Iterable[uuid.UUID]) -> list[Told]:
    """Packages (by their push) and announcements (by their event) among `ids` that went to this department."""
    rows = tx.execute(text(_MESSAGES), {"department": department, "ids": list(ids)})
    return [Told(row[0], row[1], bytes(row[2]), row[3]) for row in rows]


def sign(
    tx: Connection, department: str, ids: Sequence[uuid.UUID], desk: Desk, *, by: str, actor: str
) -> int:
    """签收, of several messages at once; those of others are not there. Gives how many."""
    told = messages_to(tx, department, ids)
    speak_for(tx, department, [receipt(one, "signed", desk, by=by) for one in told], desk, actor=actor)
    return len(told)


#: What the inbox of a department in the browser holds and has not said so; the bytes are compared before it does.
_ARRIVING = """
WITH web AS (
  SELECT d.code FROM departments d
  WHERE d.channel = 'web' AND d.active AND (CAST(:department AS text) IS NULL OR d.code = :department)
    AND EXISTS (SELECT 1 FROM department_keys k WHERE k.department = d.code AND k.custody = 'hub'
      AND k.revoked_at IS NULL AND (k.valid_to IS NULL OR k.valid_to > :now))
), waiting AS (
  SELECT of.* FROM web CROSS JOIN LATERAL (
    SELECT p.department, p.event_id, p.case_no AS key, p.package_sha256 AS sha256, p.id AS push_id
    FROM pushes p WHERE p.department = web.code AND p.state IN ('owed', 'arrived') AND p.arrived_at IS NULL
    ORDER BY p.created_at LIMIT :limit) of
  UNION ALL
  SELECT of.* FROM web CROSS JOIN LATERAL (
    SELECT a.department, a.event_id, a.key, a.message_sha256, a.push_id
    FROM announcements a WHERE a.department = web.code AND a.signed_at IS NULL AND a.arrived_at IS NULL
    ORDER BY a.created_at LIMIT :limit) of
)
SELECT w.department, w.event_id, w.key, w.sha256, w.push_id FROM waiting w
WHERE EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = w.event_id AND sha256(o.value) = w.sha256)
"""


def take_arrivals(tx: Connection, desk: Desk, *, department: str | None = None, limit: int = 200) -> int:
    """Say `arrived` for what has come to inboxes in the browser; of one department, or of all. Gives how many."""
    if desk.custody is None:
        return 0
    rows = tx.execute(text(_ARRIVING), {"department": department, "limit": limit, "now": desk.clock()}).all()
    done = 0
    for code in sorted({row.department for row in rows}):
        told = [
            Told(row.event_id, row.key, bytes(row.sha256), row.push_id)
            for row in rows
            if row.department == code
        ]
        done += _arrived(tx, code, told, desk)
    return done


def _arrived(tx: Connection, code: str, told: Sequence[Told], desk: Desk) -> int:
    """All at once; and when something speaks against one of them, the others all the same."""
    try:
        with tx.begin_nested():
            speak_for(tx, code, [receipt(one, "arrived", desk) for one in told], desk, actor=PROGRAM)
    except Rejected:
        if len(told) == 1:
            return 0
        return sum(_arrived(tx, code, [one], desk) for one in told)
    return len(told)
