"""Export licences in the national exchange's columns, on the record.

Guarantees: numbers of persons are masked unless the caller asks for them whole, which needs a stated use; the export is in
the ledger before its first row leaves, with how it was chosen. What is exported whole can be imported again elsewhere.
Does not guarantee: that the caller may see these licences; the pages confine the query.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, func, select

from hub.case import Case
from hub.catalogue.licence_type import LicenceType
from hub.item import ServiceItem
from hub.ledger import Entry, record
from hub.licensing.issuing.metadata import FOREVER, compact
from hub.licensing.licence import Licence
from hub.party import Party
from hub.ports import IdentityVault
from hub.read_file import checked_use
from schemas import code_table

MOST = 50_000
_AT_ONCE = 500
COLUMNS = (
    "certificateIdentifier",
    "certificateName",
    "certificateTypeName",
    "certificateTypeCode",
    "certificateNumber",
    "certificateVersion",
    "issueDept",
    "issueDeptCode",
    "issueDate",
    "certificateValidateStart",
    "certificateValidateEnd",
    "certificateAreaCode",
    "certificateHolder",
    "certificateHolderCode",
    "certificateHolderType",
    "certificateHolderTypeCode",
    "relatedItemName",
    "relatedItemCode",
    "extendInfo",
    "status",
    "statusDescription",
)


def note_export(
    tx: Connection,
    licences: Select[Any],
    *,
    actor: str,
    form: str,
    complete: bool,
    stated_use: str,
    chosen: Mapping[str, str],
) -> int:
    """Write down that these licences are taken away; how many they are. Raises Rejected without a use, where one is due."""
    use = checked_use(stated_use) if complete else stated_use.strip()[:200]
    count = tx.scalar(select(func.count()).select_from(licences.limit(MOST).subquery())) or 0
    detail = {"count": count, "form": form, "complete": complete, "chosen": dict(chosen)}
    record(tx, Entry(actor, "licence.exported", "licences", reason=use or None, detail=detail))
    return int(count)


def exported(
    tx: Connection, licences: Select[Any], vault: IdentityVault, *, area: str, complete: bool
) -> Iterator[dict[str, str]]:
    """The licences of a query of ids, as the exchange names what they say."""
    query = (
        select(
            *Licence.__table__.columns,
            LicenceType.name.label("type_name"),
            ServiceItem.name.label("item_name"),
            ServiceItem.code.label("item_code"),
        )
        .select_from(Licence)
        .outerjoin(LicenceType, LicenceType.code == Licence.type_code)
        .outerjoin(Case, Case.case_no == Licence.case_no)
        .outerjoin(ServiceItem, ServiceItem.code == Case.item_code)
        .where(Licence.id.in_(licences.limit(MOST)))
        .order_by(Licence.issued_on.desc(), Licence.id)
    )
    for rows in tx.execute(query.execution_options(yield_per=_AT_ONCE)).partitions(_AT_ONCE):
        parties = _parties(tx, rows)
        for row in rows:
            yield _exported(row, parties, vault, area if row.department else "", complete)


def _parties(tx: Connection, rows: Sequence[Any]) -> dict[uuid.UUID, Any]:
    wanted = {row.party_id for row in rows}
    wanted |= {uuid.UUID(str(one["party_id"])) for row in rows for one in row.holders if one.get("party_id")}
    found = tx.execute(
        select(Party.id, Party.name, Party.code_type, Party.code_masked, Party.code_sealed).where(
            Party.id.in_(wanted)
        )
    )
    return {row.id: row for row in found}


def _exported(
    row: Any, parties: Mapping[uuid.UUID, Any], vault: IdentityVault, area: str, complete: bool
) -> dict[str, str]:
    ids = [uuid.UUID(str(one["party_id"])) for one in row.holders if one.get("party_id")] or [row.party_id]
    holders = [parties[one] for one in ids if one in parties]
    types = [holder.code_type for holder in holders]
    known = code_table("holder_code_type")
    return {
        "certificateIdentifier": row.identifier,
        "certificateName": row.name,
        "certificateTypeName": row.type_name or row.name,
        "certificateTypeCode": row.type_code,
        "certificateNumber": row.number,
        "certificateVersion": f"{row.version:03d}",
        "issueDept": row.issuer_name,
        "issueDeptCode": row.issuer_code,
        "issueDate": compact(row.issued_on),
        "certificateValidateStart": compact(row.valid_from),
        "certificateValidateEnd": _last_day(row.valid_to),
        "certificateAreaCode": area,
        "certificateHolder": "^".join(holder.name for holder in holders),
        "certificateHolderCode": "^".join(_code(holder, vault, complete) for holder in holders),
        "certificateHolderType": "^".join(known.get(kind, kind) for kind in types),
        "certificateHolderTypeCode": "^".join(types),
        "relatedItemName": row.item_name or "",
        "relatedItemCode": row.item_code or "",
        "extendInfo": _extended(row, vault, complete),
        "status": row.status,
        "statusDescription": row.status_note or "",
    }


def _last_day(day: date | None) -> str:
    return compact(day) if day else FOREVER


def _code(holder: Any, vault: IdentityVault, complete: bool) -> str:
    if complete and holder.code_sealed is not None:
        return vault.unseal(bytes(holder.code_sealed))
    return holder.code_masked or ""


def _extended(row: Any, vault: IdentityVault, complete: bool) -> str:
    """Fields of the type with the prefix of face extensions; what came with a foreign licence as it was called there."""
    said = {}
    for name, value in row.fields.items():
        text = value.get("text") or value.get("masked") or ""
        if complete and "sealed" in value:
            text = vault.unseal(base64.b64decode(value["sealed"]))
        said[f"KZ_{name}" if row.type_version is not None else name] = text
    return json.dumps(said, ensure_ascii=False) if said else ""


def as_rows(found: Iterable[Mapping[str, str]]) -> Iterator[list[str]]:
    """The heading, then the values in its order."""
    yield list(COLUMNS)
    for one in found:
        yield [one[name] for name in COLUMNS]


def as_json(found: Iterable[Mapping[str, str]]) -> Iterator[bytes]:
    """An array of objects, piece by piece."""
    begin = b"["
    for one in found:
        yield begin + b"\n" + json.dumps(dict(one), ensure_ascii=False).encode()
        begin = b","
    yield (b"[]" if begin == b"[" else b"\n]") + b"\n"
