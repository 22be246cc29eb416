"""The developers' pages: whole, linked, searchable, and the same as the contracts."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from schemas import code_table_names, loads, schema_of
from schemas.connector.kinds import kind_names
from schemas.messages import MESSAGE_TYPES
from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]
PAGES = (
    "",
    "rest",
    "messages",
    "codes",
    "connector",
    "adapters",
    "conform",
    *(f"messages/{name}" for name in MESSAGE_TYPES),
)


def body(client: FlaskClient, path: str) -> str:
    answer = client.get(f"/developers/{path}")
    assert answer.status_code == 200, answer.get_data(as_text=True)[:400]
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_opens_and_every_link_leads_somewhere(language: str, as_user: Client) -> None:
    """In both languages: no page fails, and every anchor that a link within the documentation names is there."""
    client = as_user("clerk")
    client.get(f"/lang/{language}")
    pages = {f"/developers/{path}": body(client, path) for path in PAGES}
    client.get("/lang/zh")
    anchors = {path: set(re.findall(r' id="([^"]+)"', page)) for path, page in pages.items()}
    for path, page in pages.items():
        content = page.split('id="content"')[1]
        for href in (unescape(one) for one in re.findall(r'href="([^"]*#[^"]+)"', content)):
            where, _, anchor = href.partition("#")
            assert anchor in anchors[where or path], (path, href)


def test_everything_that_is_published_has_its_place(as_user: Client) -> None:
    """Every REST call, property of a message, code table, kind of adapter and part of a connector document is shown."""
    client = as_user("overseer")
    rest = body(client, "rest")
    described = client.get("/developers/openapi.json").get_json()
    assert all(path in rest for path in described["paths"])
    decided = body(client, "messages/approval.decided.v1")
    for name in schema_of("approval.decided.v1")["$defs"]["material"]["properties"]:
        assert f"data.materials[].{name}" in decided
    assert "data.case.applyer_name" in decided
    codes = body(client, "codes")
    assert all(f'id="{name}"' in codes for name in code_table_names())
    adapters = body(client, "adapters")
    assert all(f'id="{name}"' in adapters for name in kind_names())
    assert "class JsonFiles(Adapter)" in adapters
    assert "flows[].fields[].steps[].do" in body(client, "connector")


def test_the_search_finds_fields_by_name_and_code(as_user: Client) -> None:
    """A Chinese name, a field's code and a code's name lead to their places; nonsense finds nothing."""
    client = as_user("clerk")
    assert "messages/approval.decided.v1#f-data-case-applyer-name" in body(client, "?q=applyer_name")
    assert "/developers/codes#check_result" in body(client, "?q=检查结果")
    assert "没有找到" in body(client, "?q=<script>")
    assert "receiveMessages" in body(client, "?q=messages+GET")


def test_the_archive_is_complete_and_the_same_again(hub: Hub, as_user: Client) -> None:
    """One zip with every message, code table, form and both documents, readable, byte for byte the same twice."""
    client = as_user("clerk")
    raw = client.get("/developers/schemas.zip").get_data()
    assert raw == client.get("/developers/schemas.zip").get_data()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        names = set(packed.namelist())
        read: dict[str, Any] = {name: loads(packed.read(name)) for name in names}
    assert {f"messages/{name}.schema.json" for name in MESSAGE_TYPES} <= names
    assert {f"codes/{name}.json" for name in code_table_names()} <= names
    assert read["openapi.json"]["openapi"] == "3.1.0"
    assert read["asyncapi.json"]["asyncapi"] == "3.0.0"
    assert hub.app.test_client().get("/developers/").status_code == 302
