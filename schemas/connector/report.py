"""What a connector at a department says of itself, as its published JSON Schema (`report.schema.json`) has it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from schemas.connector.faults import Fault
from schemas.encoding import loads
from schemas.wording import in_chinese


@cache
def report_schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    schema: dict[str, Any] = loads((files("schemas") / "connector" / "report.schema.json").read_bytes())
    return schema


def report_faults(report: Any) -> list[Fault]:
    """What is wrong with a report; empty when nothing is."""
    return [
        Fault(path, words) for error in _validator().iter_errors(report) for path, words in in_chinese(error)
    ]


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(report_schema(), validate_formats=True, offline=True)
