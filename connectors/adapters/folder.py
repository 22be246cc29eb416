"""A folder of this machine, or one that is mounted here: what is dropped is collected, what is delivered is put there.

Guarantees: a written file is on the disk and whole before it is seen under its name; links are never followed, nothing
outside the root is read or written; a root that is gone (a mount) is away, and never made anew.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Step
from connectors.adapters.reachable import Watch
from connectors.adapters.shelf import (
    FolderMissing,
    Locked,
    Lying,
    Shelf,
    TooLarge,
    inside,
    seen,
    unfinished,
)
from connectors.adapters.shelf_adapter import ShelfAdapter
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow

_PIECE = 1 << 20
_ADVICE = "请核对设置里的根目录；它在网络盘上时，请确认已经挂载。"


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> Adapter:
    """The adapter of a folder of this machine."""
    return ShelfAdapter(LocalShelf(_root(str(endpoint.settings.get("root", "")), outside)), flow, outside)


def _root(written: str, outside: Outside) -> Path:
    if not written.strip():
        raise Misconfigured("没有填写根目录。")
    path = Path(written.strip())
    if not path.is_absolute():
        return outside.base / inside(written.strip())
    if not outside.absolute_paths:
        raise Misconfigured(
            "在平台上运行的连接器只能用它自己的文件夹之下的路径，请填写相对路径，例如 exchange，或一个点（.）。"
        )
    return path


class LocalShelf(Shelf):
    """One folder of this machine."""

    own_clock = True

    def __init__(self, root: Path) -> None:
        self._root = root
        self.where = f"文件夹 {root}"

    def check(self) -> Iterator[Step]:
        """The root is a folder that may be looked into."""
        watch = Watch()
        try:
            os.scandir(self._root).close()
        except OSError as error:
            yield watch.step("address", False, f"{self.where} 打不开：{_words(error)}。", _ADVICE, error)
        else:
            yield watch.step("address", True, f"{self.where} 存在，可以打开。")

    def files(self, folder: str) -> list[Lying]:
        """The plain files, links left out."""
        found = []
        with self._watched(folder), os.scandir(self._at(folder)) as entries:
            for entry in entries:
                if seen(entry.name) and entry.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):  # taken back meanwhile
                        found.append(_lying(entry.name, entry.stat(follow_symlinks=False)))
        return found

    def find(self, folder: str, name: str) -> Lying | None:
        """A link is no plain file."""
        at = self._at(folder)
        with self._watched(folder):
            os.stat(at)  # a folder that is gone is said to be
            try:
                facts = os.lstat(at / name)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return _lying(name, facts) if stat.S_ISREG(facts.st_mode) else None

    def fetch(self, folder: str, found: Lying, into: IO[bytes], most: int) -> bool:
        """Through one descriptor: a file that takes its name meanwhile is another file."""
        with self._watched(folder):
            try:
                handle = os.open(self._at(folder) / found.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                return False
            except PermissionError as error:
                raise Locked from error
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    return False
                total = 0
                while piece := file.read(_PIECE):
                    total += len(piece)
                    if total > most:
                        raise TooLarge
                    into.write(piece)
                return _lying(found.name, os.fstat(handle)) == found

    def put(self, folder: str, name: str, file: IO[bytes]) -> None:
        """Beside its place first, to the disk, then under its name."""
        with self._watched(folder):
            target = self._at(folder) / name
            fresh = target.with_name(unfinished(name))
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            try:
                with os.fdopen(os.open(fresh, flags, 0o666), "wb") as out:
                    shutil.copyfileobj(file, out, _PIECE)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(fresh, target)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise
            _sync(target.parent)

    def has(self, folder: str, name: str) -> bool:
        """Under this very name, a link counts as well."""
        with self._watched(folder):
            at = self._at(folder)
            os.stat(at)
            return os.path.lexists(at / name)

    def move(self, folder: str, name: str, to: str) -> str | None:
        """By renaming; nothing that lies there is replaced."""
        self.make(to)
        target = self.free(to, name)
        with self._watched(folder):
            try:
                os.rename(self._at(folder) / name, self._at(to) / target)
            except FileNotFoundError:
                return None
            _sync(self._at(to))
            return target

    def remove(self, folder: str, name: str) -> None:
        """One that is gone already is no error."""
        with self._watched(folder):
            (self._at(folder) / name).unlink(missing_ok=True)

    def make(self, folder: str) -> None:
        """Step by step below the root, which has to be there."""
        with self._watched(""):
            os.stat(self._root)
            here = self._root
            for part in inside(folder).split("/"):
                here = here / part
                here.mkdir(exist_ok=True)

    def try_writing(self, folder: str) -> str:
        """A file without a name leaves no trace; where the file system knows none, the permissions are asked."""
        at = self._at(folder)
        try:
            os.close(os.open(at, os.O_TMPFILE | os.O_WRONLY, 0o600))
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOTSUP):
                return "" if os.access(at, os.W_OK | os.X_OK) else "没有写入权限"
            return _words(error)
        return ""

    def _at(self, folder: str) -> Path:
        """The folder's path; a link below the root that leads out of it leads nowhere."""
        path = self._root / inside(folder)
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise Misconfigured(f"文件夹“{folder}”是指向根目录之外的链接，已拒绝。")
        return path

    @contextmanager
    def _watched(self, folder: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            shown = self._root / folder if self._root.is_dir() else self._root
            raise FolderMissing(f"没有文件夹 {shown}。{_ADVICE}") from error
        except OSError as error:
            raise AdapterUnavailable(f"{self.where} 暂时不可用：{_words(error)}。") from error


def _lying(name: str, facts: os.stat_result) -> Lying:
    return Lying(name, facts.st_size, facts.st_mtime, f"{facts.st_ino}-{facts.st_mtime_ns}")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_WORDS = {
    errno.ENOENT: "没有这个文件夹",
    errno.ENOTDIR: "这不是文件夹",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "它是只读的",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已满",
    errno.EFBIG: "文件超过了允许的大小",
    errno.EIO: "磁盘读写出错",
    errno.ESTALE: "网络盘已断开",
    errno.ELOOP: "这是一个链接，已拒绝",
}


def _words(error: OSError) -> str:
    return _WORDS.get(error.errno or 0, error.strerror or type(error).__name__)
