"""How far reading has come: the file in hand and its row, and the digests of files that are done with."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Self

from connectors.errors import Misconfigured

#: So many finished files are remembered; those before them were moved away long ago.
REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Behind this row of this file, and behind all of these. '' as text is the start."""

    done: tuple[str, ...] = ()
    name: str = ""
    digest: str = ""
    row: int = 0

    @classmethod
    def read(cls, text: str) -> Self:
        """The place that `text` says."""
        if not text:
            return cls()
        try:
            said = json.loads(text)
            name, digest, row = said.get("at") or ("", "", 0)
            return cls(tuple(map(str, said.get("done", ()))), str(name), str(digest), int(row))
        except (ValueError, TypeError, AttributeError) as error:
            raise Misconfigured("连接器记下的采集位置读不懂，请回退到起点重新采集。") from error

    @property
    def text(self) -> str:
        """As it is kept."""
        said = {"done": self.done} if self.done else {}
        at = {"at": (self.name, self.digest, self.row)} if self.digest else {}
        return json.dumps({**said, **at}, separators=(",", ":")) if said or at else ""

    def inside(self, name: str, digest: str, row: int) -> Self:
        """Behind this row of this file."""
        return replace(self, name=name, digest=digest, row=row)

    def behind(self, digest: str) -> Self:
        """Behind the whole of this file."""
        done = (*(one for one in self.done if one != digest), digest)[-REMEMBERED:]
        return replace(self, done=done, name="", digest="", row=0)

    def without(self, digests: set[str]) -> Self:
        """These are to be read again when they come again."""
        return replace(self, done=tuple(one for one in self.done if one not in digests))
