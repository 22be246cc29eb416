"""What the setup pages post, read into the connector's document. What is not on a page stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin.connecting.kind_forms import posted_secrets, posted_values
from admin.connecting.reading import parts
from schemas.connector.document import IN_KINDS, OUT_MESSAGES
from schemas.connector.kinds import kind_form, kind_names

#: What a flow of a message is called at first.
NAMES = {
    "approval.decided.v1": "decided",
    "approval.corrected.v1": "corrected",
    "approval.withdrawn.v1": "withdrawn",
    "licence.changed.v1": "licence",
    "finding.forwarded.v1": "forwarded",
    "advice.forwarded.v1": "told",
}
_RUNNING = {
    "poll_seconds": 30,
    "schedule": "",
    "rate_per_minute": 0,
    "quiet_from": "",
    "quiet_to": "",
    "silent_after_days": 0,
}

Document = dict[str, Any]


def form_of(kind: Any) -> Mapping[str, Any]:
    """The form of a kind; an empty one for a kind of another's that has none."""
    return (
        kind_form(str(kind))
        if kind in kind_names()
        else {"kind": kind, "title": kind, "directions": ["out", "in"]}
    )


def place_schema(document: Mapping[str, Any], flow: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of what a flow says of its place."""
    endpoint = next((e for e in parts(document, "endpoints") if e.get("name") == flow.get("endpoint")), {})
    schema = form_of(endpoint.get("kind")).get(str(flow.get("direction")))
    return schema if isinstance(schema, Mapping) else None


def started(code: str, department: str, title: str, area: str, kind: str) -> Document:
    """The document of a new connector with one endpoint: packages out and findings back, as far as the kind can."""
    ways = form_of(kind).get("directions", ())
    flows = [
        {"name": name, "direction": way, "message": message, "endpoint": kind}
        for way, message, name in (("out", "approval.decided.v1", "decided"), ("in", "finding", "finding"))
        if way in ways
    ]
    return {
        "code": code,
        "department": department,
        "title": title,
        "area": area,
        "endpoints": [{"name": kind, "kind": kind}],
        "flows": flows,
    }


def free_name(wanted: str, taken: set[str]) -> str:
    """A name that nothing has yet."""
    name, n = wanted.replace("_", "-"), 1
    while name in taken:
        n += 1
        name = f"{wanted.replace('_', '-')}-{n}"
    return name


def add_endpoint(document: Document, kind: str) -> None:
    """One more place of the department's."""
    if kind in kind_names():
        there = parts(document, "endpoints")
        name = free_name(kind, {str(one.get("name")) for one in there})
        document["endpoints"] = [*there, {"name": name, "kind": kind}]


def add_flow(document: Document, said: str) -> None:
    """One more flow; `said` is its direction and message: 'out approval.decided.v1'."""
    way, _mark, message = said.partition(" ")
    if (way, message) not in {*(("out", one) for one in OUT_MESSAGES), *(("in", one) for one in IN_KINDS)}:
        return
    there = parts(document, "flows")
    endpoints = parts(document, "endpoints")
    fit = next((e for e in endpoints if way in form_of(e.get("kind")).get("directions", ())), None)
    name = free_name(NAMES.get(message, message), {str(one.get("name")) for one in there})
    endpoint = str((fit or (endpoints or [{}])[0]).get("name", ""))
    document["flows"] = [*there, {"name": name, "direction": way, "message": message, "endpoint": endpoint}]


def drop(document: Document, part: str, at: str) -> None:
    """Leave one of a list out."""
    there = parts(document, part)
    document[part] = [one for number, one in enumerate(there) if str(number) != at]


def posted_endpoints(
    document: Document, form: Mapping[str, str]
) -> tuple[Document, dict[tuple[str, str], str]]:
    """The document with the endpoints as the form says, and the secrets that were typed."""
    made, typed = [], {}
    for number, one in enumerate(parts(document, "endpoints")):
        prefix = f"e-{number}"
        if form.get(f"{prefix}-name", one.get("name")) != one.get("name"):
            made.append(dict(one))  # another one stands here now: the page was made before that
            continue
        schema = form_of(one.get("kind")).get("settings")
        settings = posted_values(schema, prefix, form, one.get("settings") or {})
        where, said = posted_secrets(schema, prefix, form, one.get("secrets") or {})
        made.append(_without_empty({**one, "settings": settings, "secrets": where}))
        typed.update({(str(one["name"]), key): value for key, value in said.items()})
    title, note = form.get("title", "").strip()[:80], form.get("note", "").strip()[:1000]
    out = {**document, "endpoints": made}
    if "title" in form:
        out = {**out, "title": title or document.get("title", ""), "note": note}
    return _without_empty(out), typed


def posted_flows(document: Document, form: Mapping[str, str]) -> Document:
    """The document with flows and running as the form says."""
    flows = []
    for number, one in enumerate(parts(document, "flows")):
        prefix = f"f-{number}"
        flow = dict(one)
        if form.get(f"{prefix}-name", one.get("name")) != one.get("name"):
            flows.append(flow)
            continue
        if f"{prefix}-endpoint" in form:
            flow["endpoint"] = form[f"{prefix}-endpoint"]
            flow["active"] = f"{prefix}-active" in form
        schema = place_schema(document, flow)
        same = flow.get("endpoint") == one.get("endpoint")
        flow["place"] = posted_values(schema, f"{prefix}-p", form, one.get("place") or {}) if same else {}
        if flow.get("active", True):
            flow.pop("active", None)
        flows.append(_without_empty(flow))
    return _without_empty({**document, "flows": flows, "running": _running(document, form)})


def _running(document: Document, form: Mapping[str, str]) -> Document:
    before = document.get("running") or {}
    if "r-poll_seconds" not in form:
        return dict(before)
    said: Document = {}
    for key, default in _RUNNING.items():
        text = form.get(f"r-{key}", "").strip()[:100]
        value: Any = text
        if isinstance(default, int):
            value = int(text) if text.isdecimal() and len(text) < 9 else (text or default)
        if value != default:
            said[key] = value
    return said


def running_shown(document: Mapping[str, Any]) -> Document:
    """The running settings with what is not said."""
    return {**_RUNNING, **(document.get("running") or {})}


def box_of(at: str) -> str:
    """The name of the box that a fault's place belongs to; '' where it has none of its own."""
    head, _dot, rest = at.partition(".")
    if head == "running":
        return f"r-{rest}"
    name, _mark, number = head.rstrip("]").partition("[")
    part, _dot, key = rest.partition(".")
    if name == "endpoints" and part in ("settings", "secrets"):
        return f"e-{number}-{key}" if key else ""
    if name == "flows" and part == "place":
        return f"f-{number}-p-{key}" if key else ""
    return f"f-{number}-{part}" if name == "flows" and part == "endpoint" else ""


def _without_empty(value: Mapping[str, Any]) -> Document:
    return {key: one for key, one in value.items() if one not in ({}, [], "", None)}
