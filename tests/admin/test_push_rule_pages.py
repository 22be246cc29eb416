"""Push rules on their pages: edited, tried, published, pictured; limits; and pushes that lack something."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin import cases
from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]
Token = Callable[[str], str]


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == status, answer.get_data(as_text=True)[:800]
    return answer.get_data(as_text=True)


def one(hub: Hub, statement: str, **given: Any) -> Any:
    with hub.engine.connect() as tx:
        return tx.execute(text(statement), given).first()


def state_of(page: str) -> dict[str, Any]:
    """What the editor starts with."""
    found = re.search(r'id="rule-state">(.+?)</script>', page, re.DOTALL)
    assert found
    state: dict[str, Any] = json.loads(found[1])
    return state


def posted(page: str, **said: Any) -> dict[str, Any]:
    """The editor's form as the script posts it."""
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    state = state_of(page)
    lists = {key: json.dumps(said.pop(key, state[key])) for key in ("items", "conditions", "departments")}
    return {"seen": seen[1], "name": "测试规则", "incomplete": "flag", "note": "", **lists, **said}


def test_a_rule_is_drafted_tried_reviewed_published_and_taken_off(
    hub: Hub, as_user: Client, csrf: Token
) -> None:
    """A wrong save shows what was typed with its boxes; a draft is tried on a real case; publishing stands in the ledger."""
    client, token = as_user("data_admin"), csrf("data_admin")
    cases.load(hub, 2)
    case_no = cases.any_push(hub, "scjg").case_no
    added = client.post("/rules/add", data={"csrf_token": token})
    edit = added.location
    number = int(edit.rsplit("/", 1)[1])
    page = body(client, edit)
    wrong = {
        "csrf_token": token,
        **posted(page, departments=[{"department": "", "left_out": ["case.project_no"]}]),
    }
    refused = client.post(edit, data=wrong).get_data(as_text=True)
    assert "处需要改正" in refused
    faults = state_of(refused)["faults"]
    assert [(part, line, box) for part, line, box, _said in faults] == [
        ("departments", 0, "department"), ("departments", 0, "withheld"),
    ]  # fmt: skip
    row = {
        "department": "zhzf",
        "sign_days": 1,
        "left_out": ["licence"],
        "masked": ["elements.XK_FRDB"],
        "hears": ["inspection"],
    }
    condition = {"name": "XK_WSH", "is": "present"}
    right = {"csrf_token": token, **posted(page, departments=[row], conditions=[condition])}
    assert client.post(edit, data={**right, "act": "publish"}).location == f"/rules/publish/{number}"
    assert "刚被别人改过" in client.post(edit, data=right).get_data(as_text=True)

    tried = body(client, f"/rules/trial/?case_no={case_no}&draft={number}")
    assert "有变化" in tried
    assert "前后对照" in tried
    assert "与现在没有不同" not in tried
    typed = body(client, "/rules/trial/?item_code=XK-001&result_type=0&party_kind=legal&elements=XK_NR%3Dx")
    assert "示范县市场监督管理局" in typed
    assert "没有办件编号为" in body(client, "/rules/trial/?case_no=none")

    review = body(client, f"/rules/publish/{number}")
    assert "证照（整个）" in review
    stamp = re.search(r'name="seen" value="([^"]+)"', review)
    assert stamp
    assert "刚被别人改过" in body_after(
        client, f"/rules/publish/{number}", {"csrf_token": token, "seen": "x"}
    )
    client.post(f"/rules/publish/{number}", data={"csrf_token": token, "seen": stamp[1]})
    shown = body(client, f"/rules/show/{number}")
    assert "已发布 v1" in shown
    assert client.post(f"/rules/copy/{number}", data={"csrf_token": token}).status_code == 302
    ledger = one(
        hub, "SELECT * FROM ledger WHERE action = 'rule.published' AND subject = :s", s=f"rule:{number}"
    )
    assert ledger.actor == "user:data_admin"
    assert ledger.detail["changes"]["name"] == [None, "测试规则"]

    client.post(f"/rules/withdraw/{number}", data={"csrf_token": token, "reason": "测试完毕"})
    assert "测试完毕" in body(client, f"/rules/history/{number}")
    copied = one(hub, "SELECT id FROM push_rules WHERE name = '测试规则（副本）'").id
    client.post(f"/rules/discard/{copied}", data={"csrf_token": token})
    assert one(hub, "SELECT id FROM push_rules WHERE id = :id", id=copied) is None


def body_after(client: FlaskClient, path: str, data: dict[str, Any]) -> str:
    """The page that a button leads to."""
    return client.post(path, data=data, follow_redirects=True).get_data(as_text=True)


def test_who_covers_what_is_pictured_and_can_be_taken_away(hub: Hub, as_user: Client) -> None:
    """Items by departments with gaps marked; the list as a file; the overseer sees it, too."""
    page = body(as_user("data_admin"), "/rules/coverage/")
    assert 'class="matrix"' in page
    assert "没有部门监管的事项" in page
    assert "没有符合条件的事项" in body(as_user("overseer"), "/rules/coverage/?q=没有这个")
    rows = as_user("data_admin").get("/rules/coverage/export.csv").get_data(as_text=True)
    assert "总是推送" in rows
    assert "/rules/trial/" not in body(as_user("overseer"), "/rules/list/")
    assert "全部" in body(as_user("data_admin"), "/rules/?state=published")
    assert as_user("data_admin").get("/rules/export.xlsx").status_code == 200


def test_limits_are_set_and_say_where_they_come_from(hub: Hub, as_user: Client, csrf: Token) -> None:
    """A row for an item counts before the area's; emptied, it is gone; a wrong number is a sentence."""
    client, token = as_user("data_admin"), csrf("data_admin")
    said = {"csrf_token": token, "item": "XK-001", "shown": "XK-001", "sign_days": "9"}
    assert "已保存" in body_after(client, "/rules/limits/save", said)
    assert re.search(r"<b>9</b> <small>事项</small>", body(client, "/rules/limits/?item=XK-001"))
    assert "签收时限应为" in body_after(client, "/rules/limits/save", {**said, "sign_days": "-2"})
    body_after(client, "/rules/limits/save", {**said, "sign_days": ""})
    assert one(hub, "SELECT id FROM push_limits WHERE item_code = 'XK-001'") is None
    assert "/rules/limits/save" not in body(as_user("overseer"), "/rules/limits/")


def test_what_a_push_lacks_is_listed_and_let_go_with_a_reason(hub: Hub, as_user: Client, csrf: Token) -> None:
    """A rule that waits holds the push; it is listed with what is missing, checked again, and released with a reason."""
    client, token = as_user("data_admin"), csrf("data_admin")
    held = cases.held(hub)
    assert "现场核查" in body(client, "/items/show/XK-001")
    assert state_of_item(body(client, "/items/edit/XK-001"))["must_steps"] == [{"name": "现场核查"}]
    assert "没有符合条件" in body(client, "/incomplete-pushes/?q=没有这样的")
    assert held.case_no in body(client, "/incomplete-pushes/?held=held")
    assert "现场核查" in client.get("/incomplete-pushes/export.csv").get_data(as_text=True)
    where = f"/incomplete-pushes/{held.case_no}"
    assert "现场核查" in body(client, where)
    assert "仍缺少" in body_after(client, f"{where}/check", {"csrf_token": token})
    said = {"csrf_token": token, "push": str(held.id), "reason": ""}
    assert "请写明理由" in body_after(client, f"{where}/release", said)
    assert "已放行" in body_after(client, f"{where}/release", {**said, "reason": "急需检查"})
    assert one(hub, "SELECT state FROM pushes WHERE id = :id", id=held.id).state == "owed"
    assert "处理" not in body(as_user("clerk"), "/incomplete-pushes/?held=held")
    assert as_user("supervisor").get(where).status_code == 403


def state_of_item(page: str) -> dict[str, Any]:
    """What the item editor starts with."""
    found = re.search(r'id="catalogue-state">(.+?)</script>', page, re.DOTALL)
    assert found
    state: dict[str, Any] = json.loads(found[1])
    return state
