"""What is on file for the boxes of a form: the party's own facts, its licences, and the fields of its materials.

Guarantees: only from sources that may be used for this case (hub.reuse.match), and of those only the fields that the
grant names. Two questions beside the matching.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection

from hub.reuse.match import Answer, Candidate, Question, match
from hub.reuse.working_case import WorkingCase
from hub.round_trips import ask
from hub.workday import LOCAL

#: Names of form fields that mean a fact of the party.
PARTY_FIELDS = {
    "name": ("name", "party_name", "applicant_name", "holder_name", "org_name", "certificateHolderName"),
    "code": (
        "credit_code",
        "uscc",
        "party_code",
        "applicant_code",
        "holder_code",
        "id_number",
        "certificateHolderCode",
    ),
    "legal_representative": (
        "legal_representative",
        "legal_name",
        "legal_person",
        "principal",
        "legalPerson",
    ),
}
#: Names of form fields that mean a fact of a licence.
LICENCE_FIELDS = {
    "number": ("certificateNumber", "licence_number", "licence_no", "certificate_number"),
    "name": ("certificateName", "licence_name"),
    "valid_from": ("validDateStart", "licence_valid_from"),
    "valid_to": ("validDateEnd", "licence_valid_to"),
    "issued_on": ("issueDate", "licence_issued_on"),
    "issuer_name": ("issuingAuthority", "licence_issuer"),
}
_ORDER = ("party", "licence", "material")  # of two sources of one moment the later in this row wins
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Offered:
    """One value for one field, and where it is from."""

    value: Mapping[str, Any]
    kind: str  # typed, party, licence, material
    id: uuid.UUID | None
    name: str | None
    day: date | None
    at: datetime | None = None  # of two sources of one day the later wins

    @property
    def rank(self) -> tuple[date, datetime, int]:
        """Newer is greater."""
        kind = _ORDER.index(self.kind) if self.kind in _ORDER else -1
        return self.day or date.min, self.at or _LONG_AGO, kind


_PARTY = """
SELECT id, name, code_type, code_masked, code_sealed, code_digest, legal_representative, created_at
FROM parties WHERE id = %(id)s
"""
_MATERIALS = """
SELECT id, name, fields, coalesce(supplied_as_of, created_at) FROM materials
WHERE id = ANY(%(ids)s::uuid[]) AND fields <> '{}'
"""
_LICENCES = """
SELECT id, name, number, valid_from, valid_to, issued_on, issuer_name, fields, created_at
FROM licences WHERE id = ANY(%(ids)s::uuid[])
"""
_SCOPES = "SELECT id, fields FROM grants WHERE id = ANY(%(ids)s::uuid[]) AND fields <> '{}'"


def offered_fields(tx: Connection, case: WorkingCase, today: date) -> dict[str, list[Offered]]:
    """For each name of a field everything that may stand there."""
    question = Question(case.party_id, case.item.version_id, case.department, today, case.case_no)
    answers = match(tx, question)
    open_ = {(one.source_kind, one.source_id): one for one in _open_to_us(answers)}
    own = {taken.id for answer in answers for taken in answer.taken}
    materials = [id_ for kind, id_ in open_ if kind == "material"] + sorted(own)
    licences = [id_ for kind, id_ in open_ if kind == "licence"]
    grants = list({one.grant_id for one in open_.values() if one.grant_id})
    parties, material_rows, licence_rows, scopes = ask(
        tx,
        (_PARTY, {"id": case.party_id}),
        (_MATERIALS, {"ids": materials}),
        (_LICENCES, {"ids": licences}),
        (_SCOPES, {"ids": grants}),
    )
    limits = {id_: frozenset(names) for id_, names in scopes}
    found: dict[str, list[Offered]] = {}

    def offer(name: str, one: Offered) -> None:
        source = open_.get((one.kind, one.id)) if one.id else None
        limit = limits.get(source.grant_id) if source and source.grant_id else None
        if limit is None or name in limit:
            found.setdefault(name, []).append(one)

    for name, one in _of_party(parties[0]):
        offer(name, one)
    for row in licence_rows:
        for name, one in _of_licence(row):
            offer(name, one)
    places = {id_: place for place, id_ in enumerate(materials)}
    for id_, title, fields, created_at in sorted(material_rows, key=lambda row: places[row[0]]):
        day = created_at.astimezone(LOCAL).date()
        for name, value in fields.items():
            offer(name, Offered(value, "material", id_, title, day, created_at))
    return found


def _open_to_us(answers: list[Answer]) -> Iterator[Candidate]:
    for answer in answers:
        for one in answer.candidates:
            if one.refusal is None and not one.consent_needed:
                yield one


def _of_party(row: Any) -> Iterator[tuple[str, Offered]]:
    id_, name, code_type, masked, sealed, digest, representative, created_at = row
    day = created_at.astimezone(LOCAL).date()
    code: dict[str, Any] = {"text": masked}
    if sealed is not None:
        code = {
            "masked": masked,
            "sealed": base64.b64encode(bytes(sealed)).decode(),
            "digest": bytes(digest).hex(),
            "kind": code_type,
        }
    values = {
        "name": {"text": name},
        "code": code if masked else None,
        "legal_representative": {"text": representative} if representative else None,
    }
    for fact, names in PARTY_FIELDS.items():
        value = values[fact]
        if value:
            for field in names:
                yield field, Offered(value, "party", id_, "相对人登记信息", day)


def _of_licence(row: Any) -> Iterator[tuple[str, Offered]]:
    id_, name, number, valid_from, valid_to, issued_on, issuer, fields, created_at = row
    title = f"{name} {number}"
    values = {
        "number": number,
        "name": name,
        "valid_from": valid_from.isoformat(),
        "valid_to": valid_to.isoformat() if valid_to else None,
        "issued_on": issued_on.isoformat(),
        "issuer_name": issuer,
    }
    for fact, names in LICENCE_FIELDS.items():
        value = values[fact]
        if value:
            for field in names:
                yield field, Offered({"text": value}, "licence", id_, title, issued_on)
    for field, kept in fields.items():  # of its type, where it was issued here
        yield field, Offered(kept, "licence", id_, title, issued_on, created_at)
