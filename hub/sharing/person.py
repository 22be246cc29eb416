"""Person: who stands before the desk, as far as sharing asks: a department's user, or a data administrator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an act is done by. The page has checked the right; the use case checks whose matter it is."""

    actor: str  # as the ledger names them
    department: str | None = None  # whose user; None: the whole area
    administers: bool = False  # a data administrator
