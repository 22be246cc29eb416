"""A morning at a department without a system, in a real browser, on a desk's screen and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, text

from hub.feedback.finding import Finding
from hub.joining.change_channel import change_channel
from hub.pushing.push import Push
from tests.admin import cases
from tests.admin.conftest import Hub, Watched


@pytest.fixture(scope="module")
def web(hub: Hub) -> Hub:
    """市场监管局 takes part in the browser; some cases were pushed to it."""
    with hub.engine.begin() as tx:
        change_channel(tx, "scjg", "web", hub.desk, actor="user:admin", reason="该局没有业务系统")
    cases.load(hub, 4)
    return hub


def push_of(hub: Hub, path: str) -> Any:
    with hub.engine.connect() as tx:
        return tx.execute(select(Push.__table__).where(Push.id == path.rsplit("/", 1)[1].split("#")[0])).one()


def findings_of(hub: Hub, push: Any) -> list[Any]:
    query = (
        select(Finding.__table__)
        .where(Finding.push_id == push.id)
        .order_by(Finding.happened_at, Finding.kind)
    )
    with hub.engine.connect() as tx:
        return list(tx.execute(query).all())


def send(page: Any) -> None:
    with page.expect_navigation():
        page.click("form.report .submit button.btn.primary")


def test_a_whole_morning(web: Hub, open_as: Callable[..., Watched], tmp_path: Path) -> None:
    """By keys: sign for two, open one, claim it; inspect with a photo; on the phone put right, then close. Each step is
    a message that the department signed, and the page says so."""
    page = open_as("supervisor").page
    with page.expect_navigation():
        page.click("nav a[href='/inbox/']")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    with page.expect_navigation():
        page.click("#sign-several button.primary")
    assert "已签收 2 件" in page.inner_text(".flash.success")

    page.goto(page.url.split("?")[0] + "?tab=claim")
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    push = push_of(web, page.url)
    with page.expect_navigation():
        page.click("button:text-is('认领')")
    assert push_of(web, page.url).claimed_by == "supervisor"

    photo = tmp_path / "现场.jpg"
    Image.new("RGB", (320, 240), "teal").save(photo, "JPEG")
    page.click("nav.acts a:text-is('检查')")
    page.check("input[name=check_result][value='3']")
    assert not page.is_visible("input[name=rectify_by]")
    page.check("input[name=handling][value='2']")
    page.fill("input[name=rectify_by]", "2027-01-15")
    page.fill("textarea[name=explain]", "后厨未设独立清洗水池")
    page.set_input_files("[data-bring]", str(photo))
    page.wait_for_selector("[data-files] input[name=files]", state="attached")
    page.reload()  # what was typed is still there
    assert page.input_value("textarea[name=explain]") == "后厨未设独立清洗水池"
    page.set_input_files("[data-bring]", str(photo))
    page.wait_for_selector("[data-files] input[name=files]", state="attached")
    send(page)
    assert "已签名上报" in page.inner_text(".flash.success")
    (inspection,) = findings_of(web, push)
    with web.engine.connect() as tx:
        names = tx.execute(
            text("SELECT name FROM finding_files WHERE finding_id = :id"), {"id": inspection.id}
        )
        assert names.scalars().all() == ["现场.jpg"]
    assert push_of(web, page.url).state == "supervising"

    phone = open_as("supervisor", width=390, height=800).page
    phone.goto(page.url.split("/inbox")[0] + "/inbox/?tab=rectify")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    with phone.expect_navigation():
        phone.click("tbody tr a")
    phone.click("nav.acts a:text-is('整改复查')")
    assert phone.input_value("input[name=round]") == "1"
    assert phone.input_value("select[name=finding_no]") == inspection.finding_no
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.check("input[name=result][value='1']")
    send(phone)
    assert push_of(web, phone.url).state == "answered"

    phone.click("summary:text-is('办结')")
    with phone.expect_navigation():
        phone.click("button:text-is('确定办结')")
    done = push_of(web, phone.url)
    assert (done.state, done.closed_by) == ("closed", "supervisor")
