"""A folder passes the adapter contract in every format, whichever way files are cut."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.formats import Reading, Writing, format_of, read_rows, write_file
from schemas.connector.document import Endpoint, Flow
from tests.adapters.contract import (
    ODD,
    Checks,
    Collects,
    Delivers,
    GivesFiles,
    Refuses,
    Rehearses,
    RehearsesCollecting,
    Settles,
    collect_all,
    deliver,
)
from tests.adapters.counterpart import FIELDS, Counterpart, Record, Trouble, as_text, record

OUT, IN = {"folder": "out", "formula_safe": False}, {"folder": "in", "quiet_seconds": 0, "files_at": "files"}


class Folder(Counterpart):
    """A department with an exchange folder."""

    fails_at = {"away": "address", "place": "shape"}  # noqa: RUF012

    def __init__(self, base: Path, place: dict[str, Any]) -> None:
        self.base, self.root = base, base / "exchange"
        self.kind, self.place = place["format"], place
        self.tells_null = self.kind in ("json", "xml")
        self._files = itertools.count(1)
        for folder in ("out", "in", "in/files"):
            (self.root / folder).mkdir(parents=True)

    def open(self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False) -> Adapter:
        place = {**OUT, **self.place} if out else {**IN, "format": self.kind}
        if trouble == "place":
            place["folder"] = "nowhere"
        flow = Flow("f", "out" if out else "in", "x", "e", place)
        return open_adapter(Endpoint("e", "folder", {"root": "exchange"}), flow, self.outside(sandbox))

    def outside(self, sandbox: bool) -> Outside:
        return Outside(base=self.base, sandbox=sandbox)

    def there(self, *, sandbox: bool = False) -> list[Record]:
        folder = self.root / ("sandbox/out" if sandbox else "out")
        if not folder.is_dir():
            return []
        paths = sorted(
            (one for one in folder.iterdir() if one.is_file() and one.name[0] != "."),
            key=lambda one: (one.stat().st_mtime_ns, one.name),
        )
        return [as_text(one, tells_null=self.tells_null) for path in paths for one in records_in(path)]

    def put(self, records: Sequence[Record], *, sandbox: bool = False) -> None:
        folder = self.root / ("sandbox/in" if sandbox else "in")
        folder.mkdir(parents=True, exist_ok=True)
        written(folder / f"d-{next(self._files):03d}.{self.kind}", records)

    def put_file(self, name: str, content: bytes) -> None:
        path = self.root / "in" / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def settled(self) -> dict[str, tuple[bool, str]]:
        shown: dict[str, tuple[bool, str]] = {}
        for path in sorted((self.root / "in").rglob("*.*")):
            if path.parent.name in ("done", "failed") and not path.name.endswith(".problems.csv"):
                shown |= {str(one["id"]): (True, "") for one in records_in(path)}
        for path in (self.root / "in" / "failed").glob("*.problems.csv"):
            shown |= {str(one["id"]): (False, str(one["说明"])) for one in records_in(path)}
        return shown

    def refused_record(self, number: int) -> Record:
        """What no file of this format can hold."""
        return record(number, note="长" * 40_000) if self.kind == "xlsx" else record(number, note="空\0字符")

    def break_it(self) -> None:
        self.root.rename(self.base / "unmounted")

    def mend_it(self) -> None:
        (self.base / "unmounted").rename(self.root)


def written(path: Path, records: Sequence[Record]) -> None:
    """A file as a department's program writes it."""
    fresh = path.with_name(f".{path.name}")
    with fresh.open("wb") as file:
        write_file(file, path.suffix[1:], FIELDS, records, Writing(formula_safe=False))
    os.rename(fresh, path)


def records_in(path: Path) -> list[dict[str, Any]]:
    """What a file says."""
    kind = format_of(path.name)
    assert kind is not None
    with path.open("rb") as file:
        return [dict(found) for _, found, fault in read_rows(file, kind, Reading()) if fault is None]


@pytest.fixture
def counterpart(tmp_path: Path, place: dict[str, Any]) -> Iterator[Folder]:
    made = Folder(tmp_path, place)
    yield made
    shutil.rmtree(made.root)


class _Both(Checks, Delivers, Collects, Settles, Rehearses, RehearsesCollecting):
    pass


@pytest.mark.parametrize("place", [{"format": "csv", "per": "batch"}], ids=["csv-batch"])
class TestCsvInBatches(_Both, Refuses, GivesFiles):
    """One CSV for each batch."""


@pytest.mark.parametrize("place", [{"format": "json"}], ids=["json"])
class TestJson(_Both):
    """One JSON file for each record."""


@pytest.mark.parametrize("place", [{"format": "xml"}], ids=["xml"])
class TestXml(_Both, Refuses):
    """One XML file for each record."""


@pytest.mark.parametrize("place", [{"format": "xlsx", "per": "batch"}], ids=["xlsx"])
class TestXlsx(_Both, Refuses):
    """One workbook for each batch. Excel's cells hold 32,767 characters: longer ones are what is refused."""

    def test_odd_values_come_through(self, counterpart: Counterpart) -> None:
        """Claim: as of every format, up to the length that a cell may have."""
        adapter = counterpart.open()
        assert deliver(adapter, _FITTING) == [None] * len(_FITTING)
        assert counterpart.there() == [as_text(one, tells_null=False) for one in _FITTING]
        adapter.close()

    def test_odd_values_are_read(self, counterpart: Counterpart) -> None:
        """Claim: as of every format, up to the length that a cell may have."""
        adapter = counterpart.open(out=False)
        counterpart.put(_FITTING)
        found, _ = collect_all(adapter)
        assert [as_text(one.record, tells_null=False) for one in found] == [
            as_text(one, tells_null=False) for one in _FITTING
        ]
        adapter.close()


_FITTING = [one for one in ODD if len(one["note"] or "") < 32_768]
