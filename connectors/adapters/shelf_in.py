"""What a department drops on a shelf: which files are ready, their records in order, and where they go afterwards.

Guarantees: a file is read from a copy that was whole and did not change while it was made, and only after it stopped
growing (or its marker is there); oldest first; the same bytes are read once, as long as the place remembers them. A file
of which something was not said goes to `failed/` with `<name>.problems.csv` beside it, every other to `done/`.
Not here: what a record means. A file that is taken back after it was copied is still read to its end.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.adapters.port import Answer, Collected, Column, Incoming
from connectors.adapters.shelf import FolderMissing, Lying, Shelf, below
from connectors.adapters.shelf_copy import Copy, copied, label_of
from connectors.adapters.shelf_place import Place
from connectors.adapters.shelf_problems import Problem, Problems
from connectors.formats import Reading, format_of

DONE, FAILED = "done", "failed"
#: By another machine's clock, a file this old has stopped growing, however wrong that clock is.
_LONG_AGO_S = 600.0
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """Which files of a folder are meant, when they are ready, and how they are read."""

    folder: str
    kind: str = "auto"  # or one of connectors.formats.FORMATS
    pattern: str = "*"
    marker: str = ""  # the ending of a file that says that the file beside it is whole
    quiet_seconds: float = 5.0
    most_bytes: int = 1 << 30
    reading: Reading = field(default_factory=Reading)

    def kind_of(self, name: str) -> str | None:
        """The format of a file of this name; None: not meant."""
        if not fnmatch.fnmatchcase(name.casefold(), self.pattern.casefold()):
            return None
        promised = format_of(name)
        return promised if self.kind in ("auto", promised) else None


@dataclass(slots=True)
class _Unsettled:
    """A file of which answers are still to come."""

    name: str
    digest: str
    waiting: set[int] = field(default_factory=set)
    ended: bool = False
    problems: bool = False


class Inbox:
    """One folder of a shelf, read."""

    def __init__(self, shelf: Shelf, dropped: Dropped, clock: Callable[[], datetime]) -> None:
        self._shelf, self._dropped, self._clock = shelf, dropped, clock
        self._problems = Problems(shelf, dropped.folder)
        self._copy: Copy | None = None
        self._digests: dict[Lying, str] = {}
        self._first_seen: dict[Lying, float] = {}
        self._unsettled: dict[str, _Unsettled] = {}
        self._failed: set[str] = set()
        self._whole: set[Lying] = set()
        self._looked = False

    def collect(self, text: str, limit: int) -> Collected:
        """As the port says."""
        place = Place.read(text)
        accepted = frozenset(place.done)
        if self._failed:
            place, self._failed = place.without(self._failed), set()
        for file in self._unsettled.values():
            if file.digest == place.digest:  # who comes back from a place has dealt with all before it
                file.waiting = {row for row in file.waiting if row > place.row}
        ready = self._ready(place)
        found: list[Incoming] = []
        while len(found) < limit and (copy := self._next(place, ready, accepted)) is not None:
            file = self._unsettled[copy.label]
            for number, record, fault in copy.take(limit - len(found)):
                found.append(Incoming(f"{copy.label}:{number}" if number else copy.label, record, fault))
                file.waiting.add(number)
            place = place.inside(copy.found.name, copy.digest, copy.row)
            if copy.ended:
                file.ended = True
                place = place.behind(copy.digest)
                self.close()
        more = len(found) == limit and self._next(place, ready, accepted) is not None
        return Collected(found, place.text, more)

    def settle(self, answers: Sequence[Answer]) -> None:
        """Note what was not said; a file of which everything is answered is put away."""
        by_file: dict[str, list[tuple[int, Answer]]] = {}
        for answer in answers:
            name, number = _of(answer.incoming.ref)
            by_file.setdefault(name, []).append((number, answer))
        for name, answered in by_file.items():
            problems = [
                Problem.of(number, one)
                for number, one in answered
                if one.event_id is None and not one.skipped
            ]
            if (file := self._unsettled.get(name)) is None:
                if problems:
                    self._too_late(name, problems)
                continue
            if problems:
                self._problems.note(file.digest, problems)
                file.problems = True
            file.waiting -= {number for number, _ in answered}
            if file.ended and not file.waiting:
                self._put_away(name, file)

    def columns(self) -> Sequence[Column]:
        """Those of the newest file, be it read already or not; none where there never was one."""
        for folder in (self._dropped.folder, below(self._dropped.folder, DONE)):
            if (newest := self.newest(folder)) is not None:
                return [Column(name) for name in self.look_at(newest, folder)[0]]
        return []

    def look_at(self, found: Lying, folder: str | None = None) -> tuple[list[str], str | None]:
        """The columns of a file, and why it cannot be read, by its first rows."""
        copy = copied(self._shelf, self._dropped.folder if folder is None else folder, found, self._dropped)
        if copy is None:
            return [], "它正在被写入"
        with copy:
            rows = list(copy.take(50))
        names = dict.fromkeys(name for _, record, _ in rows for name in record)
        return list(names), next((fault for _, _, fault in rows if fault and not names), None)

    def newest(self, folder: str) -> Lying | None:
        """The file that was dropped last."""
        try:
            found = [one for one in self._shelf.files(folder) if self._dropped.kind_of(one.name)]
        except FolderMissing:
            if folder == self._dropped.folder:
                raise
            return None
        return max(found, key=lambda one: (one.modified, one.name), default=None)

    def close(self) -> None:
        """Let the copy go."""
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def _ready(self, place: Place) -> list[Lying]:
        """Files that have stopped growing, oldest first; before them the one in hand, whatever it looks like now."""
        ready, growing = self._look(place)
        if growing and not ready and not self._looked and not place.text:
            # Whoever looks for the first time (a person who asks for a sample) is not told to come again.
            time.sleep(self._dropped.quiet_seconds if self._dropped.quiet_seconds <= _PATIENCE_S else 0)
            ready, _ = self._look(place)
        self._looked = True
        return ready

    def _look(self, place: Place) -> tuple[list[Lying], bool]:
        there = self._shelf.files(self._dropped.folder)
        names, now = {one.name for one in there}, self._clock().timestamp()
        meant = [one for one in there if self._dropped.kind_of(one.name)]
        self._first_seen = {one: self._first_seen.get(one, now) for one in meant}
        self._digests = {one: digest for one, digest in self._digests.items() if one in self._first_seen}
        self._whole = {one for one in meant if self._is_ready(one, names, now)}
        ready = [one for one in meant if one.name == place.name or one in self._whole]
        ready.sort(key=lambda one: (one.name != place.name, one.modified, one.name))
        return ready, len(ready) < len(meant)

    def _is_ready(self, one: Lying, names: set[str], now: float) -> bool:
        if marker := self._dropped.marker:
            return one.name + marker in names or one.name.rpartition(".")[0] + marker in names
        quiet = self._dropped.quiet_seconds
        if self._shelf.whole or not quiet:
            return True
        enough = quiet if self._shelf.own_clock else max(quiet, _LONG_AGO_S)
        return now - self._first_seen[one] >= quiet or now - one.modified >= enough

    def _next(self, place: Place, ready: list[Lying], accepted: frozenset[str]) -> Copy | None:
        """The copy that stands at the place: the file in hand, else the oldest that is not done with.

        What was accepted (its rows lie before the place that we were asked from) and lies here still is put away.
        """
        if (copy := self._copy) is not None and (copy.digest, copy.row) == (place.digest, place.row):
            return copy
        for found in [*ready]:
            copy = self._copy_of(found) if self._digests.get(found, "") not in place.done else None
            digest = self._digests.get(found, "")
            if digest in place.done:
                if digest in accepted:
                    ready.remove(found)
                    self._put_away(
                        label_of(found.name, digest), _Unsettled(found.name, digest, problems=True)
                    )
            elif copy is not None and (digest == place.digest or found in self._whole):
                if digest == place.digest:
                    copy.skip(place.row)
                self._unsettled[copy.label] = _Unsettled(found.name, digest, problems=copy.row > 0)
                return copy
            # else it is still growing, or was taken back
        return None

    def _copy_of(self, found: Lying) -> Copy | None:
        if self._copy is not None and self._copy.found == found and self._copy.row == 0:
            return self._copy
        self.close()
        self._copy = copied(self._shelf, self._dropped.folder, found, self._dropped)
        if self._copy is not None:
            self._digests[found] = self._copy.digest
        return self._copy

    def _put_away(self, label: str, file: _Unsettled) -> None:
        file = self._unsettled.pop(label, file)
        folder, name = self._dropped.folder, file.name
        failed = file.problems and self._problems.hand_over(file.digest, name, below(folder, FAILED))
        if failed:
            self._failed.add(file.digest)
        self._shelf.move(folder, name, below(folder, FAILED if failed else DONE))
        if marker := self._dropped.marker:
            for beside in (name + marker, name.rpartition(".")[0] + marker):
                self._shelf.remove(folder, beside)

    def _too_late(self, name: str, problems: Sequence[Problem]) -> None:
        """The file was put away: what the hub gave back later is added to its problems."""
        name = name.rpartition("#")[0] or name
        done, failed = (below(self._dropped.folder, one) for one in (DONE, FAILED))
        if self._problems.add(name, failed, problems) and not self._shelf.has(failed, name):
            self._shelf.move(done, name, failed)


def _of(ref: str) -> tuple[str, int]:
    """The label and the row that a ref names; a whole file is row 0."""
    name, _, number = ref.rpartition(":")
    return (name, int(number)) if name and number.isdecimal() else (ref, 0)
