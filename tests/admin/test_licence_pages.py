"""The pages of licences: the list and its filters, one licence with everything about it, acts, notices to holders."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin import cases
from tests.admin.conftest import Hub

Client = Callable[[str], FlaskClient]


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
    assert held.number in whole and other.number in whole and "标识存疑" in whole
    for path, shown, hidden in (
        ("/licences/?status=02", held, other),
        ("/licences/?held=scjg", held, other),
        ("/licences/?held=any", held, other),
        ("/licences/?doubt=fault", other, held),
        ("/licences/?ends=60", other, held),
    ):
        page = body(client, path)
        assert shown.number in page and hidden.number not in page, path
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
    assert "暂扣" in page and "示范县市场监督管理局" in page and "经营地址与许可不符" in page
    assert "处置" not in page.split("lic-state")[0].split("<main")[1]
    page = body(as_user("supervisor"), f"/licences/{held}")
    assert "/act/" not in page
