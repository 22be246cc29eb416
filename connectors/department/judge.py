"""What to make of a message from the hub: a package, something else that is told and to be signed for, a refusal of what we
sent, or none of these.

Guarantees: verified over the raw bytes before anything is read, by a key of the hub; valid against its schema; from this
hub's source; addressed to this department.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.bus import Message
from connectors.department.trust import HUB, Trust
from schemas import MAX_MESSAGE_BYTES, MESSAGE_TYPES, Malformed, loads, violations
from storage.signing import BadSignature

RETURNED = "quarantined.v1"


@dataclass(frozen=True, slots=True)
class Told:
    """A verified message for us that is to be signed for."""

    event_id: str
    case_no: str  # what it is ordered by: a case, or the identifier of a licence without one
    sha256: str
    value: bytes
    event: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        data: dict[str, Any] = self.event["data"]
        return data


class LicenceChanged(Told):
    """licence.changed.v1: what became of a licence."""


class Withdrawn(Told):
    """approval.withdrawn.v1: a decision, or only this push of it, is taken back."""


class Forwarded(Told):
    """finding.forwarded.v1: what another department reported about a case of ours."""


class Advice(Told):
    """advice.forwarded.v1: what the window asks, proposes or answers."""


class CountAsked(Told):
    """count.asked.v1: the connector answers it by itself."""


@dataclass(frozen=True, slots=True)
class Package:
    """A verified decision for us: the first version, or a later one that takes its place."""

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

    @property
    def correction(self) -> Mapping[str, Any] | None:
        """Which message it takes the place of, and why; None in a first version."""
        found: Mapping[str, Any] | None = self.data.get("correction")
        return found


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


#: What is told, and how the people of the department would call it.
TOLD: Mapping[str, tuple[type[Told], str]] = {
    "licence.changed.v1": (LicenceChanged, "证照状态变化"),
    "approval.withdrawn.v1": (Withdrawn, "撤回通知"),
    "finding.forwarded.v1": (Forwarded, "转告的监管信息"),
    "advice.forwarded.v1": (Advice, "协调建议"),
    "count.asked.v1": (CountAsked, "对账请求"),
}
PACKAGES = {"approval.decided.v1": "推送包", "approval.corrected.v1": "更正后的推送包"}


def judge(
    message: Message, trust: Trust, *, area: str, code: str, at: datetime
) -> Package | Told | Returned | Unusable:
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
    if not isinstance(kind, str) or kind not in MESSAGE_TYPES:
        return unusable("unknown_type", f"不认识的消息类型 {str(kind)[:80]}")
    if found := violations(kind, event):
        return unusable("schema", "；".join(str(one) for one in found[:5]))
    if event["source"] != f"/{area}/{HUB}":
        return unusable("wrong_sender", f"source 为 {event['source']}，应为 /{area}/{HUB}")
    if kind == RETURNED:
        return Returned(event["id"], event["data"])
    if kind not in TOLD and kind not in PACKAGES:
        return unusable("unknown_type", f"平台不向部门发送 {kind} 类型的消息")
    return addressed(event, message.value, sha256, code) or unusable("wrong_sender", _not_ours(event, code))


def addressed(event: dict[str, Any], value: bytes, sha256: str, code: str) -> Package | Told | None:
    """The message, if it is for this department."""
    if _receiver(event) != code:
        return None
    if event["type"] in PACKAGES:
        push_id = event["data"]["push"]["id"]
        return Package(event["id"], push_id, event["subject"], sha256, value, event)
    kind, _ = TOLD[event["type"]]
    return kind(event["id"], event["subject"], sha256, value, event)


def _receiver(event: Mapping[str, Any]) -> str:
    data = event["data"]
    return str((data["push"] if event["type"] in PACKAGES else data)["department"])


def _not_ours(event: Mapping[str, Any], code: str) -> str:
    what = PACKAGES.get(event["type"]) or TOLD[event["type"]][1]
    return f"{what}是给 {_receiver(event)} 的，不是给 {code} 的"
