"""What to make of one raw message from a department, by whatever way it came: verified and valid, or refused with its
cause in words.

Guarantees: the signature is checked over the raw bytes before anything of them is read; the key's department, that of the
way it came and the event's source must be the same; nothing here touches the database. Unverified bytes are only looked
into, cautiously, for the event id that helps the sender to find its message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from hub.department import source_of, topic_out
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.take_in import TAKERS
from schemas import MAX_MESSAGE_BYTES, MESSAGE_TYPES, Malformed, loads, violations
from storage.signing import BadSignature, TrustedKeys

FROM_DEPARTMENTS = tuple(name for name in MESSAGE_TYPES if any(name in taker.types for taker in TAKERS))
_EXPECTED = {
    "unsigned": "消息头 signature 应为对消息原始字节的分离式 JWS（EdDSA 或 ES256）",
    "bad_signature": "请用本部门登记的密钥，对将要发送的原始字节签名，签名后不要再改动内容",
    "unknown_key": "请先由数据管理员登记公钥，kid 为“部门代码-公钥摘要前 16 位”",
    "revoked_key": "请换用在用的密钥；新密钥由数据管理员登记",
    "wrong_sender": "只能用本部门的密钥、在本部门的主题上、以本部门的 source 发送",
    "not_json": "消息内容应为 UTF-8 编码的 JSON（CloudEvents 1.0 结构化模式）",
    "too_large": "消息不超过 1 MiB；文件不放进消息，只给出编号与摘要",
    "unknown_type": f"type 应为 {' 或 '.join(FROM_DEPARTMENTS)}",
    "schema": "请对照 schemas 中同名的 JSON Schema 改正后，以新的事件编号重新发送",
}
_SHOWN = 5  # violations told in one sentence
_PEEK = 64 * 1024


class Raw(Protocol):
    """A message as it came; where, so that it is found again."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes: ...
    def header(self, name: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Brought:
    """A message that did not come over a topic: `way` is 'rest' or 'web'. The same bytes again are the same message."""

    way: str
    department: str
    value: bytes
    signature: str | None

    @property
    def topic(self) -> str:
        """What stands for the topic."""
        return f"{self.way}:{self.department}"

    @property
    def partition(self) -> int:
        """None: no broker holds it."""
        return -1

    @property
    def offset(self) -> int:
        """By the bytes; small enough for the numbers of every JSON library."""
        return int.from_bytes(hashlib.sha256(self.value).digest()[:6])

    def header(self, name: str) -> str | None:
        """As a broker would have it."""
        return self.signature if name == "signature" else None


class Judge:
    """Judges messages of one area with the keys of the moment."""

    def __init__(self, area: str, keys: TrustedKeys) -> None:
        self._area = area
        self._keys = keys

    def sort(self, messages: Sequence[Raw], at: datetime) -> tuple[list[Arrived], list[Refused]]:
        """Every message into exactly one of two piles, in order."""
        arrived: list[Arrived] = []
        refused: list[Refused] = []
        for message in messages:
            verdict = self.judge(message, at)
            if isinstance(verdict, Arrived):
                arrived.append(verdict)
            else:
                refused.append(verdict)
        return arrived, refused

    def judge(self, message: Raw, at: datetime) -> Arrived | Refused:
        """One message."""
        if isinstance(message, Brought):
            department: str | None = message.department
        else:
            department = department_of(self._area, message.topic)
        value, signature = message.value, message.header("signature")
        if len(value) > MAX_MESSAGE_BYTES:
            return refuse(message, department, "too_large", f"消息有 {len(value)} 字节，超过 1 MiB 的上限")
        try:
            verified = self._keys.verify(value, signature, at=at)
        except BadSignature as error:
            return refuse(message, department, error.cause, str(error))
        if verified.department != department:
            words = f"密钥 {verified.kid} 属于 {verified.department}，不能在 {message.topic} 上发言"
            return refuse(message, department, "wrong_sender", words)
        try:
            event = loads(verified.bytes)
        except Malformed as error:
            return refuse(message, department, "not_json", str(error))
        if fault := self._fault(event, department):
            return refuse(message, department, *fault, event=event)
        assert signature is not None  # verified
        return Arrived(
            message.topic,
            message.partition,
            message.offset,
            department,
            verified.kid,
            value,
            signature,
            event,
        )

    def _fault(self, event: Any, department: str) -> tuple[str, str] | None:
        if not isinstance(event, dict):
            return "schema", "消息不是一个 JSON 对象"
        kind = event.get("type")
        if not isinstance(kind, str) or kind not in MESSAGE_TYPES:
            return "unknown_type", f"不认识的消息类型 {str(kind)[:80]}"
        if found := violations(kind, event):
            more = f"；另有 {len(found) - _SHOWN} 处" if len(found) > _SHOWN else ""
            return "schema", "；".join(str(one) for one in found[:_SHOWN]) + more
        own = source_of(self._area, department)
        if event["source"] != own:
            return "wrong_sender", f"source 为 {event['source']}，与发送方不符，应为 {own}"
        return None


def department_of(area: str, topic: str) -> str | None:
    """Whose answers a topic carries; None for a topic that is none of these."""
    head, tail = f"{area}.", ".out"
    code = topic[len(head) : -len(tail)]
    return code if code and topic == topic_out(area, code) else None


def refuse(
    message: Raw,
    department: str | None,
    cause: str,
    words: str,
    *,
    event: Any = None,
    expected: str | None = None,
) -> Refused:
    """The quarantine's view of a message."""
    said = event if event is not None else _peek(message.value)
    return Refused(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        department=department,
        event_id=_short(said, "id", 256),
        cause=cause,
        message=words[:2000],
        expected=expected or _EXPECTED[cause],
        value=message.value,
        size=len(message.value),
        sha256=hashlib.sha256(message.value).digest(),
        signature=message.header("signature"),
        kid=message.header("kid"),
        case_no=_short(said, "subject", 50),
    )


def _peek(value: bytes) -> Any:
    try:
        return loads(value) if len(value) <= _PEEK else None
    except Malformed:
        return None


def _short(event: Any, name: str, longest: int) -> str | None:
    found = event.get(name) if isinstance(event, Mapping) else None
    return found if isinstance(found, str) and 0 < len(found) <= longest and "\0" not in found else None
