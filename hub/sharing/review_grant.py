"""Review an application 合规审查: a data administrator looks whether it is complete and lawful.

Guarantees: what is shared unconditionally is granted with the review, in the same transaction; the rest goes on to who
decides. Does not review twice.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Connection

from hub.ports import Desk
from hub.sharing.decide_grant import grant_it
from hub.sharing.person import Person
from hub.sharing.resource import find_resource
from hub.sharing.turn_grant import locked, turn

NOTE_LONGEST = 500


def review_grant(tx: Connection, grant_id: uuid.UUID, desk: Desk, *, person: Person, note: str = "") -> str:
    """Pass the review; the state it is in now: 'reviewed', or 'granted' where sharing is unconditional."""
    row = locked(tx, grant_id)
    if row.reviewed_by == person.actor and row.state in ("reviewed", "granted"):
        return str(row.state)
    said = note.strip()[:NOTE_LONGEST]
    now = desk.clock()
    state = turn(tx, row, "review", person, now, reason=said, review_note=said or None)
    resource = find_resource(tx, row.resource_kind, row.resource_code)
    if resource.sharing == "unconditional":
        return grant_it(tx, locked(tx, grant_id), desk, person=person, automatic=True)
    return state
