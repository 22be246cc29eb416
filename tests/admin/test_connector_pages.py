"""Connectors on their pages: joined from nothing to live, tried, watched, repaired."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]
Token = Callable[[str], str]


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status, page[:800]
    return page


def stamp(page: str) -> dict[str, str]:
    """Of which save a page was made."""
    found = {name: re.search(rf'name="{name}" value="(\d+)"', page) for name in ("version", "saves")}
    return {name: match[1] for name, match in found.items() if match}


def one(hub: Hub, statement: str, **given: Any) -> Any:
    with hub.engine.connect() as tx:
        return tx.execute(text(statement), given).first()


def test_a_department_is_joined_page_by_page(hub: Hub, as_user: Client, csrf: Token) -> None:
    """From the list to the draft: chosen, described, and what is missing is said."""
    client, token = as_user("data_admin"), csrf("data_admin")
    assert "还没有连接器" in body(client, "/connectors/")
    page = body(client, "/connectors/new")
    assert 'value="sql"' in page
    made = client.post("/connectors/new", data={"csrf_token": token, "department": "zhzf", "kind": "sql"})
    assert made.location == "/connectors/zhzf/system"
    page = body(client, "/connectors/zhzf/system")
    for path in ("", "/flows", "/test", "/rehearse", "/life", "/health", "/refusals", "/unmapped"):
        body(client, f"/connectors/zhzf{path}")
