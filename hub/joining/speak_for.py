"""Speak for 代为陈述: what a department's user states in the browser becomes the message that its connector would have sent.

Guarantees: the bytes are signed with the department's custodial key and go through the same `take_in` as those from Kafka,
in the caller's transaction; what speaks against a statement is told at once (`Unsaid`, by the box of the form) and nothing
is kept, the quarantine included. Statements of one department are taken one after the other: the same one twice at once is
one. The user who stated it is in the ledger beside the department.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.department import source_of
from hub.errors import Rejected
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.take_in import take_at_once
from hub.joining.custodial_key import signer_for
from hub.ledger import Entry, record
from hub.ports import Desk, Signer
from hub.pushing.package import instant
from schemas import MAX_MESSAGE_BYTES, canonical, dumps, violations

_NAMESPACE = uuid.UUID("5b0f6c1e-93c7-5a51-8f0b-0d4f4a7f2c11")
#: Where in a form the cause of a refusal is found; a cause that is not here speaks of the whole.
_BOX = {"unknown_evidence": "files", "unknown_finding": "finding_no", "unknown_thread": "thread_id"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing to be said. The same id: the same statement, however often it is pressed."""

    event_type: str
    subject: str  # the key: the case number, or what else the message is ordered by
    data: Mapping[str, Any]
    event_id: uuid.UUID


class Unsaid(Rejected):
    """所填内容有误，没有提交。请按提示改正。"""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("；".join(faults.values()))
        self.faults = dict(faults)  # by the name in the message's data; "" speaks of the whole


def statement_id(*parts: Any) -> uuid.UUID:
    """The same parts give the same id."""
    return uuid.uuid5(_NAMESPACE, canonical(list(parts)).decode())


def speak_for(
    tx: Connection, department: str, statements: Sequence[Statement], desk: Desk, *, actor: str
) -> None:
    """Sign and take all of them, or none. Raises Unsaid, Conflict (no web inbox, no key)."""
    if not statements:
        return
    signer = signer_for(tx, department, desk)
    # Human pace: one at a time spares every taker the race of a double click.
    tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"web:{department}"}
    )
    arrived = [_arrived(department, one, signer, desk) for one in statements]
    if refused := take_at_once(tx, arrived, desk):
        raise Unsaid(_faults(refused[0]))
    record(tx, *(_entry(message, actor) for message in arrived))


def _arrived(department: str, statement: Statement, signer: Signer, desk: Desk) -> Arrived:
    event = {
        "specversion": "1.0",
        "id": str(statement.event_id),
        "source": source_of(desk.area, department),
        "type": statement.event_type,
        "subject": statement.subject,
        "time": instant(desk.clock()),
        "datacontenttype": "application/json",
        "data": dict(statement.data),
    }
    if found := violations(statement.event_type, event):
        faults: dict[str, str] = {}
        for one in found:
            name = re.split(r"[.\[]", one.path.removeprefix("data").removeprefix("."), maxsplit=1)[0]
            faults.setdefault(name, one.message)
        raise Unsaid(faults)
    value = dumps(event)
    if len(value) > MAX_MESSAGE_BYTES:
        raise Unsaid({"": "内容超过 1 MiB 的上限。文字请精简，文件请作为佐证上传。"})
    return Arrived(
        topic=f"web:{department}",
        partition=-1,
        offset=0,
        department=department,
        kid=signer.kid,
        value=value,
        signature=signer.sign(value),
        event=event,
    )


def _faults(refused: Refused) -> dict[str, str]:
    used = "已经用过" in refused.message
    return {"number" if used else _BOX.get(refused.cause, ""): f"{refused.message}。{refused.expected}。"}


def _entry(message: Arrived, actor: str) -> Entry:
    return Entry(
        actor,
        "department.spoke",
        f"department:{message.department}",
        message.case_no,
        detail={
            "type": message.event["type"],
            "event_id": message.event["id"],
            "sha256": hashlib.sha256(message.value).hexdigest(),
            "kid": message.kid,
        },
    )
