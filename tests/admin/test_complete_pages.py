"""补齐材料: what a held push lacks is brought on one page, by whom it concerns; then the push goes by itself."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from admin.accounts import ensure_user
from hub.catalogue.draft_item import draft_item, set_header
from hub.catalogue.publish_item import publish_item
from hub.pushing.rules.draft_rule import draft_rule, save_rule
from hub.pushing.rules.publish_rule import publish_rule
from hub.reuse.accept_case import accept_case
from hub.reuse.prefill import set_field
from tests.admin.conftest import PASSWORD, Hub, Watched
from tests.admin.taking import FOOD, Client
from tests.hub.reuse_builders import CLERK, decide_it, line_of, start, take_all
from tests.storage import intake_samples as samples

AsUser = Callable[[str], FlaskClient]
Token = Callable[[str], str]
ACTOR = "user:test"
MUST = {"must_steps": [{"name": "现场核查"}], "must_elements": ["XK_FRDB"]}
LACKED = "M03"


@pytest.fixture(scope="module", autouse=True)
def asked_for(hub: Hub) -> None:
    """The food permit asks for a step and an element; one department waits for all of it."""
    with hub.engine.begin() as tx:
        draft = draft_item(tx, FOOD, actor=ACTOR)
        set_header(tx, draft, MUST, actor=ACTOR)
        publish_item(tx, draft, actor=ACTOR)
        rule = draft_rule(tx, None, actor=ACTOR)
        named = {"departments": [{"department": "zhzf"}], "incomplete": "block", "item_codes": [FOOD]}
        save_rule(tx, rule, {"name": "等补齐", **named}, actor=ACTOR)
        publish_rule(tx, rule, actor=ACTOR)
    ensure_user(hub.app, "office-approver", PASSWORD, role="approver", name="审批员", department="xzsp")
    ensure_user(hub.app, "health-approver", PASSWORD, role="approver", name="卫健员", department="wjw")


_numbers = iter(range(7000, 8000))


def held_case(hub: Hub) -> tuple[str, uuid.UUID]:
    """A decided case that lacks a material, a step and an element, and the line that is lacked."""
    with hub.engine.begin() as tx:
        case_no = start(tx, hub.desk, FOOD)
        materials = take_all(tx, case_no)
        for name in ("contact_name", "contact_phone"):
            set_field(tx, case_no, name, "示例 0000", actor=CLERK, desk=hub.desk)
        accept_case(tx, case_no, hub.desk, actor=CLERK)
        tx.execute(text("UPDATE materials SET state = 'revoked' WHERE id = :id"), {"id": materials[LACKED]})
        decide_it(tx, hub.desk, case_no, next(_numbers))
        return case_no, line_of(tx, case_no, LACKED).id


def state(hub: Hub, case_no: str) -> str:
    with hub.engine.connect() as tx:
        of = {"no": case_no}
        return str(
            tx.scalar(text("SELECT state FROM pushes WHERE case_no = :no AND department = 'zhzf'"), of)
        )


def pdf() -> bytes:
    return samples.pdf(uuid.uuid4().hex)


def fill(client: FlaskClient, token: str, case_no: str, **form: str) -> TestResponse:
    where = f"/incomplete-pushes/{case_no}/complete/fill"
    return client.post(where, data=form, headers={"X-CSRFToken": token})


VISIT = {"s0.name": "现场核查", "s0.action": "通过", "s0.by": "李核查", "s0.from": "2026-01-05T09:00"}


def test_what_is_missing_is_brought_piece_by_piece_and_the_push_goes(
    hub: Hub, as_user: AsUser, csrf: Token
) -> None:
    """A wrong kind of file is refused, half leaves it held and says what is left, the last piece sends it, twice is told."""
    case_no, line = held_case(hub)
    client, token = as_user("office-approver"), csrf("office-approver")
    where = f"/incomplete-pushes/{case_no}/complete"
    page = client.get(where).get_data(as_text=True)
    for part in (f'data-pick="{line}"', "环节 现场核查", 'name="e.XK_FRDB"'):
        assert part in page
    for path in (f"/incomplete-pushes/{case_no}", f"/cases/{case_no}", f"/workbench/case/{case_no}"):
        assert where in client.get(path).get_data(as_text=True), path

    files = Client(client, token)
    refused = files.begin(case_no, line, 10, "申请书.exe")
    assert (refused.status_code, "格式" in refused.get_json()["error"]) == (422, True)
    assert files.send(case_no, line, pdf())["state"] == "stored"
    assert f'data-pick="{line}"' not in client.get(f"{where}?part=body").get_data(as_text=True)

    empty = fill(client, token, case_no, **{**VISIT, "s0.by": ""})
    assert (empty.status_code, "办理人" in empty.get_json()["error"]) == (422, True)
    half = fill(client, token, case_no, **VISIT).get_json()
    assert "仍缺少要素：法定代表人" in half["said"]
    assert state(hub, case_no) == "held"
    done = fill(client, token, case_no, **{"e.XK_FRDB": "张三"}).get_json()
    assert "1 个部门的推送已发出" in done["said"]
    assert state(hub, case_no) == "owed"
    again = fill(client, token, case_no, **{"e.XK_FRDB": "李四"})
    assert (again.status_code, "可能刚刚由他人补齐" in again.get_json()["error"]) == (409, True)
    assert "没有等待补齐的推送" in client.get(where).get_data(as_text=True)


def test_only_the_department_that_approved_completes(hub: Hub, as_user: AsUser, csrf: Token) -> None:
    """Another approving department sees nothing of it; a clerk brings files, but decides no step and no element."""
    case_no, line = held_case(hub)
    other, token = as_user("health-approver"), csrf("health-approver")
    where = f"/incomplete-pushes/{case_no}/complete"
    assert "不是本部门审批的" in other.get(where, follow_redirects=True).get_data(as_text=True)
    assert fill(other, token, case_no, **VISIT).status_code == 403
    headers = {"X-CSRFToken": token}
    picked = {"pick": f"{line}|material|{uuid.uuid4()}", "purpose": "补齐"}
    assert other.post(f"{where}/use", data=picked, headers=headers).status_code == 403
    clerk = as_user("clerk")
    Client(clerk, csrf("clerk"))
    page = clerk.get(where).get_data(as_text=True)
    assert f'data-pick="{line}"' in page
    assert "由审批部门的审批人员补填" in page
    assert fill(clerk, csrf("clerk"), case_no, **VISIT).status_code == 403
    assert state(hub, case_no) == "held"


def corrections(hub: Hub, case_no: str) -> list[str]:
    """Which departments were sent a correction, in order."""
    with hub.engine.connect() as tx:
        sent = "SELECT department FROM announcements WHERE case_no = :no AND kind = 'approval.corrected.v1' "
        return list(tx.scalars(text(sent + "ORDER BY revision, department"), {"no": case_no}))


def test_what_came_late_is_sent_by_a_button_to_who_has_the_decision(
    hub: Hub, as_user: AsUser, csrf: Token
) -> None:
    """Nothing to send, no button; then it says to whom; a clerk may not; sent once. A push that went is completed, too."""
    case_no, line = held_case(hub)
    client, token = as_user("office-approver"), csrf("office-approver")
    where = f"/incomplete-pushes/{case_no}/complete"
    button = "把已补来的材料发给已收到决定的部门"

    def send(who: FlaskClient, token: str) -> TestResponse:
        return who.post(f"{where}/send", headers={"X-CSRFToken": token})

    files = Client(client, token)
    assert button not in client.get(where).get_data(as_text=True)
    assert send(client, token).status_code == 409
    wrong = files.send(case_no, line, pdf())["material_id"]
    assert f'data-pick="{line}"' not in client.get(where).get_data(as_text=True)

    def remove(reason: str) -> TestResponse:
        headers = {"X-CSRFToken": token}
        return client.post(f"{where}/remove/{wrong}", data={"reason": reason}, headers=headers)

    assert remove(" ").status_code == 422
    page = remove("选错了文件").get_json()
    assert "已移除" in page["said"]
    assert f'data-pick="{line}"' in page["html"]
    assert files.send(case_no, line, pdf())["state"] == "stored"
    page = client.get(where).get_data(as_text=True)
    assert button in page
    assert "发给：示范县市场监督管理局。" in page
    clerk = as_user("clerk")
    Client(clerk, csrf("clerk"))
    assert button not in clerk.get(where).get_data(as_text=True)
    assert send(clerk, csrf("clerk")).status_code == 403
    assert corrections(hub, case_no) == []
    assert "补来的内容已发给示范县市场监督管理局" in send(client, token).get_json()["said"]
    assert (send(client, token).status_code, remove("又选错了").status_code) == (409, 200)
    assert corrections(hub, case_no) == ["scjg"]
    with hub.engine.connect() as tx:
        sent = "SELECT event_id FROM announcements WHERE case_no = :no"
        event = tx.scalar(text(sent), {"no": case_no})
    got = as_user("supervisor").get(f"/inbox/messages/{event}").get_data(as_text=True)
    assert "<dt>变了的内容</dt><dd>材料 申请书</dd>" in got

    with hub.engine.connect() as tx:
        of = {"no": case_no}
        push = tx.scalar(text("SELECT id FROM pushes WHERE case_no = :no AND state = 'held'"), of)
    form = {"push": str(push), "reason": "监管部门急需", "csrf_token": token}
    client.post(f"/incomplete-pushes/{case_no}/release", data=form)
    for path in ("/incomplete-pushes/?held=sent", f"/incomplete-pushes/{case_no}", f"/cases/{case_no}"):
        assert where in client.get(path).get_data(as_text=True), path
    assert "已经推送给：示范县市场监督管理局、示范县综合行政执法局" in client.get(where).get_data(
        as_text=True
    )
    done = fill(client, token, case_no, **{**VISIT, "e.XK_FRDB": "张三"}).get_json()
    assert "补来的内容已发给示范县市场监督管理局、示范县综合行政执法局" in done["said"]
    assert corrections(hub, case_no) == ["scjg", "scjg", "zhzf"]
    assert "没有等待补齐的推送" in client.get(where).get_data(as_text=True)


def test_a_person_brings_what_is_missing_at_the_page(
    hub: Hub, address: str, open_as: Callable[..., Watched]
) -> None:
    """At the browser: the file is dropped on its line, the fields are filled in, and the page says that it has gone."""
    case_no, line = held_case(hub)
    page = open_as("office-approver").page
    page.goto(f"{address}/incomplete-pushes/{case_no}")
    page.get_by_role("link", name="补齐材料", exact=True).click()
    page.locator(f'[data-pick="{line}"]').set_input_files(
        {"name": "申请书.pdf", "mimeType": "application/pdf", "buffer": pdf()}
    )
    page.locator(f'[data-pick="{line}"]').wait_for(state="detached")
    page.get_by_label("办理人").fill("李核查")
    page.get_by_label("开始时间").fill("2026-01-05T09:00")
    page.get_by_label("法定代表人").fill("张三")
    page.get_by_role("button", name="保存并检查").click()
    page.get_by_text("没有等待补齐的推送").wait_for()
    assert state(hub, case_no) == "owed"
