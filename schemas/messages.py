"""The messages that cross the border, and what is wrong with one that does not fit.

Guarantees: `violations` looks at the whole CloudEvent with formats asserted, reports every fault at once with its path,
in Chinese, and never raises on any JSON value. Fields that the schemas do not name are allowed and untouched.
Does not guarantee: the signature, that the subject equals the case number inside, or that the case exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from schemas.encoding import loads
from schemas.wording import in_chinese

MESSAGE_TYPES: tuple[str, ...] = (
    "approval.decided.v1",
    "approval.corrected.v1",
    "approval.withdrawn.v1",
    "receipt.v1",
    "supervision.planned.v1",
    "finding.reported.v1",
    "rectification.reported.v1",
    "enforcement.decided.v1",
    "credit.recorded.v1",
    "finding.withdrawn.v1",
    "finding.forwarded.v1",
    "material.supplied.v1",
    "licence.changed.v1",
    "advice.posted.v1",
    "advice.forwarded.v1",
    "count.asked.v1",
    "count.reported.v1",
    "quarantined.v1",
)
MAX_MESSAGE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault: where it is (dotted path, '' for the document itself) and what it is, in Chinese."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}：{self.message}" if self.path else self.message


def violations(event_type: str, document: Any) -> list[Violation]:
    """Every fault of `document` as a CloudEvent of type `event_type`; an empty list means it fits."""
    if event_type not in MESSAGE_TYPES:
        return [Violation("type", f"未知的消息类型“{event_type}”，应为 {'、'.join(MESSAGE_TYPES)} 之一")]
    validator = _validator(event_type)
    if validator.is_valid(document):
        return []
    seen: dict[tuple[str, str], Violation] = {}
    for error in validator.iter_errors(document):
        for path, message in in_chinese(error):
            seen.setdefault((path, message), Violation(path, message))
    return list(seen.values())


def schema_of(event_type: str) -> dict[str, Any]:
    """The JSON Schema of one message as a single self-contained document (the envelope is folded in)."""
    if event_type not in MESSAGE_TYPES:
        raise KeyError(event_type)
    schema = _read(event_type)
    envelope = _read("envelope")
    for key in ("$schema", "title", "description"):
        envelope.pop(key)
    schema["allOf"] = [{"$ref": "#/$defs/envelope"}]
    schema["$defs"]["envelope"] = envelope
    return schema


def examples_of(event_type: str) -> list[dict[str, Any]]:
    """Complete valid CloudEvents of this type, with synthetic bodies and people only."""
    examples: list[dict[str, Any]] = schema_of(event_type)["examples"]
    return examples


@cache
def _validator(event_type: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema_of(event_type), validate_formats=True, offline=True)


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = loads((files("schemas") / "events" / f"{name}.json").read_bytes())
    return document
