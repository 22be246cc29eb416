"""Save everything that an editor or a sheet says of a material type into its draft; the promises of `save_item`."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue.draft_type import draft_type, locked_type, set_type
from hub.catalogue.faults import Fault, Faulty, refuse
from hub.catalogue.fields import FieldDef, parse_defs
from hub.catalogue.material_type import MaterialTypeVersion
from hub.catalogue.type_header import Validity, parse_type_header, parse_validity, type_header_of
from hub.errors import Conflict
from schemas import canonical


@dataclass(frozen=True, slots=True)
class StandingType:
    """What a type says now: its draft, else what is published, else what was."""

    version_id: uuid.UUID | None
    number: int
    state: str
    header: Mapping[str, Any]  # with the validity rule
    fields: tuple[Mapping[str, Any], ...] = ()

    @property
    def stamp(self) -> str:
        """Changes when what is shown changes."""
        told = [str(self.version_id), dict(self.header), [dict(one) for one in self.fields]]
        return hashlib.sha256(canonical(told)).hexdigest()[:32]


def standing_type(tx: Connection, row: Any) -> StandingType:
    """What to show in the editor of a type (a row of material_types)."""
    order = {"draft": 0, "published": 1}
    versions = tx.execute(
        select(*MaterialTypeVersion.__table__.c)
        .where(MaterialTypeVersion.type_code == row.code)
        .order_by(MaterialTypeVersion.number.desc())
    ).all()
    if not versions:
        return StandingType(None, 0, "", {**type_header_of(row), **Validity().as_dict()})
    found = min(versions, key=lambda one: (order.get(one.state, 2), -one.number))
    header = found.header if found.state == "draft" else type_header_of(row)
    validity = Validity(found.validity_kind, found.validity_length, found.validity_field)
    return StandingType(
        found.id, found.number, found.state, {**header, **validity.as_dict()}, tuple(found.fields)
    )


def save_type(
    tx: Connection, code: str, said: Mapping[str, Any], *, actor: str, seen: str | None = None
) -> uuid.UUID:
    """Save `said` (header with its validity rule, fields: each may be left out) into the draft; the draft's id."""
    now = standing_type(tx, locked_type(tx, code))
    if seen is not None and seen != now.stamp:
        raise Conflict(
            "这种材料刚被别人改过。请重新打开本页，在新内容上再改；您刚才填的内容仍在下面，可以抄回。"
        )
    header, fields = checked_type(said, now)
    draft = draft_type(tx, code, actor=actor)
    set_type(tx, draft, header, fields, actor=actor)
    return draft


def checked_type(said: Mapping[str, Any], now: StandingType) -> tuple[dict[str, Any], tuple[FieldDef, ...]]:
    """Header and fields, clean; Faulty with the faults of both."""
    faults: list[Fault] = []
    raw = {**now.header, **said.get("header", {})}
    header, wrong = parse_type_header(raw)
    faults += wrong
    fields: tuple[FieldDef, ...] = ()
    try:
        fields = parse_defs(said.get("fields", list(now.fields)))
        validity, wrong = parse_validity(raw, fields)
        faults += wrong
        header |= validity.as_dict()
    except Faulty as error:
        faults += error.faults
    refuse(faults)
    return header, fields
