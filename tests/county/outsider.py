"""A department written with other people's tools only: aiokafka, joserfc, jsonschema and the published AsyncAPI document.

Nothing of this project is imported: it runs as a program of its own, from any folder. It signs for every package, claims it,
reports one inspection a case and, where it found something, its rectification; it counts when asked. Its clock is the time
of the newest message it has seen, so that it can take part in a year that passes in minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from joserfc import jws
from joserfc.jwk import OKPKey
from jsonschema import Draft202012Validator, FormatChecker

LOCAL = ZoneInfo("Asia/Shanghai")
SPACE = uuid.UUID("5e6f0a52-0d1c-4b51-9c9b-3c1f6a0f7d11")
SIGNED_FOR = {
    "approval.decided.v1",
    "approval.corrected.v1",
    "approval.withdrawn.v1",
    "licence.changed.v1",
    "finding.forwarded.v1",
    "advice.forwarded.v1",
    "count.asked.v1",
}
PACKAGES = {"approval.decided.v1", "approval.corrected.v1"}
MAX_BYTES = 1 << 20


class Department:
    """One department: what it knows is in a JSON file beside its key."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.area, self.code = settings["area"], settings["code"]
        self.key = OKPKey.import_key(Path(settings["private_key"]).read_text())
        self.kid: str = settings["kid"]
        self.hub_keys = {kid: OKPKey.import_key(pem) for kid, pem in settings["hub_keys"].items()}
        components = json.loads(Path(settings["asyncapi"]).read_text("utf-8"))
        self.validators = {
            name: Draft202012Validator(
                {"$ref": f"#/components/schemas/{name}/schema", **components}, format_checker=FormatChecker()
            )
            for name in components["components"]["messages"]
        }
        self.seen: dict[str, tuple[str, str]] = {}  # event id -> (type, local day)
        self.sent: dict[str, tuple[str, str]] = {}
        self.inspected: set[str] = set()
        self.refused: list[str] = []
        self.now = datetime(2020, 1, 1, tzinfo=UTC)

    def judge(self, value: bytes, headers: dict[str, bytes]) -> dict[str, Any]:
        """The event, if the hub signed exactly these bytes, for us, and the document fits its schema. Raises otherwise."""
        if len(value) > MAX_BYTES:
            raise ValueError("too big")
        kid, detached = headers["kid"].decode(), headers["signature"].decode()
        head, _, sig = detached.split(".")
        jws.deserialize_compact(f"{head}..{sig}", self.hub_keys[kid], payload=value, algorithms=["EdDSA"])
        event: dict[str, Any] = json.loads(value)
        self.validators[event["type"]].validate(event)
        data = event["data"]
        receiver = (data["push"] if event["type"] in PACKAGES else data).get("department", self.code)
        if event["source"] != f"/{self.area}/hub" or receiver != self.code:
            raise ValueError("not for us")
        return event

    def answer(self, event: dict[str, Any], value: bytes) -> list[dict[str, Any]]:
        """What we say when a message comes for the first time."""
        at = datetime.fromisoformat(event["time"])
        self.now = max(self.now, at)
        if event["type"] not in SIGNED_FOR:
            self.refused.append(event["data"].get("message", event["type"]))
            return []
        said = [self.receipt(event, value)]
        if event["type"] == "approval.decided.v1":
            said += self.inspect(event)
        if event["type"] == "count.asked.v1":
            said.append(self.count(event["data"]))
        return said

    def receipt(self, event: dict[str, Any], value: bytes) -> dict[str, Any]:
        """Arrived and signed; of a package claimed, too."""
        kinds = ["arrived", "signed"] + (["claimed"] if event["type"] == "approval.decided.v1" else [])
        push = event["data"].get("push", {}).get("id") or event["data"].get("push_id")
        return self.event(
            "receipt.v1",
            event["subject"],
            {
                "event_id": event["id"],
                **({"push_id": push} if push else {}),
                "package_sha256": hashlib.sha256(value).hexdigest(),
                "receipts": [
                    {
                        "kind": kind,
                        "at": stamp(self.now),
                        "by": "外部甲" if kind == "claimed" else None,
                        "reason": None,
                    }
                    for kind in kinds
                ],
            },
            of=event["id"],
        )

    def inspect(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """One inspection a case; what is not in order is put right two weeks later."""
        case_no = event["subject"]
        if case_no in self.inspected:
            return []
        self.inspected.add(case_no)
        bad = int(hashlib.sha256(case_no.encode()).hexdigest(), 16) % 5 == 0
        finding = {
            "finding_no": f"WB-{case_no}",
            "project_no": case_no,
            "inspected_at": stamp(self.now),
            "inspectors": [{"name": "外部甲", "certificate_no": "99010190001"}, {"name": "外部乙"}],
            "check_result": "2" if bad else "1",
            "handling": "2" if bad else "1",
            "inspection_way": "double_random",
            "explain": "标识不清，限期整改" if bad else "符合要求",
        }
        said = [self.event("finding.reported.v1", case_no, finding, of=finding["finding_no"])]
        if bad:
            fact = {
                "fact_no": f"WBZG-{case_no}",
                "project_no": case_no,
                "finding_no": finding["finding_no"],
                "round": 1,
                "checked_at": stamp(self.now + timedelta(hours=1)),
                "result": "1",
                "explain": "已改正",
            }
            said.append(self.event("rectification.reported.v1", case_no, fact, of=fact["fact_no"]))
        return said

    def count(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Our own count, by local day and kind, as the schema of count.reported.v1 says."""
        first, last = (datetime.fromisoformat(asked[name]).date() for name in ("first_day", "last_day"))
        kinds = {
            "packages": [(i, d) for i, (t, d) in self.seen.items() if t in PACKAGES],
            "announcements": [(i, d) for i, (t, d) in self.seen.items() if t in SIGNED_FOR - PACKAGES],
            "receipts": [(i, d) for i, (t, d) in self.sent.items() if t == "receipt.v1"],
            "findings": [
                (i, d) for i, (t, d) in self.sent.items() if t not in ("receipt.v1", "count.reported.v1")
            ],
        }
        days = []
        for offset in range((last - first).days + 1):
            day = (first + timedelta(days=offset)).isoformat()
            for what, rows in kinds.items():
                ids = sorted(i.lower() for i, d in rows if d == day)
                digest = hashlib.sha256("".join(f"{one}\n" for one in ids).encode()).hexdigest()
                line: dict[str, Any] = {"day": day, "what": what, "count": len(ids), "ids_sha256": digest}
                days.append({**line, "ids": ids} if asked["with_ids"] else line)
        data = {"counted_at": stamp(self.now), "days": days}
        return self.event(
            "count.reported.v1", f"count-{asked['first_day']}", data, of=json.dumps(asked, sort_keys=True)
        )

    def event(self, kind: str, subject: str, data: dict[str, Any], *, of: str) -> dict[str, Any]:
        """A valid event; the same thing said twice has the same id."""
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid5(SPACE, f"{self.code}|{kind}|{of}")),
            "source": f"/{self.area}/{self.code}",
            "type": kind,
            "subject": subject,
            "time": stamp(self.now),
            "datacontenttype": "application/json",
            "data": data,
        }
        self.validators[kind].validate(event)
        return event

    def signed(self, event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
        """The bytes and the headers of a message."""
        value = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        compact = jws.serialize_compact(
            {"alg": "EdDSA", "kid": self.kid}, value, self.key, algorithms=["EdDSA"]
        )
        head, _, sig = compact.split(".")
        headers = [
            ("signature", f"{head}..{sig}".encode()),
            ("kid", self.kid.encode()),
            ("content-type", b"application/cloudevents+json; charset=UTF-8"),
        ]
        return value, headers


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_day(event: dict[str, Any]) -> str:
    """The local day of a message's time."""
    return datetime.fromisoformat(event["time"]).astimezone(LOCAL).date().isoformat()


async def main(settings: dict[str, Any]) -> None:
    """Until the file `stop` appears beside the settings."""
    department = Department(settings)
    topic_in, topic_out = (f"{department.area}.{department.code}.{way}" for way in ("in", "out"))
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings["bootstrap"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    producer = AIOKafkaProducer(bootstrap_servers=settings["bootstrap"], acks="all", linger_ms=5)
    await consumer.start()
    await producer.start()
    stop, report = Path(settings["stop"]), Path(settings["report"])
    try:
        while not (found := await partitions(consumer, topic_in)):
            await asyncio.sleep(0.2)
        consumer.assign([TopicPartition(topic_in, one) for one in found])
        await consumer.seek_to_beginning()
        while not stop.exists():
            batches = await consumer.getmany(timeout_ms=200, max_records=200)
            await answer_all(
                department, [one for batch in batches.values() for one in batch], producer, topic_out
            )
            report.write_text(
                json.dumps(
                    {
                        "seen": len(department.seen),
                        "sent": len(department.sent),
                        "refused": department.refused,
                    }
                )
            )
    finally:
        await producer.stop()
        await consumer.stop()


async def partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    """Of our topic; empty while the hub has not made it."""
    await consumer.topics()
    return consumer.partitions_for_topic(topic) or set()


async def answer_all(
    department: Department, records: list[Any], producer: AIOKafkaProducer, topic: str
) -> None:
    """Answer what is new, in order; what is known already is dropped by its id."""
    waiting = []
    for record in records:
        try:
            event = department.judge(record.value, dict(record.headers))
        except Exception as error:  # whatever is wrong with it: the next one may be good
            department.refused.append(f"{type(error).__name__}: {error}"[:200])
            continue
        if event["id"] in department.seen:
            continue
        for said in department.answer(event, record.value):
            value, headers = department.signed(said)
            waiting.append(
                await producer.send(topic, value=value, key=said["subject"].encode(), headers=headers)
            )
            department.sent[said["id"]] = (said["type"], local_day(said))
        department.seen[event["id"]] = (event["type"], local_day(event))
    for one in waiting:
        await one


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
