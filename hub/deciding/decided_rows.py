"""The rows of decided cases: what `decide` writes, table by table, and the packages with their final signed bytes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hub.case import Case, Decision, Step
from hub.deciding.decided_case import DecidedCase, LicenceFacts, PartyFacts
from hub.deciding.gathered import Gathered
from hub.deciding.owed_rows import OwedRows, Whole
from hub.exchange.outbox import OutboxRow
from hub.ledger import LedgerRow
from hub.licensing.licence import Licence
from hub.licensing.living.operation import LicenceOperation
from hub.noticing.notice import Notice
from hub.party import Party
from hub.ports import Desk
from hub.pushing.completeness import Versions, missing
from hub.pushing.package import decided_data
from hub.pushing.push import Push
from hub.pushing.rulebook import Marks, Rulebook
from hub.round_trips import Rows

if TYPE_CHECKING:
    from hub.licensing.issuing.order import Prepared

NAMESPACE = uuid.UUID(
    "6f0f2d1e-51a5-5c3a-9a53-3a6e0c7d9b10"
)  # every deterministic id of ours grows from here
USCC = "001"
#: Elements that carry a personal document number: kept masked in the decision, complete only in the signed package.
PERSONAL = ("XK_XDR_ZJHM", "XK_FR_ZJHM", "XK_FR_SFZH", "XK_XDR_SFZ", "XK_XDR_SFZH")


@dataclass(slots=True)
class DecidedRows:
    """The rows of one transaction, growing case by case. Cases must come in one order, or two loads could deadlock."""

    desk: Desk
    lane: int
    rulebook: Rulebook
    gathered: Mapping[str, Gathered]
    now: datetime
    issuers: Mapping[str, str] = field(default_factory=dict)  # USCC -> the department that has it
    versions: Versions = field(default_factory=lambda: Versions({}, {}))
    steps: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    licences: list[dict[str, Any]] = field(default_factory=list)
    registered: list[dict[str, Any]] = field(default_factory=list)
    prepared: list[Prepared] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    owed: OwedRows = field(init=False)

    def __post_init__(self) -> None:
        self.owed = OwedRows(self.desk, self.lane, self.rulebook, self.now)

    def tables(self) -> tuple[Rows, ...]:
        """In the order in which they refer to each other; the licences that are prepared are their caller's."""
        return (
            Rows(Step, self.steps),
            Rows(Decision, self.decisions),
            Rows(Licence, self.licences),
            Rows(LicenceOperation, self.registered),
            Rows(Push, self.owed.pushes),
            Rows(LedgerRow, self.ledger),
            Rows(OutboxRow, self.owed.outbox),
            Rows(Notice, self.owed.notices()),
        )

    def add(self, case: DecidedCase, actor: str) -> tuple[str, ...]:
        """Add a case; gives the departments it is pushed to."""
        decision_id = uuid.uuid5(NAMESPACE, f"decision|{case.org_code}|{case.decision.document_no}")
        self.steps += [_step_row(case.case_no, seq, step) for seq, step in enumerate(case.steps, 1)]
        self.decisions.append(_decision_row(case, decision_id, self.desk))
        gathered = self.gathered.get(case.case_no) or Gathered()
        files: tuple[dict[str, Any], ...] = ()
        if case.licence and case.licence.prepared:
            self.prepared.append(case.licence.prepared)
            files = (issued_file(case.licence.prepared, self.desk),)
        elif case.licence:
            self._register(case, case.licence, gathered, actor)
        whole = self._whole(case, decision_id, gathered, files)
        packages = self.owed.add(whole, self.rulebook.owed(marks_of(case)))
        self.ledger.append(_ledger_row(case, packages, actor))
        return tuple(packages)

    def _whole(
        self,
        case: DecidedCase,
        decision_id: uuid.UUID,
        gathered: Gathered,
        files: tuple[dict[str, Any], ...],
    ) -> Whole:
        """Everything the decision has to tell, and what its item's version asks for beside."""
        data = decided_data(case, gathered, files)
        asked = self.versions.of(gathered.version_id, case.item_code)
        lacking = missing(asked, data, gathered.met, source=case.source) if asked else []
        if asked is not None:
            data["completeness"] = {"required": len(asked), "missing": lacking}
        department = gathered.department or self.issuers.get(case.org_code)
        return Whole(decision_id, case.case_no, data, gathered.taken_for, lacking, case.item_code, department)

    def _register(self, case: DecidedCase, licence: LicenceFacts, gathered: Gathered, actor: str) -> None:
        """A licence that the decision names and that has no file of ours."""
        row = _licence_row(case, licence, party_id(case.party, self.desk))
        row["department"] = self.issuers.get(licence.issuer_code) or gathered.department
        self.licences.append(row)
        self.registered.append(
            {
                "id": uuid.uuid5(row["id"], "register"),
                "licence_id": row["id"],
                "operation": "register",
                "from_status": "00",
                "to_status": licence.status,
                "reason": f"随决定 {case.decision.document_no} 登记",
                "actor": actor,
                "department": row["department"],
                "document_no": case.decision.document_no,
                "case_no": case.case_no,
            }
        )


def marks_of(case: DecidedCase) -> Marks:
    """What rules look at."""
    decision = case.decision
    return Marks(case.item_code, case.area_code, decision.result_type, case.party.kind, decision.elements)


def _identity(party: PartyFacts) -> tuple[str, str]:
    return (
        (party.code_type, party.code)
        if party.code
        else ("name", f"{party.name}|{party.legal_representative}")
    )


def party_id(party: PartyFacts, desk: Desk) -> uuid.UUID:
    """The same party always has the same id."""
    return uuid.UUID(bytes=desk.identities.digest(*_identity(party))[:16], version=4)


def new_cases(cases: Iterable[DecidedCase], desk: Desk) -> tuple[Rows, Rows]:
    """Parties and cases, those that are new; a case opened before its decision stays as it was opened."""
    cases = list(cases)
    rows = [_case_row(case, party_id(case.party, desk)) for case in cases]
    rows.sort(key=lambda row: str(row["case_no"]))
    return party_rows((case.party for case in cases), desk), Rows(Case, rows, once=True)


def party_rows(parties: Iterable[PartyFacts], desk: Desk) -> Rows:
    """These parties, those that are new."""
    rows = {id_: _party_row(id_, party, desk) for party in parties for id_ in (party_id(party, desk),)}
    return Rows(Party, [rows[id_] for id_ in sorted(rows)], once=True)


def _party_row(id_: uuid.UUID, party: PartyFacts, desk: Desk) -> dict[str, Any]:
    personal = party.code is not None and party.code_type != USCC
    return {
        "id": id_,
        "kind": party.kind,
        "name": party.name,
        "code_type": party.code_type,
        "code_masked": desk.identities.mask(party.code) if personal and party.code else party.code,
        "code_digest": desk.identities.digest(*_identity(party)),
        "code_sealed": desk.identities.seal(party.code) if personal and party.code else None,
        "legal_representative": party.legal_representative,
    }


def _case_row(case: DecidedCase, of_party: uuid.UUID) -> dict[str, Any]:
    return {
        "case_no": case.case_no,
        "name": case.name,
        "item_code": case.item_code,
        "party_id": of_party,
        "org_code": case.org_code,
        "org_name": case.org_name,
        "area_code": case.area_code,
        "applied_on": case.applied_on,
        "accepted_on": case.accepted_on,
        "promised_on": case.promised_on,
        "source": case.source,
    }


def _step_row(case_no: str, seq: int, step: Any) -> dict[str, Any]:
    return {
        "case_no": case_no,
        "seq": seq,
        "name": step.name,
        "action": step.action,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
        "handled_by": step.handled_by,
        "opinion": step.opinion,
        "org_code": step.org_code,
        "org_name": step.org_name,
    }


def _decision_row(case: DecidedCase, decision_id: uuid.UUID, desk: Desk) -> dict[str, Any]:
    decision = case.decision
    elements = {
        name: desk.identities.mask(value) if name in PERSONAL and value else value
        for name, value in decision.elements.items()
    }
    return {
        "id": decision_id,
        "case_no": case.case_no,
        "org_code": case.org_code,
        "document_no": decision.document_no,
        "document_name": decision.document_name,
        "decided_on": decision.decided_on,
        "result_type": decision.result_type,
        "explanation": decision.explanation,
        "elements": elements,
        "content_hash": decision.content_hash,
        "decided_by": decision.decided_by,
    }


def _licence_row(case: DecidedCase, licence: LicenceFacts, of_party: uuid.UUID) -> dict[str, Any]:
    return {
        "id": uuid.uuid5(NAMESPACE, f"licence|{licence.identifier}"),
        "identifier": licence.identifier,
        "case_no": case.case_no,
        "party_id": of_party,
        "name": licence.name,
        "number": licence.number,
        "type_code": licence.type_code,
        "issuer_code": licence.issuer_code,
        "issuer_name": licence.issuer_name,
        "issued_on": licence.issued_on,
        "valid_from": licence.valid_from,
        "valid_to": licence.valid_to,
        "status": licence.status,
        "version": licence.version,
    }


def issued_file(prepared: Prepared, desk: Desk) -> dict[str, Any]:
    """The PDF of an issued licence, as a package names it among the materials."""
    stored = prepared.made[0].stored
    return {
        "id": str(prepared.material_id),
        "material_name": prepared.file_name,
        "get_type": "审批结果",
        "get_num": 1,
        "sha256": stored.sha256.hex(),
        "size": stored.size,
        "media_type": prepared.made[0].media_type,
        "href": f"{desk.public_url}/api/hub/materials/{prepared.material_id}",
    }


def _ledger_row(case: DecidedCase, packages: Mapping[str, bytes], actor: str) -> dict[str, Any]:
    return {
        "actor": actor,
        "action": "case.decided",
        "subject": f"decision:{case.org_code}/{case.decision.document_no}",
        "case_no": case.case_no,
        "reason": None,
        "detail": {
            "content_sha256": case.decision.content_hash.hex(),
            "licence": case.licence.identifier if case.licence else None,
            "packages": {department: sha256.hex() for department, sha256 in packages.items()},
        },
    }
