"""Finding cases by what somebody types: the beginning of a case number, or a part of a party's name.

Guarantees: bounded however many there are - of a word that fits thousands the first are found; more of it finds the rest.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, union_all

from hub.case import Case
from hub.party import Party
from hub.party_search import named_like

MOST = 2000  # cases that one word is taken for


def cases_like(word: str) -> Select[Any]:
    """The numbers of cases that a word may mean."""
    literal = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    by_number = select(Case.case_no).where(Case.case_no.like(f"{literal}%")).limit(MOST)
    by_name = select(Case.case_no).join(Party, Party.id == Case.party_id).where(named_like(word)).limit(MOST)
    both = union_all(by_number.subquery().select(), by_name.subquery().select()).subquery()
    return select(both.c.case_no)
