"""A whole year of a county in fast-forward on real parts: every decision signed for, answered and accounted for.

19 departments, 406 items, the working days of 2026. Departments are joined by tables, folders, the browser and, one of them,
by a program written with other people's tools only. `make county` drives 20,000 decisions; `make test` a fifteenth of them
through the same year.
"""

from __future__ import annotations

import ast
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.advice.speak import Speaker
from hub.deciding.correct_decision import Correction, correct_decision
from hub.deciding.withdraw_decision import withdraw_decision
from hub.pushing.act_on_push import insist_on_push
from hub.pushing.overdue import notice_overdue
from hub.pushing.reassign_push import reassign_push
from hub.reconciling.ask_counts import unanswered
from hub.reconciling.reconcile import Run, reconcile, start_run
from hub.tracing.trace import Viewer, trace
from hub.workday import exceptions
from shenguan.working_calendar import fill
from tests.connectors.waiting import until
from tests.county.bodies import BODIES, ITEMS, at_local, settle, spread, working_days
from tests.county.county import County
from tests.county.voices import WebVoice
from tests.county.year import Owed, Story

pytestmark = pytest.mark.timeout(3600)

DECISIONS = int(os.environ.get("SHENGUAN_COUNTY_DECISIONS", "1300"))
WATCHED = "SHENGUAN_COUNTY_DECISIONS" in os.environ  # somebody started this by hand and looks on
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
ADMIN = Speaker("user:data_admin", "数据管理员")
WEB = [code for code, (_, _, how) in BODIES.items() if how == "web"]
#: What the departments that do not speak for themselves have said so far, as the hub knows it.
_TAKEN = """
SELECT (SELECT count(*) FROM findings WHERE department <> 'wlj'),
  (SELECT count(*) FROM receipts r JOIN pushes p ON p.id = r.push_id WHERE r.kind = 'claimed' AND p.department <> 'wlj'),
  (SELECT count(*) FROM receipts WHERE kind = 'returned'), (SELECT count(*) FROM receipts WHERE kind = 'closed')
"""


@dataclass
class Year:
    """The year as it was driven; what the claims below look at."""

    county: County
    story: Story
    months: list[Run] = field(default_factory=list)
    whole: Run | None = None
    overdue: int = 0
    returned: int = 0
    corrected: list[str] = field(default_factory=list)
    recalled: str = ""
    begun: float = field(default_factory=time.monotonic)


@pytest.fixture(scope="module")
def year(county: County) -> Iterator[Year]:
    """Drive it."""
    with county.engine.begin() as tx:
        fill(tx)
        items = settle(tx, county.signers, county.desk)
        calendar = exceptions(tx)
    assert (len(BODIES) + 1, len(items)) == (19, ITEMS)
    days = working_days(FIRST, LAST, calendar)
    plan = dict(spread(DECISIONS, days))
    with ExitStack() as stack:
        voices = stack.enter_context(county.runs())
        driven = Year(county, Story(voices))
        _drive(driven, plan, items)
        yield driven


def _drive(year: Year, plan: dict[date, int], items: list[Any]) -> None:
    chance, known, decided, month = random.Random(2026), set[Any](), 0, 1
    monday = FIRST - timedelta(days=FIRST.weekday())
    while monday <= LAST or year.story.waiting:
        for day in (monday + timedelta(days=n) for n in range(7)):
            if plan.get(day):
                year.county.clock.to(at_local(day, 10))
                year.county.decide(range(decided, decided + plan[day]), day, items, chance)
                decided += plan[day]
        friday = monday + timedelta(days=4)
        week = (friday - FIRST).days // 7
        year.county.clock.to(at_local(friday, 18))
        _everybody_signs(year)
        for owed in year.county.fresh(known, monday - timedelta(days=7)):
            known.add(owed.push_id)
            year.story.begin(week, owed)
        year.story.act(week, friday)
        _everything_is_taken(year.county, year.story)
        _office(year, week)
        _say(year, f"{friday} 已决定 {decided}，已报 {len(year.story.numbers)} 条")
        monday += timedelta(days=7)
        if monday.month != month and monday.year == 2026:
            year.months.append(
                _reconciled(year, date(2026, month, 1), monday.replace(day=1) - timedelta(days=1))
            )
            month = monday.month
    year.months.append(_reconciled(year, date(2026, 12, 1), LAST))
    year.whole = _reconciled(year, FIRST, LAST)


def _say(year: Year, words: str) -> None:
    if WATCHED:
        waited = f"{time.monotonic() - year.begun:.0f} 秒"
        print(f"  {words}，{waited}", file=sys.stderr, flush=True)


def _everybody_signs(year: Year) -> None:
    """Nothing is waiting to leave, to arrive, or to be signed for, at anybody's."""

    def signed() -> bool:
        for code in WEB:
            voice = year.story.voices[code]
            assert isinstance(voice, WebVoice)
            voice.sign()
        return year.county.standing() == (0, 0, 0, 0)

    _wait(year.county, signed)


def _wait(county: County, question: Callable[[], Any]) -> None:
    """With what stands in the way, where it takes too long."""
    try:
        until(question, seconds=480, every=0.2)
    except AssertionError as error:
        raise AssertionError(f"still waiting: {county.waiting()}") from error


def _everything_is_taken(county: County, story: Story) -> None:
    """The hub knows everything that was said."""
    said = story.said
    expected = (len(story.numbers), said["claimed"], said["returned"], said["closed"])

    def taken() -> Any:
        with county.engine.connect() as tx:
            return tuple(tx.execute(text(_TAKEN)).one()) == expected

    _wait(county, taken)


def _office(year: Year, week: int) -> None:
    """What is done in the hub itself: overdue limits, returns, five corrections and one recall."""
    county = year.county
    for _ in range(100):
        with county.engine.begin() as tx:
            found = notice_overdue(tx, county.clock())
        year.overdue += found
        if not found:
            break
    for owed in year.story.returned:
        _answer_return(year, owed, week)
    year.story.returned.clear()
    if week in (10, 18, 26, 34, 42):
        year.corrected.append(_correct(county))
    if week == 30:
        year.recalled = _case(county, "p.state IN ('claimed', 'supervising')")
        with county.engine.begin() as tx:
            withdraw_decision(
                tx,
                year.recalled,
                reason="重复作出的决定",
                actor="user:approver",
                by="示例乙",
                desk=county.desk,
            )
        year.story.recalled.add(year.recalled)


def _answer_return(year: Year, owed: Owed, week: int) -> None:
    """Every second one goes to somebody else; of the others the department is told that it is theirs."""
    year.returned += 1
    with year.county.engine.begin() as tx:
        if year.returned % 2:
            taken = set(
                tx.execute(
                    text("SELECT department FROM pushes WHERE case_no = :c"), {"c": owed.case_no}
                ).scalars()
            )
            other = next(code for code in BODIES if code not in taken and code not in ("zhzf", "wlj"))
            reassign_push(tx, owed.push_id, other, reason="职责在该部门", by=ADMIN, desk=year.county.desk)
        else:
            insist_on_push(tx, owed.push_id, reason="三定规定属于贵部门", by=ADMIN, desk=year.county.desk)
            year.story.insisted(week + 1, owed)


def _correct(county: County) -> str:
    case_no = _case(county, "p.state NOT IN ('reassigned', 'recalled') AND d.revision = 1")
    with county.engine.begin() as tx:
        right = Correction("许可内容录入有误", "示更〔2026〕1号", elements={"XK_NR": "更正后的许可内容"})
        correct_decision(tx, case_no, right, county.desk, actor="user:approver")
    return case_no


def _case(county: County, which: str) -> str:
    query = f"""
        SELECT p.case_no FROM pushes p JOIN decisions d ON d.id = p.decision_id
        WHERE {which} ORDER BY p.case_no DESC LIMIT 1
    """
    with county.engine.connect() as tx:
        return str(tx.execute(text(query)).scalar_one())


def _reconciled(year: Year, first: date, last: date) -> Run:
    """One run, with the departments' own counts in."""
    county = year.county
    county.clock.to(at_local(max(last + timedelta(days=1), county.clock().date()), 20))
    asked = county.clock()
    with county.engine.begin() as tx:
        run = start_run(tx, first, last, county.desk, actor="user:overseer")

    def counted() -> bool:
        with county.engine.connect() as tx:
            return unanswered(tx, asked) == []

    _everybody_signs(year)
    _wait(county, counted)
    return reconcile(county.engine, run, county.desk)


# -- what holds at its end ---------------------------------------------------------------------------------------


def test_the_reconciliation_of_the_year_has_no_difference(year: Year) -> None:
    """Decided = pushed = arrived = signed = claimed, by department and item, and as the departments count it."""
    assert year.whole is not None
    with year.county.engine.connect() as tx:
        rows = tx.execute(
            text("SELECT department, kind, words FROM reconciliation_differences WHERE run_id = :r LIMIT 20"),
            {"r": year.whole.id},
        ).all()
    assert [tuple(row) for row in rows] == []
    assert year.whole.differences == 0
    assert len(year.months) == 12
    lost = "SELECT count(*) FROM reconciliation_differences WHERE kind NOT IN ('not_claimed', 'not_answered')"
    assert year.county.count(lost) == 0  # in no month anything but people who were late
    assert year.county.count("SELECT count(*) FROM decisions") == DECISIONS


def test_everything_said_came_back_onto_its_case(year: Year) -> None:
    """Every fact once, every fine to the cent; nothing in quarantine, nothing refused at a department."""
    story, county = year.story, year.county
    assert county.count("SELECT count(*) FROM findings WHERE department <> 'wlj'") == len(story.numbers)
    assert county.count("SELECT coalesce(sum(fine_fen), 0) FROM findings") == story.said["fine_fen"]
    assert (
        min(story.said[kind] for kind in ("plan", "finding", "rectification", "enforcement", "returned")) > 0
    )
    assert county.count("SELECT count(*) FROM quarantine") == 0
    assert (
        county.count(
            "SELECT count(*) FROM pushes WHERE state IN ('held', 'owed', 'arrived', 'signed', 'returned')"
        )
        == 0
    )


def test_limits_count_working_days_only(year: Year) -> None:
    """Who was late was noticed, each limit once; nobody is late on a day off."""
    county = year.county
    assert year.overdue > 0
    assert county.count("SELECT count(*) FROM push_overdues") > 0
    with county.engine.connect() as tx:
        table = exceptions(tx)
        due = text("SELECT DISTINCT (due_at AT TIME ZONE 'Asia/Shanghai')::date FROM push_overdues")
        days = set(tx.execute(due).scalars())
    assert all(table.get(day, day.weekday() < 5) for day in days)


def test_the_recall_and_the_corrections_reached_everyone_who_had_them(year: Year) -> None:
    """Each department that received the first version signed for what became of it."""
    county = year.county
    for kind, cases in (
        ("approval.corrected.v1", year.corrected),
        ("approval.withdrawn.v1", [year.recalled]),
    ):
        for case_no in cases:
            told = "SELECT count(*) FROM announcements WHERE case_no = :c AND kind = :k AND signed_at IS NOT NULL"
            had = "SELECT count(*) FROM pushes WHERE case_no = :c AND state NOT IN ('reassigned')"
            assert county.count(told, c=case_no, k=kind) >= county.count(had, c=case_no) > 0
    recalled = "SELECT count(*) FROM pushes WHERE case_no = :c AND state = 'recalled'"
    assert county.count(recalled, c=year.recalled) > 0


def test_the_outsider_took_part(year: Year) -> None:
    """A program without one line of ours received, signed, claimed, reported and counted like everybody else."""
    county = year.county
    pushes = county.count("SELECT count(*) FROM pushes WHERE department = 'wlj' AND state <> 'recalled'")
    claimed = "SELECT count(*) FROM pushes WHERE department = 'wlj' AND claimed_at IS NOT NULL AND state <> 'recalled'"
    assert pushes == county.count(claimed) > 0
    assert (
        county.count("SELECT count(*) FROM findings WHERE department = 'wlj' AND kind = 'rectification'") > 0
    )
    assert county.count("SELECT count(*) FROM department_counts WHERE department = 'wlj'") > 0
    source = Path(__file__).with_name("outsider.py").read_text("utf-8")
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    roots = {name.partition(".")[0] for name in imported}
    assert roots - set(sys.stdlib_module_names) == {"aiokafka", "joserfc", "jsonschema"}


@pytest.mark.parametrize("which", ["any", "returned", "penalty", "corrected", "recalled"])
def test_the_trace_explains_any_case(year: Year, which: str) -> None:
    """Every push, receipt, finding and act of the hub on a case stands in its trace, in order of time; what was
    signed names the key and where the bytes are."""
    county = year.county
    for case_no in _cases(year, which):
        with county.engine.connect() as tx:
            told = trace(tx, case_no, area=county.area, viewer=Viewer("user:overseer"))
            there = {
                family: tx.execute(text(f"SELECT count(*) FROM {what}"), {"c": case_no}).scalar_one()
                for family, what in _OF_CASE.items()
            }
        assert [line.at for line in told.lines] == sorted(line.at for line in told.lines)
        lines = Counter(line.family for line in told.lines)
        assert all(lines[family] >= count for family, count in there.items()), (case_no, lines, there)
        signed = [line for line in told.lines if line.family in ("receipt", "finding")]
        assert all(line.signed is not None and line.signed.kid for line in signed)


#: Family of lines -> the rows of a case of which each has one.
_OF_CASE = {
    "decision": "decisions WHERE case_no = :c",
    "push": "pushes WHERE case_no = :c",
    "receipt": "receipts WHERE push_id IN (SELECT id FROM pushes WHERE case_no = :c)",
    "finding": "findings WHERE case_no = :c",
}


def _cases(year: Year, which: str) -> list[str]:
    picks: dict[str, Callable[[], list[str]]] = {
        "any": lambda: _some(year, "SELECT case_no FROM cases ORDER BY md5(case_no) LIMIT 40"),
        "returned": lambda: _some(year, "SELECT case_no FROM pushes WHERE returned_at IS NOT NULL LIMIT 10"),
        "penalty": lambda: _some(year, "SELECT case_no FROM findings WHERE kind = 'enforcement' LIMIT 10"),
        "corrected": lambda: year.corrected,
        "recalled": lambda: [year.recalled],
    }
    found = picks[which]()
    assert found
    return found


def _some(year: Year, query: str) -> list[str]:
    with year.county.engine.connect() as tx:
        return [str(one) for one in tx.execute(text(query)).scalars()]
