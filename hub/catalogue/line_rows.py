"""The lines of a version in the database: reading them as they were written down, and writing them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from hub.catalogue.item_lines import Line
from hub.catalogue.item_version import Requirement, StandIn
from hub.round_trips import Rows, write

_TARGETS = {"material": "material_type", "licence": "licence_type", "result": "item_code"}


def read_lines(tx: Connection, version_id: uuid.UUID) -> tuple[Line, ...]:
    """The lines of a version, in order."""
    found = read_all_lines(tx, [version_id])
    return found.get(version_id, ())


def read_all_lines(tx: Connection, versions: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[Line, ...]]:
    """The lines of several versions, in two queries."""
    wanted = list(versions)
    rows = tx.execute(
        select(Requirement.__table__)
        .where(Requirement.version_id.in_(wanted))
        .order_by(Requirement.version_id, Requirement.seq, Requirement.code)
    ).all()
    stand_ins: dict[uuid.UUID, list[tuple[str, str]]] = {}
    for one in tx.execute(
        select(StandIn.__table__)
        .where(StandIn.requirement_id.in_([row.id for row in rows]))
        .order_by(StandIn.requirement_id, StandIn.seq)
    ):
        stand_ins.setdefault(one.requirement_id, []).append((one.kind, getattr(one, _TARGETS[one.kind])))
    found: dict[uuid.UUID, list[Line]] = {}
    for row in rows:
        found.setdefault(row.version_id, []).append(_line(row, stand_ins.get(row.id, ())))
    return {version: tuple(lines) for version, lines in found.items()}


def _line(row: Any, stand_ins: Iterable[tuple[str, str]]) -> Line:
    return Line(
        row.material_type,
        row.name,
        row.code,
        row.required,
        row.may_follow,
        row.deferral_days,
        row.form,
        row.copies,
        tuple(row.formats),
        row.max_bytes,
        row.note,
        tuple(stand_ins),
    )


def replace_lines(tx: Connection, version_id: uuid.UUID, lines: Sequence[Line]) -> None:
    """Put these lines in the place of a draft's; a trigger refuses it for anything but a draft."""
    replace_all_lines(tx, {version_id: lines})


def replace_all_lines(tx: Connection, lines: Mapping[uuid.UUID, Sequence[Line]]) -> None:
    """The same for several drafts, in as many statements as for one."""
    tx.execute(delete(Requirement).where(Requirement.version_id.in_(list(lines))))
    requirements: list[dict[str, Any]] = []
    stand_ins: list[dict[str, Any]] = []
    for version_id, of_one in lines.items():
        for seq, one in enumerate(of_one, 1):
            row_id = uuid.uuid4()
            requirements.append(_requirement(row_id, version_id, seq, one))
            for place, (kind, code) in enumerate(one.stand_ins, 1):
                target = {column: code if name == kind else None for name, column in _TARGETS.items()}
                stand_ins.append(
                    {"id": uuid.uuid4(), "requirement_id": row_id, "seq": place, "kind": kind, **target}
                )
    write(tx, Rows(Requirement, requirements), Rows(StandIn, stand_ins))


def _requirement(row_id: uuid.UUID, version_id: uuid.UUID, seq: int, one: Line) -> dict[str, Any]:
    return {
        "id": row_id,
        "version_id": version_id,
        "code": one.code,
        "seq": seq,
        "name": one.name,
        "material_type": one.material_type,
        "required": one.required,
        "may_follow": one.may_follow,
        "deferral_days": one.deferral_days,
        "form": one.form,
        "copies": one.copies,
        "formats": list(one.formats),
        "max_bytes": one.max_bytes,
        "note": one.note,
    }
