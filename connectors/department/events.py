"""Events of this department: CloudEvents with ids that do not change when the same thing is said again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from connectors.bus import Record
from schemas import canonical, dumps
from schemas.drafts.identity import deterministic_id
from storage.signing import Signer

LOCAL = ZoneInfo("Asia/Shanghai")
CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"


class Signed(NamedTuple):
    """One event as it will travel."""

    event_id: str
    case_no: str
    value: bytes
    signature: str
    kid: str

    def record(self, topic: str) -> Record:
        """The same for the broker."""
        headers = [
            ("signature", self.signature.encode()),
            ("kid", self.kid.encode()),
            ("content-type", CONTENT_TYPE),
        ]
        return Record(topic, self.case_no.encode(), self.value, headers)


def finding_id(department: str, data: Mapping[str, Any]) -> str:
    """The id of a finding: by the department, its number and what it says."""
    return deterministic_id(department, data.get("finding_no"), canonical(dict(data)).decode())


def report_id(department: str, kind: str, number: object, data: Mapping[str, Any]) -> str:
    """The id of any other report: by the department, what kind it is, its number and what it says."""
    return deterministic_id(department, kind, number, canonical(dict(data)).decode())


def event(
    source: str, kind: str, case_no: str, data: Mapping[str, Any], *, event_id: str, at: datetime
) -> dict[str, Any]:
    """A CloudEvent, structured mode."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": kind,
        "subject": case_no,
        "time": instant(at),
        "datacontenttype": "application/json",
        "data": dict(data),
    }


def sign(document: Mapping[str, Any], signer: Signer) -> Signed:
    """Final bytes and the signature over them."""
    value = dumps(document)
    return Signed(document["id"], document["subject"], value, signer.sign(value), signer.kid)


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds and 'Z'."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_day(moment: str) -> str:
    """The day of an RFC 3339 time in local terms."""
    return datetime.fromisoformat(moment).astimezone(LOCAL).date().isoformat()
