"""Public verification: anybody learns whether a licence is genuine and how it stands, and nothing else."""

from __future__ import annotations

import hashlib
import io
import re
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine, event, insert, text
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from admin import create_app
from hub.licensing.checking.make_status_lists import refresh_status_lists
from hub.licensing.issuing.document import LicenceCopy
from hub.licensing.issuing.issue_licence import issue
from hub.licensing.issuing.masked_face import masked_face
from hub.licensing.issuing.order import Order
from hub.workday import LOCAL
from storage.files import StoredFile
from storage.licences.inspect import look
from storage.licences.sm2 import make_demo_sm2, verify_sm2
from storage.licences.status_list import place_of, read_status_list
from storage.licences.tokens import LicenceTokens
from storage.licences.trust_bundle import list_keys
from tests.admin import licences
from tests.admin.conftest import Hub
from tests.hub.builders import decided
from tests.storage.signers import change_after

TOKENS = LicenceTokens(b"t" * 32)
OTHER_TYPE = "11370100MB00000194016"
KEPT = "SELECT o.object_name, o.sha256, o.size, o.wrapped_key FROM stored_objects o"
DOCUMENT = (
    f"{KEPT} JOIN licence_documents d ON d.sha256 = o.sha256 WHERE d.licence_id = :id AND d.format = 'pdf'"
)


@dataclass(frozen=True)
class Issued:
    """A licence of a natural person that was issued here, and its PDF."""

    id: uuid.UUID
    pdf: bytes


@pytest.fixture(scope="module")
def issued(hub: Hub, licence: uuid.UUID) -> Issued:
    licences.prepare(hub)
    made = licences.issued(hub, licences.PERSON)
    with hub.engine.connect() as tx:
        row = tx.execute(text(DOCUMENT), {"id": made}).one()
    with hub.app.extensions["shenguan"].config.files.open(row) as opened:
        return Issued(made, b"".join(opened))


@pytest.fixture(scope="module")
def licence(hub: Hub) -> uuid.UUID:
    """A licence of a natural person."""
    decided(hub.engine, hub.desk)
    premises = hub.app.extensions["shenguan"]
    premises.config = replace(premises.config, tokens=TOKENS)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE licences SET valid_to = '2099-12-31'"))
        found: uuid.UUID = tx.scalar(text("SELECT id FROM licences"))
    return found


@pytest.fixture
def client(hub: Hub, licence: uuid.UUID) -> FlaskClient:
    return hub.app.test_client()


@pytest.fixture
def changed(hub: Hub, licence: uuid.UUID) -> Iterator[Any]:
    """Sets columns of the licence, past the trigger, and puts them back."""

    def change(**columns: Any) -> None:
        with hub.engine.begin() as tx:
            tx.execute(text("ALTER TABLE licences DISABLE TRIGGER USER"))
            said = ", ".join(f"{name} = :{name}" for name in columns)
            tx.execute(text(f"UPDATE licences SET {said} WHERE id = :id"), {**columns, "id": licence})
            tx.execute(text("ALTER TABLE licences ENABLE TRIGGER USER"))

    yield change
    change(status="01", valid_from=date(2026, 9, 18), valid_to=date(2099, 12, 31), status_note=None)


def page(client: FlaskClient, licence: uuid.UUID, query: str = "") -> str:
    answer = client.get(f"/v/{TOKENS.make(licence)}{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_valid_licence(client: FlaskClient, licence: uuid.UUID) -> None:
    """Name, number, masked holder, issuer, validity and status; the person's name and number are not there."""
    said = page(client, licence)
    for words in (
        "真实有效",
        "Genuine and valid",
        "食品经营许可证",
        "JY19901010000001",
        "示范县行政审批服务局",
        "2099-12-31",
        "测***",
    ):
        assert words in said, words
    assert "测试1食品店" not in said
    assert "990101199001010019" not in said
    assert 'class="verdict good"' in said


def test_nobody_is_followed(client: FlaskClient, licence: uuid.UUID, hub: Hub) -> None:
    """No cookie, no cache, no referrer, not indexed; the ledger does not grow."""
    with hub.engine.connect() as tx:
        before = tx.scalar(text("SELECT count(*) FROM ledger"))
    answer = client.get(f"/v/{TOKENS.make(licence)}")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    with hub.engine.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM ledger")) == before


@pytest.mark.parametrize(
    ("status", "words", "english"),
    [
        ("02", "真实，但已暂扣", "Genuine, but suspended"),
        ("03", "真实，但已被撤销", "Genuine, but withdrawn"),
        ("04", "真实，但已注销", "Genuine, but cancelled"),
        ("05", "真实，但已到期失效", "Genuine, but expired"),
        ("06", "真实，但已办理转出", "Genuine, but transferred"),
        ("07", "真实，但已被吊销", "Genuine, but revoked"),
        ("99", "真实，但已停止使用", "Genuine, but no longer in use"),
    ],
)
def test_every_status_is_said(
    client: FlaskClient, licence: uuid.UUID, changed: Any, status: str, words: str, english: str
) -> None:
    """In words, in both languages, with the day since when; never in the colour of the good."""
    changed(status=status, status_note="其他原因")
    said = page(client, licence)
    assert words in said
    assert re.search(r"自 \d{4}-\d\d-\d\d 起", said)
    assert "verdict good" not in said
    assert "其他原因" not in said
    assert english in page(client, licence, "?_l_=en")


def test_expired_before_the_scheduler_ran(client: FlaskClient, licence: uuid.UUID, changed: Any) -> None:
    """The day after the last day counts, whatever the status still says."""
    changed(valid_to=date(2026, 9, 30))
    said = page(client, licence)
    assert "真实，但已到期失效" in said
    assert "自 2026-10-01 起" in said


@pytest.mark.parametrize(
    "token", ["0" * 45, "x", "%20", "A" * 3000, "证照", "..%2F..", "'; DROP TABLE licences; --"]
)
def test_an_unknown_token(client: FlaskClient, licence: uuid.UUID, token: str) -> None:
    """404, one page for all, no reason."""
    answer = client.get(f"/v/{token}")
    assert answer.status_code == 404
    if "%2F" not in token:
        assert "无法识别" in answer.get_data(as_text=True)


def test_tokens_of_nothing_and_of_nobody_look_alike(client: FlaskClient, licence: uuid.UUID) -> None:
    """A well-made token of a licence that is not there gives the very page of a token that is none."""
    pages = {
        client.get(f"/v/{token}").get_data(as_text=True).replace(token, "")
        for token in (TOKENS.make(uuid.UUID(int=7)), "Z" * 45)
    }
    assert len({re.sub(r"\d\d:\d\d", "", said) for said in pages}) == 1


def test_one_statement(client: FlaskClient, licence: uuid.UUID, hub: Hub) -> None:
    """A page asks the database once, known or not."""
    engine: Engine = hub.app.extensions["shenguan"].engine
    asked: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        client.get(f"/v/{TOKENS.make(licence)}")
        client.get("/v/nothing")
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(asked) == 2


def test_a_typed_token_leads_to_its_page(client: FlaskClient, licence: uuid.UUID) -> None:
    """Typed in groups, or as the whole address."""
    token = TOKENS.make(licence)
    for typed in (f" {token[:20]} {token[20:]} ", f"http://hub.invalid/v/{token}?_l_=en"):
        answer = client.get("/verify", query_string={"token": typed})
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(f"/v/{token}")


def brought(client: FlaskClient, data: bytes, query: str = "", name: str = "证照.pdf") -> Any:
    # Not as a dictionary: the test client would leave a temporary file of a large one behind.
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(data), name, "file")})
    kind = f'multipart/form-data; boundary="{boundary}"'
    answer = client.post(f"/verify{query}", data=body, content_type=kind)
    answer.said = answer.get_data(as_text=True)
    return answer


def test_its_qr_code_leads_to_its_page(client: FlaskClient, issued: Issued) -> None:
    """Read from the drawn page by a foreign reader, the code on the paper opens the page of this licence."""
    drawn = pypdfium2.PdfDocument(issued.pdf)[0].render(scale=2).to_pil()
    (code,) = zxingcpp.read_barcodes(drawn, formats=zxingcpp.BarcodeFormat.QRCode)
    assert code.text.startswith("http://hub.invalid/v/")
    said = client.get(code.text.removeprefix("http://hub.invalid"))
    assert said.status_code == 200
    assert "真实有效" in said.get_data(as_text=True)


def test_the_masked_face(client: FlaskClient, issued: Issued, hub: Hub, licence: uuid.UUID) -> None:
    """The page shows the face as a picture, with its own QR code; a licence that was only registered has none."""
    said = page(client, issued.id)
    assert f'src="/v/{TOKENS.make(issued.id)}/face.png"' in said
    answer = client.get(f"/v/{TOKENS.make(issued.id)}/face.png")
    assert answer.status_code == 200
    picture = Image.open(io.BytesIO(answer.data))
    assert picture.width == 1000
    (code,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    assert code.text.endswith(TOKENS.make(issued.id))
    assert "face.png" not in page(client, licence)
    assert client.get(f"/v/{TOKENS.make(licence)}/face.png").status_code == 404
    assert client.get("/v/nothing/face.png").status_code == 404


def test_nothing_personal_is_on_the_face(hub: Hub, issued: Issued) -> None:
    """Names and numbers of persons are covered before anything is drawn."""
    with hub.engine.connect() as tx:
        face = masked_face(tx, issued.id, qr="", mark="仅供核验")
    assert face is not None
    words = " ".join(face.texts.values())
    assert "示例庚" not in words
    assert "990101199001010019" not in words
    assert "示**" in words
    assert face.mark == "仅供核验"


def test_the_original_file(client: FlaskClient, issued: Issued) -> None:
    """Known by its bytes."""
    answer = brought(client, issued.pdf)
    assert answer.status_code == 200
    assert "真实有效" in answer.said
    assert "逐字节相同" in answer.said
    assert "Set-Cookie" not in answer.headers


def test_an_altered_file(client: FlaskClient, issued: Issued) -> None:
    """One byte, or a change behind the signature: altered, with what the signature covers; never the licence's face."""
    at = issued.pdf.index(b"/MediaBox")
    for changed in (issued.pdf[: at + 1] + b"N" + issued.pdf[at + 2 :], change_after(issued.pdf)):
        said = brought(client, changed).said
        assert "内容被改动" in said
        assert "个字节" in said
        assert "face.png" not in said
    assert "bytes" in brought(client, changed, "?_l_=en").said


def test_intact_but_unknown_bytes(client: FlaskClient, issued: Issued, hub: Hub) -> None:
    """Signed by us and whole, yet none of the files we gave out: said so, with what is on record of the licence it names."""
    config = hub.app.extensions["shenguan"].config
    with hub.engine.connect() as tx:
        face = masked_face(tx, issued.id, qr="", mark="")
        identifier = tx.scalar(text("SELECT identifier FROM licences WHERE id = :id"), {"id": issued.id})
    (again,) = config.press.make(face, {"certificateIdentifier": identifier}, issuer_code="")
    kept = again.stored
    file = StoredFile(kept.object_name, kept.sha256, kept.size, again.media_type, kept.wrapped_key)
    said = brought(client, _read(config, file)).said
    assert "签名完好，但不是登记在册的文件" in said
    assert "示例餐饮服务许可证" in said
    assert "真实有效" not in said.split("</h1>")[0]
    # A copy that was made and never recorded names no licence.
    copy = config.press.copy(issued.pdf, mark="没有登记", form="pdf")
    nameless = brought(client, copy).said
    assert "没有登记发出过" in nameless
    assert "verdict bad" in nameless


def test_a_suspended_licences_file(client: FlaskClient, issued: Issued, hub: Hub) -> None:
    """An intact original of a suspended licence says so, and restoring it ends that."""
    for status, words in (("02", "真实，但已暂扣"), ("01", "真实有效")):
        with hub.engine.begin() as tx:
            tx.execute(text("ALTER TABLE licences DISABLE TRIGGER USER"))
            tx.execute(text("UPDATE licences SET status = :s WHERE id = :id"), {"s": status, "id": issued.id})
            tx.execute(text("ALTER TABLE licences ENABLE TRIGGER USER"))
        assert words in brought(client, issued.pdf).said
        assert words in page(client, issued.id)


def test_a_copy_for_a_stated_use(client: FlaskClient, issued: Issued, hub: Hub) -> None:
    """A copy is known again: what for, when, until when."""
    press = hub.app.extensions["shenguan"].config.press
    for form in ("pdf", "png"):
        copy = press.copy(issued.pdf, mark="仅供食品经营检查使用", form=form)
        with hub.engine.begin() as tx:
            tx.execute(
                insert(LicenceCopy).values(
                    id=uuid.uuid4(),
                    licence_id=issued.id,
                    format=form,
                    cause="食品经营检查",
                    made_for="department:scjg",
                    expires_at=datetime(2099, 1, 1, tzinfo=UTC),
                    sha256=hashlib.sha256(copy).digest(),
                )
            )
        said = brought(client, copy, name=f"copy.{form}").said
        assert "真实有效" in said
        assert "这是一份加注件：为“食品经营检查”而制作" in said
        assert "2099-01-01" in said


def test_files_that_are_none(client: FlaskClient, issued: Issued) -> None:
    """Each gets a sentence of its own; a copy saved anew has lost its signature."""
    pdf, out = pikepdf.open(io.BytesIO(issued.pdf)), io.BytesIO()
    del pdf.Root.AcroForm
    pdf.pages[0].Annots = pikepdf.Array()
    pdf.save(out)
    for data, words in (
        (out.getvalue(), "没有电子签名"),
        (b"hello", "文件不是 PDF"),
        (b"", "文件不是 PDF"),
        (b"%PDF-1.7\n%garbage", "结构不规范"),
    ):
        answer = brought(client, data)
        assert answer.status_code == 200
        assert words in answer.said


def test_no_file_and_a_huge_one(client: FlaskClient, issued: Issued) -> None:
    """A sentence, and nothing is kept or even read."""
    assert "没有选择文件" in client.post("/verify", data={}).get_data(as_text=True)
    huge = brought(client, b"%PDF-1.7\n" + bytes(11 << 20))
    assert huge.status_code == 413
    assert "文件太大" in huge.said


def test_limits(hub: Hub, licence: uuid.UUID) -> None:
    """Beyond the limit of an address: a plain page with 429."""
    client = hub.app.test_client()
    seen = {
        client.get("/verify", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code for _ in range(125)
    }
    assert seen == {200, 429}
    answer = client.get("/verify", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert "核验太频繁" in answer.get_data(as_text=True)
    assert client.get("/verify", environ_overrides={"REMOTE_ADDR": "192.0.2.8"}).status_code == 200


def test_status_list_is_served(client: FlaskClient, hub: Hub, issued: Issued) -> None:
    """As a JWT, cacheable for a minute, to anybody; what is still the same is not sent again."""
    assert client.get("/status-lists/0").status_code == 404
    with hub.engine.begin() as tx:
        refresh_status_lists(tx, hub.desk, now=datetime.now(UTC))
    answer = client.get("/status-lists/0")
    assert answer.mimetype == "application/statuslist+jwt"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    again = client.get("/status-lists/0", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    for path in ("/status-lists/1", "/status-lists/99999999999999", "/status-lists/x"):
        assert client.get(path).status_code == 404


def test_trust_and_list_are_enough_off_line(
    client: FlaskClient, hub: Hub, issued: Issued, tmp_path: Path
) -> None:
    """With the licence's file, the list and the trust file a stranger's machine checks it."""
    pem = client.get("/licence-trust.pem").data
    assert b"PRIVATE" not in pem
    file = tmp_path / "licence.pdf"
    file.write_bytes(issued.pdf)
    looked = look(file, pem.decode())
    assert looked.inspection.state == "intact"
    place = place_of(looked.metadata)
    assert place is not None
    token = client.get(place[1].removeprefix("http://hub.invalid")).get_data(as_text=True)
    read = read_status_list(token, list_keys(pem), at=datetime.now(UTC), address=place[1])
    assert read.value(place[0]) == 0


def test_the_other_files_of_a_licence(hub: Hub, client: FlaskClient, issued: Issued, tmp_path: Path) -> None:
    """A type that asks for them gets an OFD copy and an SM2 signature; both are known, and said not to be the proof."""
    licences.prepare(
        hub, OTHER_TYPE, {**licences.RULES, "name": "示例三件套许可证", "ofd": True, "sm2": True}
    )
    config = hub.app.extensions["shenguan"].config
    make_demo_sm2(config.inspector.folder)
    order = Order(
        type_code=OTHER_TYPE,
        holders=(licences.FIRM,),
        values=licences.VALUES,
        department=licences.OFFICE,
        issued_on=hub.desk.clock().astimezone(LOCAL).date(),
        reason="换发",
    )
    made = issue(hub.engine, order, hub.desk, config.press, config.tokens, actor="user:test")
    with hub.engine.connect() as tx:
        rows = tx.execute(
            text(
                f"{KEPT} JOIN licence_documents d ON d.sha256 = o.sha256 WHERE d.licence_id = :id "
                "ORDER BY array_position(ARRAY['pdf', 'ofd', 'sm2'], d.format)"
            ),
            {"id": made.licence_id},
        ).all()
    pdf, ofd, sm2 = (_read(config, row) for row in rows)
    assert verify_sm2(sm2, pdf).signed_at is not None
    for data, words in ((pdf, "逐字节相同"), (ofd, "OFD 副本不带签名，不作为凭证"), (sm2, "国密签名文件")):
        said = brought(client, data).said
        assert "真实有效" in said
        assert words in said
    with zipfile.ZipFile(io.BytesIO(ofd)) as package:
        assert made.identifier.encode() in package.read("OFD.xml")


def _read(config: Any, row: Any) -> bytes:
    with config.files.open(row) as opened:
        return b"".join(opened)


def test_limits_behind_a_proxy(hub: Hub) -> None:
    """Behind a trusted proxy each visitor counts alone, and nobody escapes by naming an address of their own."""
    config = replace(hub.app.extensions["shenguan"].config, trusted_proxies=1, public_limit="3 per minute")
    app = create_app(config)
    client = app.test_client()

    def seen(forwarded: str) -> int:
        return client.get("/verify", headers={"X-Forwarded-For": forwarded}).status_code

    try:
        assert [seen("192.0.2.9") for _ in range(4)] == [200, 200, 200, 429]
        assert seen("192.0.2.10") == 200
        assert seen("198.51.100.1, 192.0.2.9") == 429
    finally:
        app.extensions["shenguan"].live.stop()
        app.extensions["shenguan"].engine.dispose()


def test_on_a_phone_without_scripts(browser: Any, address: str, issued: Issued, tmp_path: Path) -> None:
    """390 pixels wide and JavaScript off: nothing to scroll sideways, a file is checked, the language changes."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    try:
        opened = context.new_page()
        file = tmp_path / "licence.pdf"
        file.write_bytes(issued.pdf)
        opened.goto(f"{address}/verify")
        opened.set_input_files("#file", str(file))
        opened.click("text=上传并核验")
        assert opened.inner_text("h1") == "真实有效"
        box = opened.locator("main").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        opened.goto(f"{address}/v/{TOKENS.make(issued.id)}")
        opened.click("text=English")
        assert opened.inner_text("h1") == "Genuine and valid"
        assert opened.locator(".face img").bounding_box()["width"] <= 390
        assert context.cookies() == []
    finally:
        context.close()


@pytest.mark.parametrize("path", ["/verify", "valid", "/v/nothing"])
def test_readable_by_everybody(browser: Any, address: str, issued: Issued, path: str) -> None:
    """Contrast, names and structure, judged by axe."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True)
    try:
        opened = context.new_page()
        opened.goto(address + (f"/v/{TOKENS.make(issued.id)}" if path == "valid" else path))
        found = Axe().run(opened)
        assert found.violations_count == 0, found.generate_report()
    finally:
        context.close()


def test_fast_enough(client: FlaskClient, issued: Issued) -> None:
    """A page takes far less than 50 ms of the server's own work, whatever else the machine does."""
    path, taken = f"/v/{TOKENS.make(issued.id)}", []
    for number in range(20):
        begun = time.thread_time()
        client.get(path, environ_overrides={"REMOTE_ADDR": f"192.0.2.{100 + number}"})
        taken.append(time.thread_time() - begun)
    assert min(taken) < 0.05
