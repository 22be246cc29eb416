"""Find licences for a department: by identifier, by holder, by what a QR code says; in the names of GB/T 36903.

Guarantees: one statement for the licences; personal numbers appear masked; by holder only licences that are valid on the
day are given, by identifier the state is told also where it is not, without the content. Asks no connector.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from hub.catalogue.fields import shown
from hub.errors import NotFound
from hub.licensing.licence import EXPIRED, VALID
from hub.licensing.sharing.call import Access, Call, access
from hub.ports import Desk
from hub.pushing.package import day
from schemas import code_table

MOST = 200
_LICENCES = """
SELECT l.id, l.identifier, l.name, l.number, l.type_code, t.name AS type_name, l.version, l.issuer_name, l.issuer_code,
  l.issued_on, l.valid_from, l.valid_to, l.status, l.status_note, l.status_at, l.fields, l.holders, l.case_no,
  coalesce(l.department, c.department) AS department, c.area_code, p.name AS party, p.code_masked, p.code_type,
  p.code_digest, s.code AS item_code, s.name AS item_name,
  EXISTS (SELECT FROM licence_documents f WHERE f.licence_id = l.id AND f.format = 'pdf') AS has_document
FROM licences l JOIN parties p ON p.id = l.party_id LEFT JOIN licence_types t ON t.code = l.type_code
LEFT JOIN cases c ON c.case_no = l.case_no LEFT JOIN service_items s ON s.code = c.item_code
"""
_BY_IDENTIFIER = text(f"{_LICENCES} WHERE l.identifier = :identifier")
_BY_ID = text(f"{_LICENCES} WHERE l.id = :id")
_BY_HOLDER = text(f"""{_LICENCES} WHERE l.party_id = :party AND l.type_code = :type
AND (:number = '' OR l.number = :number) AND l.status = '{VALID}'
AND l.valid_from <= :on AND (l.valid_to IS NULL OR l.valid_to >= :on)
ORDER BY l.issued_on DESC, l.identifier LIMIT {MOST}""")
_PARTY = text("SELECT id FROM parties WHERE code_type = :kind AND code_digest = :digest")


def standing_on(row: Any, on: date) -> str:
    """The status as it counts on a day: what ran out has expired, whether or not the scheduler has said so yet."""
    if row.status == VALID and row.valid_to is not None and row.valid_to < on:
        return EXPIRED
    return str(row.status)


def by_identifier(tx: Connection, call: Call, identifier: str) -> tuple[Any, Access]:
    """The licence with this identifier. Raises NotFound or Denied."""
    row = tx.execute(_BY_IDENTIFIER, {"identifier": identifier}).one_or_none()
    if row is None:
        raise NotFound(f"没有证照标识为 {identifier[:128]} 的证照。请核对标识，或改用持证主体代码查询。")
    return row, access(tx, call, row.type_code, issued_by=row.department)


def by_id(tx: Connection, call: Call, licence_id: uuid.UUID | None) -> tuple[Any, Access]:
    """The licence that a QR code names. Raises NotFound or Denied."""
    row = tx.execute(_BY_ID, {"id": licence_id}).one_or_none() if licence_id else None
    if row is None:
        raise NotFound("二维码无法识别：不是本中心签发的，或者内容被改动过。")
    return row, access(tx, call, row.type_code, issued_by=row.department)


def by_holder(
    tx: Connection, call: Call, desk: Desk, *, code: str, code_type: str, type_code: str, number: str = ""
) -> tuple[Sequence[Any], Access]:
    """Valid licences of one type of one holder, at most MOST. Raises Denied; nobody known gives none."""
    allowed = access(tx, call, type_code, issued_by=None)
    digest = desk.identities.digest(code_type, code)
    party = tx.execute(_PARTY, {"kind": code_type, "digest": digest}).scalar()
    if party is None:
        return (), allowed
    of = {"party": party, "type": type_code, "number": number, "on": call.on}
    return tx.execute(_BY_HOLDER, of).all(), allowed


def told(row: Any, allowed: Access, on: date) -> dict[str, Any]:
    """A licence in the national exchange's names. Of one that is not valid only what it is and how it stands."""
    standing = standing_on(row, on)
    status = {
        "certificateIdentifier": row.identifier,
        "certificateName": row.name,
        "certificateNumber": row.number,
        "certificateTypeCode": row.type_code,
        "status": standing,
        "statusName": code_table("licence_status")[standing],
        "statusTime": row.status_at.isoformat(),
        "statusNote": row.status_note,
    }
    if standing != VALID:
        return status
    holders = list(row.holders) or [
        {"name": row.party, "code_masked": row.code_masked, "code_type": row.code_type}
    ]
    return status | {
        "certificateType": row.type_name or row.name,
        "certificateVersion": f"{row.version:03d}",
        "issueDept": row.issuer_name,
        "issueDeptCode": row.issuer_code,
        "issueDate": row.issued_on.strftime("%Y%m%d"),
        "certificateValidateStart": row.valid_from.strftime("%Y%m%d"),
        "certificateValidateEnd": row.valid_to.strftime("%Y%m%d") if row.valid_to else "20991231",
        "certificateAreaCode": row.area_code,
        "certificateHolder": [str(one["name"]) for one in holders],
        "certificateHolderCode": [str(one.get("code_masked") or "") for one in holders],
        "certificateHolderTypeCode": [str(one.get("code_type") or "") for one in holders],
        "relatedItemName": row.item_name,
        "relatedItemCode": row.item_code,
        "extendInfo": {name: shown(value) for name, value in row.fields.items() if allowed.shows(name)},
        "hasFile": row.has_document,
    }


#: What may be compared besides the fields of the type: the exchange's name -> the value as it stands.
_COMPARED: Mapping[str, Any] = {
    "certificateName": lambda row: row.name,
    "certificateNumber": lambda row: row.number,
    "certificateTypeCode": lambda row: row.type_code,
    "certificateVersion": lambda row: f"{row.version:03d}",
    "issueDept": lambda row: row.issuer_name,
    "issueDeptCode": lambda row: row.issuer_code,
    "issueDate": lambda row: day(row.issued_on),
    "certificateValidateStart": lambda row: day(row.valid_from),
    "certificateValidateEnd": lambda row: day(row.valid_to) or "长期",
    "certificateHolder": lambda row: row.party,
}
_DATES = frozenset(name for name in _COMPARED if name.endswith(("Date", "Start", "End")))


def compared(row: Any, allowed: Access, desk: Desk, said: Mapping[str, str]) -> dict[str, str]:
    """证照信息核验: for each value same, different or unknown; the true values are not given away."""
    return {name: _verdict(row, allowed, desk, name, value) for name, value in said.items()}


def _verdict(row: Any, allowed: Access, desk: Desk, name: str, value: str) -> str:
    if name == "certificateHolderCode":
        digests = [desk.identities.digest(row.code_type, value)]
        return "same" if row.code_digest in digests else "different"
    if name in _COMPARED:
        stands = str(_COMPARED[name](row))
        if name in _DATES:
            stands, value = _digits(stands), _digits(value)
        return "same" if stands.strip() == value.strip() else "different"
    kept = row.fields.get(name)
    if kept is None or not allowed.shows(name):
        return "unknown"
    if "digest" in kept:
        return "same" if desk.identities.digest("111", value).hex() == kept["digest"] else "different"
    return "same" if str(kept.get("text", "")).strip() == value.strip() else "different"


def _digits(value: str) -> str:
    """A date without its separators; 2099 is how the exchange writes long-term."""
    plain = "".join(one for one in value if one.isdigit())
    return "长期" if plain == "20991231" or value.strip() == "长期" else plain
