"""What a department's database does to those who write into it: tests for every server, over `SqlCounterpart`."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from connectors.adapters import open_adapter
from connectors.adapters.port import AdapterUnavailable, Answer, Outgoing
from schemas.connector.document import Flow
from schemas.connector.up_tables import COMMON, up_tables
from tests.adapters.contract import as_text, collect_all, deliver, in_chinese
from tests.adapters.counterpart import outgoing, record


class Writes:
    """Out."""

    def test_a_column_renamed_overnight(self, counterpart: Any) -> None:
        """Claim: all waits, the old and the likely new name in the sentence; named back, all goes on, once."""
        adapter = counterpart.open()
        deliver(adapter, [record(1)])
        counterpart.run("ALTER TABLE licences RENAME COLUMN amount TO amount_yuan")
        for _ in range(2):
            with pytest.raises(AdapterUnavailable, match=r"amount.*amount_yuan"):
                adapter.deliver([outgoing(record(1)), outgoing(record(2))])
        steps = list(counterpart.open().check())
        assert (steps[-1].layer, steps[-1].ok) == ("shape", False)
        assert "amount_yuan" in steps[-1].words
        counterpart.run("ALTER TABLE licences RENAME COLUMN amount_yuan TO amount")
        assert deliver(adapter, [record(1), record(2)]) == [None, None]
        assert counterpart.there() == [record(1), record(2)]
        adapter.close()

    def test_a_table_dropped_and_made_again(self, counterpart: Any) -> None:
        """Claim: a table that is gone is said to be gone, with what is there; back, with one more column, it is filled."""
        adapter = counterpart.open()
        deliver(adapter, [record(1)])
        counterpart.run("ALTER TABLE licences RENAME TO licences_old")
        with pytest.raises(AdapterUnavailable, match="licences_old"):
            adapter.deliver([outgoing(record(2))])
        counterpart.run("ALTER TABLE licences_old RENAME TO licences")
        counterpart.run("ALTER TABLE licences ADD COLUMN more VARCHAR(10)")
        assert deliver(adapter, [{**record(2), "more": "x"}]) == [None]
        adapter.close()

    def test_every_refusal_has_its_cause(self, counterpart: Any) -> None:
        """Claim: too long, too many digits, no date, nothing where something must be: each is told by its column."""
        bad = {
            "name": "店" * 61,
            "amount": "12.345",
            "day": "2026-02-30",
            "id": None,
        }
        if counterpart.dialect == "sqlite":
            del bad["amount"]  # it knows no exact numbers
        adapter = counterpart.open()
        batch = [outgoing(record(1))]
        for number, (name, value) in enumerate(bad.items(), 10):
            one = outgoing(record(number))
            batch.append(type(one)(one.key, one.subject, {**one.record, name: value}))
        answers = adapter.deliver([*batch, outgoing(record(2))])
        words = [answer.words if answer else None for answer in answers]
        assert words[0] is words[-1] is None
        for name, said in zip(bad, words[1:-1], strict=True):
            assert said
            assert name in said
            assert in_chinese(said)
        assert counterpart.there() == [record(1), record(2)]
        adapter.close()

    def test_what_the_database_alone_knows(self, counterpart: Any) -> None:
        """Claim: another unique column hit, a foreign key, a check: found among good rows, refused with cause."""
        counterpart.run("CREATE TABLE towns (name VARCHAR(60) PRIMARY KEY)")
        counterpart.run("INSERT INTO towns VALUES ('甲'), ('乙'), ('丙')")
        number = "BIGINT AUTO_INCREMENT" if counterpart.dialect == "mysql" else "INTEGER"
        counterpart.run(
            f"CREATE TABLE strict (seq {number}, id VARCHAR(50) NOT NULL PRIMARY KEY, no VARCHAR(20) UNIQUE,"
            " town VARCHAR(60), size INTEGER CHECK (size < 100),"
            f" {'KEY (seq),' if counterpart.dialect == 'mysql' else ''} FOREIGN KEY (town) REFERENCES towns (name))"
        )
        counterpart.place_out |= {"table": "strict"}
        counterpart.rules = ()
        rows = [
            {"id": "1", "no": "A", "town": "甲", "size": "1"},
            {"id": "2", "no": "A", "town": "乙", "size": "2"},  # the number of 1
            {"id": "3", "no": "B", "town": "丁", "size": "3"},  # no such town
            {"id": "4", "no": "C", "town": "丙", "size": "400"},
            {"id": "5", "no": "D", "town": "丙", "size": "5"},
        ]
        adapter = counterpart.open()
        for _ in range(2):
            answers = adapter.deliver([outgoing(row) for row in rows])
            causes = [answer.cause if answer else None for answer in answers]
            assert causes == [None, "duplicate", "shape", "shape", None]
        assert [row[0] for row in counterpart.rows("SELECT id FROM strict ORDER BY id")] == ["1", "5"]
        assert [row[0] for row in counterpart.rows("SELECT town FROM strict ORDER BY id")] == ["甲", "丙"]
        adapter.close()

    def test_a_correction_takes_the_place_of_the_first(self, counterpart: Any) -> None:
        """Claim: another delivery with the same key brings the row up to date, or leaves it, as was chosen."""
        first, second = outgoing(record(1)), outgoing(record(1, name="更正后的名称"))
        corrected = type(second)("another", second.subject, second.record)
        adapter = counterpart.open()
        assert adapter.deliver([first, corrected]) == [None, None]
        assert counterpart.there() == [record(1, name="更正后的名称")]
        adapter.close()
        counterpart.place_out |= {"existing": "keep"}
        adapter = counterpart.open()
        assert adapter.deliver([first]) == [None]
        assert counterpart.there() == [record(1, name="更正后的名称")]
        adapter.close()

    def test_what_is_there_of_what_was_sent(self, counterpart: Any) -> None:
        """Claim: rows are found again by their key, those that are not there are None; without a key nothing is said."""
        adapter = counterpart.open()
        deliver(adapter, [record(1), record(2)])
        key_too_long = replace(outgoing(record(3)), record=record(3, id="x" * 51))
        found = adapter.found([outgoing(record(2)), key_too_long, outgoing(record(4))])
        assert found is not None
        assert [row and as_text(row) for row in found] == [record(2), None, None]
        adapter.close()
        counterpart.place_out |= {"key_columns": ""}
        adapter = counterpart.open()
        assert adapter.found([outgoing(record(2))]) is None
        adapter.close()

    def test_no_key_that_is_none(self, counterpart: Any) -> None:
        """Claim: key columns in which the table allows the same twice are refused before any row, and in a check."""
        counterpart.place_out |= {"key_columns": "name"}
        adapter = counterpart.open()
        with pytest.raises(AdapterUnavailable, match="唯一索引"):
            adapter.deliver([outgoing(record(1))])
        assert list(adapter.check())[-1].layer == "shape"
        assert counterpart.there() == []
        adapter.close()

    def test_a_slow_database_is_left_in_time(self, counterpart: Any) -> None:
        """Claim: a table that somebody keeps locked is left within the time allowed, and written to afterwards."""
        if counterpart.dialect == "sqlite":
            locks = ("BEGIN EXCLUSIVE",)
        elif counterpart.dialect == "mysql":
            locks = ("BEGIN", "SELECT * FROM licences FOR UPDATE")
        else:
            locks = ("LOCK TABLE licences IN EXCLUSIVE MODE",)
        counterpart.endpoint.settings["timeout_seconds"] = 1
        adapter = counterpart.open()
        deliver(adapter, [record(1)])
        with counterpart.own.connect() as own:
            for lock in locks:
                own.exec_driver_sql(lock)
            said: list[str] = []

            def attempt() -> None:
                with pytest.raises(AdapterUnavailable) as caught:
                    adapter.deliver([outgoing(record(1)), outgoing(record(2))])
                said.append(str(caught.value))

            trying = threading.Thread(target=attempt)
            trying.start()
            trying.join(60)
            assert not trying.is_alive()
            own.rollback()
        assert in_chinese(said[0])
        assert deliver(adapter, [record(1), record(2)]) == [None, None]
        assert counterpart.there() == [record(1), record(2)]
        adapter.close()


class Reads:
    """In."""

    def test_a_late_commit_is_found(self, counterpart: Any) -> None:
        """Claim: a row that is committed after rows with greater numbers were read comes nevertheless, once."""
        counterpart.put([record(n) for n in (1, 2, 3)])
        counterpart.run(
            "DELETE FROM findings WHERE seq = 2"
        )  # the number was given out, its row is not there yet
        adapter = counterpart.open(out=False)
        found, place = collect_all(adapter)
        assert [one.record["id"] for one in found] == ["k-00001", "k-00003"]
        counterpart.run("INSERT INTO findings (seq, id) VALUES (2, 'late')")
        late, place = collect_all(adapter, place)
        assert [one.record["id"] for one in late] == ["late"]
        assert collect_all(adapter, place)[0] == []
        adapter.close()

    def test_places_stay_small(self, counterpart: Any) -> None:
        """Claim: behind thousands of rows a place is no longer than behind hundreds."""
        counterpart.put([record(n) for n in range(1, 1801)])
        adapter = counterpart.open(out=False)
        sizes, place, ids = [], "", []
        for _ in range(3):
            page = adapter.collect(place, 600)
            place = page.place
            sizes.append(len(place))
            ids += [one.record["id"] for one in page.records]
        assert ids == [record(n)["id"] for n in range(1, 1801)]
        assert max(sizes) < 5000
        assert adapter.collect(place, 600).records == []
        adapter.close()

    def test_by_time_of_change(self, counterpart: Any) -> None:
        """Claim: a changed row comes again; rows of one moment come all; one committed late within the overlap comes."""
        kind = {"mysql": "DATETIME(6)", "sqlite": "TIMESTAMP"}.get(counterpart.dialect, "TIMESTAMP")
        counterpart.run(f"ALTER TABLE findings ADD COLUMN changed {kind}")
        counterpart.place_in |= {"cursor_kind": "time", "cursor_column": "changed", "key_column": "seq"}
        rows = {1: "09:00:00", 2: "09:00:00", 3: "09:00:00", 4: "09:05:00"}
        for seq, clock in rows.items():
            counterpart.run(
                f"INSERT INTO findings (seq, id, changed) VALUES ({seq}, '{seq}', '2026-11-21 {clock}')"
            )
        adapter = counterpart.open(out=False)
        found, place = collect_all(adapter, limit=2)
        assert [one.record["id"] for one in found] == ["1", "2", "3", "4"]
        counterpart.run("UPDATE findings SET changed = '2026-11-21 09:06:00', name = '改' WHERE seq = 1")
        counterpart.run("INSERT INTO findings (seq, id, changed) VALUES (5, '5', '2026-11-21 09:02:00')")
        again, place = collect_all(adapter, place)
        assert sorted(one.record["id"] for one in again) == ["1", "5"]
        assert collect_all(adapter, place)[0] == []
        adapter.close()

    def test_put_right_it_comes_again(self, counterpart: Any) -> None:
        """Claim: with a status column a refused row whose status the department sets back is read again; no other is."""
        counterpart.place_in |= {"status_column": "status", "words_column": "words"}
        adapter = counterpart.open(out=False)
        counterpart.put([record(1), record(2)])
        found, place = collect_all(adapter)
        adapter.settle([Answer(found[0], "e-1"), Answer(found[1], None, "缺" * 300)])
        assert counterpart.settled()["k-00002"] == (False, "缺" * 200)  # as long as its column
        counterpart.run("UPDATE findings SET status = '', name = '已改正' WHERE id = 'k-00002'")
        again, _ = collect_all(adapter, place)
        assert [as_text(one.record)["name"] for one in again] == ["已改正"]
        adapter.close()

    def test_a_rehearsal_without_a_table_of_its_own(self, counterpart: Any) -> None:
        """Claim: where nothing was put to rehearse with, nothing is read, and the real rows least of all."""
        counterpart.put([record(1)])
        counterpart.run("DROP TABLE findings_sandbox")
        adapter = counterpart.open(out=False, sandbox=True)
        assert collect_all(adapter)[0] == []
        adapter.close()

    def test_only_what_the_filter_lets_through(self, counterpart: Any) -> None:
        """Claim: with a filter only its rows are read; a value that its column cannot have is said at once."""
        counterpart.put([record(1), record(2, day="2026-11-22")])
        counterpart.place_in |= {"filter_column": "day", "filter_value": "2026年11月22日"}
        adapter = counterpart.open(out=False)
        assert [one.record["id"] for one in collect_all(adapter)[0]] == ["k-00002"]
        adapter.close()


class FrontDatabase:
    """The tables of the national front database, made by our statements."""

    def test_up_tables_are_made_and_filled(self, counterpart: Any) -> None:
        """Claim: every table can be made on this server; a row told again is not touched, one that changed is a U."""
        endpoint = replace(
            counterpart.endpoint,
            kind="up_tables",
            settings={**counterpart.endpoint.settings, "create_tables": True},
        )
        for name, table in up_tables().items():
            flow = Flow("f", "out", "approval.decided.v1", "own", {"table": name})
            adapter = open_adapter(endpoint, flow, counterpart.outside)
            moments = [column.name for column in table.columns if column.kind == "moment"]
            row = dict.fromkeys(table.business, "甲𠮷") | dict.fromkeys(moments, "2026-11-18T01:00:00Z")
            one = Outgoing(
                "1", "c-1", {name: value for name, value in row.items() if not name.startswith("cd_")}
            )
            assert adapter.deliver([one]) == [None]
            assert adapter.deliver([one]) == [None]
            found = counterpart.rows(f"SELECT cd_operation, row_guid FROM {name}")
            assert [state for state, _ in found] == ["I"]
            texts = [
                one.name for one in table.columns if one.kind == "text" and one.name not in table.business
            ]
            extra = next(name for name in texts if name not in COMMON)
            adapter.deliver([replace(one, record={**one.record, extra: "1"})])
            again = counterpart.rows(f"SELECT cd_operation, row_guid FROM {name}")
            assert [tuple(row) for row in again] == [("U", found[0][1])]
            assert [step.words for step in adapter.check() if not step.ok] == []
            adapter.close()


class OverAWire:
    """Servers that are reached over a network."""

    def test_broken_off_in_between(self, counterpart: Any) -> None:
        """Claim: wherever in a batch the connection breaks off, all of it is there or nothing; again, it is there once."""
        adapter = counterpart.open()
        deliver(adapter, [record(0)])
        whole = [record(n) for n in range(1, 301)]
        counterpart.wire.delay = 0.02
        for after in (0.01, 0.03, 0.05, 0.07, 0.1):
            cutting = threading.Timer(after, counterpart.wire.cut)
            cutting.start()
            with suppress(AdapterUnavailable):
                adapter.deliver([outgoing(one) for one in whole])
            cutting.join()
            assert len(counterpart.there()) in (1, 301)
            counterpart.wire.mend()
        counterpart.wire.delay = 0
        assert deliver(adapter, whole) == [None] * 300
        assert counterpart.there() == [record(0), *whole]
        adapter.close()

    def test_a_server_that_does_not_answer(self, counterpart: Any) -> None:
        """Claim: a server that takes everything and answers nothing is left when its time is up; then all goes on."""
        counterpart.endpoint.settings["timeout_seconds"] = 1
        adapter = counterpart.open()
        deliver(adapter, [record(1)])
        counterpart.wire.delay = 30
        begun = time.monotonic()
        with pytest.raises(AdapterUnavailable):
            adapter.deliver([outgoing(record(2))])
        assert time.monotonic() - begun < 15
        counterpart.wire.cut()
        counterpart.wire.delay = 0
        counterpart.wire.mend()
        assert deliver(adapter, [record(1), record(2)]) == [None, None]
        assert counterpart.there() == [record(1), record(2)]
        adapter.close()
