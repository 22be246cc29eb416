"""One record through the rules as they stand on the page: what each field becomes, and for what comes in, the message.

Guarantees: changes nothing and says nothing to anybody; bounded, as the engine is; what fails is told in a sentence at
the field it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext

from admin.connecting.kind_forms import fault_said
from admin.in_words import in_words
from hub.errors import Rejected
from schemas import dumps, violations
from schemas.connector.document import CodeTable, Flow
from schemas.connector.faults import Faults
from schemas.drafts.forms import FORMS
from schemas.drafts.unfit import Unfit
from schemas.drafts.written import report_data
from schemas.mapping import brings_rows, compile_mapping
from schemas.mapping.paths import BadPath, parsed

MOST_SHOWN, LONGEST = 20, 2000
MOST_EXPRESSIONS, MOST_EACH = 60, 300
_NOBODY = "0195d0c2-0000-7000-8000-000000000001"
#: What the three statements about a package must say: field -> its name.
_STATED = {
    "claimed": {"by": "认领人 by"},
    "closed": {"by": "经办人 by"},
    "returned": {"reason": "理由 reason"},
}


def tried(
    flow: Flow, tables: tuple[CodeTable, ...], record: Mapping[str, Any], *, kind: str = ""
) -> dict[str, Any]:
    """What the page shows of one record; `kind`: of the flow's endpoint, so that what a run refuses is refused here."""
    try:
        compiled = compile_mapping(flow, tables, whole_rows=brings_rows(kind, flow))
    except Faults as error:
        return {"broken": [{"at": one.at, "words": fault_said(one)} for one in error.faults[:MOST_SHOWN]]}
    mapped = compiled.apply(_shortened(record, flow), explain=True)
    told: dict[str, Any] = {
        "broken": [],
        "skipped": mapped.skipped,
        "count": len(mapped.records),
        "fields": [
            {"target": one.target, "value": shown(one.value), "words": in_words(one.words)}
            for one in mapped.fields
        ],
        "faults": [
            {
                "target": one.target,
                "cause": one.cause,
                "words": in_words(one.words),
                "value": shown(one.value),
            }
            for one in mapped.faults
        ],
        "unmapped": [{"table": one.table, "value": str(one.value)[:500]} for one in mapped.unmapped],
        "records": [shown(one) for one in mapped.records[:MOST_SHOWN]],
    }
    if flow.direction == "in" and mapped.records:
        told["message"] = message_of(flow.message, mapped.records[0])
    return told


def _shortened(record: Mapping[str, Any], flow: Flow) -> Mapping[str, Any]:
    """The record with no more elements of `each` than expressions leave time for: each may take a quarter of a second."""
    expressions = sum(
        bool(one.when) + sum(step.do == "expression" for step in one.steps) for one in flow.fields
    )
    if expressions > MOST_EXPRESSIONS:
        raise Rejected(
            gettext("用公式的字段超过 %(n)s 个，不便在页面上试算。请改用步骤。", n=MOST_EXPRESSIONS)
        )
    most = max(1, MOST_EACH // max(expressions, 1))
    try:
        keys = [one for one in parsed(flow.each)[:-1] if isinstance(one, str)] if flow.each else []
    except BadPath:
        keys = []
    return _cut(record, keys, most) if keys else record


def _cut(here: Any, keys: list[str], most: int) -> Any:
    if not keys:
        return here[:most] if isinstance(here, list) else here
    if not isinstance(here, Mapping) or keys[0] not in here:
        return here
    return {**here, keys[0]: _cut(here[keys[0]], keys[1:], most)}


def message_of(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The data of the message that such fields become, and what its schema says of it."""
    if kind not in FORMS:
        return {"type": "receipt.v1", "data": shown(fields), "faults": _statement_faults(kind, fields)}
    form = FORMS[kind]
    try:
        data = report_data(kind, fields)
    except Unfit as error:
        return {
            "type": form.event_type,
            "data": shown(fields),
            "faults": [{"target": "", "words": in_words(str(error))}],
        }
    data.pop("files", None)  # files are brought and counted where they are
    subject = data.get(form.subject)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if kind in ("withdrawal", "advice"):
        data.setdefault("at", now)
    event = {
        "specversion": "1.0",
        "id": _NOBODY,
        "source": "/990101/preview",
        "type": form.event_type,
        "subject": subject if isinstance(subject, str) else "-",
        "time": now,
        "datacontenttype": "application/json",
        "data": data,
    }
    faults = [] if isinstance(subject, str) else [{"target": form.subject, "words": form.without}]
    known = {target: name for name, target in form.aliases.items()}
    for one in violations(form.event_type, event)[:MOST_SHOWN]:
        path = one.path.removeprefix("data.")
        target = path.split(".")[0].split("[")[0].removesuffix("_fen")
        if target != form.subject or not faults:
            faults.append({"target": known.get(target, target), "words": in_words(f"{path}：{one.message}")})
    return {"type": form.event_type, "data": shown(data), "faults": faults}


def _statement_faults(kind: str, fields: Mapping[str, Any]) -> list[dict[str, str]]:
    faults = [
        {"target": name, "words": gettext("须写明%(what)s", what=title)}
        for name, title in _STATED.get(kind, {}).items()
        if not str(fields.get(name) or "").strip()
    ]
    if not any(str(fields.get(name) or "").strip() for name in ("event_id", "push_id", "case_no")):
        faults.append({"target": "push_id", "words": gettext("须写明是哪个推送包：event_id 或 push_id")})
    return faults


def shown(value: Any) -> Any:
    """A value for the page: as JSON has it, long ones cut."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value if len(value) <= LONGEST else value[:LONGEST] + "…"
        case float():
            return value
        case Mapping():
            return {str(name): shown(one) for name, one in list(value.items())[:500]}
        case list() | tuple():
            return [shown(one) for one in value[:200]]
        case _:
            return str(value)


def too_large(record: Any, most: int) -> bool:
    """Whether a record is more than a page should carry about."""
    return len(dumps(record)) > most
