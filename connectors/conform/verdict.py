"""What a trial makes of the answers: one line for each demand, kept or not, with what was seen.

Guarantees: judges by the published contract alone: signature over the exact bytes, schema, source, references, each message
signed for once and only once, nothing signed for that must not be. A message may come twice if it is the same to the byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.bus import Message
from connectors.conform.letters import PACKAGES, Letter
from connectors.conform.workshop import Workshop
from schemas import MAX_MESSAGE_BYTES, Malformed, loads, violations
from storage.signing import BadSignature

MOST_EXAMPLES = 3
#: What the hub says; a department never does.
_HUBS = (
    "approval.",
    "licence.changed.v1",
    "finding.forwarded.v1",
    "advice.forwarded.v1",
    "count.asked.v1",
    "quarantined.v1",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One demand."""

    name: str
    title: str
    ok: bool
    words: str = ""


@dataclass
class Heard:
    """What came back, read as far as it can be."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def blame(self, name: str, words: str) -> None:
        """Note what is wrong against a demand."""
        self.faults.setdefault(name, []).append(words)

    def signed_for(self) -> dict[str, list[dict[str, Any]]]:
        """By the id of the message that was signed for: the receipts that say 'signed'."""
        found: dict[str, list[dict[str, Any]]] = {}
        for event in self.receipts():
            if any(one["kind"] == "signed" for one in event["data"]["receipts"]):
                found.setdefault(event["data"]["event_id"], []).append(event)
        return found

    def receipts(self) -> list[dict[str, Any]]:
        """Every receipt."""
        return [one for one in self.events.values() if one["type"] == "receipt.v1"]


DEMANDS: Mapping[str, str] = {
    "signature": "每条消息都有本部门密钥对原字节的签名",
    "json": "每条消息是不超过 1 MiB 的 JSON",
    "schema": "每条消息符合公布的结构",
    "source": "每条消息的来源是本部门，类型是部门可以发的",
    "key": "消息的键与 subject 相同（同一办件才能保序）",
    "same-id": "同一编号的消息，字节完全相同",
    "hash": "回执里的 package_sha256 是收到的原字节的散列",
    "reference": "回执和监管信息只引用收到过的消息和办件",
    "push": "回执的 push_id 与推送一致",
    "arrived": "先到达（arrived）后签收（signed），都在回执里",
    "once": "每条消息只签收一次，重复收到不再签收",
    "count": "答复对账请求（count.reported）",
}


def read(messages: Iterable[Message], shop: Workshop) -> Heard:
    """What of the messages can be relied on, and what is wrong with the rest."""
    heard = Heard()
    for message in messages:
        heard.count += 1
        _read_one(message, shop, heard)
    return heard


def _read_one(message: Message, shop: Workshop, heard: Heard) -> None:
    where = f"第 {heard.count} 条"
    try:
        shop.department_keys.verify(message.value, message.header("signature"), at=datetime.now(UTC))
    except BadSignature as error:
        heard.blame("signature", f"{where}：{error}")
    if len(message.value) > MAX_MESSAGE_BYTES:
        heard.blame("json", f"{where}：有 {len(message.value)} 字节")
        return
    try:
        event = loads(message.value)
    except Malformed as error:
        heard.blame("json", f"{where}：{error}")
        return
    kind = event.get("type") if isinstance(event, dict) else None
    if not isinstance(kind, str) or kind.startswith(_HUBS):
        heard.blame("source", f"{where}：类型为 {str(kind)[:60]}")
        return
    try:
        found = violations(kind, event)
    except KeyError:
        heard.blame("source", f"{where}：不认识的类型 {kind[:60]}")
        return
    if found:
        heard.blame("schema", f"{where}（{kind}）：{'；'.join(str(one) for one in found[:2])}")
        return
    if event["source"] != f"/{shop.area}/{shop.department}":
        heard.blame("source", f"{where}：来源为 {event['source']}，应为 /{shop.area}/{shop.department}")
    if message.key is not None and message.key != event["subject"].encode():
        heard.blame("key", f"{where}：键为 {message.key[:40]!r}，subject 为 {event['subject'][:40]}")
    digest = hashlib.sha256(message.value).hexdigest()
    if heard.digests.setdefault(event["id"], digest) != digest:
        heard.blame("same-id", f"{where}：编号 {event['id']} 用过，内容不同")
    heard.events[event["id"]] = event


#: What only happens when somebody over there does it, or makes the program do it.
ASKED: Mapping[str, str] = {
    "claimed": "认领推送包（回执 claimed）",
    "finding": "上报监管信息（finding.reported）",
}


def judge(
    sent: Sequence[Letter], messages: Sequence[Message], shop: Workshop, asked: Collection[str] = ()
) -> list[Line]:
    """Every demand, then every message that was sent, then what was asked for (`ASKED`)."""
    heard = read(messages, shop)
    known = {one.event_id: one for one in sent if one.expects == "signed"}
    hostile = {one.event_id for one in sent if one.expects == "nothing"}
    for event in heard.receipts():
        _judge_receipt(event, known, hostile, heard)
    cases = {str(one.event.get("subject")) for one in known.values()}
    for event in heard.events.values():
        case = event["data"].get("project_no")
        if case is not None and case not in cases:
            heard.blame("reference", f"{event['type']} 引用了没有收到过的办件 {str(case)[:40]}")
    signed = heard.signed_for()
    for event_id in known.keys() & signed.keys():
        _judge_order(known[event_id], heard)
    for event_id, several in signed.items():
        if len(several) > 1 and event_id in known:
            heard.blame("once", f"{known[event_id].title}：签收了 {len(several)} 次，编号各不相同")
    if not any(one["type"] == "count.reported.v1" for one in heard.events.values()):
        heard.blame("count", "没有答复")
    lines = [
        Line(
            "heard", "有答复", heard.count > 0, f"收到 {heard.count} 条" if heard.count else "一条也没有收到"
        )
    ]
    if not heard.count:  # silence keeps no demand: nothing more can be said of it
        return lines + [_of_letter(one, signed, heard) for one in sent if one.expects == "signed"]
    lines += [Line(name, title, *_kept(heard, name)) for name, title in DEMANDS.items()]
    done = did(heard, known)
    wanted = [Line(name, ASKED[name], name in done, "" if name in done else "没有收到") for name in asked]
    return lines + [_of_letter(one, signed, heard) for one in sent] + wanted


def did(heard: Heard, known: Mapping[str, Letter]) -> set[str]:
    """Which of `ASKED` came, about something that was sent."""
    cases = {one.key for one in known.values()}
    claims = [
        event
        for event in heard.receipts()
        if event["data"]["event_id"] in known
        and any(one["kind"] == "claimed" and one["by"] for one in event["data"]["receipts"])
    ]
    found = [
        event
        for event in heard.events.values()
        if event["type"] == "finding.reported.v1" and event["data"]["project_no"] in cases
    ]
    return ({"claimed"} if claims else set()) | ({"finding"} if found else set())


def _judge_receipt(
    event: dict[str, Any], known: Mapping[str, Letter], hostile: set[str], heard: Heard
) -> None:
    data = event["data"]
    letter = known.get(data["event_id"])
    if letter is None:
        if data["event_id"] not in hostile:
            heard.blame("reference", f"回执引用了没有发过的消息 {data['event_id']}")
        return
    if data["package_sha256"] != letter.sha256:
        heard.blame(
            "hash", f"{letter.title}：回执写的是 {data['package_sha256'][:12]}…，应为 {letter.sha256[:12]}…"
        )
    missing = data.get("push_id") is None and letter.event["type"] not in PACKAGES
    if data.get("push_id") != letter.push_id and not missing:
        heard.blame("push", f"{letter.title}：回执写的是 {data.get('push_id')}，应为 {letter.push_id}")
    if event["subject"] != letter.key:
        heard.blame(
            "reference", f"{letter.title}：回执的 subject 为 {event['subject'][:40]}，应为 {letter.key}"
        )


def _judge_order(letter: Letter, heard: Heard) -> None:
    said = [
        (one["kind"], datetime.fromisoformat(one["at"]))
        for event in heard.receipts()
        if event["data"]["event_id"] == letter.event_id
        for one in event["data"]["receipts"]
    ]
    arrived = [at for kind, at in said if kind == "arrived"]
    if not arrived:
        heard.blame("arrived", f"{letter.title}：没有 arrived")
    elif min(arrived) > min(at for kind, at in said if kind == "signed"):
        heard.blame("arrived", f"{letter.title}：signed 早于 arrived")


def _kept(heard: Heard, name: str) -> tuple[bool, str]:
    found = heard.faults.get(name, [])
    more = f"；共 {len(found)} 处" if len(found) > MOST_EXAMPLES else ""
    return not found, "；".join(found[:MOST_EXAMPLES]) + more


def _of_letter(letter: Letter, signed: Mapping[str, list[dict[str, Any]]], heard: Heard) -> Line:
    several = signed.get(letter.event_id, []) if letter.event_id else []
    if letter.expects == "nothing":
        answered = [
            one for one in heard.receipts() if letter.event_id and one["data"]["event_id"] == letter.event_id
        ]
        words = "签收了不可信或不属于本部门的消息" if answered else ""
        return Line(f"no:{letter.name}", f"不签收：{letter.title}", not answered, words)
    if letter.expects == "again":
        words = f"又签收了一次（共 {len(several)} 次）" if len(several) > 1 else ""
        return Line(f"once:{letter.name}", f"不再签收：{letter.title}", len(several) <= 1, words)
    return Line(
        f"yes:{letter.name}", f"签收：{letter.title}", bool(several), "" if several else "没有收到签收回执"
    )
