"""What departments have said of licences so far: findings, holds, proposals, read under the licences' locks.

Guarantees: one round trip; everything but the licences' own rows is read by statements that begin after the locks are given,
so it is what was committed before.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from hub.errors import Unavailable
from hub.licensing.licence import FROZEN, REVOKED, VALID, WITHDRAWN
from hub.round_trips import ask
from hub.workday import LOCAL

Seat = tuple[uuid.UUID, str]  # (licence, department)
Rank = tuple[datetime, str]
DECISIVE = ("freeze", "lift", "warn")  # findings that say whether the department holds; others leave it
#: What a finding asks a person to do -> the proposal.
PROPOSES = {"propose_freeze": "freeze", "propose_revocation": "revoke"}
WATCHED = ("warn", *PROPOSES)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The part of a finding that can move a licence."""

    finding_id: uuid.UUID
    licence_id: uuid.UUID
    department: str
    happened_at: datetime
    finding_no: str
    effect: str
    reason: str

    @property
    def rank(self) -> Rank:
        """Newer is greater."""
        return self.happened_at, self.finding_no

    @property
    def seat(self) -> Seat:
        """Whose word on what it is."""
        return self.licence_id, self.department


@dataclass(slots=True)
class Bench:
    """Licences under their locks, with all that departments have said of them, as it grows finding by finding."""

    status: dict[uuid.UUID, str]
    case_no: dict[uuid.UUID, str | None]
    stands: dict[uuid.UUID, str | None]  # how its case stands; not of a licence with an older version
    holds: dict[Seat, uuid.UUID]  # -> what placed it
    open: dict[tuple[uuid.UUID, str, str], tuple[uuid.UUID, uuid.UUID]]  # (.., effect) -> (proposal, finding)
    settled: set[tuple[uuid.UUID, str]]  # (finding, effect) a person decided on
    newest: dict[Seat, Spoken] = field(default_factory=dict)
    decisive: dict[Seat, Rank] = field(default_factory=dict)
    holders: Counter[uuid.UUID] = field(default_factory=Counter)

    def otherwise(self) -> set[uuid.UUID]:
        """Licences that do not say what their case says. While nobody objects the case is clear: nothing to look up."""
        marks = {
            id_: "alert" if status in (WITHDRAWN, REVOKED) else "clear" for id_, status in self.status.items()
        }
        alive = {id_ for id_, status in self.status.items() if status in (VALID, FROZEN)}
        warned = {licence for (licence, _), said in self.newest.items() if said.effect in WATCHED}
        asked = {licence for licence, _, _ in self.open}
        marks |= dict.fromkeys((warned | asked) & alive, "watch")
        marks |= dict.fromkeys({licence for licence, _ in self.holds} & alive, "alert")
        return {id_ for id_, mark in marks.items() if self.stands.get(id_, "") not in (mark, None)}


_LOCK = "SELECT id, case_no, status FROM licences WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"
_CASES = """
SELECT l.id, l.previous_id IS NOT NULL, c.standing, EXISTS (SELECT 1 FROM licences n WHERE n.previous_id = l.id)
FROM licences l LEFT JOIN cases c ON c.case_no = l.case_no WHERE l.id = ANY(%(ids)s)
"""
#: Of each department the newest finding that says whether it holds the licence, and the newest of the others.
_SAID = """
SELECT DISTINCT ON (licence_id, department, decides) id, licence_id, department, happened_at, finding_no, effect,
  coalesce(explanation, ''), decides
FROM (SELECT f.*, f.effect IN ('freeze', 'lift', 'warn') OR f.effect = 'propose_freeze' AND EXISTS (
    SELECT 1 FROM licence_proposals p
    WHERE p.finding_id = f.id AND p.effect = 'freeze' AND p.state = 'confirmed') AS decides
  FROM findings f WHERE f.licence_id = ANY(%(ids)s)) AS said
ORDER BY licence_id, department, decides, happened_at DESC, finding_no COLLATE "C" DESC
"""
_HOLDS = """
SELECT h.licence_id, h.department, h.placed_by, h.placed_at, EXISTS (SELECT 1 FROM findings f WHERE f.id = h.placed_by)
FROM holds h WHERE h.licence_id = ANY(%(ids)s) AND h.lifted_at IS NULL
"""
_PROPOSALS = """
SELECT id, licence_id, finding_id, department, effect, state FROM licence_proposals
WHERE licence_id = ANY(%(ids)s) AND state <> 'overtaken'
"""


def said_of_licences(tx: Connection, ids: set[uuid.UUID]) -> Bench:
    """Take the locks and read. Raises Unavailable where one was renewed while we waited: it is another licence now."""
    of = {"ids": list(ids)}
    licences, cases, said, holds, proposals = ask(
        tx, (_LOCK, of), (_CASES, of), (_SAID, of), (_HOLDS, of), (_PROPOSALS, of)
    )
    if any(renewed for *_, renewed in cases):
        raise Unavailable("证照刚刚换发了新版本，稍后自动重试。")
    bench = Bench(
        status={id_: status for id_, _, status in licences},
        case_no={id_: case_no for id_, case_no, _ in licences},
        stands={id_: standing for id_, has_older, standing, _ in cases if not has_older},
        holds={(licence, by): placed_by for licence, by, placed_by, _, _ in holds},
        open={(li, by, effect): (id_, f) for id_, li, f, by, effect, state in proposals if state == "open"},
        settled={(finding, effect) for _, _, finding, _, effect, state in proposals if state != "open"},
    )
    for id_, licence, by, *words, decides in said:
        one = Spoken(id_, licence, by, *words)
        if decides:
            bench.decisive[one.seat] = one.rank
        if one.seat not in bench.newest or one.rank > bench.newest[one.seat].rank:
            bench.newest[one.seat] = one
    bench.holders.update(licence for licence, _ in bench.holds)
    for licence, by, _, placed_at, by_finding in holds:
        if not by_finding:  # a person did it: what was inspected on an earlier day does not undo it
            day = placed_at.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
            seat = (licence, by)
            bench.decisive[seat] = max(bench.decisive.get(seat, (day, "")), (day, ""))
    return bench
