"""What a person sees in a real Chromium. Every test also fails on a script error or a request to an outside address."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shenguan.sample import generate, header
from storage.spreadsheet import write_rows
from tests.admin import cases
from tests.admin.conftest import Hub, Watched

Open = Callable[..., Watched]


@pytest.fixture(scope="module", autouse=True)
def facts(hub: Hub) -> None:
    cases.load(hub, 30)
    push = cases.any_push(hub)
    cases.arrive(hub, cases.receipt(hub, push, "arrived", "signed", "claimed"), cases.finding(hub, push))


def test_a_finding_reaches_the_clerks_open_page(hub: Hub, open_as: Open) -> None:
    """The clerk looks at the home page; a finding is taken in; toast, list line, badge and title change by themselves."""
    page = open_as("clerk").page
    page.wait_for_function("() => document.querySelector('#toasts') !== null")
    until(lambda: hub.app.extensions["shenguan"].live.listening)
    before = int(page.inner_text(".side .count"))
    cases.arrive(hub, cases.finding(hub, cases.any_push(hub, "zhzf"), explain="擅自改变布局"))
    page.wait_for_selector("#toasts .toast.alert")
    assert "擅自改变布局" in page.inner_text("#toasts")
    assert "擅自改变布局" in page.inner_text("#live-list li:first-child")
    assert int(page.inner_text(".side .count")) == before + 1
    assert page.title().startswith(f"({before + 1})")


def test_a_notice_during_a_lost_connection_is_shown_after_it(hub: Hub, open_as: Open) -> None:
    """The browser goes off line, a notice comes, the browser comes back: shown once."""
    watched = open_as("clerk")
    page = watched.page
    until(lambda: hub.app.extensions["shenguan"].live.listening)
    hub.app.extensions["shenguan"].live.stop()  # as when the server restarts: every stream ends
    cases.arrive(hub, cases.finding(hub, cases.any_push(hub), check_result="2", explain="断线期间的检查"))
    page.wait_for_function("() => document.querySelector('#toasts').innerText.includes('断线期间的检查')")
    assert page.inner_text("#live-list").count("断线期间的检查") == 1


def test_marking_a_notice_as_read_counts_down(open_as: Open) -> None:
    """The button on a notice marks it; the badge follows; after a reload it is still read."""
    page = open_as("clerk").page
    before = int(page.inner_text(".side .count"))
    page.click("#live-list [data-mark] >> nth=0")
    if before == 1:
        page.wait_for_selector(".side .count", state="hidden")
    else:
        page.wait_for_function(f"() => document.querySelector('.side .count').textContent === '{before - 1}'")


def test_chinese_first_and_english_at_a_click(open_as: Open) -> None:
    """The pages are Chinese whatever the browser prefers, English after the switch, and Chinese again."""
    page = open_as("data_admin").page
    assert page.inner_text("h1") == "运行总览"
    page.click("text=English")
    assert page.inner_text("h1") == "Operations overview"
    for path in ("/cases/", "/departments/", "/rules/list/", "/quarantine/", "/items/add", "/outbox/"):
        page.goto(re.sub(r"(https?://[^/]+).*", r"\1", page.url) + path)
        chrome = page.inner_text(".side") + page.inner_text("h1") + page.inner_text(".crumbs")
        assert not re.search(r"[\u4e00-\u9fff]", chrome.replace("示范县", "")), (path, chrome)
    page.click("text=中文")
    assert page.inner_text(".side").startswith("审管通")


def test_slash_goes_to_the_search_and_a_row_opens(open_as: Open) -> None:
    """With the keyboard alone: `/`, type a case number, Enter, and the row leads to the trace."""
    page = open_as("clerk").page
    case_no = page.inner_text("tbody .mono >> nth=0")
    page.keyboard.press("/")
    page.keyboard.type(case_no)
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/?q=*")
    page.click("tbody tr td:nth-child(3)")
    page.wait_for_url(f"**/cases/{case_no}*")
    assert page.inner_text(".timeline").count("应推送") == 2


def test_a_sheet_is_uploaded_and_its_progress_seen(open_as: Open, tmp_path: Path) -> None:
    """The upload page shows how far it is, and then the figures, without a reload."""
    write_rows(tmp_path / "in.xlsx", header(), list(generate(60, seed=11)))
    page = open_as("data_admin").page
    page.click("text=数据导入")
    page.set_input_files("input[name=sheet]", str(tmp_path / "in.xlsx"))
    page.click("text=开始导入")
    page.wait_for_selector("text=导入完成", timeout=60_000)
    assert page.inner_text("#job .tile.good b") == "60"


@pytest.mark.parametrize("role", ["data_admin", "clerk", "approver", "supervisor", "overseer"])
def test_each_home_page_works_on_a_small_screen(open_as: Open, role: str) -> None:
    """At 390 pixels nothing sticks out sideways and the menu opens; each figure is a link."""
    page = open_as(role, width=390, height=844).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("a.tile[href]").count() >= 4
    page.click("[data-open-menu]")
    page.wait_for_function("() => document.querySelector('.side').getBoundingClientRect().left >= 0")


PAGES = (
    "/", "/cases/", "/pushes/", "/findings/", "/licences/", "/parties/", "/departments/", "/departments/add",
    "/departments/scjg", "/items/list/", "/items/add", "/rules/edit/1", "/quarantine/", "/outbox/", "/notices/",
    "/ledger/", "/programs/", "/loads/", "/users/userinfo/",
)  # fmt: skip


def test_every_control_has_a_name_and_nothing_fails(open_as: Open) -> None:
    """On every page: one h1, a language, each field and button named, each image described - and no console error."""
    page = open_as("data_admin").page
    home = re.sub(r"(https?://[^/]+).*", r"\1", page.url)
    for path in PAGES:
        page.goto(home + path)
        assert page.evaluate(NAMELESS) == [], path
        assert page.locator("h1").count() == 1, path
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


NAMELESS = """() => {
  const named = (e) => e.getAttribute('aria-label') || e.getAttribute('title') || e.closest('label')
    || (e.id && document.querySelector(`label[for="${CSS.escape(e.id)}"]`)) || e.textContent.trim();
  const shown = (e) => e.type !== 'hidden' && (e.offsetParent !== null || e.getClientRects().length > 0);
  return [...document.querySelectorAll('input, select, textarea, button, a[href], [role=img]')]
    .filter((e) => shown(e) && !e.closest('.select2-container') && !named(e)).map((e) => e.outerHTML.slice(0, 160));
}"""


def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
