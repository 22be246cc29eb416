"""The web inbox: what a department's user sees, presses and types, and what becomes of it."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, text

from admin import create_app
from hub.department import DepartmentKey
from hub.joining.change_channel import change_channel
from hub.joining.receipts import take_arrivals
from hub.pushing.push import Push
from schemas import loads, violations
from schemas.drafts.written import finding_data
from tests.admin import cases
from tests.admin.conftest import Hub, sign_in, token_of

WHY = "该局没有业务系统"


@pytest.fixture(scope="module")
def web(hub: Hub) -> Hub:
    """市场监管局 takes part in the browser; some cases were pushed to it."""
    with hub.engine.begin() as tx:
        change_channel(tx, "scjg", "web", hub.desk, actor="user:admin", reason=WHY)
    cases.load(hub, 12)
    return hub


@pytest.fixture
def post(as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]) -> Callable[..., Any]:
    def sent(path: str, user: str = "supervisor", **form: Any) -> Any:
        return as_user(user).post(path, data={"csrf_token": csrf(user), **form})

    return sent


def owed(hub: Hub, department: str = "scjg", state: tuple[str, ...] = ("owed", "arrived")) -> Any:
    with hub.engine.connect() as tx:
        return (
            tx.execute(
                select(Push.__table__).where(Push.department == department, Push.state.in_(state)).limit(1)
            )
        ).one()


def push_now(hub: Hub, push: Any) -> Any:
    with hub.engine.connect() as tx:
        return tx.execute(select(Push.__table__).where(Push.id == push.id)).one()


def mark_of(page: str) -> str:
    found = re.search(r'name="mark" value="([^"]+)"', page)
    assert found, page[:300]
    return found[1]


def said(hub: Hub, case_no: str, event_type: str) -> list[dict[str, Any]]:
    """The messages of this type that the hub took in on a case."""
    query = text("SELECT value FROM inbox WHERE case_no = :c AND event_type = :t ORDER BY received_at")
    with hub.engine.connect() as tx:
        return [loads(bytes(row.value)) for row in tx.execute(query, {"c": case_no, "t": event_type})]


def test_opening_the_inbox_is_arrival_and_pressing_is_signing(
    web: Hub, as_user: Callable[[str], FlaskClient], post: Callable[..., Any]
) -> None:
    """What is shown has arrived, by the custodial key; several are signed for at once, by the person's name."""
    page = as_user("supervisor").get("/inbox/?tab=sign").get_data(as_text=True)
    ids = re.findall(r'name="ids" value="([^"]+)"', page)
    assert len(ids) >= 3
    first = owed(web)
    assert first.state == "arrived"
    answer = post("/inbox/sign", ids=ids[:2])
    assert answer.status_code == 302
    for id_ in ids[:2]:
        with web.engine.connect() as tx:
            push = tx.execute(select(Push.__table__).where(Push.id == uuid.UUID(id_))).one()
        assert push.state == "signed"
        receipts = [one["data"]["receipts"][0] for one in said(web, push.case_no, "receipt.v1")]
        assert [(one["kind"], one["by"]) for one in receipts] == [("arrived", None), ("signed", "supervisor")]


def test_each_press_is_the_receipt_that_a_connector_would_have_sent(
    web: Hub, as_user: Callable[[str], FlaskClient], post: Callable[..., Any]
) -> None:
    """Claimed without having been signed for is both; returned needs a reason; closed again is news; by name each."""
    push = owed(web)
    page = as_user("supervisor").get(f"/inbox/{push.id}").get_data(as_text=True)

    def press(kind: str, **more: str) -> str:
        answer = post(f"/inbox/{push.id}/say", mark=mark_of(page), kind=kind, **more)
        assert answer.status_code == 302
        return as_user("supervisor").get(answer.location).get_data(as_text=True)

    assert "已认领" in press("claimed")
    assert "理由" in press("returned")
    assert push_now(web, push).state == "claimed"
    assert "已办结" in press("closed", reason="现场无异常")
    assert push_now(web, push).closed_by == "supervisor"
    receipts = [one["data"]["receipts"][0] for one in said(web, push.case_no, "receipt.v1")]
    assert [(one["kind"], one["by"], one["reason"]) for one in receipts] == [
        ("arrived", None, None),
        ("signed", "supervisor", None),
        ("claimed", "supervisor", None),
        ("closed", "supervisor", "现场无异常"),
    ]


def open_report(client: FlaskClient, push: Any, act: str, **args: str) -> str:
    answer = client.get(f"/inbox/{push.id}/report/{act}", query_string=args)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    page: str = answer.get_data(as_text=True)
    return page


def test_an_inspection_is_what_a_connector_would_have_sent(
    web: Hub, as_user: Callable[[str], FlaskClient], post: Callable[..., Any]
) -> None:
    """The same type and data as the connector makes of the same words, signed with the department's registered key."""
    push = owed(web)
    page = open_report(as_user("supervisor"), push, "inspection")
    typed = {
        "inspected_at": "2026-09-18T10:30",
        "inspectors": "示例己（99010100001）、示例庚",
        "check_result": "3",
        "handling": "2",
        "rectify_by": "2026-10-18",
        "explain": "后厨未设独立清洗水池",
        "inspection_form": "on_site",
        "inspection_way": "double_random",
        "double_random_result": "6",
        "transfer_to": "zhzf",  # does not count: the handling is another
    }
    answer = post(f"/inbox/{push.id}/report/inspection", mark=mark_of(page), number="JC-T-1", **typed)
    assert answer.status_code == 302, answer.get_data(as_text=True)

    (event,) = said(web, push.case_no, "finding.reported.v1")
    assert violations("finding.reported.v1", event) == []
    licence = event["data"].get("certificateIdentifier")
    words = {name: value for name, value in typed.items() if name != "transfer_to"}
    words |= {"finding_no": "JC-T-1", "project_no": push.case_no, "push_id": str(push.id)}
    connector = finding_data({**words, **({"certificateIdentifier": licence} if licence else {})})
    assert event["data"] == connector
    assert event["source"] == f"/{web.desk.area}/scjg"


def test_an_error_keeps_what_was_typed_and_is_told_at_its_box(
    web: Hub, as_user: Callable[[str], FlaskClient], post: Callable[..., Any]
) -> None:
    """Nothing is sent, nothing is quarantined; the page has the words, the mark and the sentence."""
    push = owed(web)
    page = open_report(as_user("supervisor"), push, "enforcement")
    answer = post(
        f"/inbox/{push.id}/report/enforcement",
        mark=mark_of(page),
        number="CF-T-1",
        decided_on="2026-10-01",
        result="1",
        fine_fen="两千",
        content="罚款，原样留着",
    )
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "罚款，原样留着" in shown
    assert re.search(r'id="fault-fine_fen">[^<]*金额', shown)
    assert re.search(r'id="fault-document_no">[^<]*文号', shown)
    assert mark_of(shown) == mark_of(page)
    assert said(web, push.case_no, "enforcement.decided.v1") == []
    with web.engine.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM quarantine")) == 0


def test_another_departments_package_is_not_there(
    web: Hub, as_user: Callable[[str], FlaskClient], post: Callable[..., Any]
) -> None:
    """Neither its page nor its bytes nor a form, and signing for it signs nothing."""
    other = owed(web, "zhzf")
    client = as_user("supervisor")
    for path in (
        f"/inbox/{other.id}",
        f"/inbox/{other.id}/report/inspection",
        f"/inbox/messages/{other.event_id}",
        f"/inbox/messages/{other.event_id}/raw",
    ):
        assert client.get(path).status_code == 404, path
    post("/inbox/sign", ids=[str(other.id)])
    assert push_now(web, other).signed_at is None
    assert as_user("clerk").get("/inbox/").status_code == 403


def test_the_same_form_twice_is_one_statement_and_a_made_up_one_none(
    web: Hub, as_user: Callable[[str], FlaskClient], post: Callable[..., Any]
) -> None:
    """A double click, or a hub that was started again in between: one finding. A forged or borrowed mark: a sentence."""
    push = owed(web)
    mark = mark_of(open_report(as_user("supervisor"), push, "credit"))
    typed = {"kind": "dishonest", "recorded_on": "2026-10-01", "number": "XY-T-1"}
    for _ in range(2):
        assert post(f"/inbox/{push.id}/report/credit", mark=mark, **typed).status_code == 302
    again = create_app(web.app.extensions["shenguan"].config)
    try:
        client = sign_in(again, "supervisor")
        page = client.get(f"/inbox/{push.id}/report/credit").get_data(as_text=True)
        form = {"csrf_token": token_of(page), "mark": mark, **typed}
        assert client.post(f"/inbox/{push.id}/report/credit", data=form).status_code == 302
    finally:
        again.extensions["shenguan"].engine.dispose()
    assert len(said(web, push.case_no, "credit.recorded.v1")) == 1
    for wrong in ("", "made-up", mark[:-2] + "xx"):
        answer = post(f"/inbox/{push.id}/report/credit", mark=wrong, **(typed | {"number": "XY-T-2"}))
        assert answer.status_code == 422
        assert "表单已经失效" in answer.get_data(as_text=True)
    borrowed = post(
        f"/inbox/{push.id}/report/plan", mark=mark, plan_name="x", number="JH-9", **{"from": "2026-10-01"}
    )
    assert borrowed.status_code == 422


def a_photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(made, "JPEG")
    return made.getvalue()


def test_evidence_goes_to_the_store_and_its_digest_into_the_message(
    web: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]
) -> None:
    """A photo is brought while the form is open, another with it; what is no picture is refused with a sentence."""
    push = owed(web)
    client, token = as_user("supervisor"), csrf("supervisor")
    page = open_report(client, push, "plan")
    brought = client.post(
        f"/inbox/{push.id}/evidence", data={"csrf_token": token, "file": (io.BytesIO(a_photo()), "现场.jpg")}
    )
    assert brought.status_code == 201, brought.get_data(as_text=True)
    refused = client.post(
        f"/inbox/{push.id}/evidence", data={"csrf_token": token, "file": (io.BytesIO(b"MZ\0\0"), "照片.jpg")}
    )
    assert refused.status_code == 422
    assert refused.json["error"]
    answer = client.post(
        f"/inbox/{push.id}/report/plan",
        data={
            "csrf_token": token,
            "mark": mark_of(page),
            "number": "JH-T-1",
            "plan_name": "2026 年度计划",
            "from": "2026-10-01",
            "files": brought.json["sha256"],
            "fresh_files": (io.BytesIO(a_photo() + b"\0"), "另一张.jpg"),
        },
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    (event,) = said(web, push.case_no, "supervision.planned.v1")
    assert [one["name"] for one in event["data"]["files"]] == ["现场.jpg", "另一张.jpg"]


def test_the_page_says_whether_the_bytes_are_what_the_hub_signed(
    web: Hub, as_user: Callable[[str], FlaskClient]
) -> None:
    """In words; and the bytes that are handed out are the signed ones."""
    push = owed(web)
    page = as_user("supervisor").get(f"/inbox/{push.id}").get_data(as_text=True)
    assert "一字不差" in page
    raw = as_user("supervisor").get(f"/inbox/messages/{push.event_id}/raw")
    assert raw.headers["X-Content-SHA256"] == bytes(push.package_sha256).hex()
    with web.engine.begin() as tx:
        tx.execute(text("UPDATE pushes SET package_sha256 = sha256('x') WHERE id = :id"), {"id": push.id})
    try:
        assert "不可信" in as_user("supervisor").get(f"/inbox/{push.id}").get_data(as_text=True)
    finally:
        with web.engine.begin() as tx:
            tx.execute(
                text("UPDATE pushes SET package_sha256 = :s WHERE id = :id"),
                {"id": push.id, "s": bytes(push.package_sha256)},
            )


def test_a_department_with_a_system_of_its_own_only_reads_here(
    web: Hub, as_user: Callable[[str], FlaskClient], post: Callable[..., Any]
) -> None:
    """Its packages are shown; what is pressed is refused with a sentence, since only its own system may sign."""
    push = owed(web)
    with web.engine.begin() as tx:
        change_channel(tx, "scjg", "kafka", web.desk, actor="user:admin", reason="接入连接器")
    try:
        page = as_user("supervisor").get(f"/inbox/{push.id}").get_data(as_text=True)
        assert "只供查看" in page
        assert 'name="kind"' not in page
        assert post("/inbox/sign", ids=[str(push.id)]).status_code == 302
        assert push_now(web, push).signed_at is None
    finally:
        with web.engine.begin() as tx:
            change_channel(tx, "scjg", "web", web.desk, actor="user:admin", reason="系统停用")


def test_the_key_in_custody_is_nowhere_in_the_clear(web: Hub) -> None:
    """What the database has of it is sealed."""
    with web.engine.connect() as tx:
        sealed = tx.execute(select(DepartmentKey.sealed_key).where(DepartmentKey.custody == "hub")).scalars()
        assert all(b"PRIVATE" not in bytes(one) for one in sealed)


def test_arrivals_of_others_wait_for_their_own_round(web: Hub) -> None:
    """The round of the relay takes what nobody has looked at."""
    with web.engine.begin() as tx:
        while take_arrivals(tx, replace(web.desk), limit=50):
            pass
        left = tx.scalar(text("SELECT count(*) FROM pushes WHERE department = 'scjg' AND state = 'owed'"))
    assert left == 0
