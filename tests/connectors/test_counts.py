"""What the connector counts by itself: from its own file, by the day that messages say, told once and when asked."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bus import Message
from connectors.department.config import ConnectorConfig
from connectors.department.count import Counter
from connectors.department.events import event, local_day, sign
from connectors.department.program import Connector
from connectors.department.state import Received, State
from connectors.department.tally import WHAT, Figure, Tally
from hub.reconciling.our_counts import ids_sha256
from schemas import dumps, examples_of, loads, violations
from storage.signing import Signer, generate_private_key
from tests.connectors.test_department import a_package, as_message

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SIGNER = Signer.from_pem("scjg", generate_private_key())


def told(area: str, hub: Signer, kind: str, number: int, **changes: Any) -> Message:
    """Any message of the hub to scjg."""
    document: dict[str, Any] = loads(dumps(examples_of(kind)[0]))
    document |= {"id": str(uuid.UUID(int=number)), "source": f"/{area}/hub"}
    document["data"] |= {"department": "scjg", **changes}
    record = sign(document, hub).record(f"{area}.scjg.in")
    return Message(record.topic, 0, number, record.key, record.value, dict(record.headers))


def figures(connector: Connector, day: str) -> dict[str, int]:
    return {one.what: len(one.ids) for one in Tally(connector._state).of_day(day)}


def test_what_is_counted_is_what_is_on_the_disk(
    connector: Connector, area: str, signers: dict[str, Signer]
) -> None:
    """Claim: packages, what else is told, receipts and facts are counted on the day that their `time` says, each id
    once; the same after a restart."""
    hub = signers["hub"]
    batch = [
        as_message(a_package(area, hub, 1)),
        as_message(
            a_package(area, hub, 2, time="2026-11-20T16:00:00Z"), 1
        ),  # midnight in China: the next day
        told(area, hub, "finding.forwarded.v1", 11),
        told(area, hub, "advice.forwarded.v1", 12),
        told(area, hub, "approval.withdrawn.v1", 13),
    ]
    connector._receiver.take(batch)
    connector._receiver.take(batch)
    assert figures(connector, "2026-11-20") == {
        "packages": 1,
        "announcements": 0,
        "receipts": 0,
        "findings": 0,
    }
    assert figures(connector, "2026-11-21")["packages"] == 1
    assert figures(connector, "2026-11-21")["announcements"] == 3
    today = local_day(datetime.now(UTC).isoformat())
    assert figures(connector, today)["receipts"] == 5
    again = State(connector._config.state_dir / "state.sqlite")
    assert [len(one.ids) for one in Tally(again).of_day("2026-11-21")] == [1, 3, 0, 0]
    again.close()


def test_counts_are_told_when_asked_and_once_by_themselves(
    connector: Connector, config: ConnectorConfig, area: str, signers: dict[str, Signer], tap: Any
) -> None:
    """Claim: a question is signed for and answered, with ids where they are wanted, and not again; yesterday's figures go
    out by themselves, and again only when they have changed."""
    hub = signers["hub"]
    asked = told(
        area, hub, "count.asked.v1", 21, first_day="2026-11-20", last_day="2026-11-21", with_ids=True
    )  # fmt: skip
    connector._receiver.take([as_message(a_package(area, hub, 1)), asked])
    connector._counter.report()
    connector._counter.report()
    answers = [loads(one.value) for one in tap(config.topic_out).until(3)]
    (count,) = [one for one in answers if one["type"] == "count.reported.v1"]
    assert violations("count.reported.v1", count) == []
    days = {(one["day"], one["what"]): one for one in count["data"]["days"]}
    assert set(days) == {(day, what) for day in ("2026-11-20", "2026-11-21") for what in WHAT}
    one = days["2026-11-20", "packages"]
    (event_id,) = one["ids"]
    assert one["ids_sha256"] == hashlib.sha256(f"{event_id}\n".encode()).hexdigest()
    assert days["2026-11-21", "packages"]["ids_sha256"] == hashlib.sha256().hexdigest()

    counter = connector._counter
    counter._look_at = 0.0
    counter.report()
    counter._look_at = 0.0
    counter.report()
    reported = [loads(one.value) for one in tap(config.topic_out).quiet() if b"count.reported" in one.value]
    assert len(reported) == 2
    assert "ids" not in reported[1]["data"]["days"][0]
    connector._receiver.take([as_message(a_package(area, hub, 2), 2)])
    counter._look_at = 0.0
    counter.report()
    late = [loads(one.value) for one in tap(config.topic_out).quiet() if b"count.reported" in one.value][-1]
    assert [(one["what"], one["count"]) for one in late["data"]["days"]] == [("packages", 2)]


def test_midnight_reports_the_day_that_is_over(connector: Connector, monkeypatch: Any) -> None:
    """Claim: when the local day changes the figures of the past days are told at once, whatever was looked at last."""
    said: list[list[Figure]] = []
    monkeypatch.setattr(Counter, "_tell", lambda self, due, with_ids: said.append(list(due)))
    connector._state.note_received([(received(day="2026-11-20"), receipt("2026-11-20"))], [])
    counter = connector._counter
    counter.report()
    assert said == []
    counter._day = "2026-11-20"
    counter.report()
    assert [one.what for one in said[0] if one.ids] == ["packages"]
    counter.report()
    assert len(said) == 1


def received(event_id: str = "E-1", *, day: str, kind: str = "approval.decided.v1") -> Received:
    return Received(event_id, "p-1", "c-1", "0" * 64, kind, day)


def receipt(day: str) -> Any:
    at = datetime.fromisoformat(f"{day}T08:00:00+08:00")
    return sign(event("/x/scjg", "receipt.v1", "c-1", {}, event_id=str(uuid.uuid4()), at=at), SIGNER)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.sampled_from(["20", "21"]),
            st.sampled_from(["approval.decided.v1", "x.v1"]),
        ),
        max_size=40,
    )
)
def test_every_id_counts_once_in_any_order(rows: list[tuple[int, str, str]]) -> None:
    """Claim: of any stream with repetitions, the figures are those of the set of first arrivals."""
    import tempfile

    first: dict[str, tuple[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder) / "state.sqlite")
        for number, day, kind in rows:
            event_id = f"ID-{number}"
            first.setdefault(event_id, (f"2026-11-{day}", kind))
            state.note_received(
                [(received(event_id, day=f"2026-11-{day}", kind=kind), receipt("2026-11-22"))], []
            )
        for day in ("2026-11-20", "2026-11-21"):
            got = {one.what: one.ids for one in Tally(state).of_day(day)}
            for what, kind in (("packages", "approval.decided.v1"), ("announcements", "x.v1")):
                expected = sorted(one.lower() for one, said in first.items() if said == (day, kind))
                assert list(got[what]) == expected
        state.close()


@given(st.sets(st.text("abcdef0123456789-", min_size=1, max_size=36), max_size=20))
def test_both_sides_make_the_same_hash(ids: set[str]) -> None:
    """Claim: the connector's hash over ids is the hub's."""
    assert Figure("2026-11-20", "packages", tuple(sorted(ids))).ids_sha256 == ids_sha256(ids).hex()


def test_the_file_of_an_earlier_release_is_counted_too(
    connector_config: Callable[..., ConnectorConfig], tmp_path: Path
) -> None:
    """Claim: rows without type and day learn them from the bytes that were kept; nothing else changes."""
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE received (event_id TEXT PRIMARY KEY, push_id TEXT NOT NULL, case_no TEXT NOT NULL,"
            " sha256 TEXT NOT NULL, received_at TEXT NOT NULL, receipt_id TEXT NOT NULL, receipt BLOB NOT NULL,"
            " signature TEXT NOT NULL, kid TEXT NOT NULL, receipted_at TEXT)"
        )
        db.execute(
            "CREATE TABLE said (event_id TEXT PRIMARY KEY, case_no TEXT NOT NULL, value BLOB NOT NULL,"
            " signature TEXT NOT NULL, kid TEXT NOT NULL, said_at TEXT NOT NULL, again INTEGER NOT NULL DEFAULT 0)"
        )
        made = receipt("2026-11-21")
        db.execute(
            "INSERT INTO received VALUES ('a', 'p', 'c', 'x', '2026-11-20T17:00:00.000Z', ?, ?, 's', 'k', 'then')",
            (made.event_id, made.value),
        )
        said = sign(event("/x/scjg", "finding.reported.v1", "c-1", {}, event_id="f", at=NOW), SIGNER)
        db.execute("INSERT INTO said VALUES ('f', 'c', ?, 's', 'k', 'then', 0)", (said.value,))
    db.close()
    state = State(path)
    assert [len(one.ids) for one in Tally(state).of_day("2026-11-21")] == [1, 0, 1, 0]
    assert [len(one.ids) for one in Tally(state).of_day("2026-11-22")] == [0, 0, 0, 1]
    assert state.find(event_id="a") is not None
    state.close()
