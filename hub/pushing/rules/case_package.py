"""What a real case would tell a department today: its marks, and its package's data, to try rules on.

Guarantees: reads only; personal numbers appear masked, as they are stored. Does not guarantee: that this is what was sent;
what was sent is signed and stands in the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from hub.case import Case, Decision, Step
from hub.deciding.decided_case import DecidedCase, DecisionFacts, LicenceFacts, PartyFacts, StepFacts
from hub.deciding.decided_rows import marks_of
from hub.deciding.gathered import Gathered, gather, opened
from hub.errors import NotFound
from hub.item import ServiceItem
from hub.licensing.licence import Licence
from hub.party import Party
from hub.ports import Desk
from hub.pushing.completeness import missing, read_required, required
from hub.pushing.package import decided_data
from hub.pushing.rulebook import Marks
from hub.round_trips import ask


@dataclass(frozen=True, slots=True)
class CasePackage:
    """Of one case; `decided` False: the result is a guess (granted, with a licence)."""

    case_no: str
    name: str
    marks: Marks
    data: Mapping[str, Any]
    lacking: list[dict[str, Any]]
    decided: bool
    taken_for: Mapping[str, str] = field(default_factory=dict)


def case_package(tx: Connection, case_no: str, desk: Desk) -> CasePackage:
    """Raises NotFound."""
    row = tx.execute(
        select(
            *Case.__table__.c,
            Party.name.label("party_name"),
            Party.kind,
            Party.code_type,
            Party.code_masked,
            Party.legal_representative,
            ServiceItem.name.label("item_name"),
            ServiceItem.case_type,
            ServiceItem.catalog_code,
        )
        .join(Party, Party.id == Case.party_id)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
        .where(Case.case_no == case_no)
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有办件编号为 {case_no[:60]} 的办件。请核对编号，或改为直接选择条件。")
    decision = tx.execute(select(*Decision.__table__.c).where(Decision.case_no == case_no)).one_or_none()
    cases_open, versions = ask(tx, opened([case_no]), required([row.item_code], [case_no]))
    gathered = gather(tx, cases_open, desk).get(case_no, Gathered())
    case = _case(tx, row, decision)
    data = decided_data(case, gathered)
    asked = read_required(versions).of(gathered.version_id, row.item_code)
    lacking = missing(asked, data, gathered.met, source=row.source) if asked else []
    if asked is not None:
        data["completeness"] = {"required": len(asked), "missing": lacking}
    return CasePackage(
        case_no, row.name, marks_of(case), data, lacking, decision is not None, gathered.taken_for
    )


def _case(tx: Connection, row: Any, decision: Any) -> DecidedCase:
    steps = tx.execute(select(*Step.__table__.c).where(Step.case_no == row.case_no).order_by(Step.seq)).all()
    return DecidedCase(
        case_no=row.case_no,
        name=row.name,
        item_code=row.item_code,
        item_name=row.item_name,
        party=PartyFacts(row.kind, row.party_name, row.code_masked, row.code_type, row.legal_representative),
        org_code=row.org_code,
        org_name=row.org_name,
        area_code=row.area_code,
        decision=_decision(row, decision),
        steps=tuple(
            StepFacts(
                one.name,
                one.action,
                one.started_at,
                one.ended_at,
                one.org_name,
                one.org_code,
                one.handled_by,
                one.opinion,
            )
            for one in steps
        ),
        licence=_licence(tx, row.case_no),
        applied_on=row.applied_on,
        accepted_on=row.accepted_on,
        promised_on=row.promised_on,
        catalog_code=row.catalog_code or "",
        case_type=row.case_type,
        source=row.source,
    )


def _decision(row: Any, decision: Any) -> DecisionFacts:
    if decision is None:
        today = row.created_at.date()
        return DecisionFacts("（尚未决定）", "", today, "0", "（尚未决定）", {}, b"", row.org_name)
    return DecisionFacts(
        decision.document_no,
        decision.document_name,
        decision.decided_on,
        decision.result_type,
        decision.explanation,
        decision.elements,
        bytes(decision.content_hash),
        decision.decided_by,
    )


def _licence(tx: Connection, case_no: str) -> LicenceFacts | None:
    one = tx.execute(
        select(*Licence.__table__.c)
        .where(Licence.case_no == case_no)
        .order_by(Licence.version.desc())
        .limit(1)
    ).one_or_none()
    if one is None:
        return None
    return LicenceFacts(
        one.identifier,
        one.name,
        one.number,
        one.type_code,
        one.issuer_code,
        one.issuer_name,
        one.issued_on,
        one.valid_from,
        one.valid_to,
        one.status,
    )
