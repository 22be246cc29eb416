"""Source 来源: one material or licence as an objection names it - whose it is, who provides it, what its fields say."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select

from hub.case import Case
from hub.catalogue.fields import shown
from hub.catalogue.material_type import MaterialTypeVersion
from hub.errors import NotFound
from hub.licensing.licence import Licence
from hub.licensing.types.type_version import LicenceTypeVersion
from hub.material import Material
from hub.party import Party
from hub.pushing.push import Push
from hub.reuse.material_use import MaterialUse
from hub.sharing.grant import Grant
from hub.sharing.person import Person

LICENCE_FIELDS = (
    ("number", "证照编号"),
    ("name", "证照名称"),
    ("issuer_name", "颁证单位"),
    ("issued_on", "颁证日期"),
    ("valid_from", "有效期自"),
    ("valid_to", "有效期至"),
)


@dataclass(frozen=True, slots=True)
class SourceField:
    """One value that can be doubted."""

    name: str
    label: str
    value: str  # as it may be shown
    type: str = "text"


@dataclass(frozen=True, slots=True)
class Source:
    """One material or licence."""

    kind: str  # 'material' or 'licence'
    id: uuid.UUID
    name: str
    resource_code: str | None  # its type
    state: str
    party_id: uuid.UUID
    party_name: str
    provider: str | None
    case_no: str | None
    fields: tuple[SourceField, ...]

    def label(self, field: str | None) -> str | None:
        """What a field is called."""
        return next((one.label for one in self.fields if one.name == field), None)


def find_source(tx: Connection, kind: str, source_id: uuid.UUID, *, lock: bool = False) -> Source:
    """The source; with `lock` nobody else can raise or correct on it meanwhile. Raises NotFound."""
    return _material(tx, source_id, lock) if kind == "material" else _licence(tx, source_id, lock)


def _material(tx: Connection, source_id: uuid.UUID, lock: bool) -> Source:
    query = (
        select(Material, Party.name.label("party_name"), MaterialTypeVersion.fields.label("defs"))
        .join(Party, Party.id == Material.party_id)
        .outerjoin(
            MaterialTypeVersion,
            (MaterialTypeVersion.type_code == Material.type_code)
            & (MaterialTypeVersion.number == Material.type_version),
        )
        .where(Material.id == source_id)
    )
    row = tx.execute(_held(query, Material, lock)).one_or_none()
    if row is None:
        raise NotFound("没有找到这份材料，可能编号有误。请从办件或复用记录里打开。")
    fields = _own_fields(row, set())
    return Source(
        "material",
        row.id,
        row.name,
        row.type_code,
        row.state,
        row.party_id,
        row.party_name,
        row.department,
        row.case_no,
        fields,
    )


def _own_fields(row: Any, taken: set[str]) -> tuple[SourceField, ...]:
    """The fields of its type's version, as they may be shown."""
    return tuple(
        SourceField(
            one["name"],
            one.get("label") or one["name"],
            shown(row.fields.get(one["name"])),
            one.get("type", "text"),
        )
        for one in row.defs or ()
        if one["name"] not in taken
    )


def _licence(tx: Connection, source_id: uuid.UUID, lock: bool) -> Source:
    query = (
        select(
            Licence,
            Party.name.label("party_name"),
            func.coalesce(Licence.department, Case.department).label("provider"),
            LicenceTypeVersion.fields.label("defs"),
        )
        .join(Party, Party.id == Licence.party_id)
        .outerjoin(Case, Case.case_no == Licence.case_no)
        .outerjoin(
            LicenceTypeVersion,
            (LicenceTypeVersion.type_code == Licence.type_code)
            & (LicenceTypeVersion.number == Licence.type_version),
        )
        .where(Licence.id == source_id)
    )
    row = tx.execute(_held(query, Licence, lock)).one_or_none()
    if row is None:
        raise NotFound("没有找到这本证照，可能编号有误。请从办件或复用记录里打开。")
    fields = tuple(SourceField(name, label, _text(getattr(row, name))) for name, label in LICENCE_FIELDS)
    fields += _own_fields(row, {one.name for one in fields})
    return Source(
        "licence",
        row.id,
        f"{row.name} {row.number}",
        row.type_code,
        row.status,
        row.party_id,
        row.party_name,
        row.provider,
        row.case_no,
        fields,
    )


def _held(query: Any, model: Any, lock: bool) -> Any:
    return query.with_for_update(of=model, key_share=True) if lock else query


def _text(value: Any) -> str:
    if value is None:
        return "长期"
    return value.isoformat() if isinstance(value, date) else str(value)


def concerns(tx: Connection, source: Source, person: Person, today: date) -> bool:
    """Whether this source is any of the person's business: provided, used, granted, or pushed to their department."""
    mine = person.department
    if mine is None or mine == source.provider:
        return True
    uses = MaterialUse.material_id if source.kind == "material" else MaterialUse.licence_id
    grounds = [
        exists().where(uses == source.id, MaterialUse.department == mine),
        exists().where(Push.case_no == source.case_no, Push.department == mine),
        exists().where(
            Grant.state == "granted",
            Grant.department == mine,
            Grant.resource_kind == source.kind,
            Grant.resource_code == source.resource_code,
            Grant.period_from <= today,
            Grant.period_to >= today,
        ),
    ]
    return bool(tx.scalar(select(or_(*grounds))))
