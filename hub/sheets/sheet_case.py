"""From a row of a 双公示 sheet to a decided case: what the sheet says, and nothing that it does not say.

Guarantees: the same row always gives the same case number and licence identifier, so a sheet can be loaded again. Does
not invent steps: a sheet knows of the decision and of the body that reported it, so those two are the steps.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import Connection, select

from hub.deciding.decided_case import DecidedCase, DecisionFacts, LicenceFacts, PartyFacts, StepFacts
from hub.department import Department
from hub.errors import Rejected
from hub.identifiers import licence_identifier
from hub.item import ServiceItem
from hub.sheets.sheet import SheetRow
from hub.workday import LOCAL

OTHER_ITEM = "QT-000"  # the item of everything that no other item names
NAMED = "名称:"  # stands before a body's name where its USCC is not known
_USCC = re.compile(r"[0-9A-Z]{18}")


@dataclass(frozen=True, slots=True)
class Item:
    """What of a service item a case needs."""

    code: str
    name: str
    catalog_code: str
    case_type: str
    licence_type_code: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items by every name they go by, and the codes of bodies by name."""

    area: str
    items: Mapping[str, Item]
    other: Item
    body_codes: Mapping[str, str]

    def item_for(self, row: SheetRow) -> Item:
        """The item that the licence's, project's or document's name means."""
        for name in (row.licence_name, row.values.get("XK_XMMC", ""), row.values.get("XK_XKWS", "")):
            if name and (found := self.items.get(_plain(name))):
                return found
        return self.other

    def body_code(self, name: str, stated: str) -> str:
        """A body's USCC: as stated, as registered, or its name where neither is known."""
        return stated or self.body_codes.get(name) or NAMED + name


def load_catalogue(tx: Connection, area: str) -> Catalogue:
    """Read items and bodies. Raises Rejected where the catch-all item is missing."""
    items: dict[str, Item] = {}
    other = None
    for row in tx.execute(select(*ServiceItem.__table__.columns).where(ServiceItem.active)):
        item = Item(row.code, row.name, row.catalog_code or "", row.case_type, row.licence_type_code)
        if row.code == OTHER_ITEM:
            other = item
        for name in (row.name, row.licence_name, *row.aliases):
            if name:
                items.setdefault(_plain(name), item)
    if other is None:
        raise Rejected(f"事项目录中缺少兜底事项 {OTHER_ITEM}。请在“事项”中添加，或运行 shenguan migrate。")
    bodies = tx.execute(select(Department.name, Department.uscc).where(Department.uscc.is_not(None)))
    return Catalogue(area, items, other, {row.name: row.uscc for row in bodies})


def decided_case(row: SheetRow, catalogue: Catalogue, *, loaded_at: datetime) -> DecidedCase:
    """The case of one valid row."""
    org_code = catalogue.body_code(row.org_name, row.org_code)
    item = catalogue.item_for(row)
    identity = hashlib.sha256(f"{org_code}|{row.document_no}".encode()).digest()
    decided_at = datetime.combine(row.decided_on, time(), tzinfo=LOCAL).astimezone(UTC)
    document_name = row.values.get("XK_XKWS") or row.values.get("XK_XMMC") or "行政许可决定书"
    licence_name = row.licence_name or document_name
    return DecidedCase(
        case_no=f"{catalogue.area}{row.decided_on:%Y%m%d}{base64.b32encode(identity)[:12].decode()}",
        name=f"{row.party_name} {licence_name}",
        item_code=item.code,
        item_name=item.name,
        catalog_code=item.catalog_code,
        case_type=item.case_type,
        party=PartyFacts(
            row.party_kind,
            row.party_name,
            row.party_code,
            row.party_code_type or "001",
            row.values.get("XK_FRDB"),
        ),
        org_code=org_code,
        org_name=row.org_name,
        area_code=catalogue.area,
        decision=DecisionFacts(
            document_no=row.document_no,
            document_name=document_name,
            decided_on=row.decided_on,
            result_type="0",
            explanation=row.content,
            elements={**row.extras, **row.values},
            content_hash=row.content_hash,
            decided_by=row.org_name,
        ),
        steps=(
            StepFacts("决定", "通过", decided_at, decided_at, row.org_name, org_code),
            StepFacts(
                "数据归集",
                "其他",
                loaded_at,
                loaded_at,
                row.source_org_name,
                catalogue.body_code(row.source_org_name, row.source_org_code),
            ),
        ),
        licence=_licence(row, catalogue, item, org_code, licence_name, identity),
        source="sheet",
    )


def _licence(
    row: SheetRow, catalogue: Catalogue, item: Item, org_code: str, name: str, identity: bytes
) -> LicenceFacts:
    issuer = org_code if _USCC.fullmatch(org_code) else catalogue.area
    type_code = item.licence_type_code or f"{issuer:0<18}000"  # 000: the type is not in the catalogue yet
    serial = identity.hex()[:20].upper()
    return LicenceFacts(
        identifier=licence_identifier(type_code, issuer, serial),
        name=name,
        number=row.licence_no or row.document_no,
        type_code=type_code,
        issuer_code=issuer,
        issuer_name=row.org_name,
        issued_on=row.decided_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        status=row.status,
    )


def _plain(name: str) -> str:
    return "".join(name.split()).lower()
