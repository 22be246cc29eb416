"""Acknowledge: receipts move a push, and each is kept; or say that an announcement was heard of (hub.exchange.announcement).

Guarantees: a late, repeated or reordered receipt has no second effect; the earliest stated time of a kind stands.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.exchange.arrived import Arrived, Refused
from hub.exchange.taker import Taker
from hub.ledger import LedgerRow
from hub.moments import parse_moment
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.move import Act, move_pushes
from hub.pushing.push import Receipt
from hub.round_trips import Question, Rows, tell, write

HEARD = frozenset({"arrived", "signed"})  # all that can be said of an announcement
ANSWERED_WITHIN = timedelta(days=1)  # who gets a push back deals with it by then, or it escalates


class PushRow(NamedTuple):
    """What a receipt is judged by; `name` is the department's."""

    id: uuid.UUID
    event_id: uuid.UUID
    department: str
    case_no: str
    package_sha256: bytes
    name: str
    decided_by: str | None  # the department that has the case


class ToldRow(NamedTuple):
    """An announcement that a receipt may speak of."""

    event_id: uuid.UUID
    kind: str
    department: str
    key: str
    message_sha256: bytes
    case_no: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """What the receipts of one batch speak of, by the event id of the message."""

    pushes: Mapping[str, PushRow]
    told: Mapping[str, ToldRow]


_NAMED = """
SELECT p.id, p.event_id, p.department, p.case_no, p.package_sha256, d.name, c.department
FROM pushes p JOIN departments d ON d.code = p.department JOIN cases c ON c.case_no = p.case_no
WHERE p.event_id = ANY(%(event_ids)s)
"""


_TOLD = """
SELECT event_id, kind, department, key, message_sha256, case_no FROM announcements WHERE event_id = ANY(%(event_ids)s)
"""


def questions(messages: Sequence[Arrived]) -> tuple[Question, Question]:
    """Ask for the messages that receipts speak of."""
    event_ids = {event_id for message in messages if (event_id := _uuid(message.data["event_id"]))}
    of = {"event_ids": list(event_ids)}
    return (_NAMED, of), (_TOLD, of)


def named(pushes: Sequence[Any], told: Sequence[Any]) -> Named:
    """The answers, by the event id of the message."""
    return Named({str(row[1]): PushRow(*row) for row in pushes}, {str(row[0]): ToldRow(*row) for row in told})


def objection(message: Arrived, known: Named, now: datetime) -> Refused | None:
    """Why this receipt cannot be taken, if so."""
    del now
    about = _about(message)
    spoken_of = known.pushes.get(about) or known.told.get(about)
    if spoken_of is None or spoken_of.department != message.department:
        return message.refuse(
            "unknown_push",
            f"回执所指的推送包 {message.data['event_id']} 不存在，或不是推送给本部门的",
            "event_id 应为收到的推送包、更正、撤回、证照变化或转告消息的 id",
        )
    sha256 = spoken_of.package_sha256 if isinstance(spoken_of, PushRow) else spoken_of.message_sha256
    if bytes(sha256).hex() != str(message.data["package_sha256"]).lower():
        return message.refuse(
            "unknown_push",
            "回执中的推送包摘要与本平台发出的不一致，收到的内容可能被改动",
            "package_sha256 应为收到的消息原始字节的 SHA-256（十六进制）",
        )
    kinds = {receipt["kind"] for receipt in message.data["receipts"]}
    if isinstance(spoken_of, ToldRow) and not kinds <= HEARD:
        return message.refuse(
            "schema",
            "更正、撤回、证照变化和转告只能到达和签收，不能认领、退回或办结",
            "receipts 的 kind 只写 arrived、signed",
        )
    return None


def _about(message: Arrived) -> str:
    return str(message.data["event_id"]).lower()


def acknowledge(tx: Connection, messages: Sequence[Arrived], known: Named, desk: Desk) -> None:
    """Take receipts that nothing speaks against."""
    _hear(tx, [message for message in messages if _about(message) in known.told], known.told)
    _sign(
        tx, [message for message in messages if _about(message) in known.pushes], known.pushes, desk.clock()
    )


_HEARD = """
UPDATE announcements a SET arrived_at = least(a.arrived_at, n.arrived), signed_at = least(a.signed_at, n.signed)
FROM unnest(%(ids)s::uuid[], %(arrived)s::timestamptz[], %(signed)s::timestamptz[]) AS n(id, arrived, signed)
WHERE a.event_id = n.id
"""
#: The newest version that a department was told of is signed for; whatever was told before is moot.
_ALL_SIGNED = """
UPDATE pushes p SET unsigned_revision = false FROM announcements a
WHERE a.event_id = ANY(%(ids)s) AND p.id = a.push_id AND p.unsigned_revision
  AND a.signed_at IS NOT NULL AND a.revision >= p.revision
  AND a.kind IN ('approval.corrected.v1', 'approval.withdrawn.v1')
"""
_RECEIPTED = {"licence.changed.v1": "licence.change_receipted"}


def _hear(tx: Connection, messages: Sequence[Arrived], told: Mapping[str, ToldRow]) -> None:
    """A department has heard of something."""
    if not messages:
        return
    times: dict[str, dict[str, datetime]] = {}
    for message in messages:
        for receipt in message.data["receipts"]:
            mine, at = times.setdefault(_about(message), {}), parse_moment(receipt["at"])
            mine[receipt["kind"]] = min(mine.get(receipt["kind"], at), at)
    of: dict[str, list[Any]] = {"ids": [uuid.UUID(about) for about in sorted(times)]}
    of |= {kind: [times[about].get(kind) for about in sorted(times)] for kind in HEARD}
    tell(tx, (_HEARD, of), (_ALL_SIGNED, {"ids": of["ids"]}))
    ledger = [
        {
            "actor": f"department:{message.department}",
            "action": _RECEIPTED.get(told[_about(message)].kind, "announcement.receipted"),
            "subject": f"announcement:{_about(message)}",
            "case_no": told[_about(message)].case_no,
            "reason": None,
            "detail": {
                "kinds": sorted({receipt["kind"] for receipt in message.data["receipts"]}),
                "sha256": hashlib.sha256(message.value).hexdigest(),
                "kid": message.kid,
            },
        }
        for message in messages
    ]
    write(tx, Rows(LedgerRow, ledger))


def _sign(tx: Connection, messages: Sequence[Arrived], named: Mapping[str, PushRow], now: datetime) -> None:
    """A department has a package, or says more about it."""
    if not messages:
        return
    acts, receipts, ledger, notices = [], [], [], []
    for message in messages:
        push = named[_about(message)]
        kinds: dict[str, Mapping[str, Any]] = {}
        for receipt in message.data["receipts"]:
            kinds.setdefault(receipt["kind"], receipt)
        for kind, receipt in kinds.items():
            row = _receipt_row(message, push.id, receipt)
            receipts.append(row)
            acts.append(Act(push.id, kind, row["at"], row["by"], row["reason"]))
            if kind == "returned":
                notices += _returned_notices(push, row["reason"], now)
        ledger.append(_ledger_row(message, push, list(kinds)))
    move_pushes(tx, acts, now)
    write(tx, Rows(Receipt, receipts), Rows(LedgerRow, ledger), Rows(Notice, notices))


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


def _ledger_row(message: Arrived, push: PushRow, kinds: list[str]) -> dict[str, Any]:
    return {
        "actor": f"department:{message.department}",
        "action": "push.receipted",
        "subject": f"push:{push.id}",
        "case_no": push.case_no,
        "reason": None,
        "detail": {"kinds": kinds, "sha256": hashlib.sha256(message.value).hexdigest(), "kid": message.kid},
    }


def _returned_notices(push: PushRow, why: str | None, now: datetime) -> list[dict[str, Any]]:
    """To who can assign it anew, and to the department that decided, where it is one of ours."""
    row = {
        "severity": "warning",
        "title": f"推送被退回：{push.name}",
        "body": f"{why or '部门没有写明理由'}。请核对后转派其他部门，或说明理由坚持推送。",
        "case_no": push.case_no,
        "push_id": push.id,
        "answer_by": now + ANSWERED_WITHIN,
    }
    audiences: list[tuple[str, str | None]] = [("data_admin", None)]
    if push.decided_by:
        audiences.append(("approver", push.decided_by))
    return [{"audience": audience, "department": department, **row} for audience, department in audiences]


def _uuid(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


TAKER = Taker(frozenset({"receipt.v1"}), questions, named, objection, acknowledge)
