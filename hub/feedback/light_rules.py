"""Light rules as data: which light a fact gives its party, by the table that data administrators keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from hub.round_trips import Question

QUESTION: Question = (
    "SELECT id, kind, result, handling, light, lasts_days, seq, note FROM light_rules WHERE active",
    {},
)


class Rule(NamedTuple):
    """One line of the table."""

    id: int
    kind: str
    result: str | None
    handling: str | None
    light: str
    lasts_days: int | None
    seq: int
    note: str

    @property
    def rank(self) -> tuple[int, int, int]:
        """Lower comes first; the database says the same (shine_lights)."""
        return -((self.result is not None) + (self.handling is not None)), self.seq, self.id


@dataclass(frozen=True, slots=True)
class LightRules:
    """The active rules, most specific first."""

    rules: tuple[Rule, ...] = ()

    def fitting(self, kind: str, result: str | None, handling: str | None) -> list[Rule]:
        """All that fit, the one that counts first."""
        return [
            rule
            for rule in self.rules
            if rule.kind == kind and rule.result in (None, result) and rule.handling in (None, handling)
        ]

    def light(self, kind: str, result: str | None, handling: str | None) -> str | None:
        """The light of such a fact; None: it says nothing."""
        return next((rule.light for rule in self.fitting(kind, result, handling)), None)


def light_rules(rows: Iterable[Any]) -> LightRules:
    """The answer to QUESTION."""
    return LightRules(tuple(sorted((Rule(*row) for row in rows), key=lambda rule: rule.rank)))
