"""The licence designer in a real browser: a type from nothing by clicks and drags, and by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from sqlalchemy import text

from hub.licensing.types.published_type import published_licence_type
from tests.admin.conftest import Hub, Watched
from tests.admin.test_licence_type_pages import FIELDS, added, layout, png, save

Client = Callable[[str], FlaskClient]
Open = Callable[..., Watched]
GOOD = "样张可以签发"


def go(page: Any, path: str) -> None:
    origin = page.url.split("/", 3)
    page.goto(f"{origin[0]}//{origin[2]}{path}")
    page.wait_for_load_state("load")


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a point of the page (mm) is on the screen."""
    told = page.evaluate(
        "(p) => { const r = document.querySelector('.canvas-page').getBoundingClientRect();"
        " return [r.left + p[0] * licenceDesigner.scale, r.top + p[1] * licenceDesigner.scale]; }",
        [x, y],
    )
    return told[0], told[1]


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def drop(page: Any, label: str, x: float, y: float) -> dict[str, Any]:
    """Drag something out of the palette onto the page; the element that came of it."""
    item = page.locator(".palette-item", has=page.locator(f"span:text-is('{label}')")).first
    item.scroll_into_view_if_needed()
    box = item.bounding_box()
    drag(page, (box["x"] + 20, box["y"] + box["height"] / 2), at(page, x, y))
    return chosen(page)


def chosen(page: Any) -> Any:
    return page.evaluate("licenceDesigner.chosen()[0]")


def elements(page: Any) -> Any:
    return page.evaluate("licenceDesigner.layout.elements")


def good(page: Any) -> None:
    """Wait for a sample of what is on the page now, without a fault."""
    page.wait_for_function(
        "said => document.querySelector('[data-sample-status]').textContent === said",
        arg=GOOD,
    )


def designed(client: FlaskClient, csrf: Callable[[str], str], **more: Any) -> str:
    code = added(client, csrf)
    assert save(client, code, **more).status_code == 302
    return code


def test_a_type_is_designed_from_nothing_with_the_mouse(hub: Hub, open_as: Open, tmp_path: Path) -> None:
    """New type, fields, rules, a layout by dragging, a sample that prints, published; the hub issues by it at once."""
    page = open_as("data_admin").page
    code = "11370100MB00000194101"
    go(page, "/licence-types/add")
    page.fill("[name=code]", code)
    page.fill("[name=name]", "小餐饮登记证")
    page.wait_for_selector("text=21 位，可以签发")
    page.fill("[name=sharing_conditions]", "依职责")
    page.click("text=下一步：设计")
    page.wait_for_selector("#panel-basic:not([hidden])")
    page.click("text=下一步：字段")
    for label, kind in (("经营场所", "text"), ("经营项目", "long_text")):
        page.click("text=+ 添加字段")
        row = page.locator(".rows.fields > li").last
        row.locator("input").first.fill(label)
        row.locator("select").first.select_option(kind)
    page.click("text=下一步：颁证规则")
    page.locator("[name=number_rule]").fill("XCY{yyyy}")
    page.click("[data-token='{seq:6}']")
    page.wait_for_function(
        "() => /^XCY\\d{4}000001$/.test(document.querySelector('[data-number-example]').textContent)"
    )
    page.select_option("[name=validity_kind]", "months")
    page.fill("[name=validity_length]", "36")
    page.click("text=下一步：版面")
    page.wait_for_selector(".canvas-page")

    page.click(".palette-item.of-border")
    assert chosen(page)["w"] == 194
    title = drop(page, "证照名称", 105, 40)
    assert title["source"] == "$name"
    assert abs(title["x"] + title["w"] / 2 - 105) <= 2
    page.fill("[data-key=size]", "28")
    page.locator(".segments label[title=居中]").first.click()
    for y, label in (
        (80, "证照编号"),
        (95, "持证主体"),
        (110, "经营场所"),
        (125, "有效期限"),
        (140, "颁发机构"),
    ):
        drop(page, label, 100, y)
    box = drop(page, "经营项目", 100, 165)
    low = (box["x"] + box["w"], box["y"] + box["h"])
    drag(page, at(page, *low), at(page, 180, 190))
    grown = chosen(page)
    # To the millimetre or two: the page moves a little when its sample comes back while the mouse is on its way.
    assert abs(grown["x"] + grown["w"] - 180) <= 2
    assert abs(grown["y"] + grown["h"] - 190) <= 2
    drop(page, "二维码", 40, 250)
    drop(page, "印章", 160, 240)
    picture = tmp_path / "emblem.png"
    picture.write_bytes(png(40, 40))
    drop(page, "图片", 30, 40)
    page.locator(".picture input[type=file]").set_input_files(picture)
    page.wait_for_selector(".de[data-kind=image] img")
    good(page)
    assert page.locator("[data-sample-picture]").get_attribute("src").startswith("data:image/png")
    page.click("text=保存并查看发布")
    page.wait_for_selector("text=第一次发布")
    page.click("text=发布第 1 版")
    page.wait_for_selector("text=已发布第 1 版")
    with hub.engine.connect() as tx:
        found = published_licence_type(tx, code)
    kinds = [one.kind for one in found.layout.elements]
    assert kinds[0] == "border"
    assert {"qr", "seal", "image"} <= set(kinds)
    assert [one.label for one in found.fields] == ["经营场所", "经营项目"]
    assert {one.source for one in found.layout.elements if one.kind == "field"} >= {
        found.fields[0].name,
        "$holder",
    }
    assert (found.rules.number_rule, found.rules.validity_length) == ("XCY{yyyy}{seq:6}", 36)
    assert len(found.images) == 1


def test_the_designer_by_keyboard_alone(
    hub: Hub, open_as: Open, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Tabs, palette, element list, moving, properties, undo, saving and publishing - without the mouse."""
    code = designed(as_user("data_admin"), csrf)
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#basic")
    page.focus("#tab-basic")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-layout"
    before = len(elements(page))
    page.locator(".palette-item[data-source='$document_no']").focus()
    page.keyboard.press("Enter")
    assert len(elements(page)) == before + 1
    assert page.evaluate("document.activeElement.className") == "canvas-view"
    start = chosen(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert (chosen(page)["x"], chosen(page)["y"]) == (start["x"] + 0.5, start["y"] + 5)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.key") == "source"
    page.keyboard.press("Tab")
    page.keyboard.type("文号：")
    assert chosen(page)["prefix"] == "文号："
    page.focus("#side-tab-add")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "listbox"
    page.keyboard.press("End")
    assert chosen(page)["kind"] == "border"
    assert "边框" in page.locator("[data-said]").inner_text()
    page.keyboard.press("Home")
    assert chosen(page)["source"] == "$document_no"
    page.keyboard.press("Control+d")
    assert len(elements(page)) == before + 2
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert len(elements(page)) == before + 1
    good(page)
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    assert "草稿已保存" in page.locator(".flash").inner_text()
    assert page.locator("#tab-layout").get_attribute("aria-selected") == "true"
    assert len(elements(page)) == before + 1
    page.get_by_role("button", name="保存并查看发布").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.wait_for_selector("text=发布第 1 版")
    with page.expect_navigation():
        page.keyboard.press("Enter")  # the button has the focus
    with hub.engine.connect() as tx:
        found = published_licence_type(tx, code)
    assert next(one.prefix for one in found.layout.elements if one.source == "$document_no") == "文号："


def test_an_overflow_is_seen_where_it_is(open_as: Open, as_user: Client, csrf: Callable[[str], str]) -> None:
    """Long content that does not fit turns its box red, is said in a sentence that leads to it, and goes when it shrinks."""
    tight = layout()
    box = next(one for one in tight["elements"] if one.get("source") == "scope")
    box["overflow"] = "refuse"
    code = designed(as_user("data_admin"), csrf, layout=tight)
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#layout")
    good(page)
    page.click("[data-preset=long]")
    page.wait_for_selector(".de.faulty")
    assert "放不下" in page.locator("[data-sample-faults]").inner_text()
    page.locator("[data-sample-faults] button").first.click()
    assert chosen(page)["id"] == box["id"]
    assert "放不下" in page.locator("[data-properties] .fault").inner_text()
    page.select_option("[data-key=overflow]", "shrink")
    page.fill("[data-key=smallest]", "4")
    good(page)
    assert page.locator(".de.faulty").count() == 0
    page.click("[data-preset='']")
    page.click("text=样张数据")
    page.locator("[data-sample-word]").first.fill("\U0001f600")
    page.wait_for_selector(".de.faulty")
    assert "U+1F600" in page.locator("[data-sample-faults]").inner_text()


def test_every_act_can_be_undone(open_as: Open, as_user: Client, csrf: Callable[[str], str]) -> None:
    """Add, move, resize, align, distribute, layers, copy, cut, paste, delete, template: undone to the very start."""
    code = designed(as_user("data_admin"), csrf)
    page = open_as("data_admin").page
    page.on("dialog", lambda dialog: dialog.accept())
    go(page, f"/licence-types/edit/{code}#layout")
    good(page)
    start = json.dumps(elements(page))
    page.click(".palette-item.of-rect")
    one = chosen(page)
    drag(page, at(page, one["x"], one["y"] + 10), at(page, one["x"] + 20, one["y"] + 30))
    moved = chosen(page)
    assert (moved["x"], moved["y"]) != (one["x"], one["y"])
    page.mouse.click(*at(page, 5, 5))
    drag(page, at(page, 20, 150), at(page, 120, 230))  # a frame around several
    assert page.evaluate("licenceDesigner.selected.size") > 2
    for act in ("align-left", "distribute-y", "layer-front", "layer-back", "layer-up", "layer-down"):
        page.click(f"[data-act={act}]")
    page.focus(".canvas-view")
    for keys in ("Control+c", "Control+v", "Control+x", "Control+v", "Delete", "Control+a", "Delete"):
        page.keyboard.press(keys)
    assert elements(page) == []
    page.click("[data-start=card]")
    page.wait_for_function("() => licenceDesigner.layout.width === 85.6")
    end = json.dumps(elements(page))
    steps = 0
    while page.locator("[data-act=undo]").is_enabled():
        page.click("[data-act=undo]")
        steps += 1
    assert steps >= 11
    assert json.dumps(elements(page)) == start
    while page.locator("[data-act=redo]").is_enabled():
        page.click("[data-act=redo]")
    assert json.dumps(elements(page)) == end


def test_edges_catch_one_another(open_as: Open, as_user: Client, csrf: Callable[[str], str]) -> None:
    """A box dragged near another's edge takes its place exactly and a guide shows it; with Alt it stays where it was put."""
    boxes = [
        {"id": "a", "kind": "rect", "x": 33.3, "y": 40, "w": 50, "h": 20},
        {"id": "b", "kind": "text", "text": "拖我", "x": 120, "y": 100, "w": 30, "h": 10},
    ]
    code = designed(as_user("data_admin"), csrf, layout={"elements": boxes})
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#layout")
    page.wait_for_selector(".de")
    page.mouse.move(*at(page, 135, 105))
    page.mouse.down()
    page.mouse.move(*at(page, 90, 105), steps=3)
    page.mouse.move(*at(page, 49.2, 105), steps=3)
    assert page.locator(".de-guide.x").count() == 1
    page.mouse.up()
    assert chosen(page)["x"] == 33.3
    page.keyboard.down("Alt")
    drag(page, at(page, 48, 105), at(page, 60.4, 105))
    page.keyboard.up("Alt")
    assert chosen(page)["x"] != round(chosen(page)["x"])
    drag(page, at(page, chosen(page)["x"] + 15, 105), at(page, 400, -300))
    assert (chosen(page)["x"], chosen(page)["y"]) == (180, 0)  # it cannot leave the page


def test_a_renamed_field_keeps_its_place(open_as: Open, as_user: Client, csrf: Callable[[str], str]) -> None:
    """A field's new code name is taken over by its boxes; a removed field is told at them."""
    code = designed(as_user("data_admin"), csrf)
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#fields")
    page.locator(".rows.fields > li").first.locator("input.mono").fill("premises")
    page.click("#tab-layout")
    assert any(one["source"] == "premises" for one in elements(page))
    good(page)
    page.click("#tab-fields")
    page.locator(".rows.fields > li").first.get_by_role("button", name="删除").click()
    page.click("#tab-layout")
    page.wait_for_selector(".de.faulty")
    assert "没有代号为“premises”的字段" in page.locator("[data-sample-faults]").inner_text()


def test_nothing_typed_is_lost_when_somebody_else_saved(
    open_as: Open, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """The second save is refused with a sentence, and the page still has what was drawn."""
    client = as_user("data_admin")
    code = designed(client, csrf)
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#layout")
    page.click(".palette-item.of-text")
    page.locator("[data-key=text]").fill("只有这里有")
    save(client, code, number_rule="QQ{yyyy}{seq:6}")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    assert "刚被别人改过" in page.locator(".flash.danger").inner_text()
    assert any(one["text"] == "只有这里有" for one in elements(page))


def test_a_failed_sample_never_stops_the_typing(
    open_as: Open, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """With the server gone the sample says so in words, drawing goes on, and the next sample comes by itself."""
    code = designed(as_user("data_admin"), csrf)
    watched = open_as("data_admin")
    page = watched.page
    go(page, f"/licence-types/edit/{code}#layout")
    good(page)
    page.route("**/licence-designs/sample/**", lambda route: route.abort())
    page.click(".palette-item.of-text")
    page.wait_for_selector("text=没有连上服务器")
    page.locator("[data-key=text]").fill("照样可以改")
    assert chosen(page)["text"] == "照样可以改"
    page.unroute("**/licence-designs/sample/**")
    page.locator("[data-key=text]").fill("又连上了")
    good(page)
    watched.errors[:] = [one for one in watched.errors if "ERR_FAILED" not in one]


def test_a_reader_looks_and_changes_nothing(
    open_as: Open, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """An approver sees the layout and its properties; no drag, key or box changes it, and there is no button to save."""
    code = designed(as_user("data_admin"), csrf)
    page = open_as("approver").page
    go(page, f"/licence-types/edit/{code}#layout")
    page.wait_for_selector(".de")
    before = json.dumps(elements(page))
    drag(page, at(page, 105, 40), at(page, 150, 90))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    page.mouse.click(*at(page, 105, 40))
    assert page.locator("[data-key=size]").is_disabled()
    assert json.dumps(elements(page)) == before
    assert page.get_by_role("button", name="保存草稿").count() == 0


@pytest.mark.parametrize("tab", ["basic", "fields", "rules", "layout"])
def test_the_designer_passes_axe(
    tab: str, open_as: Open, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """The automatic accessibility checks find nothing serious in any tab, and nothing is wider than the screen."""
    code = designed(as_user("data_admin"), csrf)
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#{tab}")
    if tab == "layout":
        good(page)
        page.mouse.click(*at(page, 105, 40))
    check(page)


@pytest.mark.parametrize("act", ["show", "publish", "history", "sharing"])
def test_the_pages_around_it_pass_axe(
    act: str, open_as: Open, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """So do the type's page, the page before publishing, the history and the sharing form."""
    code = designed(as_user("data_admin"), csrf)
    page = open_as("data_admin").page
    go(page, f"/licence-types/{act}/{code}")
    check(page)


def check(page: Any) -> None:
    found = Axe().run(page, context="#content").response["violations"]
    serious = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found
               if one["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_sample_opens_as_a_pdf(open_as: Open, as_user: Client, csrf: Callable[[str], str]) -> None:
    """The button opens the sample of what is on the page, saved or not, as a PDF in another window."""
    code = designed(as_user("data_admin"), csrf)
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#layout")
    page.click(".palette-item.of-text")
    page.locator("[data-key=text]").fill("还没有保存的字")
    good(page)
    with page.context.expect_event(
        "response", lambda answer: "/licence-designs/sample-pdf/" in answer.url
    ) as answered:
        page.click("[data-sample-pdf]")
    assert answered.value.status == 200
    assert answered.value.headers["content-type"] == "application/pdf"
    assert "还没有保存的字" in answered.value.request.post_data_json["design"]
    assert page.url.endswith("#layout")


def test_two_hundred_elements_stay_quick(
    hub: Hub, open_as: Open, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """The most elements that a layout may have: a drag's frame is drawn in less than a frame's time at 30 per second."""
    many = [
        {"id": f"t{n}", "kind": "text", "text": f"第{n}项", "x": 10 + n % 10 * 19, "y": 10 + n // 10 * 13, "w": 17, "h": 8,
         "overflow": "shrink"}
        for n in range(200)
    ]  # fmt: skip
    code = designed(as_user("data_admin"), csrf, layout={"elements": many}, fields=FIELDS)
    page = open_as("data_admin").page
    go(page, f"/licence-types/edit/{code}#layout")
    page.wait_for_selector(".de")
    # Of many the quickest: on a busy machine any one may be held up, not all of them.
    spent = page.evaluate(
        "() => { const one = licenceDesigner.layout.elements[100]; let least = Infinity;"
        " for (let n = 0; n < 50; n += 1) { const began = performance.now(); one.x += 0.1; licenceDesigner.draw();"
        " least = Math.min(least, performance.now() - began); } return least; }"
    )
    assert spent < 33
    zoomed = page.evaluate(
        "() => Math.min(...[3, 2, 3, 2, 3].map((zoom) => { const began = performance.now();"
        " licenceDesigner.setZoom(zoom); return performance.now() - began; }))"
    )
    assert zoomed < 600
    with hub.engine.connect() as tx:
        kept = tx.scalar(
            text(
                "SELECT jsonb_array_length(layout->'elements') FROM licence_type_versions WHERE type_code = :c"
            ),
            {"c": code},
        )
    assert kept == 200
