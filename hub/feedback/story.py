"""Story: the facts that departments have reported on a case, as they follow on each other.

What corrects or withdraws another must name one that stands; what rectifies or punishes joins the chain of what it is about.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from hub.feedback.kinds import INSPECTION, WITHDRAWAL

Rank = tuple[datetime, str]


class Fact(NamedTuple):
    """What later facts need to know of one."""

    id: uuid.UUID
    department: str
    number: str
    kind: str
    case_no: str
    chain: uuid.UUID
    standing: str
    happened_at: datetime
    licence_id: uuid.UUID | None
    push_id: uuid.UUID | None
    handling: str | None

    @property
    def rank(self) -> Rank:
        """Newer is greater."""
        return self.happened_at, self.number


class Story:
    """Facts by department and number; it grows as they are told."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._facts: dict[tuple[str, str], Fact] = {}
        self._heads: dict[uuid.UUID, Fact] = {}  # chain -> the inspection that stands
        for row in rows:
            self._keep(Fact(*row))

    def find(self, department: str, number: str, case_no: str) -> Fact | None:
        """A fact of this case."""
        fact = self._facts.get((department, number))
        return fact if fact is not None and fact.case_no == case_no else None

    def knows(self, department: str, number: str) -> bool:
        """Whether the number is taken."""
        return (department, number) in self._facts

    def head(self, chain: uuid.UUID) -> Rank | None:
        """The rank of the inspection that stands at the head of a chain; None: none does."""
        head = self._heads.get(chain)
        return head.rank if head else None

    def tell(self, fact: Fact, undone: Fact | None) -> None:
        """One fact more; `undone` stands no longer by it."""
        if undone is not None:
            how = "withdrawn" if fact.kind == WITHDRAWAL else "corrected"
            self._keep(undone._replace(standing=how))
            if undone.kind == INSPECTION:
                self._heads.pop(undone.chain, None)
        self._keep(fact)

    def _keep(self, fact: Fact) -> None:
        self._facts[fact.department, fact.number] = fact
        if fact.kind == INSPECTION and fact.standing == "standing":
            self._heads[fact.chain] = fact
