"""Files of cases: sealed before they leave this process, checked when they come back.

Guarantees: constant memory for any size; the object store sees neither content nor hash nor name of a file; what comes
out is what went in, by GCM tag before each segment and by SHA-256 before the last one; a file is visible to the caller
only after it is stored whole. A crash leaves at most an object nobody refers to, which `sweep` finds.

Content-addressing is the database's: the SHA-256 of a stream is known only at its end, so the object gets a random
name at once and no second copy; whoever stores the facts under the unique SHA-256 and finds it taken deletes the newcomer.
(Renaming by server-side copy was measured: it costs half of the upload again.)
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import Protocol, Self

from hub.errors import Rejected, Unavailable
from storage.key_encryption import KeyEncryption
from storage.objects import Download, ObjectFacts, ObjectStore
from storage.sealing import Tampered, new_key, seal, unseal

PREFIX = "files/"
SWEPT_AT_ONCE = 500


class Source(Protocol):
    """What a file is read from: open files, uploads, sockets' files."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; b"" at the end."""


class SealedFile(Protocol):
    """What must be kept of a file to open it again."""

    @property
    def object_name(self) -> str: ...
    @property
    def sha256(self) -> bytes: ...
    @property
    def size(self) -> int: ...
    @property
    def wrapped_key(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is stored whole. `sha256` and `size` are of the plaintext."""

    object_name: str
    sha256: bytes
    size: int
    media_type: str
    wrapped_key: bytes


class FileStore:
    """Puts files into an object store and opens them again."""

    def __init__(self, objects: ObjectStore, keys: KeyEncryption) -> None:
        self._objects = objects
        self._keys = keys

    def put(
        self, stream: Source, *, media_type: str = "application/octet-stream", max_size: int | None = None
    ) -> StoredFile:
        """Read `stream` to its end and store it sealed. Raises Rejected beyond `max_size`, Unavailable."""
        name = f"{PREFIX}{uuid.uuid4().hex}"
        key = new_key()
        body = _SealedBody(stream, key=key, associated=name.encode(), max_size=max_size)
        self._objects.put_stream(name, body)
        if body.failure is not None:
            with suppress(Unavailable):  # what cannot be deleted now is swept later
                self._objects.delete(name)
            raise body.failure
        wrapped = self._keys.wrap(key, context=name.encode())
        return StoredFile(name, body.digest.digest(), body.size, media_type, wrapped)

    def open(self, file: SealedFile) -> OpenFile:
        """The plaintext. Raises NotFound or Unavailable at once, so that a web answer can still say so."""
        name = file.object_name.encode()
        key = self._keys.unwrap(file.wrapped_key, context=name)
        return OpenFile(self._objects.get_stream(file.object_name), file, key=key)

    def stat(self, file: SealedFile) -> ObjectFacts:
        """What the object store says of it: the size there is that of the sealed form."""
        return self._objects.stat(file.object_name)

    def exists(self, file: SealedFile) -> bool:
        """Whether its object is there; its content is not looked at."""
        return self._objects.exists(file.object_name)

    def delete(self, object_name: str) -> None:
        """Remove a file's object. Without it the wrapped key opens nothing."""
        self._objects.delete(object_name)

    def rewrap(self, file: SealedFile) -> bytes:
        """The file's key under the newest key-encryption key; the object is not touched."""
        return self._keys.rewrap(file.wrapped_key, context=file.object_name.encode())

    def sweep(self, older_than: datetime, referenced: Callable[[list[str]], Collection[str]]) -> int:
        """Delete objects last written before `older_than` that nobody refers to. Gives their number.

        `referenced` says which of up to SWEPT_AT_ONCE names are in use. `older_than` must lie further back than the
        longest time between a `put` and its commit; a day is plenty.
        """
        swept = 0
        old = (found.name for found in self._objects.list(PREFIX) if found.modified < older_than)
        while names := list(islice(old, SWEPT_AT_ONCE)):
            kept = set(referenced(names))
            for name in names:
                if name not in kept:
                    self._objects.delete(name)
                    swept += 1
        return swept


class OpenFile:
    """Iterate for the plaintext in pieces of up to 1 MiB. Close it, or use it in a `with`."""

    def __init__(self, download: Download, file: SealedFile, *, key: bytes) -> None:
        self.size = file.size
        self._download = download
        self._pieces = _checked(
            unseal(download.read, key=key, associated=file.object_name.encode()),
            sha256=bytes(file.sha256),
            size=file.size,
        )

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection. May be called twice."""
        self._pieces.close()
        self._download.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _SealedBody:
    """The sealed form of a stream, as the object store's client wants to read it.

    Never raises: the client leaves its threads behind when a body does. It ends early instead and keeps the failure.
    """

    def __init__(self, stream: Source, *, key: bytes, associated: bytes, max_size: int | None) -> None:
        self.digest = hashlib.sha256()
        self.size = 0
        self.failure: Exception | None = None
        self._stream = stream
        self._max_size = max_size
        self._segments = seal(stream.read, key=key, associated=associated, seen=self._see)
        self._left: list[bytes] = []

    def read(self, size: int, /) -> bytes:
        """`size` bytes, fewer only at the end."""
        missing = size
        pieces: list[bytes] = []
        while missing:
            piece = self._left.pop() if self._left else self._next()
            if not piece:
                break
            if len(piece) > missing:
                self._left.append(piece[missing:])
                piece = piece[:missing]
            pieces.append(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next(self) -> bytes:
        if self.failure is None:
            try:
                return next(self._segments, b"")
            except Exception as error:  # kept, to be raised when the client is done
                self.failure = error
        return b""

    def _see(self, plain: bytes) -> None:
        self.size += len(plain)
        if self._max_size is not None and self.size > self._max_size:
            raise Rejected(f"文件超过 {self._max_size // (1 << 20)} MB 的上限，没有保存。")
        self.digest.update(plain)


def _checked(pieces: Iterator[bytes], *, sha256: bytes, size: int) -> Generator[bytes, None, None]:
    """The pieces, the last one only when all of them together are what was stored."""
    digest, seen, held = hashlib.sha256(), 0, b""
    for piece in pieces:
        if held:
            yield held
        held = piece
        digest.update(piece)
        seen += len(piece)
    if seen != size or digest.digest() != sha256:
        raise Tampered
    if held:
        yield held
