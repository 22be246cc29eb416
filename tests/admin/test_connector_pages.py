"""Connectors on their pages: joined from nothing to live, tried, watched, repaired."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from hub.connecting.draft_connector import make_connector, save_draft
from schemas.connector.judge import document_faults
from tests.admin import cases
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


def posted(client: FlaskClient, token: str, path: str, **said: str) -> str:
    """What a page answers to its form, wherever it leads."""
    page = body(client, path)
    answer = client.post(path, data={"csrf_token": token, **stamp(page), **said}, follow_redirects=True)
    return answer.get_data(as_text=True)


def finished(hub: Hub, kind: str, result: dict[str, Any], steps: list[dict[str, Any]] = []) -> None:  # noqa: B006
    """What the host does with the newest job of a kind."""
    statement = """UPDATE connector_jobs SET state = 'done', finished_at = now(), result = CAST(:result AS jsonb),
      steps = CAST(:steps AS jsonb) WHERE id = (SELECT id FROM connector_jobs WHERE kind = :kind
      ORDER BY asked_at DESC LIMIT 1)"""
    with hub.engine.begin() as tx:
        tx.execute(text(statement), {"kind": kind, "result": json.dumps(result), "steps": json.dumps(steps)})


def mapped(hub: Hub, code: str) -> None:
    """The mapping, as its own page saves it."""
    with hub.engine.begin() as tx:
        row = tx.execute(
            text("SELECT document, saves FROM connector_versions WHERE connector = :c AND state = 'draft'"),
            {"c": code},
        ).one()
        document = dict(row.document)
        fields = {
            "decided": [{"target": "AJBH", "sources": ["case.project_no"]}],
            "finding": [{"target": "project_no", "sources": ["AJBH"]}],
        }
        document["flows"] = [{**flow, "fields": fields[flow["name"]]} for flow in document["flows"]]
        save_draft(tx, hub.desk, code, document, saves=row.saves, actor="user:data_admin")


SYSTEM = {"e-0-shown": "1", "e-0-name": "sql", "e-0-dialect": "mysql", "e-0-host": "10.1.2.3", "e-0-database": "case",
          "e-0-user": "hub", "e-0-tls": "off"}  # fmt: skip
FLOWS = {"f-0-p-shown": "1", "f-0-name": "decided", "f-0-active": "1", "f-0-endpoint": "sql", "f-0-p-table": "t_case",
         "f-1-p-shown": "1", "f-1-name": "finding", "f-1-active": "1", "f-1-endpoint": "sql",
         "f-1-p-table": "t_check", "f-1-p-cursor_column": "id", "r-poll_seconds": "30"}  # fmt: skip


def test_a_department_is_joined_from_nothing_to_live_and_looked_after(
    hub: Hub, as_user: Client, csrf: Token
) -> None:
    """Chosen, described, tested, rehearsed, live; each step says what it lacks; then paused, delivered again, retired."""
    cases.load(hub, 3)
    client, token = as_user("data_admin"), csrf("data_admin")
    assert "还没有连接器" in body(client, "/connectors/")
    assert "请选择部门" in posted(client, token, "/connectors/new", kind="sql", department="")
    made = client.post("/connectors/new", data={"csrf_token": token, "department": "zhzf", "kind": "sql"})
    assert made.location == "/connectors/zhzf/system"
    assert 'class="fault"' not in body(client, "/connectors/zhzf/system")

    page = posted(client, token, "/connectors/zhzf/system", act="save", **SYSTEM, **{"e-0-port": "abc"})
    assert "“端口”" in page
    assert "缺少必填项" in page  # the password
    page = posted(
        client, token, "/connectors/zhzf/system", act="next", **SYSTEM, **{"e-0-password": "only the host"}
    )
    assert "线路与映射" in page
    page = posted(
        client, token, "/connectors/zhzf/flows", act="save", **FLOWS, **{"r-schedule": "0 8 * * 1-5"}
    )
    assert "接下来五次" in page
    assert "only the host" not in page + body(client, "/connectors/zhzf/system")
    assert "已保存，留空不变" in body(client, "/connectors/zhzf/system")
    moved = posted(client, token, "/connectors/zhzf/system", act="save", **{**SYSTEM, "e-0-host": "10.6.6.6"})
    assert "地址改过以后要重新填写" in moved  # a password goes nowhere but where it was given for
    posted(client, token, "/connectors/zhzf/system", act="save", **SYSTEM)
    assert "还没有字段映射的线路" in body(client, "/connectors/zhzf")
    mapped(hub, "zhzf")
    assert "必填的还没有来源：" in body(client, "/connectors/zhzf")

    asked = client.post(
        "/connectors/zhzf/ask",
        data={"csrf_token": token, "kind": "check", "endpoint": "sql"},
        headers={"HX-Request": "true"},
    ).get_data(as_text=True)
    assert "every 400ms" in asked
    empty = {"csrf_token": token, "kind": "sandbox"}
    refused = client.post("/connectors/zhzf/ask", data=empty, headers={"HX-Request": "true"})
    assert refused.get_data(as_text=True).strip().startswith('<div class="flash danger"')
    finished(hub, "check", {"ok": True}, [{"layer": "tcp", "ok": True, "words": "连得上", "took_ms": 3}])
    assert "全部通过" in body(client, "/connectors/zhzf/test")
    client.post(
        "/connectors/zhzf/ask",
        data={"csrf_token": token, "kind": "sandbox", "flow": ["decided"], "way": "newest", "newest": "2"},
    )
    asked_for = one(hub, "SELECT params FROM connector_jobs WHERE kind = 'sandbox'").params
    assert asked_for == {"flows": ["decided"], "newest": 2}
    row = {"flow": "decided", "ref": "1", "expected": {"AJBH": "1"}, "found": {"AJBH": "2"}, "same": False}
    finished(hub, "sandbox", {"rows": [row], "counts": {"delivered": 1, "same": 0, "different": 1}})
    page = body(client, "/connectors/zhzf/rehearse")
    assert "differs" in page
    job = one(hub, "SELECT id FROM connector_jobs WHERE kind = 'sandbox'").id
    assert "AJBH" in client.get(f"/connectors/zhzf/jobs/{job}.csv").get_data(as_text=True)

    page = body(client, "/connectors/zhzf/life")
    assert "没有签收的</b> 3 件" in page
    live = client.post(
        "/connectors/zhzf/live",
        data={"csrf_token": token, **stamp(page), "start": "all", "runs_at": "host", "note": "第一版"},
        follow_redirects=True,
    ).get_data(as_text=True)
    assert "已上线" in live, re.findall(r"flash[^>]*>(.*?)<button", live, re.S)
    kept = one(hub, "SELECT state, version, start_kind FROM connectors WHERE code = 'zhzf'")
    assert tuple(kept) == ("live", 1, "all")

    for act, said in (("pause", "对方升级"), ("resume", "升级完了"), ("rewind", "对方丢了数据")):
        told = {"csrf_token": token, "reason": said, "to": "2026-01-01T00:00"}
        assert client.post(f"/connectors/zhzf/act/{act}", data=told).status_code == 302
        if act == "pause":
            assert "对方升级" in body(client, "/connectors/zhzf/life")
    assert "正在重送" in body(client, "/connectors/zhzf/life")
    page = posted(client, token, "/connectors/zhzf/flows", act="save", **{**FLOWS, "r-poll_seconds": "60"})
    assert "草稿 v2" in page
    page = body(client, "/connectors/zhzf/life")
    client.post("/connectors/zhzf/live", data={"csrf_token": token, **stamp(page)})
    assert one(hub, "SELECT version FROM connectors WHERE code = 'zhzf'").version == 2
    client.post("/connectors/zhzf/versions/1/draft", data={"csrf_token": token})
    assert one(hub, "SELECT max(version) FROM connector_versions").max == 3
    for path in ("/", "/zhzf", "/zhzf/health?span=hour", "/zhzf/health?span=month", "/zhzf/unmapped"):
        body(as_user("overseer"), f"/connectors{path}")
    assert "综合行政执法" not in body(as_user("supervisor"), "/connectors/").split("</aside>")[1]
    assert as_user("supervisor").get("/connectors/zhzf").status_code == 404
    assert as_user("overseer").get("/connectors/zhzf/system").status_code == 403
    client.post("/connectors/zhzf/act/retire", data={"csrf_token": token, "reason": "换了系统"})
    assert "已停用" in body(client, "/connectors/zhzf/life")
    assert "连接器上线" in body(client, "/ledger/?q=connector:zhzf")


def test_who_saves_over_another_is_told_and_loses_nothing(hub: Hub, as_user: Client, csrf: Token) -> None:
    """The page shows the newest draft with what was typed, and saves it on the second click."""
    client, token = as_user("data_admin"), csrf("data_admin")
    made = client.post("/connectors/new", data={"csrf_token": token, "department": "scjg", "kind": "sql"})
    path = made.location
    seen = stamp(body(client, path))
    posted(client, token, path, act="save", **SYSTEM)
    said = {"csrf_token": token, **seen, **SYSTEM, "e-0-host": "10.9.9.9", "act": "save"}
    page = client.post(path, data=said).get_data(as_text=True)
    assert "别人刚保存过" in page
    assert 'value="10.9.9.9"' in page
    assert stamp(page) != seen
    assert 'value="10.9.9.9"' in client.post(
        path, data={**said, **stamp(page)}, follow_redirects=True
    ).get_data(as_text=True)
    for act, words in (("add_flow:in plan", "监管计划"), ("add_endpoint:http", "再加一个系统")):
        where = "/connectors/scjg/flows" if "flow" in act else path
        assert words in posted(client, token, where, act=act)
    assert (
        len(one(hub, "SELECT document FROM connector_versions WHERE connector = 'scjg'").document["flows"])
        == 3
    )
    posted(client, token, "/connectors/scjg/flows", act="drop_flow:2")
    assert (
        len(one(hub, "SELECT document FROM connector_versions WHERE connector = 'scjg'").document["flows"])
        == 2
    )


def test_every_preset_is_whole_but_for_the_address(hub: Hub, as_user: Client, csrf: Token) -> None:
    """A connector made from one lacks nothing but what its system's page asks; both languages say what it is."""
    client, token = as_user("data_admin"), csrf("data_admin")
    names = re.findall(r'name="preset" value="(\w+)"', body(client, "/connectors/new"))
    assert {"up_tables", "permit_sheet"} <= set(names)
    for name in names:
        made = client.post(
            "/connectors/new", data={"csrf_token": token, "department": "zhzf", "kind": "sql", "preset": name}
        )
        code = made.location.split("/")[2]
        document = one(hub, "SELECT document FROM connector_versions WHERE connector = :c", c=code).document
        assert {fault.at.split(".")[0] for fault in document_faults(document)} == {"endpoints[0]"}
        assert len(document["flows"]) >= 2
    assert "permit sheet" in body(client, "/connectors/new?_l_=en")
    assert "presets" in body(client, "/connectors/new?_l_=zh")


def test_refusals_are_read_tried_again_and_put_aside(hub: Hub, as_user: Client, csrf: Token) -> None:
    """Each with its cause field by field; the record only for who may settle; several at once, with a reason."""
    client, token = as_user("data_admin"), csrf("data_admin")
    with hub.engine.begin() as tx:
        make_connector(tx, hub.desk, code="refusing", department="scjg", title="拒收的", actor="user:x")
        for n in range(3):
            tx.execute(
                text(
                    "INSERT INTO connector_refusals (connector, flow, direction, ref, cause, words, faults, record) "
                    "VALUES ('refusing', 'finding', 'in', :ref, 'mapping', '检查时间不是日期', "
                    """'[{"target": "inspected_at", "words": "不是日期", "value": "昨天"}]', '{"JCSJ": "昨天"}')"""
                ),
                {"ref": f"a.csv:{n}"},
            )
    ids = [
        row.id for row in hub.engine.connect().execute(text("SELECT id FROM connector_refusals ORDER BY id"))
    ]
    assert "a.csv:1" in body(client, "/connectors/refusing/refusals/?state=open")
    assert "JCSJ" in body(client, f"/connectors/refusing/refusals/{ids[0]}")
    assert "昨天" not in body(as_user("overseer"), f"/connectors/refusing/refusals/{ids[0]}")
    assert "a.csv:2" in client.get("/connectors/refusing/refusals/export.csv").get_data(as_text=True)
    settle = {
        "csrf_token": token,
        "id": [str(one) for one in ids[:2]],
        "reason": "映射改好了",
        "how": "again",
    }
    client.post("/connectors/refusing/refusals/settle", data=settle)
    client.post("/connectors/refusing/refusals/settle", data={**settle, "id": str(ids[2]), "how": "dismiss"})
    states = one(
        hub,
        "SELECT count(*) FILTER (WHERE again) AS again, count(settled_at) AS aside FROM connector_refusals",
    )
    assert tuple(states) == (2, 1)
    assert "连接器拒收" in body(client, "/")


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
