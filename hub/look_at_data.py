"""Look at data: a material that a department supplied as fields, without a file. Reading it is on the record like a file.

Guarantees: one opening is one read, in the ledger before the first field leaves; personal numbers are masked. Who may look
is checked by the caller (`hub.look_at_file.check_may_look`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.catalogue.fields import parse_defs, shown
from hub.catalogue.material_type import MaterialTypeVersion
from hub.department import Department
from hub.ledger import Entry, record
from hub.material import FileRead, Material
from hub.read_file import checked_use


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What it says: `fields` are (label, value as it may be shown), in the order of the type's schema."""

    name: str
    supplied_by: str
    as_of: datetime | None
    valid_to: date | None
    fields: tuple[tuple[str, str], ...]


def is_data(tx: Connection, material_id: uuid.UUID) -> bool:
    """Whether this material has fields only, and no file."""
    found = select(Material.id).where(Material.id == material_id, Material.sha256.is_(None))
    return tx.execute(found).first() is not None


def look_at_data(
    tx: Connection, material_id: uuid.UUID, *, reader: str, opening: str, stated_use: str
) -> DataFacts:
    """Record the opening unless it is already, and give the fields. Raises Rejected without a stated use."""
    use = checked_use(stated_use)
    row = tx.execute(
        select(Material.__table__, MaterialTypeVersion.fields.label("schema"), Department.name.label("by"))
        .outerjoin(
            MaterialTypeVersion,
            and_(
                MaterialTypeVersion.type_code == Material.type_code,
                MaterialTypeVersion.number == Material.type_version,
            ),
        )
        .outerjoin(Department, Department.code == Material.department)
        .where(Material.id == material_id)
    ).one()
    read = pg_insert(FileRead).values(
        id=uuid.uuid4(), material_id=material_id, reader=reader, token_id=opening, stated_use=use
    )
    if tx.execute(read.on_conflict_do_nothing().returning(FileRead.id)).first():
        detail = {"supplied_ref": row.supplied_ref, "fields": sorted(row.fields)}
        record(tx, Entry(reader, "file.read", f"material:{material_id}", row.case_no, use, detail))
    fields = tuple((one.label, shown(row.fields.get(one.name))) for one in parse_defs(row.schema or []))
    return DataFacts(row.name, row.by or "", row.supplied_as_of, row.valid_to, fields)
