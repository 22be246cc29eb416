"""Everything that is published, as one archive: schemas, code tables, sheets, OpenAPI, AsyncAPI, adapters' forms.

Guarantees: the same contracts are the same bytes; nothing in it is secret.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from schemas import asyncapi, dumps, schema_of
from schemas.messages import MESSAGE_TYPES

_LONG_AGO = (2026, 1, 1, 0, 0, 0)


def schemas_zip(openapi: dict[str, Any]) -> bytes:
    """The archive, with this OpenAPI document in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(_contents(openapi)):
            packed.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _contents(openapi: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield "openapi.json", json.dumps(openapi, ensure_ascii=False, indent=2).encode()
    yield "asyncapi.json", asyncapi.text().encode()
    for name in MESSAGE_TYPES:  # each complete in itself: the envelope is folded in
        yield f"messages/{name}.schema.json", dumps(schema_of(name))
    root = files("schemas")
    yield "connector/connector.schema.json", (root / "connector" / "connector.schema.json").read_bytes()
    yield from _folder(root / "connector" / "kinds", "connector/kinds")
    yield from _folder(root / "codes", "codes")
    yield from _folder(root / "sheets", "sheets")


def _folder(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for one in folder.iterdir():
        if one.name.endswith(".json"):
            yield f"{name}/{one.name}", one.read_bytes()
