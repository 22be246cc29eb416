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
from hub.feedback.grounds import Grounds, grounds, questions
from hub.feedback.hand_over import push_to_newcomers
from hub.feedback.judge import objection
from hub.feedback.kinds import OF_TYPE, PLAN, act_of
from hub.feedback.notices import clerk_notice, revoked_for_nothing
from hub.feedback.onward import Onward, heard_of
from hub.feedback.rows import Taken, by_finding, file_rows, ledger_row, taken
from hub.feedback.shine_lights import shine_lights
from hub.feedback.story import Fact
from hub.licensing.living.hold_licences import Ruled, hold_licences
from hub.licensing.living.reconsider_licences import reconsider_licences
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
    """What takes another fact back is taken alone, since it asks the database what stands; the others together."""
    batch: list[Arrived] = []
    for message in messages:
        if message.data.get(OF_TYPE[message.event["type"]].undoes):
            if batch:
                yield batch
            yield [message]
            batch = []
        else:
            batch.append(message)
    if batch:
        yield batch


_UNDONE = """
UPDATE findings SET standing = %(standing)s WHERE id = %(id)s AND standing = 'standing' RETURNING id
"""
_APPLIED = "UPDATE findings SET effect_applied = true WHERE id = %(id)s"
_COUNT = """
UPDATE pushes p SET findings = p.findings + n.more, last_finding_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(more)s::int[]) AS n(id, more) WHERE p.id = n.id
"""
_REVOKED = """
SELECT 1 FROM licence_operations o JOIN licences l ON l.id = o.licence_id
WHERE o.finding_id = %(id)s AND o.operation = 'revoke' AND l.status = o.to_status
"""


def _take(tx: Connection, facts: Sequence[Taken], known: Grounds, desk: Desk) -> None:
    now = desk.clock()
    undone = facts[0].undone
    baseless = undone is not None and _undo(tx, facts[0], undone)
    counted = _move(tx, facts, now)
    if undone is None:
        ruled = hold_licences(tx, [word for one in facts if (word := one.spoken()) is not None], now)
        for one in facts:
            one.row["effect_applied"] = one.row["id"] in ruled.applied
    else:
        ruled = _reconsider(tx, facts[0], known, now)
    _write(tx, facts, known, desk, ruled, baseless=baseless)
    tell(
        tx,
        *ruled.statements,
        *(standing(ruled.stand_anew) if ruled.stand_anew else ()),
        *counted,
    )
    shine_lights(tx, _parties(facts, known), now)


def _undo(tx: Connection, one: Taken, old: Fact) -> bool:
    """Mark what stands no longer. Whether a licence was revoked for it, and still is."""
    of = {"id": old.id, "standing": "corrected" if one.row["corrects_id"] else "withdrawn"}
    marked, revoked = ask(tx, (_UNDONE, of), (_REVOKED, of))
    if not marked:
        raise Unavailable("这条监管信息刚刚被更正或撤销，稍后自动重试。")
    return bool(revoked)


def _reconsider(tx: Connection, one: Taken, known: Grounds, now: datetime) -> Ruled:
    """Written first, so that what stands can be asked of the database alone."""
    write(tx, *_fact_tables([one]))
    word = one.word(known)
    if word is None:
        return Ruled()
    ruled = reconsider_licences(tx, *word, now)
    if one.row["id"] in ruled.applied:
        one.row["effect_applied"] = True
        tell(tx, (_APPLIED, {"id": one.row["id"]}))
    return ruled


def _move(tx: Connection, facts: Sequence[Taken], now: datetime) -> list[Question]:
    """Pushes, by these facts; what only counts them is left to be told later."""
    acting = [(one, act) for one in facts if (act := _act(one))]
    anew = {one.undone.push_id for one in facts if one.undone and one.undone.push_id}
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
    *,
    baseless: bool,
) -> None:
    """Facts, and what follows from them, in the order in which they refer to each other."""
    changes = by_finding(ruled.changes)
    effects = effects_of(tx, ruled.changes, desk, spoken=True)
    onward = Onward(tx, desk, known, heard_of(tx, facts))
    notices, ledger = [], []
    for one in facts:
        mine = changes.get(one.row["id"], ())
        notices.append(clerk_notice(one, known, mine))
        if baseless:
            notices.append(revoked_for_nothing(one, known))
        ledger.append(ledger_row(one, mine))
        onward.add(one, one.row["effect"] if one.row["effect_applied"] else None)
    pushed = push_to_newcomers(tx, onward.newcomers, desk)
    effects.notices[:0] = notices
    effects.ledger[:0] = ledger
    write(
        tx,
        *(_fact_tables(facts) if facts[0].undone is None else ()),
        *ruled.tables(),
        *effects.tables(),
        *pushed,
        *onward.tables(),
    )


def _fact_tables(facts: Sequence[Taken]) -> tuple[Rows, Rows]:
    files = [row for one in facts for row in file_rows(one)]
    return Rows(Finding, [one.row for one in facts]), Rows(FindingFile, files)


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
