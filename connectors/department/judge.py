"""What to make of a message from the hub: a package, a licence's change, a refusal of something we sent, or neither.

Guarantees: verified over the raw bytes before anything is read, by a key of the hub; valid against its schema; from this
hub's source; addressed to this department.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.bus import Message
from connectors.department.trust import HUB, TrustBundle
from schemas import MAX_MESSAGE_BYTES, MESSAGE_TYPES, Malformed, loads, violations
from storage.signing import BadSignature

PACKAGE, CHANGED, RETURNED = "approval.decided.v1", "licence.changed.v1", "quarantined.v1"


@dataclass(frozen=True, slots=True)
class Package:
    """A verified approval.decided.v1 for us."""

    event_id: str
    push_id: str
    case_no: str
    sha256: str
    value: bytes
    event: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        data: dict[str, Any] = self.event["data"]
        return data


@dataclass(frozen=True, slots=True)
class LicenceChanged:
    """A verified licence.changed.v1 for us."""

    event_id: str
    case_no: str  # or the identifier of a licence without a case
    sha256: str
    value: bytes
    event: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        data: dict[str, Any] = self.event["data"]
        return data


@dataclass(frozen=True, slots=True)
class Returned:
    """A verified quarantined.v1: the hub could not take something we sent."""

    event_id: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unusable:
    """Goes to our own quarantine."""

    message: Message
    sha256: str
    cause: str
    words: str


def judge(
    message: Message, trust: TrustBundle, *, area: str, code: str, at: datetime
) -> Package | LicenceChanged | Returned | Unusable:
    """One message."""
    sha256 = hashlib.sha256(message.value).hexdigest()

    def unusable(cause: str, words: str) -> Unusable:
        return Unusable(message, sha256, cause, words)

    if len(message.value) > MAX_MESSAGE_BYTES:
        return unusable("too_large", f"消息有 {len(message.value)} 字节，超过 1 MiB 的上限")
    try:
        verified = trust.verify(message.value, message.header("signature"), at=at)
    except BadSignature as error:
        return unusable(error.cause, str(error))
    if verified.department != HUB:
        return unusable("wrong_sender", f"密钥 {verified.kid} 不是平台的密钥")
    try:
        event = loads(verified.bytes)
    except Malformed as error:
        return unusable("not_json", str(error))
    kind = event.get("type") if isinstance(event, dict) else None
    if kind not in MESSAGE_TYPES:
        return unusable("unknown_type", f"不认识的消息类型 {str(kind)[:80]}")
    if found := violations(kind, event):
        return unusable("schema", "；".join(str(one) for one in found[:5]))
    if event["source"] != f"/{area}/{HUB}":
        return unusable("wrong_sender", f"source 为 {event['source']}，应为 /{area}/{HUB}")
    if kind == RETURNED:
        return Returned(event["id"], event["data"])
    if kind not in (PACKAGE, CHANGED):
        return unusable("unknown_type", f"平台不向部门发送 {kind} 类型的消息")
    push = event["data"]["push"] if kind == PACKAGE else event["data"]
    if push["department"] != code:
        what = "推送包" if kind == PACKAGE else "证照状态变化"
        return unusable("wrong_sender", f"{what}是给 {push['department']} 的，不是给 {code} 的")
    if kind == CHANGED:
        return LicenceChanged(event["id"], event["subject"], sha256, message.value, event)
    return Package(event["id"], push["id"], event["subject"], sha256, message.value, event)
