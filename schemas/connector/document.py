"""The connector document 连接器文档: endpoints, flows, field rules, code tables; as JSON and as TOML the same.

Guarantees: reading names every fault at once (`Faults`), by the place in the document where it is; a document that was read
writes back to the same document. Secrets are never in it, only where they are kept. Does not connect to anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

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


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place: 'flows[0].fields[3].steps[1]', and a sentence."""

    at: str
    words: str


class Faults(ValueError):
    """Everything that is wrong with a document."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(f"{one.at}：{one.words}" for one in faults))
        self.faults = tuple(faults)
