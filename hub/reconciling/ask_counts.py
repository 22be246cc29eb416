"""Ask counts: count.asked.v1 to departments with a connector of their own, for days and, where they differ, for ids.

Guarantees: one message for one department, period and hour, however often it is asked; a department on the web inbox is not
asked, since what it has is what the hub keeps for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.exchange.announcement import Announcement
from hub.exchange.outbox import LIVE, OutboxRow
from hub.ports import Desk
from hub.pushing.package import day, seal_event
from hub.round_trips import Rows, write

EVENT_TYPE = "count.asked.v1"
WEB = "web"
_NAMESPACE = uuid.UUID("0d8d0a52-6f0f-5d0c-8a5e-3b7c61b4a1f7")

_ASKED = text("""
SELECT d.code FROM departments d
WHERE d.active AND d.channel <> 'web' AND (CAST(:only AS text[]) IS NULL OR d.code = ANY (CAST(:only AS text[])))
  AND EXISTS (SELECT 1 FROM department_keys k WHERE k.department = d.code AND k.revoked_at IS NULL
    AND (k.valid_to IS NULL OR k.valid_to > :now))
ORDER BY d.code
""")
_KNOWN = text("SELECT event_id FROM announcements WHERE event_id = ANY (:ids)")

#: A key names the first day that was asked for; an answer speaks of all of them.
_UNANSWERED = text("""
SELECT DISTINCT a.department FROM announcements a
WHERE a.kind = 'count.asked.v1' AND a.created_at >= :since AND NOT EXISTS (
  SELECT 1 FROM department_counts c WHERE c.department = a.department
    AND c.day = CAST(substr(a.key, length('count-') + 1) AS date) AND c.received_at >= a.created_at)
ORDER BY a.department
""")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of each department."""

    first: date
    last: date
    with_ids: bool = False


def ask_counts(
    tx: Connection, wanted: Wanted, desk: Desk, *, only: Collection[str] | None = None
) -> list[str]:
    """Ask all departments, or `only` these. Gives those that are asked by this or were within the hour."""
    now = desk.clock()
    named = None if only is None else sorted(only)
    codes = list(tx.execute(_ASKED, {"only": named, "now": now}).scalars())
    ids = {code: _event_id(code, wanted, now) for code in codes}
    known = set(tx.execute(_KNOWN, {"ids": list(ids.values())}).scalars()) if ids else set()
    messages: list[Mapping[str, Any]] = []
    told: list[Mapping[str, Any]] = []
    for code, event_id in ids.items():
        if event_id in known:
            continue
        key = f"count-{day(wanted.first)}"
        data = {
            "department": code,
            "first_day": day(wanted.first),
            "last_day": day(wanted.last),
            "with_ids": wanted.with_ids,
        }
        sealed = seal_event(desk, code, EVENT_TYPE, key, data, event_id=event_id, lane=LIVE)
        messages.append(sealed.row)
        told.append(
            {
                "event_id": event_id,
                "kind": EVENT_TYPE,
                "department": code,
                "key": key,
                "message_sha256": sealed.sha256,
                "created_at": now,
            }
        )
    write(tx, Rows(OutboxRow, messages), Rows(Announcement, told))
    return codes


def unanswered(tx: Connection, since: datetime) -> list[str]:
    """Departments that were asked since then, and have not counted what they were asked for."""
    return list(tx.execute(_UNANSWERED, {"since": since}).scalars())


def _event_id(code: str, wanted: Wanted, now: datetime) -> uuid.UUID:
    said = f"{code}|{wanted.first}|{wanted.last}|{wanted.with_ids}|{now:%Y-%m-%dT%H}"
    return uuid.uuid5(_NAMESPACE, said)
