"""The table adapter passes the adapter contract on SQLite and on PostgreSQL, and minds a department's own tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from connectors.department.adapters.columns import ROWS, TOLD_TABLES
from connectors.department.adapters.port import AdapterUnavailable, Kind
from connectors.department.adapters.sql import Database, open_database
from connectors.department.adapters.table import TableAdapter
from connectors.department.judge import TOLD
from schemas import dumps
from tests.connectors.adapter_contract import (
    FINDING,
    AdapterContract,
    a_change,
    a_correction,
    a_package,
    a_told,
)


class TableBench:
    """A department that works with SQL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.adapter = TableAdapter(url)
        self.adapter.prepare()
        self.own: Database = open_database(url)

    def inbox(self) -> list[str]:
        return [row[0] for row in self.own.read("SELECT event_id FROM shenguan_inbox")]

    def licence_changes(self) -> list[tuple[str, str]]:
        rows = self.own.read("SELECT event_id, to_status FROM shenguan_licence_changes")
        return [(row[0], row[1]) for row in rows]

    def told(self, kind: str) -> list[str]:
        table = TOLD_TABLES[TOLD[kind][0]].name
        return [row[0] for row in self.own.read(f"SELECT event_id FROM {table}")]

    def write(self, kind: Kind, fields: dict[str, Any]) -> str:
        table, _ = ROWS[kind]
        names, marks = ", ".join(fields), ", ".join("?" * len(fields))
        self.own.write((f"INSERT INTO {table} ({names}) VALUES ({marks})", [list(fields.values())]))
        return str(self.own.read(f"SELECT max(id) FROM {table}")[0][0])

    def close_case(self, event_id: str, by: str) -> str:
        self.own.write(("UPDATE shenguan_inbox SET closed_by = ? WHERE event_id = ?", [(by, event_id)]))
        return event_id

    def write_finding(self, fields: dict[str, Any]) -> str:
        names = ", ".join(fields)
        marks = ", ".join("?" * len(fields))
        self.own.write((f"INSERT INTO shenguan_findings ({names}) VALUES ({marks})", [list(fields.values())]))
        return str(self.own.read("SELECT max(id) FROM shenguan_findings")[0][0])

    def write_supply(self, fields: dict[str, Any]) -> str:
        names, marks = ", ".join(fields), ", ".join("?" * len(fields))
        self.own.write((f"INSERT INTO shenguan_supplies ({names}) VALUES ({marks})", [list(fields.values())]))
        return str(self.own.read("SELECT max(id) FROM shenguan_supplies")[0][0])

    def claim(self, event_id: str, by: str) -> str:
        self.own.write(("UPDATE shenguan_inbox SET claimed_by = ? WHERE event_id = ?", [(by, event_id)]))
        return event_id

    def give_back(self, event_id: str, by: str, reason: str) -> str:
        statement = "UPDATE shenguan_inbox SET returned_by = ?, returned_why = ? WHERE event_id = ?"
        self.own.write((statement, [(by, reason, event_id)]))
        return event_id

    def state_of(self, ref: str) -> tuple[str, str | None]:
        row = self.own.read("SELECT status, problem FROM shenguan_findings WHERE id = ?", (int(ref),))[0]
        return row[0], row[1]

    def put_right(self, ref: str, fields: dict[str, Any]) -> None:
        settings = ", ".join(f"{name} = ?" for name in fields)
        statement = f"UPDATE shenguan_findings SET {settings}, status = 'new' WHERE id = ?"
        self.own.write((statement, [[*fields.values(), int(ref)]]))

    def close(self) -> None:
        self.adapter.close()
        self.own.close()


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableBench]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'own.sqlite'}"
    else:
        at = make_url(request.getfixturevalue("empty_database_url"))
        url = at.set(drivername="postgresql").render_as_string(hide_password=False)
    opened = TableBench(url)
    yield opened
    opened.close()


class TestTableAdapter(AdapterContract):
    """The contract."""


def test_missing_columns_are_added_and_own_columns_left_alone(bench: TableBench) -> None:
    """Claim: a table that the department made itself, with columns of its own and without some of ours, works."""
    bench.own.write(
        ("DROP TABLE shenguan_findings", [()]),
        (f"CREATE TABLE shenguan_findings (id {bench.own.identity}, finding_no TEXT, memo TEXT)", [()]),
    )
    bench.adapter.prepare()
    bench.write_finding({**FINDING, "memo": "内部备注"})
    (draft,) = bench.adapter.drafts(10)
    assert draft.fields["finding_no"] == "JC-1"
    assert bench.own.read("SELECT memo, status FROM shenguan_findings") == [("内部备注", "new")]


def test_what_the_department_reads_is_in_columns(bench: TableBench) -> None:
    """Claim: the row says who, which licence, when, and carries the whole package as JSON."""
    package = a_package()
    bench.adapter.deliver([package])
    columns = "case_no, party_name, licence_name, licence_no, decided_on, package"
    row = bench.own.read(f"SELECT {columns} FROM shenguan_inbox")[0]
    data = package.data
    assert row[0] == package.case_no
    assert row[1] == data["case"]["applyer_name"]
    assert row[2] == data["licence"]["certificateName"]
    assert row[4] == data["result"]["result_date"]
    assert data["case"]["applyer_name"] in row[5]


def test_a_database_that_is_away_says_so(tmp_path: Path) -> None:
    """Claim: a database that cannot be opened is AdapterUnavailable with a sentence, for SQLite and PostgreSQL."""
    (tmp_path / "a file").write_text("x")
    for url in (f"sqlite:///{tmp_path / 'a file' / 'own.sqlite'}", "postgresql://x@127.0.0.1:1/x"):
        adapter = TableAdapter(url)
        with pytest.raises(AdapterUnavailable, match="数据库"):
            adapter.prepare()


def test_the_inbox_row_says_how_its_licence_stands(bench: TableBench) -> None:
    """Claim: `licence_status` is what the newest change says, whatever the order in which changes and package come; what
    was changed, by whom and why stands in columns."""

    def status() -> list[Any]:
        return list(bench.own.read("SELECT licence_status, licence_status_at FROM shenguan_inbox")[0])

    frozen, lifted = a_change(1), a_change(2, status="01", at="2026-11-22T02:30:00.000Z")
    bench.adapter.deliver([a_package()])
    assert status() == ["01", None]
    bench.adapter.changed([frozen])
    assert status() == ["02", "2026-11-21T02:30:00.000Z"]
    bench.adapter.changed([lifted])
    bench.adapter.changed([frozen])
    assert status() == ["01", "2026-11-22T02:30:00.000Z"]
    bench.own.write(
        ("DELETE FROM shenguan_inbox", [()]),
        ("DELETE FROM shenguan_licence_changes WHERE to_status = '01'", [()]),
    )
    bench.adapter.deliver([a_package()])
    assert status() == ["02", "2026-11-21T02:30:00.000Z"]
    row = bench.own.read(
        "SELECT operation_name, by_name, finding_no, relied_cases, holder FROM shenguan_licence_changes"
    )[0]
    data = frozen.data
    assert list(row) == [
        "暂扣", data["change"]["by"]["name"], data["change"]["finding_no"],
        dumps(data["relied_cases"]).decode(), data["licence"]["certificateHolder"][0],
    ]  # fmt: skip


def test_tables_of_an_earlier_release_get_what_is_new(bench: TableBench) -> None:
    """Claim: an inbox without the licence columns is added to, and its rows follow the next change."""
    bench.own.write(
        ("DROP TABLE shenguan_licence_changes", [()]),
        ("ALTER TABLE shenguan_inbox DROP COLUMN licence_status", [()]),
        ("ALTER TABLE shenguan_inbox DROP COLUMN licence_status_at", [()]),
    )
    package = a_package()
    bench.own.write(
        (
            "INSERT INTO shenguan_inbox (event_id, licence_identifier) VALUES (?, ?)",
            [(package.event_id, package.data["licence"]["certificateIdentifier"])],
        )
    )
    bench.adapter.prepare()
    bench.adapter.changed([a_change()])
    assert bench.own.read("SELECT licence_status FROM shenguan_inbox")[0][0] == "02"


def test_a_correction_takes_over_and_a_withdrawal_shows(bench: TableBench) -> None:
    """Claim: the corrected row names what it replaces, why, and is claimed already where the first one was; the replaced row
    points to it; a withdrawal shows in every row of its push, whichever came first."""
    push_id = a_package().push_id
    bench.adapter.deliver([a_package()])
    bench.claim(a_package().event_id, "示例辛")
    bench.adapter.sent([(draft, "receipt-1") for draft in bench.adapter.drafts(5)])
    bench.adapter.deliver([a_correction(2)])
    rows = bench.own.read(
        "SELECT event_id, revision, replaces, replaced_by, correction_reason, claimed_by, claim_sent_as"
        " FROM shenguan_inbox ORDER BY revision"
    )
    first, second = a_package().event_id, a_correction(2).event_id
    assert [tuple(row) for row in rows] == [
        (first, "1", None, second, None, "示例辛", "receipt-1"),
        (second, "2", first, None, "法定代表人录入有误", "示例辛", "receipt-1"),
    ]
    assert bench.adapter.drafts(5) == []
    bench.adapter.told([a_told("approval.withdrawn.v1", push_id=push_id)])
    bench.adapter.deliver([a_correction(3, of=2, revision=3)])
    rows = bench.own.read("SELECT withdrawn_why FROM shenguan_inbox")
    assert [tuple(row) for row in rows] == [("重复作出的决定",)] * 3
