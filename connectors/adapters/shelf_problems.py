"""What of a file was not said, kept beside it until the file is done with, then handed over as one CSV.

Guarantees: what was noted survives a restart; noting the same again changes nothing.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Self

from connectors.adapters.port import Answer
from connectors.adapters.shelf import FolderMissing, Lying, Shelf, below
from connectors.formats import Reading, Writing, read_rows, write_file
from connectors.formats.values import cell_text

_NOTES = ".shenguan"
_LARGEST = 64 << 20
_OWN = ("行号", "原因", "说明")


@dataclass(frozen=True, slots=True)
class Problem:
    """A row, whether it was unreadable or not accepted, and why."""

    row: int
    cause: str
    words: str
    record: Mapping[str, Any]

    @classmethod
    def of(cls, row: int, answer: Answer) -> Self:
        """What an answer says."""
        cause = "读不懂" if answer.incoming.fault else "未被接受"
        return cls(row, cause, answer.words or answer.incoming.fault or "", answer.incoming.record)


class Problems:
    """The notes on the files of one folder."""

    def __init__(self, shelf: Shelf, folder: str) -> None:
        self._shelf = shelf
        self._folder = below(folder, _NOTES)

    def note(self, digest: str, problems: Sequence[Problem]) -> None:
        """One note for each batch of answers."""
        rows = sorted(problems, key=lambda one: one.row)
        self._shelf.make(self._folder)
        name = f"{digest}-{rows[0].row:09d}.json"
        self._shelf.put(self._folder, name, _lines(rows))

    def hand_over(self, digest: str, name: str, folder: str) -> bool:
        """`<name>.problems.csv` in this folder, by the name that the file will get there; False: nothing to say."""
        notes = self._notes(digest)
        if not notes:
            return False
        self._shelf.make(folder)
        # Read twice, for the columns and for the rows: a file of which everything is wrong does not fill the memory.
        names = dict.fromkeys(
            name for note in notes for row in self._read(note, self._folder, "json") for name in row
        )
        rows = (row for note in notes for row in self._read(note, self._folder, "json"))
        with tempfile.TemporaryFile(prefix="shenguan-") as file:
            _write_csv(file, names, rows)
            self._shelf.put(folder, f"{self._shelf.free(folder, name)}.problems.csv", file)
        for note in notes:
            self._shelf.remove(self._folder, note.name)
        return True

    def add(self, name: str, folder: str, problems: Sequence[Problem]) -> bool:
        """More problems of a file whose list is in this folder already, or not yet; False: they all stand there."""
        lying = [one for one in self._files(folder) if one.name == f"{name}.problems.csv"]
        known = [row for one in lying for row in self._read(one, folder, "csv")]
        there = {str(row.get(_OWN[0], "")) for row in known}
        fresh = [row for one in problems if (row := _row(one))[_OWN[0]] not in there]
        if not fresh:
            return False
        self._shelf.make(folder)
        with tempfile.TemporaryFile(prefix="shenguan-") as file:
            _write_csv(
                file, dict.fromkeys(name for row in (*known, *fresh) for name in row), [*known, *fresh]
            )
            self._shelf.put(folder, f"{name}.problems.csv", file)
        return True

    def _notes(self, digest: str) -> list[Lying]:
        found = [one for one in self._files(self._folder) if one.name.startswith(f"{digest}-")]
        return sorted(found, key=lambda one: one.name)

    def _read(self, found: Lying, folder: str, kind: str) -> Iterator[Mapping[str, Any]]:
        with io.BytesIO() as file:
            if self._shelf.fetch(folder, found, file, _LARGEST):
                yield from (record for _, record, fault in read_rows(file, kind, Reading()) if fault is None)

    def _files(self, folder: str) -> list[Lying]:
        try:
            return self._shelf.files(folder)
        except FolderMissing:
            return []


def _row(one: Problem) -> dict[str, str]:
    own = dict(zip(_OWN, (str(one.row or ""), one.cause, one.words), strict=True))
    return {**{name: cell_text(value) for name, value in one.record.items()}, **own}


def _lines(rows: Sequence[Problem]) -> io.BytesIO:
    file = io.BytesIO()
    write_file(file, "json", (), [_row(one) for one in rows], Writing(json_shape="lines"))
    file.seek(0)
    return file


def _write_csv(file: IO[bytes], names: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    write_file(file, "csv", list(dict.fromkeys((*_OWN, *names))), rows, Writing())
    file.seek(0)
