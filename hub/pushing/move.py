"""Move: the one door through which pushes change their state, by receipts and facts in batch, or by a person of the hub.

Guarantees: under the rows' locks, taken in one order; only along TRANSITIONS, so that the database never has to object;
what is late, repeated or reordered ends the same (see standing). Times, the next limit that is due and what had been noticed
as missed are kept with the state. Acts of the hub itself are in `push_moves` and the ledger.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from hub.errors import Conflict, NotFound
from hub.ledger import LedgerRow
from hub.pushing.push import GONE, PushMove, after
from hub.pushing.standing import COLUMNS, LIMITS, STILL, Act, Row, forward, note, replay, steps, tick
from hub.round_trips import Question, Rows, ask, listed, tell, write

__all__ = ["Act", "locked", "move_by_hand", "move_pushes", "save_pushes"]

_TYPES = {"id": "uuid", "findings": "smallint"}
_TEXTS = frozenset({"case_no", "department", "state", "claimed_by", "closed_by", "returned_why"})
_KEPT = tuple(name for name in COLUMNS if name not in ("id", "case_no", "department", "recalled_at"))
_SAVED = (*_KEPT, "recalled_at")

_LOCK = f"SELECT {', '.join(COLUMNS)} FROM pushes WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"  # noqa: S608


def _type(name: str) -> str:
    return _TYPES.get(name) or ("text" if name in _TEXTS else "timestamptz")


@lru_cache(maxsize=100)
def _save(names: tuple[str, ...]) -> str:
    """Of a batch only the columns that change: a fact changes six of two dozen."""
    return f"""
UPDATE pushes p SET {", ".join(f"{name} = n.{name}" for name in names)}
FROM unnest({", ".join(f"%({name})s::{_type(name)}[]" for name in ("id", *names))}) AS n(id, {", ".join(names)})
WHERE p.id = n.id
"""  # noqa: S608 - our own names


_STEP = """
UPDATE pushes p SET state = n.state FROM unnest(%(ids)s::uuid[], %(states)s::text[]) AS n(id, state) WHERE p.id = n.id
"""
#: What was noticed as missed is over: done after all, or nobody waits for it any more.
_ENDED = f"""
UPDATE push_overdues o SET ended_at = %(now)s FROM pushes p
WHERE o.push_id = ANY(%(ids)s) AND o.ended_at IS NULL AND p.id = o.push_id AND (p.state = ANY(%(still)s) OR CASE o.what
  WHEN 'sign' THEN coalesce(p.signed_at, p.claimed_at, p.planned_at, p.answered_at, p.closed_at)
  WHEN 'claim' THEN coalesce(p.claimed_at, p.planned_at, p.answered_at, p.closed_at)
  WHEN 'plan' THEN coalesce(p.planned_at, p.answered_at, p.closed_at)
  ELSE coalesce(p.answered_at, p.closed_at) END IS NOT NULL)
"""  # noqa: F541
_MADE_GOOD = """
UPDATE pushes p SET overdue = false WHERE p.id = ANY(%(ids)s) AND p.overdue
  AND NOT EXISTS (SELECT FROM push_overdues o WHERE o.push_id = p.id AND o.ended_at IS NULL)
"""
#: Everything that ever moved a push, but facts that do not stand any more.
_HISTORY = """
SELECT push_id, kind, at, received_at, false FROM receipts WHERE push_id = ANY(%(ids)s)
UNION ALL
SELECT push_id, act, at, at, false FROM push_moves WHERE push_id = ANY(%(ids)s)
UNION ALL
SELECT push_id, CASE WHEN kind = 'enforcement' OR kind = 'inspection' AND handling = '1'
    OR kind = 'rectification' AND result = '1' THEN 'answered' ELSE 'supervised' END,
  CASE WHEN kind = 'plan' THEN received_at ELSE happened_at END, received_at, kind = 'plan'
FROM findings WHERE push_id = ANY(%(ids)s) AND standing = 'standing'
  AND kind IN ('plan', 'inspection', 'rectification', 'enforcement')
"""


def locked(tx: Connection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Row]:
    """These pushes, locked in one order for all."""
    (rows,) = ask(tx, (_LOCK, {"ids": listed(sorted(set(ids), key=attrgetter("int")))}))
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}


def move_pushes(
    tx: Connection, acts: Sequence[Act], now: datetime, *, anew: Collection[uuid.UUID] = ()
) -> list[str | None]:
    """Take these acts; for each the state to which it moved its push, None where it made no difference.

    `anew`: pushes to work out again from all that stands, because a fact was corrected or withdrawn: mark it so before. Such
    a push needs no act here; facts that are written after this call must be among the acts.
    """
    if not acts and not anew:
        return []
    pushes = locked(tx, [*(act.push_id for act in acts), *anew])
    before = {id_: dict(push) for id_, push in pushes.items()}
    reordered = {act.push_id for act in acts if act.act == "returned" or pushes[act.push_id]["returned_at"]}
    history = _history(tx, reordered | set(anew), now)
    moved: list[str | None] = []
    for act in acts:
        push = pushes[act.push_id]
        was = push["state"]
        note(push, act, now)
        if (known := history.get(act.push_id)) is None:
            forward(push, act, now)
        else:
            known.append(act)
            replay(push, known, now)
        moved.append(push["state"] if push["state"] != was else None)
    acted = {act.push_id for act in acts}
    for id_ in set(anew) - acted:
        replay(pushes[id_], history[id_], now)
    save_pushes(tx, pushes, before, now)
    return moved


def _history(tx: Connection, ids: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, list[Act]]:
    known: dict[uuid.UUID, list[Act]] = {id_: [] for id_ in ids}
    if known:
        (rows,) = ask(tx, (_HISTORY, {"ids": list(known)}))
        for push_id, act, at, received_at, plan in rows:
            known[push_id].append(Act(push_id, act, min(at, received_at, now), plan=plan))
    return known


def save_pushes(
    tx: Connection, pushes: Mapping[uuid.UUID, Row], before: Mapping[uuid.UUID, Row], now: datetime
) -> None:
    """Write what changed, with the clock and what it ends. Step by step where the table knows no direct way."""
    for id_, push in pushes.items():
        tick(push, before[id_], now)
    changed = [push for id_, push in pushes.items() if push != before[id_]]
    if not changed:
        return
    statements = _detours(before, changed)
    names = tuple(name for name in _SAVED if any(push[name] != before[push["id"]][name] for push in changed))
    columns = {name: listed([push[name] for push in changed]) for name in ("id", *names)}
    statements.append((_save(names), columns))
    late = [push["id"] for push in changed if any(push[name] and push[name] < now for name in LIMITS)]
    if late:
        statements.append((_ENDED, {"ids": late, "still": sorted(STILL), "now": now}))
        statements.append((_MADE_GOOD, {"ids": late}))
    tell(tx, *statements)


def _detours(before: Mapping[uuid.UUID, Row], changed: Sequence[Row]) -> list[Question]:
    """The states in between, where a push gets somewhere that is not one step away."""
    found: list[Question] = []
    for push in changed:
        was = before[push["id"]]["state"]
        if was != push["state"] and push["state"] not in GONE:
            found += [(_STEP, {"ids": [push["id"]], "states": [to]}) for to in steps(was, push["state"])[:-1]]
    return found


def move_by_hand(
    tx: Connection,
    push_id: uuid.UUID,
    act: str,
    *,
    actor: str,
    reason: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> Row:
    """One act of the hub on one push; gives the push as it is now. Raises NotFound, and Conflict where it cannot be."""
    push = locked(tx, [push_id]).get(push_id)
    if push is None:
        raise NotFound("没有找到这次推送。请刷新页面后再试。")
    before = dict(push)
    push["state"] = after(push["state"], act)
    if push["state"] == before["state"]:
        raise Conflict("这次推送的状态刚刚变了，不能再这样办。请刷新页面后再看。")
    push["state_at"] = now
    note(push, Act(push_id, act, now, actor, reason), now)
    save_pushes(tx, {push_id: push}, {push_id: before}, now)
    write(tx, *moves([(before, push)], act, actor=actor, reason=reason, now=now, detail=detail))
    return push


def moves(
    moved: Iterable[tuple[Row, Row]],
    act: str,
    *,
    actor: str,
    reason: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> tuple[Rows, Rows]:
    """The rows that say what the hub did: for each push as it was and as it is."""
    rows, ledger = [], []
    for was, push in moved:
        rows.append(
            {
                "id": uuid.uuid4(),
                "push_id": push["id"],
                "act": act,
                "from_state": was["state"],
                "to_state": push["state"],
                "at": now,
                "actor": actor,
                "reason": reason,
                "detail": dict(detail or {}),
            }
        )
        ledger.append(
            {
                "actor": actor,
                "action": f"push.{act}",
                "subject": f"push:{push['id']}",
                "case_no": push["case_no"],
                "reason": reason,
                "detail": {"from": was["state"], "to": push["state"], **(detail or {})},
            }
        )
    return Rows(PushMove, rows), Rows(LedgerRow, ledger)
