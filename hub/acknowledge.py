"""Acknowledge: receipts move a push forward, never back, and each is kept.

Guarantees: a late, repeated or reordered receipt has no second effect; the earliest stated time of a kind stands.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.arrived import Arrived, Refused
from hub.ledger import LedgerRow
from hub.moments import parse_moment
from hub.notice import Notice
from hub.push import Receipt, after
from hub.round_trips import Question, Rows, ask, tell, write


class PushRow(NamedTuple):
    """What a receipt is judged by; `name` is the department's."""

    id: uuid.UUID
    event_id: uuid.UUID
    department: str
    case_no: str
    package_sha256: bytes
    name: str


_NAMED = """
SELECT p.id, p.event_id, p.department, p.case_no, p.package_sha256, d.name
FROM pushes p JOIN departments d ON d.code = p.department WHERE p.event_id = ANY(%(event_ids)s)
"""


def question(messages: Sequence[Arrived]) -> Question:
    """Asks for the pushes that receipts speak of."""
    event_ids = {event_id for message in messages if (event_id := _uuid(message.data["event_id"]))}
    return _NAMED, {"event_ids": list(event_ids)}


def pushes_named(rows: Sequence[Any]) -> dict[str, PushRow]:
    """The answer, by the event id of the package."""
    return {str(row[1]): PushRow(*row) for row in rows}


def objection(message: Arrived, pushes: Mapping[str, PushRow]) -> Refused | None:
    """Why this receipt cannot be taken, if so."""
    push = pushes.get(str(message.data["event_id"]).lower())
    if push is None or push.department != message.department:
        return message.refuse(
            "unknown_push",
            f"回执所指的推送包 {message.data['event_id']} 不存在，或不是推送给本部门的",
            "event_id 应为收到的 approval.decided.v1 消息的 id",
        )
    if bytes(push.package_sha256).hex() != str(message.data["package_sha256"]).lower():
        return message.refuse(
            "unknown_push",
            "回执中的推送包摘要与本平台发出的不一致，收到的内容可能被改动",
            "package_sha256 应为收到的消息原始字节的 SHA-256（十六进制）",
        )
    return None


def acknowledge(tx: Connection, messages: Sequence[Arrived], named: Mapping[str, PushRow]) -> None:
    """Take receipts that nothing speaks against."""
    ids = sorted({named[str(message.data["event_id"]).lower()].id for message in messages})
    if not ids:
        return
    (locked,) = ask(tx, (_LOCK, {"ids": ids}))
    standing = {row[0]: dict(zip(_STANDING, row, strict=True)) for row in locked}
    receipts, ledger, notices = [], [], []
    for message in messages:
        push = standing[named[str(message.data["event_id"]).lower()].id]
        kinds: dict[str, Mapping[str, Any]] = {}
        for receipt in message.data["receipts"]:
            kinds.setdefault(receipt["kind"], receipt)
        for kind, receipt in kinds.items():
            receipts.append(_receipt_row(message, push["id"], receipt))
            _apply(push, kind, receipt)
            if kind == "returned":
                department = named[str(message.data["event_id"]).lower()].name
                notices.append(_returned_notice(push["case_no"], department, receipt))
        ledger.append(_ledger_row(message, push, list(kinds)))
    _save(tx, standing)
    write(tx, Rows(Receipt, receipts), Rows(LedgerRow, ledger), Rows(Notice, notices))


def _apply(push: dict[str, Any], kind: str, receipt: Mapping[str, Any]) -> None:
    at = parse_moment(receipt["at"])
    column = f"{kind}_at"
    known: datetime | None = push[column]
    push[column] = at if known is None else min(known, at)
    if kind == "claimed":
        push["claimed_by"] = receipt.get("by") or push["claimed_by"]
    if kind == "returned":
        push["returned_why"] = receipt.get("reason") or push["returned_why"]
    push["state"] = after(push["state"], kind)


_STANDING = (
    "id", "state", "arrived_at", "signed_at", "claimed_at", "claimed_by", "returned_at", "returned_why", "case_no",
)  # fmt: skip
_LOCK = f"SELECT {', '.join(_STANDING)} FROM pushes WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"  # noqa: S608
_SAVE = """
UPDATE pushes p SET state = n.state, arrived_at = n.arrived_at, signed_at = n.signed_at, claimed_at = n.claimed_at,
  claimed_by = n.claimed_by, returned_at = n.returned_at, returned_why = n.returned_why
FROM unnest(%(id)s::uuid[], %(state)s::text[], %(arrived_at)s::timestamptz[], %(signed_at)s::timestamptz[],
  %(claimed_at)s::timestamptz[], %(claimed_by)s::text[], %(returned_at)s::timestamptz[], %(returned_why)s::text[])
  AS n(id, state, arrived_at, signed_at, claimed_at, claimed_by, returned_at, returned_why)
WHERE p.id = n.id
"""


def _save(tx: Connection, standing: Mapping[uuid.UUID, dict[str, Any]]) -> None:
    columns = {name: [push[name] for push in standing.values()] for name in _STANDING[:-1]}
    tell(tx, (_SAVE, columns))


def _receipt_row(message: Arrived, push_id: uuid.UUID, receipt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "push_id": push_id,
        "kind": receipt["kind"],
        "event_id": message.event["id"],
        "at": parse_moment(receipt["at"]),
        "by": receipt.get("by"),
        "reason": receipt.get("reason"),
        "kid": message.kid,
        "envelope_sha256": hashlib.sha256(message.value).digest(),
    }


def _ledger_row(message: Arrived, push: Mapping[str, Any], kinds: list[str]) -> dict[str, Any]:
    return {
        "actor": f"department:{message.department}",
        "action": "push.receipted",
        "subject": f"push:{push['id']}",
        "case_no": push["case_no"],
        "reason": None,
        "detail": {"kinds": kinds, "sha256": hashlib.sha256(message.value).hexdigest(), "kid": message.kid},
    }


def _returned_notice(case_no: str, department: str, receipt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "audience": "data_admin",
        "severity": "warning",
        "title": f"推送被退回：{department}",
        "body": receipt.get("reason") or "部门没有写明理由",
        "case_no": case_no,
    }


def _uuid(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
