"""The mapping editor in a real browser: two fields connected by keyboard, and a 双公示 sheet mapped from its proposals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import text

from schemas import permit_columns
from storage.spreadsheet import write_rows
from tests.admin import cases
from tests.admin.conftest import Hub, Watched
from tests.admin.test_connector_mapping import OUT, a_connector

Open = Callable[..., Watched]


@pytest.fixture(scope="module", autouse=True)
def facts(hub: Hub) -> None:
    cases.load(hub, 1)


def go(page: Any, path: str) -> None:
    origin = page.url.split("/", 3)
    page.goto(f"{origin[0]}//{origin[2]}{path}")
    page.wait_for_function("() => document.querySelector('[data-status]').textContent")


def kept(hub: Hub, code: str, number: int = 0) -> list[dict[str, Any]]:
    with hub.engine.connect() as tx:
        said = text("SELECT document FROM connector_versions WHERE connector = :c")
        fields: list[dict[str, Any]] = (
            tx.execute(said, {"c": code}).scalar_one()["flows"][number].get("fields", [])
        )
    return fields


def serious(page: Any) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_two_fields_are_connected_by_keyboard_alone(hub: Hub, open_as: Open) -> None:
    """Tab, arrows, typing and Enter: the value shows at once; undone and redone; saved with Ctrl+S, and there on reload."""
    code = a_connector(hub, flows=[OUT])
    page = open_as("data_admin").page
    go(page, f"/connectors/{code}/flows/xzxk/mapping")
    page.locator(".target-head").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("result.document_no")
    page.keyboard.press("Enter")
    page.wait_for_selector(".target.opened .rule-result:has-text('示审食许〔2026〕1号')")
    page.keyboard.press("Escape")  # the list of fields, then the rule
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".target:nth-child(3) .unmapped")
    page.keyboard.press("Control+y")
    page.wait_for_selector(".target:nth-child(3) .from-chip")
    page.keyboard.press("Control+s")
    page.wait_for_selector("[data-unsaved]:has-text('已保存')")
    assert {"target": "XK_WSH", "sources": ["result.document_no"]} in kept(hub, code)
    assert serious(page) == []
    page.goto(page.url.split("/flows/")[0] + "/code-tables")
    page.wait_for_selector(".code-table .pair-table select")
    assert serious(page) == []


def test_a_sheet_is_mapped_from_its_proposals(hub: Hub, open_as: Open, tmp_path: Path) -> None:
    """A 双公示 header uploaded as XLSX, proposals accepted at once, a preview that shows the date that fails."""
    code = a_connector(hub)
    watched = open_as("data_admin")
    page = watched.page
    go(page, f"/connectors/{code}/flows/xzxk/mapping")
    columns = permit_columns("2018")["columns"]
    write_rows(tmp_path / "双公示.xlsx", [one["name"] for one in columns], [[one["code"] for one in columns]])
    page.set_input_files("[data-file]", str(tmp_path / "双公示.xlsx"))
    page.click("[data-accept-all]")
    page.wait_for_selector("[data-coverage]:has-text('必填字段都有来源')")
    assert page.locator(".target.mapped").count() >= 26
    page.click("[data-save]")
    page.wait_for_selector("[data-unsaved]:has-text('已保存')")
    assert len(kept(hub, code)) >= 26

    go(page, f"/connectors/{code}/flows/jcjg/mapping")
    (tmp_path / "检查.csv").write_text(
        "编号,办件号,检查时间,结果,处理\nJ1,990101202611200001,上周五,合格,\n", "utf-8"
    )
    page.set_input_files("[data-file]", str(tmp_path / "检查.csv"))
    page.click(".target[data-target=inspected_at] .target-head")
    page.select_option(".target.opened .add-step", "moment")
    page.wait_for_selector(".target.opened .rule-result.bad-text:has-text('上周五')")
    page.wait_for_selector("[data-coverage]:has-text('还差')")
    page.click("[data-coverage] .link")
    page.wait_for_selector(".target.opened[data-target=inspectors]")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.evaluate("shenguanMapping.dirty = false")
