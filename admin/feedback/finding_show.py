"""One fact with all that belongs to it: what it says, its files, its signature, what it did, and its chain."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale, gettext
from sqlalchemy import Connection, func, or_, select

from admin import cells
from admin.feedback.finding_list import LISTING, seen
from hub.department import Department
from hub.errors import NotFound
from hub.exchange.announcement import Announcement
from hub.exchange.inbox import InboxRow
from hub.feedback.evidence import FindingFile
from hub.feedback.finding import Finding
from hub.feedback.kinds import TYPE_OF
from hub.licensing.licence import Licence
from hub.licensing.living.operation import LicenceOperation
from schemas import code_table, schema_of

_TABLES = {
    "way": "inspection_way",
    "inspection_way": "inspection_way",
    "inspection_form": "inspection_form",
    "double_random_result": "double_random_result",
    "punish_types": "punish_type",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Ready for the page."""

    fact: Any
    details: list[tuple[str, str]]
    columns: list[tuple[str, str]]
    files: list[Any]
    operations: list[Any]
    told: list[Any]
    chain: list[Any]
    licence: Any
    message: str | None  # where its signed bytes are kept


def shown(tx: Connection, finding: uuid.UUID) -> Shown:
    """Raises NotFound, also where it is not this user's to see."""
    fact = tx.execute(LISTING.query().where(Finding.id == finding, *seen())).one_or_none()
    if fact is None:
        raise NotFound(gettext("没有这条监管信息，或它不是本部门的。"))
    head = fact.chain_id or fact.id
    chain = (
        LISTING.query()
        .where(or_(Finding.id == head, Finding.chain_id == head), Finding.case_no == fact.case_no, *seen())
        .order_by(Finding.received_at, Finding.id)
    )
    said = select(InboxRow.source, InboxRow.event_id).where(
        InboxRow.case_no == fact.case_no, func.sha256(InboxRow.value) == fact.envelope_sha256
    )
    kept = tx.execute(said).first()
    return Shown(
        fact,
        list(_details(fact)),
        [(name, cells.shown(value)) for name, value in (fact.details.get("columns") or {}).items()],
        list(
            tx.execute(
                select(FindingFile).where(FindingFile.finding_id == finding).order_by(FindingFile.seq)
            ).all()
        ),
        list(tx.execute(_operations(finding)).all()),
        list(tx.execute(_told(finding)).all()),
        [one for one in tx.execute(chain).all() if one.id != fact.id],
        tx.execute(
            select(Licence.id, Licence.name, Licence.number).where(Licence.id == fact.licence_id)
        ).first(),
        f"{kept.source}|{kept.event_id}" if kept else None,
    )


def _operations(finding: uuid.UUID) -> Any:
    return (
        select(
            LicenceOperation.operation,
            LicenceOperation.at,
            LicenceOperation.to_status,
            LicenceOperation.licence_id,
        )
        .where(LicenceOperation.finding_id == finding)
        .order_by(LicenceOperation.at)
    )


def _told(finding: uuid.UUID) -> Any:
    return (
        select(Department.name, Announcement.created_at, Announcement.signed_at)
        .join(Department, Department.code == Announcement.department)
        .where(Announcement.finding_id == finding)
        .order_by(Announcement.created_at, Department.name)
    )


def _details(fact: Any) -> Any:
    """The rest of what it says, under the names of the message's own description, in the reader's language."""
    properties = schema_of(TYPE_OF[fact.kind])["$defs"]["data"]["properties"]
    english = str(get_locale()) == "en"
    for name, value in fact.details.items():
        if name in ("columns", "corrects", "withdraws") or value in (None, "", []):
            continue
        title, _, title_en = properties.get(name, {}).get("description", name).partition(" / ")
        table = code_table(_TABLES[name]) if name in _TABLES else {}
        values = value if isinstance(value, list) else [value]
        text = "、".join(table.get(str(one), str(one)) for one in values)
        yield (title_en or title) if english else title.split("：")[0], text
