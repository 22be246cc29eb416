"""Match: for a party, an item and a day, what is on file for each requirement, what of it may be used, what is missing.

Guarantees: always offers what is allowed and never what is expired, revoked, frozen, ungranted or of a version no longer
accepted; one question to PostgreSQL. The map of an item's requirements is kept in the process, for it never changes.
Does not record anything: `use_material` does, and asks again under a lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from hub.catalogue.published import PublishedItem, item_version
from hub.reuse.explain import explain
from hub.reuse.facts import statement
from hub.reuse.rules import REFUSALS, VERDICTS, Answer, Asked, Candidate, Fact, Wanted, judge, wanted
from hub.round_trips import ask

__all__ = ["REFUSALS", "VERDICTS", "Answer", "Candidate", "Question", "explain", "match"]


@dataclass(frozen=True, slots=True)
class Question:
    """Whose, for what, for whom, when; `case_no` where a case is being prepared: what it has counts then."""

    party_id: uuid.UUID
    version_id: uuid.UUID
    department: str | None
    on: date
    case_no: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked for one version of an item."""

    item: PublishedItem
    map: Wanted
    statement: Mapping[bool, str]  # by whether a case is being prepared
    parameters: Mapping[str, Any]


_plans: dict[uuid.UUID, _Plan] = {}
KEPT = 2000  # versions; the demo has dozens, a city some hundreds


def match(tx: Connection, question: Question) -> list[Answer]:
    """The answer to each requirement, in the order of the list. Raises NotFound for an unknown version."""
    plan = _plan(tx, question.version_id)
    parameters = {
        **plan.parameters,
        "party": question.party_id,
        "department": question.department,
        "on": question.on,
        "case_no": question.case_no,
    }
    (rows,) = ask(tx, (plan.statement[question.case_no is not None], parameters))
    asked = Asked(plan.item.item_code, question.department, question.on, question.case_no)
    return judge([Fact._make(row) for row in rows], asked, plan.item.requirements, plan.map)


def _plan(tx: Connection, version_id: uuid.UUID) -> _Plan:
    item = item_version(tx, version_id)
    known = _plans.get(version_id)
    if known is not None and known.item is item:
        return known
    if len(_plans) >= KEPT:
        _plans.clear()
    _plans[version_id] = plan = _planned(item)
    return plan


def _planned(item: PublishedItem) -> _Plan:
    map_ = wanted(item.requirements)

    def codes(kind: str) -> Sequence[str]:
        return sorted(code for of, code in map_ if of == kind)

    licences, decisions = bool(codes("licence")), bool(codes("result"))
    parameters = {
        "types": codes("material"),
        "licence_types": codes("licence"),
        "items": codes("result"),
        "kinds": sorted({kind for kind, _ in map_}),
        "codes": sorted({code for _, code in map_}),
    }
    return _Plan(
        item,
        map_,
        {of_case: statement(licences, decisions, of_case) for of_case in (False, True)},
        parameters,
    )
