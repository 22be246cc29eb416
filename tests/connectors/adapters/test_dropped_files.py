"""Files that departments drop, and what goes wrong with them: nothing half, nothing twice, nothing lost, nobody held up."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.adapters.port import AdapterUnavailable, Answer, Incoming, Outgoing
from connectors.errors import Misconfigured
from schemas.connector.document import Endpoint, FieldRule, Flow
from tests.adapters.contract import collect_all, deliver
from tests.adapters.counterpart import outgoing, record
from tests.connectors.adapters.test_folder import records_in

SHEET = "id,name\n1,甲\n2,乙\n3,丙\n"


class Desk:
    """A folder, an adapter over it, and a clock that the test moves."""

    def __init__(self, base: Path) -> None:
        self.base, self.inbox, self.out = base, base / "x" / "in", base / "x" / "out"
        self.inbox.mkdir(parents=True)
        self.out.mkdir()
        self.now = datetime.now(UTC) + timedelta(hours=1)
        self.opened: list[Adapter] = []

    def open(self, direction: Any = "in", root: str = "x", **place: Any) -> Adapter:
        folder = {"folder": direction, "quiet_seconds": 0} if direction == "in" else {"folder": "out"}
        flow = Flow("f", direction, "x", "e", {**folder, **place}, fields=(FieldRule("id"),))
        outside = Outside(base=self.base, clock=lambda: self.now)
        self.opened.append(open_adapter(Endpoint("e", "folder", {"root": root}), flow, outside))
        return self.opened[-1]

    def drop(self, name: str, content: str | bytes = SHEET) -> Path:
        path = self.inbox / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def names(self, folder: str = "") -> list[str]:
        path = self.inbox / folder
        return sorted(one.name for one in path.iterdir() if one.is_file()) if path.is_dir() else []


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    for adapter in made.opened:
        adapter.close()


def ids(found: Sequence[Incoming]) -> list[Any]:
    return [one.record.get("id", one.fault) for one in found]


def said(found: Sequence[Incoming]) -> list[Answer]:
    return [Answer(one, f"e-{number}") for number, one in enumerate(found)]


def test_a_growing_file_is_left_alone(desk: Desk) -> None:
    """Claim: it is read when nothing changed for as long as was set, then whole."""
    adapter = desk.open(quiet_seconds=60)
    path = desk.drop("a.csv", "id,name\n1,甲\n")
    desk.now = datetime.fromtimestamp(path.stat().st_mtime, UTC) + timedelta(seconds=30)
    page = adapter.collect("", 10)
    assert page.records == []
    desk.drop("a.csv")
    desk.now += timedelta(seconds=40)
    os.utime(path, (desk.now.timestamp() - 5, desk.now.timestamp() - 5))
    assert adapter.collect(page.place, 10).records == []
    desk.now += timedelta(seconds=61)
    assert ids(adapter.collect(page.place, 10).records) == ["1", "2", "3"]


def test_a_marker_says_when_a_file_is_whole(desk: Desk) -> None:
    """Claim: without its marker it is not there; the marker goes when the file goes."""
    adapter = desk.open(ready="marker", marker=".ok")
    desk.drop("a.csv")
    desk.drop("b.csv", "id,name\n4,丁\n")
    assert adapter.collect("", 10).records == []
    desk.drop("a.csv.ok", "")
    found, place = collect_all(adapter)
    assert ids(found) == ["1", "2", "3"]
    adapter.settle(said(found))
    desk.drop("b.ok", "")
    assert ids(collect_all(adapter, place)[0]) == ["4"]
    assert desk.names() == ["b.csv", "b.ok"]
    assert desk.names("done") == ["a.csv"]


def test_finished_files_go_where_they_belong(desk: Desk) -> None:
    """Claim: all said: done; some not: failed, with row, cause, words and the record beside; left out on purpose: done."""
    adapter = desk.open()
    for name in ("a.csv", "b.csv", "c.csv"):
        desk.drop(name, SHEET + f"9,{name}\n")
    found, place = collect_all(adapter)
    answers = said(found)
    answers[5] = Answer(found[5], None, "=没有这个办件")
    answers[9] = Answer(found[9], None, "按线路的条件不报送", skipped=True)
    adapter.settle(answers)
    assert desk.names() == []
    assert (desk.names("done"), desk.names("failed")) == (["a.csv", "c.csv"], ["b.csv", "b.csv.problems.csv"])
    (problem,) = records_in(desk.inbox / "failed" / "b.csv.problems.csv")
    assert problem == {"行号": "3", "原因": "未被接受", "说明": "'=没有这个办件", "id": "2", "name": "乙"}
    assert collect_all(adapter, place)[0] == []


def test_what_the_hub_gives_back_later_is_added(desk: Desk) -> None:
    """Claim: the file moves from done to failed; said twice it stands there once."""
    adapter = desk.open()
    desk.drop("a.csv")
    found, _ = collect_all(adapter)
    adapter.settle(said(found))
    assert desk.names("done") == ["a.csv"]
    for one in (found[1], found[2], found[1]):
        adapter.settle([Answer(Incoming(one.ref), None, "中心未接受")])
    assert (desk.names("done"), desk.names("failed")) == ([], ["a.csv", "a.csv.problems.csv"])
    problems = records_in(desk.inbox / "failed" / "a.csv.problems.csv")
    assert [one["行号"] for one in problems] == ["3", "4"]


def test_problems_survive_a_restart(desk: Desk) -> None:
    """Claim: rows refused before a restart stand in the list that is written after it."""
    desk.drop("a.csv")
    adapter = desk.open()
    page = adapter.collect("", 2)
    adapter.settle([Answer(page.records[0], None, "甲不对"), *said(page.records[1:])])
    adapter.close()
    adapter = desk.open()
    rest, _ = collect_all(adapter, page.place)
    adapter.settle(said(rest))
    (problem,) = records_in(desk.inbox / "failed" / "a.csv.problems.csv")
    assert (problem["行号"], problem["说明"]) == ("2", "甲不对")


def test_a_crash_between_place_and_settling(desk: Desk) -> None:
    """Claim: what the place knows as done is not read again; it is put away when it is next met."""
    desk.drop("a.csv")
    adapter = desk.open()
    _, place = collect_all(adapter)
    adapter.close()
    assert collect_all(desk.open(), place)[0] == []
    assert (desk.names(), desk.names("done")) == ([], ["a.csv"])


def test_the_same_bytes_again_are_known_unless_they_failed(desk: Desk) -> None:
    """Claim: a file that was said comes a second time under any name and is put away; one with problems is read again."""
    adapter = desk.open()
    desk.drop("a.csv")
    found, place = collect_all(adapter)
    adapter.settle(said(found))
    desk.drop("b.csv")
    found, place = collect_all(adapter, place)
    assert (found, desk.names("done")) == ([], ["a.csv", "b.csv"])
    desk.drop("c.csv", "id,name\n7,庚\n")
    found, place = collect_all(adapter, place)
    adapter.settle([Answer(found[0], None, "没有这个办件")])
    desk.drop("d.csv", "id,name\n7,庚\n")
    assert ids(collect_all(adapter, place)[0]) == ["7"]


def test_a_file_replaced_while_it_is_read(desk: Desk) -> None:
    """Claim: the one that was begun is read to its end, the one in its place is read as a file of its own."""
    desk.drop("a.csv")
    adapter = desk.open()
    page = adapter.collect("", 1)
    fresh = desk.drop(".new", "id,name\n8,辛\n")
    os.replace(fresh, desk.inbox / "a.csv")
    found, _ = collect_all(adapter, page.place)
    assert ids(found) == ["2", "3", "8"]


def test_unreadable_files_hold_up_nobody(desk: Desk) -> None:
    """Claim: wrong encoding, a bomb, a heading twice, too large, forbidden: refused with words, the good one comes."""
    desk.drop("1.csv", b"a,b\n\xff\xff,1\n")
    desk.drop("2.xml", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')
    desk.drop("3.csv", "a,a\n1,2\n")
    desk.drop("4.csv", "a,b\n" + "1,2\n" * 300_000)
    desk.drop("5.xlsx", b"PK\3\4nothing")
    desk.drop("6.json", b"\xef\xbb\xbf")
    desk.drop("7.csv", "id,name\n")
    desk.drop("8.csv")
    for number, path in enumerate(sorted(desk.inbox.glob("*.*"))):
        os.utime(path, (1_700_000_000 + number,) * 2)
    adapter = desk.open(most_mb=1)
    found, place = collect_all(adapter)
    assert [re.sub("#[0-9a-f]{6}", "", one.ref) for one in found] == [
        "1.csv", "2.xml", "3.csv", "4.csv", "5.xlsx", "6.json", "8.csv:2", "8.csv:3", "8.csv:4",
    ]  # fmt: skip
    for one, words in zip(found, ("第 5 字节", "DTD", "都叫“a”", "1 MB", "损坏", "空的"), strict=False):
        assert words in str(one.fault)
    adapter.settle([Answer(one, None if one.fault else "e", one.fault or "") for one in found])
    assert collect_all(adapter, place)[0] == []
    assert desk.names() == []
    assert desk.names("done") == ["7.csv", "8.csv"]
    assert len(desk.names("failed")) == 12


def test_names_of_all_kinds(desk: Desk) -> None:
    """Claim: blanks, Chinese, colons, very long and no UTF-8 at all: read, answered and put away under their name."""
    names = ["检查 结果 (1).csv", "a:7.csv", "长" * 70 + ".csv", os.fsdecode("结果".encode("gbk")) + ".CSV"]
    for number, name in enumerate(names):
        desk.drop(name, f"id,name\n{number},x\n")
    adapter = desk.open()
    found, place = collect_all(adapter)
    assert sorted(ids(found)) == ["0", "1", "2", "3"]
    for one in found:
        one.ref.encode()
    adapter.settle([Answer(found[0], None, "不对"), *said(found[1:])])
    assert desk.names() == []
    assert len(desk.names("done")) == 3
    assert collect_all(adapter, place)[0] == []


def test_links_and_paths_lead_nowhere(desk: Desk, tmp_path: Path) -> None:
    """Claim: a link in the inbox is not seen, a folder that is a link to the outside and '..' are refused, so is an
    absolute root at the hub."""
    secret = tmp_path / "secret.csv"
    secret.write_text(SHEET)
    (desk.inbox / "link.csv").symlink_to(secret)
    os.mkfifo(desk.inbox / "pipe.csv")
    assert collect_all(desk.open())[0] == []
    (desk.base / "x" / "away").symlink_to(tmp_path.parent)
    with pytest.raises(Misconfigured, match="链接"):
        desk.open(folder="away").collect("", 1)
    for outside in ("../secret", "in/../../y"):
        with pytest.raises(Misconfigured, match=r"\.\."):
            desk.open(folder=outside)
    with pytest.raises(Misconfigured, match="相对路径"):
        desk.open(root=str(tmp_path))


def test_a_full_disk_leaves_no_half_file(desk: Desk) -> None:
    """Claim: where the disk takes no more, that is said, nothing is seen there; when it takes again, it is there once."""
    adapter = desk.open("out", format="json")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (4096, before[1])
    )  # the kernel's own refusal, as of a full disk
    try:
        with pytest.raises(AdapterUnavailable, match="允许的大小"):
            deliver(adapter, [record(1, note="长" * 10_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(desk.out.iterdir()) == []
    assert deliver(adapter, [record(1, note="长" * 10_000)]) == [None]
    assert len(list(desk.out.iterdir())) == 1


def test_names_of_delivered_files(desk: Desk) -> None:
    """Claim: the pattern's fields, made safe; the key always in it; a pattern that nobody knows is refused."""
    adapter = desk.open("out", format="json", name="许可_{case_no}_{date}")
    odd = outgoing(record(1, id="../../k/1"))
    assert adapter.deliver([odd, odd]) == [None, None]
    (path,) = [one for one in desk.out.iterdir() if one.is_file()]
    assert path.name.startswith("许可_c-")
    assert "k_1" in path.name
    desk.now += timedelta(days=1)
    assert desk.open("out", format="json", name="许可_{case_no}_{date}").deliver([odd]) == [None]
    assert len([one for one in desk.out.iterdir() if one.is_file()]) == 1
    with pytest.raises(Misconfigured, match=r"\{nobody\}"):
        deliver(desk.open("out", format="json", name="{nobody}"), [record(1)])


def test_a_batch_that_was_cut_in_another_way(desk: Desk) -> None:
    """Claim: after a crash between the file and its note, records come once whatever the next batch holds."""
    adapter = desk.open("out", format="csv", per="batch")
    deliver(adapter, [record(1), record(2)])
    (note,) = (desk.out / ".shenguan-sent").iterdir()
    note.write_bytes(note.read_bytes().replace(b'"done":true', b'"done":false'))
    adapter.close()
    assert deliver(desk.open("out", format="csv", per="batch"), [record(n) for n in (2, 3)]) == [None, None]
    found = [one["id"] for path in desk.out.glob("*.csv") for one in records_in(path)]
    assert sorted(found) == [str(record(n)["id"]) for n in (1, 2, 3)]


def test_notes_of_past_days_become_one(desk: Desk) -> None:
    """Claim: tomorrow the notes of today are one, in a fortnight none; meanwhile everything is known."""
    for number in range(3):
        deliver(desk.open("out", format="csv", per="batch"), [record(number)])
    notes = desk.out / ".shenguan-sent"
    assert len(list(notes.iterdir())) == 3
    for days, left in ((1, 1), (14, 1)):
        desk.now += timedelta(days=days)
        again = [record(number) for number in range(3)]
        deliver(desk.open("out", format="csv", per="batch"), again if days == 1 else [record(9)])
        assert len(list(notes.iterdir())) == left
    assert len(list(desk.out.glob("*.csv"))) == 4


def test_the_same_name_every_day(desk: Desk) -> None:
    """Claim: each has refs of its own, and each failed one its own list of problems."""
    adapter, place, refs = desk.open(), "", []
    for day in range(2):
        desk.drop("每日.csv", f"id,name\n{day},甲\n")
        found, place = collect_all(adapter, place)
        refs += [one.ref for one in found]
        adapter.settle([Answer(found[0], None, f"第 {day} 天不对")])
    assert len(set(refs)) == 2
    assert desk.names("failed") == [
        "每日-2.csv",
        "每日-2.csv.problems.csv",
        "每日.csv",
        "每日.csv.problems.csv",
    ]
    problems = [records_in(desk.inbox / "failed" / name)[0]["说明"] for name in desk.names("failed")[1::2]]
    assert problems == ["第 1 天不对", "第 0 天不对"]


@pytest.mark.parametrize("per", ["record", "batch"])
@pytest.mark.parametrize("kind", ["csv", "xlsx", "json", "xml"])
def test_what_was_delivered_is_read_back(desk: Desk, kind: str, per: str) -> None:
    """Claim: every record as it was sent, by its own place in its file; one that is not there is not found."""
    adapter = desk.open("out", format=kind, per=per)
    values = {
        "flag": True,
        "money": Decimal("1.50"),
        "formula": "=1+1",
        "none": None,
        "many": ["a"],
        "one": {"k": 1},
    }
    batch = [outgoing(record(number, note="x")) for number in range(3)]
    batch = [Outgoing(one.key, one.subject, {**one.record, **values}) for one in batch]
    adapter.deliver(batch)
    stranger = outgoing(record(9))
    found = adapter.found([batch[2], stranger, batch[0]])
    assert found is not None
    assert found[1] is None
    for sent, read in ((batch[2], found[0]), (batch[0], found[2])):
        assert read is not None
        assert {name: read.get(name) for name in sent.record if name != "none"} == {
            name: value for name, value in sent.record.items() if name != "none"
        }


def test_columns_come_from_the_newest_file_even_when_it_is_done(desk: Desk) -> None:
    """Claim: a file that was read already still tells its columns."""
    adapter = desk.open()
    assert list(adapter.columns()) == []
    desk.drop("a.csv", "id,name\n1,甲\n")
    adapter.settle(said(collect_all(adapter)[0]))
    assert [one.name for one in adapter.columns()] == ["id", "name"]


def test_a_large_csv_is_collected_in_constant_memory(desk: Desk) -> None:
    """Claim: 200,000 rows need no more memory than 10,000 do (a child measures its own peak)."""
    peaks = []
    for rows in (10_000, 200_000):
        desk.drop("big.csv", "id,name,note\n" + "".join(f"{n},示范店,无\n" for n in range(rows)))
        answer = subprocess.run(
            [sys.executable, "-c", _COLLECT, str(desk.base)], capture_output=True, check=True, text=True
        )
        count, peak = map(int, answer.stdout.split())
        assert count == rows
        peaks.append(peak)
        (desk.inbox / "big.csv").unlink()
    assert peaks[1] <= 1.2 * peaks[0]


_COLLECT = """
import sys
from pathlib import Path
from connectors.adapters import Outside, open_adapter
from schemas.connector.document import Endpoint, Flow
flow = Flow("f", "in", "x", "e", {"folder": "in", "quiet_seconds": 0})
adapter = open_adapter(Endpoint("e", "folder", {"root": "x"}), flow, Outside(base=Path(sys.argv[1])))
place, count, more = "", 0, True
while more:
    page = adapter.collect(place, 500)
    place, more = page.place, page.more
    count += len(page.records)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(count, peak.split()[1])
"""
