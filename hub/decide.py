"""Decide: one fact, one transaction.

Guarantees: party, case, steps, decision, licence, one push per owed department, the ledger row and one outbox row per
push with its final signed bytes are written in the caller's transaction, or none is. The same decision twice is
`unchanged`; another decision under the same 决定文书号 is a `conflict` and changes nothing. Does not publish.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError

from hub.case import Case, Decision, Step
from hub.decided_case import DecidedCase, PartyFacts
from hub.errors import Conflict
from hub.ledger import LedgerRow
from hub.licence import Licence
from hub.material import Material, StoredObject
from hub.outbox import BULK, LIVE, OutboxRow
from hub.package import Sealed, decided_data, instant, seal_event
from hub.party import Party
from hub.ports import Desk
from hub.push import Push
from hub.rulebook import Owed, Rulebook, load_rulebook
from hub.write_rows import write_rows

NAMESPACE = uuid.UUID(
    "6f0f2d1e-51a5-5c3a-9a53-3a6e0c7d9b10"
)  # every deterministic id of ours grows from here
USCC = "001"
#: Elements that carry a personal document number: kept masked in the decision, complete only in the signed package.
PERSONAL = ("XK_XDR_ZJHM", "XK_FR_ZJHM", "XK_FR_SFZH", "XK_XDR_SFZ", "XK_XDR_SFZH")

UNIQUE_VIOLATION = "23505"
ACCEPTED, UNCHANGED, CONFLICT = "accepted", "unchanged", "conflict"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case. `departments` are those it was pushed to."""

    case_no: str
    verdict: str
    departments: tuple[str, ...] = ()
    first_case_no: str | None = None  # for a conflict: the case that holds this 决定文书号


def decide(
    tx: Connection, cases: Sequence[DecidedCase], desk: Desk, *, actor: str, lane: int = LIVE
) -> list[Outcome]:
    """Decide `cases`, in order. No two of them may share a case number or a 决定文书号 of one authority.

    Raises Conflict where another transaction wrote the same decision meanwhile: roll back, and try again to learn of it.
    """
    known = _already_decided(tx, cases)
    outcomes = {case.case_no: _verdict(case, known) for case in cases}
    fresh = [case for case in cases if outcomes[case.case_no].verdict == ACCEPTED]
    try:
        if fresh:
            _write(tx, fresh, desk, actor=actor, lane=lane, outcomes=outcomes)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION:
            raise Conflict("同一决定刚刚由他人登记。请刷新后再看。") from error
        raise
    return [outcomes[case.case_no] for case in cases]


def _already_decided(
    tx: Connection, cases: Sequence[DecidedCase]
) -> dict[tuple[str, str], tuple[str, bytes]]:
    pairs = [(case.org_code, case.decision.document_no) for case in cases]
    rows = tx.execute(
        select(Decision.org_code, Decision.document_no, Decision.case_no, Decision.content_hash).where(
            or_(
                tuple_(Decision.org_code, Decision.document_no).in_(pairs),
                Decision.case_no.in_([case.case_no for case in cases]),
            )
        )
    )
    known: dict[tuple[str, str], tuple[str, bytes]] = {}
    for row in rows:
        known[row.org_code, row.document_no] = known["", row.case_no] = (row.case_no, bytes(row.content_hash))
    return known


def _verdict(case: DecidedCase, known: Mapping[tuple[str, str], tuple[str, bytes]]) -> Outcome:
    found = known.get((case.org_code, case.decision.document_no)) or known.get(("", case.case_no))
    if found is None:
        return Outcome(case.case_no, ACCEPTED)
    first, content_hash = found
    verdict = UNCHANGED if content_hash == case.decision.content_hash else CONFLICT
    return Outcome(case.case_no, verdict, first_case_no=first)


def _write(
    tx: Connection,
    cases: Sequence[DecidedCase],
    desk: Desk,
    *,
    actor: str,
    lane: int,
    outcomes: dict[str, Outcome],
) -> None:
    party_ids = write_parties(tx, (case.party for case in cases), desk)
    write_cases(tx, cases, party_ids)
    materials = _materials(tx, [case.case_no for case in cases], desk)
    rulebook = load_rulebook(tx)
    now = desk.clock()
    rows = _Rows()
    for case in sorted(cases, key=lambda case: case.case_no):
        pushed = rows.add(
            case, party_ids[_identity(case.party)], rulebook, desk, materials[case.case_no], now, lane
        )
        rows.ledger.append(_ledger_row(case, pushed, actor))
        outcomes[case.case_no] = Outcome(case.case_no, ACCEPTED, tuple(owed.department for owed, _ in pushed))
    for model, written in rows.in_order():
        write_rows(tx, model, written)


class _Rows:
    """The rows of one transaction, table by table."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.decisions: list[dict[str, Any]] = []
        self.licences: list[dict[str, Any]] = []
        self.pushes: list[dict[str, Any]] = []
        self.ledger: list[dict[str, Any]] = []
        self.outbox: list[dict[str, Any]] = []

    def in_order(self) -> Iterable[tuple[type[Any], list[dict[str, Any]]]]:
        return (
            (Step, self.steps),
            (Decision, self.decisions),
            (Licence, self.licences),
            (Push, self.pushes),
            (LedgerRow, self.ledger),
            (OutboxRow, self.outbox),
        )

    def add(
        self,
        case: DecidedCase,
        party_id: uuid.UUID,
        rulebook: Rulebook,
        desk: Desk,
        materials: list[dict[str, Any]],
        now: datetime,
        lane: int,
    ) -> list[tuple[Owed, Sealed]]:
        decision_id = uuid.uuid5(NAMESPACE, f"decision|{case.org_code}|{case.decision.document_no}")
        self.steps += [_step_row(case.case_no, seq, step) for seq, step in enumerate(case.steps, 1)]
        self.decisions.append(_decision_row(case, decision_id, desk))
        if case.licence:
            self.licences.append(_licence_row(case, party_id))
        data = decided_data(case, materials)
        pushed = []
        owed_to = rulebook.owed(case.item_code, case.area_code, case.decision.result_type, case.party.kind)
        for owed in owed_to:
            push_id = uuid.uuid5(decision_id, owed.department)
            sign_by = rulebook.sign_by(now.date(), owed.sign_within_days)
            push = {
                "id": str(push_id),
                "department": owed.department,
                "sign_by": instant(sign_by.astimezone(now.tzinfo)),
            }
            sealed = seal_event(
                desk,
                owed.department,
                "approval.decided.v1",
                case.case_no,
                {"push": push, **data},
                event_id=uuid.uuid5(push_id, "approval.decided.v1"),
                lane=lane,
            )
            self.outbox.append(sealed.row)
            self.pushes.append(
                {
                    "id": push_id,
                    "decision_id": decision_id,
                    "case_no": case.case_no,
                    "department": owed.department,
                    "rule_id": owed.rule_id,
                    "event_id": sealed.event_id,
                    "package_sha256": sealed.sha256,
                    "sign_by": sign_by,
                }
            )
            pushed.append((owed, sealed))
        return pushed


def _identity(party: PartyFacts) -> tuple[str, str]:
    return (
        (party.code_type, party.code)
        if party.code
        else ("name", f"{party.name}|{party.legal_representative}")
    )


def write_parties(
    tx: Connection, parties: Iterable[PartyFacts], desk: Desk
) -> dict[tuple[str, str], uuid.UUID]:
    """Write parties that are new, whole; give the id of each, new or known."""
    ids: dict[tuple[str, str], uuid.UUID] = {}
    rows: list[dict[str, Any]] = []
    for party in parties:
        identity = _identity(party)
        if identity in ids:
            continue
        digest = desk.identities.digest(*identity)
        ids[identity] = uuid.UUID(bytes=digest[:16], version=4)
        personal = party.code is not None and party.code_type != USCC
        rows.append(
            {
                "id": ids[identity],
                "kind": party.kind,
                "name": party.name,
                "code_type": party.code_type,
                "code_masked": desk.identities.mask(party.code) if personal and party.code else party.code,
                "code_digest": digest,
                "code_sealed": desk.identities.seal(party.code) if personal and party.code else None,
                "legal_representative": party.legal_representative,
            }
        )
    rows.sort(key=lambda row: row["id"])  # one order for everybody: two loads cannot deadlock
    tx.execute(pg_insert(Party).on_conflict_do_nothing(), rows)
    return ids


def write_cases(
    tx: Connection, cases: Sequence[DecidedCase], party_ids: Mapping[tuple[str, str], uuid.UUID]
) -> None:
    """Write cases that are new; one that was opened before its decision stays as it was opened."""
    rows = [
        {
            "case_no": case.case_no,
            "name": case.name,
            "item_code": case.item_code,
            "party_id": party_ids[_identity(case.party)],
            "org_code": case.org_code,
            "org_name": case.org_name,
            "area_code": case.area_code,
            "applied_on": case.applied_on,
            "accepted_on": case.accepted_on,
            "promised_on": case.promised_on,
            "source": case.source,
        }
        for case in sorted(cases, key=lambda case: case.case_no)
    ]
    tx.execute(pg_insert(Case).on_conflict_do_nothing(), rows)


def _materials(tx: Connection, case_nos: list[str], desk: Desk) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = tx.execute(
        select(Material, StoredObject.size)
        .join(StoredObject, StoredObject.sha256 == Material.sha256)
        .where(Material.case_no.in_(case_nos))
        .order_by(Material.created_at, Material.id)
    )
    for row in rows:
        found[row.case_no].append(
            {
                "id": str(row.id),
                "material_name": row.name,
                "get_type": row.get_type,
                "get_num": row.get_num,
                "sha256": bytes(row.sha256).hex(),
                "size": row.size,
                "media_type": row.media_type,
                "href": f"{desk.public_url}/api/hub/materials/{row.id}",
            }
        )
    return found


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


def _licence_row(case: DecidedCase, party_id: uuid.UUID) -> dict[str, Any]:
    licence = case.licence
    assert licence is not None
    return {
        "id": uuid.uuid5(NAMESPACE, f"licence|{licence.identifier}"),
        "identifier": licence.identifier,
        "case_no": case.case_no,
        "party_id": party_id,
        "name": licence.name,
        "number": licence.number,
        "type_code": licence.type_code,
        "issuer_code": licence.issuer_code,
        "issuer_name": licence.issuer_name,
        "issued_on": licence.issued_on,
        "valid_from": licence.valid_from,
        "valid_to": licence.valid_to,
        "status": licence.status,
    }


def _ledger_row(case: DecidedCase, pushed: list[tuple[Owed, Sealed]], actor: str) -> dict[str, Any]:
    return {
        "actor": actor,
        "action": "case.decided",
        "subject": f"decision:{case.org_code}/{case.decision.document_no}",
        "case_no": case.case_no,
        "reason": None,
        "detail": {
            "content_sha256": case.decision.content_hash.hex(),
            "licence": case.licence.identifier if case.licence else None,
            "packages": {owed.department: sealed.sha256.hex() for owed, sealed in pushed},
        },
    }


def lane_for(tx: Connection, key: str) -> int:
    """The lane for a later live message about `key`: behind its own bulk rows, if any still wait, never past them."""
    waiting = select(
        exists().where(OutboxRow.key == key, OutboxRow.published_at.is_(None), OutboxRow.lane == BULK)
    )
    return BULK if tx.execute(waiting).scalar_one() else LIVE
