"""The forms of the three shelves ask for the same, and what they offer is what the adapters understand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from connectors.adapters import Outside, open_adapter
from schemas.connector.document import Endpoint, Flow
from schemas.connector.kinds import form_part, settings_faults
from tests.adapters.contract import deliver
from tests.adapters.counterpart import record

SHELVES = ("folder", "sftp", "s3")


def properties(kind: str, direction: Any) -> dict[str, Any]:
    part = form_part(kind, direction)
    assert part is not None
    own = {"description": "", "x-description-en": ""}
    return {name: {**one, **own} for name, one in part["properties"].items()}


@pytest.mark.parametrize("direction", ["out", "in"])
def test_the_shelves_ask_for_the_same(direction: str) -> None:
    """Claim: whoever knows one of them knows the others; only what a root is called differs."""
    assert properties("folder", direction) == properties("sftp", direction) == properties("s3", direction)


def test_nothing_filled_in_means_the_defaults(tmp_path: Path) -> None:
    """Claim: a flow that says nothing but the format works with the folders that the form shows."""
    for folder in ("out", "in"):
        (tmp_path / folder).mkdir()
    out = Flow("f", "out", "x", "e", {"format": "csv"})
    adapter = open_adapter(Endpoint("e", "folder", {"root": "."}), out, Outside(base=tmp_path))
    assert deliver(adapter, [record(1)]) == [None]
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".csv"]
    incoming = Flow("f", "in", "x", "e", {})
    adapter = open_adapter(Endpoint("e", "folder", {"root": "."}), incoming, Outside(base=tmp_path))
    assert [one.ok for one in adapter.check()] == [True] * 3


@pytest.mark.parametrize("direction", ["out", "in"])
def test_every_choice_is_understood(direction: Any, tmp_path: Path) -> None:
    """Claim: every value that the form offers, in every format, opens an adapter."""
    asked = properties("folder", direction)
    base = {name: one["default"] for name, one in asked.items() if "default" in one}
    choices = [(name, value) for name, one in asked.items() for value in one.get("enum", ())]
    for (name, value), kind in itertools.product(choices, asked["format"]["enum"]):
        place = {**base, "format": kind, name: value}
        flow = Flow("f", direction, "x", "e", place)
        open_adapter(Endpoint("e", "folder", {"root": "."}), flow, Outside(base=tmp_path))
        shown = {key: one for key, one in place.items() if key in ("folder", "format", name)}
        assert [one for one in settings_faults("folder", direction, shown) if one.at in shown] == []
