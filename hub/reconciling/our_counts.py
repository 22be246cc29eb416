"""Our counts: what the hub sent each department and had from it, by local day and kind, for comparison with its own count.

Exactly this is counted, on both sides: messages by the local day (Asia/Shanghai) of their own CloudEvents `time`, each event
id once, in lower case.
- packages: approval.decided.v1 and approval.corrected.v1 that the hub wrote for the department. The department counts those
  that it has verified and taken over, whether or not it could receipt them yet.
- announcements: all other messages of the hub that ask for a receipt (ANNOUNCED). The department counts those that it has
  verified and taken over. quarantined.v1 asks for none and is not counted.
- receipts: receipt.v1 of the department that the hub took in. The department counts those that it signed and sent.
- findings: the facts that the hub took in (FACTS). The department counts those that it signed and sent.
`ids_sha256` is over the ids, sorted by bytes, each followed by a line feed; of no ids that of the empty text. What a
department sent and a person at the hub dismissed from the quarantine is accounted for, see `compare`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from hub.exchange import announcement
from hub.round_trips import Question
from hub.workday import LOCAL

PACKAGES = ("approval.decided.v1", "approval.corrected.v1")
ANNOUNCED = tuple(kind for kind in announcement.KINDS if kind not in PACKAGES)
RECEIPTS = ("receipt.v1",)
FACTS = (
    "supervision.planned.v1",
    "finding.reported.v1",
    "rectification.reported.v1",
    "enforcement.decided.v1",
    "credit.recorded.v1",
    "finding.withdrawn.v1",
)


class Seat(NamedTuple):
    """One count: whose, of which day, of what."""

    department: str
    day: date
    what: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many, and the hash over their ids."""

    count: int
    ids_sha256: bytes


NONE = Count(0, hashlib.sha256(b"").digest())

_SAID = """
SELECT b.code AS department, (o.said_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
  CASE WHEN o.event_type = ANY (%(packages)s) THEN 'packages' ELSE 'announcements' END AS what, o.event_id::text AS id
FROM outbox o JOIN departments b ON o.topic = %(area)s || '.' || b.code || '.in'
WHERE o.said_at >= %(since)s AND o.said_at < %(until)s
  AND (o.event_type = ANY (%(packages)s) OR o.event_type = ANY (%(announced)s))
UNION
SELECT b.code, (i.said_at AT TIME ZONE 'Asia/Shanghai')::date,
  CASE WHEN i.event_type = ANY (%(receipts)s) THEN 'receipts' ELSE 'findings' END, lower(i.event_id)
FROM inbox i JOIN departments b ON i.source = '/' || %(area)s || '/' || b.code
WHERE i.said_at >= %(since)s AND i.said_at < %(until)s
  AND (i.event_type = ANY (%(receipts)s) OR i.event_type = ANY (%(facts)s))
"""
_COUNTED = f"""
SELECT department, day, what, count(*)::int,
  sha256(convert_to(string_agg(id || E'\\n', '' ORDER BY id COLLATE "C"), 'UTF8'))
FROM ({_SAID}) AS said GROUP BY department, day, what
"""  # noqa: S608 - our own words
_IDS = f"""
SELECT department, day, what, id FROM ({_SAID}) AS said
WHERE (department, day, what) IN (SELECT * FROM unnest(%(departments)s::text[], %(days)s::date[], %(whats)s::text[]))
"""  # noqa: S608


def ask_our_counts(area: str, first: date, last: date) -> Question:
    """Ask for the counts of all departments from the first day to the last."""
    return _COUNTED, _of(area, first, last)


def our_counts(rows: Iterable[Any]) -> dict[Seat, Count]:
    """The answers, by seat; a seat that is not there has NONE."""
    return {Seat(*row[:3]): Count(row[3], bytes(row[4])) for row in rows}


def ask_our_ids(area: str, seats: Iterable[Seat]) -> Question:
    """Ask for the ids behind some counts."""
    listed = sorted(seats)
    of = _of(area, min(seat.day for seat in listed), max(seat.day for seat in listed))
    return _IDS, {
        **of,
        "departments": [seat.department for seat in listed],
        "days": [seat.day for seat in listed],
        "whats": [seat.what for seat in listed],
    }


def our_ids(rows: Iterable[Any]) -> dict[Seat, set[str]]:
    """The answers, by seat."""
    found: dict[Seat, set[str]] = {}
    for department, day, what, event_id in rows:
        found.setdefault(Seat(department, day, what), set()).add(event_id)
    return found


def ids_sha256(ids: Iterable[str]) -> bytes:
    """The hash over ids, as both sides make it.

    >>> ids_sha256([]).hex()[:8]
    'e3b0c442'
    """
    return hashlib.sha256(b"".join(one.encode() + b"\n" for one in sorted(map(str.lower, ids)))).digest()


def midnight(day: date) -> datetime:
    """When a local day begins."""
    return datetime.combine(day, time(), tzinfo=LOCAL)


def _of(area: str, first: date, last: date) -> Mapping[str, Any]:
    return {
        "area": area,
        "since": midnight(first),
        "until": midnight(last + timedelta(days=1)),
        "packages": list(PACKAGES),
        "announced": list(ANNOUNCED),
        "receipts": list(RECEIPTS),
        "facts": list(FACTS),
    }
