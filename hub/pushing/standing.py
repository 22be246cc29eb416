"""Standing: how far a push is by all that is known of it, whatever came first.

What makes a push go forward (到达, 签收, 认领) counts whenever it arrives. Of what a supervised push turns on - still
supervised, answered, closed - the newest by its own time counts; of several of one moment the furthest. Once a push was
returned, order matters for everything: then all that is known is gone through anew in the order in which it happened.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from functools import cache
from typing import Any, NamedTuple

from hub.pushing.push import SETTLED, STATES, TRANSITIONS, after
from hub.workday import LOCAL

#: Where the newest fact decides, not the furthest.
TURNING = frozenset({"supervising", "answered", "closed"})
_TURNS = frozenset({"supervised", "answered", "closed", "reopened"})
#: No clock runs: nobody waits for the department.
STILL = frozenset({"held", "returned", *SETTLED})
#: Facts and receipts do not bring these back: only people of the hub moved a push there.
FIXED = frozenset({"held", "reassigned", "recalled"})
LIMITS = ("sign_by", "claim_by", "plan_by", "feedback_by")
#: What stands in a push's row and changes with its acts.
COLUMNS = (
    "id", "case_no", "department", "state", "state_at", "arrived_at", "signed_at", "claimed_at", "claimed_by", "planned_at",
    "answered_at", "closed_at", "closed_by", "returned_at", "returned_why", "recalled_at", "findings", "last_finding_at",
    *LIMITS, "next_due_at",
)  # fmt: skip
_TIME_OF = {
    "arrived": "arrived_at",
    "signed": "signed_at",
    "claimed": "claimed_at",
    "supervised": "planned_at",
    "answered": "answered_at",
}
_ORDER = (
    "released", "arrived", "signed", "claimed", "supervised", "answered", "closed", "returned", "insisted", "reopened",
    "reassigned", "recalled",
)  # fmt: skip
#: A limit is met by any of these.
_MET_BY = {
    "sign_by": ("signed_at", "claimed_at", "planned_at", "answered_at", "closed_at"),
    "claim_by": ("claimed_at", "planned_at", "answered_at", "closed_at"),
    "plan_by": ("planned_at", "answered_at", "closed_at"),
    "feedback_by": ("answered_at", "closed_at"),
}

Row = dict[str, Any]


class Act(NamedTuple):
    """One thing that happened to a push: a receipt, a fact, or an act of the hub. `at` is when, as who did it says."""

    push_id: uuid.UUID
    act: str
    at: datetime
    by: str | None = None
    why: str | None = None
    #: A plan says what is to come: whatever was found on the day it was made counts as later than it.
    plan: bool = False
    #: A fact to be counted among the push's findings.
    counted: bool = False


def effective(act: Act, now: datetime) -> datetime:
    """When it counts as done: not later than now, whatever the department's clock says."""
    at = min(act.at, now)
    if not act.plan:
        return at
    return datetime.combine(at.astimezone(LOCAL).date(), time(), tzinfo=LOCAL)


def note(push: Row, act: Act, now: datetime) -> None:
    """Write down when and by whom; the earliest stated time of a kind stands, of returns and closings the latest."""
    if column := _TIME_OF.get(act.act):
        known: datetime | None = push[column]
        if act.act == "claimed" and act.by and (known is None or act.at < known or not push["claimed_by"]):
            push["claimed_by"] = act.by
        push[column] = act.at if known is None else min(act.at, known)
    elif act.act == "closed" and (push["closed_at"] is None or act.at >= push["closed_at"]):
        push["closed_at"], push["closed_by"] = act.at, act.by or push["closed_by"]
    elif act.act == "returned" and (push["returned_at"] is None or act.at >= push["returned_at"]):
        push["returned_at"], push["returned_why"] = act.at, act.why or push["returned_why"]
    elif act.act == "recalled":
        push["recalled_at"] = act.at
    if act.counted:
        push["findings"] += 1
        push["last_finding_at"] = now


def forward(push: Row, act: Act, now: datetime) -> None:
    """Move a push that was never returned."""
    was, becomes, at = push["state"], after(push["state"], act.act), effective(act, now)
    if was in FIXED:
        return
    if act.act in _TURNS:
        if was in TURNING and push["state_at"] and _key(at, becomes) < _key(push["state_at"], was):
            return
        push["state_at"] = at
    push["state"] = becomes


def replay(push: Row, acts: Iterable[Act], now: datetime) -> None:
    """Move a push to where all its acts, in the order in which they happened, lead."""
    if push["state"] in FIXED:
        return
    state, state_at = "owed", None
    for act in sorted(acts, key=lambda one: (effective(one, now), _ORDER.index(one.act))):
        state = after(state, act.act)
        if act.act in _TURNS:
            state_at = effective(act, now)
    if push["state"] in TURNING and state not in TURNING and state != "returned":
        state = (
            "supervising"  # what was reported was withdrawn: the department is at it, and has yet to answer
        )
    if state == push["state"] or steps(push["state"], state):  # back to before it arrived there is no way
        push["state"], push["state_at"] = state, state_at


def _key(at: datetime, state: str) -> tuple[datetime, int]:
    return at, STATES.index(state)


def tick(push: Row, before: Mapping[str, Any], now: datetime) -> None:
    """Keep the clock: the earliest limit that is neither met nor noticed as missed."""
    if push["state"] in STILL:
        push["next_due_at"] = None
        return
    running = before["next_due_at"] is not None
    # All limits before the one that is due next are met or noticed; a push that comes back waits for what is to come.
    since = before["next_due_at"] if running else now
    if not running and before["state"] not in STILL:
        return
    push["next_due_at"] = min(
        (at for name in LIMITS if (at := push[name]) and at >= since and not met(push, name)), default=None
    )


def met(push: Mapping[str, Any], limit: str) -> bool:
    """Whether what a limit asks for was done, soon or late."""
    return any(push[name] is not None for name in _MET_BY[limit])


@cache
def steps(was: str, becomes: str) -> tuple[str, ...]:
    """The states from one to another, each step one that the table knows; the last is `becomes`."""
    pairs: dict[str, list[str]] = {}
    for (state, _), to in TRANSITIONS.items():
        if to not in FIXED:
            pairs.setdefault(state, []).append(to)
    waiting, came = deque([was]), {was: ""}
    while waiting:
        state = waiting.popleft()
        if state == becomes:
            break
        for to in pairs.get(state, ()):
            if to not in came:
                came[to] = state
                waiting.append(to)
    if becomes not in came:
        return ()
    way = [becomes]
    while came[way[-1]]:
        way.append(came[way[-1]])
    return tuple(way[-2::-1])
