"""The developers' pages: whole, linked, searchable, and the same as the contracts."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from html import unescape
from typing import Any

import click
import pytest
from flask.testing import FlaskClient

from schemas import code_table_names, loads, schema_of
from schemas.connector.kinds import kind_names
from schemas.messages import MESSAGE_TYPES
from shenguan.cli import root
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


def test_every_command_that_is_shown_can_be_given(as_user: Client) -> None:
    """Each `shenguan ...` line on the pages names a command, with options that it has."""
    client = as_user("clerk")
    pages = [body(client, path) for path in PAGES[:7]]
    shown = [unescape(one) for page in pages for one in re.findall(r"(?m)(?:^|>)(shenguan [^\n<]+)", page)]
    assert len(shown) >= 4
    for line in shown:
        command: Any = root
        for word in line.split()[1:]:
            if isinstance(command, click.Group) and not word.startswith("-"):
                command = command.get_command(click.Context(command), word)
                assert command is not None, line
            elif word.startswith("--") and word != "--help":
                assert any(word in one.opts for one in command.params), line


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


@pytest.mark.parametrize("path", ["rest", "connector", "adapters"])
def test_the_contracts_read_in_english(path: str, as_user: Client) -> None:
    """What a contract says, said in Chinese alone, in a form or in both languages, is English where English is read."""
    client = as_user("clerk")
    client.get("/lang/en")
    page = body(client, path)
    client.get("/lang/zh")
    content = re.sub(r"(?s)<pre.*?</pre>|<code.*?</code>", "", page.split('id="content"')[1])
    told = re.findall(r"(?s)<(?:td|summary|p|h2|h3)\b[^>]*>(.*?)</(?:td|summary|p|h2|h3)>", content)
    values = re.compile(
        r"(?s)<small>[^<]*(?:pattern|default) [^<]*</small>"
    )  # what is filled in is in any language
    assert [one for one in told if re.search("[\u4e00-\u9ffe]", values.sub("", one))] == []
