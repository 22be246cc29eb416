"""Pages in English have no Chinese but data: names of people, departments, items and licences, and what people wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from hub.connecting.ask_job import ask_job
from hub.connecting.draft_connector import make_connector, save_draft
from tests.admin import cases
from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]
CHINESE = "[\u3001-\u303f\u3400-\u9fff\uff01-\uff5e]+"
#: Names of the demo area, its licences and documents, and quoted Chinese words in help.
DATA = re.compile(
    "示[例范审][\u4e00-\u9fff（）〔〕0-9]*|[\u4e00-\u9fff（）]*(许可|登记|备案|审查|设立|证|执照|审批|决定书)[\u4e00-\u9fff（）]*"
    "|双公示|中文|长期|[甲乙丙丁戊己庚辛壬癸][\u4e00-\u9fff]{1,3}"
)
CODE = "english"
OUT = {
    "name": "out",
    "direction": "out",
    "message": "approval.decided.v1",
    "endpoint": "front",
    "place": {"table": "permits"},
    "columns": [{"name": "PARTY", "required": True}, {"name": "ON"}],
    "fields": [
        {"target": "PARTY", "sources": ["case.applyer_name"]},
        {"target": "ON", "sources": ["case.applyer_name"], "steps": [{"do": "number"}]},
    ],
}
BARE = {**OUT, "name": "bare", "message": "licence.changed.v1", "fields": []}
#: As adapters say them.
STEPS = [
    {"layer": "address", "ok": True, "words": "地址 db.example:5432 允许连接。", "took_ms": 1},
    {"layer": "permission", "ok": True, "words": "线路“out”：对表 permits 有所需的权限。", "took_ms": 1},
    {
        "layer": "shape",
        "ok": False,
        "words": "对方的必填字段或键列没有来源：NUMBER、ON。",
        "advice": "请在映射中为它们选择来源。",
        "took_ms": 1,
    },
]
REFUSED = "必填，来源 case.project_no 却没有值；“abc”不是数字"


@pytest.fixture(scope="module")
def case_no(hub: Hub) -> str:
    """A connector that was tried and refused something, and a case with receipts, a finding and a broken message."""
    cases.load(hub, 4)
    push = cases.any_push(hub)
    cases.arrive(
        hub,
        cases.receipt(hub, push, "arrived", "signed", "claimed"),
        cases.finding(hub, push, explain="The address differs."),
        cases.message(hub, push.department, "advice.posted.v1", push.case_no, _answer(push.case_no)),
    )
    document = {
        "code": CODE,
        "department": "scjg",
        "title": "Front system",
        "endpoints": [{"name": "front", "kind": "sql", "settings": {"dialect": "postgresql", "port": 0}}],
        "flows": [OUT, BARE],
    }
    with hub.engine.begin() as tx:
        make_connector(tx, hub.desk, code=CODE, department="scjg", title="Front system", actor="user:t")
        save_draft(tx, hub.desk, CODE, document, saves=1, actor="user:t")
        rows = [{"flow": "out", "ref": "c-1", "same": False, "words": REFUSED, "expected": {}, "found": None}]
        tried = {
            ("check", "endpoint", "front"): ("done", {"ok": False}, "没有通过，请按提示处理后再测", STEPS),
            ("sandbox", "flows", "out"): (
                "done",
                {"rows": rows},
                "1 条中 0 条一致，0 条不一致，1 条被拒",
                [],
            ),
            ("dry_run", "flow", "bare"): ("failed", {}, _bare(), []),
        }
        for (kind, name, value), ended in tried.items():
            params = {name: [value] if name == "flows" else value}
            job = ask_job(tx, hub.desk, CODE, version=1, kind=kind, params=params, actor="user:t")
            _end(tx, job, *ended)
        tx.execute(
            text(
                "INSERT INTO connector_refusals (connector, flow, direction, ref, cause, words, faults, record)"
                " VALUES (:c, 'out', 'out', 'c-1', 'mapping', :words, CAST(:faults AS jsonb), '{}')"
            ),
            {"c": CODE, "words": REFUSED, "faults": json.dumps([{"target": "ON", "words": "“abc”不是数字"}])},
        )
    return str(push.case_no)


def _answer(case_no: str) -> dict[str, Any]:
    """To a thread that is not there."""
    said = {"project_no": case_no, "body": "Moved.", "author": "A", "at": cases.now()}
    return {"thread_id": "0195d0c2-0000-7000-8000-0000000000ff", **said}


def _bare() -> str:
    return (
        "线路“bare”还没有选择任何字段。请打开“线路与映射”，点这条线路的“配置字段映射”，"
        "至少为一个目标字段选择来源，保存后再试。"
    )


def _end(tx: Any, job: Any, state: str, result: Any, words: str, steps: Any) -> None:
    tx.execute(
        text(
            "UPDATE connector_jobs SET state = :state, result = CAST(:result AS jsonb), words = :words,"
            " steps = CAST(:steps AS jsonb), finished_at = now() WHERE id = :job"
        ),
        {
            "job": job,
            "state": state,
            "result": json.dumps(result),
            "words": words,
            "steps": json.dumps(steps),
        },
    )


@pytest.fixture
def english(as_user: Client) -> Iterator[FlaskClient]:
    client = as_user("data_admin")
    client.get("/lang/en")
    try:
        yield client
    finally:
        client.get("/lang/zh")


def left(page: str) -> list[str]:
    """The Chinese of the page's own part that is no data."""
    main = page[page.index('<main id="content"') : page.index("</main>")]
    main = re.sub(r"<script.*?</script>|<option[^>]*>[^<]*</option>", " ", main, flags=re.DOTALL)
    labels = " ".join(re.findall(r'(?:placeholder|aria-label|title|data-confirm)="([^"]*)"', main))
    shown = unescape(re.sub(r"<[^>]+>", " ", main) + labels)
    return re.findall(f".{{0,20}}{CHINESE}.{{0,20}}", DATA.sub(" ", shown))


PAGES = (
    f"/connectors/{CODE}", f"/connectors/{CODE}/system", f"/connectors/{CODE}/flows", f"/connectors/{CODE}/test",
    f"/connectors/{CODE}/rehearse", f"/connectors/{CODE}/life", f"/connectors/{CODE}/health",
    f"/connectors/{CODE}/refusals/", f"/connectors/{CODE}/unmapped", f"/connectors/{CODE}/code-tables",
    f"/connectors/{CODE}/flows/out/mapping", "/connectors/new", "/connectors/import", "/connectors/",
    "/quarantine/", "/alerts/", "/rules/", "/rules/coverage", "/parked/",
)  # fmt: skip


def test_the_pages_of_connectors_and_of_running_speak_english(
    english: FlaskClient, case_no: str, hub: Hub
) -> None:
    """Claim: also what adapters and mappings said, which is stored in Chinese; and the punctuation between texts."""
    with hub.engine.connect() as tx:
        refusal = tx.scalar(text("SELECT id FROM connector_refusals WHERE connector = :c"), {"c": CODE})
        held = tx.scalar(text("SELECT id FROM quarantine WHERE case_no = :c"), {"c": case_no})
        parties = [re.escape(name) for name in tx.scalars(text("SELECT name FROM parties"))]
    found = {}
    for path in (*PAGES, f"/connectors/{CODE}/refusals/{refusal}", f"/quarantine/{held}"):
        answer = english.get(path, follow_redirects=True)
        assert answer.status_code == 200, path
        if chinese := left(re.sub("|".join(parties), "", answer.get_data(as_text=True))):
            found[path] = chinese
    assert not found, "\n".join(f"{path} {line}" for path, lines in found.items() for line in lines)


def test_the_timeline_speaks_english(english: FlaskClient, case_no: str) -> None:
    """Claim: details and what is behind them, on the page, on paper and taken away; what somebody wrote stays."""
    for path in (f"/cases/{case_no}", f"/trace/{case_no}/print", f"/trace/{case_no}/export.csv"):
        page = unescape(english.get(path).get_data(as_text=True))
        for said in (
            "Digest of the content",
            "Received here",
            "The address differs.",
        ):
            assert said in page, (path, said)
        for chinese in (
            "内容摘要",
            "包摘要",
            "本平台收到",
            "隔离编号",
            "部门编号",
            "证照处置",
            "的协调建议",
            "缺少：",
        ):
            assert chinese not in page, (path, chinese)


def test_the_mapping_page_names_groups_tables_and_faults_in_english(
    english: FlaskClient, csrf: Callable[[str], str], case_no: str
) -> None:
    """Claim: what fields lie in, names of code tables, and what is wrong with an expression or a value."""
    assert case_no
    path = f"/connectors/{CODE}/flows/out/mapping"
    page = english.get(path).get_data(as_text=True)
    options = json.loads(page.split('id="mapping-options">')[1].split("</script>")[0])
    names = {one.get("group", "") for one in options["sources"]} | {
        one["title"] for one in options["codes"].values()
    }
    assert [name for name in names if re.search(CHINESE, name)] == []
    headers = {"X-CSRFToken": csrf("data_admin"), "Accept": "application/json"}
    record = {"case": {"applyer_name": "abc"}}

    def tried(*fields: Any) -> Any:
        said = {"flow": {**OUT, "fields": fields}, "tables": [], "record": record}
        return english.post(f"{path}/preview", json=said, headers=headers).get_json()

    broken = tried({"target": "PARTY", "sources": ["case.applyer_name"], "when": "r.a +"})["broken"]
    assert broken[0]["words"].startswith("The expression has a syntax error: ")
    (fault,) = tried({"target": "ON", "sources": ["case.applyer_name"], "steps": [{"do": "number"}]})[
        "faults"
    ]
    assert fault["words"] == "“ON”: Number: “abc” is no number"
