"""What of a file was not said, kept beside it until the file is done with, then handed over as one CSV.

Guarantees: what was noted survives a restart; noting the same again changes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from connectors.adapters.port import Answer
from connectors.adapters.shelf import FolderMissing, Shelf, below
from connectors.formats import Reading, Writing, read_rows, write_file
from connectors.formats.values import cell_text

_NOTES = ".shenguan"
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
        self._shelf.put(self._folder, name, _written(rows, "json"))

    def hand_over(self, digest: str, name: str, folder: str) -> bool:
        """`<name>.problems.csv` in this folder; False where there is nothing to say."""
        notes = self._notes(digest)
        if not notes:
            return False
        rows = [row for note in notes for row in self._read(note)]
        self._shelf.make(folder)
        self._shelf.put(folder, f"{name}.problems.csv", _csv(rows))
        for note in notes:
            self._shelf.remove(self._folder, note)
        return True

    def _notes(self, digest: str) -> list[str]:
        try:
            there = self._shelf.files(self._folder)
        except FolderMissing:
            return []
        return sorted(one.name for one in there if one.name.startswith(f"{digest}-"))

    def _read(self, name: str) -> Iterator[Mapping[str, Any]]:
        with io.BytesIO() as file:
            for one in self._shelf.files(self._folder):
                if one.name == name:
                    self._shelf.fetch(self._folder, one, file, 64 << 20)
            for _, record, fault in read_rows(file, "json", Reading()):
                if fault is None:
                    yield record


def _written(rows: Sequence[Problem], kind: str) -> io.BytesIO:
    own = [{**{name: cell_text(value) for name, value in one.record.items()}, **_told(one)} for one in rows]
    file = io.BytesIO()
    write_file(file, kind, (), own, Writing(json_shape="lines"))
    file.seek(0)
    return file


def _told(one: Problem) -> dict[str, str]:
    return dict(zip(_OWN, (str(one.row or ""), one.cause, one.words), strict=True))


def _csv(rows: Sequence[Mapping[str, Any]]) -> io.BytesIO:
    names = dict.fromkeys((*_OWN, *(name for row in rows for name in row)))
    file = io.BytesIO()
    write_file(file, "csv", list(names), rows, Writing())
    file.seek(0)
    return file
