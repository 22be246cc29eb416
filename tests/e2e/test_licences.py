"""Electronic licences, as the issue promises them: a type designed by clicking is issued, checked by its QR code, frozen
by a finding over Kafka, refused a renewal with the reason, restored - and the file holds for validators of others.

The tests of this module follow each other on one installation, in the order in which they stand.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, create_engine, insert, text

from connectors.bus import Producer
from connectors.department.events import event, finding_id, sign
from hub.department import source_of, topic_out
from hub.item import ServiceItem
from shenguan import wiring
from shenguan.demo_departments import KEY_FILE, folder_of
from shenguan.secrets_folder import SecretsFolder
from storage.signing import Signer
from tests.browser_install import PATIENCE_MS
from tests.e2e.running_hub import RunningHub

TYPE, NAME = "11370100MB00000194977", "示例饮品经营许可证"
ITEM, ITEM_NAME = "ZZ-001", "示例饮品经营许可"
HOLDER, CODE = "示例甲饮品有限公司", "91370102MA3C00011F"
PLACE = "示范县示例路 1 号"
WHY = "示例：制作间未按许可条件使用"
SECONDS = 2.0

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def engine(hub: RunningHub) -> Iterator[Engine]:
    engine = create_engine(hub.settings().database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def done() -> dict[str, Any]:
    """What the earlier tests leave for the later ones."""
    return {}


@contextmanager
def window(chromium: Browser, hub: RunningHub, user: str = "", *, phone: bool = False) -> Iterator[Page]:
    """A browser, of this user or of nobody; nothing outside is asked for and no script fails."""
    own, wrong = hub.settings().public_url, []
    size = {"width": 390, "height": 844} if phone else {"width": 1366, "height": 768}
    context = chromium.new_context(viewport=size, locale="zh-CN", accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("request", lambda r: None if r.url.startswith((own, "data:", "blob:")) else wrong.append(r.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    if user:
        page.goto(f"{own}/login/")
        page.fill("#username", user)
        page.fill("#password", SecretsFolder(hub.data).demo_passwords()[user])
        page.click("button[type=submit]")
        page.wait_for_selector(".main", state="attached")
    yield page
    context.close()
    assert wrong == []


def test_a_type_is_designed_by_clicking(hub: RunningHub, engine: Engine, chromium: Browser) -> None:
    """Claim: code, name, a field, the number rule and a layout from a template, a field dragged onto it, published - all in
    the browser; nothing is started again."""
    own = hub.settings().public_url
    with window(chromium, hub, "data_admin") as page:
        page.goto(f"{own}/licence-types/add")
        page.fill("[name=code]", TYPE)
        page.fill("[name=name]", NAME)
        page.select_option("[name=sharing]", "unconditional")
        page.click("button:has-text('下一步')")
        page.wait_for_url("**/licence-types/edit/**")
        page.click("#tab-fields")
        page.click("text=+ 添加字段")
        row = page.locator("[data-list=fields] .row").last
        row.locator("[data-box=label] input").fill("经营场所")
        page.keyboard.press("Tab")  # a name is suggested, and typed over
        page.keyboard.type("place")
        row.locator("[data-box=required] input").check()
        page.click("#tab-rules")
        page.fill("[name=number_rule]", "SL{yyyy}{seq:6}")
        page.select_option("[name=validity_kind]", "months")
        page.fill("[name=validity_length]", "60")
        page.click("#tab-layout")
        page.click("text=竖版许可证")
        expect(page.locator("[data-sample-status]")).to_have_text("样张可以签发")
        page.click("button[name=act][value=publish]")
        page.wait_for_url("**/licence-types/publish/**")
        page.click("text=发布第 1 版")
        expect(page.locator(".flash")).to_contain_text("已发布第 1 版")
    with engine.begin() as tx:
        version = tx.execute(
            text(
                "SELECT fields, layout FROM licence_type_versions WHERE state = 'published' AND type_code = :t"
            ),
            {"t": TYPE},
        ).one()
        assert [one["name"] for one in version.fields] == ["place"]
        assert any(one.get("source") == "place" for one in version.layout["elements"])
        row = {"code": ITEM, "name": ITEM_NAME, "licence_type_code": TYPE, "licence_name": NAME}
        tx.execute(insert(ServiceItem).values({**row, "legal_days": 20, "promised_days": 5}))


def test_a_decision_issues_it(
    hub: RunningHub,
    engine: Engine,
    chromium: Browser,
    done: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Claim: deciding asks for the type's field, shows the licence while one types, and issues the signed file with the
    decision, in one act; the file can be fetched for a stated use."""
    own = hub.settings().public_url
    with window(chromium, hub, "approver") as page:
        page.goto(f"{own}/decide/")
        page.select_option("[name=item]", ITEM)
        page.fill("[name=XK_XDR_MC]", HOLDER)
        page.fill("[name=XK_XDR_SHXYM]", CODE)
        page.fill("[name=XK_FRDB]", "示例甲")
        page.fill("[name=XK_WSH]", "示许〔2026〕证照1号")
        page.fill("[name=XK_NR]", "准予经营")
        if not page.input_value("[name=XK_XKJGDM]"):
            page.fill("[name=XK_XKJG]", "示范县行政审批服务局")
            page.fill("[name=XK_XKJGDM]", "11370100MB00000194")
        page.fill("[name=f_place]", PLACE)
        expect(page.locator(".lic-sheet img")).to_be_visible()
        page.click("text=登记并推送")
        page.wait_for_url("**/cases/*")
    with engine.connect() as tx:
        row = tx.execute(
            text("SELECT id, case_no, status, origin, number FROM licences WHERE type_code = :t"), {"t": TYPE}
        )
        licence = row.one()
    assert (licence.status, licence.origin) == ("01", "issued")
    assert re.fullmatch(r"SL\d{4}000001", licence.number)
    done.update(id=licence.id, case_no=licence.case_no)
    folder = tmp_path_factory.mktemp("licence")
    with window(chromium, hub, "approver") as page:
        page.goto(f"{own}/licences/{licence.id}")
        form = page.locator("form[action$='/documents/pdf']")
        page.locator("details", has=form).locator("summary").click()
        form.locator("[name=use]").fill("核对签发结果")
        with page.expect_download() as download:
            form.locator("button").click()
        done["pdf"] = folder / "licence.pdf"
        download.value.save_as(done["pdf"])


def validators(hub: RunningHub, file: Path) -> tuple[str, str]:
    """What poppler's pdfsig and pyHanko say of the file: each valid or not."""
    poppler = subprocess.run(["pdfsig", str(file)], capture_output=True, text=True, check=False)
    trusted = file.parent / "trusted"
    trusted.mkdir(exist_ok=True)
    (trusted / "ca.pem").write_bytes((hub.data / "licence-signing" / "ca.pem").read_bytes())
    hanko = subprocess.run(  # a process of its own: pyHanko runs an event loop, and so does the browser's driver here
        [sys.executable, "-m", "storage.intake.verify", str(trusted), "pdf", str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    states = [one["state"] for one in json.loads(hanko.stdout).get("signatures", [])]
    whole = "Signature is Valid" in poppler.stdout and "Total document signed" in poppler.stdout
    return "valid" if whole else "invalid", "valid" if states == ["valid"] else "invalid"


def test_validators_of_others_accept_it_and_reject_one_changed_byte(
    hub: RunningHub, chromium: Browser, done: dict[str, Any]
) -> None:
    """Claim: pdfsig and pyHanko accept the file as issued; with one byte changed both reject it, as the public page does."""
    assert validators(hub, done["pdf"]) == ("valid", "valid")
    genuine = done["pdf"].read_bytes()
    altered = done["pdf"].with_name("altered.pdf")
    for place in (len(genuine) // 7, len(genuine) // 3, len(genuine) // 2):
        changed = bytearray(genuine)
        changed[place] ^= 0x01
        altered.write_bytes(changed)
        assert validators(hub, altered) == ("invalid", "invalid"), place
    with window(chromium, hub) as page:
        for file, said in ((done["pdf"], "真实有效"), (altered, "内容被改动")):
            page.goto(f"{hub.settings().public_url}/verify")
            page.set_input_files("#file", str(file))
            page.click("text=上传并核验")
            expect(page.locator("h1")).to_have_text(said)


def test_its_qr_code_leads_to_the_check(hub: RunningHub, chromium: Browser, done: dict[str, Any]) -> None:
    """Claim: another decoder reads the QR code off the printed page; on a phone its address says genuine and valid, in
    Chinese and in English, and shows the masked face."""
    printed = done["pdf"].with_name("page")
    subprocess.run(
        ["pdftoppm", "-r", "200", "-png", "-singlefile", str(done["pdf"]), str(printed)], check=True
    )
    with Image.open(printed.with_suffix(".png")) as picture:
        (code,) = zxingcpp.read_barcodes(picture)
    assert code.text.startswith(f"{hub.settings().public_url}/v/")
    done["address"] = code.text
    with window(chromium, hub, phone=True) as page:
        page.goto(code.text)
        expect(page.locator("h1")).to_have_text("真实有效")
        expect(page.locator("main")).to_contain_text(HOLDER)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".face img").evaluate("image => image.naturalWidth") > 300
        page.goto(f"{code.text}?_l_=en")
        expect(page.locator("h1")).to_contain_text("Genuine")


def report(hub: RunningHub, case_no: str, number: str, result: str, handling: str) -> None:
    """A finding of the market office, signed and sent to its topic as its own system would."""
    key = folder_of(hub.data, "scjg") / KEY_FILE
    signer = Signer.from_pem("scjg", key.read_bytes())
    now = datetime.now(UTC)
    data = {
        "finding_no": number,
        "project_no": case_no,
        "inspected_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "check_result": result,
        "handling": handling,
        "explain": WHY if result == "3" else "复查合格",
        "inspectors": [{"name": "示例己", "certificate_no": "990101-001"}],
    }
    area = hub.settings().area
    said = event(
        source_of(area, "scjg"),
        "finding.reported.v1",
        case_no,
        data,
        event_id=finding_id("scjg", data),
        at=now,
    )
    producer = Producer(wiring.bus_of(hub.settings()))
    try:
        assert producer.publish([sign(said, signer).record(topic_out(area, "scjg"))]) == [None]
    finally:
        producer.close()


def seconds_until(page: Page, address: str, said: str) -> float:
    """How long until the page says so."""
    begun = time.monotonic()
    while time.monotonic() - begun < 120:
        page.goto(address)
        if page.inner_text("h1") == said:
            return time.monotonic() - begun
    raise AssertionError(f"the page never said {said}")


def test_a_finding_suspends_it_and_another_restores_it(
    hub: RunningHub, engine: Engine, chromium: Browser, done: dict[str, Any]
) -> None:
    """Claim: within two seconds of a finding sent over Kafka the page says suspended (the best of a few, since the machine
    may be busy); renewal is refused with who, why and since when; a clean finding restores it, as quickly."""
    own, took = hub.settings().public_url, {"frozen": 99.0, "restored": 99.0}
    with window(chromium, hub, phone=True) as phone, window(chromium, hub, "approver") as office:
        for attempt in range(1, 11):
            report(hub, done["case_no"], f"ZZ-{uuid.uuid4().hex[:12]}", "3", "3")
            took["frozen"] = min(took["frozen"], seconds_until(phone, done["address"], "真实，但已暂扣"))
            if attempt == 1:
                office.goto(f"{own}/licences/{done['id']}")
                expect(office.locator(".main")).to_contain_text("暂扣")
                expect(office.locator("a[href*='/next/renew']")).to_have_count(0)
                office.goto(f"{own}/licences/{done['id']}/next/renew")
                refused = office.inner_text(".main")
                assert "市场监督管理局" in refused, refused[:600]
                assert "暂扣" in refused
            report(hub, done["case_no"], f"ZZ-{uuid.uuid4().hex[:12]}", "1", "1")
            took["restored"] = min(took["restored"], seconds_until(phone, done["address"], "真实有效"))
            if max(took.values()) <= SECONDS:
                break
        office.goto(f"{own}/licences/{done['id']}")
        expect(office.locator("a[href*='/next/renew']")).to_have_count(1)
    assert max(took.values()) <= SECONDS, took
    with engine.connect() as tx:
        told = tx.execute(
            text(
                "SELECT count(*) FROM outbox WHERE event_type = 'licence.changed.v1' AND topic LIKE '%scjg.in'"
            )
        ).scalar_one()
        steps = tx.execute(
            text("SELECT operation FROM licence_operations WHERE licence_id = :id ORDER BY at"),
            {"id": done["id"]},
        )
        assert list(steps.scalars()) == ["issue", *(["suspend", "restore"] * attempt)]
    assert told == 2 * attempt


def test_it_is_renewed_and_the_old_one_says_so(
    hub: RunningHub, engine: Engine, chromium: Browser, done: dict[str, Any]
) -> None:
    """Claim: the restored licence is renewed from its page; the old QR code says that a newer version took its place."""
    own = hub.settings().public_url
    with window(chromium, hub, "approver") as page:
        page.goto(f"{own}/licences/{done['id']}/next/renew")
        page.fill("[name=reason]", "有效期延续")
        page.click(".main button.primary")
        page.wait_for_url(re.compile(r"/licences/[0-9a-f-]{36}$"))
        assert str(done["id"]) not in page.url
    with engine.connect() as tx:
        row = tx.execute(
            text("SELECT version, status FROM licences WHERE previous_id = :id"), {"id": done["id"]}
        ).one()
    assert row == (2, "01")
    with window(chromium, hub, phone=True) as page:
        page.goto(done["address"])
        expect(page.locator("h1")).to_have_text("真实，但已被新版替代")
