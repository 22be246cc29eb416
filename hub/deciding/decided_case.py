"""What is known of a case when it is decided: the facts that `decide` takes, whoever brings them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

_VERSION = re.compile("[0-9]{3}", re.ASCII)

if TYPE_CHECKING:
    from hub.licensing.issuing.order import Prepared


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """Whom it concerns. `code` is the readable number; natural persons' numbers are sealed on the way to storage."""

    kind: str  # legal, natural, individual
    name: str
    code: str | None
    code_type: str  # GB/T 36903: 001, 111, ...
    legal_representative: str | None = None


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step; times are timezone-aware."""

    name: str
    action: str
    started_at: datetime
    ended_at: datetime | None
    org_name: str
    org_code: str | None = None
    handled_by: str | None = None
    opinion: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """What was decided. `content_hash` is SHA-256 over the canonical elements: the same decision twice is one."""

    document_no: str
    document_name: str
    decided_on: date
    result_type: str  # 办结结果
    explanation: str
    elements: Mapping[str, str]
    content_hash: bytes
    decided_by: str


@dataclass(frozen=True, slots=True)
class LicenceFacts:
    """What was issued. `valid_to` None means long-term 长期. `prepared`: printed and signed here, to be written with it."""

    identifier: str  # GB/T 36904
    name: str
    number: str
    type_code: str
    issuer_code: str
    issuer_name: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: str = "01"
    prepared: Prepared | None = None

    @property
    def version(self) -> int:
        """The version that the identifier names; 1 where it names none."""
        parts = self.identifier.split(".")
        number = int(parts[-2]) if len(parts) >= 2 and _VERSION.fullmatch(parts[-2]) else 1
        return number or 1


@dataclass(frozen=True, slots=True)
class DecidedCase:
    """One decided case."""

    case_no: str
    name: str
    item_code: str
    item_name: str
    party: PartyFacts
    org_code: str
    org_name: str
    area_code: str
    decision: DecisionFacts
    steps: tuple[StepFacts, ...]
    licence: LicenceFacts | None = None
    applied_on: date | None = None
    accepted_on: date | None = None
    promised_on: date | None = None
    catalog_code: str = ""
    case_type: str = "2"
    source: str = "window"
