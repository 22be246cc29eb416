"""The board lights up as departments sign, and a home page tells what to do first until it is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect

from admin.board.figures import board
from tests.admin import cases
from tests.admin.conftest import Hub, Watched

Client = Callable[[str], FlaskClient]
DECISIONS = 3


def home(as_user: Client, user: str) -> str:
    return as_user(user).get("/").get_data(as_text=True)


@pytest.fixture(scope="module")
def empty_homes(hub: Hub, as_user: Client) -> dict[str, str]:
    """The home pages as they were before anything was decided."""
    return {
        user: home(as_user, user) for user in ("data_admin", "approver", "supervisor", "overseer", "clerk")
    }


@pytest.fixture(scope="module", autouse=True)
def facts(hub: Hub, empty_homes: dict[str, str]) -> None:
    """A few decisions, each pushed to two departments, none signed for."""
    cases.load(hub, DECISIONS)


def sign(hub: Hub, department: str) -> None:
    with hub.engine.connect() as tx:
        pushes = cases.pushes_to(tx, department)
    cases.arrive(hub, *(cases.receipt(hub, push, "arrived", "signed") for push in pushes))


def test_a_tile_lights_up_without_a_reload(
    hub: Hub, open_as: Callable[..., Watched], as_user: Client
) -> None:
    """Claim: on an open board a department's tile is lit once it has signed for everything, and the decision's line
    names who has signed; nobody else's tile is; a supervising department sees no board."""
    page: Any = open_as("overseer").page
    page.goto(page.url.split("/login")[0].rstrip("/") + "/board/")
    tile = page.locator("[data-code=scjg]")
    expect(tile).to_have_class("busy")
    expect(page.locator(".board-cases li")).to_have_count(DECISIONS)
    sign(hub, "scjg")
    expect(tile).to_contain_class("lit")
    expect(page.locator("[data-code=zhzf]")).to_have_class("busy")
    expect(page.locator(".board-cases strong").first).to_have_text("1 / 2 部门")
    assert as_user("supervisor").get("/board/").status_code in (302, 403)


def test_figures_count_each_push_once(hub: Hub) -> None:
    """Claim: the sums are those of the pushes, also where a department has signed, and one that has said something of
    an inspection has its number."""
    sign(hub, "scjg")
    cases.arrive(hub, cases.finding(hub, cases.any_push(hub, "scjg")))
    with hub.engine.connect() as tx:
        seen = board(tx, datetime.now(UTC))
    assert (seen.decisions, seen.total, seen.signed, seen.lit) == (DECISIONS, 2 * DECISIONS, DECISIONS, 1)
    assert {one.code: (one.percent, one.findings) for one in seen.tiles} == {"scjg": (100, 1), "zhzf": (0, 0)}
    assert [len(one.signed) + len(one.waiting) for one in seen.newest] == [2] * DECISIONS


def test_what_to_do_first_is_gone_once_done(hub: Hub, as_user: Client, empty_homes: dict[str, str]) -> None:
    """Claim: every empty home page says what to do first; a step that is done is ticked, and with the last of them the
    whole of it is gone."""
    assert all("first-steps" in page for page in empty_homes.values())
    sign(hub, "scjg")
    cases.arrive(hub, cases.finding(hub, cases.any_push(hub, "scjg")))
    assert "first-steps" not in home(as_user, "supervisor")
    assert '<li class="done"><a href="/loads/">' in home(as_user, "data_admin")
    assert '<li class="done"><a href="/loads/">' not in empty_homes["data_admin"]
