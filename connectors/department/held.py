"""What is held gets another try: with a new version of the mappings, or when somebody asks for it.

Guarantees: what is delivered at last is signed for exactly once, whatever crashes in between; what is not goes on waiting,
with its newest cause, and holds up nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from connectors.department.events import Signed, instant
from connectors.department.judge import Package, Told, addressed
from connectors.department.mapped_state import HeldMessage
from connectors.department.parts import Parts
from connectors.department.receive import Receiver, receipt_event, received
from schemas import loads

BATCH = 200


def try_held(parts: Parts, receiver: Receiver) -> int:
    """One round; gives how many were handed over. Raises when it has to be tried again."""
    state = parts.state.mapped
    waiting = state.held_to_try(parts.version, BATCH)
    if not waiting:
        return 0
    messages = [one for one in (_message(parts, held) for held in waiting) if one is not None]
    held = receiver.deliver(messages)
    if held:
        values = {one.event_id: one.value for one in messages}
        state.note_held([(one, values[key]) for key, one in held.items()], parts.version)
    done = [one for one in messages if one.event_id not in held]
    state.let_go([one.event_id for one in done], _signed(parts, done))
    return len(done)


def _message(parts: Parts, held: HeldMessage) -> Package | Told | None:
    event = loads(held.value)
    return addressed(event, held.value, hashlib.sha256(held.value).hexdigest(), parts.config.code)


def _signed(parts: Parts, messages: Sequence[Package | Told]) -> list[Signed]:
    """That they are signed for, of those of which it was not said when they came."""
    now = parts.clock()
    said = parts.state.receipts_of([one.event_id for one in messages])
    signed = [{"kind": "signed", "at": instant(now), "by": None, "reason": None}]
    return [
        receipt_event(parts, received(one), signed, at=now, identity=("signed",))
        for one in messages
        if one.event_id not in said or not _says_signed(said[one.event_id])
    ]


def _says_signed(receipt: Signed) -> bool:
    return any(one["kind"] == "signed" for one in loads(receipt.value)["data"]["receipts"])
