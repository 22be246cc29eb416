"""The rules of reuse, without a database: what may stand for a requirement on a day, and why the rest may not.

Guarantees: `refusal` is None exactly for what may be used; `judge` puts each fact under every requirement that it can
meet, and nowhere else. Both `match` and `use_material` ask here, so they cannot differ.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from hub.catalogue.published import RequirementLine

REFUSALS = (
    "expired",
    "not_yet_valid",
    "revoked",
    "frozen",
    "ended",
    "not_granted",
    "not_shared",
    "wrong_version",
    "bad_signature",
)
VERDICTS = ("used", "taken", "promised", "usable", "unusable", "may_follow", "missing")
#: What a licence's status (GB/T 36904) means for reuse; 01 is not here.
_STATUS = {
    "02": "frozen",
    "03": "revoked",
    "07": "revoked",
    "04": "ended",
    "05": "ended",
    "06": "ended",
    "99": "ended",
}
MATERIAL, LICENCE, DECISION, GRANT, USE, DEFERRAL, CONSENT = "m", "l", "d", "g", "u", "p", "c"
_SOURCES = {
    MATERIAL: ("material", "material"),
    LICENCE: ("licence", "licence"),
    DECISION: ("decision", "result"),
}


class Fact(NamedTuple):
    """One row of what the database knows; which columns mean something depends on `tag`."""

    tag: str
    id: uuid.UUID
    code: str  # of the resource
    name: str
    owner: str | None = None  # the department whose it is; of a use: the resource kind
    owner_name: str | None = None
    day: date | None = None
    case_no: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    state: str = ""
    note: str | None = None  # a material's signature; who holds a licence; of a grant: the resource kind
    sound: bool = True  # the type's version is still accepted
    lenient: bool = False  # the type takes a bad signature
    sharing: str = "unconditional"
    consent: bool = False
    objected: bool = False
    line: uuid.UUID | None = None
    codes: Sequence[str] | None = None  # of a grant: only for these items
    at: datetime | None = None


class Asked(NamedTuple):
    """The part of a question that the rules look at."""

    item_code: str
    department: str | None
    on: date
    case_no: str | None


class Candidate(NamedTuple):
    """Something on file that could stand for a requirement; `refusal` is None where it may."""

    source_kind: str
    source_id: uuid.UUID
    resource_kind: str
    resource_code: str
    name: str
    provider: str | None
    provider_name: str | None
    taken_on: date
    from_case: str | None
    valid_to: date | None
    verified: str
    grant_id: uuid.UUID | None
    consent_needed: bool
    objected: bool
    refusal: str | None
    valid_from: date | None = None
    held_by: str | None = None  # the names of the departments that hold a frozen licence


class UsedSource(NamedTuple):
    """A use that stands on this case for a requirement."""

    use_id: uuid.UUID
    source_kind: str
    source_id: uuid.UUID
    name: str
    used_at: datetime
    source_state: str
    relies_until: date | None = None  # the source's last valid day, as it was when it was used


class TakenMaterial(NamedTuple):
    """A material that was taken in on this very case for a requirement."""

    id: uuid.UUID
    name: str
    state: str
    signature_state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """One requirement and everything there is for it; candidates with the best first."""

    requirement: RequirementLine
    verdict: str
    candidates: tuple[Candidate, ...] = ()
    used: tuple[UsedSource, ...] = ()
    taken: tuple[TakenMaterial, ...] = ()
    promised_until: date | None = None
    deferral_id: uuid.UUID | None = None


def refusal(fact: Fact, asked: Asked, grants: Mapping[tuple[str, str], uuid.UUID]) -> str | None:
    """Why this source may not be used; what is wrong with the source itself is said before what is not allowed."""
    if fact.tag == MATERIAL:
        if fact.state != "usable":
            return "revoked"
    elif fact.state != "01":
        return _STATUS.get(fact.state, "ended")
    elif fact.note:  # somebody holds it, whatever its status says
        return "frozen"
    if fact.valid_to is not None and fact.valid_to < asked.on:
        return "expired"
    if fact.valid_from is not None and fact.valid_from > asked.on:
        return "not_yet_valid"
    if not fact.sound:
        return "wrong_version"
    if fact.tag == MATERIAL and fact.note == "invalid" and not fact.lenient:
        return "bad_signature"
    if fact.owner is not None and fact.owner == asked.department:
        return None
    if fact.sharing == "none":
        return "not_shared"
    return None if (_SOURCES[fact.tag][1], fact.code) in grants else "not_granted"


def granted(facts: Iterable[Fact], asked: Asked) -> dict[tuple[str, str], uuid.UUID]:
    """For each resource the grant that counts for this item on this day: the one that lasts longest."""
    found: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        if fact.tag != GRANT or (fact.codes and asked.item_code not in fact.codes):
            continue
        assert fact.valid_from is not None
        assert fact.valid_to is not None
        if fact.state != "granted" or not fact.valid_from <= asked.on <= fact.valid_to:
            continue
        key = (str(fact.note), fact.code)
        known = found.get(key)
        if known is None or (fact.valid_to, fact.id) > (known.valid_to, known.id):
            found[key] = fact
    return {key: fact.id for key, fact in found.items()}


Wanted = Mapping[tuple[str, str], Sequence[tuple[int, int]]]


def wanted(requirements: Sequence[RequirementLine]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """For each resource the requirements it can meet: (place of the requirement, rank of the resource in it)."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for place, line in enumerate(requirements):
        accepted = [("material", line.material_type), *((one.kind, one.code) for one in line.stand_ins)]
        for rank, resource in enumerate(dict.fromkeys(accepted)):
            found.setdefault(resource, []).append((place, rank))
    return found


def judge(
    facts: Sequence[Fact], asked: Asked, requirements: Sequence[RequirementLine], map_: Wanted
) -> list[Answer]:
    """The answer to every requirement."""
    grants = granted(facts, asked)
    consented = any(fact.tag == CONSENT for fact in facts)
    places = {line.id: place for place, line in enumerate(requirements)}
    offers: list[list[tuple[bool, bool, int, int, Candidate]]] = [[] for _ in requirements]
    mine: list[list[Fact]] = [[] for _ in requirements]
    for fact in facts:
        source = _SOURCES.get(fact.tag)
        if source is None or (fact.case_no is not None and fact.case_no == asked.case_no):
            if fact.line in places:
                mine[places[fact.line]].append(fact)
            continue
        meets = map_.get((source[1], fact.code))
        if not meets or (fact.tag == MATERIAL and fact.state not in ("usable", "revoked")):
            continue
        one = _candidate(fact, source, refusal(fact, asked, grants), grants, consented, asked)
        age = -one.taken_on.toordinal()
        for place, rank in meets:
            offers[place].append((one.refusal is not None, one.objected, rank, age, one))
    return [_answer(line, offers[place], mine[place]) for place, line in enumerate(requirements)]


def _candidate(
    fact: Fact,
    source: tuple[str, str],
    why_not: str | None,
    grants: Mapping[tuple[str, str], uuid.UUID],
    consented: bool,
    asked: Asked,
) -> Candidate:
    own = fact.owner is not None and fact.owner == asked.department
    return Candidate(
        source[0],
        fact.id,
        source[1],
        fact.code,
        fact.name,
        fact.owner,
        fact.owner_name,
        fact.day or date.min,
        fact.case_no,
        fact.valid_to,
        (fact.note or "unchecked") if fact.tag == MATERIAL else "register",
        None if own else grants.get((source[1], fact.code)),
        fact.consent and not consented,
        fact.objected,
        why_not,
        fact.valid_from,
        fact.note if fact.tag != MATERIAL else None,
    )


def _answer(
    line: RequirementLine, offers: list[tuple[bool, bool, int, int, Candidate]], mine: Sequence[Fact]
) -> Answer:
    if len(offers) > 1:
        offers.sort(key=lambda offer: (offer[:4], offer[4].source_id))
    used: tuple[UsedSource, ...] = ()
    taken: tuple[TakenMaterial, ...] = ()
    promise: Fact | None = None
    for fact in mine:
        if fact.tag == USE:
            used += (_used(fact),)
        elif fact.tag == MATERIAL and fact.state in ("usable", "pending"):
            assert fact.at is not None
            taken += (TakenMaterial(fact.id, fact.name, fact.state, fact.note or "unchecked", fact.at),)
        elif fact.tag == DEFERRAL:
            promise = fact
    if used:
        verdict = "used"
    elif taken:
        verdict = "taken"
    elif promise:
        verdict = "promised"
    elif offers:
        verdict = "unusable" if offers[0][0] else "usable"
    else:
        verdict = "may_follow" if line.may_follow else "missing"
    return Answer(
        line,
        verdict,
        tuple(offer[4] for offer in offers),
        used,
        taken,
        promise.valid_to if promise else None,
        promise.id if promise else None,
    )


def _used(fact: Fact) -> UsedSource:
    assert fact.at is not None
    return UsedSource(
        fact.id, str(fact.owner), uuid.UUID(fact.note), fact.name, fact.at, fact.state, fact.valid_to
    )
