"""What an HTTP system has of a record that it took: asked for at an address that was set, or found in its own answer.

Guarantees: only where that was set; a record that is not there is none, whatever else is wrong is said, never taken for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.adapters.http_answer import read_json, read_path, refuse_for_all
from connectors.adapters.http_door import Said
from connectors.adapters.port import Outgoing, Record
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.mapping.paths import found

_REMEMBERED = 1_000
_GONE = (404, 410)


class ReadBack:
    """The settings of a flow that say how what was sent is read again."""

    def __init__(self, place: Mapping[str, Any]) -> None:
        self._path = str(place["read_back_path"]).strip()
        self._id = read_path(place["read_back_id"], "答复中的编号字段")
        self._field = read_path(place["read_back_field"], "记录所在字段")
        if "{id}" in self._path and not self._id:
            raise Misconfigured("回读路径里有 {id}，还须填写“答复中的编号字段”。")
        self._answers: dict[str, Said] = {}

    @property
    def possible(self) -> bool:
        """Whether anything was set."""
        return bool(self._path or self._field)

    @property
    def asks(self) -> bool:
        """Whether there is an address to ask; else the record is in the answer to its delivery."""
        return bool(self._path)

    def note(self, key: str, said: Said) -> None:
        """This was answered when the record was delivered."""
        if self._id or (self._field and not self._path):
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[key] = said

    def path(self, one: Outgoing) -> str | None:
        """Where it is; None: the other side has not told its number."""
        told = self._told(one, self._id) if "{id}" in self._path else ""
        if told is None:
            return None
        path = self._path
        for name, value in (("{key}", one.key), ("{subject}", one.subject), ("{id}", str(told))):
            path = path.replace(name, quote(value, safe=""))
        return path

    def echoed(self, one: Outgoing) -> Record | None:
        """The record in the answer to its delivery."""
        return _record(self._told(one, self._field))

    def read(self, said: Said, now: float) -> Record | None:
        """The record in the answer of its address. Raises AdapterUnavailable."""
        if said.status in _GONE:
            return None
        refuse_for_all(said, now)
        if said.status >= 400:
            raise AdapterUnavailable(f"回读不了（对方答复 {said.status}）：{said.excerpt(80)}")
        value = read_json(said)
        return _record(_at(value, self._field))

    def _told(self, one: Outgoing, path: str) -> Any:
        said = self._answers.get(one.key)
        return None if said is None else _at(read_json(said), path)


def _at(value: Any, path: str) -> Any:
    if not path:
        return value
    return found(value, path) if isinstance(value, Mapping) else None


def _record(value: Any) -> Record | None:
    """An object, or a list with this one in it."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, Mapping) else None
