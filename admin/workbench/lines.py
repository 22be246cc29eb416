"""The lines of a case on the page: for each requirement what is on file, what was taken, what is missing, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from admin.workbench.case_facts import CaseFacts, Fact
from admin.workbench.wording import why_not
from hub.reuse.match import Answer, Candidate

#: verdict -> tone of the line
TONES = {
    "used": "good",
    "taken": "good",
    "promised": "warn",
    "usable": "ready",
    "unusable": "bad",
    "may_follow": "open",
    "missing": "open",
}


#: What a department may not use for want of a right, it may not look at either.
WITHHELD = ("not_granted", "not_shared")


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing on file that may be used, or may not."""

    key: str
    candidate: Candidate
    ticked: bool
    why: str = ""

    @property
    def previewed(self) -> bool:
        """Whether there is a file to look at."""
        return self.candidate.source_kind == "material" and self.candidate.refusal not in WITHHELD

    @property
    def tone(self) -> str:
        """How bad it is that it may not be used."""
        return "bad" if self.candidate.refusal in ("frozen", "revoked", "bad_signature") else "warn"


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement as it stands."""

    requirement: Any
    verdict: str
    tone: str
    offers: tuple[Offer, ...]
    refused: tuple[Offer, ...]
    uses: tuple[Fact, ...]
    files: tuple[Fact, ...]
    uploads: tuple[Fact, ...]
    promise: Fact | None
    last_day: date | None

    @property
    def done(self) -> bool:
        """Whether nothing stands in the way of acceptance."""
        return self.verdict in ("used", "taken", "promised") or not self.requirement.required

    @property
    def settled(self) -> bool:
        """Whether there is anything on this line already."""
        return bool(self.uses or self.files)


def lines(answers: Sequence[Answer], facts: CaseFacts, today: date) -> tuple[Line, ...]:
    """Every line, in the order of the list."""
    return tuple(_line(answer, facts, today) for answer in answers)


def _line(answer: Answer, facts: CaseFacts, today: date) -> Line:
    requirement = answer.requirement
    used = {(use["source_kind"], use["source_id"]) for use in facts.uses.get(requirement.id, ())}
    offers: list[Offer] = []
    refused: list[Offer] = []
    for candidate in answer.candidates:
        if (candidate.source_kind, candidate.source_id) in used:
            continue
        key = f"{requirement.id}|{candidate.source_kind}|{candidate.source_id}"
        first = answer.verdict == "usable" and not offers
        if candidate.refusal is None:
            offers.append(Offer(key, candidate, first and not candidate.objected))
        else:
            refused.append(Offer(key, candidate, False, why_not(candidate)))
    return Line(
        requirement=requirement,
        verdict=answer.verdict,
        tone=refused[0].tone if answer.verdict == "unusable" else TONES[answer.verdict],
        offers=tuple(offers),
        refused=tuple(refused),
        uses=facts.uses.get(requirement.id, ()),
        files=facts.files.get(requirement.id, ()),
        uploads=facts.uploads.get(requirement.id, ()),
        promise=facts.promises.get(requirement.id),
        last_day=facts.last_day(requirement.deferral_days, today) if requirement.may_follow else None,
    )


def counts(found: Sequence[Line]) -> dict[str, int]:
    """The figures of the head of the page."""
    return {
        "all": sum(line.requirement.required for line in found),
        "used": sum(line.verdict == "used" for line in found),
        "taken": sum(line.verdict == "taken" for line in found),
        "promised": sum(line.verdict == "promised" for line in found),
        "usable": sum(line.verdict == "usable" for line in found),
        "open": sum(
            line.requirement.required and not line.done and line.verdict != "usable" for line in found
        ),
        "done": sum(line.requirement.required and line.done for line in found),
        "ticked": sum(offer.ticked for line in found for offer in line.offers),
    }
