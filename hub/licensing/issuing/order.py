"""Order 制证单: what is to be issued, what was prepared for it, and what came of it. Values only."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from hub.deciding.decided_case import LicenceFacts, PartyFacts
from hub.licensing.issuing.fill import Words
from hub.licensing.ports import Made
from hub.licensing.types.published_type import PublishedType

#: What makes a licence, or a new version of one.
FIRST, AGAIN = ("issue", "receive"), ("renew", "change", "replace")


@dataclass(frozen=True, slots=True)
class Order:
    """One licence to be issued. `values` are as a person or a file gave them; `department` is who issues."""

    type_code: str
    holders: tuple[PartyFacts, ...]
    values: Mapping[str, str]
    department: str | None
    issued_on: date
    valid_from: date | None = None  # None: from the day it is issued
    valid_to: date | None = None  # None: as the type's rules say
    case_no: str | None = None
    previous: uuid.UUID | None = None  # the version that this one takes the place of
    operation: str = "issue"
    reason: str = ""
    document_no: str | None = None  # of the decision it rests on
    number: str | None = None  # None: by the number rule
    item: str = ""  # of $item; empty: the case's
    item_code: str = ""
    key: str = ""  # the same key is issued once: of a form that was sent twice, of a row of a batch


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues. `department` is None where it is none of ours."""

    code: str
    name: str
    area: str
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Previous:
    """The version that a new one takes the place of."""

    id: uuid.UUID
    identifier: str
    number: str
    serial: str
    version: int
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A licence that is printed, signed and stored, and not yet written: nobody has it until `write_issued`."""

    order: Order  # with clean values and the number
    type: PublishedType
    words: Words
    issuer: Issuer
    licence_id: uuid.UUID
    operation_id: uuid.UUID
    material_id: uuid.UUID
    status_index: int
    made: tuple[Made, ...]  # the PDF first
    previous: Previous | None = None

    @property
    def identifier(self) -> str:
        """Its GB/T 36904 identifier."""
        return self.words.identifier

    @property
    def file_name(self) -> str:
        """What the PDF is called."""
        return f"{self.type.name} {self.words.number}.pdf"

    def document_id(self, form: str) -> uuid.UUID:
        """The id of one of its files."""
        return uuid.uuid5(self.licence_id, f"document|{form}")

    @property
    def facts(self) -> LicenceFacts:
        """As a decision names it."""
        return LicenceFacts(
            identifier=self.words.identifier,
            name=self.type.name,
            number=self.words.number,
            type_code=self.type.code,
            issuer_code=self.issuer.code,
            issuer_name=self.issuer.name,
            issued_on=self.words.issued_on,
            valid_from=self.words.valid_from,
            valid_to=self.words.valid_to,
            prepared=self,
        )


@dataclass(frozen=True, slots=True)
class Issued:
    """A licence that is written. `fresh`: by this call, not by an earlier one with the same key or number."""

    licence_id: uuid.UUID
    identifier: str
    number: str
    fresh: bool = field(default=True, compare=False)
