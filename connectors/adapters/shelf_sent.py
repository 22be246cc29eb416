"""Which records were delivered into files whose names say nothing of them: kept for a week, beside the files.

Guarantees: intent before deed: after a crash in between it is looked whether the file is there, so that a record is written
twice only if the file was fetched within that very moment. One note for each file, and one for each day that is over.
Does not remember longer than a week: by then nothing is handed over again.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.adapters.shelf import FolderMissing, Lying, Shelf, below, fit_name
from schemas import Malformed, dumps, loads

_NOTES = ".shenguan-sent"
_KEPT = timedelta(days=7)
_LARGEST = 64 << 20


class Sent:
    """The notes of one folder."""

    def __init__(self, shelf: Shelf, folder: str, clock: Callable[[], datetime]) -> None:
        self._shelf, self._clock = shelf, clock
        self._folder, self._notes = folder, below(folder, _NOTES)
        self._known: set[str] | None = None
        self._before: set[str] = set()

    def known(self) -> set[str]:
        """Keys of what was delivered within the week."""
        if self._known is None:
            self._known = set().union(*(self._of_day(day, notes) for day, notes in self._days().items()))
        return self._known

    def places(self) -> dict[str, tuple[str, int]]:
        """In which file each key of the week is, and as which of its records; of days that are over nobody knows."""
        found: dict[str, tuple[str, int]] = {}
        for one in (one for notes in self._days().values() for one in notes):
            note = self._note(one)
            found |= {key: (note["name"], number) for number, key in enumerate(note["keys"]) if note["name"]}
        return found

    def forget(self) -> None:
        """Read the notes anew when they are next needed."""
        self._known = None

    def begin(self, name: str, keys: Sequence[str]) -> None:
        """This file is about to be put there with these records."""
        self._before, self._known = self.known(), None  # until it is finished nobody knows
        self._shelf.make(self._notes)
        self._put(f"{self._today}-{fit_name(name)}", name, keys, done=False)

    def finish(self, name: str, keys: Sequence[str]) -> None:
        """It was."""
        self._put(f"{self._today}-{fit_name(name)}", name, keys, done=True)
        self._known = self._before | set(keys)

    @property
    def _today(self) -> str:
        return f"{self._clock():%Y%m%d}"

    def _put(self, note: str, name: str, keys: Sequence[str], *, done: bool) -> None:
        said = dumps({"name": name, "keys": list(keys), "done": done})
        self._shelf.put(self._notes, f"{note}.json", io.BytesIO(said))

    def _days(self) -> dict[str, list[Lying]]:
        """The notes of this week by their day; older ones are thrown away."""
        try:
            there = self._shelf.files(self._notes)
        except FolderMissing:
            return {}
        since = f"{self._clock() - _KEPT:%Y%m%d}"
        days: dict[str, list[Lying]] = {}
        for one in there:
            if one.name[:8] < since:
                self._shelf.remove(self._notes, one.name)
            else:
                days.setdefault(one.name[:8], []).append(one)
        return days

    def _of_day(self, day: str, notes: Sequence[Lying]) -> set[str]:
        """The keys of a day; of one that is over, in one note from now on."""
        keys = set().union(*map(self._read, notes))
        if day < self._today and len(notes) > 1:
            self._put(day, "", sorted(keys), done=True)
            for one in notes:
                if one.name != f"{day}.json":
                    self._shelf.remove(self._notes, one.name)
        return keys

    def _read(self, found: Lying) -> set[str]:
        note = self._note(found)
        if note["done"] or self._shelf.has(self._folder, note["name"]):
            return set(note["keys"])
        self._shelf.remove(self._notes, found.name)
        return set()

    def _note(self, found: Lying) -> dict[str, Any]:
        with io.BytesIO() as file:
            self._shelf.fetch(self._notes, found, file, _LARGEST)
            try:
                note: dict[str, Any] = loads(file.getvalue())
            except Malformed:
                return {"name": "", "keys": [], "done": True}
        return note
