"""The spool 暂存处: a folder of our own where an upload's bytes wait until they are whole, checked and stored sealed.

Guarantees: what `append` said it has is on the disk; one writer at a time for each upload, in this process and in others
on the same folder; names come from our own ids, never from a client; folder 0700, files 0600.
Does not encrypt: the bytes are plain here until they are sealed, so the folder belongs on a protected disk. Several web
machines need one shared folder (or each its own and the same user always on the same machine).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any

from hub.errors import Conflict, Rejected, Unavailable

PIECE = 1 << 20
SPARE = 512 << 20  # what must stay free on the disk
SIGNATURE_LARGEST = 256 << 10
_HASHES_KEPT = 64

Read = Callable[[int], bytes]


class WrongOffset(Conflict):
    """上传的位置与已收到的不一致，请从已收到的位置继续。"""

    def __init__(self, received: int) -> None:
        super().__init__()
        self.received = received


class Spool:
    """The folder. Made at first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = _RunningHashes()
        self._syncing = ThreadPoolExecutor(16, thread_name_prefix="spool-sync")

    def path(self, upload: uuid.UUID) -> Path:
        """Where its bytes are."""
        return self.folder / f"{upload.hex}.part"

    def signature_path(self, upload: uuid.UUID) -> Path:
        """Where its detached signature is, if one was handed in."""
        return self.folder / f"{upload.hex}.p7s"

    def begin(self, upload: uuid.UUID, size: int) -> None:
        """Room for `size` bytes. Raises Unavailable where there is none."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
            if free < size + SPARE:
                raise Unavailable(
                    "暂存空间不足，暂时不能上传这么大的文件。请联系系统管理员清理或扩容后再试。"
                )
            self._open(upload, os.O_CREAT).close()
        except OSError as error:
            raise _trouble(error) from error

    def received(self, upload: uuid.UUID) -> int:
        """How many bytes are there."""
        try:
            return self.path(upload).stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise _trouble(error) from error

    def append(self, upload: uuid.UUID, offset: int, read: Read, *, most: int, known: int) -> int:
        """Write what `read` gives at `offset`, at most `most` bytes (which it holds in memory); gives how much there is
        now, safe on the disk.

        `known` is what the database has: bytes beyond it were never confirmed and are written again. When `read` fails,
        what had arrived before is kept. Raises WrongOffset, Conflict (another writer is at it), Rejected (too much).
        """
        try:
            with self._locked(upload) as file:
                there = min(known, os.fstat(file.fileno()).st_size)
                if offset != there:
                    raise WrongOffset(there)
                file.truncate(there)
                file.seek(there)
                return self._write(upload, file, there, read, most)
        except OSError as error:
            raise _trouble(error) from error

    def _write(self, upload: uuid.UUID, file: IO[bytes], at: int, read: Read, most: int) -> int:
        digest = self._running.take(upload, at)
        begun, pieces = at, list[bytes]()
        try:
            while True:
                # One byte more than may come tells that there is more.
                piece = read(min(PIECE, begun + most + 1 - at))
                if not piece:
                    break
                if at + len(piece) > begun + most:
                    raise Rejected("收到的内容比说好的长，没有保存多出的部分。请重新选择文件上传。")
                file.write(piece)
                at += len(piece)
                pieces.append(piece)
        except OSError as error:
            if not isinstance(error, ConnectionError | TimeoutError):
                raise
        finally:
            self._sync(file, digest, pieces)
            self._running.put(upload, at, digest)
        return at

    def _sync(self, file: IO[bytes], digest: Any, pieces: list[bytes]) -> None:
        """Onto the disk; hashed while the disk is at it."""
        file.flush()
        syncing = self._syncing.submit(os.fsync, file.fileno())
        try:
            if digest is not None:
                for piece in pieces:
                    digest.update(piece)
        finally:
            syncing.result()

    def keep_signature(self, upload: uuid.UUID, data: bytes) -> None:
        """Keep the detached signature; a second one replaces the first."""
        if not 0 < len(data) <= SIGNATURE_LARGEST:
            raise Rejected(f"签名文件应在 {SIGNATURE_LARGEST >> 10} KB 以内，且不能是空的。")
        path = self.signature_path(upload)
        try:
            fresh = path.with_suffix(".p7s.new")
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise _trouble(error) from error

    def open(self, upload: uuid.UUID) -> IO[bytes]:
        """Its bytes, to be read. Raises FileNotFoundError."""
        return self.path(upload).open("rb")

    def sha256(self, upload: uuid.UUID, size: int) -> bytes:
        """The hash of all of it; known already when this process received every byte in order."""
        digest = self._running.take(upload, size)
        if digest is not None:
            self._running.put(upload, size, digest)
            return bytes(digest.digest())
        fresh = hashlib.sha256()
        with self.open(upload) as file:
            while piece := file.read(PIECE):
                fresh.update(piece)
        return fresh.digest()

    def forget(self, upload: uuid.UUID) -> None:
        """Remove what is there of it. May be called twice."""
        self._running.drop(upload)
        for path in (self.path(upload), self.signature_path(upload)):
            with suppress(FileNotFoundError):
                path.unlink()

    def older_than(self, seconds: float) -> Iterator[tuple[uuid.UUID | None, Path]]:
        """Files nobody has written to for so long, with the upload they belong to; None: not one of ours."""
        with suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                with suppress(FileNotFoundError):
                    if path.is_file() and path.stat().st_mtime < time.time() - seconds:
                        yield _upload_of(path), path

    @contextmanager
    def _locked(self, upload: uuid.UUID) -> Iterator[IO[bytes]]:
        try:
            file = self._open(upload, 0)
        except FileNotFoundError:
            file = self._open(upload, os.O_CREAT)
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WrongOffset(os.fstat(file.fileno()).st_size) from None
            yield file

    def _open(self, upload: uuid.UUID, flags: int) -> IO[bytes]:
        return open(os.open(self.path(upload), os.O_RDWR | flags, 0o600), "r+b")


class _RunningHashes:
    """SHA-256 of what has been received so far in this process, so that a whole file need not be read again for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at: dict[uuid.UUID, tuple[int, Any]] = {}

    def take(self, upload: uuid.UUID, at: int) -> Any:
        """The hash of exactly the first `at` bytes, or None. Whoever takes it puts it back."""
        with self._lock:
            known, digest = self._at.pop(upload, (0, None))
        if digest is not None and known == at:
            return digest
        return hashlib.sha256() if at == 0 else None

    def put(self, upload: uuid.UUID, at: int, digest: Any) -> None:
        if digest is None:
            return
        with self._lock:
            self._at[upload] = (at, digest)
            while len(self._at) > _HASHES_KEPT:
                del self._at[next(iter(self._at))]

    def drop(self, upload: uuid.UUID) -> None:
        with self._lock:
            self._at.pop(upload, None)


def _upload_of(path: Path) -> uuid.UUID | None:
    try:
        return uuid.UUID(hex=path.name.split(".", 1)[0])
    except ValueError:
        return None


def _trouble(error: OSError) -> Unavailable:
    return Unavailable(f"暂存处暂时不能读写（{error.strerror}）。已收到的没有丢失，恢复后可以继续上传。")
