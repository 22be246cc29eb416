"""Supply materials: data about parties that a department provides, kept as materials that can be reused.

Guarantees: of one number of a department the newest version by `as_of` counts, in whatever order they come; an older one
that comes late is kept as superseded. Only the type's own provider (数源部门) may supply it, with the fields its published
version has. A correction or revocation tells every case that relied on the earlier version, in the same transaction.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from hub.catalogue.fields import FieldDef, check_values, parse_defs, stored
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import USCC, party_id, party_rows
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.taker import Taker
from hub.identifiers import citizen_number_fault, uscc_fault
from hub.ledger import LedgerRow
from hub.material import Material
from hub.moments import parse_moment
from hub.ports import Desk
from hub.reuse.tell_relied import SourceChange, tell_relied
from hub.round_trips import Question, Rows, ask, tell, write

MATERIALS = uuid.UUID("b8a1d0a6-6f0e-5b8e-8d0c-2b9f3b6c2f11")
CITIZEN = "111"
TOLERANCE = timedelta(days=1)  # a department's clock may be ahead, but not by more
Answer = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Type:
    """A published material type."""

    name: str
    provider: str | None
    version: int
    fields: tuple[FieldDef, ...]


@dataclass(slots=True)
class Grounds:
    """What supplied data is judged by."""

    types: Mapping[str, Type]
    checked: dict[str, dict[str, str]] = field(default_factory=dict)  # event id -> clean field values


_TYPES = """
SELECT t.code, t.name, t.provider, v.number, v.fields FROM material_types t
JOIN material_type_versions v ON v.type_code = t.code AND v.state = 'published' WHERE t.code = ANY(%(codes)s)
"""
_HEADS = """
SELECT department, supplied_ref, id, supplied_as_of, version FROM materials
WHERE (department, supplied_ref) IN (SELECT * FROM unnest(%(departments)s::text[], %(numbers)s::text[]))
  AND state <> 'superseded' ORDER BY department, supplied_ref FOR UPDATE
"""
_STEP_BACK = "UPDATE materials SET state = 'superseded', state_at = %(now)s WHERE id = ANY(%(ids)s)"
_FOLLOWED = """
UPDATE materials m SET superseded_by = n.newer
FROM unnest(%(ids)s::uuid[], %(newer)s::uuid[]) AS n(id, newer) WHERE m.id = n.id
"""


def questions(messages: Sequence[Arrived]) -> tuple[Question]:
    """Ask for the types that are spoken of."""
    return ((_TYPES, {"codes": list({str(message.data["material_type"]) for message in messages})}),)


def grounds(types: Answer) -> Grounds:
    """The answer to `questions`."""
    return Grounds(
        {
            code: Type(name, provider, number, parse_defs(fields))
            for code, name, provider, number, fields in types
        }
    )


def objection(message: Arrived, known: Grounds, now: datetime) -> Refused | None:
    """Why this data cannot be taken, if so."""
    data = message.data
    if data["supply_no"] != message.case_no:
        return message.refuse("schema", "supply_no 与消息的 subject 不同", "两者都应为部门自己的数据编号")
    type_ = known.types.get(data["material_type"])
    if type_ is None or type_.provider != message.department:
        said = "没有发布" if type_ is None else "不由本部门提供"
        return message.refuse(
            "unknown_material",
            f"材料类型 {data['material_type']} {said}",
            "请数据管理员在材料类型里把本部门设为数源部门并发布，然后重放",
        )
    if fault := _party_fault(data["party"]):
        return message.refuse("schema", fault, "请核对证件号码后以新的事件编号重新提供")
    if parse_moment(data["as_of"]) > now + TOLERANCE:
        return message.refuse("schema", f"数据时间 {data['as_of']} 在将来", "as_of 不晚于现在")
    if data["change"] != "revocation":
        clean, faults = check_values(type_.fields, data.get("fields") or {})
        if faults:
            return message.refuse(
                "schema", "；".join(faults.values())[:500], "字段按材料类型已发布的定义填写"
            )
        known.checked[message.event["id"]] = clean
    if data.get("valid_to") and data.get("valid_from") and data["valid_to"] < data["valid_from"]:
        return message.refuse("schema", "valid_to 早于 valid_from", "有效期至不早于有效期自")
    return None


def _party_fault(party: Mapping[str, Any]) -> str | None:
    code = str(party["code"]).strip().upper()
    if party["code_type"] == USCC:
        return uscc_fault(code)
    return citizen_number_fault(code) if party["code_type"] == CITIZEN else None


def supply_materials(tx: Connection, messages: Sequence[Arrived], known: Grounds, desk: Desk) -> None:
    """Take data that nothing speaks against."""
    if not messages:
        return
    taking = _Taking(desk, known, _heads(tx, messages))
    for message in sorted(messages, key=lambda one: (parse_moment(one.data["as_of"]), one.event["id"])):
        taking.take(message)
    now = desk.clock()
    tell(tx, (_STEP_BACK, {"ids": list(taking.followed), "now": now}))
    write(tx, party_rows(taking.parties, desk), Rows(Material, taking.rows), Rows(LedgerRow, taking.ledger))
    tell(tx, (_FOLLOWED, {"ids": list(taking.followed), "newer": list(taking.followed.values())}))
    for department, changes in taking.changes.items():
        tell_relied(tx, changes, actor=f"department:{department}", now=now)


@dataclass(frozen=True, slots=True)
class _Head:
    id: uuid.UUID
    as_of: datetime
    version: int


def _heads(tx: Connection, messages: Sequence[Arrived]) -> dict[tuple[str, str], _Head]:
    of = {
        "departments": [message.department for message in messages],
        "numbers": [message.data["supply_no"] for message in messages],
    }
    (rows,) = ask(tx, (_HEADS, of))
    return {(department, number): _Head(*rest) for department, number, *rest in rows}


@dataclass(slots=True)
class _Taking:
    """The rows of one batch, growing in order of `as_of`."""

    desk: Desk
    known: Grounds
    heads: dict[tuple[str, str], _Head]
    parties: list[PartyFacts] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    followed: dict[uuid.UUID, uuid.UUID] = field(
        default_factory=dict
    )  # an earlier version -> what follows it
    changes: dict[str, list[SourceChange]] = field(default_factory=dict)  # by department

    def take(self, message: Arrived) -> None:
        """One version of one data set."""
        data, as_of = message.data, parse_moment(message.data["as_of"])
        seat = (message.department, data["supply_no"])
        head = self.heads.get(seat)
        row = self._row(message, as_of, head)
        if head is not None and as_of <= head.as_of:
            row |= {"state": "superseded", "superseded_by": head.id}
        else:
            if head is not None:
                self._follow(head, row, data["change"])
            self.heads[seat] = _Head(row["id"], as_of, row["version"])
        self.rows.append(row)
        self.ledger.append(_ledger_row(message, row))

    def _follow(self, head: _Head, row: Mapping[str, Any], change: str) -> None:
        self.followed[head.id] = row["id"]
        for earlier in self.rows:
            if earlier["id"] == head.id:  # of this very batch
                earlier["state"] = "superseded"
        happened = {"revocation": "revoked", "correction": "corrected"}.get(change)
        if happened:
            news = SourceChange("material", head.id, happened, why=row["state_reason"] or "")
            self.changes.setdefault(row["department"], []).append(news)

    def _row(self, message: Arrived, as_of: datetime, head: _Head | None) -> dict[str, Any]:
        data = message.data
        type_ = self.known.types[data["material_type"]]
        party = _party(data["party"])
        self.parties.append(party)
        revoked = data["change"] == "revocation"
        clean = self.known.checked.get(message.event["id"], {})
        return {
            "id": uuid.uuid5(MATERIALS, f"{message.event['source']}|{message.event['id']}"),
            "party_id": party_id(party, self.desk),
            "type_code": data["material_type"],
            "type_version": type_.version,
            "department": message.department,
            "origin": "supplied",
            "subject": data.get("subject") or "",
            "version": head.version + 1 if head else 1,
            "superseded_by": None,
            "state": "revoked" if revoked else "usable",
            "state_reason": data.get("reason"),
            "name": type_.name,
            "media_type": "application/json",
            "get_type": "部门数据",
            "valid_from": _day(data.get("valid_from")),
            "valid_to": _day(data.get("valid_to")),
            "fields": stored(type_.fields, clean, self.desk.identities),
            "supplied_ref": data["supply_no"],
            "supplied_as_of": as_of,
            "signature_state": "valid",
            "signature": [{"signer": message.department, "kid": message.kid, "kind": "message"}],
            "added_by": f"department:{message.department}",
        }


def _party(given: Mapping[str, Any]) -> PartyFacts:
    code = str(given["code"]).strip().upper()
    return PartyFacts(
        given["kind"], given["name"].strip(), code, given["code_type"], given.get("legal") or None
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _ledger_row(message: Arrived, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "actor": f"department:{message.department}",
        "action": "material.supplied",
        "subject": f"material:{row['id']}",
        "case_no": None,
        "reason": row["state_reason"],
        "detail": {
            "type": row["type_code"],
            "supply_no": row["supplied_ref"],
            "version": row["version"],
            "state": row["state"],
            "fields": sorted(row["fields"]),
            "sha256": hashlib.sha256(message.value).hexdigest(),
            "kid": message.kid,
        },
    }


TAKER = Taker(frozenset({"material.supplied.v1"}), questions, grounds, objection, supply_materials)
