"""Evidence files that a draft names: brought to the hub first, then named in the message by SHA-256.

Guarantees: every file of a draft is in hand before the first is brought; one that the hub has is not brought again, so a
draft that is tried again names the same files; what is away makes the draft wait, and only that draft.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

import httpx

from connectors.adapters.file_names import plain_name
from connectors.adapters.port import NoFile
from connectors.department.adapters.port import Draft, NotYet
from connectors.department.hub_door import HubDoor, said
from connectors.department.state import State
from connectors.errors import ConnectorError
from schemas import Malformed, loads
from schemas.drafts.unfit import Unfit

LARGEST = 64 << 20
MOST, MOST_TOGETHER = 50, 256 << 20  # of one draft: files, and their bytes
AGAIN_S = 5.0
_SEPARATORS = re.compile(r"[、；;，\n]+")
_PIECE = 1 << 20


class EvidenceSource(Protocol):
    """What makes `files` of a message."""

    def named(self, written: Any, draft: Draft) -> list[dict[str, Any]]:
        """From what was written. Raises Unfit, NotYet."""


class Way(Protocol):
    """How a file gets to the hub."""

    def bring(self, file: IO[bytes], name: str, sha256: str) -> dict[str, Any]:
        """Its name, digest, size and kind there; once however often. Raises Unfit, NotYet."""


@dataclass(frozen=True, slots=True)
class InHand:
    """One file, copied to where nobody changes it."""

    name: str
    sha256: str
    size: int
    file: IO[bytes]


class Evidence:
    """Brings files. `state` remembers what the hub has; None: the way itself knows, and is asked every time."""

    def __init__(self, way: Way, state: State | None, *, from_folder: bool = True) -> None:
        self._way, self._state = way, state
        self._from_folder = from_folder
        self._away: tuple[float, str] = (0.0, "")

    def named(self, written: Any, draft: Draft) -> list[dict[str, Any]]:
        """`files` of a message from names of files, or from what a message says already. Raises Unfit, NotYet."""
        listed = listed_files(written)
        if draft.fetch is not None and any(isinstance(one, str) for one in listed):
            self._still_away()  # what is fetched over a network is not fetched for nothing
        with ExitStack() as stack:
            in_hand = files_in_hand(listed, draft, stack, from_folder=self._from_folder)
            return [dict(one) if isinstance(one, Mapping) else self._brought(in_hand[one]) for one in listed]

    def _brought(self, one: InHand) -> dict[str, Any]:
        known = self._state.evidence(one.sha256) if self._state else None
        if known is None:
            self._still_away()
            try:
                one.file.seek(0)
                known = self._way.bring(one.file, one.name, one.sha256)
            except NotYet as error:
                self._away = (time.monotonic() + AGAIN_S, f"佐证文件暂时送不到平台：{error}")
                raise NotYet(self._away[1]) from error
            if self._state:
                self._state.note_evidence(known)
        return {**known, "name": one.name}

    def _still_away(self) -> None:
        until, words = self._away
        if time.monotonic() < until:
            raise NotYet(words)


class OverRest:
    """The hub's REST door."""

    def __init__(self, door: HubDoor) -> None:
        self._door = door

    def bring(self, file: IO[bytes], name: str, sha256: str) -> dict[str, Any]:
        """Streamed."""
        params = {"name": name, "sha256": sha256}
        try:
            answer = self._door.ask("POST", "/evidence", params=params, content=_pieces(file))
        except (httpx.HTTPError, ConnectorError, OSError) as error:
            raise NotYet(str(error) or type(error).__name__) from error
        if answer.status_code in (200, 201):
            return cast(dict[str, Any], answer.json())
        if answer.status_code in (413, 422):
            raise Unfit(f"佐证文件 {name}：{said(answer)}")
        raise NotYet(said(answer))


def listed_files(written: Any) -> list[Any]:
    """Names of files, each without the spaces around it, or what a message says of them already. Raises Unfit."""
    if isinstance(written, str):
        if written.lstrip().startswith("["):
            try:
                written = loads(written)
            except Malformed as error:
                raise Unfit(f"files 应为文件名，几个之间用顿号或分号隔开：{error}") from error
        else:
            written = _SEPARATORS.split(written)
    if not isinstance(written, list) or not all(isinstance(one, str | Mapping) for one in written):
        raise Unfit("files 应为文件名，几个之间用顿号或分号隔开")
    listed = [one.strip() if isinstance(one, str) else one for one in written]
    listed = [one for number, one in enumerate(listed) if one and one not in listed[:number]]
    if len(listed) > MOST:
        raise Unfit(f"佐证文件有 {len(listed)} 个，最多 {MOST} 个")
    return listed


def files_in_hand(
    listed: list[Any], draft: Draft, stack: ExitStack, *, from_folder: bool
) -> dict[str, InHand]:
    """A copy of every file that is named, until the stack ends. Raises Unfit for the first that is not to be had, NotYet."""
    found: dict[str, InHand] = {}
    for written in (one for one in listed if isinstance(one, str)):
        file = stack.enter_context(tempfile.TemporaryFile(prefix="shenguan-evidence-"))  # noqa: SIM115 - it is
        try:
            name = _copied(written, draft, file, from_folder=from_folder)
        except NoFile as error:
            raise Unfit(f"{error}") from error
        size = file.tell()
        if not 0 < size <= LARGEST:
            raise Unfit(f"佐证文件 {name} 有 {size} 字节，应不为空、不超过 {LARGEST >> 20} MiB")
        file.seek(0)
        found[written] = InHand(name, hashlib.file_digest(file, "sha256").hexdigest(), size, file)
        if sum(one.size for one in found.values()) > MOST_TOGETHER:
            raise Unfit(f"一条记录的佐证文件合计超过 {MOST_TOGETHER >> 20} MiB，请分成几条或压缩后重试")
    return found


def _copied(written: str, draft: Draft, file: IO[bytes], *, from_folder: bool) -> str:
    """From behind the draft's own place, where it has one; else from the folder for such files. Gives the file's name."""
    if draft.fetch is not None:
        draft.fetch(written, file, LARGEST)
        return written.replace("\\", "/").partition("?")[0].rpartition("/")[2][:200]
    if not from_folder:
        raise NoFile("没有写明佐证文件在哪里：请在线路的位置中填写“佐证文件在哪里”，或在网页收件箱补充")
    folder, name = plain_name(written)
    path = draft.base / folder / name
    try:
        with path.open("rb") as found:
            while (piece := found.read(_PIECE)) and file.tell() <= LARGEST:
                file.write(piece)
    except OSError as error:
        raise NoFile(f"佐证文件 {path} 读不出来：{error.strerror or error}") from error
    return name


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
