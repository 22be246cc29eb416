"""Reconsider licences: a finding was corrected or withdrawn, and what departments say is worked out from what still stands.

Guarantees: afterwards holds, proposals and statuses are as if the finding that stands no longer had never been - but what a
person did: a hold that a person placed stays, one that a person lifted after the findings had come stays lifted, and a
licence that was revoked is given back by a person only. Writes nothing: see `Ruled`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from hub.licensing.living.hold_licences import Ruled, change_of, keep
from hub.licensing.living.said_of_licences import Bench, Seat, Spoken, said_of_licences


def reconsider_licences(tx: Connection, by: Spoken, licences: Collection[uuid.UUID], now: datetime) -> Ruled:
    """What stands on these licences of the department that corrected or withdrew; `by` is written already, and the old
    finding marked. Takes the licences' locks; raises Unavailable where one was just renewed."""
    ruled = Ruled()
    if not licences:
        return ruled
    bench = said_of_licences(tx, set(licences))
    before = set(bench.holds)
    seats = sorted((licence_id, by.department) for licence_id in licences)
    for seat in seats:
        was_held = bench.holders[seat[0]] > 0
        newest = bench.newest.get(seat)
        if _think_again(bench, seat) or (newest is not None and newest.finding_id == by.finding_id):
            ruled.applied.add(by.finding_id)
        if (change := change_of(bench, by, seat[0], was_held, now)) is not None:
            ruled.changes.append(change)
    keep(ruled, bench, before, dict.fromkeys(seats, by.finding_id), now)
    return ruled


def _think_again(bench: Bench, seat: Seat) -> bool:
    """Whether the department holds the licence by what still stands; true where that is another answer."""
    freezes = bench.freezing.get(seat)
    if freezes is None and seat in bench.holds and seat not in bench.by_hand:
        del bench.holds[seat]
        bench.holders[seat[0]] -= 1
        return True
    if freezes is not None and seat not in bench.holds:
        bench.holds[seat] = freezes
        bench.holders[seat[0]] += 1
        return True
    return False
