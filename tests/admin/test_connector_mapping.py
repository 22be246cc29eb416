"""The mapping editor: reading, trying, saving, proposing; code tables; versions; a connector as a file."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from hub.connecting.draft_connector import make_connector, save_draft
from schemas import permit_columns
from schemas.connector.document import document_from
from schemas.mapping import compile_flow
from storage.spreadsheet import write_rows
from tests.admin import cases
from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]
Token = Callable[[str], str]

OUT: dict[str, Any] = {
    "name": "xzxk",
    "direction": "out",
    "message": "approval.decided.v1",
    "endpoint": "front",
    "place": {"table": "xzxk"},
    "columns": [
        {"name": "XK_XDR_MC", "title": "行政相对人名称", "required": True},
        {"name": "XK_JDRQ", "title": "许可决定日期", "kind": "date", "required": True},
        {"name": "XK_WSH", "title": "行政许可决定文书号"},
    ],
    "fields": [{"target": "XK_XDR_MC", "sources": ["case.applyer_name"]}],
}
IN: dict[str, Any] = {
    "name": "jcjg",
    "direction": "in",
    "message": "finding",
    "endpoint": "front",
    "place": {"table": "jcjg"},
    "columns": [{"name": name} for name in ("编号", "办件号", "检查时间", "结果", "处理")],
    "fields": [
        {"target": "finding_no", "sources": ["编号"]},
        {"target": "project_no", "sources": ["办件号"]},
        {"target": "inspected_at", "sources": ["检查时间"]},
        {
            "target": "check_result",
            "sources": ["结果"],
            "steps": [{"do": "code", "options": {"table": "结果表"}}],
        },
    ],
}
TABLE = {"name": "结果表", "title": "检查结果", "ours": "check_result", "pairs": [["合格", "1"]]}


def a_connector(hub: Hub, *, flows: list[dict[str, Any]] | None = None, department: str = "scjg") -> str:
    """A connector with a draft of these flows; its code."""
    code = f"c-{secrets.token_hex(4)}"
    with hub.engine.begin() as tx:
        make_connector(
            tx, hub.desk, code=code, department=department, title="市场监管前置库", actor="user:test"
        )
        document = {
            "code": code,
            "department": department,
            "title": "市场监管前置库",
            "endpoints": [{"name": "front", "kind": "sql", "settings": {"dialect": "postgresql"}}],
            "flows": flows or [OUT, IN],
            "code_tables": [TABLE],
        }
        save_draft(tx, hub.desk, code, document, saves=1, actor="user:test")
    return code


def page_state(page: str, mark: str) -> Any:
    return json.loads(page.split(f'id="{mark}">')[1].split("</script>")[0])


def asked(client: FlaskClient, token: str, path: str, said: Any) -> Any:
    headers = {"X-CSRFToken": token, "Accept": "application/json"}
    answer = client.post(path, json=said, headers=headers)
    return answer.status_code, answer.get_json()


@pytest.fixture(scope="module", autouse=True)
def facts(hub: Hub) -> None:
    cases.load(hub, 3)


def test_the_page_offers_both_sides(hub: Hub, as_user: Client) -> None:
    """Source fields with titles and examples, own columns as targets, steps with their forms, the draft's rules."""
    code = a_connector(hub)
    page = as_user("data_admin").get(f"/connectors/{code}/flows/xzxk/mapping")
    assert page.status_code == 200, page.get_data(as_text=True)[:600]
    options = page_state(page.get_data(as_text=True), "mapping-options")
    state = page_state(page.get_data(as_text=True), "mapping-state")
    assert {"path": "case.applyer_name", "title": "申请者名称"}.items() <= next(
        one for one in options["sources"] if one["path"] == "case.applyer_name"
    ).items()
    assert options["transforms"]["date"]["options"]["properties"]
    assert state["flow"]["fields"] == OUT["fields"]
    assert state["examples"][0]["event"]["subject"]
    assert as_user("data_admin").get(f"/connectors/{code}/flows/nothing/mapping").status_code == 404
    assert as_user("clerk").get(f"/connectors/{code}/flows/xzxk/mapping").status_code == 403
    assert as_user("overseer").get(f"/connectors/{code}/flows/xzxk/mapping").status_code == 200
    other = a_connector(hub, department="zhzf")
    assert as_user("supervisor").get(f"/connectors/{other}/flows/xzxk/mapping").status_code == 404


def test_a_preview_says_field_by_field_what_fails(hub: Hub, as_user: Client, csrf: Token) -> None:
    """A date that cannot be read, a code without a pair and a missing target are told at their fields, in words."""
    code = a_connector(hub)
    record = {"编号": "JC-1", "办件号": "990101202611200001", "检查时间": "2026年13月5日", "结果": "不清楚"}
    rules = [
        *IN["fields"][:2],
        {"target": "inspected_at", "sources": ["检查时间"], "steps": [{"do": "date"}]},
    ]
    said = {"flow": {**IN, "fields": [*rules, IN["fields"][3]]}, "record": record}
    path = f"/connectors/{code}/flows/jcjg/mapping/preview"
    status, told = asked(as_user("data_admin"), csrf("data_admin"), path, said)
    assert status == 200
    faults = {one["target"]: one for one in told["faults"]}
    assert faults["check_result"]["cause"] == "code"
    assert told["unmapped"] == [{"table": "结果表", "value": "不清楚"}]
    assert "2026年13月5日" in faults["inspected_at"]["words"]
    assert "handling" in told["lacking"]
    fine = {**record, "检查时间": "2026-03-05 10:00", "结果": "合格"}
    said = {"flow": IN, "record": fine}
    _, told = asked(as_user("data_admin"), csrf("data_admin"), path, said)
    assert told["message"]["data"]["inspected_at"] == "2026-03-05T10:00:00+08:00"
    assert {one["target"] for one in told["message"]["faults"]} >= {"handling"}
    status, told = asked(
        as_user("data_admin"), csrf("data_admin"), path, {"flow": {**IN, "when": "r.x +"}, "record": fine}
    )
    assert status == 200
    assert told["broken"][0]["at"] == "when"
    assert asked(as_user("data_admin"), csrf("data_admin"), path, [1])[0] == 422


def test_a_preview_refuses_a_renamed_column_in_the_words_of_the_run(
    hub: Hub, as_user: Client, csrf: Token
) -> None:
    """A column that the record has no more is told at its field with exactly what the running flow says; where a record
    need not have every field (JSON), it is an empty value in both."""
    code = a_connector(hub)
    record = {
        "编号": "JC-1",
        "办件号": "990101202611200001",
        "检查时间": "2026-03-05 10:00",
        "检查结论": "合格",
    }
    for kind, place in (("sql", IN["place"]), ("folder", {"format": "json"})):
        with hub.engine.begin() as tx:
            saves = tx.scalar(text("SELECT saves FROM connector_versions WHERE connector = :c"), {"c": code})
            flow = {**IN, "place": place}
            document = {
                "code": code, "department": "scjg", "title": "前置库", "endpoints": [{"name": "front", "kind": kind}],
                "flows": [flow], "code_tables": [TABLE],
            }  # fmt: skip
            save_draft(tx, hub.desk, code, document, saves=saves, actor="user:test")
        path = f"/connectors/{code}/flows/jcjg/mapping/preview"
        status, told = asked(
            as_user("data_admin"), csrf("data_admin"), path, {"flow": flow, "record": record}
        )
        run = document_from(document)
        meant = compile_flow(run, run.flows[0]).apply(record).faults
        assert (status, told["faults"]) == (
            200,
            [
                {"target": one.target, "cause": one.cause, "words": one.words, "value": one.value}
                for one in meant
            ],
        )
        assert ["已不在记录中" in one["words"] for one in told["faults"]] == ([True] if kind == "sql" else [])


def test_a_preview_is_bounded(hub: Hub, as_user: Client, csrf: Token) -> None:
    """Of a long list only what time allows is tried; too many formulas and too large a record are refused."""
    code = a_connector(hub)
    path, client, token = (
        f"/connectors/{code}/flows/xzxk/mapping/preview",
        as_user("data_admin"),
        csrf("data_admin"),
    )
    record = {"materials": [{"material_name": f"材料{n}"} for n in range(5000)]}
    one = {"target": "a", "sources": ["materials[].material_name"], "when": "no > 0"}
    status, told = asked(
        client, token, path, {"flow": {**OUT, "each": "materials[]", "fields": [one]}, "record": record}
    )
    assert (status, told["count"]) == (200, 300)
    assert told["records"][0] == {"a": "材料0"}
    many = [{**one, "target": f"a{n}"} for n in range(61)]
    status, told = asked(client, token, path, {"flow": {**OUT, "fields": many}, "record": record})
    assert status == 422
    assert "公式" in told["message"]
    assert asked(client, token, path, {"flow": OUT, "record": {"a": "x" * 1_600_000}})[0] == 422


def test_a_real_package_is_masked_and_its_reading_recorded(hub: Hub, as_user: Client, csrf: Token) -> None:
    """A sent package is offered by case number, leaves masked, and each reading stands in the ledger; overseers get none."""
    code = a_connector(hub)
    page = as_user("data_admin").get(f"/connectors/{code}/flows/xzxk/mapping").get_data(as_text=True)
    event = page.split('value="sent:')[1].split('"')[0]
    answer = as_user("data_admin").get(f"/connectors/{code}/flows/xzxk/mapping/record/{event}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "*" in json.dumps(answer.get_json(), ensure_ascii=False)
    with hub.engine.connect() as tx:
        row = tx.execute(text("SELECT * FROM ledger WHERE action = 'connector.sample_read'")).one()
    assert row.subject == f"connector:{code}"
    assert row.case_no
    assert as_user("overseer").get(f"/connectors/{code}/flows/xzxk/mapping/record/{event}").status_code == 403
    other = a_connector(hub, department="zhzf")
    assert (
        as_user("data_admin").get(f"/connectors/{other}/flows/xzxk/mapping/record/{event}").status_code == 404
    )


def test_a_save_in_between_is_refused_in_words(hub: Hub, as_user: Client, csrf: Token) -> None:
    """An older page is told that this flow was changed; a change elsewhere is none; a published version gets a draft."""
    code = a_connector(hub, flows=[OUT, IN])
    client, token = as_user("data_admin"), csrf("data_admin")
    path = f"/connectors/{code}/flows/xzxk/mapping"
    seen = page_state(client.get(path).get_data(as_text=True), "mapping-state")["seen"]
    rule = {"target": "XK_WSH", "sources": ["result.document_no"], "steps": [], "junk": 1}
    said = {"seen": seen, "flow": {**OUT, "fields": [*OUT["fields"], rule]}}
    other = f"/connectors/{code}/flows/jcjg/mapping"
    elsewhere = page_state(client.get(other).get_data(as_text=True), "mapping-state")["seen"]
    assert asked(client, token, other, {"seen": elsewhere, "flow": {**IN, "when": "true"}})[0] == 200
    status, told = asked(client, token, path, said)
    assert status == 200
    assert told["seen"] != seen
    status, refused = asked(client, token, path, {**said, "flow": OUT})
    assert status == 409
    assert "有人改过" in refused["message"]
    fresh = {
        "seen": told["seen"],
        "flow": said["flow"],
        "tables": [TABLE, {"name": "新表", "pairs": [["a", "b"]]}],
    }
    assert asked(client, token, path, fresh)[0] == 200
    with hub.engine.connect() as tx:
        sql = text("SELECT document FROM connector_versions WHERE connector = :c")
        kept = tx.execute(sql, {"c": code}).scalar_one()
    assert kept["flows"][0]["fields"][-1] == {"target": "XK_WSH", "sources": ["result.document_no"]}
    assert kept["flows"][0]["place"] == {"table": "xzxk"}
    assert kept["flows"][1]["when"] == "true"
    assert kept["code_tables"][1]["name"] == "新表"
    assert asked(as_user("overseer"), csrf("overseer"), path, said)[0] == 403
    with hub.engine.begin() as tx:
        publish = text(
            "UPDATE connector_versions SET state = 'published', published_at = now(), published_by = 'x'"
            " WHERE connector = :c"
        )
        tx.execute(publish, {"c": code})
    seen = page_state(client.get(path).get_data(as_text=True), "mapping-state")["seen"]
    status, told = asked(client, token, path, {"seen": seen, "flow": OUT})
    assert (status, told["version"]) == (200, 2)


def test_a_sheets_header_becomes_columns(hub: Hub, as_user: Client, csrf: Token, tmp_path: Path) -> None:
    """Names and codes in two rows under a merged title, rows as samples; names twice and empty files are refused."""
    code = a_connector(hub)
    columns = permit_columns("2018")["columns"][:6]
    path = tmp_path / "双公示.xlsx"
    write_rows(
        path,
        ["示范县行政许可公示表"],
        [[one["name"] for one in columns], [one["code"] for one in columns], ["示范公司"] + ["x"] * 5],
    )

    def sent(name: str, content: bytes) -> Any:
        answer = as_user("data_admin").post(
            f"/connectors/{code}/flows/jcjg/mapping/file",
            data={"file": (io.BytesIO(content), name)},
            headers={"X-CSRFToken": csrf("data_admin"), "Accept": "application/json"},
        )
        return answer.get_json()

    told = sent("双公示.xlsx", path.read_bytes())
    assert told["columns"][0] == {"name": "XK_XDR_MC", "title": "行政相对人名称"}
    assert told["records"][0]["XK_XDR_MC"] == "示范公司"
    assert "重复" in sent("a.csv", "名称,名称\n1,2\n".encode())["message"]
    assert "表头" in sent("a.csv", b"1,2\n3,4\n")["message"]
    assert sent("a.json", b'[{"a.b": 1}]')["columns"] == [{"name": '"a.b"', "title": "a.b"}]
    assert "JSON" in sent("a.json", b"{")["message"]


def test_jobs_of_the_host_give_columns(hub: Hub, as_user: Client, csrf: Token) -> None:
    """The page writes a job and watches it; the columns that it read come as fields."""
    code = a_connector(hub)
    base = f"/connectors/{code}/flows/xzxk/mapping"
    status, job = asked(as_user("data_admin"), csrf("data_admin"), f"{base}/ask", {"kind": "columns"})
    assert (status, job["state"]) == (200, "waiting")
    result = {
        "columns": [{"name": "xdr.mc", "kind": "text", "required": True, "length": 200, "title": "名称"}]
    }
    with hub.engine.begin() as tx:
        tx.execute(
            text("UPDATE connector_jobs SET state = 'done', result = CAST(:r AS jsonb) WHERE connector = :c"),
            {"r": json.dumps(result), "c": code},
        )
    told = as_user("data_admin").get(f"{base}/job/{job['id']}").get_json()
    assert told["columns"] == [{"name": '"xdr.mc"', "title": "名称", "required": True, "length": 200}]
    assert asked(as_user("data_admin"), csrf("data_admin"), f"{base}/ask", {"kind": "sandbox"})[0] == 422


def test_code_tables_are_kept_and_unmapped_values_shown(hub: Hub, as_user: Client, csrf: Token) -> None:
    """Values that running found stand beside the table; pairs are saved, proposals come by name."""
    code = a_connector(hub)
    with hub.engine.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO connector_unmapped (connector, code_table, direction, value, flow)"
                " VALUES (:c, '结果表', 'in', '基本合格', 'jcjg')"
            ),
            {"c": code},
        )
    path = f"/connectors/{code}/code-tables"
    state = page_state(as_user("data_admin").get(path).get_data(as_text=True), "code-tables")
    assert state["unmapped"] == {"结果表": [["基本合格", "in", 1]]}
    assert state["used"] == {"结果表": [["jcjg", "in"]]}
    tables = [{**TABLE, "pairs": [["合格", "1"], ["基本合格", "2"], ["", ""], ["x"]]}]
    status, _ = asked(
        as_user("data_admin"), csrf("data_admin"), path, {"seen": state["seen"], "tables": tables}
    )
    assert status == 200
    with hub.engine.connect() as tx:
        kept = tx.execute(
            text("SELECT document FROM connector_versions WHERE connector = :c"), {"c": code}
        ).scalar_one()
    assert kept["code_tables"][0]["pairs"] == [["合格", "1"], ["基本合格", "2"]]


def test_versions_are_compared_and_taken_away_and_brought_in(hub: Hub, as_user: Client, csrf: Token) -> None:
    """Two versions field by field; one as TOML; the file elsewhere: what it would change first, then a draft."""
    code = a_connector(hub, flows=[OUT])
    client, token = as_user("data_admin"), csrf("data_admin")
    text_ = client.get(f"/connectors/{code}/versions/1/x.toml").get_data(as_text=True)
    assert "XK_XDR_MC" in text_
    changed = text_.replace('"case.applyer_name"', '"case.legal"')
    form = {"csrf_token": token, "act": "look"}
    page = client.post("/connectors/import", data={**form, "file": (io.BytesIO(changed.encode()), "a.toml")})
    shown = page.get_data(as_text=True)
    assert page.status_code == 200, shown[:400]
    assert "case.legal" in shown
    assert "行政相对人名称" in shown
    stamp = shown.split('name="stamp" value="')[1].split('"')[0]
    form = {"csrf_token": token, "act": "bring", "text": changed, "stamp": stamp}
    assert "已有草稿" in client.post("/connectors/import", data=form, follow_redirects=True).get_data(
        as_text=True
    )
    assert client.post("/connectors/import", data={**form, "replace": "1"}).status_code == 302
    other = {**form, "code": f"{code}-b", "act": "look"}
    stamp = (
        client.post("/connectors/import", data=other)
        .get_data(as_text=True)
        .split('name="stamp" value="')[1][:32]
    )
    assert (
        client.post("/connectors/import", data={**other, "act": "bring", "stamp": stamp}).status_code == 302
    )
    page = client.post("/connectors/import", data={"csrf_token": token, "text": "flows = 3", "act": "look"})
    assert "处错误" in page.get_data(as_text=True)
    compared = client.get(f"/connectors/{code}/versions/compare").get_data(as_text=True)
    assert "所有版本" in compared
