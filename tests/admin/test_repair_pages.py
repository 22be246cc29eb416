"""The pages of notices, alerts, the quarantine and parked keys: what they show, what the buttons do, and for whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text

from admin.marked_json import marked
from admin.parked_pages import advice
from admin.quarantine_list import ADVICE
from hub.deciding.decide import decide
from hub.exchange.attempt import Attempt
from hub.exchange.inbox import QUARANTINE_CAUSES, Quarantined
from hub.exchange.outbox import ParkedKey
from hub.exchange.take_in import take_in
from hub.noticing.notice import Notice
from schemas import dumps
from tests.admin.conftest import Hub
from tests.hub.builders import a_case, a_finding

As = Callable[[str], FlaskClient]


@pytest.fixture
def post(as_user: As, csrf: Callable[[str], str]) -> Callable[..., str]:
    """Press a button as somebody; the page that follows."""

    def press(user: str, path: str, **form: object) -> str:
        data = {"csrf_token": csrf(user), **form}
        answer = as_user(user).post(path, data=data, follow_redirects=True)
        assert answer.status_code in (200, 403), answer.status_code
        return "403" if answer.status_code == 403 else answer.get_data(as_text=True)

    return press


def held(hub: Hub, number: int, *, valid: bool = True) -> int:
    """A finding that came before its case, or one that does not fit its schema, in the quarantine."""
    finding = a_finding(
        hub.desk, hub.signers["scjg"], a_case(number, area="990101").case_no, f"R{number}", "3", "3"
    )
    with hub.engine.begin() as tx:
        if valid:
            take_in(tx, [finding], [], hub.desk)
        else:
            event = {**finding.event, "data": {**finding.data, "handling": 7}}
            del event["data"]["check_result"]
            bad = replace(finding, value=dumps(event), event=event)
            take_in(
                tx, [], [bad.refuse("schema", "data.check_result：缺少必填项", "按接口文件填写")], hub.desk
            )
        return tx.execute(select(Quarantined.id).order_by(Quarantined.id.desc()).limit(1)).scalar_one()


def test_every_cause_says_what_to_do() -> None:
    """No message stands in the quarantine without a sentence for whoever finds it; nor does a parked key."""
    assert set(ADVICE) == set(QUARANTINE_CAUSES)
    assert "上限" in advice("消息超过消息代理允许的大小（MessageSizeTooLargeError）。")


def test_faults_are_marked_where_they_are() -> None:
    """A wrong value marks its line, a missing field the object it is missing from, at any depth, once."""
    document = {"type": "x", "data": {"list": [{"a": 1}, {"a": 2}], "b": None}}
    lines = marked(
        document, {"data.list[1].a": ["太大"], "data.list[0].c": ["缺少"], "data.z.y": ["缺少"], "q": ["缺"]}
    )
    assert [(line.text.strip(), line.faults) for line in lines if line.faults] == [
        ("{", ("q：缺",)),
        ('"data": {', ("z.y：缺少",)),
        ("{", ("c：缺少",)),
        ('"a": 2', ("太大",)),
    ]


def test_a_message_that_came_too_early_is_checked_and_replayed(
    hub: Hub, as_user: As, post: Callable[..., str]
) -> None:
    """The page names the missing case; checking says it would not pass and changes nothing; a replay that fails is kept;
    once the case is there both succeed, and the page shows both tries. Without the right nobody can press."""
    number = held(hub, 501)
    page = as_user("data_admin").get(f"/quarantine/{number}?check=1").get_data(as_text=True)
    assert "重放后仍不能接收" in page
    assert "请先补录办件" in page
    assert "还没有试过" in page
    assert "重放后仍不能接收" in post("data_admin", f"/quarantine/{number}/replay", reason="再试")
    assert post("overseer", f"/quarantine/{number}/replay", reason="再试") == "403"
    with hub.engine.begin() as tx:
        decide(tx, [a_case(501, area="990101")], hub.desk, actor="user:test")
    assert "现在重放就能接收" in as_user("overseer").get(f"/quarantine/{number}?check=1").get_data(
        as_text=True
    )
    page = post("data_admin", f"/quarantine/{number}/replay", reason="已补录")
    assert "消息已重放" in page
    assert page.count('<i class="dot bad"></i> <b>重放</b>') == 1
    assert page.count('<i class="dot good"></i> <b>重放</b>') == 1
    raw = as_user("data_admin").get(f"/quarantine/{number}/raw")
    assert raw.data.startswith(b"{")
    assert "attachment" in raw.headers["Content-Disposition"]


def test_many_are_settled_one_by_one(
    hub: Hub, as_user: As, post: Callable[..., str], csrf: Callable[[str], str]
) -> None:
    """Of three chosen messages two pass and one does not: each with its own sentence, the ones that pass stay passed."""
    early = [held(hub, number) for number in (511, 512)]
    bad = held(hub, 513, valid=False)
    with hub.engine.begin() as tx:
        decide(tx, [a_case(511, area="990101"), a_case(512, area="990101")], hub.desk, actor="user:test")
    page = as_user("data_admin").get(f"/quarantine/{bad}").get_data(as_text=True)
    assert "check_result：缺少必填项</mark>" in page
    answer = as_user("data_admin").post(
        "/quarantine/bulk",
        data={"csrf_token": csrf("data_admin"), "act": "replay", "reason": "已补录", "id": [*early, bad]},
        headers={"X-Requested-With": "fetch"},
    )
    assert [one["done"] for one in answer.get_json()] == [True, True, False]
    page = post("data_admin", "/quarantine/bulk", act="dismiss", reason="不要了", id=[early[0], bad])
    assert "已经处理过" in page
    assert "原文仍保留备查" in page
    with hub.engine.connect() as tx:
        states = (
            tx.execute(select(Quarantined.state).where(Quarantined.id.in_([*early, bad]))).scalars().all()
        )
        assert sorted(states) == ["dismissed", "replayed", "replayed"]
    listed = as_user("data_admin").get("/quarantine/?state=held&department=scjg&cause=schema&age=week")
    assert "没有符合条件的记录" in listed.get_data(as_text=True)


def test_parked_keys_show_what_waits_and_are_let_go_in_bulk(
    hub: Hub, as_user: As, post: Callable[..., str]
) -> None:
    """Each key shows its cause, advice, rows and tries; with one reason all chosen go on; the page keeps the tries."""
    cases = [a_case(number, area="990101") for number in (521, 522)]
    topic = "990101.scjg.in"
    with hub.engine.begin() as tx:
        decide(tx, cases, hub.desk, actor="user:test")
        for case in cases:
            tx.execute(
                insert(ParkedKey).values(topic=topic, key=case.case_no, cause="消息超过大小", attempts=2)
            )
            tx.execute(
                insert(Attempt).values(
                    subject=f"key:{topic}/{case.case_no}",
                    act="park",
                    actor="program:relay",
                    done=False,
                    words="过大",
                )
            )
    address = f"/parked/key?topic={topic}&key={cases[0].case_no}"
    page = as_user("data_admin").get(address).get_data(as_text=True)
    for said in ("approval.decided.v1", "放宽主题的消息上限", "过大", "示范县市场监督管理局"):
        assert said in page
    assert cases[1].case_no in as_user("overseer").get("/parked/?q=scjg").get_data(as_text=True)
    chosen = [f"{topic}\r\n{case.case_no}" for case in cases]
    assert post("overseer", "/parked/unpark", key=chosen, reason="已放宽") == "403"
    assert "已放行 2 个办件" in post("data_admin", "/parked/unpark", key=chosen, reason="已放宽")
    assert "已放行" in as_user("data_admin").get(address).get_data(as_text=True)
    assert as_user("data_admin").get("/parked/key?topic=x&key=y").status_code == 404


def test_a_notice_is_handled_with_a_note_and_taken_back(
    hub: Hub, as_user: As, post: Callable[..., str]
) -> None:
    """Handling one or many needs a note and shows on the page, the digest and the record; it can be taken back; the items
    somebody chose narrow the list, the count and the digest, for them alone; the sound is off until they switch it on."""
    with hub.engine.begin() as tx:
        item = tx.execute(text("SELECT code FROM service_items ORDER BY code LIMIT 1")).scalar_one()
        other = tx.execute(text("SELECT code FROM service_items ORDER BY code DESC LIMIT 1")).scalar_one()
        made = [
            tx.execute(
                insert(Notice)
                .values(
                    audience="clerk", severity="warning", title=f"要事{code}", body="请核实", item_code=code
                )
                .returning(Notice.id)
            ).scalar_one()
            for code in (item, other)
        ]
    assert "怎样处理的" in post("clerk", "/notices/handle", id=made, reason="")
    assert "2 条提醒标为已处理" in post("clerk", "/notices/handle", id=made, reason="已上门核实")
    page = as_user("clerk").get(f"/notices/{made[0]}").get_data(as_text=True)
    assert "已上门核实" in page
    assert "已上门核实" in as_user("clerk").get("/notices/today").get_data(as_text=True)
    assert "恢复为已阅" in post("clerk", f"/notices/{made[0]}/reopen", reason="记错了")
    assert 'data-sound=""' in page
    before = as_user("clerk").get("/notices/unread").get_json()["unread"]
    assert 'data-sound="1"' in post("clerk", "/notices/settings", item=[item, "no such item"], sound="1")
    listed = as_user("clerk").get("/notices/?q=要事").get_data(as_text=True)
    assert f"要事{item}" in listed
    assert f"要事{other}" not in listed
    assert as_user("clerk").get(f"/notices/{made[1]}").status_code == 404
    assert as_user("clerk").get("/notices/unread").get_json()["unread"] <= before
    assert f"要事{other}" in as_user("Admin").get("/notices/?q=要事").get_data(as_text=True)
    post("clerk", "/notices/settings")


def test_alerts_and_their_limits(hub: Hub, as_user: As, post: Callable[..., str]) -> None:
    """A data administrator changes a limit with a reason, an overseer only looks; checks that nobody made are said so; the
    health of departments names who waits longest first and what it waits for."""
    page = as_user("data_admin").get("/alerts/").get_data(as_text=True)
    assert "这些检查没有按时进行" in page
    assert "已修改" in post(
        "data_admin", "/alerts/limit", kind="parked", minutes="30", active="1", reason="节假日"
    )
    assert "整数" in post(
        "data_admin", "/alerts/limit", kind="parked", minutes="半小时", active="1", reason="不行"
    )
    assert post("overseer", "/alerts/limit", kind="parked", minutes="30", active="1", reason="不行") == "403"
    with hub.engine.begin() as tx:
        decide(tx, [a_case(531, area="990101")], hub.desk, actor="user:test")
        tx.execute(
            text("UPDATE pushes SET created_at = :then WHERE department = 'zhzf' AND case_no LIKE '%531'"),
            {"then": datetime.now(UTC) - timedelta(days=9)},
        )
    page = as_user("overseer").get("/health/?department=zhzf").get_data(as_text=True)
    names = re.findall(r'/health/\?department=(\w+)">', page)
    assert names[0] == "zhzf"
    assert "9 天前" in page
