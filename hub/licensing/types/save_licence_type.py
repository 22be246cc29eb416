"""Save everything that an editor or a file says of a licence type into its draft; the promises of `save_item`."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue.faults import Fault, Faulty, refuse
from hub.catalogue.fields import FieldDef, parse_defs
from hub.errors import Conflict
from hub.licensing.face import Layout
from hub.licensing.types.draft_licence_type import (
    draft_licence_type,
    first_rules,
    locked_licence_type,
    set_licence_type,
)
from hub.licensing.types.layout import layout_dict, parse_layout
from hub.licensing.types.licence_images import image_faults
from hub.licensing.types.type_rules import TYPE_CODE, TypeRules, parse_rules
from hub.licensing.types.type_version import LicenceTypeVersion
from schemas import canonical


@dataclass(frozen=True, slots=True)
class Standing:
    """What a type says now: its draft, else what is published, else what was."""

    version_id: uuid.UUID | None
    number: int
    state: str  # "" where there is no version at all
    rules: dict[str, Any]
    fields: list[dict[str, Any]]
    layout: dict[str, Any]

    @property
    def stamp(self) -> str:
        """Changes when what is shown changes."""
        told = [str(self.version_id), self.rules, self.fields, self.layout]
        return hashlib.sha256(canonical(told)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class SaidType:
    """Rules, fields and layout, clean."""

    rules: TypeRules
    fields: tuple[FieldDef, ...]
    layout: Layout


def standing_licence_type(tx: Connection, row: Any) -> Standing:
    """What to show in the editor of a type (a row of licence_types)."""
    order = {"draft": 0, "published": 1}
    versions = tx.execute(
        select(*LicenceTypeVersion.__table__.c)
        .where(LicenceTypeVersion.type_code == row.code)
        .order_by(LicenceTypeVersion.number.desc())
    ).all()
    if not versions:
        return Standing(None, 0, "", first_rules(row), [], layout_dict(Layout()))
    found = min(versions, key=lambda one: (order.get(one.state, 2), -one.number))
    return Standing(found.id, found.number, found.state, found.rules, found.fields, found.layout)


def save_licence_type(
    tx: Connection, code: str, said: Mapping[str, Any], *, actor: str, seen: str | None = None
) -> uuid.UUID:
    """Save `said` (rules, fields, layout: each may be left out) into the draft; the draft's id. Raises Faulty, Conflict."""
    now = standing_licence_type(tx, locked_licence_type(tx, code))
    if seen is not None and seen != now.stamp:
        raise Conflict(
            "这种证照刚被别人改过。请重新打开本页，在新内容上再改；您刚才填的内容仍在下面，可以抄回。"
        )
    clean = checked_licence_type(said, now)
    if not clean.rules.definer_code and TYPE_CODE.fullmatch(code):
        clean = replace(clean, rules=replace(clean.rules, definer_code=code[:18]))
    refuse(image_faults(tx, code, clean.layout))
    draft = draft_licence_type(tx, code, actor=actor)
    set_licence_type(tx, draft, clean.rules, clean.fields, clean.layout, actor=actor)
    return draft


def checked_licence_type(said: Mapping[str, Any], now: Standing) -> SaidType:
    """What is said over what stands, clean; Faulty with the faults of the fields, or else of rules and layout together."""
    faults: list[Fault] = []
    given = said.get("rules", {})
    # Rules and layout name fields: where these are wrong, what is said of the others would mislead.
    fields = parse_defs(said.get("fields", now.fields))
    rules, wrong = parse_rules({**now.rules, **given} if isinstance(given, Mapping) else given, fields)
    faults += wrong
    layout = Layout()
    try:
        layout = parse_layout(said.get("layout", now.layout), fields)
    except Faulty as error:
        faults += error.faults
    refuse(faults)
    return SaidType(rules, fields, layout)
