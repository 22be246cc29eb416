"""A department with a MariaDB of its own is joined in the browser, from nothing to the first finding that comes back.

The whole product runs (`shenguan up`), the database is Debian's, the person is before headless Chromium.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from sqlalchemy import Engine, create_engine, text

from hub.pushing.rules.add_rule import add_rule
from schemas import permit_columns
from shenguan.secrets_folder import SecretsFolder
from tests.adapters.conftest import MariaDBAt
from tests.adapters.person import Person
from tests.browser_install import PATIENCE_MS, find
from tests.e2e.running_hub import RunningHub

CODE, NAME = "yjj", "示范县应急管理局"
SECONDS = 180.0
ROWS = 25
#: What inspectors of this department fill in, by the words of its own programs.
INSPECTIONS = """
CREATE TABLE jdjc (
  id BIGINT AUTO_INCREMENT PRIMARY KEY, JCBH VARCHAR(50) COMMENT '检查编号', BJBH VARCHAR(50) COMMENT '办件编号',
  JCSJ DATETIME COMMENT '检查时间', JCRY VARCHAR(200) COMMENT '检查人员', JCJG VARCHAR(20) COMMENT '检查结果',
  CLJG VARCHAR(20) COMMENT '处理结果', ZGQX DATE COMMENT '整改期限', JGSM VARCHAR(500) COMMENT '结果说明',
  TJZT CHAR(1) COMMENT '提交状态', TJSM VARCHAR(500) COMMENT '提交说明')
"""

pytestmark = pytest.mark.timeout(900)


def _permits() -> str:
    """The 双公示 permit sheet as a table, with the headings of the sheet as comments."""
    lines = []
    for column in permit_columns("2018")["columns"]:
        size = column.get("max")
        kind = "DATE" if column["kind"] == "date" else f"VARCHAR({size})" if size and size <= 512 else "TEXT"
        must = "NOT NULL" if column["code"] in ("XK_WSH", "XK_XDR_MC") else "NULL"
        lines.append(f"{column['code']} {kind} {must} COMMENT '{column['name']}'")
    return f"CREATE TABLE xzxk ({', '.join(lines)}, UNIQUE (XK_WSH))".replace(
        "XK_WSH TEXT", "XK_WSH VARCHAR(64)"
    )


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with (
        tempfile.TemporaryDirectory(prefix="sg-join-", ignore_cleanup_errors=True) as folder,
        RunningHub(Path(folder) / "data") as hub,
    ):
        yield hub


@pytest.fixture(scope="module")
def engine(hub: RunningHub) -> Iterator[Engine]:
    engine = create_engine(hub.settings().database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(hub: RunningHub, chromium: Browser) -> Iterator[Page]:
    """A data administrator, signed in."""
    password = SecretsFolder(hub.data).demo_passwords()["data_admin"]
    page = chromium.new_page(base_url=hub.settings().public_url, viewport={"width": 1366, "height": 768})
    page.set_default_timeout(PATIENCE_MS)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/login/")
    page.fill("#username", "data_admin")
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.goto("/connectors/")
    yield page

    page.close()


@pytest.fixture
def own(mariadb: MariaDBAt) -> MariaDBAt:
    """The department's database: where licences are kept, and where inspections are written down."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(_permits())
        cursor.execute(INSPECTIONS)
    return mariadb


def box(page: Page, label: str, nth: int = 0) -> Locator:
    """A box by the beginning of its label."""
    return page.get_by_label(re.compile(f"^{label}")).nth(nth)


def button(page: Page, words: str) -> Locator:
    """A button or link by its words."""
    named = re.compile(words)
    return page.get_by_role("button", name=named).or_(page.get_by_role("link", name=named)).first


def register(person: Person) -> None:
    """The department itself."""
    page = person.page
    page.goto("/departments/add")
    person.write(box(page, "代码"), CODE)
    person.write(box(page, "名称"), NAME)
    person.click(page.get_by_label("监管"))
    person.choose(box(page, "接入方式"), "网页收件箱")
    person.click(button(page, "^保存"))


def choose_system(person: Person, own: MariaDBAt) -> None:
    """Step 1: which department, which kind, where."""
    page = person.page
    page.goto("/connectors/")
    person.click(button(page, "接入一个部门"))
    person.choose(page.locator("select").first, NAME)
    person.click(page.get_by_text("数据库表", exact=True))
    person.click(button(page, "下一步"))
    for label, words in (
        ("服务器地址", own.host),
        ("端口", str(own.port)),
        ("数据库名", own.database),
        ("用户名", own.user),
        ("密码", own.password),
    ):
        person.write(box(page, label), words)
    person.click(button(page, "下一步"))


def choose_tables(person: Person) -> None:
    """Step 2, first half: what goes where."""
    page = person.page
    person.write(box(page, "表名"), "xzxk")
    person.write(box(page, "键列"), "XK_WSH")
    person.write(box(page, "表名", 1), "jdjc")
    person.write(box(page, "编号或时间列"), "id")
    person.write(box(page, "状态列"), "TJZT")
    person.write(box(page, "说明列"), "TJSM")


def map_fields(person: Person) -> None:
    """Step 2, second half: for either direction read the other side's columns, and take what is proposed with certainty."""
    page = person.page
    for flow in ("decided", "finding"):
        person.click(page.locator(f'[href$="/flows/{flow}/mapping"], [value$=":{flow}"]').first)
        person.click(button(page, "从对方系统读取"))
        person.click(button(page, "采纳把握"))
        expect(page.get_by_text("必填字段都有来源").first).to_be_visible()
        person.click(button(page, "保存草稿"))
        expect(page.get_by_text("有未保存的修改")).to_be_hidden()
        person.click(button(page, "返回"))


def try_it(person: Person) -> None:
    """Steps 3 and 4: every layer holds; invented packages arrive beside the real table as expected."""
    page = person.page
    person.click(button(page, "下一步"))
    person.click(button(page, "^测试连接"))
    expect(page.get_by_text("全部通过，可以用")).to_be_visible()
    person.click(button(page, "下一步"))
    person.click(
        page.locator("input[type=checkbox][value=finding]")
    )  # its table has no sandbox: the real one is looked at
    person.click(button(page, "开始演练"))
    expect(page.get_by_text("一致", exact=True).first).to_be_visible()
    person.click(button(page, "下一步"))


def go_live(person: Person) -> None:
    """Step 5."""
    person.click(button(person.page, "发布并上线"))
    expect(person.page.get_by_text("已上线").first).to_be_visible()


def _ask(engine: Engine, question: str, **values: Any) -> list[Any]:
    with engine.connect() as tx:
        return list(tx.execute(text(question), values))


def test_a_department_is_joined_in_three_minutes(
    hub: RunningHub, engine: Engine, page: Page, own: MariaDBAt
) -> None:
    """Claim: a data administrator alone joins a department that has nothing but a MariaDB: registered, system, mapping from
    its 双公示 table, test, rehearsal, live, in less than three minutes of a person's and the machine's time together.
    Decisions made after that stand in its table and are signed for; its first finding comes back onto the case; a row that
    cannot be taken says why in that row."""
    person = Person(page)
    register(person)
    choose_system(person, own)
    choose_tables(person)
    map_fields(person)
    try_it(person)
    go_live(person)
    print(f"joined in {person.seconds:.0f} s")
    assert person.seconds < SECONDS

    with engine.begin() as tx:
        add_rule(tx, "应急全部", {CODE: 3}, actor="user:test")
    ((state, counts),) = _ask(
        engine, "SELECT state, result->'counts' FROM connector_jobs WHERE kind = 'sandbox'"
    )
    assert (state, counts["different"], counts["refused"]) == ("done", 0, 0)
    assert counts["same"] == counts["delivered"] > 0
    assert own.read("SELECT count(*) FROM xzxk") == [(0,)], "a rehearsal reached the real table"
    sheet = hub.data.parent / "sheet.xlsx"
    assert hub.command("sample", "--rows", str(ROWS), "--out", str(sheet)).code == 0
    assert hub.command("load", str(sheet)).code == 0
    hub.until(lambda: own.read("SELECT count(*) FROM xzxk") == [(ROWS,)], what="the packages")
    signed = "SELECT count(*) FROM pushes WHERE department = :code AND signed_at IS NOT NULL"
    hub.until(lambda: _ask(engine, signed, code=CODE)[0][0] == ROWS, what="the receipts")
    kept = dict(own.read("SELECT XK_WSH, XK_XDR_MC FROM xzxk"))
    told = _ask(
        engine,
        "SELECT d.document_no, p.name FROM decisions d JOIN cases c USING (case_no) JOIN parties p ON p.id = c.party_id",
    )
    assert kept == {row[0]: row[1] for row in told}

    case_no = _ask(engine, "SELECT case_no FROM pushes WHERE department = :code LIMIT 1", code=CODE)[0][0]
    with own.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO jdjc (JCBH, BJBH, JCSJ, JCRY, JCJG, CLJG, JGSM)"
            " VALUES (%s, %s, now(), '示例甲、示例乙', %s, '通过', '现场检查')",
            [("JC-1", case_no, "符合"), ("JC-2", case_no, "说不清")],
        )
    found = "SELECT finding_no, check_result FROM findings WHERE department = :code AND case_no = :case_no"
    hub.until(
        lambda: _ask(engine, found, code=CODE, case_no=case_no) == [("JC-1", "1")],
        seconds=60,
        what="the finding",
    )
    assert own.read("SELECT TJZT FROM jdjc WHERE JCBH = 'JC-1'") == [("1",)]
    ((state, words),) = own.read("SELECT TJZT, TJSM FROM jdjc WHERE JCBH = 'JC-2'")
    assert state == "2"
    assert "应为" in words
