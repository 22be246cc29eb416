"""What the page of a licence shows, read at once.

Guarantees: one round trip whatever the licence has; lists are bounded; nothing personal is opened: numbers stand as they are
masked.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection

from hub.catalogue.fields import shown
from hub.errors import NotFound
from hub.round_trips import ask

Row = Mapping[str, Any]
MOST = 100

_WHOLE = """
WITH RECURSIVE back AS (
  SELECT id, previous_id FROM licences WHERE id = %(licence)s
  UNION SELECT l.id, l.previous_id FROM licences l JOIN back ON l.id = back.previous_id
), whole AS (
  SELECT id FROM back
  UNION SELECT l.id FROM licences l JOIN whole ON l.previous_id = whole.id
)
"""
_LICENCE = (
    (
        "id", "identifier", "identifier_fault", "case_no", "party_id", "holders", "name", "number", "type_code",
        "type_version", "issuer_code", "issuer_name", "department", "origin", "version", "previous_id", "issued_on",
        "valid_from", "valid_to", "fields", "status", "status_note", "status_at", "status_index", "created_at",
    ),
    "party_kind", "party_name", "party_code", "party_legal", "type_name", "published", "labels", "next_id",
)  # fmt: skip
_LICENCE_SQL = """
SELECT {columns}, p.kind, p.name, p.code_masked, p.legal_representative, t.name, t.published_version,
  coalesce(v.fields, w.fields, '[]'), (SELECT n.id FROM licences n WHERE n.previous_id = l.id)
FROM licences l JOIN parties p ON p.id = l.party_id LEFT JOIN licence_types t ON t.code = l.type_code
LEFT JOIN licence_type_versions v ON v.type_code = l.type_code AND v.number = l.type_version
LEFT JOIN licence_type_versions w ON w.type_code = l.type_code AND w.state = 'published'
WHERE l.id = %(licence)s
"""
_VERSIONS = (
    ("id", "version", "identifier", "number", "issued_on", "valid_to", "status", "origin"),
    _WHOLE
    + """
SELECT l.id, l.version, l.identifier, l.number, l.issued_on, l.valid_to, l.status, l.origin
FROM licences l JOIN whole USING (id) ORDER BY l.version, l.issued_on LIMIT %(most)s
""",
)
_OPERATIONS = (
    (
        "id", "licence_id", "operation", "from_status", "to_status", "reason", "actor", "department", "document_no",
        "has_document", "finding_no", "case_no", "related_id", "at", "related_number", "finding_department",
    ),
    """
SELECT o.id, o.licence_id, o.operation, o.from_status, o.to_status, o.reason, o.actor, d.name, o.document_no,
  o.document_sha256 IS NOT NULL, f.finding_no, o.case_no, o.related_id, o.at, r.number, g.name
FROM licence_operations o LEFT JOIN departments d ON d.code = o.department LEFT JOIN findings f ON f.id = o.finding_id
LEFT JOIN departments g ON g.code = f.department LEFT JOIN licences r ON r.id = o.related_id
WHERE o.licence_id = %(licence)s ORDER BY o.at, o.id LIMIT %(most)s
""",
)  # fmt: skip
_HOLDS = (
    (
        "department",
        "name",
        "placed_at",
        "lifted_at",
        "finding_no",
        "reason",
        "document_no",
        "actor",
        "case_no",
    ),
    """
SELECT h.department, d.name, h.placed_at, h.lifted_at, f.finding_no, coalesce(o.reason, f.explanation),
  o.document_no, o.actor, f.case_no
FROM holds h JOIN departments d ON d.code = h.department LEFT JOIN findings f ON f.id = h.placed_by
LEFT JOIN licence_operations o ON o.id = h.placed_by
WHERE h.licence_id = %(licence)s ORDER BY h.lifted_at IS NOT NULL, h.placed_at DESC LIMIT %(most)s
""",
)
_FINDINGS = (
    (
        "id", "department", "kind", "finding_no", "case_no", "check_result", "handling", "result", "details", "document_no",
        "fine_fen", "confiscated_fen", "rectify_by", "explanation", "effect", "effect_applied", "happened_at",
    ),
    """
SELECT f.id, d.name, f.kind, f.finding_no, f.case_no, f.check_result, f.handling, f.result, f.details, f.document_no,
  f.fine_fen, f.confiscated_fen, f.rectify_by, f.explanation, f.effect, f.effect_applied, f.happened_at
FROM findings f JOIN departments d ON d.code = f.department
WHERE f.licence_id = %(licence)s AND f.standing = 'standing' AND f.kind NOT IN ('plan', 'withdrawal')
ORDER BY f.happened_at DESC LIMIT %(most)s
""",
)  # fmt: skip
_RECEIVED = (
    ("department", "name", "case_no", "state", "created_at", "signed_at", "claimed_at"),
    _WHOLE  # noqa: S608 - our own words
    + """
SELECT p.department, d.name, p.case_no, p.state, p.created_at, p.signed_at, p.claimed_at
FROM pushes p JOIN departments d ON d.code = p.department
WHERE p.case_no IN (SELECT case_no FROM licences JOIN whole USING (id)) ORDER BY p.created_at, d.name LIMIT %(most)s
""",
)
_ANNOUNCED = (
    ("department", "name", "operation", "changed_at", "change_signed_at"),
    """
SELECT DISTINCT ON (a.department) a.department, d.name, o.operation, a.created_at, a.signed_at
FROM announcements a JOIN departments d ON d.code = a.department
JOIN licence_operations o ON o.id = a.operation_id
WHERE a.licence_id = %(licence)s ORDER BY a.department, a.created_at DESC LIMIT %(most)s
""",
)
_USES = (
    ("case_no", "source_name", "source_state", "used_at", "department", "item", "purpose"),
    """
SELECT u.case_no, u.source_name, u.source_state, u.used_at, d.name, i.name, u.purpose
FROM material_uses u JOIN cases c ON c.case_no = u.case_no JOIN service_items i ON i.code = c.item_code
LEFT JOIN departments d ON d.code = u.department
WHERE u.withdrawn_at IS NULL AND (u.licence_id = %(licence)s
  OR u.decision_id IN (SELECT x.id FROM decisions x JOIN licences l ON l.case_no = x.case_no WHERE l.id = %(licence)s)
  OR u.material_id IN (SELECT material_id FROM licence_documents WHERE licence_id = %(licence)s))
ORDER BY u.used_at DESC LIMIT %(most)s
""",
)
_DOCUMENTS = (
    ("format", "size", "sha256", "level", "signer", "material_id", "made_at"),
    """
SELECT format, size, sha256, level, signer, material_id, made_at FROM licence_documents
WHERE licence_id = %(licence)s ORDER BY array_position(ARRAY['pdf', 'ofd', 'sm2'], format)
""",
)
_NOTICES = (
    ("id", "kind", "title", "body", "created_at", "told_at", "told_by", "told_how"),
    """
SELECT id, kind, title, body, created_at, told_at, told_by, told_how FROM holder_notices
WHERE licence_id = %(licence)s ORDER BY id DESC LIMIT 20
""",
)
_PROPOSALS = (
    ("id", "effect", "state", "reason", "created_at", "department"),
    """
SELECT q.id, q.effect, q.state, q.reason, q.created_at, d.name FROM licence_proposals q
JOIN departments d ON d.code = q.department WHERE q.licence_id = %(licence)s ORDER BY q.created_at DESC LIMIT 20
""",
)
_LISTS = (
    _VERSIONS,
    _OPERATIONS,
    _HOLDS,
    _FINDINGS,
    _RECEIVED,
    _ANNOUNCED,
    _USES,
    _DOCUMENTS,
    _NOTICES,
    _PROPOSALS,
)


@dataclass(frozen=True, slots=True)
class LicenceShow:
    """A licence with everything about it."""

    licence: Row
    facts: tuple[tuple[str, str], ...]  # its type's fields: label and value, personal numbers masked
    versions: tuple[Row, ...]
    operations: tuple[Row, ...]
    holds: tuple[Row, ...]
    findings: tuple[Row, ...]
    received: tuple[Row, ...]  # by departments: pushed to them, or told of its last change, or both
    uses: tuple[Row, ...]
    documents: tuple[Row, ...]
    notices: tuple[Row, ...]
    proposals: tuple[Row, ...]

    @property
    def open_holds(self) -> tuple[Row, ...]:
        """Who freezes it now."""
        return tuple(hold for hold in self.holds if hold["lifted_at"] is None)

    @property
    def pdf(self) -> Row | None:
        """The licence itself, where it was issued here."""
        return next((one for one in self.documents if one["format"] == "pdf"), None)

    @property
    def last(self) -> Row | None:
        """What made its status what it is."""
        moved = [one for one in self.operations if one["from_status"] != one["to_status"]]
        return moved[-1] if moved else None


def licence_show(tx: Connection, licence: uuid.UUID) -> LicenceShow:
    """Read it. Raises NotFound."""
    of = {"licence": licence, "most": MOST}
    own, *more = _LICENCE
    statement = _LICENCE_SQL.format(columns=", ".join(f"l.{name}" for name in own))
    first, *rest = ask(tx, (statement, of), *((sql, of) for _names, sql in _LISTS))
    if not first:
        raise NotFound(gettext("没有这张证照。请回到“电子证照”重新查找。"))
    found = dict(zip((*own, *more), first[0], strict=True))
    lists = [
        tuple(dict(zip(names, row, strict=True)) for row in rows)
        for (names, _sql), rows in zip(_LISTS, rest, strict=True)
    ]
    lists[4:6] = [_told(*lists[4:6])]
    return LicenceShow(found, facts_of(found["labels"], found["fields"]), *lists)


def _told(received: Sequence[Row], announced: Sequence[Row]) -> tuple[Row, ...]:
    """Each department once for what was pushed to it, with the last change that it was told of."""
    last = {one["department"]: one for one in announced}
    pushed = {one["department"] for one in received}
    relied = [one for one in announced if one["department"] not in pushed]
    nothing = dict.fromkeys(("state", "case_no", "created_at", "signed_at", "claimed_at"))
    return (
        *({**_NEVER, **last.get(one["department"], {}), **one} for one in received),
        *({**nothing, **one} for one in relied),
    )


_NEVER = dict.fromkeys(("operation", "changed_at", "change_signed_at"))


def facts_of(fields: Sequence[Row], values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the licence says, in its type's words and order; a value without a field keeps its own name."""
    labels = {str(one["name"]): str(one["label"]) for one in fields}
    order = [*labels, *(name for name in values if name not in labels)]
    return tuple((labels.get(name, name), shown(values[name])) for name in order if name in values)
