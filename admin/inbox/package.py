"""A message as it was signed: found in the outbox, its signature checked over the stored bytes, made readable.

Guarantees: what is shown is read from the very bytes that were signed; what the check found is said in words. Only messages
of the given department are found.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.premises import here
from hub.department import topic_in
from hub.errors import NotFound
from hub.exchange.outbox import OutboxRow
from schemas import loads, permit_columns
from storage.signing import BadSignature, TrustedKey, TrustedKeys


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a department, with what its check found."""

    event_id: uuid.UUID
    event_type: str
    key: str
    value: bytes
    signature: str
    kid: str
    sent_at: datetime
    event: Mapping[str, Any]
    fault: str | None  # why it cannot be trusted

    @property
    def data(self) -> Mapping[str, Any]:
        """What it says."""
        data: Mapping[str, Any] = self.event["data"]
        return data

    @property
    def sha256(self) -> str:
        """The digest that its receipts name."""
        return hashlib.sha256(self.value).hexdigest()


def read_message(
    tx: Connection, event_id: uuid.UUID, department: str, *, registered: bytes | None = None
) -> Message:
    """The message of this department. `registered`: the digest under which it is known. Raises NotFound."""
    row = tx.execute(
        select(
            OutboxRow.event_type,
            OutboxRow.key,
            OutboxRow.value,
            OutboxRow.signature,
            OutboxRow.kid,
            OutboxRow.created_at,
        )
        .where(
            OutboxRow.event_id == event_id, OutboxRow.topic == topic_in(here().config.desk.area, department)
        )
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(gettext("收件箱里没有这条消息，或者它不是发给本部门的。"))
    value = bytes(row.value)
    return Message(
        event_id,
        row.event_type,
        row.key,
        value,
        row.signature,
        row.kid,
        row.created_at,
        loads(value),
        _fault(value, row.signature, row.created_at, registered),
    )


def _fault(value: bytes, signature: str, at: datetime, registered: bytes | None) -> str | None:
    if registered is not None and hashlib.sha256(value).digest() != bytes(registered):
        return gettext("内容的 SHA-256 与登记的不一致。")
    keys = TrustedKeys.of(TrustedKey(kid, "hub", pem) for kid, pem in here().config.hub_keys.items())
    try:
        keys.verify(value, signature, at=at)
    except BadSignature as error:
        return str(error)
    return None


@cache
def _columns() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for generation in ("2015", "2018"):
        found |= {column["code"]: column["name"] for column in permit_columns(generation)["columns"]}
    return found


def element_title(path: str) -> str:
    """What an element is called: by the national columns; its own name where they do not know it.

    So is what a correction says has changed: a line of the list, a step.
    """
    section, _bracket, row = path.removesuffix("]").partition("[")
    if row and section in ("materials", "reused", "steps"):
        return f"{gettext('环节') if section == 'steps' else gettext('材料')} {row}"
    code = path.rpartition(".")[2]
    return _columns().get(code, code)
