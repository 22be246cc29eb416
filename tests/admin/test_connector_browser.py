"""Joining a department in the browser: by keyboard, with a test that is followed while it runs; and on a telephone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from tests.admin import cases
from tests.admin.conftest import Hub, Watched

STEPS = (
    {"layer": "address", "ok": True, "words": "地址可以连", "took_ms": 1},
    {"layer": "tcp", "ok": True, "words": "端口 3306 连得上", "took_ms": 8},
    {"layer": "sign_in", "ok": False, "words": "用户名或密码不对", "advice": "请核对密码。", "took_ms": 20},
)


@pytest.fixture
def host(hub: Hub) -> Iterator[None]:
    """Does what the connector host does with a check: takes it, says layer by layer how it went, ends it."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            with hub.engine.begin() as tx:
                job = tx.execute(text("SELECT id FROM connector_jobs WHERE state = 'waiting'")).scalar()
            for step in STEPS if job else ():
                told = "UPDATE connector_jobs SET state = 'running', steps = steps || CAST(:step AS jsonb) WHERE id = :id"
                with hub.engine.begin() as tx:
                    tx.execute(text(told), {"id": job, "step": json.dumps([step])})
                time.sleep(0.3)
            done = "UPDATE connector_jobs SET state = 'done', result = '{\"ok\": false}' WHERE id = :id"
            with hub.engine.begin() as tx:
                tx.execute(text(done), {"id": job})

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(60)


def test_joining_by_keyboard_with_a_test_that_is_followed(
    hub: Hub, open_as: Callable[..., Watched], address: str, host: None
) -> None:
    """Boxes that do not apply are not shown, Ctrl+S saves, leaving unsaved asks, and the layers appear one by one."""
    page = open_as("data_admin").page
    page.goto(f"{address}/connectors/new")
    page.select_option("select[name=department]", "zhzf")
    page.focus("input[name=kind]")
    page.press("input[name=kind][value=sql]", "Space")
    page.press("input[name=kind][value=sql]", "Enter")
    page.wait_for_url("**/connectors/zhzf/system")
    assert page.is_visible("[name=e-0-host]")
    page.select_option("[name=e-0-dialect]", "sqlite")
    assert not page.is_visible("[name=e-0-host]")
    assert page.is_visible("[name=e-0-path]")
    assert page.is_visible("[data-unsaved]")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("location.href = '/connectors/'")
    while not asked:  # the dialog is an event: it comes while the page is waited for
        page.wait_for_timeout(20)
    assert asked == ["beforeunload"]
    page.fill("[name=e-0-path]", "/srv/case.db")
    page.keyboard.press("Control+s")
    page.wait_for_selector(".flash.success")
    assert page.input_value("[name=e-0-path]") == "/srv/case.db"

    page.goto(f"{address}/connectors/zhzf/test")
    page.evaluate("window.same = true")
    page.click("text=测试连接")
    page.wait_for_selector(".layers li >> nth=0")
    page.wait_for_selector(".job[data-job=done] .verdict.bad")
    assert page.locator(".layers li").count() == len(STEPS)
    assert page.inner_text(".layers .bad .advice") == "请核对密码。"
    assert page.evaluate("window.same")  # no reload in between


def test_every_step_fits_a_telephone(hub: Hub, open_as: Callable[..., Watched], address: str) -> None:
    """Nothing is wider than the screen; ticking a push means those that are ticked."""
    cases.load(hub, 2)
    page: Any = open_as("data_admin", width=390, height=800).page
    page.goto(f"{address}/connectors/new")
    page.select_option("select[name=department]", "scjg")
    page.check("input[name=kind][value=folder]")
    page.click("text=下一步：填写系统")
    for step in ("", "/system", "/flows", "/test", "/rehearse", "/life", "/health"):
        page.goto(f"{address}/connectors/scjg{step}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), step
    page.goto(f"{address}/connectors/scjg/rehearse")
    page.click("text=选推送")
    page.check("input[name=push] >> nth=0")
    assert page.is_checked("input[name=way][value=picked]")
