"""The pages of batches: a sheet goes in, is looked at, started, watched; refused rows and licences come out."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from sqlalchemy import select, text

from admin.accounts import ensure_user
from hub.department import Department
from hub.licensing.batches.run_batch import Workshop, work_all, work_once
from storage.spreadsheet import read_rows
from tests.admin.conftest import PASSWORD, Hub, sign_in, token_of
from tests.hub.licence_builders import a_shop, a_type
from tests.hub.licence_sheets import citizen, foreign

BASE = "/licence-batches"
TYPE = "11370100MB00000194901"


@pytest.fixture(scope="module")
def office(hub: Hub) -> str:
    """An approving department with a licence type to issue."""
    with hub.engine.begin() as tx:
        found = tx.execute(
            select(Department.code).where(Department.roles.contains(["approving"])).limit(1)
        ).scalar_one()
        a_type(tx, TYPE)
    return str(found)


@pytest.fixture
def shop(hub: Hub) -> Workshop:
    config = hub.app.extensions["shenguan"].config
    return Workshop(hub.engine, config.desk, config.press, config.tokens)


def shops_csv(first: int, count: int, **bad: str) -> bytes:
    """A sheet of shops; `bad` adds one row nobody can take."""
    lines = ["持证主体,持证主体代码,经营场所,经营项目"]
    for number in range(first, first + count):
        one = a_shop(number)
        lines.append(f"{one.name},{one.code},示范县人民路 {number} 号,预包装食品销售")
    if bad:
        lines.append(f"坏行食品店,{bad['code']},示范县坏行路,")
    return "\n".join(lines).encode("gb18030")


def hand_in(client: FlaskClient, data: bytes, name: str, **said: str) -> str:
    """Upload a sheet and wait until it is read; the address of its batch."""
    token = token_of(client.get(f"{BASE}/new").get_data(as_text=True))
    form = {"csrf_token": token, "sheet": (io.BytesIO(data), name), **said}
    answer = client.post(f"{BASE}/new", data=form, content_type="multipart/form-data")
    assert answer.status_code == 302, answer.get_data(as_text=True)[:300]
    address = str(answer.headers["Location"])
    for _ in range(1200):
        if "正在读取" not in (page := client.get(address).get_data(as_text=True)):
            return address
        time.sleep(0.05)
    raise AssertionError(page)


def move(client: FlaskClient, address: str, what: str, **said: str) -> str:
    token = token_of(client.get(f"{BASE}/new").get_data(as_text=True))
    answer = client.post(f"{address}/{what}", data={"csrf_token": token, **said}, follow_redirects=True)
    return str(answer.get_data(as_text=True))


def test_from_sheet_to_licences(
    hub: Hub, office: str, as_user: Callable[[str], FlaskClient], shop: Workshop
) -> None:
    """What each column became is shown before anything is issued; then licences, a list of them, and a ZIP with an index."""
    client = as_user("approver")
    data = shops_csv(100, 3, code="91370102MA3C00011X")
    address = hand_in(client, data, "名单.csv", operation="issue", type=TYPE, department=office)
    page = client.get(address).get_data(as_text=True)
    assert "待开始" in page
    assert "→ 持证主体（certificateHolder）" in page
    assert "→ 字段 经营场所" in page
    assert "校验位" in page
    assert work_all(shop) == 0
    assert "没有制证程序在运行" in move(client, address, "start")
    assert work_all(shop) == 3
    page = client.get(address).get_data(as_text=True)
    assert "已完成" in page
    assert "已制证" in page
    listed = client.get(f"{address}/licences").get_data(as_text=True)
    assert f"{a_shop(100).name}" in listed
    token = token_of(page)
    files = client.post(
        f"/licence-exports/batch/{address.rsplit('/', 1)[1]}", data={"csrf_token": token, "use": "寄送纸质件"}
    )
    with zipfile.ZipFile(io.BytesIO(files.data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[0] == "index.csv"
        assert len(names) == 4
        assert all(archive.read(name).startswith(b"%PDF-") for name in names[1:])
        assert archive.read("index.csv").decode("utf-8-sig").count("\r\n") == 4
    with hub.engine.connect() as tx:
        taken = tx.execute(
            text(
                "SELECT reason, detail FROM ledger WHERE action = 'licence.files_taken' ORDER BY id DESC LIMIT 1"
            )
        ).one()
        assert taken.reason == "寄送纸质件"
        assert taken.detail == {"count": 3}
        reads = tx.scalar(text("SELECT count(*) FROM file_reads WHERE stated_use = '寄送纸质件'"))
        assert reads == 3


def test_refused_rows_are_mended_and_handed_in_again(
    hub: Hub, office: str, as_user: Callable[[str], FlaskClient], shop: Workshop, tmp_path: Any
) -> None:
    """The download has the rows as they were with their reasons; mended and handed in, only those are issued."""
    client = as_user("approver")
    said = {"operation": "issue", "type": TYPE, "department": office}
    address = hand_in(client, shops_csv(200, 2, code="91370102MA3C00011X"), "a.csv", **said)
    move(client, address, "start")
    work_all(shop)
    file = tmp_path / "refused.xlsx"
    file.write_bytes(client.get(f"{address}/refused.xlsx").data)
    with read_rows(file) as rows:
        heading, row = (cells for _, cells in rows)
    assert heading[-4:] == ["行号", "退回的列", "退回原因", "应为"]
    assert row[-4] == "4"
    assert "校验位不对" in row[-2]
    mended = [*row]
    mended[1] = "91370102MA3C00011F"
    lines = [",".join(f'"{cell}"' for cell in cells) for cells in (heading, mended)]
    again = hand_in(client, "\n".join(lines).encode(), "b.csv", **said)
    assert "退回的行" not in client.get(again).get_data(as_text=True)
    move(client, again, "start")
    assert work_all(shop) == 1
    whole = hand_in(client, shops_csv(200, 2), "c.csv", **said)
    assert "待办</span><b>0</b>" in client.get(whole).get_data(as_text=True)


def test_numbers_of_persons_are_masked_unless_a_use_is_stated(
    hub: Hub, as_user: Callable[[str], FlaskClient], shop: Workshop
) -> None:
    """Preview and export mask them; whole ones need a use, which is in the ledger, and come back as they went in."""
    client = as_user("data_admin")
    rows = [foreign(number) for number in range(900, 903)]
    address = hand_in(client, json.dumps(rows, ensure_ascii=False).encode(), "x.json", operation="import")
    page = client.get(address).get_data(as_text=True)
    assert citizen(900) not in page
    move(client, address, "start")
    assert work_all(shop) == 3
    token = token_of(client.get("/licence-exports/?q=JY9900000900").get_data(as_text=True))
    url = "/licence-exports/?q=JY9900000900"
    masked = client.post(url, data={"csrf_token": token, "form": "json"}).get_json()
    assert len(masked) == 1
    assert "********" in masked[0]["certificateHolderCode"]
    refused = client.post(
        url, data={"csrf_token": token, "form": "json", "complete": "1"}, follow_redirects=True
    )
    assert "请写明用途" in refused.get_data(as_text=True)
    whole = client.post(
        url, data={"csrf_token": token, "form": "json", "complete": "1", "use": "报送省平台"}
    ).get_json()
    sent = rows[0]
    assert {
        name: whole[0][name]
        for name in ("certificateIdentifier", "certificateHolderCode", "issueDate", "status")
    } == {
        name: sent[name] for name in ("certificateIdentifier", "certificateHolderCode", "issueDate", "status")
    }
    with hub.engine.connect() as tx:
        last = tx.execute(
            text(
                "SELECT reason, detail FROM ledger WHERE action = 'licence.exported' ORDER BY id DESC LIMIT 1"
            )
        ).one()
    assert last.reason == "报送省平台"
    assert last.detail["complete"] is True
    assert last.detail["chosen"] == {"q": "JY9900000900"}
    for form, start in (("csv", b"\xef\xbb\xbfcertificateIdentifier"), ("xlsx", b"PK")):
        assert client.post(url, data={"csrf_token": token, "form": form}).data.startswith(start)
    again = hand_in(client, json.dumps(whole, ensure_ascii=False).encode(), "back.json", operation="import")
    move(client, again, "start")
    assert work_all(shop) == 1
    assert "未变</span><b>1</b>" in client.get(again).get_data(as_text=True)


@pytest.mark.parametrize(
    ("data", "name", "said", "sentence"),
    [
        (b"", "a.csv", {}, "文件是空的"),
        (b"x,y\n1,2\n", "a.exe", {}, "只能上传"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xlsx", {}, "旧版 .xls"),
        (b'[{"a":1},', "a.json", {}, "断了"),
        (b"a,b\n1,2\n", "a.csv", {"operation": "issue"}, "请选择要制发的证照类型"),
        (b"a,b\n1,2\n", "a.csv", {"operation": "issue", "type": TYPE}, "请选择颁发证照的部门"),
        (b"a,b\n1,2\n", "a.csv", {"operation": "issue", "type": "0" * 21, "department": "x"}, "没有代码为 x"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused_in_a_sentence(
    office: str,
    as_user: Callable[[str], FlaskClient],
    data: bytes,
    name: str,
    said: dict[str, str],
    sentence: str,
) -> None:
    """At once, on the form, and no batch is made."""
    client = as_user("data_admin")
    token = token_of(client.get(f"{BASE}/new").get_data(as_text=True))
    form = {"csrf_token": token, "sheet": (io.BytesIO(data), name), **said}
    page = client.post(f"{BASE}/new", data=form, content_type="multipart/form-data", follow_redirects=True)
    assert sentence in page.get_data(as_text=True)


def test_a_sheet_without_a_heading_says_so_on_its_batch(as_user: Callable[[str], FlaskClient]) -> None:
    """The batch is stopped with the reason; nothing can be started."""
    client = as_user("data_admin")
    address = hand_in(client, b"a,b\n1,2\n", "a.csv", operation="import")
    page = client.get(address).get_data(as_text=True)
    assert "没有找到表头" in page
    assert "已停止" in page
    assert "不能开始" in move(client, address, "start")


def test_only_those_who_may(as_user: Callable[[str], FlaskClient]) -> None:
    """A clerk, a supervising department and the overseer neither see batches nor take licences away."""
    for user in ("clerk", "supervisor", "overseer"):
        client = as_user(user)
        for address in (f"{BASE}/", f"{BASE}/new", "/licence-exports/"):
            assert client.get(address).status_code in (302, 403), (user, address)


def test_the_templates_say_how_to_fill_them_in(
    office: str, as_user: Callable[[str], FlaskClient], tmp_path: Any
) -> None:
    """A type's own template has its fields as columns, and a sheet that explains them; it is read back as a heading."""
    client = as_user("data_admin")
    file = tmp_path / "t.xlsx"
    file.write_bytes(client.get(f"{BASE}/template.xlsx?type={TYPE}").data)
    with read_rows(file) as rows:
        assert rows.sheet_names == ("证照", "填写说明")
        ((_, heading),) = list(rows)
    assert heading[:2] == ["持证主体", "持证主体代码"]
    assert "经营场所" in heading
    with read_rows(file, sheet="填写说明") as rows:
        explained = {cells[0]: cells[1:] for _, cells in rows}
    assert explained["经营场所"][:2] == ["KZ_place", "是"]
    national = client.get(f"{BASE}/template.xlsx").data
    assert re.match(b"PK", national)


def test_a_department_sees_and_moves_its_own_batches(
    hub: Hub, office: str, as_user: Callable[[str], FlaskClient]
) -> None:
    """Another department's approver does not see them, in the list or by their address, nor their rows and files."""
    said = {"operation": "issue", "type": TYPE, "department": office}
    address = hand_in(as_user("data_admin"), shops_csv(700, 1), "别人的名单.csv", **said)
    with hub.engine.connect() as tx:
        other = tx.execute(
            select(Department.code).where(
                Department.roles.contains(["approving"]), Department.code != office, Department.active
            )
        ).scalars()
        code = next(iter(other))
    ensure_user(hub.app, "stranger", PASSWORD, role="approver", name="邻局", department=code)
    client = sign_in(hub.app, "stranger")
    assert "别人的名单" not in client.get(f"{BASE}/").get_data(as_text=True)
    for page in ("", "/licences", "/refused.xlsx"):
        answer = client.get(address + page, follow_redirects=True)
        assert "不是本部门的" in answer.get_data(as_text=True), page
    token = token_of(client.get(f"{BASE}/new").get_data(as_text=True))
    for target in (f"{address}/start", f"/licence-exports/batch/{address.rsplit('/', 1)[1]}"):
        answer = client.post(target, data={"csrf_token": token, "use": "看看"}, follow_redirects=True)
        assert "不是本部门的" in answer.get_data(as_text=True), target
    mine = hand_in(client, shops_csv(710, 1), "自己的.csv", **said)
    with hub.engine.connect() as tx:
        found = tx.scalar(
            text("SELECT department FROM licence_batches WHERE id = :b"), {"b": mine.rsplit("/", 1)[1]}
        )
    assert found == code


def test_the_page_follows_and_leaves_what_is_typed_alone(
    hub: Hub, office: str, open_as: Callable[..., Any], shop: Workshop, tmp_path: Any
) -> None:
    """In a browser: upload, look, start; the bar moves by itself, a half-typed reason stays, the end is shown."""
    sheet = tmp_path / "名单.csv"
    sheet.write_bytes(shops_csv(800, 24, code="91370102MA3C00011X"))
    page = open_as("data_admin").page
    home = page.url.split("/login")[0].rstrip("/")
    page.goto(f"{home}{BASE}/new")
    assert Axe().run(page).response["violations"] == []
    page.select_option("[name=type]", TYPE)
    page.select_option("[name=department]", office)
    page.set_input_files("input[type=file]", str(sheet))
    page.click("form .btn.primary")
    page.wait_for_selector("text=待开始")
    assert Axe().run(page).response["violations"] == []
    page.click("text=开始制证")
    page.wait_for_selector("#batch-now >> text=进行中")
    page.click("summary:has-text('停止')")
    page.fill("[name=reason]", "打了一半")
    work_once(shop)
    page.wait_for_selector("#batch-now >> text=每秒")
    assert page.input_value("[name=reason]") == "打了一半"
    work_all(shop)
    page.wait_for_selector("text=已完成")
    assert "24" in page.inner_text("a.tile.good")
    page.click("text=查看证照")
    page.wait_for_selector(f"text={a_shop(800).name}")
