"""The pages of licences: the list and its filters, one licence with everything about it, acts, notices to holders."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin import cases, licences
from tests.admin.conftest import Hub
from tests.admin.licences import Office

Client = Callable[[str], FlaskClient]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module", autouse=True)
def loaded(hub: Hub) -> None:
    cases.load(hub, 12)


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


def test_the_list_narrows_by_what_a_clerk_looks_for(hub: Hub, as_user: Client) -> None:
    """Type, status, running out, held by, origin and doubtful identifiers each narrow the list to what fits."""
    client = as_user("clerk")
    push = cases.any_push(hub)
    cases.arrive(hub, cases.finding(hub, push))
    with hub.engine.begin() as tx:
        held = tx.execute(
            text("SELECT id, number FROM licences WHERE case_no = :c"), {"c": push.case_no}
        ).one()
        other = tx.execute(
            text("SELECT id, number, type_code FROM licences WHERE id <> :i LIMIT 1"), {"i": held.id}
        ).one()
        tx.execute(
            text(
                "UPDATE licences SET identifier_fault = '校验位不对', valid_to = current_date + 40 WHERE id = :i"
            ),
            {"i": other.id},
        )
    whole = body(client, "/licences/")
    assert held.number in whole
    assert other.number in whole
    assert "标识存疑" in whole
    for path, shown, hidden in (
        ("/licences/?status=02", held, other),
        ("/licences/?held=scjg", held, other),
        ("/licences/?held=any", held, other),
        ("/licences/?doubt=fault", other, held),
        ("/licences/?ends=60", other, held),
    ):
        page = body(client, path)
        assert shown.number in page, path
        assert hidden.number not in page, path
    assert other.number not in body(client, "/licences/?ends=30")
    assert held.number not in body(client, "/licences/?held=zhzf")
    assert held.number in body(client, "/licences/?origin=registered")
    assert held.number not in body(client, "/licences/?origin=issued")
    assert other.number in body(client, f"/licences/?type={other.type_code}")


def test_a_licence_says_who_holds_it_and_why(hub: Hub, as_user: Client) -> None:
    """The page of a frozen licence: big words, the department, the finding, and no button for a supervisor."""
    push = cases.any_push(hub)
    cases.arrive(hub, cases.finding(hub, push))
    with hub.engine.connect() as tx:
        held = tx.execute(
            text("SELECT id FROM licences WHERE case_no = :c"), {"c": push.case_no}
        ).scalar_one()
    page = body(as_user("clerk"), f"/licences/{held}")
    assert "暂扣" in page
    assert "示范县市场监督管理局" in page
    assert "经营地址与许可不符" in page
    assert "处置" not in page.split("lic-state")[0].split("<main")[1]
    page = body(as_user("supervisor"), f"/licences/{held}")
    assert "/act/" not in page


@pytest.fixture(scope="module")
def designed(hub: Hub) -> None:
    licences.prepare(hub)


@pytest.fixture(scope="module")
def office(hub: Hub, designed: None) -> Office:
    return Office(hub)


def act(office: Office, licence: Any, operation: str, **form: Any) -> Any:
    """Send the act's form as its page gave it."""
    page = office.page(f"/licences/{licence}/act/{operation}")
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    given = {"reason": "核查发现问题", "sure": "1", "seen": seen[1] if seen else "", **form}
    return office.send(f"/licences/{licence}/act/{operation}", **given)


def status(hub: Hub, licence: Any) -> str:
    return str(licences.one(hub, "SELECT status FROM licences WHERE id = :i", i=licence).status)


def test_every_step_of_a_licences_life_has_a_form(hub: Hub, office: Office) -> None:
    """Suspend, restore, cancel, undo, revoke: each by its form, with its scan, and the page says what it became."""
    licence = licences.issued(hub)
    scan = (io.BytesIO(PNG), "决定书.png")
    assert act(office, licence, "suspend", scan=scan).status_code == 302
    assert status(hub, licence) == "02"
    page = office.page(f"/licences/{licence}")
    assert "核查发现问题" in page
    assert "文书扫描件" in page
    assert "暂扣发还" in page
    step = licences.one(
        hub, "SELECT id FROM licence_operations WHERE licence_id = :i AND operation = 'suspend'", i=licence
    ).id
    taken = office.send(f"/licences/{licence}/papers/{step}", use="复核")
    assert taken.get_data() == PNG
    assert office.send(f"/licences/{licence}/papers/{step}", use="").status_code == 302
    assert act(office, licence, "restore").status_code == 302
    assert act(office, licence, "cancel", document_no="注〔2026〕1号").status_code == 302
    assert status(hub, licence) == "04"
    assert "恢复（纠错）" in office.page(f"/licences/{licence}")
    assert act(office, licence, "reinstate", document_no="更〔2026〕1号").status_code == 302
    assert act(office, licence, "revoke", document_no="吊〔2026〕1号").status_code == 302
    assert status(hub, licence) == "07"


def test_an_act_that_lacks_something_is_refused_and_keeps_what_was_typed(hub: Hub, office: Office) -> None:
    """No reason, no paper, no tick, a page that is old, a scan that is no picture: a sentence each, nothing happens."""
    licence = licences.issued(hub)
    for form, said in (
        ({"reason": ""}, "请写明理由"),
        ({"document_no": ""}, "请填写决定文书号"),
        ({"sure": ""}, "已核对"),
        ({"seen": "2020-01-01T00:00:00+00:00"}, "刚刚被他人处置过"),
        ({"scan": (io.BytesIO(b"MZ not a picture"), "决定书.pdf")}, "决定书.pdf"),
    ):
        given = {"document_no": "吊〔2026〕2号", **form}
        answer = act(office, licence, "revoke", **given)
        assert answer.status_code == 200, form
        assert said in answer.get_data(as_text=True), form
    assert status(hub, licence) == "01"
    assert "不能暂扣发还" in office.page(f"/licences/{licence}/act/restore")
    assert office.client.get(f"/licences/{licence}/act/expire").status_code == 404


def test_what_an_act_reaches_stands_before_it(hub: Hub, office: Office) -> None:
    """The form of a pushed licence names the departments that will be told; afterwards the page shows who has signed."""
    (push,) = _pushes_of_office(hub, 1)
    licence = licences.one(hub, "SELECT id FROM licences WHERE case_no = :c", c=push.case_no).id
    page = office.page(f"/licences/{licence}/act/cancel")
    assert "示范县市场监督管理局" in page
    assert "将通知" in page
    assert act(office, licence, "cancel").status_code == 302
    assert "变更待签收" in office.page(f"/licences/{licence}")


def test_the_face_is_masked_until_a_use_is_stated(hub: Hub, office: Office, as_user: Client) -> None:
    """The picture on the page opens nothing; the document is read on the record; a download needs a use."""
    licence = licences.issued(hub, licences.PERSON)
    page = office.page(f"/licences/{licence}")
    assert str(licences.PERSON.code) not in page
    picture = office.client.get(f"/licences/{licence}/face.png")
    assert picture.status_code == 200
    assert picture.get_data().startswith(b"\x89PNG")
    assert licences.one(hub, "SELECT count(*) AS n FROM file_reads").n == 0
    assert office.send(f"/licences/{licence}/documents/pdf", use="").status_code == 302
    taken = office.send(f"/licences/{licence}/documents/pdf", use="归档")
    assert taken.get_data().startswith(b"%PDF-")
    assert licences.one(hub, "SELECT stated_use FROM file_reads").stated_use == "归档"
    assert office.send(f"/licences/{licence}/documents/ofd", use="归档").status_code == 302
    assert as_user("data_admin").get(f"/licences/{licence}/face.png").status_code == 200
    assert (
        "下载"
        not in body(as_user("data_admin"), f"/licences/{licence}")
        .split("lic-verify")[1]
        .split("</section>")[0]
    )


@pytest.mark.usefixtures("office")  # whose licence type the rule names
def test_rules_are_kept_by_data_administrators_and_tried_by_all(
    hub: Hub, as_user: Client, csrf: Callable[[str], str]
) -> None:
    """Add, refuse a contradiction, change, refuse an old page, try, retire, revive; others read only."""
    client, token = as_user("data_admin"), csrf("data_admin")

    def send(path: str, **form: str) -> Any:
        return client.post(path, data={**form, "csrf_token": token})

    rule = {"kind": "inspection", "result": "3", "handling": "2", "type_code": licences.TYPE, "effect": "freeze",
            "automatic": "0", "note": "餐饮不符合先确认", "seq": "5"}  # fmt: skip
    assert send("/licence-rules/save", **rule).status_code == 302
    number = licences.one(hub, "SELECT id FROM licence_rules WHERE note = '餐饮不符合先确认'").id
    contradiction = send("/licence-rules/save", **{**rule, "effect": "none", "automatic": "1"})
    assert "不能同时有效" in contradiction.get_data(as_text=True)
    tried = body(client, f"/licence-rules/?kind=inspection&result=3&handling=2&type_code={licences.TYPE}")
    assert f"规则 {number}" in tried
    assert "它写明了证照类型" in tried
    page = body(client, "/licence-rules/")
    seen = re.search(
        rf'name="number" value="{number}"><input type="hidden" name="seen" value="([^"]+)"', page
    )
    assert seen
    changed = {**rule, "number": str(number), "seen": html.unescape(seen[1]), "note": "改过"}
    assert send("/licence-rules/save", **changed).status_code == 302
    assert "他人改动" in send("/licence-rules/save", **{**changed, "note": "又改"}).get_data(as_text=True)
    assert send(f"/licence-rules/{number}/retire", reason="不再需要").status_code == 302
    assert send(f"/licence-rules/{number}/revive").status_code == 302
    assert "改过" in body(as_user("clerk"), "/licence-rules/")
    assert "/save" not in body(as_user("clerk"), "/licence-rules/")
    assert as_user("clerk").post(
        "/licence-rules/save", data={"csrf_token": csrf("clerk"), **rule}
    ).status_code in (302, 403)
    assert licences.one(hub, "SELECT count(*) AS n FROM licence_rules WHERE note = '餐饮不符合先确认'").n == 0


def test_a_proposal_is_confirmed_or_declined(hub: Hub, office: Office) -> None:
    """What a rule wants confirmed waits with a badge; declined it leaves the licence, confirmed it freezes; once only."""
    pushes = _pushes_of_office(hub, 2)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE licence_rules SET automatic = false WHERE effect = 'freeze'"))
    try:
        for push in pushes:
            cases.arrive(hub, cases.finding(hub, push))
    finally:
        with hub.engine.begin() as tx:
            tx.execute(text("UPDATE licence_rules SET automatic = true WHERE effect = 'freeze'"))
    page = office.page("/licence-proposals/")
    ids = re.findall(r"/licence-proposals/([0-9a-f-]{36})/confirm", page)
    assert len(ids) == 2
    assert '<em class="count">2</em>' in page
    assert office.send(f"/licence-proposals/{ids[0]}/decline", reason="整改已完成").status_code == 302
    assert office.send(f"/licence-proposals/{ids[1]}/confirm", reason="情况属实").status_code == 302
    row = licences.one(
        hub,
        "SELECT array_agg(p.state || l.status ORDER BY p.state) AS s FROM licence_proposals p"
        " JOIN licences l ON l.id = p.licence_id",
    )
    assert row.s == ["confirmed02", "declined01"]
    again = office.send(f"/licence-proposals/{ids[1]}/confirm", reason="情况属实")
    assert "已经确认" in office.page(again.location)
    assert "/confirm" not in Office(hub, licences.OTHER_APPROVER).page("/licence-proposals/")


def test_holders_are_told_once(hub: Hub, office: Office) -> None:
    """Notices are ticked and marked with how they were told; what another marked meanwhile is skipped; a letter prints."""
    first, second = licences.issued(hub), licences.issued(hub, licences.PERSON)
    numbers = [
        str(licences.one(hub, "SELECT id FROM holder_notices WHERE licence_id = :i", i=one).id)
        for one in (first, second)
    ]
    page = office.page("/licence-notices/?told=open")
    assert all(f'value="{number}"' in page for number in numbers)
    assert "特此告知" in office.page(f"/licence-notices/{numbers[0]}/letter")
    assert office.send("/licence-notices/told", id=numbers[:1], how="电话").status_code == 302
    answer = office.send("/licence-notices/told", id=numbers, how="当面")
    assert "另有 1 条他人已经告知" in office.page(answer.location)
    told = licences.one(hub, "SELECT array_agg(told_how ORDER BY id) AS w FROM holder_notices WHERE id = ANY(:n)",
                        n=[int(number) for number in numbers]).w  # fmt: skip
    assert told == ["电话", "当面"]
    assert "请先勾选" in office.page(office.send("/licence-notices/told", how="电话").location)
    stranger = Office(hub, licences.OTHER_APPROVER)
    assert stranger.client.get(f"/licence-notices/{numbers[0]}/letter").status_code == 404


def _pushes_of_office(hub: Hub, n: int) -> list[Any]:
    """Pushes of cases whose licence is the office's, that nothing was found about yet."""
    with hub.engine.begin() as tx:
        rows = tx.execute(
            text(
                "SELECT p.* FROM pushes p JOIN licences l ON l.case_no = p.case_no WHERE p.department = 'scjg'"
                " AND l.status = '01' AND NOT EXISTS (SELECT FROM findings f WHERE f.case_no = p.case_no)"
                " ORDER BY p.case_no LIMIT :n"
            ),
            {"n": n},
        ).all()
        tx.execute(
            text("UPDATE licences SET department = :d WHERE case_no = ANY(:c)"),
            {"d": licences.OFFICE, "c": [row.case_no for row in rows]},
        )
    assert len(rows) == n
    return list(rows)
