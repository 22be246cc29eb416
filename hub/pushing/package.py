"""Package 推送包: the signed content of a push, and any other event the hub sends.

Guarantees: bytes are made once, signed once, and then only stored and forwarded. Names of fields follow GB/T 39046, the
national exchange's tables and the 双公示 columns (see schemas/events/approval.decided.v1.json).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from hub.department import source_of, topic_in
from hub.exchange.outbox import shard_of
from hub.ports import Desk
from schemas import dumps

if TYPE_CHECKING:
    from hub.deciding.decided_case import DecidedCase, StepFacts
    from hub.deciding.gathered import Gathered

HUB = "hub"


@dataclass(frozen=True, slots=True)
class Sealed:
    """One outgoing event: its final bytes, and what the outbox must know of it."""

    event_id: uuid.UUID
    sha256: bytes
    row: dict[str, Any]


def seal_event(
    desk: Desk,
    department: str,
    event_type: str,
    case_no: str,
    data: Mapping[str, Any],
    *,
    event_id: uuid.UUID,
    lane: int,
    rest: bytes = b"{}",
) -> Sealed:
    """The outbox row of one event to one department, signed. `rest`: more members of `data`, written out already."""
    now = desk.clock()
    value = dumps(
        {
            "specversion": "1.0",
            "id": str(event_id),
            "source": source_of(desk.area, HUB),
            "type": event_type,
            "subject": case_no,
            "time": instant(now),
            "datacontenttype": "application/json",
            "data": data,
        }
    )
    if len(rest) > 2:
        value = value[:-2] + (b"," if data else b"") + rest[1:] + b"}"
    row = {
        "shard": shard_of(case_no),
        "lane": lane,
        "topic": topic_in(desk.area, department),
        "key": case_no,
        "event_id": event_id,
        "event_type": event_type,
        "value": value,
        "signature": desk.signer.sign(value),
        "kid": desk.signer.kid,
        "said_at": now,
    }
    return Sealed(event_id, hashlib.sha256(value).digest(), row)


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, with a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(value: date | None) -> str | None:
    """YYYY-MM-DD, or nothing."""
    return value.isoformat() if value else None


def decided_data(
    case: DecidedCase, gathered: Gathered, issued: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """What is the same for every department: case, steps, result, licence, materials, what was reused, elements.

    `issued` are the files of the licence that is issued with the decision; they are named among the materials.
    """
    return {
        "case": {
            "project_no": case.case_no,
            "project_name": case.name,
            "project_type": case.case_type,
            "catalog_code": case.catalog_code or None,
            "task_code": case.item_code,
            "task_name": case.item_name,
            "task_version": str(gathered.item_version or 1),
            "apply_date": day(case.applied_on),
            "accept_date": day(case.accepted_on),
            "promise_date": day(case.promised_on),
            "applyer_name": case.party.name,
            "applyer_type": case.party.kind,
            "applyer_page_type": case.party.code_type,
            "applyer_page_code": case.party.code or "",
            "legal": case.party.legal_representative or "",
            "address": None,
            "org_code": _code(case.org_code),
            "org_name": case.org_name,
            "area_code": case.area_code,
        },
        "steps": [step_data(step) for step in case.steps],
        "special_procedures": [],
        "result": {
            "result_date": day(case.decision.decided_on),
            "result_type": case.decision.result_type,
            "result_explain": case.decision.explanation,
            "result_cetr_name": case.licence.name if case.licence else case.decision.document_name,
            "result_cetr_no": case.licence.number if case.licence else case.decision.document_no,
            "document_no": case.decision.document_no,
        },
        "licence": _licence_data(case),
        "materials": [*gathered.materials, *issued],
        "elements": dict(case.decision.elements),
        **gathered.data(),
    }


def step_data(step: StepFacts) -> dict[str, Any]:
    """One step, as a package names it."""
    return {
        "process_name": step.name,
        "event_name": step.action,
        "event_start_time": instant(step.started_at),
        "event_end_time": instant(step.ended_at or step.started_at),
        "handle_user_name": step.handled_by,
        "handle_explain": step.opinion,
        "org_code": _code(step.org_code),
        "org_name": step.org_name,
    }


def _code(code: str | None) -> str | None:
    """A body whose code nobody knows has none in the package."""
    return None if code is None or code.startswith("名称:") else code


def _licence_data(case: DecidedCase) -> dict[str, Any] | None:
    licence = case.licence
    if licence is None:
        return None
    prepared = licence.prepared
    holders = prepared.words.holders if prepared else (case.party,)
    data: dict[str, Any] = {
        "certificateIdentifier": licence.identifier,
        "certificateName": licence.name,
        "certificateType": licence.name,
        "certificateTypeCode": licence.type_code,
        "certificateNumber": licence.number,
        "certificateVersion": f"{licence.version:03d}",
        "issueDept": licence.issuer_name,
        "issueDeptCode": licence.issuer_code,
        "issueDate": day(licence.issued_on),
        "certificateValidateStart": day(licence.valid_from),
        "certificateValidateEnd": day(licence.valid_to) or "2099-12-31",
        "certificateHolder": [one.name for one in holders],
        "certificateHolderCode": [one.code or "" for one in holders],
        "certificateHolderTypeCode": holders[0].code_type,
        "certificateAreaCode": case.area_code,
        "status": licence.status,
    }
    if prepared is not None:
        data["document"] = {
            "material_id": str(prepared.material_id),
            "sha256": prepared.made[0].stored.sha256.hex(),
            "level": prepared.made[0].level,
        }
        if prepared.previous is not None:
            data["previousIdentifier"] = prepared.previous.identifier
    return data
