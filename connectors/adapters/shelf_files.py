"""Files beside the records of a shelf: photographs, reports, whatever a record names as its evidence.

Guarantees: only what lies below the folder that was set is given, whole; one that is still growing is asked for again.
They stay where they are: whoever put them there takes them away.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import IO

from connectors.adapters.file_names import plain_name
from connectors.adapters.port import NoFile, NotReady
from connectors.adapters.shelf import FolderMissing, Locked, Lying, Shelf, TooLarge, below
from connectors.errors import Misconfigured

#: By another machine's clock, a file this old has stopped growing.
_LONG_AGO_S = 600.0
_REMEMBERED = 1_000


class NamedFiles:
    """One folder of a shelf, asked by name. `quiet_s`: how long a file must have stayed as it is."""

    def __init__(self, shelf: Shelf, folder: str, quiet_s: float, clock: Callable[[], datetime]) -> None:
        self._shelf, self._folder, self._clock = shelf, folder, clock
        self._quiet_s = 0.0 if shelf.whole else quiet_s
        self._first_seen: dict[tuple[str, Lying], float] = {}

    @property
    def shown(self) -> str:
        """The folder, for people."""
        return self._folder or "根目录"

    def count(self) -> int:
        """How many files are right in it. Raises FolderMissing."""
        return len(self._shelf.files(self._folder))

    def fetch(self, written: str, into: IO[bytes], most: int) -> None:
        """As the port says."""
        inner, name = plain_name(written)
        folder = below(self._folder, inner) if inner else self._folder
        try:
            found = self._shelf.find(folder, name)
            if found is None:
                raise NoFile(f"佐证文件 {name} 不在文件夹“{folder or '根目录'}”中，请放入后重试")
            self._wait_until_whole(folder, found)
            whole = self._shelf.fetch(folder, found, into, most)
        except FolderMissing as error:
            self._shelf.files("")  # where the root itself is gone (a mount), all of it is away
            raise NoFile(f"佐证文件 {name} 取不到：没有文件夹“{folder or '根目录'}”") from error
        except TooLarge as error:
            raise NoFile(f"佐证文件 {name} 超过 {most >> 20} MiB 的上限") from error
        except Locked as error:
            raise NoFile(f"没有读取佐证文件 {name} 的权限") from error
        except Misconfigured as error:
            raise NoFile(f"佐证文件 {name} 取不到：{error.message}") from error
        if not whole:
            raise NotReady(f"佐证文件 {name} 正在被写入，稍后再取。")

    def _wait_until_whole(self, folder: str, found: Lying) -> None:
        if not self._quiet_s:
            return
        now = self._clock().timestamp()
        if len(self._first_seen) >= _REMEMBERED:
            self._first_seen.clear()
        first = self._first_seen.setdefault((folder, found), now)
        enough = self._quiet_s if self._shelf.own_clock else max(self._quiet_s, _LONG_AGO_S)
        if now - first < self._quiet_s and now - found.modified < enough:
            raise NotReady(f"佐证文件 {found.name} 刚刚还在变化，稍后再取。")
        self._first_seen.pop((folder, found), None)
