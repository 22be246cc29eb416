"""The workbench in a real Chromium: by keyboard alone, with dropped files and connections, for everybody (axe)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from hub.workday import LOCAL
from tests.admin import cases, window
from tests.admin.conftest import Hub, Watched
from tests.admin.window import FIRM, LI, PERSON
from tests.e2e import once_only_area as area

Open = Callable[..., Watched]
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", autouse=True)
def catalogue(hub: Hub) -> None:
    window.prepare(hub)


@pytest.fixture(autouse=True)
def cleared(hub: Hub) -> None:
    window.empty(hub)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return area.five_files(tmp_path_factory.mktemp("files") / "given")


def at(page: Page, path: str) -> None:
    page.goto(re.sub(r"(https?://[^/]+).*", r"\1", page.url) + path)


def forgive(watched: Watched, *codes: str) -> None:
    """Answers that the test asked for: a browser notes each as an error of the console."""
    watched.errors[:] = [error for error in watched.errors if not any(code in error for code in codes)]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def line(page: Page, name: str) -> Any:
    return page.locator(".line", has=page.locator("h3", has_text=name))


def test_by_keyboard_alone_from_the_number_to_the_receipt(hub: Hub, open_as: Open) -> None:
    """No mouse: type the number, filter the item, walk the lines, untick and tick, look, reuse with consent, let one follow,
    accept - and `/` and `?` from anywhere outside a field."""
    window.accepted(hub)
    watched = open_as(LI)
    page: Page = watched.page
    at(page, "/workbench/")
    expect(page.locator("#wb-q")).to_be_focused()
    page.keyboard.type(str(FIRM.code).lower())
    expect(page.locator("#wb-hint")).to_contain_text("校验位正确")
    press(page, "Enter")
    page.wait_for_selector("#wb-item")
    expect(page.locator("#wb-item")).to_be_focused()
    page.keyboard.type("卫生备案")
    press(page, "ArrowDown", "Enter")
    page.wait_for_selector("#wb-case")
    press(page, "?")
    expect(page.locator("#wb-keys")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#wb-keys")).to_be_hidden()
    press(page, "j", "j")
    expect(line(page, "负责人身份证明")).to_be_focused()
    press(page, "Space")
    expect(page.locator("[data-ticked]")).to_have_text("2")
    line(page, "负责人身份证明").focus()
    press(page, "Space")
    expect(page.locator("[data-ticked]")).to_have_text("3")
    line(page, "负责人身份证明").focus()
    press(page, "o")
    expect(page.locator("#wb-view")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#wb-view")).to_be_hidden()
    press(page, "r")  # the consent is missing: the browser itself asks for it
    expect(page.locator("#wb-consent-way")).to_be_focused()
    press(page, "ArrowDown", "Tab")
    expect(page.locator("#wb-consent-by")).to_be_focused()
    press(page, "Enter")
    expect(page.locator(".got.good")).to_have_count(3)
    window.taken(hub, str(page.get_attribute("#wb-case", "data-case")), "YC-M6", "YC-M7")
    press(page, "Escape", "F9")
    page.wait_for_url("**/receipt")
    assert "免提交 3 项" in page.inner_text(".sheet").replace("\n", " ")
    press(page, "n")
    page.wait_for_url("**/workbench/")
    forgive(watched, "409")  # these materials have no bytes to look at


def test_letters_in_fields_stay_letters(hub: Hub, open_as: Open) -> None:
    """The shortcuts do nothing while somebody types."""
    case_no = window.started(hub)
    page = open_as(LI).page
    at(page, f"/workbench/case/{case_no}")
    page.focus("#a-address")
    page.keyboard.type("juro/? 9")
    expect(page.locator("#a-address")).to_have_value("juro/? 9")
    expect(page.locator("#wb-keys")).to_be_hidden()


def test_several_files_dropped_on_a_line(hub: Hub, open_as: Open, files: list[Path]) -> None:
    """Two files dropped at once are both taken; a file dropped beside the lines says where to drop and leaves the page."""
    case_no = window.started(hub)
    page = open_as(LI).page
    at(page, f"/workbench/case/{case_no}")
    _drop(page, ".line >> nth=3", files[0], files[1])
    expect(line(page, "健康证明").locator(".got")).to_have_count(2)
    _drop(page, ".wb-case-head", files[2])
    expect(page.locator("#wb-said")).to_contain_text("请把文件放到要交的那一项上")
    assert page.url.endswith(case_no)


def _drop(page: Page, where: str, *given: Path) -> None:
    data = page.evaluate_handle(
        """files => { const made = new DataTransfer();
        for (const [name, body] of files) {
          const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
          made.items.add(new File([bytes], name, { type: 'application/pdf', lastModified: 1 }));
        }
        return made; }""",
        [[file.name, _base64(file)] for file in given],
    )
    page.dispatch_event(where, "dragover", {"dataTransfer": data})
    page.dispatch_event(where, "drop", {"dataTransfer": data})


def _base64(file: Path) -> str:
    import base64

    return base64.b64encode(file.read_bytes()).decode()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of three pieces."""
    import os

    from PIL import Image

    file = tmp_path_factory.mktemp("large") / "large.png"
    side = 2500
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(file, compress_level=0)
    assert file.stat().st_size > 2 * (8 << 20)
    return file


def test_an_upload_survives_a_dropped_connection(hub: Hub, open_as: Open, large: Path) -> None:
    """Every second piece is cut off on its way; the page goes on from where the server is, and the file arrives whole."""
    case_no = window.started(hub)
    watched = open_as(LI)
    page = watched.page
    at(page, f"/workbench/case/{case_no}")
    pieces = []

    def sometimes(route: Route) -> None:
        if route.request.method == "PATCH":
            pieces.append(route.request.headers["upload-offset"])
            if len(pieces) % 2:
                return route.abort("connectionreset")
        return route.fallback()

    page.route("**/uploads/**", sometimes)
    line(page, "健康证明").locator("input[data-pick]").set_input_files(str(large))
    expect(line(page, "健康证明").locator(".got")).to_have_count(1)
    assert len(pieces) >= 6
    with hub.engine.connect() as tx:
        assert tx.scalar(text("SELECT size FROM stored_objects")) == large.stat().st_size
    forgive(watched, "ERR_CONNECTION_RESET")


def test_an_upload_goes_on_after_a_reload(hub: Hub, open_as: Open, large: Path) -> None:
    """Paused, the page reloaded: the line says where it stopped; the same file chosen again continues there."""
    case_no = window.started(hub)
    watched = open_as(LI)
    page = watched.page
    at(page, f"/workbench/case/{case_no}")
    sent: list[int] = []
    first = True

    def once(route: Route) -> None:
        nonlocal first
        if route.request.method == "PATCH":
            offset = int(route.request.headers["upload-offset"])
            if first and offset:
                return route.abort("connectionreset")
            sent.append(offset)
        return route.fallback()

    page.route("**/uploads/**", once)
    line(page, "健康证明").locator("input[data-pick]").set_input_files(str(large))
    expect(line(page, "健康证明").locator(".ups p")).to_contain_text("连接中断")
    line(page, "健康证明").locator("text=暂停").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(line(page, "健康证明").locator(".ups")).to_contain_text("请重新选择“large.png”")
    first = False
    line(page, "健康证明").locator("input[data-pick]").set_input_files(str(large))
    expect(line(page, "健康证明").locator(".got")).to_have_count(1)
    expect(page.locator(".ups li")).to_have_count(0)
    assert sent.count(0) == 1  # the first piece was not sent a second time
    forgive(watched, "ERR_CONNECTION_RESET")


def test_what_is_refused_is_said_on_its_line(
    hub: Hub, open_as: Open, files: list[Path], tmp_path: Path
) -> None:
    """A wrong kind of file, a missing field: the sentence stands on the line, its field is marked, what was typed stays."""
    case_no = window.started(hub)
    watched = open_as(LI)
    page = watched.page
    at(page, f"/workbench/case/{case_no}")
    wrong = tmp_path / "virus.exe"
    wrong.write_bytes(b"MZ" * 50)
    line(page, "健康证明").locator("input[data-pick]").set_input_files(str(wrong))
    expect(line(page, "健康证明").locator(".ups li.refused")).to_contain_text("请换一种格式")
    line(page, "主体资格证明").locator("input[data-pick]").set_input_files(str(files[0]))
    expect(line(page, "主体资格证明").locator(".fault")).to_contain_text("经营场所")
    line(page, "主体资格证明").locator("[data-file-field=address]").fill("示例路 3 号")
    line(page, "健康证明").locator("input[data-pick]").set_input_files(str(files[3]))
    expect(line(page, "健康证明").locator(".got")).to_have_count(1)
    expect(line(page, "主体资格证明").locator("[data-file-field=address]")).to_have_value("示例路 3 号")
    forgive(watched, "422")


def test_a_session_that_ends_leaves_what_was_typed(hub: Hub, open_as: Open) -> None:
    """The cookie is gone in mid-work: the button says so, the purpose stands, and after signing in again it works."""
    window.accepted(hub)
    case_no = window.started(hub, area.SECOND)
    watched = open_as(LI)
    page = watched.page
    at(page, f"/workbench/case/{case_no}")
    page.fill("#wb-purpose", "核对卫生备案材料")
    page.select_option("#wb-consent-way", "signed")
    kept = page.context.cookies()
    page.context.clear_cookies()
    page.click("#wb-reuse")
    expect(page.locator("#wb-said [role=alert]")).to_contain_text("登录已过期")
    expect(page.locator("#wb-purpose")).to_have_value("核对卫生备案材料")
    page.context.add_cookies(kept)
    page.click("#wb-reuse")
    expect(page.locator(".got.good")).to_have_count(3)
    forgive(watched, "401")


def _states(hub: Hub) -> dict[str, tuple[str, Callable[[Page], None] | None]]:
    """Every state of the page: where it is, and what is done there first."""
    first = window.accepted(hub)
    promised = window.started(hub, "XK-001")
    open_case = window.started(hub, area.SECOND)
    foreign = window.started(hub, area.SECOND, department=area.HEALTH)
    person = window.started(hub, area.THIRD, PERSON)
    withdrawn = window.started(hub, area.THIRD)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE cases SET state = 'withdrawn' WHERE case_no = :no"), {"no": withdrawn})
    _licence(hub, first)
    party = f"/workbench/party/{window.party(hub)}"

    def find(typed: str) -> Callable[[Page], None]:
        def act(page: Page) -> None:
            page.fill("#wb-q", typed)
            press(page, "Enter")
            page.wait_for_selector(".flash, .wb-new, .wb-none, #wb-found")

        return act

    def preview(page: Page) -> None:
        page.click("[data-view] >> nth=0")
        page.wait_for_selector("#wb-view .say:not(:text('…'))")

    def refuse(page: Page) -> None:
        press(page, "F9")
        page.wait_for_selector("#wb-said [role=alert]")

    def promise(page: Page) -> None:
        page.click("summary[data-promise] >> nth=0")

    return {
        "index": ("/workbench/", None),
        "wrong number": ("/workbench/", find("91370102MA3C00012F")),
        "new party": ("/workbench/", find("91370102MA3C0002X7")),
        "new person": ("/workbench/", find("990101198001010014")),
        "not found": ("/workbench/", find("查无此名")),
        "many found": ("/workbench/", find("示例")),
        "keys": ("/workbench/", lambda page: press(page, "Escape", "?")),
        "party": (party, None),
        "person": (f"/workbench/party/{window.party(hub, PERSON)}", None),
        "case": (f"/workbench/case/{open_case}", None),
        "preview": (f"/workbench/case/{open_case}", preview),
        "refused": (f"/workbench/case/{open_case}", refuse),
        "missing": (f"/workbench/case/{promised}", promise),
        "person's case": (f"/workbench/case/{person}", None),
        "foreign": (f"/workbench/case/{foreign}", None),
        "accepted": (f"/workbench/case/{first}", None),
        "withdrawn": (f"/workbench/case/{withdrawn}", None),
        "receipt": (f"/workbench/case/{first}/receipt", None),
    }


def _licence(hub: Hub, case_no: str) -> None:
    """A licence that the market office holds."""
    today = hub.desk.clock().astimezone(LOCAL).date()
    with hub.engine.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO licences (id, identifier, case_no, party_id, name, number, type_code, issuer_code,"
                " issuer_name, issued_on, valid_from, status)"
                " SELECT gen_random_uuid(), 'x-' || case_no, case_no, party_id, :name, 'YC-9', :type, 'x',"
                " '示范县行政审批服务局', :today, :today, '02' FROM cases WHERE case_no = :no"
            ),
            {"name": area.LICENCE_NAME, "type": area.LICENCE_TYPE, "today": today, "no": case_no},
        )
        tx.execute(
            text(
                "INSERT INTO holds (id, licence_id, department, placed_by, placed_at)"
                " SELECT gen_random_uuid(), id, 'scjg', gen_random_uuid(), now() FROM licences"
            )
        )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_on_any_state(hub: Hub, open_as: Open, language: str) -> None:
    """axe's automatic checks pass on every state of the page, in both languages, and nothing sticks out at 1366 x 768."""
    states = _states(hub)
    watched = open_as(LI)
    page: Page = watched.page
    at(page, f"/lang/{language}")
    found: dict[str, Any] = {}
    for name, (path, act) in states.items():
        at(page, path)
        if act:
            act(page)
        page.wait_for_timeout(250)  # colours that are still changing are no colours
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{name}: width"] = page.evaluate("document.documentElement.scrollWidth")
        for broken in Axe().run(page).response["violations"]:
            nodes = [f"{node['target']} {node['failureSummary'][:300]}" for node in broken["nodes"][:3]]
            found.setdefault(f"{name}: {broken['id']}", nodes)
    forgive(watched, "422", "409")
    assert found == {}


def test_a_small_screen_shows_everything(hub: Hub, open_as: Open) -> None:
    """At 390 pixels nothing of the page sticks out sideways."""
    window.accepted(hub)
    case_no = window.started(hub, area.SECOND)
    page = open_as(LI, width=390, height=844).page
    for path in ("/workbench/", f"/workbench/party/{window.party(hub)}", f"/workbench/case/{case_no}"):
        at(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_a_finding_shows_on_the_open_case_as_a_notice(hub: Hub, open_as: Open) -> None:
    """The live notices of the frame reach a clerk who works on the page."""
    load = cases.load(hub, 3)
    assert load.accepted == 3
    page = open_as(LI).page
    at(page, "/workbench/")
    page.wait_for_function("() => document.querySelector('#toasts') !== null")
    for _ in range(1200):
        if hub.app.extensions["shenguan"].live.listening:
            break
        page.wait_for_timeout(50)
    cases.arrive(hub, cases.finding(hub, cases.any_push(hub), explain="现场不符"))
    page.wait_for_selector("#toasts .toast.alert")
