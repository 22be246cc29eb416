"""Push rules: drafts, versions, trying, coverage, limits - and the rulebook that deciding uses."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from hub.catalogue.faults import Faulty
from hub.department import Department
from hub.errors import Conflict
from hub.item import ServiceItem
from hub.ports import Desk
from hub.pushing.push import Push
from hub.pushing.rulebook import Marks, Rule, Rulebook
from hub.pushing.rules.case_package import case_package
from hub.pushing.rules.draft_rule import (
    copy_rule,
    discard_rule_draft,
    draft_rule,
    rule_version,
    rule_versions,
    save_rule,
)
from hub.pushing.rules.limits import all_limits, inherited, save_limit
from hub.pushing.rules.overlaps_and_gaps import coverage
from hub.pushing.rules.publish_rule import publish_rule, withdraw_rule
from hub.pushing.rules.rule import PushRule
from hub.pushing.rules.try_rule import hidden, try_rules
from schemas import loads, violations
from tests.hub.builders import decided, packages

ACTOR = "user:admin"


def a_rule(tx: Connection, *departments: str | dict[str, Any], **said: Any) -> int:
    """A published rule, by the real steps."""
    rule_id = draft_rule(tx, None, actor=ACTOR)
    rows = [one if isinstance(one, dict) else {"department": one} for one in departments]
    save_rule(tx, rule_id, {"name": "测试规则", "departments": rows, **said}, actor=ACTOR)
    publish_rule(tx, rule_id, actor=ACTOR)
    return rule_id


def marks(**changes: Any) -> Marks:
    given_ = {"item_code": "XK-001", "area_code": "990101", "result_type": "0", "party_kind": "natural"}
    return Marks(**{**given_, **changes})


_DAYS = st.one_of(st.none(), st.integers(0, 9))
_PATHS = st.sets(st.sampled_from(["case.legal", "elements.A", "licence"]), max_size=3).map(tuple)
_RULE = st.builds(
    Rule,
    st.integers(1, 5),
    st.just("规则"),
    st.sampled_from([(), ("XK-001",), ("XK-002",)]),
    st.just(()),
    st.just(()),
    st.just(()),
    st.just(()),
    st.booleans(),
    st.sampled_from(["a", "b"]),
    st.tuples(_DAYS, _DAYS, _DAYS, _DAYS),
    _PATHS,
    _PATHS,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(_RULE, max_size=8), st.integers())
def test_what_is_owed_does_not_depend_on_the_order_of_rules(rules: list[Rule], seed: int) -> None:
    """However the rules come out of the table, a decision is owed to the same departments in the same way."""
    limits: Any = {(None, None): (3, 3, 20, None), ("XK-001", "a"): (1, None, None, None)}
    mixed = random.Random(seed).sample(rules, len(rules))

    assert Rulebook(tuple(rules), limits, {}).owed(marks()) == Rulebook(tuple(mixed), limits, {}).owed(
        marks()
    )


def test_a_draft_counts_for_nothing_and_a_version_takes_the_place_of_the_one_before(
    county: Engine, desk: Desk
) -> None:
    """Only what is published is decided by; a new version ends the old one; pushes keep the one they were made by."""
    with county.begin() as tx:
        tx.execute(update(PushRule).values(state="withdrawn", ended_by="x", ended_at=text("now()")))
        first = a_rule(tx, {"department": "scjg", "sign_days": 5})
        again = draft_rule(tx, first, actor=ACTOR)
        assert draft_rule(tx, first, actor=ACTOR) == again
        save_rule(tx, again, {"name": "改后", "departments": [{"department": "zhzf"}]}, actor=ACTOR)
    decided(county, desk)
    with county.begin() as tx:
        assert tx.execute(select(Push.department, Push.rule_id)).all() == [("scjg", first)]
        publish_rule(tx, again, actor=ACTOR)
        assert publish_rule(tx, again, actor=ACTOR) == 2
        states = [(one.number, one.state) for one in rule_versions(tx, rule_version(tx, again).line)]
        assert states == [(2, "published"), (1, "superseded")]
        assert tx.execute(select(Push.department, Push.rule_id)).all() == [("scjg", first)]
        withdraw_rule(tx, again, actor=ACTOR, reason="不再需要")
        with pytest.raises(Conflict, match="没有在用"):
            withdraw_rule(tx, again, actor=ACTOR, reason="不再需要")
        copied = copy_rule(tx, again, actor=ACTOR)
        assert rule_version(tx, copied).content.name == "改后（副本）"
        discard_rule_draft(tx, copied, actor=ACTOR)


def test_what_is_published_stands_in_the_database_too(county: Engine) -> None:
    """Neither a published rule nor whom it names can be changed, even past the use cases."""
    for statement in (
        "UPDATE push_rules SET item_codes = '{XK-001}'",
        "UPDATE push_rule_departments SET sign_days = 1",
        "DELETE FROM push_rule_departments",
    ):
        with pytest.raises(IntegrityError, match="does not change"), county.begin() as tx:
            tx.execute(text(statement))


def test_every_wrong_box_is_named_at_once(county: Engine) -> None:
    """A refused save names each fault with its part, line and box, and saves nothing."""
    said = {
        "name": "",
        "item_codes": ["没有"],
        "area_prefixes": "ab",
        "result_types": ["x"],
        "conditions": [{"name": "XK_NR", "is": "equals", "value": ""}],
        "departments": [
            {"department": "scjg", "sign_days": "999", "left_out": ["case.project_no"], "hears": ["x"]},
            {"department": "scjg"},
        ],
    }
    with county.begin() as tx, pytest.raises(Faulty) as refused:
        save_rule(tx, draft_rule(tx, None, actor=ACTOR), said, actor=ACTOR)

    assert {(one.part, one.line, one.field) for one in refused.value.faults} == {
        ("header", 0, "name"), ("header", 0, "item_codes"), ("header", 0, "area_prefixes"), ("header", 0, "result_types"),
        ("conditions", 1, "value"), ("departments", 1, "sign_days"), ("departments", 1, "withheld"),
        ("departments", 1, "hears"), ("departments", 2, "department"),
    }  # fmt: skip
    with county.begin() as tx:
        rule_id = draft_rule(tx, None, actor=ACTOR)
        with pytest.raises(Faulty, match="没有写推送给哪个部门"):
            publish_rule(tx, rule_id, actor=ACTOR)
        with pytest.raises(Conflict, match="刚被别人改过"):
            save_rule(tx, rule_id, {"name": "x"}, actor=ACTOR, seen="another")


def test_trying_a_real_case_says_who_would_get_it_why_and_what_is_withheld(
    county: Engine, desk: Desk
) -> None:
    """The answer names rules, conditions that hold or not, limits as dates, and before and after of the package."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        draft_id = draft_rule(tx, None, actor=ACTOR)
        row = {
            "department": "zhzf",
            "sign_days": 1,
            "masked": ["elements.XK_XDR_MC"],
            "left_out": ["licence"],
        }
        condition = {"name": "XK_WSH", "is": "contains", "value": "示许"}
        said = {"name": "新", "departments": [row], "conditions": [condition], "area_prefixes": "99"}
        draft = save_rule(tx, draft_id, said, actor=ACTOR)
        found = case_package(tx, case.case_no, desk)
        tried = try_rules(tx, found.marks, date(2026, 9, 18), draft)
        elsewhere = try_rules(tx, marks(area_code="110000"), date(2026, 9, 18), draft)
        assert tx.execute(select(PushRule.state).where(PushRule.id == draft_id)).scalar() == "draft"

    assert [(one.department, one.news) for one in tried.then] == [("scjg", ""), ("zhzf", "changed")]
    then = tried.then[1]
    assert (then.owed.days[0], then.clock.sign_by and then.clock.sign_by.date()) == (1, date(2026, 9, 21))
    assert all(one.holds for one in tried.answers[0].reasons)
    assert [one.holds for one in elsewhere.answers[0].reasons] == [False, False]
    places = {one.path: one.after for one in hidden(found.data, then.owed, found.taken_for)}
    assert places["licence.certificateNumber"] is None
    assert "*" in str(places["elements.XK_XDR_MC"])


def test_a_department_gets_its_package_without_what_is_withheld(county: Engine, desk: Desk) -> None:
    """The signed bytes lack what is left out and say so; another department's do not."""
    with county.begin() as tx:
        a_rule(
            tx,
            {"department": "zhzf", "left_out": ["case.legal", "licence"], "masked": ["elements.XK_XDR_ZJHM"]},
        )
    (case,) = decided(county, desk)
    with county.begin() as tx:
        rows = {code: loads(bytes(row.value)) for code, row in packages(tx, case.case_no).items()}
        kept = dict(tx.execute(select(Push.department, Push.withheld)).all())

    assert all(violations("approval.decided.v1", one) == [] for one in rows.values())
    assert rows["zhzf"]["data"]["licence"] is None
    assert rows["zhzf"]["data"]["elements"]["XK_XDR_ZJHM"] == "990101********0019"
    assert (
        rows["zhzf"]["data"]["push"]["withheld"]
        == kept["zhzf"]
        == ["case.legal", "elements.XK_XDR_ZJHM", "licence"]
    )
    assert rows["scjg"]["data"]["licence"]["certificateName"] == "食品经营许可证"
    assert kept["scjg"] is None
    assert "withheld" not in rows["scjg"]["data"]["push"]


def test_gaps_overlaps_and_rules_that_never_match_are_found(county: Engine) -> None:
    """Per item and department: who covers what, what wins where several do, and what nobody looks after."""
    with county.begin() as tx:
        tx.execute(update(PushRule).values(state="withdrawn", ended_by="x", ended_at=text("now()")))
        tx.execute(insert(ServiceItem), [{"code": f"GP-{n}", "name": f"事项{n}"} for n in (1, 2, 3)])
        tx.execute(insert(Department).values(code="idle", name="没人想起的部门", roles=["enforcing"]))
        a_rule(tx, {"department": "scjg", "sign_days": 5}, item_codes=["GP-1", "XK-001"])
        a_rule(tx, {"department": "scjg", "sign_days": 2, "masked": ["case.legal"]}, item_codes=["GP-1"])
        a_rule(tx, "zhzf", item_codes=["GP-2"], party_kinds=["natural"])
        dead = a_rule(tx, "zhzf", area_prefixes="11")
        found = coverage(tx, "990101")

    assert "GP-3" in found.gaps
    assert "GP-2" in found.partial
    assert found.cells["GP-1", "scjg"].state == "always"
    assert found.cells["GP-2", "zhzf"].state == "sometimes"
    (overlap,) = found.overlaps
    assert (overlap.items, overlap.days[0], overlap.withheld) == (("GP-1",), 2, ("case.legal",))
    assert [(one.rule[0], one.why) for one in found.idle] == [(dead, "区划不在本地（990101）之内")]
    assert "idle" in found.unnamed


def test_the_closest_limit_counts_and_says_where_it_comes_from(county: Engine) -> None:
    """Item and department before item before department before the area; emptied, the next one counts again."""
    with county.begin() as tx:
        save_limit(tx, "XK-001", None, {"sign_days": "7"}, actor=ACTOR)
        save_limit(tx, None, "scjg", {"sign_days": 5, "claim_days": 4}, actor=ACTOR)
        save_limit(tx, "XK-001", "scjg", {"plan_days": 1}, actor=ACTOR)
        found = inherited(all_limits(tx), "XK-001", "scjg")
        assert [(one.days, one.source) for one in found] == [
            (7, "item"), (4, "department"), (1, "both"), (None, "nowhere"),
        ]  # fmt: skip
        save_limit(tx, "XK-001", None, {}, actor=ACTOR)
        assert inherited(all_limits(tx), "XK-001", "scjg")[0].source == "department"
        with pytest.raises(Faulty, match="签收时限应为"):
            save_limit(tx, None, None, {"sign_days": "-1"}, actor=ACTOR)
