"""The package of a corrected decision: what a department was sent last, with what is right in place.

Guarantees: what was left out stays so, and what was masked is masked anew; a held push, which nobody has, is right from the
start.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hub.deciding.owed_rows import held_context
from hub.deciding.told import Recipient
from hub.ports import Desk
from hub.pushing.package import instant
from hub.pushing.push import Push
from hub.pushing.rulebook import Clock
from hub.pushing.withhold import masked_text
from schemas import dumps, loads

#: Columns of a decision that can be corrected, and where a package has them.
COLUMNS = {
    "document_name": "result.result_cetr_name",
    "decided_on": "result.result_date",
    "result_type": "result.result_type",
    "explanation": "result.result_explain",
}


def correct_held(
    tx: Connection,
    ids: Sequence[uuid.UUID],
    columns: Mapping[str, Any],
    elements: Mapping[str, str],
    desk: Desk,
) -> None:
    """What held pushes will be made of is right from the start: nobody has it yet, so nobody is told."""
    query = select(Push.id, Push.held_package).where(Push.id.in_(ids), Push.held_package.is_not(None))
    for push_id, sealed in tx.execute(query).all() if ids else ():
        assert sealed is not None
        context = held_context(push_id)
        kept = loads(desk.identities.unseal_text(bytes(sealed), context=context).encode())
        kept["data"] = _corrected(kept["data"], columns, elements, frozenset())
        blob = desk.identities.seal_text(dumps(kept).decode(), context=context)
        tx.execute(update(Push).where(Push.id == push_id).values(held_package=blob))


def about(reason: str, document_no: str | None, paths: Sequence[str], now: datetime) -> dict[str, Any]:
    """What every department is told of the correction; `paths` as the decision has them."""
    changed = [COLUMNS.get(path, path) for path in paths]
    return {"reason": reason, "document_no": document_no, "at": instant(now), "changed": changed}


def corrected_package(
    to: Recipient,
    columns: Mapping[str, Any],
    elements: Mapping[str, str],
    clock: Clock,
    revision: int,
    told: Mapping[str, Any],
) -> dict[str, Any]:
    """What this department was sent last, with what changed in place."""
    withheld = frozenset(to.withheld or ())
    data = _corrected(to.data, columns, elements, withheld)
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


def _corrected(
    data: Mapping[str, Any],
    columns: Mapping[str, Any],
    elements: Mapping[str, str],
    withheld: frozenset[str],
) -> dict[str, Any]:
    """The data with what is right in place; what was left out stays so, what was masked is masked anew."""
    result = dict(data["result"])
    for name, value in columns.items():
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
        for name, value in elements.items():
            if f"elements.{name}" not in withheld:
                shown[name] = value
            elif name in shown:
                shown[name] = masked_text(value)
    return {**data, "result": result, "elements": shown}
