"""The connector document: what is read is what is written, and another validator says the same of its shape."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.connector.document import Faults, document_from, document_to
from schemas.connector.structure import connector_schema, shape_faults
from schemas.connector.titles import TITLES
from schemas.connector.toml_file import read_toml, write_toml
from tests.schemas.connector.documents import DOCUMENTS, EVERYTHING

INDEPENDENT = jsonschema.Draft202012Validator(connector_schema())


def test_the_schema_is_sound() -> None:
    """The published schema is valid 2020-12 and every field in it has a title."""
    jsonschema.Draft202012Validator.check_schema(connector_schema())
    bare = [
        name
        for part in (connector_schema(), *connector_schema()["$defs"].values())
        for name, one in part.get("properties", {}).items()
        if "title" not in one and "$ref" not in one and part.get("title") != "对方的一个栏目"
    ]
    assert bare == []


@given(said=DOCUMENTS)
@settings(max_examples=60, deadline=None)
def test_what_is_read_is_written(said: dict[str, Any]) -> None:
    """By way of JSON and by way of TOML a document stays the same, and says nothing that is the default."""
    document = document_from(said)

    assert document_from(json.loads(json.dumps(document_to(document)))) == document
    assert read_toml(write_toml(document)) == document
    assert document_to(document_from(document_to(document))) == document_to(document)


@given(said=DOCUMENTS, data=st.data())
@settings(max_examples=80, deadline=None)
def test_another_validator_agrees(said: dict[str, Any], data: st.DataObject) -> None:
    """With one value changed to any other, ours and an independent validator of the published schema say the same."""
    broken = copy.deepcopy(said)
    places = list(_places(broken))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(st.sampled_from(["", "x", 7, -1, True, [], {}, ["a"], {"a": 1}, "sealed"]))

    assert (shape_faults(broken) == []) == INDEPENDENT.is_valid(broken)


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(one)


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"title": None}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"bogus": 1}, "bogus"),
        ({"code": "Großes"}, "code"),
        ({"running": {"quiet_from": "25:00"}}, "running.quiet_from"),
        ({"running": {"poll_seconds": float("nan")}}, "running.poll_seconds"),
        (
            {"endpoints": [{"name": "a", "kind": "sql", "secrets": {"password": "hunter2"}}]},
            "endpoints[0].secrets.password",
        ),
        (
            {"flows": [{"name": "a", "direction": "up", "message": "x", "endpoint": "e"}]},
            "flows[0].direction",
        ),
        ({"flows": [{"name": "a/b", "direction": "in", "message": "x", "endpoint": "e"}]}, "flows[0].name"),
    ],
)
def test_every_fault_has_its_place(changes: dict[str, Any], at: str) -> None:
    """What no database keeps, what is not known and what does not fit is named where it stands."""
    with pytest.raises(Faults) as raised:
        document_from(EVERYTHING | changes)

    assert [one.at for one in raised.value.faults] == [at]


def test_a_loop_or_depth_without_end_is_refused() -> None:
    """A document cannot be nested without end."""
    deep: dict[str, Any] = {}
    deep["a"] = deep
    assert "30 层" in shape_faults(EVERYTHING | {"running": deep})[0].words


def test_the_file_is_readable() -> None:
    """Titles stand beside, dates must be in quotes, and what is no TOML is said in a sentence."""
    text = write_toml(document_from(EVERYTHING))

    assert "# 送出：审批决定推送包" in text
    assert '"合格", "1"' in text
    with pytest.raises(Faults, match="加引号"):
        read_toml('code = "a1"\ndepartment = "b1"\ntitle = 2026-11-22')
    with pytest.raises(Faults, match="不是有效的 TOML"):
        read_toml("code = ")


def test_every_message_has_a_name() -> None:
    """A title for every message and kind that a flow can have."""
    from schemas.connector.document import IN_KINDS, OUT_MESSAGES

    assert list(TITLES) == [*OUT_MESSAGES, *IN_KINDS]
