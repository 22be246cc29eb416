"""Cases, receipts and findings for tests, made by the real steps."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select

from hub.deciding.decide import decide
from hub.deciding.decided_case import DecidedCase, DecisionFacts, LicenceFacts, PartyFacts, StepFacts
from hub.department import source_of, topic_out
from hub.exchange.arrived import Arrived
from hub.exchange.outbox import OutboxRow
from hub.identifiers import licence_identifier
from hub.ports import Desk
from schemas import dumps, loads, violations
from storage.signing import Signer

NOW = datetime(2026, 9, 18, 2, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


def a_case(number: int = 1, *, area: str = "990101", **changes: Any) -> DecidedCase:
    """A decided case; equal numbers make equal cases."""
    document_no = f"示许〔2026〕{number}号"
    elements = {
        "XK_XDR_MC": f"测试{number}食品店",
        "XK_WSH": document_no,
        "XK_XDR_ZJHM": "990101199001010019",
    }
    case = DecidedCase(
        case_no=f"{area}20260918{number:012d}",
        name=f"测试{number}食品店 食品经营许可证",
        item_code="XK-001",
        item_name="食品经营许可",
        party=PartyFacts("natural", f"测试{number}食品店", "990101199001010019", "111"),
        org_code="11370100MB00000194",
        org_name="示范县行政审批服务局",
        area_code="990101",
        decision=DecisionFacts(
            document_no=document_no,
            document_name="准予行政许可决定书",
            decided_on=date(2026, 9, 18),
            result_type="0",
            explanation="准予",
            elements=elements,
            content_hash=hashlib.sha256(dumps(elements)).digest(),
            decided_by="示范县行政审批服务局",
        ),
        steps=(StepFacts("决定", "通过", NOW, NOW, "示范县行政审批服务局", "11370100MB00000194"),),
        licence=LicenceFacts(
            identifier=licence_identifier(
                "11370100MB00000194001", "11370100MB00000194", f"{area}X{number:08d}"
            ),
            name="食品经营许可证",
            number=f"JY1990101{number:07d}",
            type_code="11370100MB00000194001",
            issuer_code="11370100MB00000194",
            issuer_name="示范县行政审批服务局",
            issued_on=date(2026, 9, 18),
            valid_from=date(2026, 9, 18),
            valid_to=date(2031, 9, 17),
        ),
    )
    return replace(case, **changes)


def decided(engine: Engine, desk: Desk, count: int = 1) -> list[DecidedCase]:
    """Decide `count` cases in one transaction."""
    cases = [a_case(number, area=desk.area) for number in range(1, count + 1)]
    with engine.begin() as tx:
        decide(tx, cases, desk, actor="user:test")
    return cases


def packages(tx: Connection, case_no: str) -> dict[str, Any]:
    """Outbox rows of a case, by topic's department."""
    rows = tx.execute(select(*OutboxRow.__table__.columns).where(OutboxRow.key == case_no))
    return {row.topic.split(".")[1]: row for row in rows}


def message(
    desk: Desk,
    signer: Signer,
    event_type: str,
    case_no: str,
    data: dict[str, Any],
    *,
    event_id: str | None = None,
) -> Arrived:
    """A valid message of a department, as intake hands it on."""
    code = signer.kid.rsplit("-", 1)[0]
    event = {
        "specversion": "1.0",
        "id": event_id or str(uuid.uuid4()),
        "source": source_of(desk.area, code),
        "type": event_type,
        "subject": case_no,
        "time": desk.clock().isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }
    assert not violations(event_type, event), violations(event_type, event)
    value = dumps(event)
    topic = topic_out(desk.area, code)
    return Arrived(topic, 0, next(_OFFSETS), code, signer.kid, value, signer.sign(value), event)


_OFFSETS = iter(range(10**9))


def a_receipt(
    desk: Desk, signer: Signer, package: Any, *kinds: str, at: datetime | None = None, **changes: Any
) -> Arrived:
    """A receipt for an outbox row."""
    value = bytes(package.value)
    moment = (at or desk.clock()).isoformat().replace("+00:00", "Z")
    data = {
        "event_id": str(package.event_id),
        "push_id": loads(value)["data"]["push"]["id"],
        "package_sha256": hashlib.sha256(value).hexdigest(),
        "receipts": [
            {
                "kind": kind,
                "at": moment,
                "by": None,
                "reason": "不属于本部门职责" if kind == "returned" else None,
            }
            for kind in kinds
        ],
    }
    return message(desk, signer, "receipt.v1", package.key, {**data, **changes})


def a_finding(
    desk: Desk,
    signer: Signer,
    case_no: str,
    number: str,
    result: str,
    handling: str,
    *,
    at: str = "2026-09-17",
    **more: Any,
) -> Arrived:
    """A finding on a case."""
    data = {
        "finding_no": number,
        "project_no": case_no,
        "inspected_at": at,
        "inspectors": [{"name": "检查员甲", "certificate_no": "99010100001"}],
        "check_result": result,
        "handling": handling,
        **more,
    }
    return message(desk, signer, "finding.reported.v1", case_no, data)
