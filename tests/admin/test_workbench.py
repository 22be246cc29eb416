"""The workbench as its page speaks to it: who may, what is recognised, what a second click does, what two clerks meet."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import event, text

from admin.accounts import ensure_user
from admin.workbench import find, party_facts, recent
from admin.workbench.qr import address_of, qr_svg
from admin.workbench.recognise import recognise
from tests.admin import window
from tests.admin.conftest import PASSWORD, Hub, sign_in
from tests.admin.window import FIRM, LI, PERSON, WANG, Clerk
from tests.e2e import once_only_area as area

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module", autouse=True)
def catalogue(hub: Hub) -> None:
    window.prepare(hub)


@pytest.fixture(autouse=True)
def cleared(hub: Hub) -> None:
    window.empty(hub)


@pytest.fixture(scope="module")
def clerk(hub: Hub) -> Clerk:
    return Clerk(hub)


@pytest.fixture(scope="module")
def other(hub: Hub) -> Clerk:
    return Clerk(hub, WANG)


# ---- who may


def test_only_clerks_and_approvers_work_here(hub: Hub, as_user: Callable[[str], FlaskClient]) -> None:
    """The page and its buttons are for clerks and approvers: 403 with a sentence for everybody else."""
    case_no = window.started(hub)
    for role in ("data_admin", "supervisor", "overseer"):
        client = as_user(role)
        assert client.get(f"/workbench/case/{case_no}").status_code == 403
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").get_data(as_text=True))
        assert token
        headers = {"X-CSRFToken": token[1], "Accept": "application/json"}
        for act in ("use", "accept", "withdraw", "field", f"remove/{uuid.uuid4()}"):
            answer = client.post(f"/workbench/case/{case_no}/{act}", headers=headers)
            assert answer.status_code == 403, (role, act)
            assert "数据管理员" in answer.get_json()["error"]
    assert as_user("approver").get(f"/workbench/case/{case_no}").status_code == 200


def test_a_session_that_ended_is_401_and_says_so(hub: Hub, clerk: Clerk) -> None:
    """A button pressed after the session ended gets JSON with a sentence, nothing happens, and the page is not left."""
    case_no = window.started(hub)
    late = sign_in(hub.app, LI)
    late.delete_cookie("shenguan")
    answer = late.post(
        f"/workbench/case/{case_no}/accept",
        headers={"X-CSRFToken": clerk.token, "Accept": "application/json"},
    )
    assert answer.status_code == 401
    assert "登录已过期" in answer.get_json()["message"]
    assert late.post("/workbench/check", json={"q": "1"}).status_code == 401


def test_a_post_without_a_token_is_refused(clerk: Clerk, hub: Hub) -> None:
    """No other site can press a button of the workbench."""
    case_no = window.started(hub)
    answer = clerk.client.post(
        f"/workbench/case/{case_no}/withdraw", data={"reason": "伪造"}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400


def test_another_departments_case_can_be_seen_but_not_touched(hub: Hub, other: Clerk) -> None:
    """A clerk of another department is shown whose case it is; each button answers with a sentence and changes nothing."""
    case_no = window.started(hub)
    page = other.page(f"/workbench/case/{case_no}")
    assert "这里只能查看" in page
    assert "wb-accept" not in page
    for act in ("accept", "withdraw", "field"):
        answer = other.act(case_no, act, reason="越权", name="address", value="别处")
        assert answer.status_code == 403
        assert "交由对方窗口办理" in answer.get_json()["error"]


def test_a_comprehensive_window_chooses_for_whom_it_works(hub: Hub) -> None:
    """A clerk without a department among several approving ones is asked once, and then works for the chosen one."""
    ensure_user(hub.app, "anywhere", PASSWORD, role="clerk", name="综合窗口")
    anywhere = Clerk(hub, "anywhere")
    assert "您为哪个部门受理" in anywhere.page("/workbench/")
    case_no = window.started(hub)
    refused = anywhere.act(case_no, "withdraw", reason="测试")
    assert refused.status_code == 403
    assert "请先在工作台上选择" in refused.get_json()["error"]
    chosen = anywhere.client.post(
        "/workbench/office", data={"department": area.OFFICE, "csrf_token": anywhere.token}
    )
    assert chosen.status_code == 302
    assert "您为哪个部门受理" not in anywhere.page("/workbench/")
    assert anywhere.act(case_no, "withdraw", reason="申请人放弃").status_code == 200
    wrong = anywhere.client.post(
        "/workbench/office", data={"department": "scjg", "csrf_token": anywhere.token}
    )
    assert wrong.status_code == 422


def test_coming_back_from_the_choice_never_leaves_the_house(hub: Hub) -> None:
    """The address to come back to is one of ours, whatever the form says."""
    ensure_user(hub.app, "anywhere", PASSWORD, role="clerk", name="综合窗口")
    anywhere = Clerk(hub, "anywhere")
    for back in ("https://evil.invalid/", "//evil.invalid/", "/\\evil.invalid"):
        answer = anywhere.client.post(
            "/workbench/office",
            data={"department": area.OFFICE, "back": back, "csrf_token": anywhere.token},
        )
        assert answer.location == "/workbench/"


# ---- what is typed


@pytest.mark.parametrize(
    ("typed", "kind", "fault"),
    [
        ("91370102MA3C00011F", "uscc", None),
        ("９１３７０１０２ma3c00011f", "uscc", None),
        (" 9137 0102-MA3C 00011f ", "uscc", None),
        ("/91370102ma3c00011f", "uscc", None),
        ("/", "nothing", None),
        ("91370102MA3C00012F", "uscc", "校验位"),
        ("91370102MA3C0001IF", "uscc", "不使用 I"),
        ("990101199001010019", "citizen", None),
        ("990101199001010018", "citizen", "校验位"),
        ("990101********0019", "number", "遮盖"),
        ("99010120261122000001", "case", None),
        ("http://hub.invalid/workbench/case/99010120261122000001", "case", None),
        ("ＨＴＴＰ：／／hub/workbench/case/99010120261122000001", "case", None),
        ("JY1990101000001", "number", None),
        ("示例甲", "name", None),
        ("示", "name", "两个字"),
        ("", "nothing", None),
        ("   \u200b ", "nothing", None),
        ("9" * 5000, "case", None),
    ],
)
def test_what_is_typed_is_recognised(hub: Hub, typed: str, kind: str, fault: str | None) -> None:
    """Numbers in any spelling, faults with a sentence that never repeats a person's number."""
    with hub.app.test_request_context():
        found = recognise(typed, "990101", today=TODAY)
    assert found.kind == kind
    assert (found.fault is None) == (fault is None), found.fault
    if fault:
        assert fault in str(found.fault)
        assert "990101199001010018" not in str(found.fault)


def test_the_check_while_typing_says_the_same(clerk: Clerk, hub: Hub) -> None:
    """The live answer has the fault, the confirmation, or the parties whose names begin so."""
    assert "校验位" in clerk.check("91370102MA3C00012F")["fault"]
    assert "校验位正确" in clerk.check("91370102MA3C00011F")["hint"]
    window.started(hub)
    found = clerk.check("示例甲")
    assert [one["name"] for one in found["parties"]] == [FIRM.name]
    assert [one["name"] for one in clerk.check("甲餐饮")["parties"]] == [FIRM.name]
    assert clerk.check("%%")["parties"] == []


def test_every_way_to_a_party(clerk: Clerk, hub: Hub) -> None:
    """By credit code, by name, by case number, by the receipt's QR code; an unknown number leads to a new party."""
    case_no = window.started(hub)
    for typed in (FIRM.code, str(FIRM.code).lower(), FIRM.name):
        assert clerk.find(str(typed)).location == f"/workbench/party/{window.party(hub)}"
    for typed in (case_no, address_of("http://hub.invalid", case_no)):
        assert clerk.find(typed).location == f"/workbench/case/{case_no}"
    unknown = clerk.find("91370102MA3C0002X7").get_data(as_text=True)
    assert "新的相对人" in unknown
    assert 'value="91370102MA3C0002X7"' in unknown
    assert "没有找到" in clerk.find("查无此人公司").get_data(as_text=True)
    assert clerk.find("  ").location == "/workbench/"


def test_a_person_is_found_by_the_hash_and_shown_masked(clerk: Clerk, hub: Hub) -> None:
    """The number is nowhere in the answer nor in the address; that somebody looked is in the ledger."""
    window.started(hub, party=PERSON)
    answer = clerk.find(str(PERSON.code))
    assert answer.location == f"/workbench/party/{window.party(hub, PERSON)}"
    page = clerk.page(answer.location)
    assert str(PERSON.code) not in page
    assert "990101********0019" in page
    with hub.engine.connect() as tx:
        last = tx.execute(text("SELECT actor, action, subject FROM ledger ORDER BY id DESC LIMIT 1")).one()
    assert last == (f"user:{LI}", "party.looked_up", f"party:{window.party(hub, PERSON)}")


def test_a_look_up_asks_little(clerk: Clerk, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number costs one round trip, the party's page one and the items; nothing grows with what is on file."""
    window.accepted(hub)
    asked: list[int] = []

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def ask(tx: Any, *questions: Any) -> Any:
            asked.append(len(questions))
            return real(tx, *questions)

        return ask

    for module in (find, party_facts, recent):
        monkeypatch.setattr(module, "ask", counting(module.ask))
    statements: list[str] = []
    engine = hub.app.extensions["shenguan"].engine

    def seen(_c: Any, _cur: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", seen)
    try:
        location = clerk.find(str(FIRM.code)).location
        assert asked == [3]
        looking = len(statements)
        asked.clear()
        clerk.page(location)
    finally:
        event.remove(engine, "before_cursor_execute", seen)
    assert asked == [6]
    assert looking <= 5, statements  # the user, the rights: Flask-AppBuilder's
    # The frame of every page asks ten times: for the account five, for its notices four, for the threads one.
    assert len(statements) - looking <= 11, "\n".join(statements[looking:])


# ---- a new party


def test_a_new_party_is_checked_and_nothing_typed_is_lost(clerk: Clerk, hub: Hub) -> None:
    """Each fault comes with the form as it was filled in; the right one starts the case."""
    given = {"q": "91370102MA3C0002X7", "kind": "legal", "name": "示例乙", "item": area.FIRST}
    page = clerk.start(**given).get_data(as_text=True)
    assert "请填写法定代表人姓名" in page
    assert 'value="示例乙"' in page
    assert f'value="{area.FIRST}" selected' in page
    for wrong, sentence in (
        ({"kind": "natural"}, "不是公民身份号码"),
        ({"item": ""}, "请选择要办理的事项"),
        ({"name": "乙"}, "至少两个字"),
        ({"q": "91370102MA3C0002X8"}, "校验位"),
        ({"item": "NO-SUCH"}, "没有已发布"),
    ):
        page = clerk.start(**{**given, "legal_representative": "示例乙", **wrong}).get_data(as_text=True)
        assert sentence in page, (wrong, sentence)
    assert clerk.start(**given, legal_representative="示例乙").location.startswith("/workbench/case/990101")


def test_two_clicks_start_one_case(clerk: Clerk, hub: Hub) -> None:
    """However often and by whomever of the department it is pressed, one case is being prepared."""
    window.started(hub)
    again = Clerk(hub)
    form = {"party": str(window.party(hub)), "item": area.SECOND}
    with ThreadPoolExecutor(6) as pool:
        places = {
            answer.location for answer in pool.map(lambda n: (clerk, again)[n % 2].start(**form), range(6))
        }
    assert len(places) == 1


def test_a_person_on_file_starts_without_typing_the_number(clerk: Clerk, hub: Hub) -> None:
    """The sealed number of a known person serves the new case; it is the same party."""
    window.started(hub, party=PERSON)
    place = clerk.start(party=str(window.party(hub, PERSON)), item=area.THIRD).location
    with hub.engine.connect() as tx:
        parties = tx.execute(
            text("SELECT count(DISTINCT party_id), count(*) FROM cases WHERE source = 'window'")
        )
        assert parties.one() == (1, 2)
    assert place.startswith("/workbench/case/")


# ---- reuse, upload, promise, accept


def test_what_is_ticked_is_reused_once(clerk: Clerk, other: Clerk, hub: Hub) -> None:
    """The purpose and the consent are asked for; a second click adds nothing; taking back leaves it ticked again."""
    window.accepted(hub)
    case_no = window.started(hub, area.SECOND, department=area.HEALTH)
    picks = other.picks(case_no)
    assert len(picks) == 3
    without = other.act(case_no, "use", pick=picks, purpose="核验")
    assert without.status_code == 403
    assert "须经申请人同意" in without.get_json()["error"]
    assert "wb-lines" in without.get_json()["html"]
    assert _count(hub, "material_uses") == 0  # all of them or none
    assert "2 到 200 字" in other.act(case_no, "use", pick=picks, purpose="").get_json()["error"]
    consent = {"consent_way": "signed", "consent_by": "示例甲"}
    for _ in range(2):
        assert other.use(case_no, *picks, **consent).status_code == 200
    assert _count(hub, "material_uses") == 3
    assert _count(hub, "consents") == 1
    use_id = _one(hub, "SELECT id FROM material_uses ORDER BY id LIMIT 1")
    assert other.act(case_no, f"take-back/{use_id}").status_code == 200
    assert len(other.picks(case_no)) == 1
    assert other.act(case_no, f"take-back/{use_id}").status_code == 404
    nothing = other.act(case_no, "use", pick=[], purpose="核验")
    assert "先勾选" in nothing.get_json()["error"]
    for broken in ("", "x|y|z", f"{uuid.uuid4()}|material|{uuid.uuid4()}"):
        assert other.act(case_no, "use", pick=[broken], purpose="核验").status_code in (403, 404, 422)


def test_a_use_of_another_case_cannot_be_taken_back_here(clerk: Clerk, other: Clerk, hub: Hub) -> None:
    """An id of another case in the address of one's own case is not found."""
    window.accepted(hub)
    theirs = window.started(hub, area.SECOND, department=area.HEALTH)
    mine = window.started(hub, area.SECOND)
    assert other.use(theirs, other.picks(theirs)[0]).status_code == 200
    use_id = _one(hub, "SELECT id FROM material_uses")
    assert clerk.act(mine, f"take-back/{use_id}").status_code == 404
    assert _one(hub, "SELECT withdrawn_at FROM material_uses") is None
    material = _one(hub, "SELECT id FROM materials LIMIT 1")
    assert clerk.act(mine, f"remove/{material}").status_code == 404


def test_what_may_not_be_used_says_why_and_is_not_shown(other: Clerk, hub: Hub) -> None:
    """Without a grant there is a sentence and no button to look at it; what the catalogue does not share neither."""
    with hub.engine.begin() as tx:
        tx.execute(
            text("UPDATE grants SET state = 'withdrawn', end_reason = '测试' WHERE resource_code = 'YC-M3'")
        )
    try:
        window.accepted(hub)
        case_no = window.started(hub, area.SECOND, department=area.HEALTH)
        page = other.page(f"/workbench/case/{case_no}")
        plan = page[page.index("示例场所平面图") :]
        plan = plan[: plan.index("</li>")]
        assert "没有在有效期内的共享授权" in plan
        assert "data-view" not in plan
    finally:
        with hub.engine.begin() as tx:
            tx.execute(
                text("UPDATE grants SET state = 'granted', end_reason = '' WHERE resource_code = 'YC-M3'")
            )


def test_accepting_names_what_is_missing_then_gives_the_receipt(clerk: Clerk, hub: Hub) -> None:
    """Refused with every open line; once they are there it is accepted, twice is the same, and the receipt lists them."""
    case_no = window.started(hub)
    refused = clerk.act(case_no, "accept")
    assert refused.status_code == 422
    assert refused.get_json()["error"].count("尚未提交") == 5
    assert "经营场所" in refused.get_json()["error"]
    window.taken(hub, case_no)
    assert "经营场所" not in str(
        clerk.act(case_no, "field", name="address", value="示例路 2 号").get_json().get("error")
    )
    for _ in range(2):
        done = clerk.act(case_no, "accept")
        assert done.get_json()["next"] == f"/workbench/case/{case_no}/receipt"
    receipt = clerk.page(f"/workbench/case/{case_no}/receipt")
    assert "承诺办结日期" in receipt
    assert receipt.count("示例健康证明") >= 1
    assert "李窗口" in receipt
    assert (
        _one(hub, f"SELECT count(*) FROM ledger WHERE action = 'case.accepted' AND case_no = '{case_no}'")
        == 1
    )


def test_a_promise_has_a_last_day_and_can_be_cancelled(clerk: Clerk, hub: Hub) -> None:
    """容缺 only where the line allows it, within its working days; cancelling opens the line again."""
    case_no = window.started(hub, "XK-001")
    plan, licence = window.line(hub, case_no, "CL005"), window.line(hub, case_no, "CL001")
    page = clerk.page(f"/workbench/case/{case_no}")
    latest = re.search(rf'id="p-{plan.id}-until" value="([0-9-]+)"', page)
    assert latest
    late = clerk.act(case_no, f"promise/{plan.id}", until="2099-01-01", promised_by="示例甲")
    assert late.status_code == 422
    assert latest[1] in late.get_json()["error"]
    assert clerk.act(case_no, f"promise/{plan.id}", until="soon", promised_by="示例甲").status_code == 422
    assert (
        clerk.act(case_no, f"promise/{licence.id}", until=latest[1], promised_by="示例甲").status_code == 422
    )
    for _ in range(2):
        done = clerk.act(case_no, f"promise/{plan.id}", until=latest[1], promised_by="示例甲")
        assert f"容缺，{latest[1]} 前补交" in done.get_json()["html"]
    assert _count(hub, "deferrals") == 1
    assert clerk.act(case_no, f"promise/{plan.id}/cancel").status_code == 200
    assert "容缺…" in clerk.page(f"/workbench/case/{case_no}")


def test_an_upload_can_be_removed_until_acceptance(clerk: Clerk, hub: Hub) -> None:
    """Removed twice is removed once; after acceptance it stays, with a sentence."""
    case_no = window.started(hub)
    window.taken(hub, case_no, "YC-M4")
    material = _one(hub, "SELECT id FROM materials")
    for _ in range(2):
        assert clerk.act(case_no, f"remove/{material}").status_code == 200
    assert _one(hub, "SELECT state FROM materials") == "discarded"
    window.empty(hub)
    case_no = window.accepted(hub)
    material = _one(hub, "SELECT id FROM materials LIMIT 1")
    kept = clerk.act(case_no, f"remove/{material}")
    assert kept.status_code == 409
    assert "不能移除" in kept.get_json()["error"]


def test_a_withdrawn_case_is_over(clerk: Clerk, hub: Hub) -> None:
    """A reason is asked for; afterwards the page says so and every button is refused."""
    case_no = window.started(hub)
    assert clerk.act(case_no, "withdraw", reason=" ").status_code == 422
    assert clerk.act(case_no, "withdraw", reason="申请人放弃").status_code == 200
    page = clerk.page(f"/workbench/case/{case_no}")
    assert "这个办件已撤回" in page
    assert "wb-bar" not in page
    assert clerk.act(case_no, "accept").status_code == 409


def test_two_clerks_on_one_case_meet_a_sentence_not_an_error(clerk: Clerk, hub: Hub) -> None:
    """One accepts while the other withdraws, again and again: one wins, the other reads why, nothing is half done."""
    second = Clerk(hub)
    outcomes = set()
    for _ in range(5):
        window.empty(hub)
        case_no = window.started(hub)
        window.taken(hub, case_no)
        clerk.act(case_no, "field", name="address", value="示例路 1 号")
        with ThreadPoolExecutor(2) as pool:
            accepting = pool.submit(clerk.act, case_no, "accept")
            withdrawing = pool.submit(second.act, case_no, "withdraw", reason="申请人放弃")
            codes = (accepting.result().status_code, withdrawing.result().status_code)
        outcomes.add(codes)
        state = _one(hub, "SELECT state FROM cases")
        assert codes in ((200, 200), (409, 200)), codes
        assert state == "withdrawn"
        assert _count(hub, "materials") == 5
    assert outcomes


def test_fields_save_themselves_and_say_what_is_wrong(clerk: Clerk, hub: Hub) -> None:
    """A typed value is kept and shown as typed; an unknown field is not found; clearing it brings back what is on file."""
    case_no = window.started(hub)
    kept = clerk.act(case_no, "field", name="address", value=" 示例路 9 号 ").get_json()
    assert (kept["value"], kept["source"]) == ("示例路 9 号", "窗口填写")
    assert clerk.act(case_no, "field", name="nothing", value="x").status_code == 404
    assert clerk.act(case_no, "field", name="address", value="长" * 500).status_code == 422
    window.taken(hub, case_no, "YC-M1")
    back = clerk.act(case_no, "field", name="address", value="").get_json()
    assert back["value"] == "示例路 1 号"
    assert "来自" in back["source"]


def test_a_case_from_elsewhere_leads_to_its_trace(clerk: Clerk, hub: Hub) -> None:
    """A case that did not come through the window has no list here; an unknown one is not found."""
    case_no = window.started(hub)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE cases SET item_version_id = NULL"))
    assert clerk.client.get(f"/workbench/case/{case_no}").location == f"/cases/{case_no}"
    assert clerk.client.get("/workbench/case/nowhere").status_code == 404
    assert clerk.client.get(f"/workbench/party/{uuid.uuid4()}").status_code == 404


# ---- deciding on it


def test_a_decision_keeps_the_case_its_party_and_its_dates(
    hub: Hub, as_user: Callable[[str], FlaskClient]
) -> None:
    """Whatever the form sends for party and item, the decision is on the accepted case; its first step is the acceptance."""
    case_no = window.accepted(hub)
    client = as_user("approver")
    page = client.get(f"/decide/?case={case_no}").get_data(as_text=True)
    assert FIRM.name in page
    assert 'name="XK_XDR_MC"' not in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form = {
        "case": case_no, "csrf_token": token[1], "XK_XDR_MC": "别人", "XK_XDR_SHXYM": "91370102MA3C0002X7", "item": "XK-002",
        "XK_XKWS": "准予行政许可决定书", "XK_WSH": f"示许〔2026〕{case_no[-6:]}号", "XK_XKLB": "普通", "XK_NR": "准予",
        "XK_JDRQ": _today(hub), "XK_YXQZ": _today(hub), "XK_YXQZI": "2031-01-01", "XK_XKZS": area.LICENCE_NAME,
        "XK_XKBH": "YC-1", "XK_XKJG": "示范县行政审批服务局", "XK_XKJGDM": "11370100MB00000194",
    }  # fmt: skip
    answer = client.post("/decide/", data=form)
    assert answer.status_code == 302, re.findall(r'role="alert">([^<]+)', answer.get_data(as_text=True))
    assert answer.location == f"/cases/{case_no}"
    with hub.engine.connect() as tx:
        row = tx.execute(text("SELECT case_no, item_code, party_id FROM cases")).one()
        steps = list(tx.execute(text("SELECT name, handled_by FROM steps ORDER BY seq")).all())
        licence = tx.execute(text("SELECT party_id, type_code FROM licences")).one()
    assert row == (case_no, area.FIRST, window.party(hub))
    assert [step[0] for step in steps] == ["受理", "决定"]
    assert steps[0][1] == "李窗口"
    assert licence == (window.party(hub), area.LICENCE_TYPE)
    again = client.get(f"/decide/?case={case_no}")
    assert again.status_code == 409
    assert "已经作出决定" in again.get_data(as_text=True)


def test_a_case_that_is_not_accepted_cannot_be_decided(
    hub: Hub, as_user: Callable[[str], FlaskClient]
) -> None:
    """Preparing and unknown cases lead to a sentence."""
    case_no = window.started(hub)
    refused = as_user("approver").get(f"/decide/?case={case_no}")
    assert refused.status_code == 409
    assert "请先在窗口工作台受理" in refused.get_data(as_text=True)
    assert as_user("approver").get("/decide/?case=nowhere").status_code == 404


def test_a_departments_clerk_sees_the_trace_of_its_own_cases(clerk: Clerk, other: Clerk, hub: Hub) -> None:
    """The office that handles a case sees its trace; another office, to which nothing was pushed, does not."""
    case_no = window.accepted(hub)
    assert case_no in clerk.page(f"/cases/{case_no}")
    assert case_no in clerk.page("/cases/")
    assert other.client.get(f"/cases/{case_no}").status_code == 403


# ---- the receipt's code, and English


def test_the_qr_code_reads_back_as_the_cases_address(tmp_path: Any, browser: Any) -> None:
    """What a scanner reads from the drawn code is the address that opens the case."""
    address = address_of("https://hub.example.invalid", "99010120261122000001")
    svg = qr_svg(address, label="办件")
    page = browser.new_page(viewport={"width": 400, "height": 400})
    page.set_content(
        f'<body style="margin:0">{str(svg).replace("<svg ", "<svg width=300 height=300 ", 1)}</body>'
    )
    page.screenshot(path=tmp_path / "qr.png")
    page.close()
    read = zxingcpp.read_barcodes(Image.open(tmp_path / "qr.png"))
    assert [one.text for one in read] == [address]


@pytest.fixture
def english(hub: Hub) -> Clerk:
    clerk = Clerk(hub)
    clerk.client.get("/lang/en")
    return clerk


DATA = re.compile(
    "示[例范][\u4e00-\u9fff（）]*|李窗口|食品经营许可|中文|[\u4e00-\u9fff（）]*(许可|登记|备案|审查|设立|管理)[\u4e00-\u9fff（）]*"
    "|经营场所|sample"
)


def test_the_english_pages_have_no_chinese_but_data(english: Clerk, hub: Hub) -> None:
    """Every text of ours on every state of the page is English; names of parties, items and materials are data."""
    window.accepted(hub)
    case_no = window.started(hub, area.SECOND)
    pages = {
        "index": english.page("/workbench/"),
        "fault": english.find("示").get_data(as_text=True),
        "new": english.find("91370102MA3C0002X7").get_data(as_text=True),
        "nobody": english.find("nobody at all").get_data(as_text=True),
        "party": english.page(f"/workbench/party/{window.party(hub)}"),
        "case": english.page(f"/workbench/case/{case_no}"),
        "receipt": english.page(f"/workbench/case/{case_no}/receipt"),
    }
    for name, page in pages.items():
        main = page[page.index('<main id="content"') : page.index("</main>")]
        shown = re.sub(r"<[^>]+>", " ", re.sub(r'<option[^>]*>[^<]*</option>|value="[^"]*"', " ", main))
        labels = " ".join(re.findall(r'(?:placeholder|aria-label|title|data-say-\w+)="([^"]*)"', main))
        left = re.findall("[\u4e00-\u9fff]+", DATA.sub(" ", shown + labels))
        assert left == [], (name, left)


def _count(hub: Hub, table: str) -> int:
    return int(_one(hub, f"SELECT count(*) FROM {table}"))


def _one(hub: Hub, query: str) -> Any:
    with hub.engine.connect() as tx:
        return tx.scalar(text(query))


def _today(hub: Hub) -> str:
    from hub.workday import LOCAL

    return hub.desk.clock().astimezone(LOCAL).date().isoformat()
