"""Where files lie: a folder of this machine, of an SFTP server, or a prefix of a bucket, all handled the same way.

A folder is named by text relative to the shelf's root, '' is the root itself. Files that begin with a dot, and anything
that is no plain file, are not seen. Every verb may raise `AdapterUnavailable`, and `FolderMissing` where there is no such
folder.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from connectors.adapters.port import Step
from connectors.errors import AdapterUnavailable, Misconfigured

_LONGEST_NAME = 200  # bytes; a file system takes 255, and we add to it


class FolderMissing(AdapterUnavailable):
    """没有这个文件夹。"""


class TooLarge(Exception):
    """More bytes than were allowed."""


class Locked(Exception):
    """This one file may not be read by us."""


@dataclass(frozen=True, slots=True)
class Lying:
    """A file as it lies there. `version` is another one after every change that the other side can tell."""

    name: str
    size: int
    modified: float
    version: str = ""


class Shelf(ABC):
    """One root, opened when first needed, opened anew when it was lost."""

    #: Where this is, for sentences.
    where: str
    #: A file is seen only when it is whole: nobody has to wait until it stops growing.
    whole = False
    #: `modified` is by the clock of this machine.
    own_clock = False

    @abstractmethod
    def check(self) -> Iterator[Step]:
        """Layer after layer up to the sign-in; stops behind the first that fails."""

    @abstractmethod
    def files(self, folder: str) -> list[Lying]:
        """The plain files in this folder, not below it."""

    @abstractmethod
    def find(self, folder: str, name: str) -> Lying | None:
        """The plain file of this name; None: there is none."""

    @abstractmethod
    def fetch(self, folder: str, found: Lying, into: IO[bytes], most: int) -> bool:
        """Copy the file's bytes; False: it changed meanwhile, or is gone. Raises TooLarge, Locked."""

    @abstractmethod
    def put(self, folder: str, name: str, file: IO[bytes]) -> None:
        """A file of this name, whole, durable, or not at all; takes the place of one that is there. Makes no folder."""

    @abstractmethod
    def has(self, folder: str, name: str) -> bool:
        """Whether there is a file of this name."""

    @abstractmethod
    def move(self, folder: str, name: str, to: str) -> str | None:
        """Into another folder, which is made; the name that it got there (its own may be taken). None: it is gone."""

    def free(self, folder: str, name: str) -> str:
        """This name if nothing has it there, else the next like it."""
        target, number = name, 1
        while self.has(folder, target):
            number += 1
            target = other_name(name, number)
        return target

    @abstractmethod
    def remove(self, folder: str, name: str) -> None:
        """No file of this name any more."""

    @abstractmethod
    def make(self, folder: str) -> None:
        """This folder, with those above it but never the root."""

    @abstractmethod
    def try_writing(self, folder: str) -> str:
        """Words for why nothing can be written there, '' when it can. Leaves no trace."""

    def close(self) -> None:  # noqa: B027 - a folder of this machine holds nothing open
        """Let go; may be used again."""


def inside(folder: str) -> str:
    """A folder below the root, in its one spelling. Raises Misconfigured for one that leads out of it."""
    parts = [part for part in folder.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or any(ord(letter) < 32 for part in parts for letter in part):
        raise Misconfigured(f"文件夹“{folder}”不能含有“..”或控制字符，请填写根目录之下的路径。")
    return "/".join(parts)


def below(folder: str, name: str) -> str:
    """A name in a folder."""
    return f"{folder}/{name}" if folder else name


def fit_name(text: str) -> str:
    """A file name out of what others chose: no path, no dot in front, not too long; different texts stay different."""
    clean = re.sub(r"[^\w.\-（）()【】〔〕]+", "_", text).lstrip(".")
    return clean.encode()[:_LONGEST_NAME].decode("utf-8", "ignore") or "_"


def other_name(name: str, number: int) -> str:
    """The same name for one more file: a.csv, a-2.csv, a-3.csv."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{number}{dot}{ending}" if stem else f"{name}-{number}"


def seen(name: str) -> bool:
    """Whether a file of this name is anybody's business: not hidden, not a lock of an office program."""
    return not name.startswith((".", "~$"))


def unfinished(name: str) -> str:
    """What a file is called until it is whole: always the same, so that a crash leaves one at most."""
    return f".{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.part"
