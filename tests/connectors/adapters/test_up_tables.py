"""Rows of the national front database: I, U and D as the exchange wants them, from the ready-made mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from connectors.adapters import Outside, open_adapter
from connectors.adapters.port import AdapterUnavailable, Answer, Outgoing
from schemas import dumps, examples_of, loads
from schemas.connector.document import ConnectorDocument, Endpoint, Flow, document_from
from schemas.connector.judge import document_faults
from schemas.connector.up_tables import ddl, up_tables
from schemas.mapping import compile_mapping

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def ready_made() -> ConnectorDocument:
    """A connector that takes the preset as it is."""
    said: dict[str, Any] = loads((files("schemas") / "connector" / "presets" / "up_tables.json").read_bytes())
    settings = {"dialect": "sqlite", "path": "front.sqlite", "data_source": "001"}
    return document_from(
        {
            "format": 1,
            "code": "front",
            "department": "scjg",
            "title": "前置库",
            "area": "990101",
            "endpoints": [{"name": "own", "kind": "up_tables", "settings": settings}],
            "flows": said["flows"],
            "code_tables": said["code_tables"],
        }
    )


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Engine]:
    """A front database whose tables were made by our statements, with a column for what the exchange says."""
    engine = create_engine(f"sqlite:///{tmp_path / 'front.sqlite'}")
    with engine.begin() as tx:
        for table in up_tables():
            tx.execute(text(ddl(table, "sqlite")))
        tx.execute(text("ALTER TABLE up_pro_result ADD COLUMN exchange_state VARCHAR(2)"))
    yield engine
    engine.dispose()


class Front:
    """The ready-made connector at work on it."""

    def __init__(self, engine: Engine, base: Path) -> None:
        self.engine, self.document = engine, ready_made()
        self.outside = Outside(base=base, clock=lambda: NOW)

    def say(self, kind: str, event: dict[str, Any]) -> list[str | None]:
        """Every flow of this message: mapped, delivered; the words of each refusal."""
        said: list[str | None] = []
        for flow in (one for one in self.document.flows if one.message == kind):
            mapped = compile_mapping(flow, self.document.code_tables).apply(
                {**event["data"], "event": {name: event[name] for name in ("id", "subject", "type", "time")}}
            )
            assert mapped.faults == ()
            batch = [
                Outgoing(f"{event['id']}/{number}", event["subject"], record)
                for number, record in enumerate(mapped.records)
            ]
            adapter = open_adapter(self.document.endpoints[0], flow, self.outside)
            said += [one.words if one else None for one in adapter.deliver(batch)]
            adapter.close()
        return said

    def rows(self, table: str) -> list[Any]:
        with self.engine.begin() as tx:
            return list(tx.execute(text(f"SELECT * FROM {table} ORDER BY rowid")).mappings())


@pytest.fixture
def at(front: Engine, tmp_path: Path) -> Front:
    return Front(front, tmp_path)


def test_the_ready_made_connector_is_without_fault() -> None:
    """Claim: the preset is a whole connector: every path, step and table of it is known."""
    assert document_faults(ready_made()) == ()


@pytest.mark.parametrize("dialect", ["mysql", "postgresql", "sqlite"])
def test_statements_name_every_column(dialect: Any) -> None:
    """Claim: for each database there is a statement for each table, with its columns and its key."""
    for name, table in up_tables().items():
        statement = ddl(name, dialect)
        assert all(f"\n  {column.name} " in statement for column in table.columns)
        assert "PRIMARY KEY (row_guid)" in statement
        assert set(table.business) <= {column.name for column in table.columns}


def test_a_decision_becomes_rows_of_every_table(at: Front) -> None:
    """Claim: acceptance, three steps, result, two materials: new rows of one case, times local, codes theirs."""
    event = examples_of("approval.decided.v1")[0]
    assert set(at.say("approval.decided.v1", event)) == {None}
    (accept,) = at.rows("up_pro_accept")
    (result,) = at.rows("up_pro_result")
    steps = at.rows("up_pro_process")
    assert [row["process_name"] for row in steps] == ["受理", "审查", "决定"]
    assert steps[0]["event_start_time"] == "2026-11-18 09:00:00"
    assert len(at.rows("up_pro_material")) == 2
    assert (accept["applyer_type"], accept["cd_operation"], accept["data_source"]) == ("02", "I", "001")
    assert (result["result_cetr_no"], result["cd_time"]) == ("JY29901010000001", "2026-11-22 16:00:00")
    assert {row["project_no"] for row in (accept, result, *steps)} == {event["subject"]}


def test_again_nothing_corrected_an_update_withdrawn_a_deletion(at: Front) -> None:
    """Claim: told again, no row is touched; a correction makes its row a U, a withdrawal a D, once; told anew an I."""
    event = examples_of("approval.decided.v1")[0]
    at.say("approval.decided.v1", event)
    before = at.rows("up_pro_result")
    at.outside = replace(at.outside, clock=lambda: NOW.replace(hour=9))
    at.say("approval.decided.v1", event)
    assert at.rows("up_pro_result") == before

    corrected = loads(dumps(event))
    corrected["data"]["result"]["result_explain"] = "更正：准予小餐饮经营"
    at.say("approval.corrected.v1", corrected)
    (row,) = at.rows("up_pro_result")
    assert (row["cd_operation"], row["result_explain"]) == ("U", "更正：准予小餐饮经营")
    assert row["row_guid"] == before[0]["row_guid"]
    assert at.rows("up_pro_accept")[0]["cd_operation"] == "I"

    withdrawn = {**examples_of("approval.withdrawn.v1")[0], "subject": event["subject"]}
    withdrawn["data"] = {**withdrawn["data"], "project_no": event["subject"]}
    at.say("approval.withdrawn.v1", withdrawn)
    at.say("approval.withdrawn.v1", withdrawn)
    assert [one["cd_operation"] for one in at.rows("up_pro_result")] == ["D"]
    at.say("approval.decided.v1", event)
    assert [one["cd_operation"] for one in at.rows("up_pro_result")] == ["I"]


def _flow(table: str, **place: Any) -> Flow:
    direction: Any = "in" if place else "out"
    message = "returned" if place else "approval.decided.v1"
    return Flow("f", direction, message, "own", {"table": table, **place})


def test_twice_in_one_batch_and_what_has_no_number(at: Front) -> None:
    """Claim: the same thing twice in one batch is one row as told last; should that not fit, as told before; without a case
    number a record is refused."""
    adapter = open_adapter(at.document.endpoints[0], _flow("up_pro_result"), at.outside)
    records: list[dict[str, Any]] = [
        {"project_no": "1", "result_type": "0"},
        {"project_no": "1", "result_type": "1"},
        {"project_no": "2", "result_type": "0"},
        {"project_no": "2", "result_type": "太长了"},
        {"project_no": "", "result_type": "0"},
    ]
    said = adapter.deliver([Outgoing(str(n), "c", record) for n, record in enumerate(records)])
    assert [answer.cause if answer else None for answer in said] == [None, None, None, "too_big", "shape"]
    found = {row["project_no"]: (row["result_type"], row["cd_operation"]) for row in at.rows("up_pro_result")}
    assert found == {"1": ("1", "U"), "2": ("0", "I")}
    again = adapter.found([Outgoing("x", "c", records[1]), Outgoing("y", "c", records[4])])
    assert again == [records[1], None]
    adapter.close()


def test_what_the_exchange_says_is_read(at: Front) -> None:
    """Claim: rows whose state the front end's software has set are read, once, and marked as read."""
    adapter = open_adapter(at.document.endpoints[0], _flow("up_pro_result"), at.outside)
    adapter.deliver([Outgoing(str(n), "c", {"project_no": f"c-{n}"}) for n in range(3)])
    with at.engine.begin() as tx:
        tx.execute(text("UPDATE up_pro_result SET exchange_state = '3' WHERE project_no = 'c-1'"))
    back = open_adapter(
        at.document.endpoints[0],
        _flow("up_pro_result", status_column="exchange_state", status_new="3"),
        at.outside,
    )
    page = back.collect("", 10)
    assert [one.record["project_no"] for one in page.records] == ["c-1"]
    back.settle([Answer(page.records[0], "e-1")])
    assert back.collect(page.place, 10).records == []
    back.close()
    adapter.close()


def test_tables_are_made_only_where_that_is_wanted(tmp_path: Path) -> None:
    """Claim: without tables the columns are known nevertheless; a check says what is missing; with leave they are made."""
    create_engine(f"sqlite:///{tmp_path / 'front.sqlite'}").connect().close()
    (tmp_path / "front.sqlite").touch()
    outside = Outside(base=tmp_path, clock=lambda: NOW)
    endpoint = ready_made().endpoints[0]
    adapter = open_adapter(endpoint, _flow("up_pro_accept"), outside)
    assert "applyer_name" in {column.name for column in adapter.columns()}
    assert [step.layer for step in adapter.check() if not step.ok] == ["shape"]
    with pytest.raises(AdapterUnavailable, match="up_pro_accept"):
        adapter.deliver([Outgoing("1", "c", {"project_no": "c-1"})])
    adapter.close()

    made = Endpoint("own", "up_tables", {**endpoint.settings, "create_tables": True})
    adapter = open_adapter(made, _flow("up_pro_accept"), outside)
    assert [step.ok for step in adapter.check()][-1]
    assert adapter.deliver([Outgoing("1", "c", {"project_no": "c-1"})]) == [None]
    assert adapter.deliver([Outgoing("1", "c", {"project_no": "c-1"})]) == [None]
    adapter.close()
