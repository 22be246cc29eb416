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


def test_an_enrolment_code_is_shown_once_and_can_be_cancelled(hub: Hub, as_user: Client, csrf: Token) -> None:
    """The code stands with its command on the answer to the click; the list has only what became of it."""
    client, token = as_user("data_admin"), csrf("data_admin")
    answer = client.post(
        "/enrolment/make", data={"csrf_token": token, "for": "department:scjg", "hours": "24"}
    )
    page = answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    found = re.search(r'<pre id="code">([0-9A-Z-]+)</pre>', page)
    assert found
    assert f"shenguan connector enrol http://hub.invalid {found[1]} --dir ." in page
    listed = body(client, "/enrolment/?department=scjg&state=waiting")
    assert found[1] not in listed
    assert "等待使用" in listed
    made = one(hub, "SELECT id FROM enrolment_codes WHERE department = 'scjg'").id
    gone = client.post(f"/enrolment/{made}/cancel", data={"csrf_token": token}, follow_redirects=True)
    assert "谁也不能再用它" in gone.get_data(as_text=True)
    assert "已作废" in body(client, "/enrolment/?state=cancelled")
    refused = client.post("/enrolment/make", data={"csrf_token": token, "for": "", "hours": "0"})
    assert refused.location == "/enrolment/"
    assert "接入它的系统" in body(client, "/departments/scjg")


def test_an_alert_channel_is_filled_in_tried_and_removed(hub: Hub, as_user: Client, csrf: Token) -> None:
    """A wrong box is marked with what was typed; a saved password is not shown and stays; a test is owed at once."""
    client, token = as_user("data_admin"), csrf("data_admin")
    assert "还没有告警渠道" in body(client, "/alert-channels/")
    said = {
        "csrf_token": token, "s-shown": "1", "p-shown": "1", "title": "值班邮箱", "active": "1", "kinds": "connector",
        "s-host": "mail.invalid", "s-security": "starttls", "s-sign_in": "1", "s-username": "alarm",
        "s-password": "not shown again", "s-sender": "hub@mail.invalid", "p-subject": "告警",
    }  # fmt: skip
    wrong = client.post("/alert-channels/new/mail", data=said).get_data(as_text=True)
    assert "处需要改正" in wrong
    assert 'value="值班邮箱"' in wrong
    made = client.post("/alert-channels/new/mail", data={**said, "p-to": "duty@mail.invalid"})
    assert made.status_code == 302, re.findall(r'class="fault"[^>]*>([^<]+)', made.get_data(as_text=True))
    number = one(hub, "SELECT id FROM alert_channels").id
    page = body(client, f"/alert-channels/{number}")
    assert "已保存，留空不变" in page
    assert "not shown again" not in page
    client.post(f"/alert-channels/{number}", data={**said, "p-to": "duty@mail.invalid", "s-password": ""})
    assert one(hub, "SELECT sealed FROM alert_channels").sealed is not None
    client.post(f"/alert-channels/{number}/test", data={"csrf_token": token})
    assert one(hub, "SELECT what FROM alert_messages").what == "test"
    assert "正在送" in body(client, f"/alert-channels/?watch={number}")
    assert "every 1s" in body(client, f"/alert-channels/{number}/last")
    assert "发一条测试" not in body(as_user("overseer"), "/alert-channels/")
    client.post(f"/alert-channels/{number}/remove", data={"csrf_token": token})
    assert one(hub, "SELECT id FROM alert_channels") is None
