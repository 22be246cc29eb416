"""Hold licences: what departments' inspections do to licences, whatever the order in which they arrive.

Guarantees: after it, a department holds a licence exactly if its newest finding that speaks of holding (freeze, lift, warn,
or a confirmed proposal) freezes; an older one that comes late changes nothing. A proposal is open exactly while the
department's newest finding asks for it and nobody has decided on it. A living licence is 暂扣 exactly while someone holds
it; one that has ended keeps its status. What a person of a department did counts like a finding of that day. Where a finding
was corrected or withdrawn, see hub.licensing.living.reconsider_licences. Writes nothing: see `Ruled`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.licensing.findings.rule import LicenceProposal
from hub.licensing.licence import EXPIRED, FROZEN, VALID, Hold
from hub.licensing.living.changed import Changed
from hub.licensing.living.said_of_licences import PROPOSES, Bench, Seat, Spoken, said_of_licences
from hub.round_trips import Question, Rows

#: In which statuses a proposal makes sense.
_PROPOSABLE = {"freeze": (VALID, FROZEN), "revoke": (VALID, FROZEN, EXPIRED)}


@dataclass(slots=True)
class Ruled:
    """What findings did: rows to be written after the findings, and statements to be told after those."""

    applied: set[uuid.UUID] = field(default_factory=set)  # findings that spoke last when they were heard
    changes: list[Changed] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    proposals: list[dict[str, Any]] = field(default_factory=list)
    statements: list[Question] = field(default_factory=list)
    stand_anew: set[uuid.UUID] = field(default_factory=set)  # licences whose cases may stand otherwise now

    def tables(self) -> tuple[Rows, Rows]:
        """New holds and new proposals."""
        return Rows(Hold, self.holds), Rows(LicenceProposal, self.proposals)


def hold_licences(tx: Connection, spoken: Sequence[Spoken], now: datetime) -> Ruled:
    """Judge findings, in the order of arrival. Takes the licences' locks; raises Unavailable where one was just renewed."""
    ruled = Ruled()
    if not spoken:
        return ruled
    bench = said_of_licences(tx, {one.licence_id for one in spoken})
    before = set(bench.holds)
    for one in spoken:
        was_held = bench.holders[one.licence_id] > 0
        acted = _hear(bench, one)
        if one.seat not in bench.newest or one.rank > bench.newest[one.seat].rank:
            bench.newest[one.seat] = one
            acted = True
        if acted:
            ruled.applied.add(one.finding_id)
        if (change := change_of(bench, one, one.licence_id, was_held, now)) is not None:
            ruled.changes.append(change)
    lifting = {one.seat: one.finding_id for one in sorted(spoken, key=lambda one: one.rank)}
    keep(ruled, bench, before, lifting, now)
    return ruled


def keep(
    ruled: Ruled, bench: Bench, before: set[Seat], said_by: Mapping[Seat, uuid.UUID], now: datetime
) -> None:
    """Holds and proposals as the bench has them now; `said_by`: the finding by which a seat's word changed."""
    _save_holds(ruled, bench, before, said_by, now)
    _save_proposals(ruled, bench, set(said_by), now)
    ruled.stand_anew = bench.otherwise()


def _hear(bench: Bench, one: Spoken) -> bool:
    """Whether the department holds the licence after this; false where this finding does not say, or says it too late."""
    if not one.decides:
        return False
    if one.seat in bench.decisive and one.rank <= bench.decisive[one.seat]:
        return False
    bench.decisive[one.seat] = one.rank
    if one.effect == "freeze" and one.seat not in bench.holds:
        bench.holds[one.seat] = one.finding_id
        bench.holders[one.licence_id] += 1
    elif one.effect != "freeze" and one.seat in bench.holds:
        del bench.holds[one.seat]
        bench.holders[one.licence_id] -= 1
    return True


def change_of(
    bench: Bench, one: Spoken, licence_id: uuid.UUID, was_held: bool, now: datetime
) -> Changed | None:
    """The change of status that this finding brings, if it does."""
    status, held = bench.status[licence_id], bench.holders[licence_id] > 0
    if status == VALID and held:
        operation = "suspend"
    elif status == FROZEN and was_held and not held:
        operation = "restore"
    else:
        return None
    change = Changed(
        licence_id,
        operation,
        status,
        one.reason,
        f"department:{one.department}",
        now,
        department=one.department,
        finding_id=one.finding_id,
        finding_no=one.finding_no,
        case_no=bench.case_no[licence_id],
        id=uuid.uuid5(one.finding_id, f"licence.operation {licence_id}"),
    )
    bench.status[licence_id] = change.to_status
    return change


_LIFT = """
UPDATE holds h SET lifted_at = %(now)s, lifted_by = n.finding
FROM unnest(%(licences)s::uuid[], %(departments)s::text[], %(findings)s::uuid[]) AS n(licence, department, finding)
WHERE h.licence_id = n.licence AND h.department = n.department AND h.lifted_at IS NULL
"""


def _save_holds(
    ruled: Ruled, bench: Bench, before: set[Seat], said_by: Mapping[Seat, uuid.UUID], now: datetime
) -> None:
    ruled.holds += [
        {
            "id": uuid.uuid5(said_by[licence_id, department], str(licence_id)),
            "licence_id": licence_id,
            "department": department,
            "placed_by": finding_id,
            "placed_at": now,
        }
        for (licence_id, department), finding_id in bench.holds.items()
        if (licence_id, department) not in before
    ]
    lifted = sorted(before - set(bench.holds))
    if lifted:
        of = {
            "licences": [licence_id for licence_id, _ in lifted],
            "departments": [department for _, department in lifted],
            "findings": [said_by[seat] for seat in lifted],
            "now": now,
        }
        ruled.statements.append((_LIFT, of))


_OVERTAKE = """
UPDATE licence_proposals SET state = 'overtaken', decided_at = %(now)s, decided_why = '该部门之后的监管信息不再要求'
WHERE id = ANY(%(ids)s) AND state = 'open'
"""
_REPEAT = """
UPDATE licence_proposals p SET finding_id = n.finding, reason = n.reason
FROM unnest(%(ids)s::uuid[], %(findings)s::uuid[], %(reasons)s::text[]) AS n(id, finding, reason) WHERE p.id = n.id
"""


def _save_proposals(ruled: Ruled, bench: Bench, seats: set[Seat], now: datetime) -> None:
    """Open what the newest findings ask for, and let go of what they no longer ask for."""
    overtaken: list[uuid.UUID] = []
    repeated: list[tuple[uuid.UUID, Spoken]] = []
    for seat in sorted(seats):
        said = bench.newest.get(seat)
        wanted = _wanted(bench, said) if said else None
        for effect in PROPOSES.values():
            known = bench.open.get((*seat, effect))
            if said is None or effect != wanted:
                if known:
                    overtaken.append(known[0])
                    del bench.open[(*seat, effect)]
            elif known is None:
                ruled.proposals.append(_proposal_row(said, effect, now))
            elif known[1] != said.finding_id:
                repeated.append((known[0], said))
    if overtaken:
        ruled.statements.append((_OVERTAKE, {"ids": overtaken, "now": now}))
    if repeated:
        of = {
            "ids": [id_ for id_, _ in repeated],
            "findings": [said.finding_id for _, said in repeated],
            "reasons": [said.reason for _, said in repeated],
        }
        ruled.statements.append((_REPEAT, of))


def _wanted(bench: Bench, said: Spoken) -> str | None:
    effect = PROPOSES.get(said.effect)
    if effect is None or bench.status[said.licence_id] not in _PROPOSABLE[effect]:
        return None
    if (said.finding_id, effect) in bench.settled or (effect == "freeze" and said.seat in bench.holds):
        return None
    return effect


def _proposal_row(said: Spoken, effect: str, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "licence_id": said.licence_id,
        "finding_id": said.finding_id,
        "department": said.department,
        "effect": effect,
        "reason": said.reason,
        "created_at": now,
    }
