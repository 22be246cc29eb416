"""The catalogue's pages: a data administrator drafts, publishes, withdraws, exports and imports; others read."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from sqlalchemy import text

from hub.catalogue.published import published_item
from storage.spreadsheet import read_rows, write_rows
from tests.admin.conftest import Hub, Watched, token_of

Client = Callable[[str], FlaskClient]
STATE = re.compile(r'<script type="application/json" id="catalogue-state">(.*?)</script>', re.S)


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:400])
    return answer.get_data(as_text=True)


def editor(client: FlaskClient, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an editor would post as it stands: the plain boxes, and the state of its lists."""
    page = body(client, path)
    form = page[page.index("data-editor") :]
    form = form[: form.index("</form>")]
    boxes: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name = re.search(r' name="([^"]+)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            value = re.search(r' value="([^"]*)"', tag)
            boxes.setdefault(name[1], []).append(value[1] if value else "on")
    for name, inner in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inner) or re.search(r'value="([^"]*)"', inner)
        boxes[name] = chosen[1] if chosen else ""
    for name, inner in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S):
        boxes[name] = inner
    found = STATE.search(page)
    assert found
    return boxes, json.loads(found[1])


def post(client: FlaskClient, path: str, boxes: dict[str, Any], state: dict[str, Any], **more: Any) -> Any:
    lists = {key: json.dumps(value) for key, value in state.items() if key != "faults"}
    return client.post(path, data={**boxes, **lists, "act": "save", **more})


def publish(client: FlaskClient, path: str) -> Any:
    page = body(client, path)
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    return client.post(path, data={"csrf_token": token_of(page), "seen": seen[1] if seen else ""})


def test_an_item_from_nothing_to_withdrawal(hub: Hub, as_user: Client) -> None:
    """Add, fill in, save, review, publish, change, withdraw: all by forms; cases see only what was published."""
    client = as_user("data_admin")
    token = token_of(body(client, "/items/add"))
    form = {"csrf_token": token, "code": "CS-001", "name": "测试事项"}
    assert client.post("/items/add", data=form).location.endswith("/items/edit/CS-001")
    assert "已经登记" in client.post("/items/add", data=form).get_data(as_text=True)
    boxes, state = editor(client, "/items/edit/CS-001")
    state["lines"] = [
        {"material_type": "CL001", "required": True, "stand_ins": [{"kind": "result", "code": "XK-001"}]},
        {"material_type": "CL003", "may_follow": True, "deferral_days": 3, "required": True},
    ]
    state["form_fields"] = [{"name": "credit_code", "label": "代码", "type": "text", "required": True}]
    state["steps"] = [{"name": "现场勘验", "days": 5, "counted": False, "fee": False, "basis": "依据"}]
    answer = post(client, "/items/edit/CS-001", {**boxes, "legal_days": "20"}, state, act="publish")
    assert answer.location.endswith("/items/publish/CS-001"), answer.get_data(as_text=True)
    assert "第一次发布" in body(client, "/items/publish/CS-001")
    assert publish(client, "/items/publish/CS-001").status_code == 302
    with hub.engine.connect() as tx:
        found = published_item(tx, "CS-001")
    assert [one.name for one in found.requirements] == ["营业执照复印件", "场所使用证明"]
    assert found.header["special_steps"][0]["name"] == "现场勘验"

    boxes, state = editor(client, "/items/edit/CS-001")
    state["lines"].pop()
    post(client, "/items/edit/CS-001", boxes, state)
    page = body(client, "/items/publish/CS-001")
    assert "将改变 1 处" in page
    assert "有一份草稿（第 2 版" in body(client, "/items/show/CS-001")
    publish(client, "/items/publish/CS-001")
    history = body(client, "/items/history/CS-001?before=1&after=2")
    assert "M02 场所使用证明" in history
    assert "已被新版替代 v1" in history
    client.post("/items/withdraw/CS-001", data={"csrf_token": token, "reason": "法规废止"})
    assert "已撤下 v2" in body(client, "/items/show/CS-001")
    assert "法规废止" in body(client, "/items/history/CS-001")


def test_a_wrong_line_is_marked_and_nothing_typed_is_lost(as_user: Client) -> None:
    """A refused save comes back with everything as it was typed and the wrong line and box named."""
    client = as_user("data_admin")
    boxes, state = editor(client, "/items/edit/XK-002")
    state["lines"][1]["material_type"] = "nope"
    state["lines"][2]["copies"] = 1000
    page = post(
        client, "/items/edit/XK-002", {**boxes, "promised_days": "99", "name": "改了<b>名"}, state
    ).get_data(as_text=True)
    assert "有 3 处需要改正" in page
    assert "承诺时限（99）不得长于法定时限（30）" in page
    assert "改了&lt;b&gt;名" in page
    found = STATE.search(page)
    assert found
    told = json.loads(found[1])
    assert sorted(fault[:3] for fault in told["faults"]) == [
        ["lines", 1, "material_type"],
        ["lines", 2, "copies"],
    ]
    assert told["lines"][1]["material_type"] == "nope"


@pytest.mark.parametrize("name", ["lines", "form_fields", "steps"])
@pytest.mark.parametrize("raw", ["{", "7", '"x"', "[7, null]", '[{"name": {}}]', "[" * 50_000])
def test_forged_lists_are_refused_with_a_sentence(name: str, raw: str, as_user: Client) -> None:
    """Whatever is posted as a list: a page with a sentence, never an error of the server."""
    client = as_user("data_admin")
    boxes, state = editor(client, "/items/edit/XK-004")
    answer = post(client, "/items/edit/XK-004", boxes, state, **{name: raw})
    assert answer.status_code in (200, 302, 400, 422)


def test_two_editors_at_once(as_user: Client) -> None:
    """Who saved second without having seen the first's changes is told, and keeps what was typed."""
    client = as_user("data_admin")
    first, state = editor(client, "/items/edit/XK-005")
    second = dict(first)
    assert post(client, "/items/edit/XK-005", {**first, "legal_days": "40"}, state).status_code == 302
    page = post(client, "/items/edit/XK-005", {**second, "legal_days": "50"}, state).get_data(as_text=True)
    assert "刚被别人改过" in page
    assert 'value="50"' in page
    token = token_of(page)
    client.post("/items/discard/XK-005", data={"csrf_token": token})
    assert "草稿" not in body(client, "/items/show/XK-005").split("版本")[-1]


def test_a_type_and_the_items_that_ask_for_it(hub: Hub, as_user: Client) -> None:
    """A type's new version reaches its items when the administrator leaves the tick; a used type is not withdrawn."""
    client = as_user("data_admin")
    boxes, state = editor(client, "/material-types/edit/CL013")
    state["fields"].append({"name": "owner", "label": "权利人", "type": "text", "required": False})
    answer = post(client, "/material-types/edit/CL013", boxes, state, act="publish")
    assert answer.location.endswith("/material-types/publish/CL013"), answer.get_data(as_text=True)
    page = body(client, "/material-types/publish/CL013")
    assert "XK-004、XK-005" in page
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    form = {"csrf_token": token_of(page), "seen": seen[1], "renew": "on"}
    assert client.post("/material-types/publish/CL013", data=form).status_code == 302
    with hub.engine.connect() as tx:
        line = next(one for one in published_item(tx, "XK-004").requirements if one.material_type == "CL013")
    assert (line.type_version, line.fields[-1].label) == (2, "权利人")
    form = {"csrf_token": token_of(page), "reason": "不再收取"}
    page = client.post("/material-types/withdraw/CL013", data=form, follow_redirects=True).get_data(
        as_text=True
    )
    assert "已发布的事项仍要求这种材料" in page


def test_licence_types_on_licences_are_offered(hub: Hub, as_user: Client) -> None:
    """A type that stands on a licence but not in the catalogue is offered, added in one form, and offered no more."""
    from tests.admin import cases

    cases.load(hub, 12, seed=11)
    with hub.engine.begin() as tx:
        code = tx.execute(text("SELECT type_code FROM licences LIMIT 1")).scalar_one()
        tx.execute(text("DELETE FROM stand_ins WHERE false"))
        row = tx.execute(text("SELECT id FROM licences WHERE type_code = :c LIMIT 1"), {"c": code}).one()
        tx.execute(
            text("UPDATE licences SET type_code = '11990101MB0000027X999' WHERE id = :i"), {"i": row.id}
        )
    client = as_user("data_admin")
    page = body(client, "/licence-types/")
    assert "11990101MB0000027X999" in page
    page = body(client, "/licence-types/add?code=11990101MB0000027X999&name=新证照")
    form = {"csrf_token": token_of(page), "code": "11990101MB0000027X999", "name": "新证照", "active": "on"}
    wrong = client.post("/licence-types/add", data={**form, "sharing": "none"}).get_data(as_text=True)
    assert "不予共享应写明" in wrong
    form |= {"sharing": "conditional", "sharing_conditions": "依职责"}
    assert client.post("/licence-types/add", data=form).status_code == 302
    assert "目录中没有的类型" not in body(client, "/licence-types/")


def test_code_patterns_are_tried_and_bad_ones_refused(hub: Hub, as_user: Client) -> None:
    """A pattern that does not compile or may run for ever, or whose example does not match, is not kept."""
    client = as_user("data_admin")
    assert "实施编码 31 位" in body(client, "/code-patterns/try?code=11370100MB000001944370117002011")
    assert "不符合任何启用的规则" in body(client, "/code-patterns/try?code=%E7%A0%81")
    token = token_of(body(client, "/code-patterns/add"))
    form = {
        "csrf_token": token,
        "kind": "catalog_code",
        "name": "本县",
        "source": "本县",
        "seq": "5",
        "active": "y",
    }
    for pattern, example, sentence in (
        ("[0-9", "1", "不是有效的正则表达式"),
        ("(a+)+", "a", "重复套重复"),
        ("[0-9]{3}", "12", "示例不符合"),
    ):
        page = client.post("/code-patterns/add", data={**form, "pattern": pattern, "example": example})
        assert sentence in page.get_data(as_text=True)
    done = client.post("/code-patterns/add", data={**form, "pattern": "[0-9]{3}", "example": "123"})
    assert done.status_code == 302
    with hub.engine.connect() as tx:
        told = tx.execute(
            text("SELECT count(*) FROM ledger WHERE action = 'code_pattern.added'")
        ).scalar_one()
    assert told == 1


# ---- the workbook


def send(client: FlaskClient, path: Path, name: str = "catalogue.xlsx") -> str:
    token = token_of(body(client, "/catalogue/"))
    form = {"csrf_token": token, "book": (io.BytesIO(path.read_bytes()), name)}
    return client.post("/catalogue/", data=form, follow_redirects=True).get_data(as_text=True)


def test_a_workbook_out_and_in_again(as_user: Client, tmp_path: Path) -> None:
    """Export, import: the preview says that nothing changes; a chosen item's workbook names only what it needs."""
    client = as_user("data_admin")
    book = tmp_path / "book.xlsx"
    book.write_bytes(client.get("/catalogue/export.xlsx").data)
    page = send(client, book)
    assert "没有可导入的改变" in page, page
    assert "退回的原因" not in page
    book.write_bytes(client.get("/catalogue/export.xlsx?item=XK-012").data)
    with read_rows(book, sheet="事项") as rows:
        assert [cells[0] for _number, cells in rows] == ["事项编码", "XK-012"]
    with read_rows(book, sheet="编码规则") as rows:
        assert len(list(rows)) == 1


def test_an_import_is_previewed_then_made_into_drafts(hub: Hub, as_user: Client, tmp_path: Path) -> None:
    """The preview changes nothing; the import makes drafts of what is right, refuses what is wrong by its cell."""
    client = as_user("data_admin")
    book = tmp_path / "book.xlsx"
    rows = [["XK-008", "取水许可", "60"], ["XK-009", "动物防疫条件审查", "-1"], ["CS-100", "导入的事项", "9"]]
    write_rows(book, ["事项编码", "事项名称", "法定时限"], rows, title="事项")
    page = send(client, book)
    assert "法定时限应为 0 到 3650" in page
    assert "导入 2 个条目到草稿" in page
    drafts = (
        "SELECT item_code FROM item_versions WHERE state = 'draft' AND item_code = ANY(:codes) ORDER BY 1"
    )
    codes = {"codes": ["XK-008", "XK-009", "CS-100"]}
    with hub.engine.connect() as tx:
        assert tx.execute(text(drafts), codes).scalars().all() == []
    address = re.search(r'name="stamp" value="([^"]+)"', page)
    assert address
    folder = re.search(r"/catalogue/preview/[0-9a-f]{32}", client.get("/catalogue/").get_data(as_text=True))
    assert folder is None
    token = token_of(page)
    answer = client.post(
        "/catalogue/", data={"csrf_token": token, "book": (io.BytesIO(book.read_bytes()), "b.xlsx")}
    )
    there = answer.location
    assert "预览之后目录又被改过" in client.post(
        there, data={"csrf_token": token, "stamp": "old"}, follow_redirects=True
    ).get_data(as_text=True)
    assert client.post(there, data={"csrf_token": token, "stamp": address[1]}).status_code == 302
    with hub.engine.connect() as tx:
        assert tx.execute(text(drafts), codes).scalars().all() == ["CS-100", "XK-008"]
        assert published_item(tx, "XK-008").header["legal_days"] == 45
    assert "待导入的文件已不在" in client.get(there, follow_redirects=True).get_data(as_text=True)


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.xlsx", "文件是空的"),
        (b"PK\x03\x04 half", "a.xlsx", "已损坏或没有传完整"),
        ("事项编码,事项名称\nX,Y\n".encode(), "a.xlsx", "要用一个 .xlsx 工作簿"),
        (b"\xd0\xcf\x11\xe0", "a.xls", "只能导入 .xlsx"),
    ],
)
def test_broken_files_are_refused_with_a_sentence(
    content: bytes, name: str, sentence: str, as_user: Client, tmp_path: Path
) -> None:
    """Empty, cut off, of another kind: the page says what to do."""
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sentence in send(as_user("data_admin"), path, name)


# ---- rights


WRITING = (
    "/items/add", "/items/edit/XK-001", "/items/publish/XK-001", "/material-types/add", "/licence-types/add",
    "/material-types/edit/CL001", "/material-types/publish/CL001", "/catalogue/", "/catalogue/export.xlsx",
    "/code-patterns/list/", "/code-patterns/add",
)  # fmt: skip
READING = (
    "/items/", "/items/list/", "/items/show/XK-001", "/items/history/XK-001", "/material-types/",
    "/material-types/show/CL001", "/material-types/history/CL001", "/licence-types/",
)  # fmt: skip
POSTS = (
    "/items/withdraw/XK-001",
    "/items/discard/XK-001",
    "/items/active/XK-001",
    "/material-types/withdraw/CL001",
)


@pytest.mark.parametrize("role", ["clerk", "approver", "supervisor", "overseer"])
def test_only_the_data_administrator_changes_the_catalogue(
    role: str, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """The window and approving departments read it; nobody but the data administrator writes."""
    client = as_user(role)
    reads = 200 if role in ("clerk", "approver") else 403
    assert {path: client.get(path).status_code for path in READING} == dict.fromkeys(READING, reads)
    assert {path: client.get(path).status_code for path in WRITING} == dict.fromkeys(WRITING, 403)
    form = {"csrf_token": csrf(role), "reason": "试一试"}
    assert {path: client.post(path, data=form).status_code for path in POSTS} == dict.fromkeys(POSTS, 403)
    code = "11370100MB00000194001"
    if reads == 200:
        before = body(client, f"/licence-types/edit/{code}")
        client.post(f"/licence-types/edit/{code}", data={**form, "name": "被改了"})
        assert "被改了" not in body(client, f"/licence-types/edit/{code}")
        assert "保存</button>" not in before


# ---- the browser


def test_the_editor_by_keyboard_alone(hub: Hub, open_as: Callable[..., Watched]) -> None:
    """Add a material by searching, move it, give it a stand-in, save and publish - without the mouse."""
    watched = open_as("data_admin")
    page = watched.page
    origin = page.url.split("/", 3)
    page.goto(f"{origin[0]}//{origin[2]}/items/edit/XK-011")
    rows = page.locator(".rows.lines > li")
    before = rows.count()
    page.get_by_role("button", name="+ 添加材料").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("消防")
    page.keyboard.press("Enter")
    assert rows.count() == before + 1
    assert rows.last.locator("input").nth(1).input_value() == "消防安全检查意见"
    page.keyboard.press("Alt+ArrowUp")
    assert rows.nth(before - 1).locator("input").first.input_value() == "消防安全检查意见"
    rows.nth(before - 1).get_by_role("combobox").nth(1).focus()
    page.keyboard.type("食品经营许可证")
    page.keyboard.press("Enter")
    assert "证照食品经营许可证" in rows.nth(before - 1).locator(".chip").inner_text().replace("\n", "")
    assert page.locator("[data-unsaved]").is_visible()
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    assert "草稿已保存" in page.locator(".flash").inner_text()
    assert rows.count() == before + 1
    page.get_by_role("button", name="保存并查看发布").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.wait_for_selector("text=发布第 2 版")
    with page.expect_navigation():
        page.keyboard.press("Enter")  # the button has the focus
    with hub.engine.connect() as tx:
        found = published_item(tx, "XK-011").requirements[before - 1]
    assert (found.type_name, found.stand_ins[0].kind) == ("消防安全检查意见", "licence")


@pytest.mark.parametrize(
    "path",
    ["/items/", "/items/show/XK-001", "/items/edit/XK-001", "/material-types/edit/CL003", "/licence-types/",
     "/licence-types/add", "/catalogue/", "/items/history/XK-001", "/items/add", "/code-patterns/list/"],
)  # fmt: skip
def test_the_pages_pass_axe(path: str, open_as: Callable[..., Watched]) -> None:
    """The automatic accessibility checks find nothing serious, and nothing is wider than the screen."""
    page = open_as("data_admin").page
    origin = page.url.split("/", 3)
    page.goto(f"{origin[0]}//{origin[2]}{path}")
    page.wait_for_load_state("load")
    found = Axe().run(page, context="#content").response["violations"]
    serious = [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found
               if one["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
