"""What the pages show and what their buttons do, on real facts."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text

from storage.signing import Signer, generate_private_key
from storage.spreadsheet import read_rows
from tests.admin import cases
from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]
Token = Callable[[str], str]


@pytest.fixture(scope="module", autouse=True)
def facts(hub: Hub) -> None:
    """Thirty decisions, one of which was signed for, found wanting, and returned by nobody."""
    cases.load(hub, 30)
    push = cases.any_push(hub)
    cases.arrive(hub, cases.receipt(hub, push, "arrived", "signed"), cases.finding(hub, push))
    cases.arrive(hub, refused=(cases.refused(hub),))


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status, page[:600]
    return page


def one(hub: Hub, sql: str, **values: Any) -> Any:
    with hub.engine.connect() as tx:
        return tx.execute(text(sql), values).first()


def test_the_trace_tells_the_whole_life_of_a_case(hub: Hub, as_user: Client) -> None:
    """Steps, packages, receipts and the finding stand on one page, and the licence is shown as held."""
    page = body(as_user("clerk"), f"/cases/{cases.any_push(hub).case_no}")
    for words in (
        "环节：决定",
        "决定入库",
        "应推送：示范县市场监督管理局",
        "到达：示范县市场监督管理局",
        "签收：",
        "监管信息：",
    ):
        assert words in page
    assert "暂扣" in page
    assert "经营地址与许可不符" in page


def test_a_list_searches_filters_sorts_and_pages(hub: Hub, as_user: Client) -> None:
    """The list narrows by what the URL says, ignores what it does not know, and never fails on nonsense."""
    client = as_user("clerk")
    case_no = cases.any_push(hub).case_no
    assert case_no in body(client, f"/cases/?q={case_no}")
    assert "共 1 条" in body(client, f"/cases/?q={case_no}")
    assert "没有符合条件的记录" in body(client, "/cases/?q=%25nothing%25")
    assert "共 1 条" in body(client, "/cases/?standing=alert")
    body(client, "/cases/?sort=party&dir=asc&page=2&size=25")
    body(client, "/cases/?sort=;drop&dir=x&page=99999999&size=7&standing=nonsense&from=2026-99-99&to=%00")


def test_a_list_takes_few_queries(hub: Hub, as_user: Client) -> None:
    """A page of a list asks the database a dozen times at most, however many rows it shows."""
    client, asked = as_user("clerk"), []
    engine = hub.app.extensions["shenguan"].engine

    def count(*args: Any) -> None:
        asked.append(args[2])

    event.listen(engine, "before_cursor_execute", count)
    try:
        body(client, "/pushes/?size=50")
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(asked) <= 14, asked


def test_an_export_is_what_the_list_shows(hub: Hub, as_user: Client, tmp_path: Any) -> None:
    """CSV opens in Excel (UTF-8 with its mark); XLSX holds every filtered row; a formula stays a text."""
    client = as_user("clerk")
    with hub.engine.begin() as tx:
        tx.execute(
            text("UPDATE parties SET name = '=HYPERLINK(1)' WHERE id = (SELECT party_id FROM cases LIMIT 1)")
        )
    csv = client.get("/cases/export.csv").get_data()
    assert csv.startswith(b"\xef\xbb\xbf")
    assert "'=HYPERLINK(1)" in csv.decode()
    path = tmp_path / "cases.xlsx"
    path.write_bytes(client.get("/cases/export.xlsx").get_data())
    with read_rows(path) as rows:
        assert len(list(rows)) == 31


def test_a_department_joins_and_changes_its_keys(hub: Hub, as_user: Client, csrf: Token) -> None:
    """Registered with a public key, a second key added, the first revoked: each in the ledger; a private key is refused."""
    client, token = as_user("data_admin"), csrf("data_admin")
    private = generate_private_key()
    first, second = Signer.from_pem("sfj", private), Signer.from_pem("sfj", generate_private_key())
    form = {"csrf_token": token, "code": "sfj", "name": "示范县司法局", "roles": "supervising", "uscc": ""}
    page = client.post("/departments/add", data={**form, "pem": private.decode()}).get_data(as_text=True)
    assert "这是私钥" in page
    assert private.decode().splitlines()[1] not in page
    assert client.post("/departments/add", data={**form, "pem": first.public_pem}).status_code == 302
    upload = (io.BytesIO(second.public_pem.encode()), "key.pem")
    client.post("/departments/sfj/keys", data={"csrf_token": token, "pem_file": upload})
    client.post(f"/departments/sfj/keys/{first.kid}/revoke", data={"csrf_token": token, "reason": "按期轮换"})
    page = body(client, "/departments/sfj")
    assert first.kid in page
    assert second.kid in page
    assert "已吊销" in page
    with hub.engine.connect() as tx:
        actions = tx.execute(
            text("SELECT action FROM ledger WHERE actor = 'user:data_admin' ORDER BY id")
        ).scalars()
        assert [a for a in actions if a.startswith(("department", "key"))] == [
            "department.added",
            "key.added",
            "key.added",
            "key.revoked",
        ]


def test_quarantine_shows_cause_and_cure_and_is_settled_with_a_reason(
    hub: Hub, as_user: Client, csrf: Token
) -> None:
    """Bytes, cause and cure are shown; 作废 needs a reason; 重放 of a bad message is refused in words."""
    client, token = as_user("data_admin"), csrf("data_admin")
    number = one(hub, "SELECT id FROM quarantine LIMIT 1").id
    page = body(client, f"/quarantine/{number}")
    assert "消息不是 JSON" in page
    assert "CloudEvents 1.0 的 JSON" in page
    assert "\\xff not json" in page
    client.post(f"/quarantine/{number}/replay", data={"csrf_token": token, "reason": "试一次"})
    assert "不能重放" in body(client, f"/quarantine/{number}")
    client.post(f"/quarantine/{number}/dismiss", data={"csrf_token": token, "reason": ""})
    assert "请写明理由" in body(client, f"/quarantine/{number}")
    client.post(f"/quarantine/{number}/dismiss", data={"csrf_token": token, "reason": "部门已重发"})
    assert one(hub, "SELECT state FROM quarantine WHERE id = :i", i=number).state == "dismissed"
    assert (
        as_user("overseer")
        .post(f"/quarantine/{number}/dismiss", data={"csrf_token": csrf("overseer")})
        .status_code
        == 403
    )


def test_a_parked_key_is_let_go_and_a_department_is_sent_again(
    hub: Hub, as_user: Client, csrf: Token
) -> None:
    """放行 takes the key out of the parking; 补发 makes published rows unpublished; both stand in the ledger."""
    client, token, push = as_user("data_admin"), csrf("data_admin"), cases.any_push(hub)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE outbox SET published_at = now()"))
        tx.execute(
            text(
                "INSERT INTO parked_keys (topic, key, cause, attempts) VALUES ('990101.scjg.in', :k, '太大', 5)"
            ),
            {"k": push.case_no},
        )
    assert "太大" in body(client, "/outbox/")
    form = {"csrf_token": token, "topic": "990101.scjg.in", "key": push.case_no, "reason": "已调大上限"}
    client.post("/outbox/unpark", data=form)
    assert one(hub, "SELECT count(*) AS n FROM parked_keys").n == 0
    client.post("/outbox/resend", data={"csrf_token": token, "department": "scjg", "reason": "部门库丢失"})
    assert (
        one(hub, "SELECT count(*) AS n FROM outbox WHERE published_at IS NULL AND topic = '990101.scjg.in'").n
        >= 30
    )
    assert (
        one(hub, "SELECT count(*) AS n FROM ledger WHERE action IN ('outbox.resent', 'outbox.unparked')").n
        == 2
    )


def test_notices_are_read_by_their_own_audience(hub: Hub, as_user: Client, csrf: Token) -> None:
    """A clerk marks the clerks' notices; a data administrator can neither see nor mark them."""
    notice = one(hub, "SELECT id FROM notices WHERE audience = 'clerk' ORDER BY id DESC LIMIT 1").id
    assert "经营地址与许可不符" not in body(as_user("data_admin"), "/notices/")
    as_user("data_admin").post("/notices/read", data={"csrf_token": csrf("data_admin"), "id": notice})
    assert one(hub, "SELECT read_at FROM notices WHERE id = :i", i=notice).read_at is None
    answer = as_user("clerk").post(
        "/notices/read",
        data={"csrf_token": csrf("clerk"), "id": notice},
        headers={"X-Requested-With": "fetch"},
    )
    assert answer.get_json()["marked"] == 1
    assert one(hub, "SELECT read_by FROM notices WHERE id = :i", i=notice).read_by == "user:clerk"


DECISION = {
    "XK_XDR_LB": "legal",
    "XK_XDR_MC": "示范县清泉食品有限公司",
    "XK_XDR_SHXYM": "91990101MA09PBPL22",
    "XK_FRDB": "甲清泉",
    "XK_XKWS": "准予行政许可决定书",
    "XK_WSH": "示食许〔2026〕9-000001号",
    "XK_XKLB": "普通",
    "XK_XKZS": "食品经营许可证",
    "XK_XKBH": "JY19901010099999",
    "XK_NR": "准予食品经营许可：预包装食品销售",
    "XK_JDRQ": "2026-05-13",
    "XK_YXQZ": "2026-05-13",
    "XK_YXQZI": "2031-05-12",
    "accepted_on": "2026-05-11",
}


def test_a_decision_is_registered_with_its_file_and_pushed(hub: Hub, as_user: Client, csrf: Token) -> None:
    """One form makes case, steps, decision, licence, material and pushes; the file is read back only for a stated use."""
    client, token = as_user("approver"), csrf("approver")
    office = one(hub, "SELECT name, uscc FROM departments WHERE code = 'xzsp'")
    item = one(hub, "SELECT code FROM service_items WHERE licence_name = '食品经营许可证'").code
    pdf = b"%PDF-1.7\n" + b"material " * 5000 + b"\n%%EOF\n"
    form = {**DECISION, "csrf_token": token, "item": item, "XK_XKJG": office.name, "XK_XKJGDM": office.uscc}
    wrong = client.post("/decide/", data={**form, "XK_XDR_SHXYM": "91990101MA09PBPL23"}).get_data(
        as_text=True
    )
    assert "校验位不对" in wrong
    bad_file = {**form, "files": (io.BytesIO(b"MZ not a pdf"), "证明.pdf")}
    assert "不能收取" in client.post("/decide/", data=bad_file).get_data(as_text=True)
    assert one(hub, "SELECT count(*) AS n FROM cases WHERE source = 'window'").n == 0
    answer = client.post("/decide/", data={**form, "files": (io.BytesIO(pdf), "场所证明.pdf")})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    case_no = answer.location.rsplit("/", 1)[1]
    assert one(hub, "SELECT count(*) AS n FROM pushes WHERE case_no = :c", c=case_no).n >= 2
    assert one(hub, "SELECT count(*) AS n FROM outbox WHERE key = :c AND lane = 0", c=case_no).n >= 2
    page = body(client, f"/cases/{case_no}")
    assert "场所证明.pdf" in page
    assert "环节：受理" in page
    assert "已经登记过" in client.post("/decide/", data=form).get_data(as_text=True)
    material = one(hub, "SELECT id FROM materials WHERE case_no = :c", c=case_no).id
    clerk = as_user("clerk")
    denied = clerk.post(f"/files/{material}", data={"csrf_token": csrf("clerk"), "use": ""})
    assert denied.status_code == 302
    read = clerk.post(
        f"/files/{material}", data={"csrf_token": csrf("clerk"), "use": "核对场所", "way": "view"}
    )
    assert read.get_data() == pdf
    assert read.headers["Content-Disposition"].startswith("inline")
    actions = one(
        hub,
        "SELECT array_agg(action ORDER BY id) AS a FROM ledger WHERE subject = :s AND action LIKE 'file%'",
        s=f"material:{material}",
    ).a
    assert actions == ["file.denied", "file.read"]


def test_unknown_things_are_answered_calmly(hub: Hub, as_user: Client) -> None:
    """An unknown case, page or material is a sentence, not a traceback."""
    client = as_user("clerk")
    assert "没有办件编号为" in body(client, "/cases/none", 404)
    assert "没有找到" in body(client, "/no/such/page", 404)
    assert client.get(f"/api/hub/materials/{uuid.uuid4()}").get_json()["error"] == "unsigned"


def test_every_screen_opens_for_the_data_administrator(as_user: Client) -> None:
    """Lists, forms and detail pages of configuration open without an error."""
    for path in (
        "/",
        "/items/add",
        "/items/edit/XK-001",
        "/items/show/XK-001",
        "/rules/edit/1",
        "/rules/show/1",
        "/departments/scjg",
        "/departments/scjg/edit",
        "/loads/template.xlsx",
        "/users/userinfo/",
        "/resetmypassword/form",
        "/items/list/?_flt_0_name=食品",
        "/programs/",
    ):
        body_or_file = as_user("data_admin").get(path)
        assert body_or_file.status_code == 200, (path, body_or_file.get_data(as_text=True)[:500])
    for path in ("/", "/users/list/", "/users/add", "/roles/list/", "/roles/add", "/swagger/v1"):
        assert as_user("Admin").get(path).status_code == 200, path
    for role in ("clerk", "approver", "supervisor", "overseer"):
        assert as_user(role).get("/").status_code == 200
