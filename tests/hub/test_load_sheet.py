"""Loading a sheet: good rows in, bad rows named, twice the same."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, func, select, text

from hub.case import Case, Decision, Step
from hub.errors import Rejected
from hub.exchange.outbox import BULK, OutboxRow
from hub.licensing.licence import Licence
from hub.ports import Desk
from hub.pushing.push import Push
from hub.sheets.load_sheet import LoadReport, load_sheet
from schemas import loads, violations
from shenguan import sample

Row = tuple[int, list[str]]


def sheet(count: int, *, seed: int = 1, generation: str = "2018") -> list[Row]:
    """A sheet as rows, the header first."""
    made = sample.generate(count, seed=seed, generation=generation)
    return list(enumerate([sample.header(generation), *made], 1))


@pytest.fixture(autouse=True)
def _today(clock: object) -> None:
    """Samples are dated up to the real today."""
    from datetime import UTC, datetime

    clock.now = datetime.now(UTC)  # type: ignore[attr-defined]


def load(engine: Engine, desk: Desk, rows: list[Row]) -> LoadReport:
    return load_sheet(engine, rows, desk, actor="user:test")


def test_every_good_row_is_a_whole_decision(county: Engine, desk: Desk) -> None:
    """Party, case with steps, decision, licence and two pushes each, all in the bulk lane, packages valid."""
    report = load(county, desk, sheet(450))
    with county.begin() as tx:
        found = {
            model.__tablename__: tx.execute(select(func.count()).select_from(model)).scalar_one()
            for model in (Case, Decision, Licence, Push, OutboxRow, Step)
        }
        lanes = set(tx.execute(select(OutboxRow.lane)).scalars())
        values = tx.execute(select(OutboxRow.value).limit(50)).scalars().all()

    assert (report.accepted, report.unchanged, report.refused) == (450, 0, [])
    assert found == {
        "cases": 450,
        "decisions": 450,
        "licences": 450,
        "pushes": 900,
        "outbox": 900,
        "steps": 900,
    }
    assert lanes == {BULK}
    for value in values:
        assert violations("approval.decided.v1", loads(bytes(value))) == []


@pytest.mark.parametrize("generation", ["2018", "2015"])
def test_loading_twice_changes_nothing(county: Engine, desk: Desk, generation: str) -> None:
    """The second load of the same sheet: all unchanged, not one row written but the ledger's note of it."""
    rows = sheet(230, generation=generation)
    load(county, desk, rows)
    with county.begin() as tx:
        before = tx.execute(text("SELECT count(*), max(id) FROM outbox")).one()
    second = load(county, desk, rows)
    with county.begin() as tx:
        after = tx.execute(text("SELECT count(*), max(id) FROM outbox")).one()

    assert (second.accepted, second.unchanged, second.refused) == (0, 230, [])
    assert after == before


def test_bad_rows_are_named_and_the_good_go_in(county: Engine, desk: Desk) -> None:
    """Row number, column, cause and what would be right; the rest is decided."""
    rows = sheet(5)
    header = rows[0][1]
    uscc = header.index(next(name for name in header if "统一社会信用代码" in name))
    number = header.index(next(name for name in header if "文书号" in name))
    legal = next(at for at, (_, cells) in enumerate(rows[1:], 1) if cells[uscc])
    good = rows[legal][1]
    rows.append(
        (7, [*good[:uscc], good[uscc][:-1] + ("A" if good[uscc][-1] != "A" else "B"), *good[uscc + 1 :]])
    )
    rows[-1][1][number] += "-7"
    rows.append((8, list(good)))
    report = load(county, desk, rows)

    assert (report.accepted, report.refused_rows) == (5, 2)
    by_row = {refusal.row: refusal for refusal in report.refused}
    assert set(by_row) == {7, 8}
    assert good[uscc][-1] in by_row[7].expected + by_row[7].cause
    assert f"第 {rows[legal][0]} 行重复" in by_row[8].cause
    again = load(county, desk, rows)
    assert (again.accepted, again.unchanged, again.refused) == (0, 5, report.refused)


def test_another_content_under_a_known_number_is_refused(county: Engine, desk: Desk) -> None:
    """A 决定文书号 that is in with other content is refused, and the first case named."""
    rows = sheet(1)
    load(county, desk, rows)
    content = rows[0][1].index(next(name for name in rows[0][1] if "许可内容" in name))
    rows[1][1][content] += "（变更）"
    report = load(county, desk, rows)

    assert (report.accepted, report.unchanged, report.refused_rows) == (0, 0, 1)
    assert "内容不同" in report.refused[0].cause


def test_no_header_no_load(county: Engine, desk: Desk) -> None:
    """A sheet of something else is refused as a whole, in a sentence."""
    with pytest.raises(Rejected, match="表头"):
        load(county, desk, [(1, ["甲", "乙"]), (2, ["1", "2"])])


def test_two_loads_of_one_file_at_once(county: Engine, desk: Desk) -> None:
    """Two administrators loading the same file at the same time make each decision once."""
    rows = sheet(600)
    reports: list[LoadReport] = []
    threads = [threading.Thread(target=lambda: reports.append(load(county, desk, rows))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.accepted for report in reports) == 600
    assert sum(report.unchanged for report in reports) == 600
    assert all(report.refused == [] for report in reports)
