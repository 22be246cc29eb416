"""Licences in a real Chromium: issued by keyboard with the face beside, opened for a stated use, for everybody (axe)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.admin import cases, licences
from tests.admin.conftest import Hub, Watched
from tests.admin.licences import APPROVER, FIRM, TYPE

Open = Callable[..., Watched]
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", autouse=True)
def prepared(hub: Hub) -> None:
    licences.prepare(hub)
    cases.load(hub, 6)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE service_items SET licence_type_code = :t WHERE code = 'XK-001'"), {"t": TYPE})


def at(page: Page, path: str) -> None:
    page.goto(re.sub(r"(https?://[^/]+).*", r"\1", page.url) + path)


def shown(page: Page) -> str:
    """The address of the preview's picture, once it is drawn."""
    page.wait_for_selector(".lic-live img:not([hidden]):not(.stale)")
    return str(page.get_attribute(".lic-live img", "src"))


def test_a_licence_is_issued_by_keyboard_with_its_face_beside(hub: Hub, open_as: Open) -> None:
    """Choose the type, type the number, fill in, watch the face change, issue: no mouse; then the original for a use."""
    page: Page = open_as(APPROVER).page
    at(page, "/licences/issue")
    page.locator(f".lic-types a[href*='{TYPE}']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main input[name=q]:not([type=hidden])")).to_be_focused()
    page.keyboard.type(str(FIRM.code).lower())
    page.keyboard.press("Enter")
    expect(page.locator("main input[name=name]")).to_be_focused()
    page.keyboard.type(FIRM.name)
    page.fill("[name=legal_representative]", "示例甲")
    before = shown(page)
    page.fill("[name=f_address]", "示范县人民路 1 号")
    page.wait_for_function("before => document.querySelector('.lic-live img').src !== before", arg=before)
    page.fill("[name=f_scope]", "\U00031360")
    expect(page.locator("[data-draw-faults] li")).not_to_have_count(0)
    page.fill("[name=f_scope]", "热食类食品制售")
    expect(page.locator("[data-draw-faults] li")).to_have_count(0)
    page.fill("[name=reason]", "纸质证照换发")
    page.keyboard.press("Enter")
    page.wait_for_selector(".lic-state.tone-01")
    page.fill("[data-open-face] input", "现场核对")
    page.keyboard.press("Enter")
    page.wait_for_selector(".lic-sheet .pv img")
    assert licences.one(hub, "SELECT stated_use FROM file_reads").stated_use == "现场核对"


def test_choosing_an_item_brings_its_licences_fields(open_as: Open) -> None:
    """On the decision's form the fields and the preview come with the item, and go with another."""
    page: Page = open_as(APPROVER).page
    at(page, "/decide/")
    page.select_option("[data-item]", "XK-001")
    page.wait_for_selector("[name=f_address]")
    page.fill("[name=XK_XDR_MC]", FIRM.name)
    shown(page)
    page.select_option("[data-item]", index=0)
    page.wait_for_selector("[name=f_address]", state="detached")
    expect(page.locator("[name=XK_XKBH]")).to_be_visible()


@pytest.mark.parametrize("width", [1366, 390])
def test_the_pages_are_for_everybody(hub: Hub, open_as: Open, width: int) -> None:
    """axe finds nothing in the content of the pages, wide and on a phone; nothing sticks out of a phone's screen."""
    licence = licences.issued(hub)
    push = cases.any_push(hub)
    cases.arrive(hub, cases.finding(hub, push))
    page: Page = open_as(APPROVER, width=width, height=768 if width > 900 else 844).page
    found: list[Any] = []
    for path in (
        "/licences/", f"/licences/{licence}", f"/licences/{licence}/act/revoke", "/licences/issue",
        f"/licences/issue?type={TYPE}", f"/licences/{licence}/next/change", "/licence-proposals/", "/licence-notices/",
        "/licence-rules/", "/decide/?item=XK-001",
    ):  # fmt: skip
        at(page, path)
        page.wait_for_load_state("networkidle") if "issue?" in path or "next" in path else None
        answer = Axe().run(page, context="main")
        found += [(path, one["id"], one["nodes"][0]["html"]) for one in answer.response["violations"]]
        wide = page.evaluate(
            "document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"
        )
        if wide > 1:
            found.append((path, "sticks out", wide))
    assert found == []
