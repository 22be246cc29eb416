"""An SFTP server of the department's: the same as a folder, over SSH.

Guarantees: a written file is whole before it takes its name, by renaming, and is on the other side's disk where the server
can say so (OpenSSH's fsync); a connection that breaks in between leaves at most one hidden, unfinished file.
"""

from __future__ import annotations

import contextlib
import errno
import posixpath
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_EXTENDED, CMD_OPENDIR, CMD_READDIR

from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Step
from connectors.adapters.sftp_session import Session, SignIn, private_key
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
from connectors.errors import AdapterUnavailable
from schemas.connector.document import Endpoint, Flow

_PIECE = 1 << 18
_AT_ONCE = 64  # requests on the way: 32 KiB each


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> Adapter:
    """The adapter of an SFTP server."""
    said, secret = endpoint.settings, outside.secrets
    key = None
    if said.get("sign_in", "password") == "key":
        key = private_key(secret.get("private_key", ""), secret.get("passphrase", ""))
    sign_in = SignIn(
        str(said.get("host", "")),
        int(said.get("port", 22)),
        str(said.get("user", "")),
        str(said.get("host_key", "")).strip(),
        secret.get("password", ""),
        key,
    )
    return ShelfAdapter(SftpShelf(Session(sign_in, outside), str(said.get("root", ""))), flow, outside)


class SftpShelf(Shelf):
    """One folder of the server."""

    def __init__(self, session: Session, root: str) -> None:
        self._session = session
        absolute = root.strip().startswith("/")
        self._root = ("/" if absolute else "") + inside(root.strip())
        self.where = f"SFTP 服务器 {session.shown}"

    def check(self) -> Iterator[Step]:
        """Up to the sign-in."""
        return self._session.check()

    def files(self, folder: str) -> list[Lying]:
        """The plain files; the server tells links apart."""
        with self._watched(folder) as client:
            found = listed(client, self._at(folder) or b".")
        return [
            Lying(name, facts.st_size or 0, float(facts.st_mtime or 0))
            for name, facts in found
            if seen(name) and stat.S_ISREG(facts.st_mode or 0)
        ]

    def find(self, folder: str, name: str) -> Lying | None:
        """A link is no plain file."""
        with self._watched(folder) as client:
            try:
                facts = client.lstat(self._at(folder, name))
            except FileNotFoundError:
                return None
        plain = stat.S_ISREG(facts.st_mode or 0)
        return Lying(name, facts.st_size or 0, float(facts.st_mtime or 0)) if plain else None

    def fetch(self, folder: str, found: Lying, into: IO[bytes], most: int) -> bool:
        """With several requests on the way at once; unchanged if size and time are the same before and after."""
        path = self._at(folder, found.name)
        with self._watched(folder) as client:
            try:
                with client.open(path, "rb") as file:
                    file.prefetch(file.stat().st_size or 0, _AT_ONCE)
                    total = 0
                    while piece := file.read(_PIECE):
                        total += len(piece)
                        if total > most:
                            raise TooLarge
                        into.write(piece)
                after = client.lstat(path)
            except FileNotFoundError:
                return False
            except PermissionError as error:
                raise Locked from error
            return total == found.size and (after.st_size, after.st_mtime) == (
                found.size,
                int(found.modified),
            )

    def put(self, folder: str, name: str, file: IO[bytes]) -> None:
        """Beside its place first, then under its name in one step."""
        fresh = self._at(folder, unfinished(name))
        with self._watched(folder) as client:
            try:
                with client.open(fresh, "wb") as out:
                    out.set_pipelined(True)
                    shutil.copyfileobj(file, out, _PIECE)
                    out.flush()
                    with contextlib.suppress(OSError):  # not every server knows it
                        client._request(CMD_EXTENDED, "fsync@openssh.com", out.handle)
                if client.stat(fresh).st_size != file.tell():
                    raise OSError(errno.EIO, "size differs")
                _rename(client, fresh, self._at(folder, name))
            except OSError:
                with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                    client.remove(fresh)
                raise

    def has(self, folder: str, name: str) -> bool:
        """Under this very name, a link counts as well."""
        with self._watched(folder) as client:
            return _there(client, self._at(folder, name))

    def move(self, folder: str, name: str, to: str) -> str | None:
        """By renaming, which replaces nothing."""
        self.make(to)
        target = self.free(to, name)
        with self._watched(folder) as client:
            try:
                client.rename(self._at(folder, name), self._at(to, target))
            except FileNotFoundError:
                return None
            return target

    def remove(self, folder: str, name: str) -> None:
        """One that is gone already is no error."""
        with self._watched(folder) as client, contextlib.suppress(FileNotFoundError):
            client.remove(self._at(folder, name))

    def make(self, folder: str) -> None:
        """Step by step below the root."""
        with self._watched("") as client:
            here = ""
            for part in inside(folder).split("/"):
                here = posixpath.join(here, part)
                if not _there(client, self._at(here)):
                    client.mkdir(self._at(here))

    def try_writing(self, folder: str) -> str:
        """A hidden file that is gone again at once."""
        path = self._at(folder, f".shenguan-{secrets.token_hex(6)}")
        with self._watched(folder) as client:
            try:
                client.open(path, "wx").close()
                client.remove(path)
            except FileNotFoundError:
                raise
            except OSError as error:
                return "没有写入权限" if error.errno == errno.EACCES else f"对方回答 {error}"
        return ""

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def _at(self, folder: str, name: str = "") -> bytes:
        """As bytes: a name that is no UTF-8 is still a name."""
        path = posixpath.join(self._root, inside(folder)).rstrip("/") or self._root
        return (posixpath.join(path, name) if name else path).encode("utf-8", "surrogateescape")

    def _shown(self, folder: str) -> str:
        return self._at(folder).decode("utf-8", "replace") or "."

    @contextmanager
    def _watched(self, folder: str) -> Iterator[paramiko.SFTPClient]:
        client = self._session.client()
        try:
            yield client
        except FileNotFoundError as error:
            raise FolderMissing(f"{self.where} 上没有文件夹 {self._shown(folder)}。") from error
        except PermissionError as error:
            raise AdapterUnavailable(f"{self.where} 上没有 {self._shown(folder)} 的权限。") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            self._session.close()
            said = str(error) or type(error).__name__
            raise AdapterUnavailable(
                f"{self.where} 没有完成操作（{said}）：连接断了，或对方的磁盘已满。"
            ) from error


def listed(client: paramiko.SFTPClient, path: bytes) -> list[tuple[str, paramiko.SFTPAttributes]]:
    """Names and facts. The client's own listing fails as a whole on one name that is no UTF-8 (old Windows servers)."""
    _, handed = client._request(CMD_OPENDIR, path)
    handle = handed.get_binary()
    found: list[tuple[str, paramiko.SFTPAttributes]] = []
    try:
        while True:
            _, answer = client._request(CMD_READDIR, handle)
            for _ in range(answer.get_int()):
                name = answer.get_binary().decode("utf-8", "surrogateescape")
                answer.get_binary()  # the same for people
                found.append((name, paramiko.SFTPAttributes._from_msg(answer)))
    except EOFError:  # how the end of a listing is said; a lost connection is an SSHException here
        client._request(CMD_CLOSE, handle)
    return found


def _there(client: paramiko.SFTPClient, path: bytes) -> bool:
    try:
        client.lstat(path or b".")
    except FileNotFoundError:
        return False
    return True


def _rename(client: paramiko.SFTPClient, old: bytes, new: bytes) -> None:
    try:
        client.posix_rename(old, new)
    except FileNotFoundError:
        raise
    except (
        OSError
    ):  # a server without OpenSSH's extension replaces nothing: nobody sees half a file that way either
        with contextlib.suppress(FileNotFoundError):
            client.remove(new)
        client.rename(old, new)
