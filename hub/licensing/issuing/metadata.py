"""Metadata of an issued licence under the names of GB/T 36903 as the national exchange uses them (standards 1.2).

Guarantees: plain values that JSON can hold; dates as YYYYMMDD; holders as lists. They say no more of a person than the
face does: where it covers a document number or leaves it out, so do they. Follows practice: the text of the standard was
not at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hub.catalogue.fields import FieldDef
from hub.deciding.decided_case import PartyFacts
from hub.licensing.issuing.fill import USCC, Words, field_words, mask_number
from hub.licensing.life import OPERATIONS
from hub.licensing.types.published_type import PublishedType
from schemas import code_table

FOREVER = "20991231"  # 长期 in the exchange


def gb36903(
    type_: PublishedType,
    words: Words,
    *,
    area: str,
    operation: str = "issue",
    status: str = "01",
    related: str | None = None,
    item_code: str = "",
) -> dict[str, Any]:
    """The metadata of one licence. `related` is the identifier of the version before."""
    open_codes = _shows(type_, "$holder_code")
    first = words.holders[0]
    return {
        "certificateIdentifier": words.identifier,
        "certificateName": words.name or type_.name,
        "certificateTypeName": type_.name,
        "certificateTypeCode": type_.code,
        "certificateNumber": words.number,
        "certificateVersion": f"{words.version:03d}",
        "issueDept": words.issuer_name,
        "issueDeptCode": words.issuer_code,
        "issueDate": compact(words.issued_on),
        "certificateDefineAuthorityName": type_.rules.definer_name,
        "certificateDefineAuthorityCode": type_.rules.definer_code,
        "certificateValidateStart": compact(words.valid_from),
        "certificateValidateEnd": compact(words.valid_to) if words.valid_to else FOREVER,
        "validityRange": _range(type_),
        "certificateAreaCode": area,
        "certificateHolder": [one.name for one in words.holders],
        "certificateHolderCode": [_code(one, open_codes) for one in words.holders],
        "certificateHolderType": [
            code_table("holder_code_type").get(one.code_type, one.code_type) for one in words.holders
        ],
        "certificateHolderTypeCode": [one.code_type for one in words.holders],
        "certificateHolderTypeName": code_table("party_kind").get(first.kind, first.kind),
        "relatedItemName": words.item,
        "relatedItemCode": item_code,
        "documentNumber": words.document_no,
        "operationType": OPERATIONS[operation][1],
        "relatedCertificateIdentifier": related,
        "status": status,
        "extendInfo": extended(type_, words.values),
    }


def extended(type_: PublishedType, values: Mapping[str, str]) -> dict[str, str]:
    """The type's own fields, by their labels with the prefix of face extensions (KZ_)."""
    return {
        f"KZ_{one.name}": field_words(one, values[one.name], masked=_covers(type_, one))
        for one in type_.fields
        if values.get(one.name)
    }


def compact(day: date) -> str:
    """YYYYMMDD."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def _shows(type_: PublishedType, source: str) -> bool:
    return any(one.kind == "field" and one.source == source for one in type_.layout.elements)


def _covers(type_: PublishedType, one: FieldDef) -> bool:
    """Whether a person's number is covered here: unless the face prints it in full."""
    if one.type != "person_number":
        return False
    return not any(
        element.kind == "field" and element.source == one.name and element.format != "遮盖"
        for element in type_.layout.elements
    )


def _code(holder: PartyFacts, is_open: bool) -> str:
    code = holder.code or ""
    return code if is_open or not code or holder.code_type == USCC else mask_number(code)


def _range(type_: PublishedType) -> str:
    """有效期范围 in words: 5年, 18个月, 90天, 长期; empty where each licence says its own."""
    rules = type_.rules
    if rules.validity_kind == "permanent":
        return "长期"
    if rules.validity_kind == "days":
        return f"{rules.validity_length}天"
    if rules.validity_kind == "months" and rules.validity_length:
        years, months = divmod(rules.validity_length, 12)
        return f"{years}年" if not months else f"{rules.validity_length}个月"
    return ""
