"""Once only, as the issue promises it: a real browser on a running hub, a finding that travels over Kafka, and the records.

The tests of this module follow each other on one installation, in the order in which they stand.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, create_engine, func, select

from hub.licensing.licence import FROZEN, Licence
from hub.material import Material
from hub.reuse.material_use import MaterialUse
from shenguan import wiring
from shenguan.secrets_folder import SecretsFolder
from tests.browser_install import PATIENCE_MS
from tests.e2e import once_only_area as area
from tests.e2e.running_hub import RunningHub

PARTY, CODE = "示例甲餐饮有限公司", "91370102MA3C00011F"
DOCUMENT_NO, FINDING_NO = "示许〔2026〕一次办1号", "YC-JC-1"
WHY_FROZEN = "示例：现场环境不符合许可条件"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def engine(hub: RunningHub) -> Iterator[Engine]:
    engine = create_engine(hub.settings().database_url)
    with engine.begin() as tx:
        area.fill(tx, wiring.desk_of(hub.settings()))
    area.add_clerks(hub)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def files(hub: RunningHub) -> list[Path]:
    return area.five_files(hub.data.parent / "files")


@pytest.fixture(scope="module")
def done() -> dict[str, str]:
    """What the earlier tests leave for the later ones: case numbers."""
    return {}


@contextmanager
def signed_in(chromium: Browser, hub: RunningHub, name: str) -> Iterator[Page]:
    """A browser window of this user; nothing outside is asked for and no script fails."""
    own, wrong = hub.settings().public_url, []
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("request", lambda r: None if r.url.startswith((own, "data:", "blob:")) else wrong.append(r.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{own}/login/")
    page.fill("#username", name)
    word = area.PASSWORD if name in area.CLERKS else SecretsFolder(hub.data).demo_passwords()[name]
    page.fill("#password", word)
    page.click("button[type=submit]")
    page.wait_for_selector(".main", state="attached")
    yield page
    context.close()
    assert wrong == []


def look_up(page: Page, hub: RunningHub, text: str) -> None:
    page.goto(f"{hub.settings().public_url}/workbench/")
    expect(page.locator("#wb-q")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def choose(page: Page, item: str) -> str:
    """The item on the party's page, by typing; gives the case number."""
    page.wait_for_selector("#wb-item")
    page.fill("#wb-item", area.NAMES[item])
    page.keyboard.press("Enter")
    return case_number(page)


def case_number(page: Page) -> str:
    page.wait_for_selector("#wb-case")
    number = page.get_attribute("#wb-case", "data-case")
    assert number
    return number


def line(page: Page, name: str) -> Any:
    return page.locator(".line", has=page.locator("h3", has_text=name))


def upload(page: Page, name: str, file: Path) -> None:
    line(page, name).locator("input[data-pick]").set_input_files(str(file))
    expect(line(page, name).locator(".line-state")).to_have_text("已收取")


def accept(page: Page) -> str:
    """Accept by its key; what the receipt says."""
    page.keyboard.press("F9")
    page.wait_for_url("**/receipt")
    return page.inner_text(".sheet")


def test_the_first_application_uploads_five_and_is_decided(
    hub: RunningHub, engine: Engine, chromium: Browser, files: list[Path], done: dict[str, str]
) -> None:
    """Claim: an unknown party is entered, five files are taken, the case is accepted and decided, the licence stands."""
    with signed_in(chromium, hub, "once-li") as page:
        look_up(page, hub, CODE.lower())
        page.fill("[name=name]", PARTY)
        page.fill("[name=legal_representative]", "示例甲")
        page.select_option("[name=item]", area.FIRST)
        page.click("text=开始办理")
        case_no = done["first"] = case_number(page)
        expect(page.locator(".line.open")).to_have_count(5)
        line(page, "示例主体资格证明").locator("[data-file-field=address]").fill("示范县示例路 1 号")
        for number, name in enumerate(
            ("主体资格证明", "负责人身份证明", "场所平面图", "健康证明", "申请书"), 1
        ):
            upload(page, f"示例{name}", files[number - 1])
        expect(page.locator("#a-address")).to_have_value("示范县示例路 1 号")
        receipt = accept(page)
        assert "本次收取 5 份" in receipt.replace("\n", " ")
        assert "免提交" not in receipt
    with signed_in(chromium, hub, "approver") as page:
        page.goto(f"{hub.settings().public_url}/decide/?case={case_no}")
        page.fill("[name=XK_WSH]", DOCUMENT_NO)
        page.fill("[name=XK_NR]", "准予经营")
        page.fill("[name=XK_XKBH]", "YC1990101000001")
        page.fill("[name=XK_YXQZI]", "2031-11-21")
        page.click("text=登记并推送")
        page.wait_for_url(f"**/cases/{case_no}")
    with engine.connect() as tx:
        licence = tx.execute(select(Licence.case_no, Licence.type_code, Licence.status)).one()
    assert licence == (case_no, area.LICENCE_TYPE, "01")


def test_the_second_application_reuses_four_and_uploads_one(
    hub: RunningHub, engine: Engine, chromium: Browser, files: list[Path], done: dict[str, str]
) -> None:
    """Claim: another department's clerk finds three materials and the licence ticked, reuses the four at once with
    the applicant's consent, uploads the missing one; nothing is copied and the form is filled from what is on file."""
    with signed_in(chromium, hub, "once-wang") as page:
        look_up(page, hub, CODE)
        expect(page.locator(".wb-party h1")).to_have_text(PARTY)
        expect(page.locator(".lic.green")).to_have_count(1)
        case_no = done["second"] = choose(page, area.SECOND)
        expect(page.locator("input[name=pick]:checked")).to_have_count(4)
        expect(page.locator(".line.open")).to_have_count(1)
        page.select_option("#wb-consent-way", "signed")
        page.fill("#wb-consent-by", "示例甲")
        page.click("#wb-reuse")
        expect(page.locator(".line .got.good")).to_have_count(4)
        expect(page.locator("#a-address")).to_have_value("示范县示例路 1 号")
        upload(page, "示例卫生检测报告", files[5])
        receipt = accept(page).replace("\n", " ")
        assert "免提交 4 项" in receipt
        assert "本次收取 1 份" in receipt
    with engine.connect() as tx:
        assert tx.scalar(select(func.count()).select_from(Material)) == 6
        uses = tx.execute(
            select(MaterialUse.source_kind, MaterialUse.grant_id).where(MaterialUse.case_no == case_no)
        ).all()
    assert sorted(use.source_kind for use in uses) == ["licence", "material", "material", "material"]
    assert all(use.grant_id for use in uses)


def test_the_third_is_refused_the_licence_that_a_finding_froze(
    hub: RunningHub, engine: Engine, chromium: Browser, done: dict[str, str]
) -> None:
    """Claim: while the third application stands open with the licence ticked, a finding from a department's table comes over
    Kafka and freezes it; confirming the reuse is refused with a sentence that names who froze it, and so is a new look."""
    with signed_in(chromium, hub, "once-wang") as page:
        look_up(page, hub, CODE)
        done["third"] = choose(page, area.THIRD)
        expect(line(page, "示例许可证复印件").locator("input[name=pick]")).to_be_checked()
        _report_finding(hub, done["first"])
        hub.until(lambda: _frozen(engine), what="the licence to be frozen")
        page.click("#wb-reuse")
        said = page.locator("#wb-said [role=alert]")
        expect(said).to_contain_text("已冻结（暂扣）")
        expect(said).to_contain_text("市场监督管理局")
        expect(line(page, "示例许可证复印件").locator(".line-state")).to_have_text("在库但不可用")
        expect(line(page, "示例许可证复印件").locator(".refused")).to_contain_text("市场监督管理局")
        expect(page.locator(".lic.red")).to_contain_text(WHY_FROZEN)
        expect(page.locator("input[name=pick]:checked")).to_have_count(1)
        page.click("#wb-reuse")  # what is left: the material
        expect(page.locator(".line .got.good")).to_have_count(1)
        page.keyboard.press("F9")
        expect(said).to_contain_text("示例许可证复印件")
    with engine.connect() as tx:
        used = select(MaterialUse.source_kind).where(MaterialUse.case_no == done["third"])
        assert list(tx.scalars(used)) == ["material"]


def _report_finding(hub: RunningHub, case_no: str) -> None:
    """A row in the market office's own database, once its package has arrived there."""
    file = hub.data / "departments" / "scjg" / "scjg.sqlite"

    def arrived() -> bool:
        with closing(sqlite3.connect(file, timeout=60)) as db:
            return bool(db.execute("SELECT 1 FROM shenguan_inbox WHERE case_no = ?", (case_no,)).fetchone())

    hub.until(arrived, what="the package at the department")
    with closing(sqlite3.connect(file, timeout=60)) as db, db:
        db.execute(
            "INSERT INTO shenguan_findings (finding_no, project_no, inspected_at, inspectors, check_result, handling,"
            " explain) VALUES (?, ?, '2026-11-20', '示例己(990101-001)', '不符合', '移交执法', ?)",
            (FINDING_NO, case_no, WHY_FROZEN),
        )


def _frozen(engine: Engine) -> bool:
    with engine.connect() as tx:
        return tx.scalar(select(Licence.status)) == FROZEN


def test_trace_records_and_statistics_say_exactly_that(
    hub: RunningHub, chromium: Browser, done: dict[str, str]
) -> None:
    """Claim: the traces of the first and second case, the use records and the statistics tell the same story in figures."""
    own = hub.settings().public_url
    with signed_in(chromium, hub, "data_admin") as page:
        page.goto(f"{own}/cases/{done['second']}")
        told = page.inner_text(".timeline")
        assert told.count("复用：") == 4, told
        assert f"复用：{area.LICENCE_NAME}" in told
        assert f"所依据的“{area.LICENCE_NAME} YC1990101000001”已被冻结" in told
        page.goto(f"{own}/cases/{done['first']}")
        told = page.inner_text(".timeline")
        assert FINDING_NO in page.inner_text("#content")
        assert "证照冻结" in told
        assert told.count(done["second"]) >= 4, told  # who relied on what this case took and gave
        page.goto(f"{own}/reuse/uses/?q={PARTY}")
        rows = page.locator("table tbody tr")
        expect(rows).to_have_count(5)
        licence = rows.filter(has_text=area.LICENCE_NAME)
        expect(licence).to_have_count(1)
        expect(licence).to_contain_text(done["second"])
        expect(licence).to_contain_text("冻结")
        page.goto(f"{own}/reuse/statistics/")
        said = re.sub(r"\s+", " ", page.inner_text("#content"))
        for figure in (
            "免提交次数 4 2 个办件受理",
            "新收份数 6 ",
            "复用率 40.0%",
            "示例从业场所卫生备案 1 4 1 0 80.0%",
            "示例食品经营许可 1 0 5 0 0.0%",
        ):
            assert figure in said, said
