"""Import licences that other authorities issued: registered with the identifier they came with, never made again here.

Guarantees: an identifier is kept as it came; a wrong check character is flagged, never a reason to refuse; the same licence
with the same content is `unchanged`, with other content refused, naming what differs; each has its operation 'register'
and its ledger row in the caller's transaction. Personal numbers are sealed, those inside extended information too.
Does not guarantee: that the licence exists; nothing of it stands in our status lists.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.catalogue.fields import CITIZEN, FieldDef, stored
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import NAMESPACE, USCC, party_id, party_rows
from hub.identifiers import LICENCE_ROOT, citizen_number_fault, licence_identifier_fault
from hub.ledger import LedgerRow
from hub.licensing.batches.exchange_columns import exchange_columns
from hub.licensing.batches.exchange_rows import ExchangeRow
from hub.licensing.licence import FROZEN, Hold, Licence
from hub.licensing.living.operation import LicenceOperation
from hub.ports import Desk, IdentityVault
from hub.round_trips import Rows, ask, write
from hub.sheets.sheet import Refusal

_TITLES = {column.code: column.title for column in exchange_columns()}
_IDENTIFIER = _TITLES["certificateIdentifier"]
_CITIZEN = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_COMPARED = {
    "number": "证照编号",
    "name": "证照名称",
    "type_code": "证照类型代码",
    "issuer_code": "颁发机构代码",
    "issued_on": "颁发日期",
    "valid_from": "有效期起始",
    "valid_to": "有效期截止",
    "status": "状态",
    "party_id": "持证主体",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    row: int
    state: str  # issued, unchanged, refused
    licence_id: uuid.UUID | None = None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportFacts:
    """What holds for all rows of a batch."""

    batch_id: uuid.UUID
    department: str | None  # who brings them
    actor: str
    definitions: tuple[FieldDef, ...] = ()  # of the type, where the batch names one
    type_code: str | None = None


_KNOWN = """
SELECT id, identifier, number, name, type_code, issuer_code, issued_on, valid_from, valid_to, status, party_id, fields
FROM licences WHERE identifier = ANY(%(identifiers)s)
"""
_DEPARTMENTS = "SELECT uscc, code FROM departments WHERE uscc = ANY(%(codes)s)"


def import_licences(
    tx: Connection, rows: Sequence[ExchangeRow], facts: ImportFacts, desk: Desk
) -> list[Outcome]:
    """Register what is new. Two transactions that bring the same licence at once: one fails, and is to be repeated."""
    identifiers = [row.values["certificateIdentifier"] for row in rows]
    issuers = [_issuer(row) for row in rows]
    known, departments = ask(tx, (_KNOWN, {"identifiers": identifiers}), (_DEPARTMENTS, {"codes": issuers}))
    names = ("id", "identifier", *_COMPARED, "fields")
    before = {row[1]: dict(zip(names, row, strict=True)) for row in known}
    importing = _Importing(facts, desk, desk.clock(), before, dict(departments))
    outcomes = [importing.take(row) for row in rows]
    importing.write(tx)
    return outcomes


def _issuer(row: ExchangeRow) -> str:
    parts = _parts(row.values["certificateIdentifier"])
    return row.values.get("issueDeptCode") or (parts[1] if len(parts) == 5 else "")


def _parts(identifier: str) -> list[str]:
    rest = identifier.removeprefix(f"{LICENCE_ROOT}.")
    return rest.split(".") if rest != identifier else []


@dataclass(slots=True)
class _Importing:
    """The rows of one transaction, growing."""

    facts: ImportFacts
    desk: Desk
    now: datetime
    before: dict[str, dict[str, Any]]
    departments: Mapping[str, str]
    parties: list[PartyFacts] = field(default_factory=list)
    licences: list[dict[str, Any]] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)

    def take(self, row: ExchangeRow) -> Outcome:
        """One row."""
        licence = self._licence(row)
        if isinstance(licence, Refusal):
            return Outcome(row.row, "refused", refusals=(licence,))
        earlier = self.before.get(licence["identifier"])
        if earlier is not None:
            return self._again(row, licence, earlier)
        holder = licence["department"] or self.facts.department
        if licence["status"] == FROZEN and holder is None:
            cause = Refusal(
                row.row, _TITLES["status"], "状态是“暂扣”，但看不出由哪个部门暂扣", "请由暂扣的部门导入"
            )
            return Outcome(row.row, "refused", refusals=(cause,))
        self.before[licence["identifier"]] = licence
        self.parties += row.holders
        self.licences.append(licence)
        operation = self._operation(licence)
        self.operations.append(operation)
        if licence["status"] == FROZEN:
            self.holds.append(
                {
                    "id": uuid.uuid4(),
                    "licence_id": licence["id"],
                    "department": holder,
                    "placed_by": operation["id"],
                    "placed_at": self.now,
                }
            )
        self.ledger.append(self._ledger(row, licence))
        return Outcome(row.row, "issued", licence["id"])

    def write(self, tx: Connection) -> None:
        """Everything, in the order in which it refers to each other."""
        write(
            tx,
            party_rows(self.parties, self.desk),
            Rows(Licence, self.licences),
            Rows(LicenceOperation, self.operations),
            Rows(Hold, self.holds),
            Rows(LedgerRow, self.ledger),
        )

    def _again(self, row: ExchangeRow, licence: Mapping[str, Any], earlier: Mapping[str, Any]) -> Outcome:
        differing = [title for name, title in _COMPARED.items() if licence[name] != earlier[name]]
        if _said(licence["fields"]) != _said(earlier["fields"]):
            differing.append("字段或扩展信息")
        if not differing:
            return Outcome(row.row, "unchanged", earlier["id"])
        cause = f"这个证照标识已经登记，但内容不同：{'、'.join(differing)}"
        cure = "内容相同则不必再导；变更请用新的证照版本号，状态变化请在证照页面办理"
        return Outcome(row.row, "refused", refusals=(Refusal(row.row, _IDENTIFIER, cause, cure),))

    def _licence(self, row: ExchangeRow) -> dict[str, Any] | Refusal:
        said = row.values
        identifier = said["certificateIdentifier"]
        parts = _parts(identifier)
        type_code = said.get("certificateTypeCode") or (parts[0] if len(parts) == 5 else "")
        issuer = _issuer(row)
        if not type_code or not issuer:
            missing = "issueDeptCode" if type_code else "certificateTypeCode"
            return Refusal(
                row.row, _TITLES[missing], "证照标识不完整，看不出是什么代码", "请填写这一列，或补全证照标识"
            )
        if self.facts.type_code is not None and type_code != self.facts.type_code:
            return Refusal(
                row.row,
                _TITLES["certificateTypeCode"],
                f"类型代码 {type_code} 与所选证照类型不同",
                f"{self.facts.type_code}，或导入时不选证照类型",
            )
        first, issued = row.holders[0], row.day("issueDate")
        holders = [holder_dict(holder, self.desk) for holder in row.holders]
        return {
            "id": uuid.uuid5(NAMESPACE, f"licence|{identifier}"),
            "identifier": identifier,
            "identifier_fault": identifier_fault(identifier, type_code, issuer),
            "case_no": None,
            "party_id": party_id(first, self.desk),
            "holders": holders,
            "name": said["certificateName"],
            "number": said["certificateNumber"],
            "type_code": type_code,
            "type_version": None,
            "issuer_code": issuer,
            "issuer_name": said["issueDept"],
            "department": self.departments.get(issuer),
            "origin": "imported",
            "version": _version(said.get("certificateVersion"), parts),
            "issued_on": issued,
            "valid_from": row.day("certificateValidateStart") or issued,
            "valid_to": row.day("certificateValidateEnd"),
            "fields": self._fields(row),
            "status": said.get("status", "01"),
            "status_note": said.get("statusNote"),
            "status_at": self.now,
        }

    def _fields(self, row: ExchangeRow) -> dict[str, dict[str, Any]]:
        vault = self.desk.identities
        kept = stored(self.facts.definitions, row.fields, vault)
        for label, text in row.extras.items():
            kept.setdefault(label, _kept(text, vault))
        return kept

    def _operation(self, licence: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": uuid.uuid4(),
            "licence_id": licence["id"],
            "operation": "register",
            "from_status": "00",
            "to_status": licence["status"],
            "reason": "从外部数据导入",
            "actor": self.facts.actor,
            "department": self.facts.department,
            "at": self.now,
        }

    def _ledger(self, row: ExchangeRow, licence: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "actor": self.facts.actor,
            "action": "licence.registered",
            "subject": f"licence:{licence['id']}",
            "case_no": None,
            "reason": None,
            "detail": {
                "identifier": licence["identifier"],
                "number": licence["number"],
                "status": licence["status"],
                "fault": licence["identifier_fault"],
                "batch": str(self.facts.batch_id),
                "row": row.row,
            },
        }


def identifier_fault(identifier: str, type_code: str, issuer: str) -> str | None:
    """What is wrong with an identifier that came from outside, in itself or against the rest of its row."""
    fault = licence_identifier_fault(identifier)
    parts = _parts(identifier)
    if fault is None and len(parts) == 5 and parts[:2] != [type_code, issuer]:
        return "证照标识中的类型代码或颁发机构代码与所填的不同"
    return fault


def _version(stated: str | None, parts: Sequence[str]) -> int:
    for text in (parts[3] if len(parts) == 5 else "", stated or ""):
        if text.isascii() and text.isdigit() and 1 <= int(text) <= 999:
            return int(text)
    return 1


def holder_dict(holder: PartyFacts, desk: Desk) -> dict[str, Any]:
    """One holder as a licence keeps it: a person's number masked; whole, and sealed, it stands with the party."""
    personal = holder.code is not None and holder.code_type != USCC
    return {
        "party_id": str(party_id(holder, desk)),
        "kind": holder.kind,
        "name": holder.name,
        "code_type": holder.code_type,
        "code": desk.identities.mask(holder.code) if personal and holder.code else holder.code,
    }


def _kept(text: str, vault: IdentityVault) -> dict[str, Any]:
    """Extended information as it is kept: a citizen's number is nowhere left readable."""
    if citizen_number_fault(text.upper()) is None:
        return {
            "masked": vault.mask(text),
            "sealed": base64.b64encode(vault.seal(text)).decode(),
            "digest": vault.digest(CITIZEN, text).hex(),
        }
    return {"text": _CITIZEN.sub(lambda found: vault.mask(found[0]), text)}


def _said(fields: Mapping[str, Any]) -> dict[str, str]:
    """What fields say, comparable: two seals of one number differ, their digests do not."""
    return {
        name.removeprefix("KZ_"): str(value.get("digest") or value.get("text") or "")
        for name, value in fields.items()
    }
