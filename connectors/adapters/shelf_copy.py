"""One file, copied from its shelf into a file without a name, and read there row by row.

Guarantees: what is read is what lay there at one moment, whatever happens to the original; its digest is of exactly these
bytes. Memory does not grow with the file. A file that cannot be read as a whole is one row with the number 0 and a fault.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Protocol, Self

from connectors.adapters.shelf import Locked, Lying, Shelf, TooLarge
from connectors.errors import AdapterUnavailable
from connectors.formats import Reading, Row, Unreadable, read_rows

DIGEST_CHARS = 24


class _How(Protocol):
    @property
    def most_bytes(self) -> int: ...
    @property
    def reading(self) -> Reading: ...
    def kind_of(self, name: str) -> str | None: ...


class Copy:
    """The copy, open at a row. `ended`: behind the last."""

    def __init__(self, found: Lying, digest: str, file: IO[bytes], rows: Iterator[Row]) -> None:
        self.found, self.digest = found, digest
        self.label = label_of(found.name, digest)
        self.row = 0
        self._file = file
        self._rows = _said(rows)
        self._ahead = next(self._rows, None)

    @property
    def ended(self) -> bool:
        """Nothing more is in it."""
        return self._ahead is None

    def take(self, most: int) -> Iterator[Row]:
        """The next rows."""
        for _ in range(most):
            if self._ahead is None:
                return
            row, self._ahead = self._ahead, next(self._rows, None)
            self.row = row[0]
            yield row

    def skip(self, row: int) -> None:
        """Go behind this row."""
        while self._ahead is not None and self._ahead[0] <= row:
            self.row, self._ahead = self._ahead[0], next(self._rows, None)

    def close(self) -> None:
        """Give its disk space back."""
        self._rows = iter(())
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def label_of(name: str, digest: str) -> str:
    """A file for people, 'a.csv#3f9ac1': tomorrow's a.csv is another one. What is no UTF-8 in a name cannot be said."""
    return f"{name.encode('utf-8', 'replace').decode()}#{digest[:6]}"


def copied(shelf: Shelf, folder: str, found: Lying, how: _How) -> Copy | None:
    """The file's copy, at its start; None: it is still changing, or gone."""
    file = tempfile.TemporaryFile(prefix="shenguan-")  # noqa: SIM115 - the copy closes it
    try:
        digest = hashlib.sha256()
        try:
            whole = shelf.fetch(folder, found, _Counted(file, digest), how.most_bytes)  # type: ignore[arg-type]
        except TooLarge:
            words = f"文件超过 {how.most_bytes >> 20} MB 的上限。请分成几个文件，或在连接器设置里提高上限。"
            return _refused(found, file, words)
        except Locked:
            return _refused(found, file, "没有读取这个文件的权限。请改正文件的权限后重新放入。")
        if not whole:
            file.close()
            return None
        rows = read_rows(file, how.kind_of(found.name) or "csv", how.reading)
        return Copy(found, digest.hexdigest()[:DIGEST_CHARS], file, rows)
    except BaseException:
        file.close()
        raise


def _refused(found: Lying, file: IO[bytes], words: str) -> Copy:
    facts = f"{found.name}|{found.size}|{found.modified}".encode("utf-8", "surrogateescape")
    return Copy(found, hashlib.sha256(facts).hexdigest()[:DIGEST_CHARS], file, iter([(0, {}, words)]))


def _said(rows: Iterator[Row]) -> Iterator[Row]:
    """What cannot be read as a whole, or from here on, is a row that says so."""
    last = 0
    try:
        for row in rows:
            last = row[0]
            yield row
    except Unreadable as error:
        yield last + 1 if last else 0, {}, error.message
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # Foreign bytes in foreign parsers: one file that trips them up holds up no other.
        yield (
            last + 1 if last else 0,
            {},
            f"文件读不懂（{type(error).__name__}）。请重新导出，或另存为别的格式。",
        )


class _Counted:
    """Writes through, and digests what it writes."""

    def __init__(self, file: IO[bytes], digest: hashlib._Hash) -> None:
        self._file, self._digest = file, digest

    def write(self, piece: bytes) -> int:
        self._digest.update(piece)
        try:
            return self._file.write(piece)
        except OSError as error:
            raise AdapterUnavailable(
                f"本机的临时目录写不下文件的副本：{error.strerror}。请清理磁盘空间。"
            ) from error
