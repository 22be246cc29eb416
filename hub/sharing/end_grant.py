"""End a grant before its day: an application is cancelled by who applied, a grant is taken back by who may.

Guarantees: uses made before stay as they are and can be seen; no new one is made under it, from this transaction on.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Connection

from hub.ports import Desk
from hub.sharing.person import Person
from hub.sharing.turn_grant import locked, turn


def cancel_grant(tx: Connection, grant_id: uuid.UUID, desk: Desk, *, person: Person, reason: str = "") -> str:
    """The applying department takes its application back."""
    return turn(tx, locked(tx, grant_id), "cancel", person, desk.clock(), reason=reason)


def withdraw_grant(tx: Connection, grant_id: uuid.UUID, desk: Desk, *, person: Person, reason: str) -> str:
    """Take a grant back, with a reason."""
    return turn(tx, locked(tx, grant_id), "withdraw", person, desk.clock(), reason=reason)
