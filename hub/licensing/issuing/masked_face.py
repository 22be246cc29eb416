"""The face of a licence as strangers may see it: set anew from what is on record, persons' names and numbers covered.

Guarantees: by the very version of the type that the licence was issued by; nothing is unsealed for it; the image can be
told from the licence by the words across it. A licence that we did not issue has no face.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, text

from hub.deciding.decided_case import PartyFacts
from hub.licensing.face import Face
from hub.licensing.issuing.fill import Words, fill
from hub.licensing.types.published_type import numbered_licence_type

_LICENCE = """
SELECT l.type_code, l.type_version, l.number, l.identifier, l.holders, l.issuer_code, l.issuer_name, l.issued_on,
  l.valid_from, l.valid_to, l.fields, l.version, l.name, i.name AS item, o.document_no,
  p.kind, p.name AS party, p.code_type, p.code_masked, p.legal_representative
FROM licences l
JOIN parties p ON p.id = l.party_id
LEFT JOIN cases c ON c.case_no = l.case_no
LEFT JOIN service_items i ON i.code = c.item_code
LEFT JOIN licence_operations o ON o.licence_id = l.id AND o.from_status = '00'
WHERE l.id = :id AND l.origin = 'issued'
LIMIT 1
"""


def masked_face(tx: Connection, licence: uuid.UUID, *, qr: str, mark: str) -> Face | None:
    """The face, or None where there is none. `mark` goes across it. Raises NotFound where its type's version is gone."""
    row = tx.execute(text(_LICENCE), {"id": licence}).one_or_none()
    if row is None:
        return None
    type_ = numbered_licence_type(tx, row.type_code, row.type_version)
    words = Words(
        number=row.number,
        identifier=row.identifier,
        holders=_holders(row),
        issuer_code=row.issuer_code,
        issuer_name=row.issuer_name,
        issued_on=row.issued_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        values={name: str(kept.get("masked") or kept.get("text") or "") for name, kept in row.fields.items()},
        item=row.item or "",
        document_no=row.document_no or "",
        version=row.version,
        name=row.name,
    )
    return fill(type_, words, qr=qr, masked=True, mark=mark)


def _holders(row: Any) -> tuple[PartyFacts, ...]:
    """Everybody who holds it, as they were called when it was issued; a person's code is kept covered."""
    if not row.holders:
        return (PartyFacts(row.kind, row.party, row.code_masked, row.code_type, row.legal_representative),)
    first, *others = [
        PartyFacts(
            str(one.get("kind") or row.kind),
            str(one["name"]),
            str(one.get("code") or ""),
            str(one["code_type"]),
        )
        for one in row.holders
    ]
    return (replace(first, legal_representative=row.legal_representative), *others)
