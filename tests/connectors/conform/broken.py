"""A department's program that can be told to break the contract in one way each: what `shenguan conform` has to find out."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.bus import BusSettings, Consumer, Message, Producer, Record
from connectors.conform.workshop import Workshop
from schemas import MAX_MESSAGE_BYTES, MESSAGE_TYPES, dumps, loads, violations
from storage.signing import BadSignature, Signer, TrustedKey, TrustedKeys

PACKAGES = ("approval.decided.v1", "approval.corrected.v1")


class Program:
    """Receives, verifies, signs for; `breaks` names the one thing that it does wrong, '' for none."""

    def __init__(self, shop: Workshop, signer: Signer, breaks: str = "") -> None:
        self.shop, self.signer, self.breaks = shop, signer, breaks
        self.seen: set[str] = set()
        self.dead = False
        self.keys = TrustedKeys.of([TrustedKey(shop.hub.kid, "hub", shop.hub.public_pem)])

    def answer(self, message: Message) -> list[Record]:
        """What is said to one message."""
        event = self._event(message)
        if event is None or self.dead:
            return []
        if event["id"] in self.seen and self.breaks != "signs twice":
            return []
        self.seen.add(event["id"])
        said = self._receipts(event, message.value)
        if event["type"] == "count.asked.v1" and self.breaks != "does not count":
            said.append(self._count(event["data"]))
        if self.breaks == "finds in a strange case" and event["type"] == "approval.corrected.v1":
            said.append(self._finding("990101202600000000"))
        return [self._record(one) for one in said]

    def _event(self, message: Message) -> dict[str, Any] | None:
        trusting = self.breaks == "does not verify"
        try:
            if len(message.value) > MAX_MESSAGE_BYTES and self.breaks != "takes big ones":
                return None
            if not trusting:
                self.keys.verify(message.value, message.header("signature"), at=datetime.now(UTC))
            event = loads(message.value)
        except (BadSignature, ValueError):
            self.dead = self.breaks == "stops at bad ones"
            return None
        if event.get("type") not in MESSAGE_TYPES or (violations(event["type"], event) and not trusting):
            return None
        data = event["data"]
        whose = (data["push"] if event["type"] in PACKAGES else data).get("department")
        ours = whose == self.shop.department and event["source"] == f"/{self.shop.area}/hub"
        return event if ours or self.breaks == "takes what is for others" else None

    def _receipts(self, event: dict[str, Any], value: bytes) -> list[dict[str, Any]]:
        if self.breaks == "leaves out withdrawals" and event["type"] == "approval.withdrawn.v1":
            return []
        now = datetime.now(UTC)
        kinds = [("arrived", now), ("signed", now + timedelta(milliseconds=5))]
        if self.breaks == "signs before it arrives":
            kinds.reverse()
            kinds = [("arrived", now + timedelta(seconds=1)), ("signed", now)]
        if self.breaks == "leaves out arrived":
            kinds = kinds[1:]
        push = (
            event["data"]["push"]["id"] if event["type"] in PACKAGES else event["data"].get("push_id")
        ) or None
        if self.breaks == "other push":
            push = str(uuid.uuid4())
        digest = hashlib.sha256(
            dumps(event | {"x": 1}) if self.breaks == "hashes anew" else value
        ).hexdigest()
        data: dict[str, Any] = {
            "event_id": str(uuid.uuid4()) if self.breaks == "signs for unknown" else event["id"],
            **({"push_id": push} if push else {}),
            "package_sha256": digest,
            "receipts": [{"kind": kind, "at": _stamp(at), "by": None, "reason": None} for kind, at in kinds],
        }
        if self.breaks == "forgets a field":
            del data["package_sha256"]
        return [self._make("receipt.v1", event["subject"], data)]

    def _count(self, asked: dict[str, Any]) -> dict[str, Any]:
        nothing = hashlib.sha256(b"").hexdigest()
        kinds = ("packages", "announcements", "receipts", "findings")
        first = datetime.fromisoformat(asked["first_day"])
        days = (datetime.fromisoformat(asked["last_day"]) - first).days + 1
        lines = [
            {
                "day": (first + timedelta(days=n)).date().isoformat(),
                "what": what,
                "count": 0,
                "ids_sha256": nothing,
            }
            for n in range(days)
            for what in kinds
        ]
        data = {"counted_at": _stamp(datetime.now(UTC)), "days": lines}
        return self._make("count.reported.v1", f"count-{asked['first_day']}", data)

    def _finding(self, case: str) -> dict[str, Any]:
        data = {
            "finding_no": "JC-1", "project_no": case, "inspected_at": _stamp(datetime.now(UTC)),
            "inspectors": [{"name": "示例己"}, {"name": "示例庚"}], "check_result": "1", "handling": "1",
        }  # fmt: skip
        return self._make("finding.reported.v1", case, data)

    def _make(self, kind: str, subject: str, data: dict[str, Any]) -> dict[str, Any]:
        event_id = str(uuid.UUID(int=7)) if self.breaks == "uses one id" else str(uuid.uuid4())
        code = "other" if self.breaks == "speaks as another" else self.shop.department
        return {
            "specversion": "1.0", "id": event_id, "source": f"/{self.shop.area}/{code}", "type": kind,
            "subject": subject, "time": _stamp(datetime.now(UTC)), "datacontenttype": "application/json", "data": data,
        }  # fmt: skip

    def _record(self, event: dict[str, Any]) -> Record:
        value = dumps(event)
        signed = dumps(event | {"x": 1}) if self.breaks == "signs other bytes" else value
        if self.breaks == "writes no JSON":
            value = signed = b"<receipt/>"
        key = b"same" if self.breaks == "keys anyhow" else event["subject"].encode()
        headers = [("signature", self.signer.sign(signed).encode()), ("kid", self.signer.kid.encode())]
        return Record(self.shop.topic_out, key, value, headers)


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def serve(program: Program, bus: BusSettings, stop: Callable[[], bool]) -> threading.Thread:
    """Run it over the broker until told to stop."""

    def run() -> None:
        consumer, producer = Consumer(bus, f"{program.shop.department}-{program.shop.area}"), Producer(bus)
        while not stop():
            consumer.assign(consumer.partitions([program.shop.topic_in]))
            for message in consumer.poll(100, 100):
                producer.publish(program.answer(message))
        consumer.close()
        producer.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
