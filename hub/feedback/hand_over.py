"""Hand over 移交执法: a department without a push of the case gets one, so that it can claim and answer like any other.

Guarantees: one push for a decision and department, however often the case is handed over; it names the push it came from.
Where there is nothing to make one of (the decision was withdrawn, the department had it and lost it), the fact is told all
the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from hub.deciding.told import look
from hub.errors import HubError
from hub.exchange.outbox import OutboxRow
from hub.feedback.rows import Taken
from hub.ports import Desk
from hub.pushing.push import Push
from hub.pushing.reassign_push import new_push
from hub.round_trips import Rows


def push_to_newcomers(tx: Connection, newcomers: Sequence[tuple[Taken, str]], desk: Desk) -> tuple[Rows, ...]:
    """The pushes and their packages."""
    pushes: dict[uuid.UUID, dict[str, Any]] = {}
    packages: list[dict[str, Any]] = []
    for one, department in newcomers:
        try:
            standing = look(tx, one.row["case_no"], desk.clock(), lock=True)
            push_id = uuid.uuid5(standing.decision.id, department)
            known = any(recipient.department == department for recipient in standing.recipients)
            if known or push_id in pushes or standing.decision.withdrawn_at is not None:
                continue
            push, package = new_push(tx, standing, department, push_id, one.row["push_id"], desk)
        except HubError:
            continue
        pushes[push_id] = push
        packages.append(package)
    return Rows(Push, list(pushes.values())), Rows(OutboxRow, packages)
