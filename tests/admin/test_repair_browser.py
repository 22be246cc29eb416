"""In a browser: many messages settled one by one with their results, a choice of notices that narrows what comes live."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert, select

from hub.deciding.decide import decide
from hub.exchange.inbox import Quarantined
from hub.exchange.take_in import take_in
from hub.item import ServiceItem
from hub.noticing.notice import Notice
from tests.admin.conftest import Hub, Watched
from tests.hub.builders import a_case, a_finding

pytestmark = pytest.mark.timeout(900)


def test_chosen_messages_are_settled_one_by_one(hub: Hub, open_as: Callable[..., Watched]) -> None:
    """All are ticked with one click; after the button each has its line, those that passed can no longer be chosen."""
    with hub.engine.begin() as tx:
        early = [
            a_finding(hub.desk, hub.signers["scjg"], a_case(n, area="990101").case_no, f"B{n}", "3", "3")
            for n in range(601, 613)
        ]
        take_in(tx, early, [], hub.desk)
        decide(tx, [a_case(n, area="990101") for n in range(601, 611)], hub.desk, actor="user:test")
    page = open_as("data_admin").page
    page.goto(page.url.rstrip("/") + "/quarantine/?state=held&cause=unknown_case")
    page.check("[data-check-all]")
    assert page.inner_text("[data-bulk-count]") == "12"
    page.fill("#bulk input[name=reason]", "办件已补录")
    page.click("#bulk button[value=replay]")
    page.wait_for_selector("[data-results] li:nth-child(12)")
    assert page.inner_text("#bulk output") == "已处理 12 / 12，未成功 2"
    assert page.locator("[data-results] .dot.bad").count() == 2
    assert page.locator("input[name=id]").count() == 2
    with hub.engine.connect() as tx:
        states = tx.execute(select(Quarantined.state)).scalars().all()
    assert sorted(states) == ["held"] * 2 + ["replayed"] * 10


def test_a_choice_of_items_narrows_what_comes_live(hub: Hub, open_as: Callable[..., Watched]) -> None:
    """After choosing one item by typing a part of its name, a notice of another item stays away and one of the chosen comes,
    opens by its title, and is handled; the small screen shows all of it without scrolling sideways."""
    with hub.engine.connect() as tx:
        mine, other = tx.execute(select(ServiceItem.code, ServiceItem.name).order_by(ServiceItem.code)).all()[
            :2
        ]
    page = open_as("clerk", width=390, height=800).page
    root = page.url.rstrip("/")
    page.goto(root + "/notices/settings")
    assert not page.is_checked("input[name=sound]")
    page.fill("[data-filter-list]", mine.name)
    assert page.locator("#notice-items li:visible").count() == 1
    page.check(f"input[value='{mine.code}']")
    page.click("main form button.primary")
    page.wait_for_selector("[data-live-state]:not(.off), .toasts", state="attached")
    with hub.engine.begin() as tx:
        for item, title in ((other.code, "别的事项"), (mine.code, "我的事项")):
            tx.execute(
                insert(Notice).values(
                    audience="clerk", severity="alert", title=title, body="请核实", item_code=item
                )
            )
    page.wait_for_selector(".toast >> text=我的事项")
    assert page.locator("text=别的事项").count() == 0
    assert page.title().startswith("(1)")
    page.click(".toast a >> text=我的事项")
    page.fill("textarea[name=reason]", "已上门核实")
    page.click("main form button.primary")
    page.wait_for_selector("text=已上门核实")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
