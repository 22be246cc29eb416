"""The checker itself: a sound history passes, and every planted fault is found and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.history import Delivered, History, Push, Receipt, Reported, verdict

CASES = [f"case-{number}" for number in range(6)]
DEPARTMENTS = ("scjg", "zhzf")


def sound() -> History:
    """Six decisions at two departments, three findings on two licences, ten numbers on two keys."""
    pushes = [Push(f"{case}@{code}", case, code, "signed") for case in CASES for code in DEPARTMENTS]
    reported = [
        Reported("scjg", "F-1", CASES[0], "2026-11-01", "3", "2"),
        Reported("scjg", "F-2", CASES[0], "2026-11-02", "1", "1"),
        Reported("zhzf", "F-1", CASES[1], "2026-11-01", "2", "3"),
    ]
    return History(
        acknowledged=set(CASES[:-1]),
        attempted=set(CASES),  # the last one's confirmation was lost: it may be there or not
        departments=DEPARTMENTS,
        decisions=list(CASES),
        pushes=pushes,
        outbox=[push.event_id for push in pushes],
        delivered={
            code: [Delivered(push.event_id, push.case_no) for push in pushes if push.department == code]
            for code in DEPARTMENTS
        },
        receipts=[
            Receipt(push.event_id, kind, f"receipt of {push.event_id}")
            for push in pushes
            for kind in ("arrived", "signed")
        ],
        reported=reported,
        findings=[(one.department, one.finding_no, one.case_no) for one in reported],
        notices=[CASES[0], CASES[0], CASES[1]],
        held=[(CASES[1], "zhzf")],
        frozen=[CASES[1]],
        numbered={"a": 5, "b": 5},
        seen={"a": [0, 1, 2, 1, 2, 3, 4], "b": [0, 1, 2, 3, 4]},  # a repetition is no fault of a topic
    )


def test_a_sound_history_has_no_fault() -> None:
    """Claim: nothing is found where nothing is wrong, repetitions on a topic and an unconfirmed decision included."""
    assert verdict(sound()) == []


def _lose_number(history: History) -> None:
    history.seen = {**history.seen, "a": [0, 1, 3, 4]}


def _reorder(history: History) -> None:
    history.seen = {**history.seen, "b": [0, 2, 1, 3, 4]}


def _leave_owed(history: History) -> None:
    history.pushes[3] = history.pushes[3]._replace(state="owed")


PLANTED: dict[str, tuple[str, str, Callable[[History], object]]] = {
    "a confirmed decision is gone": ("lost", "case-0", lambda h: h.decisions.remove("case-0")),
    "a decision nobody made": ("phantom", "case-9", lambda h: h.decisions.append("case-9")),
    "a decision twice": ("doubled", "case-2", lambda h: h.decisions.append("case-2")),
    "a decision without its push": ("lost", "case-3", lambda h: h.pushes.pop(6)),
    "a push without its message": ("half", "case-0@scjg", lambda h: h.outbox.remove("case-0@scjg")),
    "a message without its push": ("half", "ghost", lambda h: h.outbox.append("ghost")),
    "a message twice in the outbox": ("doubled", "case-1@scjg", lambda h: h.outbox.append("case-1@scjg")),
    "a package that never arrived": ("lost", "case-4@zhzf", lambda h: h.delivered["zhzf"].pop(4)),
    "a package delivered twice": (
        "doubled", "case-5@zhzf", lambda h: h.delivered["zhzf"].append(h.delivered["zhzf"][5]),
    ),
    "a package of nobody": ("phantom", "ghost", lambda h: h.delivered["scjg"].append(Delivered("ghost", "case-0"))),
    "a package of the other department": (
        "phantom", "case-0@zhzf", lambda h: h.delivered["scjg"].append(h.delivered["zhzf"][0]),
    ),
    "a receipt that is missing": ("lost", "case-0@scjg", lambda h: h.receipts.pop(1)),
    "a second receipt of the same kind": (
        "doubled", "case-0@scjg", lambda h: h.receipts.append(h.receipts[0]._replace(receipt_id="another")),
    ),
    "a push that is still owed": ("half", "case-1", _leave_owed),
    "a finding that got lost": ("lost", "F-2", lambda h: h.findings.pop(1)),
    "a finding taken twice": ("doubled", "F-1", lambda h: h.findings.append(h.findings[0])),
    "a finding nobody wrote": ("phantom", "F-9", lambda h: h.findings.append(("zhzf", "F-9", "case-0"))),
    "a finding without its notice": ("effect", "case-1", lambda h: h.notices.remove("case-1")),
    "a finding with two notices": ("effect", "case-1", lambda h: h.notices.append("case-1")),
    "a freeze that did not hold": ("effect", "case-1", lambda h: h.held.clear()),
    "a hold that was to be lifted": ("effect", "case-0", lambda h: h.held.append(("case-0", "scjg"))),
    "a licence that stayed valid": ("effect", "case-1", lambda h: h.frozen.clear()),
    "a licence frozen for nothing": ("effect", "case-2", lambda h: h.frozen.append("case-2")),
    "a number that never came": ("lost", "number 2 of a", _lose_number),
    "numbers in the wrong order": ("reordered", "b: 1 came after 2", _reorder),
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found(planted: str) -> None:
    """Claim: each kind of loss, repetition, disorder, half state and wrong effect is found, and named."""
    kind, named, plant = PLANTED[planted]
    history = sound()
    plant(history)
    faults = verdict(history)
    assert any(fault.kind == kind and named in fault.what for fault in faults), faults
