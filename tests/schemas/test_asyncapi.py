"""The AsyncAPI document."""

from __future__ import annotations

import re
from typing import Any

import jsonschema

from schemas import MESSAGE_TYPES, loads
from schemas.asyncapi import PATH, document, text


def test_the_committed_document_is_up_to_date() -> None:
    """asyncapi.json is what the schemas generate; `python -m schemas.asyncapi` writes it anew."""
    assert PATH.read_text("utf-8") == text()


def test_every_reference_leads_somewhere() -> None:
    """All $ref resolve inside the document."""
    whole = document()
    refs = set(re.findall(r'"\$ref": "(#[^"]+)"', text()))
    assert refs
    for ref in refs:
        assert _resolve(whole, ref), ref


def test_each_message_has_one_channel_and_its_headers() -> None:
    """Every message type travels on exactly one channel, signed, keyed by case number."""
    whole = document()
    carried = [name for channel in whole["channels"].values() for name in channel["messages"]]
    assert sorted(carried) == sorted(MESSAGE_TYPES)
    assert {channel["address"] for channel in whole["channels"].values()} == {
        "{area}.{department}.in",
        "{area}.{department}.out",
    }
    for message in whole["components"]["messages"].values():
        assert message["headers"] == {"$ref": "#/components/schemas/headers"}
        assert message["bindings"]["kafka"]["key"]["type"] == "string"


def test_its_own_examples_fit_its_own_schemas() -> None:
    """A reader with nothing but asyncapi.json and a JSON Schema validator can check the examples."""
    whole = loads(PATH.read_bytes())
    for name, message in whole["components"]["messages"].items():
        schema = {"$ref": f"#/components/schemas/{name}/schema", "components": whole["components"]}
        validator = jsonschema.Draft202012Validator(schema)
        for example in message["examples"]:
            validator.validate(example["payload"])
        assert not validator.is_valid({**message["examples"][0]["payload"], "data": {}})


def _resolve(whole: Any, ref: str) -> Any:
    node = whole
    for part in ref[2:].split("/"):
        node = node[part]
    return node
