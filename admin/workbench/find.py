"""Find a party at the window: by number, by case, by licence, by name.

Guarantees: a natural person is found by the keyed hash of the number, which never reaches the database readable; opening
such a party is in the ledger. A name gives at most MOST parties: those that begin with it, and where they are few and none
is called exactly so, those that contain it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from admin.workbench.recognise import Typed, document_types
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.round_trips import ask

MOST = 20
ENOUGH = 8  # so many that begin with it: those that only contain it are not asked for


@dataclass(frozen=True, slots=True)
class PartyLine:
    """One party in a list."""

    id: uuid.UUID
    kind: str
    name: str
    code_type: str
    code_masked: str | None
    legal_representative: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up gave. `case_no`: it was a case number."""

    parties: tuple[PartyLine, ...] = ()
    case_no: str | None = None
    more: bool = False


_PARTY = "id, kind, name, code_type, code_masked, legal_representative"
_BY_DIGEST = f"SELECT {_PARTY} FROM parties WHERE code_digest = ANY(%(digests)s)"  # noqa: S608 - our own columns
_BY_LICENCE = f"""
SELECT {_PARTY} FROM parties WHERE id IN (
  SELECT party_id FROM licences WHERE number = %(number)s
  UNION SELECT party_id FROM licences WHERE identifier = %(number)s LIMIT 5)
"""  # noqa: S608
_BY_CASE = "SELECT case_no FROM cases WHERE case_no = %(number)s"
_BEGINS = f"SELECT {_PARTY} FROM parties WHERE name LIKE %(begins)s ORDER BY name LIMIT %(most)s"  # noqa: S608
_CONTAINS = f"SELECT {_PARTY} FROM parties WHERE name ILIKE %(contains)s LIMIT %(most)s"  # noqa: S608


def look_up(tx: Connection, typed: Typed, desk: Desk) -> Found:
    """Whom or what the clerk means; one round trip, two for a name that begins no other."""
    if typed.kind == "name":
        return _by_name(tx, typed.value)
    types = document_types(typed.kind) + (document_types(typed.also) if typed.also else ())
    digests = [desk.identities.digest(code_type, typed.value) for code_type in types]
    number = {"number": typed.value}
    parties, licensed, cases = ask(
        tx, (_BY_DIGEST, {"digests": digests}), (_BY_LICENCE, number), (_BY_CASE, number)
    )
    found = _lines(parties) or _lines(licensed)
    return Found(found, cases[0][0] if cases else None)


def _by_name(tx: Connection, name: str) -> Found:
    literal = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    wanted = {"begins": f"{literal}%", "contains": f"%{literal}%", "most": MOST + 1}
    (rows,) = ask(tx, (_BEGINS, wanted))
    if len(rows) < ENOUGH and all(row[2] != name for row in rows):
        known = {row[0] for row in rows}
        (others,) = ask(tx, (_CONTAINS, wanted))
        rows += sorted((row for row in others if row[0] not in known), key=lambda row: (len(row[2]), row[2]))
    return Found(_lines(rows[:MOST]), more=len(rows) > MOST)


def _lines(rows: list[Any]) -> tuple[PartyLine, ...]:
    return tuple(PartyLine(*row) for row in rows)


def note_looked_up(tx: Connection, party: PartyLine, *, actor: str) -> None:
    """That somebody opened a natural person's page. What stands there is personal, masked or not."""
    if party.kind == "natural":
        record(tx, Entry(actor, "party.looked_up", f"party:{party.id}", detail={"at": "workbench"}))
