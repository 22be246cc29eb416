"""Rules of findings: what a finding asks for, by the table that data administrators keep.

Guarantees: of the active rules that fit, the most specific one counts: with a licence type before without, then with more of
(result, handling) named, then the lower seq; where none fits, nothing happens. The same for every kind of finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hub.round_trips import Question

QUESTION: Question = (
    """
    SELECT id, kind, result, handling, type_code, effect, automatic, seq, note FROM licence_rules WHERE active
    """,
    {},
)


class Rule(NamedTuple):
    """One line of the table."""

    id: int
    kind: str
    result: str | None
    handling: str | None
    type_code: str | None
    effect: str
    automatic: bool
    seq: int
    note: str

    def fits(self, kind: str, result: str, handling: str | None, type_code: str | None) -> bool:
        """Whether it speaks of such a finding."""
        return (
            self.kind == kind
            and self.result in (None, result)
            and self.handling in (None, handling)
            and self.type_code in (None, type_code)
        )

    @property
    def rank(self) -> tuple[bool, int, int, int]:
        """Lower comes first."""
        named = (self.result is not None) + (self.handling is not None)
        return self.type_code is None, -named, self.seq, self.id

    @property
    def asks(self) -> str:
        """Its effect in the words of a finding: a freeze that must be confirmed is a proposal."""
        return self.effect if self.automatic or self.effect != "freeze" else "propose_freeze"


@dataclass(frozen=True, slots=True)
class RulesOfFindings:
    """The active rules, most specific first."""

    rules: tuple[Rule, ...] = ()

    def fitting(self, kind: str, result: str, handling: str | None, type_code: str | None) -> Sequence[Rule]:
        """All that fit, the one that counts first."""
        return [rule for rule in self.rules if rule.fits(kind, result, handling, type_code)]

    def asks(
        self, kind: str, result: str, handling: str | None, type_code: str | None
    ) -> tuple[str, int | None]:
        """What such a finding asks for, and by which rule."""
        for rule in self.rules:
            if rule.fits(kind, result, handling, type_code):
                return rule.asks, rule.id
        return "none", None


def rules_of_findings(rows: Iterable[Any]) -> RulesOfFindings:
    """The answer to QUESTION."""
    return RulesOfFindings(tuple(sorted((Rule(*row) for row in rows), key=lambda rule: rule.rank)))
