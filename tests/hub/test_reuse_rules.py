"""The rules of reuse without a database: each rule alone, which one is said first, who is offered first."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub.catalogue.published import RequirementLine, StandInLine
from hub.licensing.licence import STATUSES
from hub.reuse.explain import VERIFIED, explain
from hub.reuse.rules import REFUSALS, VERDICTS, Answer, Asked, Fact, granted, judge, refusal, wanted

DAY = date(2026, 9, 18)
AT = datetime(2026, 9, 1, tzinfo=UTC)
ASKED = Asked("XK-1", "wjw", DAY, "CASE")
GRANTS = {("material", "A"): uuid.uuid4(), ("licence", "L"): uuid.uuid4(), ("result", "R"): uuid.uuid4()}
BASE: dict[str, dict[str, Any]] = {
    "m": {"tag": "m", "code": "A", "state": "usable", "note": "none"},
    "l": {"tag": "l", "code": "L", "state": "01", "note": None},
    "d": {"tag": "d", "code": "R", "state": "01", "note": None},
}


def fact(tag: str = "m", **changes: Any) -> Fact:
    values = {
        "id": uuid.uuid4(),
        "name": "某材料",
        "owner": "xzsp",
        "owner_name": "审批局",
        "day": date(2026, 1, 1),
        "case_no": "OTHER",
        "sharing": "conditional",
        "at": AT,
        **BASE[tag],
    }
    return Fact(**{**values, **changes})


def line(code: str = "M01", type_: str = "A", *stand_ins: tuple[str, str], **changes: Any) -> RequirementLine:
    values: dict[str, Any] = {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, code),
        "code": code,
        "seq": 1,
        "name": f"材料 {code}",
        "material_type": type_,
        "type_name": type_,
        "type_version": 1,
        "required": True,
        "may_follow": False,
        "deferral_days": None,
        "form": "either",
        "copies": 1,
        "formats": (),
        "max_bytes": None,
        "note": None,
        "consent_required": False,
        "signature_required": False,
        "on_bad_signature": "refuse",
        "fields": (),
        "stand_ins": tuple(StandInLine(kind, code, code) for kind, code in stand_ins),
    }
    return RequirementLine(**{**values, **changes})


def answer(*facts: Fact, of: RequirementLine | None = None, asked: Asked = ASKED) -> Answer:
    lines = [of or line("M01", "A", ("licence", "L"), ("result", "R"))]
    return judge(facts, asked, lines, wanted(lines))[0]


def a_grant(kind: str, code: str, **changes: Any) -> Fact:
    values = {
        "tag": "g",
        "id": uuid.uuid4(),
        "code": code,
        "name": "",
        "note": kind,
        "state": "granted",
        "valid_from": DAY,
        "valid_to": DAY,
        "codes": [],
    }
    return Fact(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"state": "revoked"}, "revoked"),
        ({"valid_to": DAY}, None),
        ({"valid_to": DAY - timedelta(days=1)}, "expired"),
        ({"valid_from": DAY}, None),
        ({"valid_from": DAY + timedelta(days=1)}, "not_yet_valid"),
        ({"sound": False}, "wrong_version"),
        ({"note": "invalid"}, "bad_signature"),
        ({"note": "invalid", "lenient": True}, None),
        ({"note": "untrusted"}, None),
        ({"sharing": "none"}, "not_shared"),
        ({"code": "B"}, "not_granted"),
        ({"code": "B", "sharing": "none"}, "not_shared"),
        ({"code": "B", "owner": "wjw"}, None),
        ({"sharing": "none", "owner": "wjw"}, None),
        ({"code": "B", "owner": None}, "not_granted"),
        ({"owner": None}, None),
    ],
)
def test_a_material(changes: dict[str, Any], why: str | None) -> None:
    """Each rule of a material, at its edge."""
    assert refusal(fact(**changes), ASKED, GRANTS) == why


def test_a_department_that_is_not_known_owns_nothing() -> None:
    """A case without a department needs a grant for everything, and so cannot have one by owning."""
    asked = ASKED._replace(department=None)
    assert refusal(fact(owner=None, code="B"), asked, GRANTS) == "not_granted"


@pytest.mark.parametrize("tag", ["l", "d"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_licence(tag: str, status: str) -> None:
    """Only 01 that nobody holds is usable; every other status says why; a hold freezes whatever the status says."""
    why = {"01": None, "02": "frozen", "03": "revoked", "07": "revoked"}.get(status, "ended")
    assert refusal(fact(tag, state=status), ASKED, GRANTS) == why
    held = refusal(fact(tag, state=status, note="市场监管局"), ASKED, GRANTS)
    assert held == ("frozen" if status in ("01", "02") else why)


def test_what_is_wrong_with_it_is_said_before_what_is_not_allowed() -> None:
    """A clerk does not apply for a grant of something that ran out."""
    assert refusal(fact(code="B", valid_to=date(2026, 1, 1)), ASKED, {}) == "expired"
    assert refusal(fact("l", state="02", valid_to=date(2026, 1, 1)), ASKED, {}) == "frozen"


def test_a_grant_counts_for_its_item_its_days_and_its_resource() -> None:
    """The first and the last day count; another item, resource, state or day does not; the longest is taken."""
    right = a_grant("material", "A", valid_to=DAY + timedelta(days=5))
    others = [
        a_grant("material", "A"),
        a_grant("material", "A", codes=["XK-2"], valid_to=DAY + timedelta(days=9)),
        a_grant("material", "A", state="applied", valid_to=DAY + timedelta(days=9)),
        a_grant("material", "A", valid_from=DAY + timedelta(days=1), valid_to=DAY + timedelta(days=9)),
        a_grant("material", "B", valid_from=date(2026, 1, 1), valid_to=DAY - timedelta(days=1)),
    ]
    assert granted([*others, right], ASKED) == {("material", "A"): right.id}
    assert granted([a_grant("licence", "A", codes=["XK-1", "XK-2"])], ASKED).keys() == {("licence", "A")}


def test_the_best_comes_first() -> None:
    """Usable before not usable, undoubted before doubted, the line's own type before stand-ins, newer before older."""
    grants = [a_grant("material", "A"), a_grant("licence", "L")]
    old, new = fact(), fact(day=date(2026, 9, 1))
    doubted, licence = fact(objected=True, day=DAY), fact("l", day=DAY)
    gone = fact(state="revoked", day=DAY)
    found = answer(gone, doubted, licence, old, new, *grants)
    assert [one.source_id for one in found.candidates] == [
        one.id for one in (new, old, licence, doubted, gone)
    ]
    assert found.verdict == "usable"


def test_verdicts_in_their_order() -> None:
    """Used, taken, promised, usable, unusable, may follow, missing: the first that is true is said."""
    of = line(may_follow=True)
    here = {"line": of.id, "case_no": "CASE"}
    use = Fact(
        "u", uuid.uuid4(), "", "执照", "material", note=str(uuid.uuid4()), state="intact", line=of.id, at=AT
    )
    mine = fact(**here, state="pending")
    promise = Fact("p", uuid.uuid4(), "", "", valid_to=DAY, line=of.id)
    own, gone = fact(owner="wjw"), fact(state="revoked")
    there = [use, mine, promise, own, gone]
    seen = []
    for count in range(len(there) + 1):
        seen.append(answer(*there[count:], of=of).verdict)
    assert [*seen, answer(of=line()).verdict] == list(VERDICTS)


def test_what_a_case_took_itself_is_taken_not_reused() -> None:
    """Its own material, decision or licence is never a candidate; what it took and lost again is nothing."""
    own = [fact(case_no="CASE", owner="wjw"), fact("l", case_no="CASE", owner="wjw")]
    of = line("M01", "A", ("licence", "L"))
    assert answer(*own, of=of).candidates == ()
    lost = fact(case_no="CASE", line=of.id, state="revoked")
    assert answer(lost, of=of).verdict == "missing"


def test_one_source_can_meet_several_requirements() -> None:
    """A licence that stands in for two lines is offered for both, and for no third."""
    lines = [line("M01", "A", ("licence", "L")), line("M02", "B", ("licence", "L")), line("M03", "C")]
    found = judge([fact("l", owner="wjw")], ASKED, lines, wanted(lines))
    assert [one.verdict for one in found] == ["usable", "usable", "missing"]


@pytest.mark.parametrize("why", [None, *REFUSALS])
def test_every_refusal_is_a_sentence_that_says_what_to_do(why: str | None) -> None:
    """No candidate without a sentence; a refusal names the source and ends in an advice."""
    candidate = (
        answer(fact("l", note="市场监管局")).candidates[0]._replace(refusal=why, valid_from=DAY, valid_to=DAY)
    )
    sentence = explain(candidate)
    assert "某材料" in sentence
    assert sentence.endswith("。")
    if why:
        assert "请" in sentence
    if why == "frozen":
        assert "市场监管局" in sentence


def test_every_way_of_verifying_has_words() -> None:
    """Whatever a source's verification is called, it can be said."""
    for word in ("valid", "untrusted", "none", "unchecked", "invalid", "supplied", "register"):
        assert VERIFIED[word]
