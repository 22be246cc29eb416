"""Completeness 完整性: whether a package holds every material, step and element that its item's version requires.

The version is the one a case was taken in by; for a decision that comes with its case (from a sheet), the one in force.
A material counts when it was taken, reused (or something that may stand in for it was), or may still follow (容缺).
Guarantees: what is missing is named in the package, on the push, and to the approving department; nothing is left out
in silence.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.round_trips import Question

#: What an item's version requires; versions that cases were taken in by, and those in force of the items.
_REQUIRED = """
SELECT v.id, v.item_code, v.state = 'published', v.number, v.steps, v.elements,
  (SELECT coalesce(jsonb_agg(jsonb_build_array(r.id, r.code, r.name) ORDER BY r.seq, r.code), '[]')
   FROM requirements r WHERE r.version_id = v.id AND r.required)
FROM item_versions v
WHERE v.state = 'published' AND v.item_code = ANY(%(items)s)
  OR v.id IN (SELECT item_version_id FROM cases WHERE case_no = ANY(%(case_nos)s))
"""


@dataclass(frozen=True, slots=True)
class Required:
    """Of one version: materials (requirement id, code, name), steps by name, elements (name, title)."""

    materials: tuple[tuple[str, str, str], ...] = ()
    steps: tuple[str, ...] = ()
    elements: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.materials) + len(self.steps) + len(self.elements)


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that one batch of decisions is held to."""

    by_id: Mapping[uuid.UUID, Required]
    in_force: Mapping[str, Required]

    def of(self, version_id: uuid.UUID | None, item_code: str) -> Required | None:
        """What a case is held to; None where its item asks for nothing at all."""
        return self.by_id.get(version_id) if version_id else self.in_force.get(item_code)


def required(item_codes: Collection[str], case_nos: Sequence[str]) -> Question:
    """Ask what these items and cases require."""
    return _REQUIRED, {"items": list(set(item_codes)), "case_nos": list(case_nos)}


def read_required(rows: Sequence[Any]) -> Versions:
    """From the answer to `required`."""
    by_id: dict[uuid.UUID, Required] = {}
    in_force: dict[str, Required] = {}
    for id_, item_code, published, _number, steps, elements, materials in rows:
        by_id[id_] = Required(
            tuple((str(one), str(code), str(name)) for one, code, name in materials),
            tuple(str(one["name"]) for one in steps),
            tuple((str(one["name"]), str(one.get("title") or one["name"])) for one in elements),
        )
        if published:
            in_force[item_code] = by_id[id_]
    return Versions(by_id, in_force)


def missing(
    asked: Required, data: Mapping[str, Any], met: Collection[str], *, source: str
) -> list[dict[str, Any]]:
    """What the package lacks, materials first. `met`: ids of requirements that are met; `source` is the case's."""
    why = "决定随表格导入，没有附材料" if source == "sheet" else None
    found: list[dict[str, Any]] = [
        {"kind": "material", "code": code, "name": name, "why": why}
        for code, name in materials_missing(asked, data["materials"], met)
    ]
    if asked.steps:
        done = {step["process_name"] for step in data["steps"]}
        found += [
            {"kind": "step", "code": None, "name": name, "why": None}
            for name in asked.steps
            if name not in done
        ]
    if asked.elements:
        filled = {name for name, value in data["elements"].items() if str(value or "").strip()}
        filled |= {str(one["name"]) for one in data.get("form", ()) if str(one["value"]).strip()}
        found += [
            {"kind": "element", "code": name, "name": title, "why": None}
            for name, title in asked.elements
            if name not in filled
        ]
    return found


def materials_missing(
    asked: Required, materials: Sequence[Mapping[str, Any]], met: Collection[str]
) -> list[tuple[str, str]]:
    """Code and name of every material that is not there.

    A file that was not taken for a line of the list meets the line whose name its own name holds.
    """
    files = [str(one["material_name"]) for one in materials if one["get_type"] != "审批结果"]
    return [
        (code, name)
        for id_, code, name in asked.materials
        if id_ not in met and not any(name in file for file in files)
    ]


def told(found: Sequence[Mapping[str, Any]]) -> str:
    """What is missing, in words."""
    kinds = {"material": "材料", "step": "环节", "element": "要素"}
    parts = [
        f"{title}：{'、'.join(str(one['name']) for one in found if one['kind'] == kind)}"
        for kind, title in kinds.items()
        if any(one["kind"] == kind for one in found)
    ]
    return "；".join(parts)
