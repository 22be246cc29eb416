"""Ready-made mappings fit what is really sent."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from schemas import examples_of, loads
from schemas.connector.document import document_from
from schemas.mapping import compile_mapping

FOLDER = files("schemas") / "connector" / "presets"
NAMES = sorted(one.name.removesuffix(".json") for one in FOLDER.iterdir() if one.name.endswith(".json"))


def preset(name: str) -> dict[str, Any]:
    found: dict[str, Any] = loads((FOLDER / f"{name}.json").read_bytes())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_example_can_be_mapped(name: str) -> None:
    """Claim: every published example of a message goes through every flow out without a fault."""
    said = preset(name)
    document = document_from(
        {
            "format": 1, "code": "ready", "department": "scjg", "title": "x", "flows": said["flows"],
            "code_tables": said.get("code_tables", []), "endpoints": [{"name": "own", "kind": said["kind"]}],
        }
    )  # fmt: skip
    for flow in (one for one in document.flows if one.direction == "out"):
        compiled = compile_mapping(flow, document.code_tables)
        for event in examples_of(flow.message):
            around = {one: event[one] for one in ("id", "subject", "type", "time")}
            assert compiled.apply({**event["data"], "event": around}).faults == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_card_reads_in_both_languages(name: str) -> None:
    """Claim: title and summary are there in Chinese and in English, which holds no Chinese."""
    said = preset(name)
    for key in ("title", "summary"):
        assert not said[key].isascii()
        assert said[f"{key}_en"].isascii()
