"""Issuing in the browser's forms: alone, the next version, on a decision - with its preview, its refusals, sent twice."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import text

from tests.admin import licences
from tests.admin.conftest import Hub
from tests.admin.licences import FIRM, OTHER_APPROVER, TYPE, Office, one

ITEM = "XK-001"
FORM = {
    "type": TYPE,
    "f_address": "示范县人民路 1 号",
    "f_scope": "热食类食品制售",
    "reason": "纸质证照换发",
    "q": str(FIRM.code),
    "kind": "legal",
    "name": FIRM.name,
    "legal_representative": "示例甲",
}


@pytest.fixture(scope="module", autouse=True)
def prepared(hub: Hub) -> None:
    licences.prepare(hub)
    with hub.engine.begin() as tx:
        tx.execute(
            text("UPDATE service_items SET licence_type_code = :t, licence_name = :n WHERE code = :c"),
            {"t": TYPE, "n": licences.NAME, "c": ITEM},
        )


@pytest.fixture(scope="module")
def office(hub: Hub) -> Office:
    return Office(hub)


def key() -> str:
    return uuid.uuid4().hex


def test_a_form_sent_twice_issues_one_licence(hub: Hub, office: Office) -> None:
    """The same form twice: one licence, one document that is a material, and the second answer says so."""
    before = one(hub, "SELECT count(*) AS n FROM licences").n
    form = {**FORM, "key": key()}
    first = office.send("/licences/issue", **form)
    assert first.status_code == 302, re.findall(r'class="fault">([^<]+)', first.get_data(as_text=True))
    second = office.send("/licences/issue", **form)
    assert second.location == first.location
    assert "刚才已经签发" in office.page(second.location)
    assert one(hub, "SELECT count(*) AS n FROM licences").n == before + 1
    row = one(
        hub,
        "SELECT l.number, l.origin, l.department, m.media_type"
        " FROM licences l JOIN licence_documents d ON d.licence_id = l.id"
        " JOIN materials m ON m.id = d.material_id WHERE l.id = :id",
        id=first.location.rsplit("/", 1)[1],
    )
    assert (row.origin, row.department, row.media_type) == ("issued", licences.OFFICE, "application/pdf")
    page = office.page(first.location)
    assert row.number in page
    assert "延续" in page
    assert "/v/" in page


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(office: Office) -> None:
    """A missing field, a body whose code does not check, a last day beyond the rule: each a sentence, nothing lost."""
    page = office.send("/licences/issue", **{**FORM, "f_scope": "", "key": key()}).get_data(as_text=True)
    assert "请填写“经营项目”" in page
    assert "示范县人民路 1 号" in page
    page = office.send("/licences/issue", **{**FORM, "q": "91370102MA3C00011X", "key": key()}).get_data(
        as_text=True
    )
    assert "校验" in page
    page = office.send("/licences/issue", **{**FORM, "valid_to": "2099-01-01", "key": key()}).get_data(
        as_text=True
    )
    assert "超过了规则允许" in page
    page = office.send("/licences/issue", **{**FORM, "reason": "", "key": key()}).get_data(as_text=True)
    assert "请写明签发的依据" in page


def test_the_preview_shows_what_is_typed_and_says_what_does_not_fit(office: Office) -> None:
    """A picture comes back while fields are still empty; a text that overflows, or a rare character, is said."""
    said = office.face("/licences/issue/face", type=TYPE)
    assert said["picture"].startswith("data:image/png;base64,")
    assert said["faults"] == []
    assert "形如 JY990101" in said["said"]
    said = office.face("/licences/issue/face", **{**FORM, "f_address": "\U00031360" * 3})
    assert said["faults"] != []


def test_a_holder_is_found_or_typed_in(hub: Hub, office: Office) -> None:
    """A number on file leads straight to the form with its holder, an unknown one to boxes for a new holder."""
    licences.issued(hub)
    answer = office.send("/licences/issue", type=TYPE, act="find", q=str(FIRM.code))
    assert answer.status_code == 302
    assert "party=" in answer.location
    assert FIRM.name in office.page(answer.location)
    fresh = office.send("/licences/issue", type=TYPE, act="find", q="91370102MA3C0002X7").get_data(
        as_text=True
    )
    assert "新的持证主体" in fresh
    assert "91370102MA3C0002X7" in fresh
    wrong = office.send("/licences/issue", type=TYPE, act="find", q="91370102MA3C0002X8").get_data(
        as_text=True
    )
    assert "校验" in wrong


def test_a_change_shows_what_is_different_and_keeps_covered_numbers(hub: Hub, office: Office) -> None:
    """The next version: prefilled, a personal number left empty stays, the old version ends, the new one names it."""
    old = licences.issued(hub)
    path = f"/licences/{old}/next/change"
    page = office.page(path)
    assert licences.VALUES["address"] in page
    assert licences.VALUES["manager_number"] not in page
    form = {
        "f_address": "示范县解放路 9 号",
        "f_scope": licences.VALUES["scope"],
        "reason": "迁址",
        "key": key(),
    }
    said = office.face(path + "/face", **form)
    assert said["changes"] == [["经营场所", licences.VALUES["address"], "示范县解放路 9 号"]]
    unknown = office.send(path, **form, case="nowhere").get_data(as_text=True)
    assert "没有找到本部门的这个办件" in unknown
    answer = office.send(path, **{**form, "reason": "迁\0址"})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    new = answer.location.rsplit("/", 1)[1]
    row = one(hub, "SELECT version, previous_id, fields FROM licences WHERE id = :id", id=new)
    assert (row.version, row.previous_id) == (2, old)
    assert row.fields["manager_number"]["masked"]
    assert one(hub, "SELECT status FROM licences WHERE id = :id", id=old).status == "05"
    assert "已由新版本代替" in office.page(f"/licences/{old}")
    assert "第 2 版" in office.page(f"/licences/{new}")
    again = office.send(path, **{**form, "key": key()})
    assert "替代" in office.page(again.location)


def test_a_frozen_licence_has_no_next_version(hub: Hub, office: Office) -> None:
    """Renewal of a frozen licence: the sentence names the department and the day; the page has no button for it."""
    held = licences.issued(hub)
    seen = one(hub, "SELECT status_at FROM licences WHERE id = :id", id=held).status_at.isoformat()
    done = office.send(f"/licences/{held}/act/suspend", reason="核查中", sure="1", seen=seen)
    assert done.status_code == 302, done.get_data(as_text=True)
    page = office.page(f"/licences/{held}")
    assert "/next/renew" not in page
    assert "不能延续、变更或补发" in page
    answer = office.send(f"/licences/{held}/next/renew", reason="到期", key=key())
    said = office.page(answer.location)
    assert "示范县行政审批服务局" in said
    assert "暂扣" in said


def test_another_department_may_not_issue_on_it(hub: Hub) -> None:
    """An approver of another department gets a sentence for a next version, an act and a download."""
    licence = licences.issued(hub)
    stranger = Office(hub, OTHER_APPROVER)
    assert stranger.client.get(f"/licences/{licence}").status_code == 403
    answer = stranger.send(f"/licences/{licence}/next/renew", reason="到期", key=key())
    assert answer.status_code == 302
    assert one(hub, "SELECT count(*) AS n FROM licences WHERE previous_id = :id", id=licence).n == 0
    assert stranger.send(f"/licences/{licence}/act/suspend", reason="核查", sure="1").status_code == 403


DECISION = {
    "item": ITEM, "XK_XKLB": "普通", "XK_XDR_LB": "legal", "XK_XDR_MC": FIRM.name, "XK_XDR_SHXYM": str(FIRM.code),
    "XK_FRDB": "示例甲", "XK_XKWS": "准予行政许可决定书", "XK_NR": "准予", "XK_XKJG": "示范县行政审批服务局",
    "designed": "1", "f_address": "示范县人民路 8 号", "f_scope": "糕点制售",
}  # fmt: skip


def decision(hub: Hub, **more: str) -> dict[str, str]:
    row = one(hub, "SELECT uscc FROM departments WHERE code = :c", c=licences.OFFICE)
    today = hub.desk.clock().date().isoformat()
    return {**DECISION, "XK_XKJGDM": row.uscc, "XK_JDRQ": today, "XK_YXQZ": today, **more}


def test_a_decision_issues_the_licence_in_one_act(hub: Hub, office: Office) -> None:
    """Decide with a designed type: case, decision, licence with its file and push are one; the days and number agree."""
    part = office.page(f"/decide/licence?item={ITEM}")
    assert 'name="f_address"' in part
    assert 'name="XK_YXQZI"' in part
    form = decision(hub, XK_WSH="示许〔2026〕9001号", issue="1")
    said = office.face("/decide/face", **form)
    assert said["picture"].startswith("data:image/png")
    assert said["faults"] == []
    missing = office.send("/decide/", **{**form, "f_scope": ""}).get_data(as_text=True)
    assert "请填写“经营项目”" in missing
    answer = office.send("/decide/", **form)
    assert answer.status_code == 302, re.findall(r'(?:fault|alert)">([^<]+)', answer.get_data(as_text=True))
    case_no = answer.location.rsplit("/", 1)[1]
    row = one(
        hub,
        "SELECT l.number, l.origin, l.valid_to, d.elements, l.id FROM licences l JOIN decisions d ON d.case_no = l.case_no"
        " WHERE l.case_no = :c",
        c=case_no,
    )
    assert row.origin == "issued"
    assert row.elements["XK_XKBH"] == row.number
    assert row.elements["XK_YXQZI"] == row.valid_to.isoformat()
    assert one(hub, "SELECT count(*) AS n FROM licence_documents WHERE licence_id = :i", i=row.id).n == 1
    assert (
        one(hub, "SELECT count(*) AS n FROM materials WHERE case_no = :c AND origin = 'result'", c=case_no).n
        == 1
    )
    assert row.number in office.page(f"/cases/{case_no}")
    again = office.send("/decide/", **form).get_data(as_text=True)
    assert "已经登记过" in again
    assert one(hub, "SELECT count(*) AS n FROM licences WHERE case_no = :c", c=case_no).n == 1


def test_the_old_way_stays(hub: Hub, office: Office) -> None:
    """Unticked, a decision registers the number that was typed in, without a document; so does a type not designed."""
    form = decision(hub, XK_WSH="示许〔2026〕9002号", XK_XKBH="纸-0001")
    answer = office.send("/decide/", **form)
    assert answer.status_code == 302, re.findall(r'(?:fault|alert)">([^<]+)', answer.get_data(as_text=True))
    row = one(
        hub, "SELECT origin, number FROM licences WHERE case_no = :c", c=answer.location.rsplit("/", 1)[1]
    )
    assert row == ("registered", "纸-0001")


def test_a_decision_renews_the_licence_that_stands(hub: Hub, office: Office) -> None:
    """On an accepted case of the holder the decision may continue its licence: next version, same number, old one ended."""
    old = licences.issued(hub)
    before = one(hub, "SELECT number, party_id FROM licences WHERE id = :i", i=old)
    case_no = f"9901012026{uuid.uuid4().hex[:8].upper()}"
    with hub.engine.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO cases (case_no, name, item_code, party_id, org_code, org_name, area_code, department, source,"
                " accepted_on) VALUES (:c, '示例延续', :i, :p, '11370100MB00000194', '示范县行政审批服务局', '990101', :d,"
                " 'window', current_date - 1)"
            ),
            {"c": case_no, "i": ITEM, "p": before.party_id, "d": licences.OFFICE},
        )
    assert f"renew:{old}" in office.page(f"/decide/?case={case_no}")
    page = office.page(f"/decide/?case={case_no}&previous=renew:{old}")
    assert licences.VALUES["address"] in page
    assert licences.VALUES["manager_number"] not in page
    form = decision(hub, XK_WSH="示许〔2026〕9003号", issue="1", case=case_no, previous=f"renew:{old}")
    answer = office.send("/decide/", **form)
    assert answer.status_code == 302, re.findall(r'(?:fault|alert)">([^<]+)', answer.get_data(as_text=True))
    new = one(hub, "SELECT version, number, previous_id FROM licences WHERE case_no = :c", c=case_no)
    assert new == (2, before.number, old)
    assert one(hub, "SELECT status FROM licences WHERE id = :i", i=old).status == "05"
    elements = one(hub, "SELECT elements FROM decisions WHERE case_no = :c", c=case_no).elements
    assert elements["XK_XKBH"] == before.number
