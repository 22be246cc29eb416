"""The verdict over a run with faults: what went in at one end is held against what came out at the other.

Guarantees: finds every decision without its package and package without its decision, every message lost, doubled or in
the wrong order, every finding lost, doubled or without its effect. Judges plain facts and asks nobody: who collected them
and how is not its business, so it is tested itself, by histories with planted faults.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple


class Push(NamedTuple):
    """One decision owed to one department, as the hub has it."""

    event_id: str
    case_no: str
    department: str
    state: str


class Delivered(NamedTuple):
    """One package in a department's own store."""

    event_id: str
    case_no: str


class Receipt(NamedTuple):
    """One statement about a package, as the hub has it."""

    event_id: str  # of the package
    kind: str
    receipt_id: str


class Reported(NamedTuple):
    """One finding as the department wrote it."""

    department: str
    finding_no: str
    case_no: str
    inspected_at: str
    check_result: str
    handling: str

    @property
    def freezes(self) -> bool:
        """Not conforming, or handed to enforcement."""
        return self.check_result == "3" or self.handling == "3"


class Fault(NamedTuple):
    """One thing that must not be."""

    kind: str  # lost, phantom, doubled, reordered, half, effect
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


@dataclass
class History:
    """Both ends of one run. Everything is empty until it is filled."""

    # case numbers: those whose decision was confirmed to the writer, and all that the writer ever began
    acknowledged: set[str] = field(default_factory=set)
    attempted: set[str] = field(default_factory=set)
    departments: tuple[str, ...] = ()
    decisions: list[str] = field(default_factory=list)  # case numbers
    pushes: list[Push] = field(default_factory=list)
    outbox: list[str] = field(default_factory=list)  # event ids of packages
    delivered: dict[str, list[Delivered]] = field(default_factory=dict)  # by department
    receipts: list[Receipt] = field(default_factory=list)
    reported: list[Reported] = field(default_factory=list)
    findings: list[tuple[str, str, str]] = field(default_factory=list)  # department, number, case
    notices: list[str] = field(default_factory=list)  # case numbers of the clerk's notices
    held: list[tuple[str, str]] = field(default_factory=list)  # case, department: open holds
    frozen: list[str] = field(default_factory=list)  # cases whose licence is 暂扣
    # by key: how many numbers were committed, and the numbers in the order of the topic
    numbered: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, Sequence[int]] = field(default_factory=dict)


def verdict(history: History) -> list[Fault]:
    """Everything that is wrong; empty when nothing is."""
    return [
        *_decisions(history),
        *_deliveries(history),
        *_receipts(history),
        *_findings(history),
        *_effects(history),
        *_order(history),
    ]


def _decisions(history: History) -> Iterator[Fault]:
    """Each confirmed decision is there, none that nobody made, and each has its packages: both or neither."""
    there = Counter(history.decisions)
    yield from _compare("decision", history.acknowledged, there, allowed=history.attempted)
    owed = {(case_no, department) for case_no in there for department in history.departments}
    yield from _compare("push", owed, Counter((push.case_no, push.department) for push in history.pushes))
    wanted = {push.event_id for push in history.pushes}
    yield from _compare("message of a push in the outbox", wanted, Counter(history.outbox), kind="half")


def _deliveries(history: History) -> Iterator[Fault]:
    """Each department's store has each of its packages once, and nothing else."""
    for department in history.departments:
        mine = {
            Delivered(push.event_id, push.case_no) for push in history.pushes if push.department == department
        }
        yield from _compare(f"package at {department}", mine, Counter(history.delivered.get(department, ())))


def _receipts(history: History) -> Iterator[Fault]:
    """Each package is receipted as arrived and as signed, by one receipt each."""
    said = Counter((receipt.event_id, receipt.kind) for receipt in set(history.receipts))
    wanted = {(push.event_id, kind) for push in history.pushes for kind in ("arrived", "signed")}
    others = {
        (receipt.event_id, receipt.kind)
        for receipt in history.receipts
        if receipt.kind in ("claimed", "returned")
    }
    known = {push.event_id for push in history.pushes}
    yield from _compare("receipt", wanted, said, allowed={other for other in others if other[0] in known})
    for push in history.pushes:
        if push.state in ("owed", "arrived"):
            yield Fault("half", f"push of {push.case_no} to {push.department} is still {push.state}")


def _findings(history: History) -> Iterator[Fault]:
    """Each finding a department wrote is known once, and gave the clerk one notice."""
    wrote = {(one.department, one.finding_no, one.case_no) for one in history.reported}
    yield from _compare("finding", wrote, Counter(history.findings))
    expected = Counter(case_no for _, _, case_no in wrote)
    noticed = Counter(history.notices)
    for case_no in sorted(expected.keys() | noticed.keys()):
        if expected[case_no] != noticed[case_no]:
            yield Fault(
                "effect", f"{case_no} has {expected[case_no]} findings and {noticed[case_no]} notices"
            )


def _effects(history: History) -> Iterator[Fault]:
    """A department holds a licence exactly when its newest finding freezes; a licence is frozen exactly while it is held."""
    newest: dict[tuple[str, str], Reported] = {}
    for one in sorted(history.reported, key=lambda one: (one.inspected_at, one.finding_no)):
        newest[one.case_no, one.department] = one
    should = {seat for seat, one in newest.items() if one.freezes}
    for seat in sorted(should ^ set(history.held)):
        yield Fault(
            "effect", f"hold on {seat[0]} by {seat[1]} {'is missing' if seat in should else 'should not be'}"
        )
    yield from _repeated("hold", Counter(history.held))
    cases = {case_no for case_no, _ in should}
    for case_no in sorted(cases ^ set(history.frozen)):
        yield Fault("effect", f"licence of {case_no} {'is not' if case_no in cases else 'is'} frozen")


def _order(history: History) -> Iterator[Fault]:
    """Of each key every number is on the topic, and first appeared in order. Repetitions are allowed on a topic."""
    for key, count in history.numbered.items():
        first = list(dict.fromkeys(history.seen.get(key, ())))
        for number in sorted(set(range(count)) - set(first)):
            yield Fault("lost", f"number {number} of {key}")
        for number in sorted(set(first) - set(range(count))):
            yield Fault("phantom", f"number {number} of {key}")
        for before, after in pairwise(first):
            if after < before:
                yield Fault("reordered", f"{key}: {after} came after {before}")


def _compare(
    name: str,
    wanted: Iterable[Hashable],
    there: Counter[Any],
    *,
    allowed: Iterable[Hashable] = (),
    kind: str | None = None,
) -> Iterator[Fault]:
    """What is missing, what nobody asked for, what is there twice."""
    must, may = set(wanted), set(allowed)
    for one in sorted(must - there.keys(), key=str):
        yield Fault(kind or "lost", f"{name} {one} is not there")
    for one in sorted(there.keys() - must - may, key=str):
        yield Fault(kind or "phantom", f"{name} {one} belongs to nothing")
    yield from _repeated(name, there)


def _repeated(name: str, there: Counter[Any]) -> Iterator[Fault]:
    for one, count in there.items():
        if count > 1:
            yield Fault("doubled", f"{name} {one} is there {count} times")


def by_key(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Numbers by key, in the order given."""
    found: dict[str, list[int]] = defaultdict(list)
    for key, number in pairs:
        found[key].append(number)
    return found
