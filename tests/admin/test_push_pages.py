"""Pushes and decisions on screen: who sees which, what can be done with one, a look at a correction before it is made."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from hub.case import Decision
from hub.exchange.announcement import Announcement
from hub.exchange.take_in import take_in
from hub.pushing.push import Push
from tests.admin.conftest import Hub
from tests.hub.builders import a_receipt, decided
from tests.hub.push_builders import packages_of

As = Callable[[str], FlaskClient]
Csrf = Callable[[str], str]


@pytest.fixture(scope="module")
def pushed(hub: Hub) -> Any:
    """One decided case, which the market regulator returned."""
    (case,) = decided(hub.engine, hub.desk)
    with hub.engine.begin() as tx:
        package = packages_of(tx, case.case_no, "approval.decided.v1")["scjg"]
        receipt = a_receipt(hub.desk, hub.signers["scjg"], package, "arrived", "signed", "returned")
        assert take_in(tx, [receipt], [], hub.desk).quarantined == 0
        return tx.execute(select(Push.id, Push.case_no).where(Push.department == "scjg")).one()


def read(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    ["", "?q=9901", "?q=食品店", "?q=测", "?state=returned", "?attention=returned", "?sort=case_no&dir=asc"],
)
def test_the_list_finds_a_push(pushed: Any, as_user: As, query: str) -> None:
    """By the beginning of its number, by any part of the party's name, by state: the push is on the page."""
    assert pushed.case_no in read(as_user("data_admin"), f"/pushes/{query}")


@pytest.mark.parametrize("attention", ["undelivered", "overdue", "revision", "stuck"])
def test_every_filter_answers(pushed: Any, as_user: As, attention: str) -> None:
    """Each filter of both lists is a query that the database understands."""
    read(as_user("overseer"), f"/pushes/?attention={attention}&item=XK-001")
    for other in ("unsigned", "returned", "overdue", "revision", "corrected"):
        read(as_user("overseer"), f"/decisions/?attention={other}")


def test_by_decision_the_list_says_how_many_signed(pushed: Any, as_user: As) -> None:
    """One of the departments has signed: the line says so, with a bar."""
    page = read(as_user("clerk"), "/decisions/")
    assert re.search(r"1 / \d+ 已签收", page)


def test_the_page_of_a_push_shows_who_said_what(pushed: Any, as_user: As) -> None:
    """Receipts with key and digest; buttons only for who may; a stranger's push is not found."""
    page = read(as_user("data_admin"), f"/pushes/{pushed.id}")
    assert "不属于本部门职责" in page
    assert "签名密钥" in page
    assert f"/pushes/{pushed.id}/reassign" in page
    assert f"/pushes/{pushed.id}/reassign" not in read(as_user("supervisor"), f"/pushes/{pushed.id}")
    other = as_user("supervisor").get(f"/pushes/{uuid.uuid4()}")
    assert other.status_code == 404


def test_insisting_and_sending_again(pushed: Any, hub: Hub, as_user: As, csrf: Csrf) -> None:
    """A data administrator insists with a reason and sends again; a supervisor may neither."""
    token = {"csrf_token": csrf("data_admin"), "reason": "依法由该局监管"}
    assert as_user("supervisor").post(f"/pushes/{pushed.id}/insist").status_code in (302, 400, 403)
    done = as_user("data_admin").post(f"/pushes/{pushed.id}/insist", data=token, follow_redirects=True)
    assert "已坚持推送" in done.get_data(as_text=True)
    again = as_user("data_admin").post(f"/pushes/{pushed.id}/insist", data=token, follow_redirects=True)
    assert "刚刚变了" in again.get_data(as_text=True)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE outbox SET published_at = now()"))
    sent = as_user("data_admin").post(f"/pushes/{pushed.id}/resend", data=token, follow_redirects=True)
    assert "已排队补发" in sent.get_data(as_text=True)


def test_a_correction_is_looked_at_before_it_is_made(pushed: Any, hub: Hub, as_user: As, csrf: Csrf) -> None:
    """First the changes and who is told, nothing written; then, with the box ticked, everyone is told."""
    path = f"/decisions/{pushed.case_no}/correct"
    form = {"csrf_token": csrf("data_admin"), "seen": "1", "reason": "写错", "explanation": "准予热食类"}
    form |= {"decided_on": "2026-09-18", "result_type": "0", "document_name": "准予行政许可决定书"}
    assert as_user("clerk").get(path).status_code == 403
    read(as_user("data_admin"), path)
    shown = as_user("data_admin").post(path, data=form).get_data(as_text=True)
    assert "1 处改动" in shown
    assert "准予热食类" in shown
    with hub.engine.connect() as tx:
        assert tx.execute(select(Decision.revision)).scalar() == 1
    nothing = as_user("data_admin").post(path, data={**form, "explanation": "准予"}).get_data(as_text=True)
    assert "没有改动" in nothing
    done = as_user("data_admin").post(path, data={**form, "sure": "1"}, follow_redirects=True)
    assert "第 2 版" in done.get_data(as_text=True)
    with hub.engine.connect() as tx:
        told = tx.execute(
            select(Announcement.department).where(Announcement.kind == "approval.corrected.v1")
        ).scalars()
        assert set(told) >= {"scjg"}
    assert "未签收新版" in read(as_user("data_admin"), "/decisions/")
    assert pushed.case_no in read(as_user("data_admin"), "/pushes/?attention=revision")
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE outbox SET published_at = now()"))
    again = {"csrf_token": csrf("data_admin"), "reason": "两天没有签收", "department": "scjg"}
    sent = as_user("data_admin").post("/pushes/resend-revisions", data=again, follow_redirects=True)
    assert "1 条消息已排队补发" in sent.get_data(as_text=True)
    twice = as_user("data_admin").post("/pushes/resend-revisions", data=again, follow_redirects=True)
    assert "没有可以补发" in twice.get_data(as_text=True)


def test_a_decision_is_withdrawn_with_a_reason(pushed: Any, as_user: As, csrf: Csrf) -> None:
    """The page names the licence that stays as it is; without the box nothing happens; then all pushes are recalled."""
    path = f"/decisions/{pushed.case_no}/withdraw"
    page = read(as_user("data_admin"), path)
    assert "证照状态不会自动改变" in page
    form = {"csrf_token": csrf("data_admin"), "seen": "2", "reason": "材料系伪造"}
    assert "已核对" in as_user("data_admin").post(path, data=form).get_data(as_text=True)
    done = as_user("data_admin").post(path, data={**form, "sure": "1"}, follow_redirects=True)
    assert "决定已撤回" in done.get_data(as_text=True)
    assert "已撤回" in read(as_user("data_admin"), f"/pushes/{pushed.id}")
    assert "不能再更正" in read(as_user("data_admin"), f"/decisions/{pushed.case_no}/correct")
