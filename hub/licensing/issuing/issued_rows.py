"""The rows of an issued licence: what `write_issued` and `decide` write, table by table.

Guarantees: licence, its files as stored objects and documents, its PDF as a material of the holder, the first operation
of its life, the ledger row and the notice to its holder go together. Personal numbers are masked, or sealed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.catalogue.fields import stored
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import USCC, party_id, party_rows
from hub.ledger import LedgerRow
from hub.licensing.issuing.document import LicenceDocument
from hub.licensing.issuing.fill import validity_words
from hub.licensing.issuing.order import Prepared
from hub.licensing.licence import VALID, Licence
from hub.licensing.life import NEW, OPERATIONS
from hub.licensing.living.holder_notice import HolderNotice
from hub.licensing.living.operation import LicenceOperation
from hub.material import Material, StoredObject
from hub.ports import Desk
from hub.round_trips import Rows


@dataclass(slots=True)
class IssuedRows:
    """The rows of one transaction, growing licence by licence."""

    desk: Desk
    now: datetime
    holders: list[PartyFacts] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    licences: list[dict[str, Any]] = field(default_factory=list)
    materials: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)

    def tables(self) -> tuple[Rows, ...]:
        """In the order in which they refer to each other; cases must be there already."""
        return (
            party_rows(self.holders, self.desk),
            Rows(StoredObject, self.objects, once=True),
            Rows(Licence, self.licences),
            Rows(Material, self.materials),
            Rows(LicenceDocument, self.documents),
            Rows(LicenceOperation, self.operations),
            Rows(HolderNotice, self.notices, once=True),
            Rows(LedgerRow, self.ledger),
        )

    def add(self, prepared: Prepared, actor: str) -> None:
        """Add a licence."""
        self.holders += prepared.words.holders
        self.licences.append(_licence_row(prepared, self.desk))
        for made in prepared.made:
            facts = made.stored
            self.objects.append(
                {
                    "sha256": facts.sha256,
                    "object_name": facts.object_name,
                    "size": facts.size,
                    "wrapped_key": facts.wrapped_key,
                }
            )
            self.documents.append(
                {
                    "id": prepared.document_id(made.format),
                    "licence_id": prepared.licence_id,
                    "format": made.format,
                    "sha256": facts.sha256,
                    "size": facts.size,
                    "level": made.level,
                    "signer": dict(made.signer),
                    "material_id": prepared.material_id if made.format == "pdf" else None,
                    "made_at": self.now,
                }
            )
        self.materials.append(self._material_row(prepared, actor))
        self.operations.append(self._operation_row(prepared, actor))
        self.notices.append(self._notice_row(prepared))
        self.ledger.append(_ledger_row(prepared, actor))

    def _material_row(self, prepared: Prepared, actor: str) -> dict[str, Any]:
        pdf = prepared.made[0]
        return {
            "id": prepared.material_id,
            "party_id": party_id(prepared.words.holders[0], self.desk),
            "case_no": prepared.order.case_no,
            "department": prepared.issuer.department,
            "origin": "result",
            "get_type": "审批结果",
            "sha256": pdf.stored.sha256,
            "name": prepared.file_name,
            "media_type": pdf.media_type,
            "valid_from": prepared.words.valid_from,
            "valid_to": prepared.words.valid_to,
            "signature_state": "valid",
            "signature": [dict(pdf.signer)] if pdf.signer else [],
            "added_by": actor,
            "created_at": self.now,
        }

    def _operation_row(self, prepared: Prepared, actor: str) -> dict[str, Any]:
        order = prepared.order
        return {
            "id": prepared.operation_id,
            "licence_id": prepared.licence_id,
            "operation": order.operation,
            "from_status": NEW,
            "to_status": VALID,
            "reason": order.reason or f"{OPERATIONS[order.operation][0]}{prepared.type.name}",
            "actor": actor,
            "department": order.department or prepared.issuer.department,
            "document_no": order.document_no,
            "case_no": order.case_no,
            "related_id": prepared.previous.id if prepared.previous else None,
            "at": self.now,
        }

    def _notice_row(self, prepared: Prepared) -> dict[str, Any]:
        words = prepared.words
        name = OPERATIONS[prepared.order.operation][0]
        until = validity_words(words.valid_from, words.valid_to)
        return {
            "licence_id": prepared.licence_id,
            "party_id": party_id(words.holders[0], self.desk),
            "kind": "issued",
            "happening": str(prepared.operation_id),
            "title": f"您的{prepared.type.name}已签发（{name}）",
            "body": f"证照编号 {words.number}，有效期：{until}。电子证照与纸质证照具有同等效力，可扫描照面上的二维码核验。",
            "created_at": self.now,
        }


def _licence_row(prepared: Prepared, desk: Desk) -> dict[str, Any]:
    words, type_ = prepared.words, prepared.type
    return {
        "id": prepared.licence_id,
        "identifier": words.identifier,
        "case_no": prepared.order.case_no,
        "party_id": party_id(words.holders[0], desk),
        "holders": [_holder(one, desk) for one in words.holders],
        "name": type_.name,
        "number": words.number,
        "type_code": type_.code,
        "type_version": type_.number,
        "issuer_code": words.issuer_code,
        "issuer_name": words.issuer_name,
        "department": prepared.issuer.department,
        "origin": "issued",
        "version": words.version,
        "previous_id": prepared.previous.id if prepared.previous else None,
        "issued_on": words.issued_on,
        "valid_from": words.valid_from,
        "valid_to": words.valid_to,
        "fields": stored(type_.fields, words.values, desk.identities),
        "status_index": prepared.status_index,
    }


def _holder(one: PartyFacts, desk: Desk) -> dict[str, Any]:
    personal = one.code is not None and one.code_type != USCC
    return {
        "party_id": str(party_id(one, desk)),
        "kind": one.kind,
        "name": one.name,
        "code_type": one.code_type,
        "code": desk.identities.mask(one.code) if personal and one.code else one.code,
    }


def _ledger_row(prepared: Prepared, actor: str) -> dict[str, Any]:
    order, words = prepared.order, prepared.words
    return {
        "actor": actor,
        "action": "licence.issued",
        "subject": f"licence:{prepared.licence_id}",
        "case_no": order.case_no,
        "reason": order.reason or None,
        "detail": {
            "operation": order.operation,
            "identifier": words.identifier,
            "number": words.number,
            "type": prepared.type.code,
            "type_version": prepared.type.number,
            "previous": prepared.previous.identifier if prepared.previous else None,
            "document_no": order.document_no,
            "files": {made.format: made.stored.sha256.hex() for made in prepared.made},
            "level": prepared.made[0].level,
        },
    }
