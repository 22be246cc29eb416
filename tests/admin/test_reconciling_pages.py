"""对账 on the screen: a run is begun, read, acted on and taken away, by those who may."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdfium2
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select, text

from hub.reconciling.reconcile import Run, reconcile, start_run
from hub.reconciling.reconciliation import ReconciliationDifference
from hub.workday import LOCAL
from tests.admin import cases
from tests.admin.conftest import Hub


@pytest.fixture(scope="module")
def run(hub: Hub) -> Run:
    """Five cases, none signed for and all late; what was never pushed, too."""
    cases.load(hub, 5)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE pushes SET sign_by = now() - interval '1 day'"))
        tx.execute(
            text(
                "DELETE FROM pushes WHERE department = 'zhzf' AND case_no = (SELECT max(case_no) FROM pushes)"
            )
        )
        first, last = tx.execute(text("SELECT min(decided_on), max(decided_on) FROM decisions")).one()
        started = start_run(tx, first, last, hub.desk, actor="user:test")
    return reconcile(hub.engine, started, hub.desk)


def found(hub: Hub, run: Run) -> list[Any]:
    with hub.engine.connect() as tx:
        columns = ReconciliationDifference.__table__.columns
        return list(tx.execute(select(*columns).where(columns.run_id == run.id).order_by(columns.id)))


def test_a_run_shows_every_department_and_difference(
    run: Run, hub: Hub, as_user: Callable[[str], FlaskClient]
) -> None:
    """The page has a line for each department, its items when asked, and the differences with their words."""
    page = as_user("data_admin").get(f"/reconciling/runs/{run.id}/").get_data(as_text=True)
    items = as_user("data_admin").get(f"/reconciling/runs/{run.id}/?department=scjg").get_data(as_text=True)

    assert run.differences == 10
    assert "示范县市场监督管理局" in page
    assert "应推未推" in page
    assert "没有到达回执" in page
    assert "按事项：示范县市场监督管理局" in items
    assert (
        as_user("data_admin")
        .get(f"/reconciling/runs/{run.id}/pushes/?department=scjg&stage=signed")
        .status_code
        == 200
    )


def test_a_departments_user_sees_its_own_only(run: Run, as_user: Callable[[str], FlaskClient]) -> None:
    """The supervisor of one department sees neither lines nor differences nor letters of another, and acts on none."""
    client = as_user("supervisor")
    page = client.get(f"/reconciling/runs/{run.id}/").get_data(as_text=True)
    sheet = client.get(f"/reconciling/runs/{run.id}/export.csv").get_data(as_text=True)
    letter = client.get(f"/reconciling/runs/{run.id}/letter.pdf?department=zhzf")

    assert "示范县综合行政执法局" not in page.split("<main")[-1].split('id="differences"')[0]
    assert "示范县综合行政执法局" not in sheet
    assert "zhzf" not in letter.headers["Content-Disposition"].lower()
    assert client.post(f"/reconciling/runs/{run.id}/resend").status_code in (302, 400, 403)


def test_a_run_is_begun_by_a_button(
    hub: Hub, run: Run, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]
) -> None:
    """A period is counted in the background; one that has not come yet is refused with a sentence."""
    client, token = as_user("overseer"), csrf("overseer")
    day = datetime.now(UTC).astimezone(LOCAL).date()
    answer = client.post("/reconciling/start", data={"csrf_token": token, "from": day, "to": day})
    later = {"csrf_token": token, "from": day + timedelta(days=9), "to": day + timedelta(days=10)}
    refused = client.post("/reconciling/start", data=later, follow_redirects=True)

    assert "/reconciling/runs/" in answer.location
    assert client.get(answer.location).status_code == 200
    assert "还没有到" in refused.get_data(as_text=True)
    assert client.get("/reconciling/").status_code == 200


def test_a_letter_is_the_same_every_time_and_can_be_searched(
    run: Run, as_user: Callable[[str], FlaskClient]
) -> None:
    """The PDF names its department, figures and differences as text; the same run gives the same bytes; so do sheets."""
    client = as_user("overseer")
    address = f"/reconciling/runs/{run.id}/letter.pdf?department=scjg"
    first, second = client.get(address).data, client.get(address).data
    document = pypdfium2.PdfDocument(first)
    said = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    sheets = client.get(f"/reconciling/runs/{run.id}/letter.xlsx")
    book = load_workbook(io.BytesIO(sheets.data), read_only=True)

    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    assert "示范县市场监督管理局" in said
    assert "应推送贵单位的审批决定 5 件" in said.replace("\r\n", "")
    assert "第 1 页 共" in said
    assert book.sheetnames == ["对账函", "按部门", "按事项", "差异", "未反馈办件"]
    book.close()


def test_differences_are_resent_and_explained(
    hub: Hub, run: Run, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]
) -> None:
    """Picked differences go out again or are explained, with a reason that the page asks for."""
    client, token = as_user("data_admin"), csrf("data_admin")
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE outbox SET published_at = now() WHERE published_at IS NULL"))
    late = next(one for one in found(hub, run) if one.kind == "not_arrived")
    missing = next(one for one in found(hub, run) if one.kind == "not_pushed")
    base = {"csrf_token": token, "reason": "部门重装了系统"}
    sent = client.post(
        f"/reconciling/runs/{run.id}/resend", data={**base, "id": late.id}, follow_redirects=True
    )
    nothing = client.post(f"/reconciling/runs/{run.id}/resend", data=base, follow_redirects=True)
    client.post(f"/reconciling/runs/{run.id}/settle", data={**base, "id": missing.id})
    states = {one.id: one.state for one in found(hub, run)}

    assert "1 条消息排入补发" in sent.get_data(as_text=True)
    assert "请先在左边勾选" in nothing.get_data(as_text=True)
    assert (states[late.id], states[missing.id]) == ("resent", "settled")


def test_all_of_a_page_are_picked_with_one_click(
    hub: Hub, run: Run, open_as: Callable[..., Any], address: str
) -> None:
    """One box picks every difference of the page; what is picked is explained with one reason."""
    page = open_as("data_admin").page
    page.goto(f"{address}/reconciling/runs/{run.id}/?kind=not_arrived")
    page.check("[data-all]")
    page.fill("#deal [name=reason]", "部门已经书面说明")
    page.click("#deal button[formaction]")
    page.wait_for_selector(".flash")
    settled = [one for one in found(hub, run) if one.kind == "not_arrived"]

    assert {one.state for one in settled} == {"settled"}
