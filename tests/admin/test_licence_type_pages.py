"""The pages of licence types: drafted, sampled, published, compared, copied, taken away and brought in; others read."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import threading
import zlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from admin.licensing.types.starting_layouts import starting_layout
from admin.licensing.types.type_code import code_remarks
from hub.catalogue.fields import FieldDef
from hub.licensing.issuing.issue_licence import issue
from hub.licensing.issuing.order import Order
from hub.licensing.types.layout import layout_dict, parse_layout
from hub.licensing.types.published_type import published_licence_type
from tests.admin.conftest import Hub, token_of
from tests.admin.licences import FIRM, OFFICE

Client = Callable[[str], FlaskClient]
STATE = re.compile(r'<script type="application/json" id="catalogue-state">(.*?)</script>', re.S)
RULES = {
    "name": "测试经营许可证",
    "definer_code": "11370100MB00000194",
    "definer_name": "示范县行政审批服务局",
    "issuer_mode": "approving",
    "number_rule": "CS{yyyy}{seq:6}",
    "validity_kind": "months",
    "validity_length": "60",
    "validity_field": "",
    "warn_days": "30",
    "holder_kinds": ["legal", "individual"],
}
FIELDS = [
    {"name": "place", "label": "经营场所", "type": "text", "required": True},
    {"name": "scope", "label": "经营项目", "type": "long_text", "max_length": 300},
]
#: One transparent pixel.
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
numbers = iter(range(200, 999))


def png(width: int = 8, height: int = 8, colour: bytes = b"\xc8\x10\x2e") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress((b"\0" + colour * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def layout(**more: Any) -> dict[str, Any]:
    fields = tuple(FieldDef(one["name"], one["label"], one["type"]) for one in FIELDS)  # type: ignore[arg-type]
    return {**layout_dict(starting_layout("portrait", fields)), **more}


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:400])
    return answer.get_data(as_text=True)


def added(client: FlaskClient, csrf: Callable[[str], str], name: str = "测试经营许可证") -> str:
    """A new type in the catalogue, without a design."""
    code = f"11370100MB00000194{next(numbers)}"
    form = {"csrf_token": csrf("data_admin"), "code": code, "name": name, "active": "on"}
    form |= {"sharing": "conditional", "sharing_conditions": "依职责"}
    answer = client.post("/licence-types/add", data=form)
    assert answer.location.endswith(f"/licence-types/edit/{code}")
    return code


def save(client: FlaskClient, code: str, **more: Any) -> Any:
    """Save a design through the editor's form."""
    page = body(client, f"/licence-types/edit/{code}")
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    parts = {
        "fields": json.dumps(more.pop("fields", FIELDS)),
        "layout": json.dumps(more.pop("layout", layout())),
    }
    form = {"csrf_token": token_of(page), "seen": seen[1], "act": "save", **RULES, **parts, **more}
    return client.post(f"/licence-types/edit/{code}", data=form)


def publish(client: FlaskClient, code: str) -> Any:
    page = body(client, f"/licence-types/publish/{code}")
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    form = {"csrf_token": token_of(page), "seen": seen[1] if seen else ""}
    return client.post(f"/licence-types/publish/{code}", data=form, follow_redirects=True).get_data(
        as_text=True
    )


def issued_by(hub: Hub, code: str) -> tuple[int, str]:
    """Issue one licence of a type: by which version, and its number."""
    config = hub.app.extensions["shenguan"].config
    order = Order(
        type_code=code,
        holders=(FIRM,),
        values={"place": "人民路 1 号"},
        department=OFFICE,
        issued_on=date(2026, 11, 22),
    )
    made = issue(hub.engine, order, hub.desk, config.press, config.tokens, actor="user:data_admin")
    with hub.engine.connect() as tx:
        version = tx.scalar(text("SELECT type_version FROM licences WHERE id = :i"), {"i": made.licence_id})
    return version, made.number


def sample(client: FlaskClient, code: str, csrf: Callable[[str], str], **said: Any) -> Any:
    design = {
        "rules": {**RULES, "validity_length": 60},
        "fields": FIELDS,
        "layout": layout(),
        "draw": True,
        **said,
    }
    return client.post(
        f"/licence-designs/sample/{code}", json=design, headers={"X-CSRFToken": csrf("data_admin")}
    )


def test_a_type_from_nothing_to_withdrawal(hub: Hub, as_user: Client, csrf: Callable[[str], str]) -> None:
    """Add, design, review, publish, change, compare, withdraw; what is published counts at once, without a restart."""
    client = as_user("data_admin")
    code = added(client, csrf)
    assert "未设计" in body(client, f"/licence-types/?q={code}")
    assert save(client, code, act="publish").location.endswith(f"/licence-types/publish/{code}")
    assert "草稿" in body(client, f"/licence-types/?q={code}")
    review = body(client, f"/licence-types/publish/{code}")
    assert "第一次发布" in review
    assert "data:image/png;base64," in review
    assert "已发布第 1 版" in publish(client, code)
    with hub.engine.connect() as tx:
        found = published_licence_type(tx, code)
    assert (found.number, found.rules.number_rule, found.fields[1].label) == (
        1,
        "CS{yyyy}{seq:6}",
        "经营项目",
    )

    assert issued_by(hub, code) == (1, "CS2026000001")

    save(client, code, number_rule="CS{yyyy}{mm}{seq:5}", layout=layout(paper="#FFFDF5"))
    assert issued_by(hub, code) == (1, "CS2026000002")
    review = body(client, f"/licence-types/publish/{code}")
    assert "将改变 2 处" in review
    assert "有一份草稿（第 2 版" in body(client, f"/licence-types/show/{code}")
    assert "已发布第 2 版" in publish(client, code)
    with hub.engine.connect() as tx:
        assert published_licence_type(tx, code).number == 2
    assert issued_by(hub, code) == (2, "CS20261100001")
    history = body(client, f"/licence-types/history/{code}?before=1&after=2")
    assert "CS{yyyy}{mm}{seq:5}" in history
    assert "#FFFDF5" in history
    form = {"csrf_token": csrf("data_admin"), "reason": "法规废止"}
    client.post(f"/licence-types/withdraw/{code}", data=form)
    assert "已撤下 v2" in body(client, f"/licence-types/show/{code}")
    assert "法规废止" in body(client, f"/licence-types/history/{code}")
    with hub.engine.connect() as tx:
        actions = {
            row.action
            for row in tx.execute(
                text("SELECT action FROM ledger WHERE subject = :s"), {"s": f"licence_type:{code}"}
            )
        }
    assert {"licence_type.drafted", "licence_type.published", "licence_type.withdrawn"} <= actions


def test_the_image_of_a_face_is_drawn_for_readers(as_user: Client, csrf: Callable[[str], str]) -> None:
    """Who may read licence types sees the face of a version as a picture; a version that is not there is not found."""
    client = as_user("data_admin")
    code = added(client, csrf)
    save(client, code)
    shown = as_user("clerk").get(f"/licence-designs/face/{code}/1.png")
    assert (shown.status_code, shown.mimetype) == (200, "image/png")
    assert shown.data.startswith(b"\x89PNG")
    assert as_user("clerk").get(f"/licence-designs/face/{code}/9.png").status_code == 404


def test_a_sample_names_its_faults_by_element(as_user: Client, csrf: Callable[[str], str]) -> None:
    """What does not fit is said at its element; everything else is drawn all the same."""
    client = as_user("data_admin")
    code = added(client, csrf)
    good = sample(client, code, csrf).get_json()
    assert (good["faults"], good["wrong"]) == ([], [])
    assert good["picture"].startswith("data:image/png;base64,")
    assert good["example"].startswith("CS")
    tight = layout()
    box = next(one for one in tight["elements"] if one.get("source") == "scope")
    box |= {"h": 5.0, "w": 20.0, "overflow": "refuse"}
    said = sample(client, code, csrf, layout=tight, preset="long").get_json()
    assert [one[0] for one in said["faults"]] == [box["id"]]
    assert "放不下" in said["faults"][0][1]
    assert said["picture"]


def test_a_sample_of_what_is_half_typed(as_user: Client, csrf: Callable[[str], str]) -> None:
    """A field without a name, an element without a source, a bad rule: each is told, and the rest is drawn."""
    client = as_user("data_admin")
    code = added(client, csrf)
    half = layout()
    half["elements"].append({"id": "new", "kind": "field", "x": 1, "y": 1, "w": 10, "h": 5, "source": ""})
    said = sample(
        client, code, csrf, layout=half, fields=[*FIELDS, {"type": "text"}],
        rules={**RULES, "number_rule": "{oops}", "validity_length": ""},
    ).get_json()  # fmt: skip
    assert [one[0] for one in said["faults"]] == ["new"]
    assert {one[2] for one in said["wrong"]} >= {"name", "label", "number_rule", "validity_length"}
    assert said["picture"]


def test_words_of_ones_own_in_a_sample(as_user: Client, csrf: Callable[[str], str]) -> None:
    """A long name, rare characters and a character that no font has: the sample shows the first two and names the last."""
    client = as_user("data_admin")
    code = added(client, csrf)
    said = sample(client, code, csrf, words={"$holder": "𬱖䶮㛃餐饮店", "place": "某地"}).get_json()
    assert said["faults"] == []
    assert "𬱖䶮㛃餐饮店" in said["texts"].values()
    bad = sample(client, code, csrf, words={"$holder": "\U0001f600店"}).get_json()
    assert "U+1F600" in bad["faults"][0][1]
    many = sample(client, code, csrf, words={"scope": "国" * 20_000}).get_json()
    assert any("至多 300 字" in one[3] for one in many["wrong"])


def test_the_sample_as_a_pdf(as_user: Client, csrf: Callable[[str], str]) -> None:
    """The PDF opens in the browser; where the press refuses, a sentence comes instead."""
    client = as_user("data_admin")
    code = added(client, csrf)
    design = {"rules": RULES, "fields": FIELDS, "layout": layout()}
    form = {"csrf_token": csrf("data_admin"), "design": json.dumps(design)}
    answer = client.post(f"/licence-designs/sample-pdf/{code}", data=form)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    form["design"] = json.dumps({**design, "words": {"$holder": "\U0001f600"}})
    refused = client.post(f"/licence-designs/sample-pdf/{code}", data=form)
    assert refused.status_code == 422
    assert "U+1F600" in refused.get_data(as_text=True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"layout": 7, "fields": "x", "rules": []}',
        b"\xff\xfe",
        b"{" * 5000,
        b'{"layout": {"elements": [1, null, {}]}}',
        b'{"layout": {"elements": "x", "width": 1e400}}',
        b'{"layout": {"elements": {"a": 1}}, "words": 3, "preset": {}}',
    ],
)
def test_a_broken_request_is_answered_in_words(
    raw: bytes, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Whatever is sent, the answer is JSON with a sentence or with faults, never an error page."""
    client = as_user("data_admin")
    code = added(client, csrf)
    headers = {
        "X-CSRFToken": csrf("data_admin"),
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    answer = client.post(f"/licence-designs/sample/{code}", data=raw, headers=headers)
    assert answer.status_code in (200, 422)
    said = answer.get_json()
    assert said.get("message") or said["wrong"] or said["faults"]


def test_a_wrong_save_keeps_what_was_typed(as_user: Client, csrf: Callable[[str], str]) -> None:
    """A refused save comes back with everything as it was typed, and the faults placed."""
    client = as_user("data_admin")
    code = added(client, csrf)
    off = layout()
    off["elements"][3] |= {"x": 200}
    page = save(client, code, layout=off, number_rule="{seq:99}", name="改了<b>名").get_data(as_text=True)
    assert "处需要改正" in page
    assert "改了&lt;b&gt;名" in page
    assert "流水号要写明位数" in page
    found = STATE.search(page)
    assert found
    told = json.loads(found[1])
    assert told["faults"][0][:2] == ["layout", 3]
    assert told["layout"]["elements"][3]["x"] == 200


def test_two_who_edit_at_once(as_user: Client, csrf: Callable[[str], str]) -> None:
    """The second save onto what the first has changed is refused, and so is publishing what one has not seen."""
    client = as_user("data_admin")
    code = added(client, csrf)
    save(client, code)
    old = re.search(r'name="seen" value="([^"]+)"', body(client, f"/licence-types/edit/{code}"))
    review = re.search(r'name="seen" value="([^"]+)"', body(client, f"/licence-types/publish/{code}"))
    assert old is not None
    assert review is not None
    save(client, code, number_rule="XX{yyyy}{seq:6}")
    page = save(client, code, seen=old[1], number_rule="YY{yyyy}{seq:6}").get_data(as_text=True)
    assert "刚被别人改过" in page
    assert "YY{yyyy}{seq:6}" in page
    form = {"csrf_token": csrf("data_admin"), "seen": review[1]}
    answer = client.post(f"/licence-types/publish/{code}", data=form, follow_redirects=True)
    assert "刚被别人改过" in answer.get_data(as_text=True)


def test_publishing_is_refused_while_the_press_has_faults(
    hub: Hub, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """A layout whose sample overflows cannot be published, by the button or by a request made by hand."""
    client = as_user("data_admin")
    code = added(client, csrf)
    tight = layout()
    next(one for one in tight["elements"] if one.get("source") == "$issuer").update(
        h=5.0, w=6.0, overflow="refuse"
    )
    save(client, code, layout=tight)
    page = body(client, f"/licence-types/publish/{code}")
    assert "样张还不能印出来" in page
    assert 'name="seen"' not in page
    seen = re.search(r'name="seen" value="([^"]+)"', body(client, f"/licence-types/edit/{code}"))
    assert seen
    form = {"csrf_token": csrf("data_admin"), "seen": seen[1]}
    answer = client.post(f"/licence-types/publish/{code}", data=form, follow_redirects=True)
    assert "样张还有问题，不能发布" in answer.get_data(as_text=True)
    with hub.engine.connect() as tx:
        assert (
            tx.scalar(text("SELECT published_version FROM licence_types WHERE code = :c"), {"c": code})
            is None
        )


def test_warnings_before_publishing(as_user: Client, csrf: Callable[[str], str]) -> None:
    """A face without QR code and seal may be published, but it is said."""
    client = as_user("data_admin")
    code = added(client, csrf)
    bare = layout()
    bare["elements"] = [one for one in bare["elements"] if one["kind"] not in ("qr", "seal")]
    save(client, code, layout=bare)
    page = body(client, f"/licence-types/publish/{code}")
    assert "照面上没有二维码" in page
    assert "照面上没有印章" in page
    assert "内容很长时" not in page
    assert "已发布第 1 版" in publish(client, code)


def test_long_content_is_tried_before_publishing(as_user: Client, csrf: Callable[[str], str]) -> None:
    """A box that holds the usual words but not the longest the field allows is told before publishing, not after."""
    client = as_user("data_admin")
    code = added(client, csrf)
    tight = layout()
    next(one for one in tight["elements"] if one.get("source") == "scope").update(overflow="refuse")
    save(client, code, layout=tight)
    page = body(client, f"/licence-types/publish/{code}")
    assert "内容很长时：“经营项目”放不下" in page
    assert "发布第 1 版" in page


# ---- pictures


def send_image(
    client: FlaskClient, code: str, csrf: Callable[[str], str], content: bytes, name: str = "底纹.png"
) -> Any:
    # As bytes: werkzeug's client leaves the temporary file of a large form open.
    edge, sent = encode_multipart({"file": FileStorage(io.BytesIO(content), name, "file")})
    headers = {"X-CSRFToken": csrf("data_admin"), "Accept": "application/json"}
    form = f"multipart/form-data; boundary={edge}"
    return client.post(f"/licence-designs/images/{code}", data=sent, content_type=form, headers=headers)


def test_a_picture_is_kept_sealed_and_shown_to_readers(
    hub: Hub, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Uploaded twice it is one picture; readers see it; in the store there is nothing readable of it."""
    client = as_user("data_admin")
    code = added(client, csrf)
    content = png(20, 10)
    image = send_image(client, code, csrf, content).get_json()["image"]
    assert (image["width"], image["height"], image["name"]) == (20, 10, "底纹.png")
    assert send_image(client, code, csrf, content).get_json()["image"]["sha256"] == image["sha256"]
    shown = as_user("clerk").get(image["url"])
    assert (shown.data, shown.mimetype) == (content, "image/png")
    assert hub.app.test_client().get(image["url"]).status_code == 302
    placed = layout(background=image["sha256"])
    assert sample(client, code, csrf, layout=placed).get_json()["faults"] == []
    assert save(client, code, layout=placed).status_code == 302
    with hub.engine.connect() as tx:
        count = tx.scalar(text("SELECT count(*) FROM licence_images WHERE type_code = :c"), {"c": code})
    assert count == 1


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (GIF, "a.gif", "PNG 和 JPEG"),
        (b"%PDF-1.7 not a picture", "a.png", ""),
        (png()[:40], "a.png", ""),
        (b"", "a.png", ""),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * (6 << 20), "a.png", "5 MB"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(
    content: bytes, name: str, sentence: str, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Another kind, a wrong ending, a cut file, nothing, too much: a sentence, and nothing is kept."""
    client = as_user("data_admin")
    answer = send_image(client, added(client, csrf), csrf, content, name)
    assert answer.status_code == 422
    assert sentence in answer.get_json()["message"]


def test_a_layout_with_anothers_picture_is_refused(as_user: Client, csrf: Callable[[str], str]) -> None:
    """A layout names pictures of its own type only."""
    client = as_user("data_admin")
    image = send_image(client, added(client, csrf), csrf, png(9, 9)).get_json()["image"]
    page = save(client, added(client, csrf), layout=layout(background=image["sha256"])).get_data(as_text=True)
    assert "不在本类型的图片中" in page


# ---- moving designs


def test_a_design_is_copied_from_another_type(hub: Hub, as_user: Client, csrf: Callable[[str], str]) -> None:
    """Fields, rules, layout and pictures come along; the name and the definer stay."""
    client = as_user("data_admin")
    source, target = added(client, csrf, "来源许可证"), added(client, csrf, "目标许可证")
    image = send_image(client, source, csrf, png(7, 7)).get_json()["image"]
    save(client, source, layout=layout(background=image["sha256"]), name="来源许可证")
    assert source in body(client, f"/licence-exchange/copy/{target}")
    form = {"csrf_token": csrf("data_admin"), "source": source}
    page = client.post(f"/licence-exchange/copy/{target}", data=form, follow_redirects=True).get_data(
        as_text=True
    )
    assert "已复制到草稿" in page
    found = STATE.search(page)
    assert found
    state = json.loads(found[1])
    assert state["layout"]["background"] == image["sha256"]
    assert [one["name"] for one in state["fields"]] == ["place", "scope"]
    assert 'value="目标许可证"' in page


def test_a_design_moves_as_a_file(hub: Hub, as_user: Client, csrf: Callable[[str], str]) -> None:
    """Taken from one hub and brought into one that has never heard of the type: the same design, in a draft."""
    client = as_user("data_admin")
    code = added(client, csrf)
    image = send_image(client, code, csrf, png(6, 6)).get_json()["image"]
    save(client, code, layout=layout(background=image["sha256"]))
    taken = client.get(f"/licence-exchange/take/{code}/1.json")
    said = json.loads(taken.data)
    assert base64.b64decode(said["images"][0]["data"]) == png(6, 6)
    said["code"] = new = f"11370100MB00000194{next(numbers)}"
    assert "目录里还没有这种证照" in (page := bring(client, csrf, json.dumps(said).encode()))
    assert "已导入到草稿" in confirm(client, csrf, page)
    with hub.engine.connect() as tx:
        row = tx.execute(
            text("SELECT rules, fields, layout, state FROM licence_type_versions WHERE type_code = :c"),
            {"c": new},
        ).one()
        old = tx.execute(
            text("SELECT rules, fields, layout FROM licence_type_versions WHERE type_code = :c"), {"c": code}
        ).one()
    assert row.state == "draft"
    assert (row.rules, row.fields, row.layout) == tuple(old)
    said["rules"]["number_rule"] = "ZZ{yyyy}{seq:4}"
    page = bring(client, csrf, json.dumps(said).encode())
    assert "将改变 1 处" in page
    assert "导入会覆盖" in page


def bring(client: FlaskClient, csrf: Callable[[str], str], raw: bytes) -> str:
    data = {"csrf_token": csrf("data_admin"), "design": (io.BytesIO(raw), "design.json")}
    answer = client.post("/licence-exchange/bring", data=data)
    return client.get(answer.location).get_data(as_text=True) + f"\n{answer.location}"


def confirm(client: FlaskClient, csrf: Callable[[str], str], page: str) -> str:
    stamp = re.search(r'name="stamp" value="([^"]+)"', page)
    assert stamp
    form = {"csrf_token": csrf("data_admin"), "stamp": stamp[1]}
    return client.post(page.rsplit("\n", 1)[1], data=form, follow_redirects=True).get_data(as_text=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda said: said.update(format="other"), "不是证照类型的设计文件"),
        (lambda said: said["images"][0].update(data=base64.b64encode(png(5, 5)).decode()), "内容被改过"),
        (lambda said: said.update(images=[]), "少 1 张图片"),
        (lambda said: said["layout"]["elements"][0].update(kind="script"), "种类"),
        (lambda said: said.update(fields=[{"name": "1"}]), "字段代号"),
        (lambda said: said.update(code=""), "没有证照类型的代码"),
    ],
)
def test_a_wrong_design_file_is_refused_in_words(
    change: Callable[[Any], Any], sentence: str, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Another format, a changed picture, a missing one, a layout or fields that do not parse: each gets its sentence."""
    client = as_user("data_admin")
    code = added(client, csrf)
    image = send_image(client, code, csrf, png(4, 4)).get_json()["image"]
    save(client, code, layout=layout(background=image["sha256"]))
    said = json.loads(client.get(f"/licence-exchange/take/{code}/1.json").data)
    change(said)
    assert sentence in bring(client, csrf, json.dumps(said).encode())
    assert "不是有效的设计文件" in bring(client, csrf, b"not json")


# ---- rights, start, codes


def test_others_read_and_only_the_data_administrator_designs(
    as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Clerks and approvers see a type and its design; nobody else saves, samples, uploads, copies or publishes."""
    client = as_user("data_admin")
    code = added(client, csrf)
    save(client, code)
    writing = (f"/licence-types/publish/{code}", f"/licence-types/sharing/{code}", f"/licence-exchange/copy/{code}",
               "/licence-exchange/bring", f"/licence-exchange/take/{code}/1.json", "/licence-types/add")  # fmt: skip
    designs = [f"/licence-designs/{act}/{code}" for act in ("sample", "images", "start", "sample-pdf")]
    posting = (*designs, f"/licence-types/withdraw/{code}", f"/licence-types/discard/{code}")
    for role in ("clerk", "approver", "supervisor", "overseer"):
        other = as_user(role)
        reads = 200 if role in ("clerk", "approver") else 403
        for path in (
            f"/licence-types/show/{code}",
            f"/licence-types/edit/{code}",
            f"/licence-types/history/{code}",
        ):
            assert other.get(path).status_code == reads
        assert {other.get(path).status_code for path in writing} == {403}
        form = {"csrf_token": csrf(role), "reason": "试一试"}
        assert {other.post(path, data=form).status_code for path in posting} == {403}
    page = body(as_user("clerk"), f"/licence-types/edit/{code}")
    assert 'data-designer="read"' in page
    assert "保存草稿" not in page


@pytest.mark.parametrize("kind", ["portrait", "landscape", "card", "nobody-knows"])
@pytest.mark.parametrize("count", [0, 3, 40])
def test_every_starting_layout_parses(kind: str, count: int) -> None:
    """With no fields, some or very many, what one begins from is a layout without a fault."""
    fields = tuple(FieldDef(f"f{n}", f"字段{n}", "long_text" if n % 5 == 2 else "text") for n in range(count))
    found = starting_layout(kind, fields)
    assert parse_layout(layout_dict(found), fields) == found
    assert {"qr", "seal"} <= {one.kind for one in found.elements}


@pytest.mark.parametrize("kind", ["portrait", "landscape", "card"])
def test_every_starting_layout_prints(kind: str, as_user: Client, csrf: Callable[[str], str]) -> None:
    """A starting layout's sample has no fault, with usual words and with rare characters."""
    client = as_user("data_admin")
    code = added(client, csrf)
    headers = {"X-CSRFToken": csrf("data_admin")}
    design = {"rules": RULES, "fields": FIELDS, "start": kind}
    start = client.post(f"/licence-designs/start/{code}", json=design, headers=headers).get_json()["layout"]
    for preset in ("", "rare"):
        assert sample(client, code, csrf, layout=start, preset=preset, draw=False).get_json()["faults"] == []


def test_remarks_on_codes() -> None:
    """21 characters with the definer's USCC can be issued; others are told what they cannot."""
    assert code_remarks("") == []
    tones = [tone for _words, tone in code_remarks("11370100MB00000194001")]
    assert tones == ["good"]
    assert [tone for _words, tone in code_remarks("11370100MB00000195ABC")] == ["good", "warn", "warn"]
    assert code_remarks("ZZ-1")[0][1] == "warn"


def test_two_uploads_of_one_picture_at_once(hub: Hub, csrf: Callable[[str], str], as_user: Client) -> None:
    """The same bytes sent twice at the same moment are one picture, and both senders are told of it."""
    from tests.admin.conftest import sign_in

    code = added(as_user("data_admin"), csrf)
    answers: list[int] = []
    clients = [sign_in(hub.app, "data_admin") for _ in range(2)]
    ready = threading.Barrier(2)

    def upload(client: FlaskClient) -> None:
        token = token_of(body(client, "/licence-types/add"))
        ready.wait()
        data = {"file": (io.BytesIO(png(30, 30)), "同一张.png")}
        headers = {"X-CSRFToken": token, "Accept": "application/json"}
        answers.append(client.post(f"/licence-designs/images/{code}", data=data, headers=headers).status_code)

    threads = [threading.Thread(target=upload, args=(one,)) for one in clients]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [200, 200]
    with hub.engine.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM licence_images WHERE type_code = :c"), {"c": code}) == 1
