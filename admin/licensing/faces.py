"""The masked face of a licence that was issued here, as everybody may see it who may see the licence.

Guarantees: made of what is kept readable; nothing sealed is opened for it, and names of persons are covered.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, text

from hub.decided_case import PartyFacts
from hub.errors import NotFound
from hub.licensing.face import Face
from hub.licensing.fill import Words, fill
from hub.licensing.published_type import numbered_licence_type

_LICENCE = text("""
SELECT l.name, l.number, l.identifier, l.type_code, l.type_version, l.issuer_code, l.issuer_name, l.issued_on,
  l.valid_from, l.valid_to, l.version, l.fields, l.holders, p.kind, p.name AS party, p.code_type, p.code_masked,
  p.legal_representative, i.name AS item,
  (SELECT o.document_no FROM licence_operations o WHERE o.licence_id = l.id AND o.from_status = '00' LIMIT 1) AS paper
FROM licences l JOIN parties p ON p.id = l.party_id LEFT JOIN cases c ON c.case_no = l.case_no
LEFT JOIN service_items i ON i.code = c.item_code
WHERE l.id = :licence AND l.origin = 'issued'
""")
_NATURAL = frozenset({"111", "154", "411", "414", "511", "516", "553", "999"})


def masked_face(tx: Connection, licence: uuid.UUID, qr: str) -> Face:
    """Ready for the press. Raises NotFound where it was not issued here."""
    row: Any = tx.execute(_LICENCE, {"licence": licence}).one_or_none()
    if row is None:
        raise NotFound(gettext("这张证照不是在这里制证的，没有照面。"))
    words = Words(
        number=row.number,
        identifier=row.identifier,
        holders=_holders(row),
        issuer_code=row.issuer_code,
        issuer_name=row.issuer_name,
        issued_on=row.issued_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        values={name: _value(value) for name, value in row.fields.items()},
        item=row.item or "",
        document_no=row.paper or "",
        version=row.version,
        name=row.name,
    )
    return fill(numbered_licence_type(tx, row.type_code, row.type_version), words, qr=qr, masked=True)


def _holders(row: Any) -> tuple[PartyFacts, ...]:
    first = PartyFacts(row.kind, row.party, row.code_masked, row.code_type, row.legal_representative)
    others = [
        PartyFacts(
            "natural" if str(one.get("code_type")) in _NATURAL else "legal",
            str(one.get("name") or ""),
            str(one.get("code") or ""),
            str(one.get("code_type") or ""),
        )
        for one in row.holders[1:]
    ]
    return (first, *others)


def _value(kept: Mapping[str, Any]) -> str:
    return str(kept.get("masked") or kept.get("text") or "")
