"""Acknowledge: receipts move a push forward, never back, and each is kept.

Guarantees: a late, repeated or reordered receipt has no second effect; the earliest stated time of a kind stands.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from hub.arrived import Arrived, Refused
from hub.department import Department
from hub.ledger import LedgerRow
from hub.moments import parse_moment
from hub.notice import Notice
from hub.push import Push, Receipt, after
from hub.round_trips import Rows, write

PushRow = Any  # a Row of id, event_id, department, case_no, package_sha256


def pushes_named(tx: Connection, messages: Sequence[Arrived]) -> dict[str, PushRow]:
    """The pushes that receipts speak of, by the event id of their package."""
    wanted = {event_id for message in messages if (event_id := _uuid(message.data["event_id"]))}
    if not wanted:
        return {}
    rows = tx.execute(
        select(Push.id, Push.event_id, Push.department, Push.case_no, Push.package_sha256, Department.name)
        .join(Department, Department.code == Push.department)
        .where(Push.event_id.in_(wanted))
    )
    return {str(row.event_id): row for row in rows}


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
    standing = {
        row.id: dict(row._mapping)
        for row in tx.execute(
            select(
                Push.id, Push.state, Push.arrived_at, Push.signed_at, Push.claimed_at, Push.claimed_by,
                Push.returned_at, Push.returned_why, Push.case_no, Push.department,
            )
            .where(Push.id.in_(ids))
            .order_by(Push.id)
            .with_for_update()
        )
    }  # fmt: skip
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


def _save(tx: Connection, standing: Mapping[uuid.UUID, dict[str, Any]]) -> None:
    columns = ("state", "arrived_at", "signed_at", "claimed_at", "claimed_by", "returned_at", "returned_why")
    statement = (
        update(Push.__table__)  # type: ignore[arg-type]
        .where(Push.__table__.c.id == bindparam("push_id"))
        .values({column: bindparam(f"new_{column}") for column in columns})
    )
    tx.execute(
        statement,
        [
            {"push_id": push["id"], **{f"new_{column}": push[column] for column in columns}}
            for push in standing.values()
        ],
    )


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
