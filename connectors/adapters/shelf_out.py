"""What is delivered to a shelf: one file for each record, or one for each batch, under a name that others chose.

Guarantees: a file is there whole or not at all; what was delivered once is not written again as long as it lies there
(and, for names that hold a time, for a week, whatever became of the file); a record that the format cannot hold is
refused alone.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

from connectors.adapters.port import Outgoing, Refusal
from connectors.adapters.shelf import Shelf, fit_name
from connectors.adapters.shelf_back import Where, read_back
from connectors.adapters.shelf_sent import Sent
from connectors.errors import Misconfigured
from connectors.formats import Unwritable, Writing, write_file

_LOCAL = ZoneInfo("Asia/Shanghai")
_FIELD = re.compile(r"\{([^{}]*)\}")
_FIELDS = ("case_no", "key", "date", "time", "count")
_OF_THE_MOMENT = ("date", "time", "count")
_PATTERNS = {"record": "{case_no}-{key}", "batch": "{date}-{time}-{key}"}


@dataclass(frozen=True, slots=True)
class Written:
    """How files are called and what is in them."""

    folder: str
    kind: str = "csv"
    per: Literal["record", "batch"] = "record"
    name: str = ""
    columns: tuple[str, ...] = ()  # first and always, where the format has columns
    writing: Writing = field(default_factory=Writing)

    @property
    def pattern(self) -> str:
        """The name's pattern; it always holds the key, or one record would take another's place."""
        pattern = self.name.strip() or _PATTERNS[self.per]
        stem = pattern.removesuffix(f".{self.kind}")
        if unknown := [one for one in _FIELD.findall(stem) if one not in _FIELDS]:
            known = "、".join(f"{{{one}}}" for one in _FIELDS)
            raise Misconfigured(f"文件名规则里的 {{{unknown[0]}}} 无法识别，可用：{known}。")
        return stem if "{key}" in stem else stem + "-{key}"

    @property
    def of_the_moment(self) -> bool:
        """The same record would get another name an hour later."""
        return self.per == "batch" or any(f"{{{one}}}" in self.pattern for one in _OF_THE_MOMENT)


class Outbox:
    """One folder of a shelf, written."""

    def __init__(self, shelf: Shelf, written: Written, clock: Callable[[], datetime]) -> None:
        self._shelf, self._written, self._clock = shelf, written, clock
        self._sent = Sent(shelf, written.folder, clock) if written.of_the_moment else None

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        """As the port says."""
        if not batch:
            return []
        if self._written.per == "record":
            return [None if one.key in self._known() else self._put(one) for one in batch]
        known = self._known()
        fresh = {one.key: one for one in batch if one.key not in known}
        refused = self._put_batch(list(fresh.values())) if fresh else {}
        return [refused.get(one.key) for one in batch]

    def found(self, batch: Sequence[Outgoing]) -> list[dict[str, Any] | None]:
        """What lies there now of these."""
        if self._sent is None:
            places: dict[str, Where] = {one.key: (self._name(one.key, one.subject, 1), 0) for one in batch}
        else:
            places = self._sent.places()
        written = self._written
        sent = [(one, places.get(one.key)) for one in batch]
        return read_back(self._shelf, written.folder, written.kind, written.writing, sent)

    def forget(self) -> None:
        """Look anew what was sent."""
        if self._sent is not None:
            self._sent.forget()

    def _known(self) -> set[str]:
        return self._sent.known() if self._sent is not None else set()

    def _put(self, one: Outgoing) -> Refusal | None:
        name = self._name(one.key, one.subject, 1)
        if self._sent is None and self._shelf.has(self._written.folder, name):
            return None
        with io.BytesIO() as file:
            try:
                self._fill(file, [one.record])
            except Unwritable as error:
                return Refusal("shape", error.message)
            self._hand_over(name, file, [one.key])
        return None

    def _put_batch(self, batch: list[Outgoing]) -> dict[str, Refusal]:
        """One file of all that can be written; the others by their key."""
        refused: dict[str, Refusal] = {}
        with tempfile.TemporaryFile(prefix="shenguan-") as file:
            try:
                self._fill(file, [one.record for one in batch])
            except Unwritable:
                refused = {one.key: why for one in batch if (why := self._unfit(one.record))}
                if not refused:
                    raise
                batch = [one for one in batch if one.key not in refused]
                file.seek(0)
                file.truncate()
                self._fill(file, [one.record for one in batch])
            if batch:
                keys = [one.key for one in batch]
                digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:12]
                name = self._name(digest, batch[0].subject, len(batch))
                self._hand_over(name, file, keys)
        return refused

    def _hand_over(self, name: str, file: IO[bytes], keys: Sequence[str]) -> None:
        file.seek(0)
        if self._sent is None:
            self._shelf.put(self._written.folder, name, file)
            return
        self._sent.begin(name, keys)
        self._shelf.put(self._written.folder, name, file)
        self._sent.finish(name, keys)

    def _unfit(self, record: Mapping[str, Any]) -> Refusal | None:
        try:
            with io.BytesIO() as file:
                self._fill(file, [record])
        except Unwritable as error:
            return Refusal("shape", error.message)
        return None

    def _fill(self, file: IO[bytes], records: Sequence[Mapping[str, Any]]) -> None:
        written = self._written
        names = dict.fromkeys((*written.columns, *(name for record in records for name in record)))
        write_file(file, written.kind, list(names), records, written.writing)

    def _name(self, key: str, subject: str, count: int) -> str:
        now = self._clock().astimezone(_LOCAL)
        said = {
            "case_no": _part(subject),
            "key": _part(key),
            "date": f"{now:%Y%m%d}",
            "time": f"{now:%H%M%S%f}",
            "count": str(count),
        }
        stem = _FIELD.sub(lambda found: said[found[1]], self._written.pattern)
        return f"{_short(fit_name(stem), key)}.{self._written.kind}"


def _part(text: str) -> str:
    """As it stands in a name; what had to be changed stays apart from all others."""
    clean = fit_name(text)
    return clean if clean == text else f"{clean}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _short(stem: str, key: str) -> str:
    if len(stem.encode()) <= 180:
        return stem
    cut = stem.encode()[:140].decode("utf-8", "ignore")
    return f"{cut}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
