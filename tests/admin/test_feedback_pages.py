"""The pages of what comes back: the list, one fact, its evidence, the figures, light rules, penalties as a sheet."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from hub.joining.change_channel import change_channel
from storage.intake.evidence import bring
from tests.admin import cases
from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module", autouse=True)
def loaded(hub: Hub) -> None:
    cases.load(hub, 12)


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


def fact_id(hub: Hub, number: str) -> str:
    with hub.engine.connect() as tx:
        return str(
            tx.execute(text("SELECT id FROM findings WHERE finding_no = :n"), {"n": number}).scalar_one()
        )


def said(hub: Hub, push: Any, event_type: str, **data: Any) -> None:
    data = {"project_no": push.case_no, **data}
    cases.arrive(hub, cases.message(hub, push.department, event_type, push.case_no, data))


def penalty(hub: Hub, push: Any, number: str, **more: Any) -> None:
    data = {
        "fact_no": number,
        "decided_on": "2026-01-05",
        "result": "1",
        "document_no": f"示罚〔2026〕{number}号",
    }
    said(hub, push, "enforcement.decided.v1", **{**data, **more})


def test_one_fact_shows_what_it_says_did_and_led_to(hub: Hub, as_user: Client) -> None:
    """Result, money, kid, chain; a department sees its own facts and not another's; the list narrows and exports."""
    push, other = cases.any_push(hub), cases.any_push(hub, "zhzf")
    first = cases.finding(hub, push)
    cases.arrive(hub, first)
    number = first.data["finding_no"]
    said(
        hub, push, "rectification.reported.v1", fact_no="ZG-1", finding_no=number, round=1,
        checked_at="2026-01-06", result="1",
    )  # fmt: skip
    penalty(hub, other, "CF-9", fine_wan=0.2, columns={"CF_CFLB": "罚款"})
    clerk, supervisor = as_user("clerk"), as_user("supervisor")
    page = body(clerk, f"/findings/{fact_id(hub, number)}")
    for words in ("不符合", first.kid, "ZG-1", "经营地址与许可不符", "签名原文与验证"):
        assert words in page, words
    assert "2,000.00" in body(clerk, f"/findings/{fact_id(hub, 'CF-9')}")
    body(supervisor, f"/findings/{fact_id(hub, 'ZG-1')}")
    body(supervisor, f"/findings/{fact_id(hub, 'CF-9')}", 404)
    assert "CF-9" in body(clerk, "/findings/?kind=enforcement&money=some")
    assert "CF-9" not in body(clerk, "/findings/?kind=rectification")
    assert "2,000.00" in clerk.get("/findings/export.csv").get_data(as_text=True)


def test_a_withdrawn_fact_says_so(hub: Hub, as_user: Client) -> None:
    """The page of a fact that stands no longer, and the one that withdrew it, lead to each other."""
    push = cases.any_push(hub)
    said(
        hub, push, "supervision.planned.v1", **{"fact_no": "JH-7", "plan_name": "回访", "from": "2026-12-01"}
    )
    said(hub, push, "finding.withdrawn.v1", fact_no="CX-7", withdraws="JH-7", at="2026-01-02", reason="重复")
    page = body(as_user("clerk"), f"/findings/{fact_id(hub, 'JH-7')}")
    assert "已不再有效" in page
    assert "撤销本条" in page
    assert "已撤销" in body(as_user("clerk"), "/findings/?standing=withdrawn")


def test_evidence_is_read_on_the_record(hub: Hub, as_user: Client, csrf: Callable[[str], str]) -> None:
    """A message waits for its file, is taken when it is there; a reading states its use and is in the ledger."""
    push = cases.any_push(hub)
    content = PNG
    digest = hashlib.sha256(content)
    file = {
        "name": "现场.png",
        "sha256": digest.hexdigest(),
        "size": len(content),
        "media_type": "image/png",
    }
    penalty(hub, push, "CF-F", files=[file])
    intake = hub.app.extensions["shenguan"].config.intake
    bring(
        hub.engine, intake, io.BytesIO(content), department="scjg", name="现场.png", sha256=digest.digest(),
        by="department:scjg",
    )  # fmt: skip
    penalty(hub, push, "CF-G")
    address = f"/findings/{fact_id(hub, 'CF-F')}/files/1"
    clerk = as_user("clerk")
    token = csrf("clerk")
    refused = clerk.post(address, data={"csrf_token": token, "use": ""})
    assert refused.status_code == 302
    answer = clerk.post(address, data={"csrf_token": token, "use": "核对处罚"})
    assert answer.get_data() == content
    with hub.engine.connect() as tx:
        row = tx.execute(text("SELECT actor, reason FROM ledger WHERE action = 'evidence.read'")).one()
    assert row == ("user:clerk", "核对处罚")


def test_the_figures_count_what_stands(hub: Hub, as_user: Client) -> None:
    """By department and month, as a page and as files."""
    client = as_user("overseer")
    assert "示范县" in body(client, "/findings/figures?from=2026-01-01&to=2026-12-31")
    rows = client.get("/findings/figures.csv?from=2026-01-01&to=2026-12-31").get_data(as_text=True)
    assert "2026-01" in rows
    assert client.get("/findings/figures.xlsx").status_code == 200
    assert "没有检查" in body(client, "/findings/figures?from=2001-01-01&to=2001-02-01")


def test_light_rules_are_kept_by_the_data_administrator(
    hub: Hub, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """A new rule shines at once; a contradiction is a sentence; who may not edit sees no form."""
    client, token = as_user("data_admin"), csrf("data_admin")

    def send(path: str, **data: Any) -> Any:
        return client.post(path, data={"csrf_token": token, **data})

    rule = {"kind": "plan", "light": "yellow", "lasts_days": "10", "note": "有计划", "seq": "5"}
    with hub.engine.connect() as tx:
        before = tx.execute(text("SELECT count(*) FROM party_lights")).scalar_one()
    push = cases.any_push(hub)
    said(
        hub, push, "supervision.planned.v1", **{"fact_no": "JH-8", "plan_name": "回访", "from": "2026-12-01"}
    )
    assert send("/light-rules/save", **rule).status_code == 302
    assert "条件完全相同" in send("/light-rules/save", **rule).get_data(as_text=True)
    with hub.engine.connect() as tx:
        assert tx.execute(text("SELECT count(*) FROM party_lights")).scalar_one() >= before
        number = tx.execute(text("SELECT id FROM light_rules WHERE kind = 'plan'")).scalar_one()
    assert send(f"/light-rules/{number}/retire", reason="不再需要").status_code == 302
    assert send(f"/light-rules/{number}/revive").status_code == 302
    assert "新增规则" not in body(as_user("clerk"), "/light-rules/")


def test_a_sheet_of_penalties_lands_on_its_cases(
    hub: Hub, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Rows find their case by party or licence; what fits none is listed; twice is once; the way out has 32 columns."""
    with hub.engine.begin() as tx:
        change_channel(tx, "zhzf", "web", hub.desk, actor="user:admin", reason="没有自己的系统")
        party = tx.execute(
            text(
                "SELECT p.name, p.code_masked, min(l.number) AS number FROM parties p JOIN cases c ON c.party_id = p.id"
                " JOIN licences l ON l.case_no = c.case_no JOIN pushes u ON u.case_no = c.case_no AND u.department = 'zhzf'"
                " WHERE p.code_type = '001' GROUP BY 1, 2 HAVING count(DISTINCT c.case_no) = 1 LIMIT 1"
            )
        ).one()
    heading = (
        "行政相对人名称,行政相对人类别,统一社会信用代码,行政处罚决定书文号,违法行为类型,违法事实,"
        "处罚依据,处罚类别,处罚内容,罚款金额(万元),处罚决定日期,处罚机关"
    )

    def line(name: str, code: str, number: int, wan: str, day: str) -> str:
        said = "超范围,超范围经营,食品安全法,罚款,罚款2000元"
        return f"{name},法人,{code},示综罚〔2026〕{number}号,{said},{wan},{day},示范县综合行政执法局"

    good = line(party.name, party.code_masked, 8, "0.2", "2026/01/08")
    lost = line("不在册公司", "91330106673959654P", 9, "0.1", "2026/01/08")
    bad = line(party.name, party.code_masked, 10, "", "2099/01/08")
    sheet = "\n".join((heading, good, lost, bad)).encode()
    client, token = as_user("data_admin"), csrf("data_admin")

    def load() -> str:
        form = {"csrf_token": token, "department": "zhzf", "sheet": (io.BytesIO(sheet), "cf.csv")}
        return client.post("/penalties/load", data=form, content_type="multipart/form-data").get_data(
            as_text=True
        )

    page = load()
    assert "收下 1 条，已有 0 条，没有找到办件 1 条，退回 2 处" in page
    assert "不在册公司" in page
    assert "收下 0 条，已有 1 条" in load()
    lines = as_user("overseer").get("/penalties/export.csv").get_data(as_text=True).splitlines()
    assert len(lines[0].split(",")) == 32
    assert any("示综罚〔2026〕8号" in line and ",0.2," in line for line in lines)
    body(as_user("supervisor"), "/penalties/")
