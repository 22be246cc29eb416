"""Check a licence: what anybody may be told who holds its QR code or its file.

Guarantees: one statement each; a licence that ran out counts as expired from the day after its last, whether or not the
scheduler has been there; nothing personal beyond what stands masked on the face; nothing is written, so that nobody can
be followed by what they check. A token or a file we know nothing of gives the same kind of answer, never an error.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from hub.licensing.issuing.fill import mask_name
from hub.licensing.licence import (
    CANCELLED,
    EXPIRED,
    FROZEN,
    OTHER,
    REVOKED,
    TRANSFERRED,
    WITHDRAWN,
)
from hub.licensing.ports import Inspection, Tokens
from hub.workday import LOCAL

#: What may come out. Of a licence that is ours:
STANDINGS = (
    *("valid", "not_yet", "suspended", "superseded", "expired"),
    *("withdrawn", "cancelled", "revoked", "transferred", "other"),
)
#: Of a file that is not known by its bytes, as hub.licensing.ports.Inspection says it; `unregistered` is intact and signed
#: by us, but none of the files we gave out. And of a token that is none: `unknown`.
DOUBTS = ("unregistered", "altered", "stranger", "certificate", "unsigned", "unreadable", "unknown")
_ENDED = {
    FROZEN: "suspended",
    WITHDRAWN: "withdrawn",
    CANCELLED: "cancelled",
    EXPIRED: "expired",
    TRANSFERRED: "transferred",
    REVOKED: "revoked",
    OTHER: "other",
}
_RAN_OUT = ("01", FROZEN, EXPIRED)
_OF_FILE = {
    "intact": "unregistered",
    "altered": "altered",
    "stranger": "stranger",
    "expired": "certificate",
    "revoked": "certificate",
    "unsigned": "unsigned",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What everybody may see of a licence. Names of persons are masked."""

    id: uuid.UUID
    identifier: str
    name: str
    number: str
    holders: tuple[str, ...]
    issuer: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    version: int
    has_face: bool = False  # issued here, so its face can be set


@dataclass(frozen=True, slots=True)
class CopyMade:
    """A copy that was made for a stated use."""

    cause: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer. `outcome` is one of STANDINGS or DOUBTS; `since` the day from which it stands like that."""

    outcome: str
    at: datetime
    licence: Shown | None = None
    since: date | None = None
    stands: str = (
        ""  # one of STANDINGS, where the licence is known: the outcome, but for an `unregistered` file
    )
    known_as: str = ""  # of a file that we gave out: pdf, ofd, sm2 or copy
    copy: CopyMade | None = None
    inspection: Inspection | None = None

    @property
    def genuine(self) -> bool:
        """Whether it is ours and unchanged, whatever became of it."""
        return self.outcome in STANDINGS


_LICENCE = """
l.id, l.identifier, l.name, l.number, l.holders, l.issuer_name, l.issued_on, l.valid_from, l.valid_to, l.version, l.origin,
l.status, l.status_at, p.kind AS party_kind, p.name AS party,
EXISTS (SELECT 1 FROM licences n WHERE n.previous_id = l.id) AS replaced
"""
_NOW = "coalesce(CAST(:now AS timestamptz), now()) AS at"
_BY_ID = f"""
SELECT {_NOW}, {_LICENCE}
FROM (SELECT 1) one LEFT JOIN (licences l JOIN parties p ON p.id = l.party_id) ON l.id = :id
"""  # noqa: S608 - our own words
_BY_FILE = f"""
WITH found AS (
  (SELECT 1 AS rank, licence_id, format AS known_as, NULL AS cause, made_at, NULL::timestamptz AS expires_at
   FROM licence_documents WHERE sha256 = :sha256 LIMIT 1)
  UNION ALL
  (SELECT 2, licence_id, 'copy', cause, made_at, expires_at
   FROM licence_copies WHERE sha256 = :sha256 ORDER BY made_at DESC LIMIT 1)
  UNION ALL
  (SELECT 3, id, '', NULL, NULL, NULL FROM licences WHERE identifier = :identifier)
  ORDER BY rank LIMIT 1
)
SELECT {_NOW}, f.known_as, f.cause, f.made_at, f.expires_at, {_LICENCE}
FROM (SELECT 1) one LEFT JOIN (found f JOIN licences l ON l.id = f.licence_id JOIN parties p ON p.id = l.party_id) ON true
"""  # noqa: S608 - our own words


def check_token(tx: Connection, tokens: Tokens, token: str, *, now: datetime | None = None) -> Checked:
    """The licence behind a QR code, and how it stands. One that is none takes as long as any other."""
    licence = tokens.read(token)
    row = tx.execute(text(_BY_ID), {"id": licence, "now": now}).one()
    if licence is None or row.id is None:
        return Checked("unknown", row.at)
    outcome, since = standing(row, row.at)
    return Checked(outcome, row.at, _shown(row), since, outcome)


def check_file(tx: Connection, inspection: Inspection, *, now: datetime | None = None) -> Checked:
    """A file that somebody brought: first by its bytes, then by what its signature says."""
    claimed = inspection.identifier if inspection.state == "intact" else None
    given = {"sha256": inspection.sha256, "identifier": claimed, "now": now}
    row = tx.execute(text(_BY_FILE), given).one()
    if row.id is None or not row.known_as:
        doubt = _OF_FILE.get(inspection.state, "unreadable")
        if row.id is None:
            return Checked(doubt, row.at, inspection=inspection)
        stands, since = standing(row, row.at)
        return Checked(doubt, row.at, _shown(row), since, stands, inspection=inspection)
    outcome, since = standing(row, row.at)
    copy = CopyMade(row.cause, row.made_at, row.expires_at) if row.known_as == "copy" else None
    return Checked(outcome, row.at, _shown(row), since, outcome, row.known_as, copy, inspection)


def standing(row: Any, at: datetime) -> tuple[str, date | None]:
    """How a licence stands at a moment, and since when. `row` has status, status_at, valid_from, valid_to, replaced."""
    today = at.astimezone(LOCAL).date()
    since = row.status_at.astimezone(LOCAL).date()
    if row.status == EXPIRED and row.replaced:
        return "superseded", since
    if row.valid_to is not None and row.valid_to < today and row.status in _RAN_OUT:
        return "expired", row.valid_to + timedelta(days=1)
    if row.status in _ENDED:
        return _ENDED[row.status], since
    return ("not_yet", row.valid_from) if row.valid_from > today else ("valid", None)


def _shown(row: Any) -> Shown:
    first = mask_name(row.party) if row.party_kind == "natural" else row.party
    holders = tuple(_holder(one) for one in row.holders or ()) or (first,)
    return Shown(
        id=row.id,
        identifier=row.identifier,
        name=row.name,
        number=row.number,
        holders=holders,
        issuer=row.issuer_name,
        issued_on=row.issued_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        version=row.version,
        has_face=row.origin == "issued",
    )


_PUBLIC_CODES = ("001", "099")  # of bodies; every other kind of code is a person's


def _holder(one: dict[str, object]) -> str:
    name = str(one.get("name") or "")
    body = one["kind"] != "natural" if "kind" in one else one.get("code_type") in _PUBLIC_CODES
    return name if body else mask_name(name)
