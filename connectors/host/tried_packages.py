"""Messages to try a connector with: real ones of its department, masked, or made up from the published examples.

Guarantees: what is real leaves the hub's tables masked only; the same seed makes the same messages.
"""

from __future__ import annotations

import copy
import random
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from connectors.host.tried_varied import varied
from hub.department import topic_in
from hub.exchange.outbox import OutboxRow
from hub.pushing.push import Push
from schemas import examples_of, loads
from schemas.mapping.masking import masked

MOST = 1_000


def newest(tx: Connection, area: str, department: str, message: str, limit: int) -> list[dict[str, Any]]:
    """The newest messages of this kind that went to the department, masked; made-up ones where there are none."""
    rows = tx.execute(
        select(OutboxRow.value)
        .where(OutboxRow.topic == topic_in(area, department), OutboxRow.event_type == message)
        .order_by(OutboxRow.id.desc())
        .limit(min(limit, MOST))
    ).scalars()
    return [_masked(loads(bytes(value))) for value in rows]


def chosen(tx: Connection, area: str, department: str, pushes: Sequence[str]) -> list[dict[str, Any]]:
    """The packages of these pushes, masked."""
    wanted = [uuid.UUID(str(one)) for one in pushes[:MOST]]
    events = select(Push.event_id).where(Push.id.in_(wanted), Push.department == department)
    rows = tx.execute(
        select(OutboxRow.value)
        .where(OutboxRow.topic == topic_in(area, department), OutboxRow.event_id.in_(events))
        .order_by(OutboxRow.id)
    ).scalars()
    return [_masked(loads(bytes(value))) for value in rows]


def made_up(message: str, department: str, count: int, seed: int) -> list[dict[str, Any]]:
    """So many messages from the examples of this kind, with numbers and names of their own, that differ (tried_varied)."""
    chance = random.Random(seed)  # noqa: S311 - the same every time, and no secret
    found = examples_of(message)
    events = []
    for number in range(min(count, MOST)):
        event = copy.deepcopy(found[number % len(found)])
        event["id"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        data, subject = event["data"], f"YL{seed:04d}{number:06d}"
        event["subject"] = subject
        if isinstance(data.get("push"), dict):
            data["push"]["id"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            data["push"]["department"] = department
        if isinstance(data.get("case"), dict):
            data["case"]["project_no"] = subject
        event["made_up_as"] = varied(data, number, chance)
        events.append(event)
    return events


def _masked(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "data": masked(event["data"])}
