"""The change history of a catalogue entry, and its versions: who did what when, with what was and what is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from hub.catalogue import compare
from hub.catalogue.draft_type import type_content
from hub.catalogue.item_version import ItemVersion
from hub.catalogue.line_rows import read_lines
from hub.catalogue.material_type import MaterialTypeVersion
from hub.ledger import CATALOGUE_ROWS, LedgerRow

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Version:
    """One version in the list."""

    id: uuid.UUID
    number: int
    state: str
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    ended_why: str | None


def history(tx: Connection, subject: str) -> list[Any]:
    """The newest ledger rows of one entry (`item:XK-001`), newest first."""
    rows = tx.execute(
        select(
            LedgerRow.id, LedgerRow.at, LedgerRow.actor, LedgerRow.action, LedgerRow.reason, LedgerRow.detail
        )
        .where(LedgerRow.subject == subject, text(CATALOGUE_ROWS))
        .order_by(LedgerRow.id.desc())
        .limit(SHOWN)
    )
    return list(rows)


def item_versions(tx: Connection, item_code: str) -> list[Version]:
    """Every version, newest first."""
    return _versions(tx, ItemVersion, ItemVersion.item_code == item_code)


def type_versions(tx: Connection, type_code: str) -> list[Version]:
    """Every version, newest first."""
    return _versions(tx, MaterialTypeVersion, MaterialTypeVersion.type_code == type_code)


def _versions(tx: Connection, model: Any, which: Any) -> list[Version]:
    columns = [getattr(model, name) for name in Version.__dataclass_fields__]
    rows = tx.execute(select(*columns).where(which).order_by(model.number.desc()))
    return [Version(*row) for row in rows]


def compared_items(tx: Connection, before: uuid.UUID, after: uuid.UUID) -> list[compare.Change]:
    """What differs between two versions of an item."""
    found = {}
    rows = tx.execute(
        select(ItemVersion.id, ItemVersion.header, ItemVersion.form).where(
            ItemVersion.id.in_([before, after])
        )
    )
    for row in rows:
        found[row.id] = compare.content(row.header, read_lines(tx, row.id), row.form)
    return compare.changes(found[before], found[after])


def compared_types(tx: Connection, before: uuid.UUID, after: uuid.UUID) -> list[compare.Change]:
    """What differs between two versions of a material type."""
    rows = tx.execute(
        select(*MaterialTypeVersion.__table__.c).where(MaterialTypeVersion.id.in_([before, after]))
    ).all()
    found = {row.id: type_content(row) for row in rows}
    return compare.changes(found[before], found[after])
