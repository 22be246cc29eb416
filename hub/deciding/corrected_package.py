"""The package of a corrected decision: what a department was sent last, with what is right in place.

Guarantees: what was left out stays so, and what was masked is masked anew; a held push, which nobody has, is right from the
start.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hub.deciding.brought import Brought
from hub.deciding.owed_rows import held_context
from hub.deciding.told import Recipient
from hub.ports import Desk
from hub.pushing.package import instant
from hub.pushing.push import Push
from hub.pushing.rulebook import Clock
from hub.pushing.withhold import masked_text, withhold_strictly
from schemas import dumps, loads

#: Columns of a decision that can be corrected, and where a package has them.
COLUMNS = {
    "document_name": "result.result_cetr_name",
    "decided_on": "result.result_date",
    "result_type": "result.result_type",
    "explanation": "result.result_explain",
}


_LONGEST_PATH = 200  # as the schema has it


@dataclass(frozen=True, slots=True)
class Right:
    """What is right: columns, elements, and steps and materials that were not there, as a package names them."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    elements: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()
    brought: Brought | None = None

    @property
    def touches_the_decision(self) -> bool:
        """Whether what was decided changes; a material that came late leaves it as it is."""
        return bool(self.columns or self.elements or self.steps)


def correct_held(tx: Connection, ids: Sequence[uuid.UUID], right: Right, desk: Desk) -> None:
    """What held pushes will be made of is right from the start: nobody has it yet, so nobody is told."""
    query = select(Push.id, Push.held_package).where(Push.id.in_(ids), Push.held_package.is_not(None))
    for push_id, sealed in tx.execute(query).all() if ids else ():
        assert sealed is not None
        context = held_context(push_id)
        kept = loads(desk.identities.unseal_text(bytes(sealed), context=context).encode())
        kept["data"] = _corrected(kept["data"], right, frozenset())
        blob = desk.identities.seal_text(dumps(kept).decode(), context=context)
        tx.execute(update(Push).where(Push.id == push_id).values(held_package=blob))


def about(reason: str, document_no: str | None, paths: Sequence[str], now: datetime) -> dict[str, Any]:
    """What every department is told of the correction; `paths` as the decision has them."""
    changed = [COLUMNS.get(path, path) for path in paths]
    return {"reason": reason, "document_no": document_no, "at": instant(now), "changed": changed}


def corrected_package(
    to: Recipient, right: Right, clock: Clock, revision: int, told: Mapping[str, Any]
) -> dict[str, Any]:
    """What this department was sent last, with what changed in place."""
    withheld = frozenset(to.withheld or ())
    data = _corrected(to.data, right, withheld)
    visible = [path[:_LONGEST_PATH] for path in told["changed"] if not _hidden(path, withheld)]
    return {
        **data,
        "push": {
            **data["push"],
            "sign_by": instant(clock.sign_by) if clock.sign_by else None,
            "revision": revision,
        },
        "correction": {
            "revision": revision,
            "replaces_event_id": str(to.event_id),
            "replaces_sha256": bytes(to.sha256).hex(),
            **told,
            "changed": visible,
        },
    }


def _hidden(path: str, withheld: frozenset[str]) -> bool:
    """Whether a path that changed would tell of what is withheld: an element, or the file of a line."""
    section, _, name = path.partition("[")
    if path.startswith("elements."):
        return not withheld.isdisjoint({path, "elements"})
    of_line = {f"{section}[]", path}
    if section == "reused":
        of_line |= {"materials[]", f"materials[{name}"}
    return section in ("materials", "reused") and not withheld.isdisjoint(of_line)


def _corrected(data: Mapping[str, Any], right: Right, withheld: frozenset[str]) -> dict[str, Any]:
    """The data with what is right in place; what was left out stays so, what was masked is masked anew."""
    result = dict(data["result"])
    for name, value in right.columns.items():
        path = COLUMNS[name]
        if name == "document_name" and data["licence"]:
            continue  # the result is named after its licence
        member = path.partition(".")[2]
        if path in withheld and result[member] is None:
            continue
        text = value.isoformat() if isinstance(value, date) else str(value)
        result[member] = masked_text(text) if path in withheld else text
    shown = dict(data["elements"])
    if "elements" not in withheld:
        for name, value in right.elements.items():
            if f"elements.{name}" not in withheld:
                shown[name] = value
            elif name in shown:
                shown[name] = masked_text(value)
    found = {**data, "result": result, "elements": shown}
    if right.steps:
        steps = withhold_strictly({"steps": list(right.steps)}, withheld)["steps"]
        found["steps"] = [*data["steps"], *steps]
    if right.brought:
        found |= _with_brought(data, right.brought, withheld)
    if data.get("completeness"):
        found["completeness"] = {
            **data["completeness"],
            "missing": still_missing(data["completeness"]["missing"], right),
        }
    return found


def still_missing(missing: Sequence[Mapping[str, Any]], right: Right) -> list[Mapping[str, Any]]:
    """What was missing, without what is there now."""
    come = {("element", name) for name, value in right.elements.items() if value.strip()}
    come |= {("step", step["process_name"]) for step in right.steps}
    come |= {("material", code) for code in (right.brought.codes if right.brought else ())}
    return [one for one in missing if (one["kind"], one["code"] or one["name"]) not in come]


def _with_brought(data: Mapping[str, Any], brought: Brought, withheld: frozenset[str]) -> dict[str, Any]:
    """The parts that hold what came late; a promise that was kept is none any more."""
    new = brought.only_new(data, withheld)
    found: dict[str, Any] = {"materials": [*data["materials"], *new["materials"]]}
    if new["reused"]:
        found["reused"] = [*data.get("reused", ()), *new["reused"]]
    if "promised" in data:
        found["promised"] = [row for row in data["promised"] if row["material_name"] in brought.promised]
    return found
