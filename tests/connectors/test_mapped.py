"""A department's connector over a connector document: mapped, held, tried again, collected, set aside."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.adapters import KINDS
from connectors.bus import Producer
from connectors.department.config import ConnectorConfig
from connectors.department.held import try_held
from connectors.department.program import Connector
from connectors.department.reporting import refusal_said
from connectors.errors import AdapterUnavailable
from schemas import dumps, loads
from schemas.connector.document import ConnectorDocument, Endpoint, FieldRule, Flow, Running, Transform
from storage.signing import Signer
from tests.connectors.test_department import a_package, as_message

PACKAGES = Flow(
    "packages", "out", "approval.decided.v1", "own", place={"table": "arrived"},
    fields=(
        FieldRule("case_no", ("case.project_no",), required=True),
        FieldRule("party", ("case.applyer_name",)),
    ),
)  # fmt: skip
FINDINGS = Flow(
    "findings", "in", "finding", "own", place={"table": "said"},
    fields=tuple(
        FieldRule(name, (f"r_{name}",))
        for name in ("finding_no", "project_no", "inspected_at", "inspectors", "check_result", "handling", "publicity",
                     "files", "explain")
    ),
)  # fmt: skip


def a_document(*flows: Flow, **running: Any) -> ConnectorDocument:
    return ConnectorDocument(
        "own-1", "scjg", "市场监管的小库",
        endpoints=(Endpoint("own", "tiny", {"database": "own.sqlite"}),),
        flows=flows or (PACKAGES, FINDINGS), running=Running(**{"poll_seconds": 1, **running}),
    )  # fmt: skip


def a_finding(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "r_finding_no": f"jc-{number}", "r_project_no": "c-1", "r_inspected_at": "2026-11-20 09:30",
        "r_inspectors": "张三（SD-001）、李四（SD-002）", "r_check_result": "1", "r_handling": "1",
        "r_publicity": "internal", **changes,
    }  # fmt: skip


class Own:
    """The department's little database, looked into from outside."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "own.sqlite"
        self.away = folder / "own.away"

    def rows(self, question: str, values: tuple[Any, ...] = ()) -> list[Any]:
        db = sqlite3.connect(self.path, timeout=60)
        try:
            with db:
                return db.execute(question, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            db.close()

    def say(self, *records: dict[str, Any], table: str = "said") -> None:
        self.rows(
            f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, record TEXT, event_id TEXT, words TEXT)"
        )
        for record in records:
            self.rows(f"INSERT INTO {table} (record) VALUES (?)", (json.dumps(record),))


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "tiny", ("tests.connectors.tiny_adapter", ""))


@pytest.fixture
def mapped_config(
    connector_config: Callable[..., ConnectorConfig], topics: list[str], tmp_path: Path
) -> Callable[..., ConnectorConfig]:
    def make(document: ConnectorDocument | None = None, **changes: Any) -> ConnectorConfig:
        return connector_config(
            adapter="mapped", document=document or a_document(), base=tmp_path, evidence=tmp_path, **changes
        )

    return make


@pytest.fixture
def opened(mapped_config: Callable[..., ConnectorConfig]) -> Iterator[Callable[..., Connector]]:
    made: list[Connector] = []

    def make(document: ConnectorDocument | None = None) -> Connector:
        for one in made:
            one.close()
        made[:] = [Connector(mapped_config(document), lambda: datetime.now(UTC))]
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def own(tmp_path: Path) -> Own:
    return Own(tmp_path)


def kinds_said(messages: list[Any]) -> list[list[str]]:
    return [[one["kind"] for one in loads(m.value)["data"]["receipts"]] for m in messages]


def test_a_held_package_arrives_and_is_signed_later(
    opened: Callable[..., Connector], own: Own, area: str, signers: dict[str, Signer], tap: Any
) -> None:
    """Claim: a package that the mapping refuses says 'arrived' alone and keeps its cause, the one behind it is
    delivered and signed for; a new version of the mapping delivers it, and 'signed' leaves once, however
    often the attempt is repeated."""
    answers = tap(f"{area}.scjg.out")
    one = replace(PACKAGES, when="r.case.project_no == 'c-1'", name="one")
    strict = replace(one, fields=(*PACKAGES.fields, FieldRule("no", ("case.no_such",), required=True)))
    other = replace(PACKAGES, when="r.case.project_no != 'c-1'")
    connector = opened(a_document(strict, other))
    records = [a_package(area, signers["hub"], number) for number in (1, 2)]
    connector._receiver.take([as_message(one, n) for n, one in enumerate(records)])
    assert sorted(kinds_said(answers.until(2))) == [["arrived"], ["arrived", "signed"]]
    (refused,) = connector._state.mapped.untold(10)
    assert (refused.direction, refused.cause, refused.state) == ("out", "mapping", "open")
    assert connector._state.mapped.oldest_held()[0] == 1
    connector = opened(a_document(PACKAGES))
    assert try_held(connector._parts, connector._receiver) == 1
    assert try_held(connector._parts, connector._receiver) == 0
    connector._sender.send()
    connector._sender.send()
    connector._receiver.take([as_message(one, n) for n, one in enumerate(records)])
    later = answers.until(5)[2:]
    assert sorted(map(tuple, kinds_said(later))) == [("arrived",), ("arrived", "signed"), ("signed",)]
    assert [row[0] for row in own.rows("SELECT subject FROM arrived ORDER BY n")] == ["c-2", "c-1"]
    assert connector._state.mapped.untold(10)[0].state == "taken"


def test_what_the_other_side_refuses_is_tried_when_asked(
    opened: Callable[..., Connector], own: Own, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: a record that the other side refuses is held with its words; nothing happens to it until somebody
    asks, and then it is handed over."""
    flow = replace(
        PACKAGES, fields=(*PACKAGES.fields, FieldRule("refuse", (), (Transform("constant", {"value": "1"}),)))
    )
    connector = opened(a_document(flow))
    connector._receiver.take([as_message(a_package(area, signers["hub"]))])
    (refused,) = connector._state.mapped.untold(10)
    assert (refused.cause, refused.words) == ("shape", "小库没有这一列")
    assert try_held(connector._parts, connector._receiver) == 0
    connector._state.mapped.try_again(refused.flow, refused.ref)
    assert try_held(connector._parts, connector._receiver) == 0
    assert connector._state.mapped.untold(10)[0].times == 2
    assert try_held(connector._parts, connector._receiver) == 0


def test_what_is_not_wanted_is_signed_for_and_what_has_no_flow_is_held(
    opened: Callable[..., Connector], own: Own, area: str, signers: dict[str, Signer], tap: Any
) -> None:
    """Claim: a message whose only flow is switched off is signed for and delivered nowhere; one without any flow is held."""
    answers = tap(f"{area}.scjg.out")
    message = as_message(a_package(area, signers["hub"]))
    connector = opened(a_document(FINDINGS))
    connector._receiver.take([message])
    assert connector._state.mapped.untold(10)[0].cause == "no_flow"
    connector = opened(a_document(replace(PACKAGES, active=False)))
    assert try_held(connector._parts, connector._receiver) == 1
    connector._sender.send()
    assert kinds_said(answers.until(2)) == [["arrived"], ["signed"]]
    assert own.rows("SELECT subject FROM arrived") == []


def test_a_dead_endpoint_delivers_nothing_and_loses_nothing(
    opened: Callable[..., Connector], own: Own, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: while the other side is away nothing is signed for; when it is back everything arrives once."""
    connector = opened()
    message = as_message(a_package(area, signers["hub"]))
    own.away.touch()
    with pytest.raises(AdapterUnavailable):
        connector._receiver.take([message])
    assert connector._state.receipts_of([loads(message.value)["id"]]) == {}
    own.away.unlink()
    assert connector._receiver.take([message]) == 1
    assert own.rows("SELECT times FROM arrived") == [(1,)]


def test_a_second_system_that_is_away_keeps_nothing_from_the_first(
    opened: Callable[..., Connector],
    own: Own,
    area: str,
    signers: dict[str, Signer],
    tap: Any,
    tmp_path: Path,
) -> None:
    """Claim: while one of two systems is away the other has the batch, once however often it is tried; nothing is signed
    for before both have it, whichever comes first in the document; then it is signed for once."""
    (tmp_path / "second").mkdir()
    second = Own(tmp_path / "second")
    answers = tap(f"{area}.scjg.out")
    other = replace(PACKAGES, name="also", endpoint="second")
    for number, flows in enumerate(((other, PACKAGES), (PACKAGES, other)), 1):
        document = a_document(*flows)
        document = replace(
            document,
            endpoints=(*document.endpoints, Endpoint("second", "tiny", {"database": "second/own.sqlite"})),
        )
        connector = opened(document)
        message = as_message(a_package(area, signers["hub"], number), number)
        second.away.touch()
        for _ in range(3):
            with pytest.raises(AdapterUnavailable):
                connector._receiver.take([message])
        arrived = "SELECT times FROM arrived WHERE subject = ?"
        assert own.rows(arrived, (f"c-{number}",)) == [(1,)]
        second.away.unlink()
        assert connector._receiver.take([message]) == 1
        assert second.rows(arrived, (f"c-{number}",)) == [(1,)]
        assert own.rows(arrived, (f"c-{number}",)) == [(2,)]
        assert len(answers.until(number)) == number
    assert kinds_said(answers.until(2)) == [["arrived", "signed"]] * 2


def test_findings_are_collected_said_and_settled(
    opened: Callable[..., Connector], own: Own, tap: Any, area: str, tmp_path: Path
) -> None:
    """Claim: rows become signed findings, in order; a bad row is refused with its cause at its own row and
    holds up nothing; one that waits for its evidence is set aside over a restart, and goes once it can."""
    own.say(a_finding(1), a_finding(2, r_check_result=None), a_finding(3, r_files="photo.jpg"), a_finding(4))
    (tmp_path / "photo.jpg").write_bytes(b"x")
    connector = opened()
    assert connector._sender.send() == 2
    connector._sender.send()
    said = tap(f"{area}.scjg.out").until(2)
    assert [loads(one.value)["data"]["finding_no"] for one in said] == ["jc-1", "jc-4"]
    rows = own.rows("SELECT id, event_id IS NOT NULL, words FROM said ORDER BY id")
    assert [(row[0], row[1]) for row in rows] == [(1, 1), (2, 0), (3, 0), (4, 1)]
    assert rows[1][2]
    assert connector._state.mapped.place("findings") == "4"
    connector = opened()
    assert [one.ref for one in connector._state.mapped.aside(5)] == ["id=3"]
    (refused,) = connector._state.mapped.untold(10)
    assert (refused.ref, refused.direction, refused.cause) == ("id=2", "in", "unfit")


def test_a_crash_between_saying_and_moving_on_says_the_same_again(
    opened: Callable[..., Connector], own: Own, tap: Any, area: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: a crash after a finding left and before its place moved sends the same bytes' id again, which the
    hub drops; nothing is skipped."""
    own.say(a_finding(1))
    connector = opened()
    monkeypatch.setattr(connector._state.mapped, "move", lambda *_: None)
    assert connector._sender.send() == 1
    connector = opened()
    assert connector._state.mapped.place("findings") == ""
    assert connector._sender.send() == 1
    said = tap(f"{area}.scjg.out").until(2)
    assert loads(said[0].value)["id"] == loads(said[1].value)["id"]
    assert connector._sender.send() == 0


def test_a_refused_row_is_mapped_again_when_asked(
    opened: Callable[..., Connector], own: Own, producer: Producer
) -> None:
    """Claim: a row that the old mapping refused is said from what was kept of it once somebody asks for it under a
    mapping that can; its refusal is settled."""
    own.say(a_finding(1))
    strict = replace(FINDINGS, fields=(*FINDINGS.fields, FieldRule("plan_no", ("nowhere",), required=True)))
    connector = opened(a_document(strict))
    assert connector._sender.send() == 0
    (refused,) = connector._state.mapped.untold(10)
    assert refused.cause == "mapping"
    connector._state.mapped.note_told([refused])
    connector = opened(a_document(FINDINGS))
    assert connector._sender.send() == 0
    connector._state.mapped.try_again("findings", refused.ref)
    assert connector._sender.send() == 1
    assert connector._sender.send() == 0
    assert [(one.ref, one.state) for one in connector._state.mapped.untold(10)] == [("id=1", "taken")]


def test_a_record_that_nothing_can_keep_stops_nothing(opened: Callable[..., Connector], own: Own) -> None:
    """Claim: NUL, half a character, a list where a text belongs: refused, written down, and the next one goes."""
    own.say(
        a_finding(1, r_explain="a\0b\ud800"), a_finding(2, r_inspected_at=["x"], r_check_result="\0"),
        a_finding(3, r_inspectors={"a": [1]}, r_project_no=["c"]), a_finding(4),
    )  # fmt: skip
    connector = opened()
    assert connector._sender.send() >= 1
    connector._sender.send()
    assert connector._state.mapped.place("findings") == "4"
    refused = connector._state.mapped.untold(10)
    assert {"id=2", "id=3"} <= {one.ref for one in refused}
    for one in refused:
        assert "\0" not in dumps(refusal_said(one)).decode()
