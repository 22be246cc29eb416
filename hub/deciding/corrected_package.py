"""The package of a corrected decision: what a department was sent last, with what is right in place.

Guarantees: what was left out stays so, and what was masked is masked anew; a held push, which nobody has, is right from the
start.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hub.deciding.owed_rows import held_context
from hub.deciding.told import Recipient
from hub.ports import Desk
from hub.pushing.package import instant
from hub.pushing.push import Push
from hub.pushing.rulebook import Clock
from hub.pushing.withhold import LEFT_OUT, MASKED, masked_text, members, parse_path, withhold
from schemas import dumps, loads

#: Columns of a decision that can be corrected, and where a package has them.
COLUMNS = {
    "document_name": "result.result_cetr_name",
    "decided_on": "result.result_date",
    "result_type": "result.result_type",
    "explanation": "result.result_explain",
}


@dataclass(frozen=True, slots=True)
class Right:
    """What is right: columns, elements, and steps that were left out, as a package names them."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    elements: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()


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
    hidden = {path for path in withheld if path.startswith("elements.")}
    visible = [
        path
        for path in told["changed"]
        if path not in hidden and not ("elements" in withheld and path.startswith("elements."))
    ]
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
        found["steps"] = [*data["steps"], *_seen_steps(right.steps, withheld)]
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
    return [one for one in missing if (one["kind"], one["code"] or one["name"]) not in come]


def _seen_steps(steps: Sequence[Mapping[str, Any]], withheld: frozenset[str]) -> list[dict[str, Any]]:
    """Steps as who may not see all of them gets them. Which way each was withheld is not known any more: the strict one."""
    ways: dict[str, list[str]] = {LEFT_OUT: [], MASKED: []}
    for path, way in _withheld_of_steps(withheld):
        ways[way].append(path)
    seen: list[dict[str, Any]] = withhold({"steps": list(steps)}, ways[LEFT_OUT], ways[MASKED])["steps"]
    return seen


def _withheld_of_steps(withheld: frozenset[str]) -> Iterator[tuple[str, str]]:
    can_go = {one.key for one in members("steps") if LEFT_OUT in one.ways}
    for path in sorted(withheld):
        parts = parse_path(path)
        if parts is not None and parts.section == "steps":
            yield path, LEFT_OUT if parts.key is None or parts.key in can_go else MASKED
