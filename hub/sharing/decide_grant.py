"""Decide on an application: the provider grants it or refuses it with a reason.

Guarantees: of two who decide at once, the second is told (Conflict); the applicant never decides; what became 不予共享
since, or whose period is over, is not granted. Granting starts the clock until the data must be in place.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection

from hub.errors import Rejected
from hub.ports import Desk
from hub.sharing.apply_for_grant import refuse_unshared
from hub.sharing.clocks import due_by
from hub.sharing.limit import SHARE
from hub.sharing.person import Person
from hub.sharing.resource import find_resource
from hub.sharing.turn_grant import locked, turn
from hub.workday import LOCAL


def decide_grant(
    tx: Connection, grant_id: uuid.UUID, desk: Desk, *, person: Person, grant: bool, reason: str = ""
) -> str:
    """Grant or refuse; the new state. Refusing an application that waits for its review is the reviewer's."""
    row = locked(tx, grant_id)
    if grant:
        return grant_it(tx, row, desk, person=person, reason=reason)
    return turn(tx, row, "refuse", person, desk.clock(), reason=reason)


def grant_it(
    tx: Connection, row: Any, desk: Desk, *, person: Person, reason: str = "", automatic: bool = False
) -> str:
    """Grant a locked application. `automatic`: it is unconditional and its review was passed just now."""
    now = desk.clock()
    resource = find_resource(tx, row.resource_kind, row.resource_code)
    refuse_unshared(resource)
    if row.state != "granted" and row.period_to < now.astimezone(LOCAL).date():
        raise Rejected("申请的使用期限已经过去，不能再授权；请申请部门重新申请。")
    said = "无条件共享，合规审查通过即授权" if automatic else reason
    share_by = due_by(tx, SHARE, now)
    return turn(tx, row, "grant", person, now, reason=said, automatic=automatic, share_by=share_by)
