"""Everything that can be reported in the web inbox, beside what a connector makes of the same words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from hub.department import Department, DepartmentKey
from hub.joining.change_channel import change_channel
from hub.pushing.push import Push
from schemas import loads, violations
from schemas.drafts.forms import FORMS
from schemas.drafts.written import report_data
from tests.admin import cases
from tests.admin.conftest import Hub

#: What is typed into which form, in the order of a case's life; `{name}`: the number of an earlier one.
STORY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "plan",
        "plan",
        {
            "plan_name": "2026 年度计划",
            "from": "2026-09-01",
            "to": "2026-12-31",
            "way": "double_random",
            "frequency": "每年两次",
            "ratio": "12.5",
            "scope": "全部餐饮",
        },
    ),
    (
        "inspection",
        "finding",
        {
            "inspected_at": "2026-09-18T10:30",
            "inspectors": "示例己（99010100001）、示例庚",
            "check_result": "3",
            "handling": "2",
            "rectify_by": "2026-10-18",
            "explain": "后厨未设独立清洗水池",
            "inspection_form": "on_site",
            "inspection_way": "double_random",
            "double_random_result": "6",
            "plan_no": "{plan}",
            "supervise_item_name": "餐饮监督检查",
            "publicity": "internal",
        },
    ),
    (
        "rectification",
        "rectification",
        {
            "finding_no": "{inspection}",
            "round": "1",
            "checked_at": "2026-10-18T09:00",
            "result": "2",
            "rectify_by": "2026-11-01",
            "inspectors": "示例己",
        },
    ),
    (
        "rectification",
        "rectification",
        {
            "finding_no": "{inspection}",
            "round": "2",
            "checked_at": "2026-11-01T09:00",
            "result": "1",
            "explain": "已设",
        },
    ),
    (
        "enforcement",
        "enforcement",
        {
            "finding_no": "{inspection}",
            "document_no": "示市监罚〔2026〕1号",
            "decided_on": "2026-11-10",
            "result": "1",
            "punish_types": ["01", "02"],
            "fine_fen": "20,000.50",
            "illegal_fact": "逾期未改",
            "basis": "《食品安全法》第一百二十六条",
            "content": "警告，罚款",
            "publicity": "external",
            "publish_until": "2027-11-10",
            "officers": "示例辛（99010100009）",
        },
    ),
    (
        "credit",
        "credit",
        {
            "kind": "dishonest",
            "recorded_on": "2026-11-11",
            "until": "2027-11-11",
            "document_no": "示失信〔2026〕1号",
            "explain": "逾期未改",
        },
    ),
    ("credit", "credit", {"corrects": "{credit}", "kind": "serious", "recorded_on": "2026-11-11"}),
    ("withdrawal", "withdrawal", {"withdraws": "{plan}", "reason": "计划报错了"}),
)


@pytest.fixture(scope="module")
def web(hub: Hub) -> Hub:
    with hub.engine.begin() as tx:
        change_channel(tx, "scjg", "web", hub.desk, actor="user:admin", reason="该局没有业务系统")
    cases.load(hub, 3)
    return hub


def mark_of(page: str) -> str:
    found = re.search(r'name="mark" value="([^"]+)"', page)
    assert found, page[:300]
    return found[1]


def test_each_report_is_the_message_that_a_connector_makes_of_the_same_words(
    web: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]
) -> None:
    """Type and data are equal, the schema has no objection, and the hub took every one of them in."""
    client, token = as_user("supervisor"), csrf("supervisor")
    with web.engine.connect() as tx:
        push = tx.execute(select(Push.__table__).where(Push.department == "scjg").limit(1)).one()
    numbers: dict[str, str] = {}
    for at, (act, kind, words) in enumerate(STORY):
        typed = {name: _filled(value, numbers) for name, value in words.items()}
        number = f"{act}-{at}"
        path = f"/inbox/{push.id}/report/{act}"
        page = client.get(path).get_data(as_text=True)
        answer = client.post(
            path, data={"csrf_token": token, "mark": mark_of(page), "number": number, **typed}
        )
        assert answer.status_code == 302, (
            act,
            re.findall(r'class="fault"[^>]*>([^<]+)', answer.get_data(as_text=True)),
        )
        event = _event(web, push.case_no, number)
        assert event["type"] == FORMS[kind].event_type
        assert violations(event["type"], event) == []
        assert event["data"] == _of_a_connector(kind, number, push, typed, event["data"])
        numbers.setdefault(act, number)
    with web.engine.connect() as tx:
        rows = tx.execute(
            text("SELECT finding_no, standing, fine_fen FROM findings WHERE push_id = :p"), {"p": push.id}
        )
        stands = {row.finding_no: (row.standing, row.fine_fen) for row in rows}
    assert stands["plan-0"] == ("withdrawn", None)
    assert stands["credit-5"] == ("corrected", None)
    assert stands["enforcement-4"] == ("standing", 2_000_050)
    assert len(stands) == len(STORY)


def _filled(value: Any, numbers: dict[str, str]) -> Any:
    return value.format(**numbers) if isinstance(value, str) and value.startswith("{") else value


def _event(web: Hub, case_no: str, number: str) -> Any:
    with web.engine.connect() as tx:
        values = tx.execute(text("SELECT value FROM inbox WHERE case_no = :c"), {"c": case_no}).scalars()
        events = [loads(bytes(value)) for value in values]
    by_number = {one["data"].get("fact_no", one["data"].get("finding_no")): one for one in events}
    return by_number[number]


def _of_a_connector(kind: str, number: str, push: Any, typed: dict[str, Any], said: Any) -> Any:
    """The same words in a department's own table, read by its connector."""
    words = dict(typed)
    if "fine_fen" in words:
        words["fine_yuan"] = words.pop("fine_fen")
    words |= {FORMS[kind].number: number, "project_no": push.case_no, "push_id": str(push.id)}
    # Not typed by anybody: the licence of the package, the year of a plan, the moment of a withdrawal.
    words |= {name: said[name] for name in ("certificateIdentifier", "year", "at") if name in said}
    return report_data(kind, words)


def test_a_correction_opens_with_what_was_said(web: Hub, as_user: Callable[[str], FlaskClient]) -> None:
    """The form has the words of the original, from the very message that was signed."""
    with web.engine.connect() as tx:
        push = tx.scalar(text("SELECT push_id FROM findings WHERE finding_no = 'enforcement-4'"))
    page = (
        as_user("supervisor")
        .get(f"/inbox/{push}/report/enforcement?corrects=enforcement-4")
        .get_data(as_text=True)
    )
    assert 'value="20000.5' in page
    assert "示例辛（99010100009）" in page
    assert 'name="corrects" value="enforcement-4"' in page


def test_a_data_administrator_chooses_how_a_department_takes_part(
    web: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]
) -> None:
    """A department is registered without a key of its own; its channel changes with a reason; nobody else may."""
    client, token = as_user("data_admin"), csrf("data_admin")
    form = {
        "csrf_token": token,
        "code": "xfjy",
        "name": "示范县消防救援大队",
        "roles": "supervising",
        "channel": "web",
    }
    assert client.post("/departments/add", data=form).status_code == 302
    with web.engine.connect() as tx:
        assert tx.scalar(select(Department.channel).where(Department.code == "xfjy")) == "web"
        keys = (
            tx.execute(select(DepartmentKey.custody).where(DepartmentKey.department == "xfjy"))
            .scalars()
            .all()
        )
    assert keys == ["hub"]
    page = client.get("/departments/xfjy").get_data(as_text=True)
    assert "还没有人能打开收件箱" in page
    assert "PRIVATE" not in page
    renewed = client.post("/departments/xfjy/custody", data={"csrf_token": token, "reason": "每年更换"})
    assert renewed.status_code == 302
    change = {"csrf_token": token, "channel": "kafka", "reason": "建成系统"}
    answer = client.post("/departments/xfjy/channel", data=change, follow_redirects=True)
    assert "请先登记部门公钥" in answer.get_data(as_text=True)
    theirs = {**change, "csrf_token": csrf("overseer")}
    assert as_user("overseer").post("/departments/xfjy/channel", data=theirs).status_code in (302, 403)
    with web.engine.connect() as tx:
        assert tx.scalar(select(Department.channel).where(Department.code == "xfjy")) == "web"
