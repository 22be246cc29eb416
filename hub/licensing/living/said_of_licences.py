"""What departments have said of licences so far: findings, holds, proposals, read under the licences' locks.

Only facts that stand count. A rectification speaks for the inspection it is about, after it, and is silent when that one is
withdrawn: so a department's newest inspection, with what was put right of it, decides.

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
from hub.round_trips import ask, listed
from hub.workday import LOCAL

Seat = tuple[uuid.UUID, str]  # (licence, department)
Rank = tuple[datetime | str | bool, ...]
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
    kind: str = "inspection"
    head: tuple[datetime, str] | None = (
        None  # of a rectification: when and what the inspection is that it is about
    )

    @property
    def rank(self) -> Rank:
        """Newer is greater; a rectification is newer than its inspection, and older than the next one."""
        own = (self.happened_at, self.finding_no)
        return (*(self.head or own), self.head is not None, *own)

    @property
    def decides(self) -> bool:
        """Whether it says that the department holds, or does not; others leave that. A warning of what is still not put
        right does not lift what the inspection froze."""
        return self.effect in ("freeze", "lift") or (self.effect == "warn" and self.kind == "inspection")

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
    by_hand: set[Seat]  # held by a person's act, and no finding that decides has come since
    let_go: dict[Seat, datetime]  # when a person last lifted a hold
    open: dict[tuple[uuid.UUID, str, str], tuple[uuid.UUID, uuid.UUID]]  # (.., effect) -> (proposal, finding)
    settled: set[tuple[uuid.UUID, str]]  # (finding, effect) a person decided on
    newest: dict[Seat, Spoken] = field(default_factory=dict)
    decisive: dict[Seat, Rank] = field(default_factory=dict)
    freezing: dict[Seat, uuid.UUID] = field(default_factory=dict)  # the decisive finding, where it freezes
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
SELECT l.id, l.previous_id IS NOT NULL, c.standing, n.id IS NOT NULL
FROM licences l LEFT JOIN LATERAL (SELECT standing FROM cases WHERE case_no = l.case_no OFFSET 0) c ON true
LEFT JOIN LATERAL (SELECT id FROM licences WHERE previous_id = l.id LIMIT 1) n ON true WHERE l.id = ANY(%(ids)s)
"""
#: What departments' facts say of licences, as far as they stand; `head` is the inspection that a rectification is about.
SPEAKING = """
findings f LEFT JOIN LATERAL (
  SELECT h.id, h.happened_at, h.finding_no FROM findings h
  WHERE f.kind = 'rectification' AND h.case_no = f.case_no AND h.department = f.department AND h.kind = 'inspection'
    AND h.standing = 'standing' AND coalesce(h.chain_id, h.id) = f.chain_id LIMIT 1) head ON true
"""
STANDING = """
f.standing = 'standing' AND (f.kind = 'inspection'
  OR f.effect <> 'none' AND (f.kind = 'enforcement' OR f.kind = 'rectification' AND head.id IS NOT NULL))
"""
#: The newest first: Spoken.rank.
NEWEST = """
coalesce(head.happened_at, f.happened_at) DESC, coalesce(head.finding_no, f.finding_no) COLLATE "C" DESC,
(head.id IS NOT NULL) DESC, f.happened_at DESC, f.finding_no COLLATE "C" DESC
"""
#: Of each department the newest finding that says whether it holds the licence, and the newest of the others.
_SAID = f"""
SELECT DISTINCT ON (f.licence_id, f.department, d.decides) f.id, f.licence_id, f.department, f.happened_at, f.finding_no,
  f.effect, coalesce(f.explanation, ''), f.kind, head.happened_at, head.finding_no, f.received_at, d.decides
FROM {SPEAKING} CROSS JOIN LATERAL (SELECT f.effect IN ('freeze', 'lift') OR f.effect = 'warn' AND f.kind = 'inspection'
  OR f.effect = 'propose_freeze' AND EXISTS (
    SELECT 1 FROM licence_proposals p
    WHERE p.finding_id = f.id AND p.effect = 'freeze' AND p.state = 'confirmed') AS decides) d
WHERE f.licence_id = ANY(%(ids)s) AND {STANDING}
ORDER BY f.licence_id, f.department, d.decides, {NEWEST}
"""  # noqa: S608 - our own words
#: A confirmed proposal's hold rests on the finding that asked for it.
_HOLDS = """
SELECT h.licence_id, h.department, h.placed_by, h.placed_at, f.id IS NOT NULL,
  f.id IS NULL AND coalesce(g.standing, 'standing') = 'standing'
FROM holds h LEFT JOIN findings f ON f.id = h.placed_by LEFT JOIN licence_operations o ON o.id = h.placed_by
LEFT JOIN findings g ON g.id = o.finding_id
WHERE h.licence_id = ANY(%(ids)s) AND h.lifted_at IS NULL
"""
_LET_GO = """
SELECT h.licence_id, h.department, max(h.lifted_at) FROM holds h
WHERE h.licence_id = ANY(%(ids)s) AND h.lifted_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.id = h.lifted_by)
GROUP BY h.licence_id, h.department
"""
_PROPOSALS = """
SELECT id, licence_id, finding_id, department, effect, state FROM licence_proposals
WHERE licence_id = ANY(%(ids)s) AND state <> 'overtaken'
"""


def said_of_licences(tx: Connection, ids: set[uuid.UUID]) -> Bench:
    """Take the locks and read. Raises Unavailable where one was renewed while we waited: it is another licence now."""
    of = {"ids": listed(ids)}
    licences, cases, said, holds, let_go, proposals = ask(
        tx, (_LOCK, of), (_CASES, of), (_SAID, of), (_HOLDS, of), (_LET_GO, of), (_PROPOSALS, of)
    )
    if any(renewed for *_, renewed in cases):
        raise Unavailable("证照刚刚换发了新版本，稍后自动重试。")
    bench = Bench(
        status={id_: status for id_, _, status in licences},
        case_no={id_: case_no for id_, case_no, _ in licences},
        stands={id_: standing for id_, has_older, standing, _ in cases if not has_older},
        holds={(licence, by): placed_by for licence, by, placed_by, *_ in holds},
        by_hand=set(),
        let_go={(licence, by): at for licence, by, at in let_go},
        open={(li, by, effect): (id_, f) for id_, li, f, by, effect, state in proposals if state == "open"},
        settled={(finding, effect) for _, _, finding, _, effect, state in proposals if state != "open"},
    )
    heard: dict[Seat, datetime] = {}
    for row in said:
        id_, licence, by, at, number, effect, reason, kind, head_at, head_no, received_at, decides = row
        head = (head_at, head_no) if head_at else None
        one = Spoken(id_, licence, by, at, number, effect, reason, kind, head)
        if decides:
            bench.decisive[one.seat] = one.rank
            heard[one.seat] = received_at
            freed = bench.let_go.get(one.seat)
            if one.effect not in ("lift", "warn") and not (freed and freed >= received_at):
                bench.freezing[one.seat] = one.finding_id
        if one.seat not in bench.newest or one.rank > bench.newest[one.seat].rank:
            bench.newest[one.seat] = one
    bench.holders.update(licence for licence, _ in bench.holds)
    for licence, by, _, placed_at, by_finding, by_hand in holds:
        seat = (licence, by)
        day: Rank = (placed_at.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0), "")
        if by_hand and not (seat in heard and heard[seat] > placed_at and bench.decisive[seat] > day):
            bench.by_hand.add(seat)
        if not by_finding:  # a person did it: what was inspected on an earlier day does not undo it
            bench.decisive[seat] = max(bench.decisive.get(seat, day), day)
    return bench
