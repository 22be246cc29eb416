"""The page of a case: its timeline, the signed bytes behind it, what is printed and taken away; and advice on it."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import uuid
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.advice.speak import Asked, Speaker, open_thread
from hub.joining.change_channel import change_channel
from tests.admin import cases
from tests.admin.conftest import Hub, Watched

Client = Callable[[str], FlaskClient]
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def push(hub: Hub) -> Any:
    """One case with receipts, a finding and a question of 市场监管局, and what another department said of it."""
    cases.load(hub, 4)
    mine = cases.any_push(hub)
    with hub.engine.connect() as tx:
        other = tx.execute(
            text("SELECT * FROM pushes WHERE case_no = :c AND department = 'zhzf'"), {"c": mine.case_no}
        ).one()
    cases.arrive(
        hub,
        cases.receipt(hub, mine, "arrived", "signed", "claimed"),
        cases.receipt(hub, other, "arrived"),
        cases.finding(hub, mine, explain="经营地址与许可不符"),
        cases.finding(hub, other, explain="别的部门的检查"),
        question(hub, mine),
    )
    return mine


def question(hub: Hub, push: Any, **more: Any) -> Any:
    data = {
        "thread_id": str(uuid.uuid4()),
        "project_no": push.case_no,
        "kind": "question",
        "subject": "经营场所是否已变更",
        "body": "现场地址与许可不一致，请核对。",
        "author": "示例己",
        "at": cases.now(),
        **more,
    }
    return cases.message(hub, push.department, "advice.posted.v1", push.case_no, data)


def signed_links(page: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="(/trace/[^"]+/signed\?[^"]+)"', page)]


def test_the_page_tells_everything_of_a_case(push: Any, as_user: Client) -> None:
    """Pushes with how many signed, both departments' findings, the question and a picture; every family can be chosen."""
    page = as_user("clerk").get(f"/cases/{push.case_no}").get_data(as_text=True)
    assert "1 / " in page
    for said in ("经营地址与许可不符", "别的部门的检查", "经营场所是否已变更", "决定入库", "应推送："):
        assert said in page
    assert '<svg class="lanes"' in page
    assert len(signed_links(page)) >= 6


def test_a_department_sees_and_counts_only_its_own(push: Any, hub: Hub, as_user: Client) -> None:
    """Another department's push, finding and receipts are neither shown nor counted, nor can their bytes be asked for."""
    whole = as_user("clerk").get(f"/cases/{push.case_no}").get_data(as_text=True)
    page = as_user("supervisor").get(f"/cases/{push.case_no}").get_data(as_text=True)
    story = page[page.index('id="story"') :]
    assert "别的部门的检查" not in page
    assert "示范县综合行政执法局" not in page
    counted = re.search(r"data-count[^>]*>(\d+) 条", story)
    assert counted
    assert int(counted[1]) == len(re.findall(r'<li class="[a-z]+ kind-', story))
    document = as_user("supervisor").get(f"/trace/{push.case_no}/export.json").json
    assert len(document["lines"]) == int(counted[1])
    forbidden = [link for link in signed_links(whole) if link not in signed_links(page)]
    assert forbidden
    assert {as_user("supervisor").get(link).status_code for link in forbidden} == {403}
    assert {as_user("supervisor").get(link).status_code for link in signed_links(page)} == {200}


def test_an_outsider_checks_the_bytes_with_the_commands_of_the_page(
    push: Any, as_user: Client, tmp_path: Path
) -> None:
    """Message, signature and key as downloaded, the commands as printed, nothing but openssl: verified."""
    client = as_user("clerk")
    links = signed_links(client.get(f"/cases/{push.case_no}").get_data(as_text=True))
    sent, taken = (next(link for link in links if f"kept={where}" in link) for where in ("outbox", "inbox"))
    for number, link in enumerate((sent, taken)):
        folder = tmp_path / str(number)
        folder.mkdir()
        shown = client.get(link).get_data(as_text=True)
        assert "签名有效" in shown
        for what in ("message.json", "message.jws", "key.pem"):
            answer = client.get(link.replace("/signed?", f"/signed/{what}?"))
            (folder / what).write_bytes(answer.data)
        found = re.search(r'id="commands">(.*?)</pre>', shown, re.DOTALL)
        assert found
        done = subprocess.run(
            ["bash", "-e", "-c", unescape(found[1])], cwd=folder, capture_output=True, text=True, check=True
        )
        assert "Verified" in done.stdout


def test_who_looked_at_signed_bytes_is_on_record(push: Any, hub: Hub, as_user: Client) -> None:
    """The bytes name people in full, so a look at them is in the ledger and on the trace."""
    client = as_user("overseer")
    link = signed_links(client.get(f"/cases/{push.case_no}").get_data(as_text=True))[0]
    client.get(link)
    with hub.engine.connect() as tx:
        actors = tx.execute(
            text("SELECT actor FROM ledger WHERE action = 'trace.bytes_shown' AND case_no = :c"),
            {"c": push.case_no},
        ).scalars()
        assert "user:overseer" in list(actors)
    assert "查看签名原文" in client.get(f"/cases/{push.case_no}").get_data(as_text=True)


def test_altered_bytes_are_seen_to_be_altered(push: Any, hub: Hub, as_user: Client) -> None:
    """Somebody with the database's own rights changes a stored message: the line says so, and its signature is invalid."""
    finding = cases.finding(hub, push, explain="将被改动的一条")
    cases.arrive(hub, finding)
    change = text(
        "UPDATE inbox SET value = replace(encode(value, 'escape'), '3', '1')::bytea WHERE event_id = :e"
    )
    with pytest.raises(DBAPIError), hub.engine.begin() as tx:
        tx.execute(change, {"e": finding.event["id"]})
    with hub.engine.begin() as tx:
        tx.execute(text("ALTER TABLE inbox DISABLE TRIGGER inbox_stands"))
        tx.execute(change, {"e": finding.event["id"]})
        tx.execute(text("ALTER TABLE inbox ENABLE TRIGGER inbox_stands"))
    client = as_user("clerk")
    page = client.get(f"/cases/{push.case_no}").get_data(as_text=True)
    assert "原文与登记的摘要不符" in page
    link = next(one for one in signed_links(page) if finding.event["id"] in one)
    shown = client.get(link).get_data(as_text=True)
    assert "签名无效" in shown
    assert "签名有效" not in shown


def test_the_timeline_can_be_taken_away_and_printed(push: Any, as_user: Client) -> None:
    """JSON and CSV hold every line of the page in its order; paper has all details open and an address to come back to."""
    client = as_user("overseer")
    document = client.get(f"/trace/{push.case_no}/export.json").json
    rows = list(
        csv.reader(io.StringIO(client.get(f"/trace/{push.case_no}/export.csv").get_data(as_text=True)))
    )
    printed = client.get(f"/trace/{push.case_no}/print").get_data(as_text=True)
    assert [line["title"] for line in document["lines"]] == [row[2] for row in rows[1:]]
    assert [line["at"] for line in document["lines"]] == sorted(line["at"] for line in document["lines"])
    assert "<details open>" in printed
    assert "<details>" not in printed
    assert f"/cases/{push.case_no}" in printed


def test_the_window_answers_and_asks_on_the_page(
    push: Any, hub: Hub, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """A clerk answers the department's question and asks one; a stranger to the case may not speak."""
    client = as_user("clerk")
    page = client.get(f"/cases/{push.case_no}").get_data(as_text=True)
    thread = re.search(r'id="thread-([0-9a-f-]{36})"', page)
    assert thread
    once = str(uuid.uuid4())
    for _ in range(2):
        client.post(
            f"/advice/{thread[1]}",
            data={"csrf_token": csrf("clerk"), "once": once, "body": "已核对，系录入有误。"},
        )
    client.post(
        f"/advice/case/{push.case_no}",
        data={
            "csrf_token": csrf("clerk"),
            "once": str(uuid.uuid4()),
            "department": "scjg",
            "kind": "proposal",
            "subject": "联合检查",
            "body": "建议一并检查。",
        },
    )
    page = client.get(f"/cases/{push.case_no}").get_data(as_text=True)
    assert page.count("<p>已核对，系录入有误。</p>") == 2  # in the thread and on the timeline, once each
    assert "联合检查" in as_user("supervisor").get("/advice/?attention=mine").get_data(as_text=True)
    refused = as_user("overseer").post(
        f"/advice/{thread[1]}", data={"csrf_token": csrf("overseer"), "once": once, "body": "插话"}
    )
    assert refused.status_code == 403
    with hub.engine.connect() as tx:
        posts = tx.execute(text("SELECT count(*) FROM advice_posts WHERE body LIKE '已核对%'")).scalar()
    assert posts == 1


def test_a_department_without_a_system_answers_in_the_browser(
    push: Any, hub: Hub, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """With a system of its own it is told to use that; on the web channel its user's answer is signed with its key."""
    client = as_user("supervisor")
    with hub.engine.begin() as tx:
        asked = Asked(push.case_no, "scjg", "question", "网页答复", "请核对。")
        thread = open_thread(tx, asked, hub.desk, by=Speaker("user:clerk", "示例甲"), once=uuid.uuid4())
    page = client.get(f"/cases/{push.case_no}").get_data(as_text=True)
    assert "请在本部门的系统里提出和答复" in page
    with hub.engine.begin() as tx:
        change_channel(tx, "scjg", "web", hub.desk, actor="user:data_admin", reason="系统停用")
    said = {"csrf_token": csrf("supervisor"), "once": str(uuid.uuid4()), "body": "已到现场核对。"}
    for _ in range(2):
        client.post(f"/advice/{thread}", data=said)
    page = client.get(f"/cases/{push.case_no}").get_data(as_text=True)
    with hub.engine.connect() as tx:
        posts = tx.execute(
            text("SELECT department, kid FROM advice_posts WHERE body = '已到现场核对。'")
        ).all()
    assert [row.department for row in posts] == ["scjg"]
    link = next(one for one in signed_links(page[page.index("已到现场核对。</p><small") :]))
    assert "签名有效" in client.get(link).get_data(as_text=True)


def test_the_timeline_is_narrowed_on_the_spot(push: Any, hub: Hub, open_as: Open, address: str) -> None:
    """Family, search and days narrow without a reload and stand in the address; a notice brings fresh lines in."""
    page = open_as("clerk").page
    page.goto(f"{address}/cases/{push.case_no}")
    lines = "[data-timeline] > li:not(.day):not([hidden])"
    whole = page.locator(lines).count()
    page.select_option("[name=family]", "finding")
    page.wait_for_function("() => location.search.includes('family=finding')")
    found = page.locator(lines).count()
    page.fill("[data-filters] [name=q]", "别的部门")
    page.wait_for_function("() => location.search.includes('q=')")
    assert (0 < found < whole, page.locator(lines).count()) == (True, 1)
    page.reload()
    page.wait_for_function("() => document.querySelector('[data-count]').textContent.startsWith('显示 1 条')")
    page.click("[type=reset]")
    page.wait_for_function("() => !location.search.includes('q=')")
    page.click("[data-expand]")
    assert page.locator("[data-timeline] details:not([open])").count() == 0
    cases.arrive(hub, cases.finding(hub, push, explain="刚刚报来的一条"))
    page.wait_for_function(
        "() => document.querySelector('[data-timeline]').textContent.includes('刚刚报来的一条')"
    )
    page.click(f"{lines} >> a:has-text('查看签名原文') >> nth=0")
    page.wait_for_selector(".verdict.good")


def test_titles_are_said_in_the_language_of_who_reads(hub: Hub, as_user: Client, push: Any) -> None:
    """On the page, on paper and in every export: the same line in Chinese, and in English where that is chosen."""
    del hub
    client = as_user("overseer")
    pages = [f"/cases/{push.case_no}", f"/trace/{push.case_no}/print"]
    pages += [f"/trace/{push.case_no}/export.{kind}" for kind in ("csv", "json")]

    def said(words: str) -> list[bool]:
        return [words in unescape(client.get(page).get_data(as_text=True)) for page in pages]

    assert said("决定入库") == [True] * 4
    client.get("/lang/en")
    try:
        assert said("Decision recorded") == [True] * 4
        assert said("To be pushed: ") == [True] * 4
        assert said("决定入库") == [False] * 4
    finally:
        client.get("/lang/zh")
