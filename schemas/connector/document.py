"""The connector document 连接器文档: endpoints, flows, field rules, code tables; as JSON and as TOML the same.

Guarantees: reading names every fault at once (`Faults`), by the place in the document where it is; a document that was read
writes back to the same document. Secrets are never in it, only where they are kept. Does not connect to anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, Literal

from schemas.connector.faults import Fault, Faults
from schemas.connector.structure import shape_faults

__all__ = [
    "FORMAT",
    "IN_KINDS",
    "OUT_MESSAGES",
    "CodeTable",
    "ConnectorDocument",
    "Direction",
    "Endpoint",
    "Fault",
    "Faults",
    "FieldRule",
    "Flow",
    "KnownColumn",
    "Running",
    "Transform",
    "document_from",
    "document_to",
]

FORMAT = 1
Direction = Literal["out", "in"]
#: Messages that can go to a department's system.
OUT_MESSAGES = (
    "approval.decided.v1",
    "approval.corrected.v1",
    "approval.withdrawn.v1",
    "licence.changed.v1",
    "finding.forwarded.v1",
    "advice.forwarded.v1",
)
#: Kinds of statements that can come from it: schemas.drafts.forms.FORMS, and the three statements about a package.
IN_KINDS = (
    "finding",
    "plan",
    "rectification",
    "enforcement",
    "credit",
    "withdrawal",
    "advice",
    "supply",
    "claimed",
    "returned",
    "closed",
)


@dataclass(frozen=True, slots=True)
class Transform:
    """One step of a field rule: a name out of `schemas.mapping.transforms.TRANSFORMS`, and its options."""

    do: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one target field comes about: sources (paths into the record), then the steps in order."""

    target: str
    sources: tuple[str, ...] = ()  # none: the first step makes the value ('constant', 'expression', 'now')
    steps: tuple[Transform, ...] = ()
    when: str = ""  # a condition in CEL over the record; false: `otherwise`
    otherwise: Any = None
    required: bool = False  # an empty value refuses the record
    note: str = ""


@dataclass(frozen=True, slots=True)
class CodeTable:
    """Theirs and ours, both ways. `ours` names a table of schemas.codes, or is empty."""

    name: str
    title: str = ""
    ours: str = ""
    pairs: tuple[tuple[str, str], ...] = ()  # (theirs, ours); the first of several that fit is taken


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place of the department's, reached in one way. `secrets`: setting -> 'sealed', 'env:NAME' or 'file:PATH'."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownColumn:
    """A field of the other side, as it was last seen or typed in: what an editor offers, never what a run relies on."""

    name: str
    title: str = ""
    kind: str = "text"  # as connectors.adapters.port.Column
    required: bool = False
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of message in one direction over one endpoint, with its mapping."""

    name: str
    direction: Direction
    message: str  # one of OUT_MESSAGES, or of IN_KINDS
    endpoint: str
    place: Mapping[str, Any] = field(default_factory=dict)  # table, folder, path ... as the kind's form says
    each: str = ""  # out: one record for every element of this list ('materials[]'); empty: one per message
    when: str = ""  # only records for which this CEL condition holds
    fields: tuple[FieldRule, ...] = ()
    columns: tuple[KnownColumn, ...] = ()  # of the other side
    active: bool = True


@dataclass(frozen=True, slots=True)
class Running:
    """When and how fast. Times of day are Asia/Shanghai."""

    poll_seconds: int = 30
    schedule: str = ""  # a cron expression for collecting; empty: every `poll_seconds`
    rate_per_minute: int = 0  # records out, 0 = as fast as it goes
    quiet_from: str = ""  # 'HH:MM'
    quiet_to: str = ""
    silent_after_days: int = 0  # working days without anything coming; 0 = no alarm


@dataclass(frozen=True, slots=True)
class ConnectorDocument:
    """Everything about one connector."""

    code: str
    department: str
    title: str
    area: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    flows: tuple[Flow, ...] = ()
    code_tables: tuple[CodeTable, ...] = ()
    running: Running = field(default_factory=Running)
    note: str = ""


def document_from(mapping: Any) -> ConnectorDocument:
    """The document that a mapping (of JSON or TOML) says. Raises Faults with everything that is wrong with its shape."""
    if faults := shape_faults(mapping):
        raise Faults(faults)
    said: dict[str, Any] = {name: value for name, value in mapping.items() if name != "format"}
    said["endpoints"] = tuple(Endpoint(**one) for one in said.get("endpoints", ()))
    said["flows"] = tuple(_flow(one) for one in said.get("flows", ()))
    said["code_tables"] = tuple(_code_table(one) for one in said.get("code_tables", ()))
    said["running"] = Running(**said.get("running", {}))
    return ConnectorDocument(**said)


def _flow(said: Mapping[str, Any]) -> Flow:
    rules = tuple(_rule(one) for one in said.get("fields", ()))
    columns = tuple(KnownColumn(**one) for one in said.get("columns", ()))
    return Flow(**{**said, "fields": rules, "columns": columns})


def _rule(said: Mapping[str, Any]) -> FieldRule:
    steps = tuple(Transform(**one) for one in said.get("steps", ()))
    return FieldRule(**{**said, "sources": tuple(said.get("sources", ())), "steps": steps})


def _code_table(said: Mapping[str, Any]) -> CodeTable:
    return CodeTable(**{**said, "pairs": tuple((theirs, ours) for theirs, ours in said.get("pairs", ()))})


def document_to(document: ConnectorDocument) -> dict[str, Any]:
    """The mapping that says this document: what differs from the defaults, always in the same order."""
    return {"format": FORMAT, **_said(document)}


def _said(value: Any) -> dict[str, Any]:
    found = {}
    for one in fields(value):
        held = getattr(value, one.name)
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        if held != default:
            found[one.name] = _plain(held)
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _said(value)
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
