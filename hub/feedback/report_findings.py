"""Report findings: what departments planned, found, had put right, punished and took back, with all that it does.

Guarantees: what a fact asks for is what the rules said when it came; of a department's facts about a licence the newest
inspection, with what was put right of it, decides, so the outcome does not depend on the order of arrival, and nothing
happens twice. What was corrected or withdrawn stays on file and counts as if it had never been: licence, case, push and
light are worked out anew. A department speaks only of cases that were pushed to it; a fact on a licence that was renewed
acts on its newest version. Departments, holder and cases that rely on a licence whose status changes, and the departments
that hear of such facts, are told in the same transaction.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from hub.errors import Unavailable
from hub.exchange.arrived import Arrived
from hub.exchange.taker import Taker
from hub.feedback.evidence import FindingFile
from hub.feedback.finding import Finding
from hub.feedback.grounds import Grounds, grounds, number_of, questions
from hub.feedback.hand_over import push_to_newcomers
from hub.feedback.judge import objection
from hub.feedback.kinds import OF_TYPE, PLAN, act_of
from hub.feedback.notices import clerk_notice, revoked_for_nothing
from hub.feedback.onward import Onward, heard_of
from hub.feedback.rows import Taken, by_finding, file_rows, ledger_row, taken
from hub.feedback.shine_lights import shine_lights
from hub.licensing.living.hold_licences import Ruled, hold_licences
from hub.licensing.living.take_effect import effects_of, standing
from hub.ports import Desk
from hub.pushing.move import Act, move_pushes
from hub.round_trips import Question, Rows, ask, tell, write


def report_findings(tx: Connection, messages: Sequence[Arrived], known: Grounds, desk: Desk) -> None:
    """Take facts that nothing speaks against."""
    now = desk.clock()
    for batch in _batches(messages):
        _take(tx, [taken(message, known, now) for message in batch], known, desk)


def _batches(messages: Sequence[Arrived]) -> Iterator[list[Arrived]]:
    """What takes a fact back comes after the batch that brought it: what stands is read from the database."""
    batch: list[Arrived] = []
    numbers: set[tuple[str, str]] = set()
    for message in messages:
        undoes = message.data.get(OF_TYPE[message.event["type"]].undoes)
        if undoes and (message.department, undoes) in numbers:
            yield batch
            batch, numbers = [], set()
        batch.append(message)
        numbers.add((message.department, number_of(message)))
    if batch:
        yield batch


_UNDONE = """
UPDATE findings f SET standing = n.standing FROM unnest(%(ids)s::uuid[], %(standings)s::text[]) AS n(id, standing)
WHERE f.id = n.id AND f.standing = 'standing' RETURNING f.id
"""
_COUNT = """
UPDATE pushes p SET findings = p.findings + n.more, last_finding_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(more)s::int[]) AS n(id, more) WHERE p.id = n.id
"""
_REVOKED = """
SELECT o.finding_id FROM licence_operations o JOIN licences l ON l.id = o.licence_id
WHERE o.finding_id = ANY(%(ids)s) AND o.operation = 'revoke' AND l.status = o.to_status
"""


def _take(tx: Connection, facts: Sequence[Taken], known: Grounds, desk: Desk) -> None:
    now = desk.clock()
    undone = [one for one in facts if one.undone is not None]
    baseless = _undo(tx, undone)
    ruled = hold_licences(
        tx,
        [word for one in facts if (word := one.spoken()) is not None],
        now,
        anew=[word for one in undone if (word := one.took_back(known)) is not None],
    )
    for one in facts:
        one.row["effect_applied"] = one.row["id"] in ruled.applied
    counted = _move(tx, facts, undone, now)
    _write(tx, facts, known, desk, ruled, baseless)
    tell(
        tx,
        *ruled.statements,
        *(standing(ruled.stand_anew) if ruled.stand_anew else ()),
        *counted,
    )
    shine_lights(tx, _parties(facts, known), now)


def _undo(tx: Connection, undone: Sequence[Taken]) -> set[uuid.UUID]:
    """Mark what stands no longer; gives those for which a licence was revoked that still is."""
    if not undone:
        return set()
    old = [one.undone for one in undone if one.undone is not None]
    of = {
        "ids": [one.id for one in old],
        "standings": ["corrected" if one.row["corrects_id"] else "withdrawn" for one in undone],
    }
    marked, revoked = ask(tx, (_UNDONE, of), (_REVOKED, of))
    if len(marked) != len(old):
        raise Unavailable("有监管信息刚刚被更正或撤销，稍后自动重试。")
    return {row[0] for row in revoked}


def _move(tx: Connection, facts: Sequence[Taken], undone: Sequence[Taken], now: datetime) -> list[Question]:
    """Pushes, by these facts; what only counts them is left to be told later."""
    acting = [(one, act) for one in facts if (act := _act(one))]
    anew = {one.undone.push_id for one in undone if one.undone and one.undone.push_id}
    moved = move_pushes(
        tx,
        [
            Act(
                one.row["push_id"],
                act,
                now if one.kind.name == PLAN else one.row["happened_at"],
                plan=one.kind.name == PLAN,
                counted=True,
            )
            for one, act in acting
        ],
        now,
        anew=anew,
    )
    for (one, _), state in zip(acting, moved, strict=True):
        one.row["push_state"] = state
    more = Counter(one.row["push_id"] for one in facts if not _act(one))
    if not more:
        return []
    return [(_COUNT, {"ids": list(more), "more": list(more.values()), "now": now})]


def _act(one: Taken) -> str | None:
    return act_of(one.kind.name, one.kind.result_of(one.message.data), one.row["handling"])


def _write(
    tx: Connection,
    facts: Sequence[Taken],
    known: Grounds,
    desk: Desk,
    ruled: Ruled,
    baseless: set[uuid.UUID],
) -> None:
    """Facts, and what follows from them, in the order in which they refer to each other."""
    changes = by_finding(ruled.changes)
    effects = effects_of(tx, ruled.changes, desk, spoken=True)
    onward = Onward(desk, known, heard_of(tx, facts))
    notices, ledger = [], []
    for one in facts:
        mine = changes.get(one.row["id"], ())
        notices.append(clerk_notice(one, known, mine))
        if one.undone is not None and one.undone.id in baseless:
            notices.append(revoked_for_nothing(one, known))
        ledger.append(ledger_row(one, mine))
        onward.add(one, one.row["effect"] if one.row["effect_applied"] else None)
    pushed = push_to_newcomers(tx, onward.newcomers, desk)
    effects.notices[:0] = notices
    effects.ledger[:0] = ledger
    write(
        tx,
        Rows(Finding, [one.row for one in facts]),
        Rows(FindingFile, [row for one in facts for row in file_rows(one)]),
        *ruled.tables(),
        *effects.tables(),
        *pushed,
        *onward.tables(),
    )


def _parties(facts: Sequence[Taken], known: Grounds) -> set[uuid.UUID]:
    """Parties whose light may be another now: theirs is not green, or a fact says that it should not be."""
    found = set()
    for one in facts:
        case = known.cases[one.row["case_no"]]
        light = known.lights.light(one.kind.name, one.kind.result_of(one.message.data), one.row["handling"])
        if case.lit or one.undone is not None or light in ("yellow", "red"):
            found.add(case.party_id)
    return found


def frees(messages: Sequence[Arrived], known: Grounds) -> set[str]:
    """Departments that sent something too early, and now the fact that it speaks of may be here."""
    return {message.department for message in messages} & known.held


TAKER = Taker(frozenset(OF_TYPE), questions, grounds, objection, report_findings, frees=frees)
