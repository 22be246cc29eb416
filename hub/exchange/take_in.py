"""Take in: what departments sent, in one transaction.

Guarantees: for every message exactly one of {inbox row with its effect, nothing because it was taken before, quarantine row
with its cause and an answer to the sender}. All of a batch or nothing; the caller commits the offsets after. What came
before the fact or the file it speaks of is taken by itself as soon as that is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub import supply_materials
from hub.advice import take_posts
from hub.department import source_of
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.attempt import Attempt
from hub.exchange.inbox import InboxRow
from hub.exchange.quarantine_refused import quarantine
from hub.exchange.taker import Taker
from hub.feedback import report_findings
from hub.ledger import LedgerRow
from hub.moments import parse_moment
from hub.ports import Desk
from hub.pushing import acknowledge
from hub.reconciling import take_counts
from hub.round_trips import Rows, ask, listed, tell, write
from schemas import MESSAGE_TYPES, loads


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How a batch ended."""

    accepted: int
    duplicates: int
    quarantined: int
    fresh: tuple[Arrived, ...] = ()  # the accepted ones, each once
    refused: tuple[Refused, ...] = ()  # those that were not taken after all, with their reasons


#: In the order in which they take: what a later one does may rest on an earlier one.
TAKERS: tuple[Taker, ...] = (
    acknowledge.TAKER,
    report_findings.TAKER,
    supply_materials.TAKER,
    take_posts.TAKER,
    take_counts.TAKER,
)
_OF_TYPE = {name: taker for taker in TAKERS for name in taker.types}


def take_in(tx: Connection, arrived: Sequence[Arrived], refused: Sequence[Refused], desk: Desk) -> TakenIn:
    """Take one batch in. Order within a case and a kind is the order of `arrived`."""
    fresh, grounds = _look_up(tx, arrived)
    accepted, objected = _judge(fresh, grounds, desk)
    freed = _take(tx, accepted, grounds, desk)
    held = quarantine(tx, [*refused, *objected], desk)
    if freed:
        take_held(tx, freed, desk)
    return TakenIn(len(accepted), len(arrived) - len(fresh), held, tuple(accepted), (*refused, *objected))


def take_at_once(tx: Connection, arrived: Sequence[Arrived], desk: Desk) -> list[Refused]:
    """Take what somebody waits to hear of: all of it, or nothing and what speaks against it. Nothing is quarantined."""
    fresh, grounds = _look_up(tx, arrived)
    accepted, objected = _judge(fresh, grounds, desk)
    if not objected and (freed := _take(tx, accepted, grounds, desk)):
        take_held(tx, freed, desk)
    return objected


#: What goes away by itself when what is missing comes.
WAITS = frozenset({"unknown_finding", "unknown_evidence"})
_HELD = """
SELECT id, topic, department, kid, value, signature FROM quarantine
WHERE state = 'held' AND cause = ANY(%(causes)s) AND department = ANY(%(departments)s) AND size = octet_length(value)
ORDER BY id DESC LIMIT 500 FOR UPDATE SKIP LOCKED
"""
_SETTLE = """
UPDATE quarantine SET state = 'replayed', settled_by = 'program:intake', settled_why = %(why)s, settled_at = %(now)s
WHERE id = ANY(%(ids)s)
"""


def take_held(tx: Connection, departments: Collection[str], desk: Desk) -> int:
    """Take what these departments sent too early, as far as it can be taken now; the rest goes on waiting, unanswered.

    Its signature was good when it came. Gives how many were taken.
    """
    total = 0
    while True:
        of = {"causes": sorted(WAITS), "departments": sorted(departments)}
        (rows,) = ask(tx, (_HELD, of))
        messages = [
            Arrived(topic, -1, id_, department, kid, bytes(value), signature, loads(bytes(value)))
            for id_, topic, department, kid, value, signature in reversed(rows)
        ]
        fresh, grounds = _look_up(tx, messages)
        accepted, objected = _judge(fresh, grounds, desk)
        waiting = {(source_of(desk.area, str(one.department)), one.event_id) for one in objected}
        _take(tx, accepted, grounds, desk)
        done = [message for message in messages if message.identity not in waiting]
        _settle(tx, done, desk.clock())
        total += len(accepted)
        if not accepted:
            return total


def _settle(tx: Connection, done: Sequence[Arrived], now: datetime) -> None:
    if not done:
        return
    why = "所指的监管信息或佐证文件已经送到，自动重新接收"
    tell(tx, (_SETTLE, {"ids": [message.offset for message in done], "why": why, "now": now}))
    ledger = [
        {
            "actor": "program:intake",
            "action": "message.replayed",
            "subject": f"quarantine:{message.offset}",
            "case_no": message.case_no,
            "reason": why,
            "detail": {},
        }
        for message in done
    ]
    attempts = [
        {
            "subject": f"quarantine:{message.offset}",
            "act": "replay",
            "actor": "program:intake",
            "done": True,
            "words": why,
            "at": now,
        }
        for message in done
    ]
    write(tx, Rows(LedgerRow, ledger), Rows(Attempt, attempts))


def _take(tx: Connection, accepted: Sequence[Arrived], grounds: Sequence[Any], desk: Desk) -> set[str]:
    """Gives the departments of whose held messages some may be taken now."""
    freed: set[str] = set()
    _write_inbox(tx, accepted, desk.clock())
    for taker, known in zip(TAKERS, grounds, strict=True):
        if mine := [message for message in accepted if message.event["type"] in taker.types]:
            taker.take(tx, mine, known, desk)
            freed |= set(taker.frees(mine, known))
    return freed


_TAKEN = """
SELECT i.* FROM unnest(%(sources)s::text[], %(event_ids)s::text[]) AS n(source, event_id) CROSS JOIN LATERAL (
  SELECT source, event_id FROM inbox WHERE source = n.source AND event_id = n.event_id OFFSET 0) i
"""


def _look_up(tx: Connection, arrived: Sequence[Arrived]) -> tuple[list[Arrived], list[Any]]:
    """Those that were not taken before, each once; and everything that speaks for or against them. One round trip."""
    first: dict[tuple[str, str], Arrived] = {}
    for message in arrived:
        first.setdefault(message.identity, message)
    asked = [
        taker.questions([one for one in first.values() if one.event["type"] in taker.types])
        for taker in TAKERS
    ]
    of = {"sources": listed(source for source, _ in first), "event_ids": listed(id_ for _, id_ in first)}
    taken, *answers = ask(tx, (_TAKEN, of), *(question for questions in asked for question in questions))
    waiting = iter(answers)
    grounds = [
        taker.grounds(*(next(waiting) for _ in questions))
        for taker, questions in zip(TAKERS, asked, strict=True)
    ]
    known = {tuple(row) for row in taken}
    return [message for identity, message in first.items() if identity not in known], grounds


def _judge(
    fresh: Sequence[Arrived], grounds: Sequence[Any], desk: Desk
) -> tuple[list[Arrived], list[Refused]]:
    """Messages that nothing speaks against, and the others with their reasons."""
    accepted: list[Arrived] = []
    objected: list[Refused] = []
    numbers: set[tuple[str, str]] = set()
    known = dict(zip(TAKERS, grounds, strict=True))
    now = desk.clock()
    waiting: Sequence[Arrived] = fresh
    while waiting:
        refused: list[tuple[Arrived, Refused]] = []
        for message in waiting:
            if (refusal := _objection(message, known, numbers, now)) is None:
                accepted.append(message)
            else:
                refused.append((message, refusal))
        stuck = len(refused) == len(waiting)  # else what they speak of may have come later in the batch
        objected += [refusal for _, refusal in refused if stuck or refusal.cause not in WAITS]
        waiting = [] if stuck else [message for message, refusal in refused if refusal.cause in WAITS]
    return accepted, objected


def _objection(
    message: Arrived, grounds: Mapping[Taker, Any], numbers: set[tuple[str, str]], now: datetime
) -> Refused | None:
    kind = message.event["type"]
    taker = _OF_TYPE.get(kind)
    if taker is None:
        expected = "、".join(name for name in MESSAGE_TYPES if name in _OF_TYPE)
        return message.refuse("unknown_type", f"部门不能发送 {kind} 类型的消息", f"应为 {expected} 之一")
    number = taker.number(message)
    refusal = taker.objection(message, grounds[taker], now)
    if refusal is None and number is not None and number in numbers:
        refusal = message.refuse("schema", f"编号 {number[1]} 已经用过", "每条监管信息用新的编号")
    if number is not None:
        numbers.add(number)
    return refusal


def _write_inbox(tx: Connection, messages: Sequence[Arrived], now: datetime) -> None:
    # Another intake taking the same message at this moment makes this raise: the batch is read again, and is then known.
    rows = [
        {
            "source": message.event["source"],
            "event_id": message.event["id"],
            "event_type": message.event["type"],
            "case_no": message.case_no,
            "value": message.value,
            "signature": message.signature,
            "kid": message.kid,
            "said_at": parse_moment(message.event["time"]),
            "received_at": now,
        }
        for message in messages
    ]
    write(tx, Rows(InboxRow, rows))
