"""What every adapter must do, against the real thing. A test class takes the parts that its kind has:

    class TestSftp(Checks, Delivers, Refuses, Collects, Settles, Rehearses): ...

and its module brings the fixture `counterpart` (see `counterpart.Counterpart`). Everybody has `Checks`; a kind that only
takes has no `Collects`, one that takes everything no `Refuses`, one that has no room for an answer no `Settles`, one that
knows no files no `GivesFiles`.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from connectors.adapters.port import (
    LAYERS,
    Adapter,
    AdapterUnavailable,
    Answer,
    Collected,
    Incoming,
    NoFile,
    Outgoing,
    Step,
)
from tests.adapters.counterpart import FIELDS, Counterpart, Record, as_text, outgoing, record

#: What people really write.
ODD: tuple[Record, ...] = (
    record(1, name="𠮷野家（示范店）😀"),
    record(2, note="第一行\n第二行，“引号”与 \"quotes\"; 'single' \\ <b>&amp;</b>"),
    record(3, note=None),
    record(4, note=""),
    record(5, note="长" * 100_000),
    record(6, name=" 前后有空格 ", note="制表\t符"),
)


def deliver(adapter: Adapter, records: Sequence[Record]) -> list[str | None]:
    """Hand over; the cause of each refusal, None for what was taken."""
    answers = adapter.deliver([outgoing(one) for one in records])
    assert len(answers) == len(records)
    return [answer.cause if answer else None for answer in answers]


def collect_all(adapter: Adapter, place: str = "", limit: int = 3) -> tuple[list[Incoming], str]:
    """Page after page to the end; and the place behind it."""
    found: list[Incoming] = []
    for _ in range(1000):
        page = adapter.collect(place, limit)
        assert len(page.records) <= limit
        found += page.records
        place = page.place
        if not page.more:
            return found, place
    raise AssertionError("it never ends")


def in_chinese(words: str) -> bool:
    """A sentence for a data administrator has at least one Chinese character."""
    return any("\u4e00" <= letter <= "\u9fff" for letter in words)


def _in_order(steps: Sequence[Step]) -> bool:
    places = [LAYERS.index(step.layer) for step in steps]
    return places == sorted(places)


class _LetsGo:
    """Whatever a test opens is closed, also when it fails."""

    @pytest.fixture(autouse=True)
    def lets_go(self, counterpart: Counterpart, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        opened: list[Adapter] = []
        open_ = counterpart.open

        def kept(**how: Any) -> Adapter:
            opened.append(open_(**how))
            return opened[-1]

        monkeypatch.setattr(counterpart, "open", kept)
        yield
        for one in opened:
            one.close()


class Checks(_LetsGo):
    """`check`."""

    def test_every_layer_holds(self, counterpart: Counterpart) -> None:
        """Claim: where all is well every layer is said, in order, in Chinese, with its time; nothing changes there."""
        before = counterpart.there()
        adapter = counterpart.open()
        steps = list(adapter.check())

        assert [step.words for step in steps if not step.ok] == []
        assert steps
        assert _in_order(steps)
        assert all(in_chinese(step.words) and step.took_ms >= 0 for step in steps)
        assert counterpart.there() == before
        adapter.close()

    def test_stops_at_the_first_layer_that_fails(self, counterpart: Counterpart) -> None:
        """Claim: each trouble shows at its own layer, is the last step, and comes with advice in Chinese."""
        for trouble, layer in counterpart.fails_at.items():
            if trouble == "away":
                counterpart.break_it()
            adapter = counterpart.open(trouble=None if trouble == "away" else trouble)
            steps = list(adapter.check())
            adapter.close()
            if trouble == "away":
                counterpart.mend_it()

            assert [step.layer for step in steps if not step.ok] == [layer], (trouble, steps)
            assert not steps[-1].ok
            assert _in_order(steps)
            assert in_chinese(steps[-1].words)
            assert in_chinese(steps[-1].advice)
            assert len(steps[-1].detail) <= 500

    def test_no_secret_in_any_word(self, counterpart: Counterpart) -> None:
        """Claim: passwords and keys, right or wrong, stand in no sentence, no detail and no representation."""
        said: list[str] = []
        for trouble in (None, *(one for one in counterpart.fails_at if one != "away")):
            adapter = counterpart.open(trouble=trouble)
            said += [repr(step) for step in adapter.check()] + [repr(adapter)]
            said += _words_of(lambda adapter=adapter: adapter.deliver([outgoing(record(1))]))
            adapter.close()
        counterpart.break_it()
        adapter = counterpart.open()
        said += [repr(step) for step in adapter.check()]
        said += _words_of(lambda: adapter.deliver([outgoing(record(1))]))
        adapter.close()
        counterpart.mend_it()

        for secret in counterpart.secrets:
            assert not [words for words in said if secret in words]

    def test_columns_are_told(self, counterpart: Counterpart) -> None:
        """Claim: where the other side's fields can be known, all of them are told by name."""
        adapter = counterpart.open()
        told = {column.name for column in adapter.columns()}
        adapter.close()
        assert not told or set(FIELDS) <= told


def _words_of(attempt: Callable[[], Any]) -> list[str]:
    try:
        return [repr(attempt())]
    except Exception as error:
        return [str(error), repr(error), repr(error.__cause__)]


class Delivers(_LetsGo):
    """`deliver`."""

    def test_in_order_and_complete(self, counterpart: Counterpart) -> None:
        """Claim: what was handed over is there when `deliver` returns, in its order, as it was."""
        adapter = counterpart.open()
        first, second = [record(n) for n in (3, 1, 2)], [record(n) for n in (9, 8)]
        assert deliver(adapter, first) == [None] * 3
        assert counterpart.there() == first
        assert deliver(adapter, second) == [None] * 2
        assert counterpart.there() == first + second
        adapter.close()

    def test_again_changes_nothing(self, counterpart: Counterpart) -> None:
        """Claim: the same again, alone, among new ones, twice in one batch and after a restart, is there once."""
        adapter = counterpart.open()
        deliver(adapter, [record(1), record(2)])
        assert deliver(adapter, [record(2)]) == [None]
        adapter.close()
        adapter = counterpart.open()
        assert deliver(adapter, [record(1), record(3), record(3), record(2)]) == [None] * 4
        assert counterpart.there() == [record(1), record(2), record(3)]
        adapter.close()

    def test_an_empty_batch_is_nothing(self, counterpart: Counterpart) -> None:
        """Claim: no records, no answers, nothing there."""
        adapter = counterpart.open()
        assert adapter.deliver([]) == []
        assert counterpart.there() == []
        adapter.close()

    def test_odd_values_come_through(self, counterpart: Counterpart) -> None:
        """Claim: four-byte characters, line ends, quotes, blanks, empty, nothing, 100,000 characters come through."""
        adapter = counterpart.open()
        assert deliver(adapter, ODD) == [None] * len(ODD)
        expected = [as_text(one, tells_null=counterpart.tells_null) for one in ODD]
        assert counterpart.there() == expected
        adapter.close()

    def test_nothing_half_is_ever_seen(self, counterpart: Counterpart) -> None:
        """Claim: whoever looks while it is being delivered sees whole records only."""
        wanted = {one["id"]: one for one in (record(n) for n in range(120))}
        seen: list[Record] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.extend(counterpart.there())

        watcher = threading.Thread(target=look)
        watcher.start()
        adapter = counterpart.open()
        for start in range(0, 120, 40):
            deliver(adapter, [record(n) for n in range(start, start + 40)])
        done.set()
        watcher.join()
        adapter.close()

        assert [one for one in seen if one != wanted.get(one["id"])] == []
        assert counterpart.there() == list(wanted.values())

    def test_away_and_back(self, counterpart: Counterpart) -> None:
        """Claim: while it is away that is said in Chinese; once back, the same adapter goes on, nothing is there twice."""
        adapter = counterpart.open()
        deliver(adapter, [record(1)])
        counterpart.break_it()
        for _ in range(2):
            with pytest.raises(AdapterUnavailable) as caught:
                adapter.deliver([outgoing(record(1)), outgoing(record(2))])
            assert in_chinese(str(caught.value))
        counterpart.mend_it()
        assert deliver(adapter, [record(1), record(2)]) == [None, None]
        assert counterpart.there() == [record(1), record(2)]
        adapter.close()


class Refuses(_LetsGo):
    """One bad record among good ones. Brings `refused_record`."""

    def test_one_bad_record_is_refused_alone(self, counterpart: Counterpart) -> None:
        """Claim: what the other side does not take is answered with cause and Chinese words; all others are there."""
        adapter = counterpart.open()
        good = [record(n) for n in range(1, 31)]
        batch = [*good[:11], counterpart.refused_record(90), *good[11:], counterpart.refused_record(91)]
        answers = adapter.deliver([outgoing(one) for one in batch])
        refused = [index for index, answer in enumerate(answers) if answer]
        assert refused == [11, 31]
        assert all(answer.cause and in_chinese(answer.words) for answer in answers if answer)
        assert counterpart.there() == good
        adapter.close()

    def test_a_bad_record_alone_and_again(self, counterpart: Counterpart) -> None:
        """Claim: refused again and again, it changes nothing and holds up nobody."""
        adapter = counterpart.open()
        for _ in range(2):
            assert deliver(adapter, [counterpart.refused_record(90)]) != [None]
        assert deliver(adapter, [record(1)]) == [None]
        assert counterpart.there() == [record(1)]
        adapter.close()


class Collects(_LetsGo):
    """`collect`. Brings `put`."""

    def test_page_after_page(self, counterpart: Counterpart) -> None:
        """Claim: everything comes once, oldest first, no page longer than asked for; behind the end there is nothing."""
        adapter = counterpart.open(out=False)
        counterpart.put([record(n) for n in range(1, 8)])
        found, place = collect_all(adapter)
        assert [as_text(one.record) for one in found] == [record(n) for n in range(1, 8)]
        assert len({one.ref for one in found}) == 7
        assert all(one.ref and one.fault is None for one in found)
        assert collect_all(adapter, place)[0] == []
        adapter.close()

    def test_nothing_there(self, counterpart: Counterpart) -> None:
        """Claim: where nothing is, nothing is found, and nothing is lost by having looked."""
        adapter = counterpart.open(out=False)
        found, place = collect_all(adapter)
        assert found == []
        counterpart.put([record(1)])
        assert [as_text(one.record) for one in collect_all(adapter, place)[0]] == [record(1)]
        adapter.close()

    def test_the_same_place_gives_the_same(self, counterpart: Counterpart) -> None:
        """Claim: asked again with the same place, by the same adapter or after a restart, the same records come."""
        adapter = counterpart.open(out=False)
        counterpart.put([record(n) for n in range(1, 6)])
        first = adapter.collect("", 3)
        then = adapter.collect(first.place, 3)
        assert _said(adapter.collect("", 3)) == _said(first)
        adapter.close()
        again = counterpart.open(out=False)
        assert _said(again.collect(first.place, 3)) == _said(then)
        assert _said(again.collect("", 3)) == _said(first)
        again.close()

    def test_what_comes_while_reading_is_not_lost(self, counterpart: Counterpart) -> None:
        """Claim: records that are written between two pages come, once, behind those that were there."""
        adapter = counterpart.open(out=False)
        counterpart.put([record(n) for n in range(1, 6)])
        first = adapter.collect("", 2)
        counterpart.put([record(n) for n in range(6, 9)])
        rest, place = collect_all(adapter, first.place, 2)
        counterpart.put([record(9)])
        last, _ = collect_all(adapter, place, 2)
        ids = [one.record["id"] for one in (*first.records, *rest, *last)]
        assert ids == [record(n)["id"] for n in range(1, 10)]
        adapter.close()

    def test_odd_values_are_read(self, counterpart: Counterpart) -> None:
        """Claim: four-byte characters, line ends, quotes, empty, nothing, 100,000 characters are read as written."""
        adapter = counterpart.open(out=False)
        counterpart.put(ODD)
        found, _ = collect_all(adapter)
        tells = counterpart.tells_null
        expected = [as_text(one, tells_null=tells) for one in ODD]
        assert [as_text(one.record, tells_null=tells) for one in found] == expected
        adapter.close()

    def test_away_and_back_while_reading(self, counterpart: Counterpart) -> None:
        """Claim: while it is away that is said in Chinese; once it is back, reading goes on from its place."""
        adapter = counterpart.open(out=False)
        counterpart.put([record(n) for n in range(1, 5)])
        first = adapter.collect("", 2)
        counterpart.break_it()
        with pytest.raises(AdapterUnavailable) as caught:
            adapter.collect(first.place, 2)
        assert in_chinese(str(caught.value))
        counterpart.mend_it()
        rest, _ = collect_all(adapter, first.place, 2)
        assert [one.record["id"] for one in rest] == [record(3)["id"], record(4)["id"]]
        adapter.close()


def _said(page: Collected) -> tuple[list[tuple[str, Record]], str, bool]:
    return [(one.ref, as_text(one.record)) for one in page.records], page.place, page.more


class Settles(_LetsGo):
    """`settle`. Brings `settled`."""

    def test_the_department_sees_what_became_of_it(self, counterpart: Counterpart) -> None:
        """Claim: what was said is shown as said, what was not with its reason; settling again (after a crash) changes
        nothing; neither comes a second time."""
        adapter = counterpart.open(out=False)
        counterpart.put([record(1), record(2)])
        found, place = collect_all(adapter)
        answers = [
            Answer(found[0], "0195d0c2-0000-7000-8000-000000000001"),
            Answer(found[1], None, "缺少检查日期"),
        ]
        adapter.settle(answers)
        shown = counterpart.settled()
        adapter.settle(answers)
        assert counterpart.settled() == shown
        assert shown["k-00001"][0]
        assert not shown["k-00002"][0]
        assert "缺少检查日期" in shown["k-00002"][1]
        assert collect_all(adapter, place)[0] == []
        adapter.close()


class Rehearses(_LetsGo):
    """The sandbox."""

    def test_a_rehearsal_goes_beside(self, counterpart: Counterpart) -> None:
        """Claim: in a rehearsal everything is delivered beside the real place, and nothing into it."""
        rehearsal = counterpart.open(sandbox=True)
        assert deliver(rehearsal, [record(1), record(2)]) == [None, None]
        assert deliver(rehearsal, [record(2)]) == [None]
        rehearsal.close()
        assert counterpart.there(sandbox=True) == [record(1), record(2)]
        assert counterpart.there() == []

        real = counterpart.open()
        assert deliver(real, [record(3)]) == [None]
        real.close()
        assert counterpart.there() == [record(3)]


class RehearsesCollecting(_LetsGo):
    """The sandbox of a kind that can be read from."""

    def test_a_rehearsal_reads_beside(self, counterpart: Counterpart) -> None:
        """Claim: in a rehearsal only what was put beside the real place is read."""
        counterpart.put([record(1)])
        counterpart.put([record(2)], sandbox=True)
        rehearsal = counterpart.open(out=False, sandbox=True)
        found, _ = collect_all(rehearsal)
        assert [as_text(one.record) for one in found] == [record(2)]
        rehearsal.close()


#: What no record may name, whatever lies there.
OUTSIDE = (
    "../d-001.csv",
    "a/../../x.jpg",
    "/etc/hostname",
    "C:\\windows\\win.ini",
    ".hidden.jpg",
    "",
    "a\0.jpg",
    "长" * 90,
)


class GivesFiles:
    """The files that records name. The place that `open(out=False)` opens says `files_at`."""

    def test_a_named_file_is_given_whole(self, counterpart: Counterpart) -> None:
        """Claim: byte for byte, in a folder below as well, under any name that people use; again and again; and it stays."""
        named = {
            "现场 1.jpg": b"\xff\xd8" + bytes(range(256)) * 9_000,
            "2026/报告(终稿).pdf": b"%PDF-1.7\n",
            "a+b%.png": b"x",
        }
        for name, content in named.items():
            counterpart.put_file(name, content)
        with closing(counterpart.open(out=False)) as adapter:
            for name, content in [*named.items(), *named.items()]:
                given = io.BytesIO()
                adapter.fetch_file(name, given, 4 << 20)
                assert given.getvalue() == content

    def test_a_file_that_is_not_to_be_had_is_named_with_why(self, counterpart: Counterpart) -> None:
        """Claim: missing, too large, empty of a name or outside of what was agreed: a sentence, no byte beyond the limit,
        and the next file is given."""
        counterpart.put([record(1)])
        counterpart.put_file("大.jpg", b"x" * 5_000)
        counterpart.put_file("小.jpg", b"x" * 1_024)
        with closing(counterpart.open(out=False)) as adapter:
            for name in ("没有.jpg", "没有/没有.jpg", "小.jpg/里面.jpg", "大.jpg", *OUTSIDE):
                given = io.BytesIO()
                with pytest.raises(NoFile) as told:
                    adapter.fetch_file(name, given, 1_024)
                assert in_chinese(str(told.value))
                assert given.tell() <= 1_024
            given = io.BytesIO()
            adapter.fetch_file("小.jpg", given, 1_024)
            assert given.tell() == 1_024

    def test_while_it_is_away_files_wait(self, counterpart: Counterpart) -> None:
        """Claim: away is not missing; back again, the file is given."""
        counterpart.put_file("a.jpg", b"x")
        with closing(counterpart.open(out=False)) as adapter:
            counterpart.break_it()
            with pytest.raises(AdapterUnavailable):
                adapter.fetch_file("a.jpg", io.BytesIO(), 1_024)
            counterpart.mend_it()
            given = io.BytesIO()
            adapter.fetch_file("a.jpg", given, 1_024)
            assert given.getvalue() == b"x"


def a_batch(count: int) -> list[Outgoing]:
    """So many records, ready to hand over."""
    return [outgoing(record(number)) for number in range(count)]
