"""The pages of sharing and reuse: who sees and does what, that figures lead to their records, in both languages."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import expect
from sqlalchemy import Connection, select, text, update

from admin.accounts import RIGHTS, ensure_user
from hub.catalogue.published import published_items
from hub.ledger import LedgerRow
from hub.material import Material
from hub.reuse.accept_case import accept_case
from hub.reuse.material_use import MaterialUse
from hub.reuse.prefill import prefill, set_field
from hub.sharing.apply_for_grant import Application, apply_for_grant
from hub.sharing.decide_grant import decide_grant
from hub.sharing.grant import Grant
from hub.sharing.objection import Objection
from hub.sharing.person import Person
from hub.sharing.review_grant import review_grant
from hub.workday import LOCAL
from storage.spreadsheet import read_rows
from tests.admin.conftest import PASSWORD, Hub, Watched, sign_in
from tests.hub import reuse_builders as built

Client = Callable[[str], FlaskClient]
OFFICE, HEALTH = "xzsp", "wjw"
PAGES = ("/sharing/grants/", "/sharing/objections/", "/reuse/uses/", "/reuse/statistics/")
ANSWERS = {"money": "100.00", "number": "1", "date": "2026-01-01", "yes_no": "yes"}


@dataclass
class Facts:
    """A party that applied twice, and grants of two departments."""

    party: uuid.UUID
    material: uuid.UUID
    first: str
    second: str
    ours: uuid.UUID  # applied for by the health office, provided by the approval office
    foreign: uuid.UUID  # between two others


def _accepted(tx: Connection, hub: Hub, item: str) -> str:
    case_no = built.start(tx, hub.desk, item, department=OFFICE, actor="user:zhang")
    built.consent(tx, hub.desk, case_no)
    for code, answer in built.answers(tx, hub.desk, case_no).items():
        usable = [one for one in answer.candidates if not one.refusal]
        if usable:
            built.use(tx, hub.desk, case_no, code, usable[0].source_id, usable[0].source_kind)
        elif answer.requirement.required:
            built.take(tx, case_no, code)
    for field in prefill(tx, case_no, hub.desk):
        if field.required and not field.value_shown:
            value = ANSWERS.get(field.type, "13800000000" if "电话" in field.label else "张三")
            set_field(tx, case_no, field.name, value, actor="user:zhang", desk=hub.desk)
    accept_case(tx, case_no, hub.desk, actor="user:zhang")
    return case_no


def _application(hub: Hub, code: str, department: str) -> Application:
    today = hub.desk.clock().astimezone(LOCAL).date()
    until = today + timedelta(days=365)
    return Application("material", code, department, "办事依据", "办事场景", "窗口使用", today, until)


@pytest.fixture(scope="module")
def facts(hub: Hub) -> Facts:
    for name, role, department in (
        ("office", "approver", OFFICE),
        ("health", "approver", HEALTH),
        ("admin2", "data_admin", None),
        ("window", "clerk", OFFICE),
    ):
        ensure_user(hub.app, name, PASSWORD, role=role, name=name, department=department)
    with hub.engine.begin() as tx:
        items = [one.code for one in published_items(tx)]
        first, second = (_accepted(tx, hub, item) for item in items[:2])
        source = (
            tx.execute(
                select(Material.id, Material.party_id)
                .join(MaterialUse, MaterialUse.material_id == Material.id)
                .where(Material.fields != {})
            ).first()
            or tx.execute(
                select(Material.id, Material.party_id).join(
                    MaterialUse, MaterialUse.material_id == Material.id
                )
            ).first()
        )
        assert source is not None
        ours = apply_for_grant(
            tx, _application(hub, "CL003", HEALTH), hub.desk, person=Person("user:health", HEALTH)
        )
        foreign = apply_for_grant(
            tx, _application(hub, "CL012", "zhzf"), hub.desk, person=Person("user:z", "zhzf")
        )
    return Facts(source.party_id, source.id, first, second, ours, foreign)


def body(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status, page[:600]
    return page


def post(client: FlaskClient, path: str, **fields: Any) -> Any:
    page = client.get("/").get_data(as_text=True)
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return client.post(path, data={"csrf_token": found[1], **fields}, follow_redirects=True)


def said(client: FlaskClient, path: str, **fields: Any) -> str:
    return str(post(client, path, **fields).get_data(as_text=True))


def state(hub: Hub, grant: uuid.UUID) -> str:
    with hub.engine.connect() as tx:
        return str(tx.scalar(select(Grant.state).where(Grant.id == grant)))


def test_each_role_opens_its_pages(facts: Facts, as_user: Client) -> None:
    """The lists and the statistics are everybody's of RIGHTS; limits are the data administrator's and the overseer's."""
    for role in RIGHTS:
        client = as_user(role)
        for path in PAGES:
            body(client, path)
        assert client.get("/sharing/limits/").status_code == (
            200 if role in ("data_admin", "overseer") else 403
        )
        assert client.get(f"/reuse/party/{facts.party}").status_code == (
            403 if role in ("supervisor", "overseer") else 200
        )


def test_a_request_from_the_form_to_the_grant(hub: Hub, facts: Facts) -> None:
    """The department applies, a data administrator reviews, the provider grants; every page says what comes next."""
    health, office = sign_in(hub.app, "health"), sign_in(hub.app, "office")
    admin = sign_in(hub.app, "admin2")
    assert "不予共享" in body(health, "/sharing/grants/apply")
    assert "场所平面图" in body(health, "/sharing/grants/apply?only=1&q=平面图")
    form = body(health, "/sharing/grants/apply?kind=material&code=CL005")
    assert "10 个工作日内合规审查并由提供部门审核" in form
    fields = {
        "kind": "material",
        "code": "CL005",
        "basis": "公共场所卫生管理条例",
        "scene": "办理卫生许可",
        "scope": "窗口",
    }
    wrong = said(health, "/sharing/grants/apply", **fields, period_from="2026-01-01", period_to="2039-01-01")
    assert "不超过 3 年" in wrong
    assert "公共场所卫生管理条例" in wrong  # nothing typed is lost
    page = said(health, "/sharing/grants/apply", **fields)
    assert "申请已提交" in page
    with hub.engine.connect() as tx:
        grant = tx.scalar(select(Grant.id).where(Grant.resource_code == "CL005"))
    assert grant is not None
    address = f"/sharing/grants/{grant}"
    assert "通过审查" not in body(office, address)
    assert "已有一份正在办理的申请" in said(health, "/sharing/grants/apply", **fields)
    assert "转提供部门审核" in said(admin, f"{address}/review", verdict="pass", reason="齐全")
    assert "同意授权" not in body(admin, address)
    assert "同意授权" in body(office, address)
    assert "已授权" in said(office, f"{address}/decide", verdict="grant")
    assert "现行有效" in body(health, address)
    assert "请写明理由" in said(office, f"{address}/withdraw", reason="")
    assert "授权已收回" in said(office, f"{address}/withdraw", reason="职责调整")
    assert state(hub, grant) == "withdrawn"


def test_another_departments_grant_is_out_of_reach(hub: Hub, facts: Facts) -> None:
    """IDOR: a department's user neither sees nor moves a grant between two others; nonsense addresses are not found."""
    office = sign_in(hub.app, "office")
    assert str(facts.foreign) not in body(office, "/sharing/grants/")
    assert str(facts.ours) in body(office, "/sharing/grants/")
    body(office, f"/sharing/grants/{facts.foreign}", 403)
    for act, fields in (
        ("decide", {"verdict": "grant"}),
        ("cancel", {}),
        ("withdraw", {"reason": "测试理由"}),
    ):
        answer = post(office, f"/sharing/grants/{facts.foreign}/{act}", **fields)
        assert answer.status_code in (403, 404)
    answer = post(office, f"/sharing/grants/{facts.ours}/review", verdict="pass")
    assert "同意授权" not in answer.get_data(as_text=True)
    assert state(hub, facts.foreign) == "applied"
    assert state(hub, facts.ours) == "applied"
    body(office, "/sharing/grants/nonsense", 404)
    body(office, f"/sharing/grants/{uuid.uuid4()}", 404)


def test_the_applicant_does_not_decide_through_the_page(hub: Hub, facts: Facts, as_user: Client) -> None:
    """A data administrator applies for a department: the review of the same person is refused with a sentence."""
    admin = as_user("data_admin")
    page = said(
        admin,
        "/sharing/grants/apply",
        kind="material",
        code="CL007",
        department=HEALTH,
        basis="依据文件",
        scene="办理业务",
        scope="窗口",
    )
    assert "申请已提交" in page
    with hub.engine.connect() as tx:
        grant = tx.scalar(select(Grant.id).where(Grant.resource_code == "CL007"))
    assert "申请人不能审查、审核自己的申请" in said(admin, f"/sharing/grants/{grant}/review", verdict="pass")


def test_overdue_is_seen(hub: Hub, facts: Facts, as_user: Client) -> None:
    """A request past its clock is red in the list, found by the filter, and counted on the home page."""
    with hub.engine.begin() as tx:
        tx.execute(
            update(Grant).where(Grant.id == facts.ours).values(reply_by=text("now() - interval '9 days'"))
        )
    admin = as_user("data_admin")
    page = body(admin, "/sharing/grants/?state=overdue")
    assert "共 1 条" in page
    assert re.search(r"超期 \d+ 个工作日", page)
    home = body(admin, "/")
    assert "待办共享申请" in home
    assert "其中超期 1 件" in home
    assert "待办共享申请" in body(sign_in(hub.app, "office"), "/")


def test_an_objection_through_the_pages(hub: Hub, facts: Facts) -> None:
    """Raised at the window, verified and kept by the provider, answered; a stranger's department cannot look."""
    window, office, health = (sign_in(hub.app, name) for name in ("window", "office", "health"))
    address = f"/sharing/objections/new?case={facts.second}&amp;material={facts.material}"
    assert address in body(window, "/reuse/uses/")
    assert address in body(sign_in(hub.app, "clerk"), f"/cases/{facts.second}")
    assert "写清疑点" in body(window, address.replace("&amp;", "&"))
    short = said(window, "/sharing/objections/new", material=facts.material, statement="错")
    assert "请写明疑点和理由" in short
    page = said(
        window,
        "/sharing/objections/new",
        material=facts.material,
        statement="与原件不一致",
        case=facts.second,
    )
    assert "已标注" in page
    assert "开始核实" not in page  # the clerk may not settle
    with hub.engine.connect() as tx:
        number = tx.scalar(select(Objection.id))
    one = f"/sharing/objections/{number}"
    assert post(window, f"{one}/verify").status_code == 403
    body(health, one, 403)
    assert "与原件不一致" not in body(health, "/sharing/objections/")
    assert "已开始核实" in said(office, f"{one}/verify")
    assert "请写明核实情况" in said(office, f"{one}/conclude", verdict="reject", reason="")
    kept = said(office, f"{one}/conclude", verdict="correct", remedy="fields", reason="门牌登记有误")
    assert "没有要更正的内容" in kept
    assert "门牌登记有误" in kept  # nothing typed is lost
    assert "已维持原样" in said(office, f"{one}/conclude", verdict="reject", reason="经核对一致")
    assert "疑点标记已撤下" in said(office, f"{one}/answer", reason="一致，请照用。")
    assert "一致，请照用。" in body(window, one)


def test_statistics_lead_to_the_records_they_count(hub: Hub, facts: Facts, as_user: Client) -> None:
    """The figure on the page is the number of records behind its link; so says the export, and so the home page."""
    admin = as_user("data_admin")
    with hub.engine.connect() as tx:
        uses = tx.execute(text("SELECT count(*) FROM material_uses WHERE withdrawn_at IS NULL")).scalar_one()
    assert uses > 0
    page = body(admin, "/reuse/statistics/")
    link = re.search(r'href="(/reuse/uses/[^"]+)"><span>免提交次数</span><b>(\d+)</b>', page)
    assert link
    assert int(link[2]) == uses
    assert f"共 {uses} 条" in body(admin, link[1].replace("&amp;", "&"))
    rows = list(csv.reader(io.StringIO(admin.get("/reuse/statistics/export.csv").get_data(as_text=True))))
    assert rows[1][0] == "合计"
    assert rows[1][4] == str(uses)
    assert re.search(rf"本月免提交次数</span><b>{uses}</b>", body(as_user("overseer"), "/"))
    assert "没有受理的办件" in body(admin, "/reuse/statistics/?from=2020-01-01&to=2020-01-31")
    body(admin, "/reuse/statistics/?from=nonsense&to=9999-99-99&department=';--")


def test_statistics_as_a_workbook(facts: Facts, as_user: Client, tmp_path: Any) -> None:
    """The XLSX holds the total and every table."""
    path = tmp_path / "reuse.xlsx"
    path.write_bytes(as_user("data_admin").get("/reuse/statistics/export.xlsx").get_data())
    with read_rows(path) as rows:
        kinds = {values[0] for _, values in list(rows)[1:]}
    assert {"合计", "按月份", "按事项", "按部门"} <= kinds


def test_a_department_sees_its_own_uses_only(hub: Hub, facts: Facts) -> None:
    """The office used and provided; the health office had no part in it, neither in the list nor in the figures."""
    office, health = sign_in(hub.app, "office"), sign_in(hub.app, "health")
    assert facts.second in body(office, "/reuse/uses/")
    assert facts.second not in body(health, "/reuse/uses/")
    assert "没有受理的办件" in body(health, f"/reuse/statistics/?department={OFFICE}")
    assert f"共 {0} 条" in body(health, f"/reuse/uses/?party={facts.party}")


def test_the_applicant_is_shown_who_used_what(hub: Hub, facts: Facts, as_user: Client) -> None:
    """Uses with purpose, department and consent stand on one printable page, and opening it is in the ledger."""
    page = body(as_user("clerk"), f"/reuse/party/{facts.party}")
    for words in ("谁用过我的材料", "办理本事项", "书面签字", facts.second, "示范县行政审批服务局"):
        assert words in page
    with hub.engine.connect() as tx:
        shown = tx.scalars(
            select(LedgerRow.actor).where(
                LedgerRow.action == "party.uses_shown", LedgerRow.subject == f"party:{facts.party}"
            )
        ).all()
    assert "user:clerk" in shown
    assert f"/reuse/party/{facts.party}" in body(as_user("clerk"), "/parties/")
    body(as_user("clerk"), "/reuse/party/nonsense", 404)


def test_limits_are_changed_on_the_record(hub: Hub, facts: Facts, as_user: Client) -> None:
    """The data administrator sets a clock with its basis; nonsense is refused; the overseer looks only."""
    admin, overseer = as_user("data_admin"), as_user("overseer")
    assert "时限已修改" in said(admin, "/sharing/limits/grant.share", days="15", source="示范县〔2026〕3号")
    assert "0 到 250 的整数" in said(admin, "/sharing/limits/grant.share", days="-1", source="文件")
    assert "请写明依据" in said(admin, "/sharing/limits/grant.share", days="5", source="")
    assert post(overseer, "/sharing/limits/grant.share", days="5", source="文件").status_code == 403
    with hub.engine.connect() as tx:
        detail = tx.scalar(select(LedgerRow.detail).where(LedgerRow.action == "limit.changed"))
    assert (detail["before"], detail["after"]) == (20, 15)


ENGLISH = (
    "/sharing/grants/",
    "/sharing/grants/apply",
    "/sharing/grants/apply?kind=material&code=CL002",
    "/sharing/objections/",
    "/sharing/limits/",
    "/reuse/uses/",
    "/reuse/statistics/",
)


@pytest.mark.parametrize("path", ENGLISH)
def test_the_pages_speak_english(facts: Facts, as_user: Client, path: str) -> None:
    """Headings, labels and buttons are English; only data stays Chinese."""
    page = body(as_user("data_admin"), f"{path}{'&' if '?' in path else '?'}_l_=en")
    main = page.split('<main id="content"')[1].split("</main>")[0]
    for tag in ("h1", "h2", "th", "legend"):
        for heading in re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", main, re.DOTALL):
            plain = re.sub(r"<[^>]+>", "", heading)
            assert not re.search(r"[\u4e00-\u9fff]", plain), plain


def test_a_grant_shows_what_was_used_under_it(hub: Hub, facts: Facts, as_user: Client) -> None:
    """The number of uses on a grant leads to exactly those records."""
    with hub.engine.begin() as tx:
        grant = apply_for_grant(
            tx, _application(hub, "CL008", HEALTH), hub.desk, person=Person("user:health", HEALTH)
        )
        review_grant(tx, grant, hub.desk, person=Person("user:a", None, administers=True))
        decide_grant(tx, grant, hub.desk, person=Person("user:o", OFFICE), grant=True)
        one = tx.scalar(select(MaterialUse.id))
        tx.execute(update(MaterialUse).where(MaterialUse.id == one).values(grant_id=grant))
    admin = as_user("data_admin")
    assert f"/reuse/uses/?grant={grant}" in body(admin, f"/sharing/grants/{grant}")
    assert "共 1 条" in body(admin, f"/reuse/uses/?grant={grant}")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_on_the_pages(
    facts: Facts, address: str, open_as: Callable[..., Watched], language: str
) -> None:
    """axe's automatic checks pass on every page, in both languages, and nothing sticks out at 1366 x 768."""
    page = open_as("data_admin").page
    page.goto(f"{address}/lang/{language}")
    more = (
        f"/sharing/grants/{facts.ours}",
        f"/sharing/objections/new?material={facts.material}",
        f"/reuse/party/{facts.party}",
        "/reuse/statistics/?from=2020-01-01&to=2020-01-31",
    )
    for path in (*ENGLISH, *more):
        page.goto(f"{address}{path}")
        broken = [
            f"{path} {rule['id']}: {[node['target'] for node in rule['nodes'][:3]]} {rule['nodes'][0]['failureSummary']}"
            for rule in Axe().run(page).response["violations"]
        ]
        assert broken == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_resources_are_found_as_one_types(
    facts: Facts, address: str, open_as: Callable[..., Watched]
) -> None:
    """The list of resources follows the typing, and a chosen one opens its form by the keyboard alone."""
    page = open_as("data_admin").page
    page.goto(f"{address}/sharing/grants/apply")
    page.keyboard.type("平面图")
    expect(page.locator(".resource")).to_have_count(1)
    page.focus("a.resource")
    page.keyboard.press("Enter")
    page.wait_for_selector("textarea[name=basis]")
    assert "场所平面图" in page.inner_text("main")
    page.fill("[data-narrow]", "食品")
    assert page.locator("#items label:visible").count() == 1
