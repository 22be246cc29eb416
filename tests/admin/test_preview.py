"""Looking at a material: watermarked pages, recorded once, refused in a sentence, drawn by somebody who may die."""

from __future__ import annotations

import io
import os
import secrets
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text

from schemas import dumps
from tests.admin.conftest import Hub, Watched
from tests.admin.taking import APPLICATION, PLAN, Client, a_case, may_take
from tests.hub.supply_builders import provided_type
from tests.storage import intake_samples as samples


@pytest.fixture(scope="module")
def stored(hub: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]) -> Callable[..., str]:
    """Uploads a file through the API and gives the material's id."""
    may_take(hub)

    def store(data: bytes, name: str = "申请书.pdf", code: str = APPLICATION) -> str:
        said = Client(as_user("clerk"), csrf("clerk")).send(*a_case(hub, code), data, name)
        assert said["state"] == "stored", said
        return str(said["material_id"])

    return store


def reads(hub: Hub, material: str) -> list[Any]:
    with hub.engine.connect() as tx:
        return list(
            tx.execute(
                text(
                    "SELECT action, actor, reason FROM ledger WHERE subject = :s AND action LIKE 'file.%' ORDER BY id"
                ),
                {"s": f"material:{material}"},
            )
        )


def until(true: Callable[[], bool]) -> None:
    """Wait for it, without asking the page to evaluate anything: its policy forbids that."""
    for _ in range(1200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true")


def test_the_viewer_in_a_browser(open_as: Callable[..., Watched], stored: Callable[..., str]) -> None:
    """The use is asked for first; then the pages show, zoom and turn by keyboard, and nothing fails on the way."""
    material = stored(samples.pdf(secrets.token_hex(4), pages=5))
    page = open_as("clerk").page
    page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/')[2]}/files/{material}/preview")
    page.fill("input[name=use]", "核对申请书")
    page.click(".asked button")
    page.wait_for_selector(".pv-roll img")
    until(lambda: "第 1 页" in page.inner_text(".pv-bar output"))
    if folder := os.environ.get("SHENGUAN_PICTURES"):
        page.screenshot(path=f"{folder}/preview.png")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("PageDown")
    until(lambda: "第 2 页" in page.inner_text(".pv-bar output"))
    wide = page.locator(".pv-roll figure").first.bounding_box()["width"]
    page.keyboard.press("+")
    until(lambda: page.locator(".pv-roll figure").first.bounding_box()["width"] > wide)
    page.keyboard.press("End")
    until(lambda: "第 5 页" in page.inner_text(".pv-bar output"))


def test_an_opening_is_one_read(
    hub: Hub, as_user: Callable[[str], FlaskClient], stored: Callable[..., str]
) -> None:
    """However many pages are asked for, the ledger has one read with its use; another use is another read."""
    material = stored(samples.pdf(secrets.token_hex(4), pages=3))
    client = as_user("clerk")
    for number in (1, 2, 3, 2):
        answer = client.get(f"/files/{material}/preview/{number}.png?use=核对&width=400")
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert [tuple(row) for row in reads(hub, material)] == [("file.read", "user:clerk", "核对")]
    client.get(f"/files/{material}/preview/1.png?use=复核&width=400")
    assert len(reads(hub, material)) == 2


def test_the_watermark_is_in_the_picture(
    as_user: Callable[[str], FlaskClient], stored: Callable[..., str]
) -> None:
    """A blank page comes back grey where the watermark runs, and differently for another use."""
    material = stored(samples.image(size=(900, 1200)), "照片.png")
    client = as_user("clerk")
    pictures = []
    for use in ("核对甲", "核对乙"):
        answer = client.get(f"/files/{material}/preview/1.png?use={use}&width=900")
        pictures.append(Image.open(io.BytesIO(answer.data)).convert("L"))
    histogram = pictures[0].histogram()
    assert sum(1 for n in histogram if n) > 3
    marked = sum(histogram) - max(histogram)
    assert 0.005 < marked / sum(histogram) < 0.25
    assert pictures[0].tobytes() != pictures[1].tobytes()


def test_without_a_use_nothing_is_shown(
    hub: Hub, as_user: Callable[[str], FlaskClient], stored: Callable[..., str]
) -> None:
    """No use, no page; the refusal is on the record."""
    material = stored(samples.pdf(secrets.token_hex(4)))
    client = as_user("clerk")
    answer = client.get(f"/files/{material}/preview/1.png")
    assert answer.status_code == 422
    assert "用途" in answer.get_data(as_text=True)
    assert reads(hub, material)[0].action == "file.denied"
    assert "查看前请写明用途" in client.get(f"/files/{material}/preview").get_data(as_text=True)


def test_what_another_page_is_told(as_user: Callable[[str], FlaskClient], stored: Callable[..., str]) -> None:
    """A page that shows the pages itself asks for JSON: how many there are, and where."""
    material = stored(samples.pdf(secrets.token_hex(4), pages=2))
    said = (
        as_user("clerk")
        .get(f"/files/{material}/preview?use=核对", headers={"Accept": "application/json"})
        .get_json()
    )
    assert (said["pages"], said["why"], said["name"]) == (2, None, "申请书.pdf")
    assert as_user("clerk").get(said["page"].replace("{page}", "2")).status_code == 200


def test_office_files_are_not_drawn(
    as_user: Callable[[str], FlaskClient], stored: Callable[..., str]
) -> None:
    """An Office or OFD file says so and can be taken away."""
    client = as_user("clerk")
    for name, data in (("表.docx", samples.office()), ("表.ofd", samples.ofd())):
        material = stored(data, name)
        page = client.get(f"/files/{material}/preview?use=核对").get_data(as_text=True)
        assert "不能在浏览器里预览" in page
        assert "下载原件" in page


def test_a_document_that_breaks_its_reader(
    hub: Hub, as_user: Callable[[str], FlaskClient], stored: Callable[..., str]
) -> None:
    """A PDF that no reader can open is told in a sentence, and the web process goes on."""
    material = stored(b"%PDF-1.7\n" + secrets.token_bytes(2000).replace(b"/", b".") + b"\n%%EOF\n")
    answer = as_user("clerk").get(
        f"/files/{material}/preview?use=核对", headers={"Accept": "application/json"}
    )
    assert answer.status_code == 200
    assert "不能预览" in answer.get_json()["why"]


def test_thumbnails_are_small_and_no_opening(
    hub: Hub, as_user: Callable[[str], FlaskClient], stored: Callable[..., str]
) -> None:
    """150 pixels wide at most, and nothing in the ledger."""
    material = stored(samples.image(size=(1200, 900)), "照片.png")
    answer = as_user("clerk").get(f"/files/{material}/thumb.png")
    assert Image.open(io.BytesIO(answer.data)).width <= 150
    assert reads(hub, material) == []


def test_a_department_sees_what_is_its_business(
    hub: Hub, as_user: Callable[[str], FlaskClient], stored: Callable[..., str]
) -> None:
    """A supervisor sees nothing of a case that was not pushed to their department; the refusal is on the record."""
    material = stored(samples.pdf(secrets.token_hex(4)), code=PLAN)
    client = as_user("supervisor")
    for path in ("preview?use=检查", "preview/1.png?use=检查", "thumb.png", "preview"):
        answer = client.get(f"/files/{material}/{path}")
        assert answer.status_code == 403, path
    assert {row.action for row in reads(hub, material)} == {"file.denied"}


def test_data_without_a_file_is_shown_as_fields(hub: Hub, as_user: Callable[[str], FlaskClient]) -> None:
    """Data that a department supplied opens for a stated use, its numbers masked, one read on the record; without a use
    the page asks for it and a program is told."""
    material = str(uuid.uuid4())
    with hub.engine.begin() as tx:
        provider = tx.execute(text("SELECT code FROM departments ORDER BY code LIMIT 1")).scalar_one()
        provided_type(tx, provider, f"data-{material[:8]}")
        tx.execute(
            text("""
            INSERT INTO materials (id, party_id, type_code, type_version, department, origin, name, media_type, fields,
                supplied_ref, supplied_as_of)
              SELECT cast(:id AS uuid), (SELECT id FROM parties ORDER BY id LIMIT 1), :type, 1, :provider,
                'supplied', '企业登记信息', 'application/json', cast(:fields AS jsonb), cast(:id AS text),
                '2026-09-18T01:00:00Z'
            """),
            {
                "id": material,
                "type": f"data-{material[:8]}",
                "provider": provider,
                "fields": dumps(
                    {"address": {"text": "示范县样例路1号"}, "manager_no": {"masked": "990101********0019"}}
                ).decode(),
            },
        )
    clerk, wanted = as_user("clerk"), {"Accept": "application/json"}
    refused = clerk.get(f"/files/{material}/preview", headers=wanted)
    assert refused.status_code == 422
    assert "用途" in refused.get_json()["message"]
    for _ in range(2):
        said = clerk.get(f"/files/{material}/preview?use=核对住所", headers=wanted).get_json()
    assert said["fields"] == [["住所", "示范县样例路1号"], ["负责人公民身份号码", "990101********0019"]]
    assert "2026-09-18 09:00" in said["said"]
    assert [row.reason for row in reads(hub, material) if row.action == "file.read"] == ["核对住所"]
    assert 'name="use"' in clerk.get(f"/files/{material}/preview").get_data(as_text=True)
    assert "示范县样例路1号" in clerk.get(f"/files/{material}/preview?use=核对住所").get_data(as_text=True)
