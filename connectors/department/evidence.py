"""Evidence files that a draft names: brought to the hub first, then named in the message by SHA-256.

Guarantees: a file that the hub has is not brought again; a hub that is away makes the draft wait, and only that draft.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx

from connectors.department.hub_door import HubDoor, said
from connectors.department.state import State
from connectors.errors import ConnectorError
from schemas import Malformed, loads
from schemas.drafts.unfit import Unfit

LARGEST = 64 << 20
AGAIN_S = 5.0
_SEPARATORS = re.compile(r"[、；;\n]+")
_PIECE = 1 << 20


class NotYet(Exception):
    """The file could not be brought just now; the sentence says why."""


class EvidenceSource(Protocol):
    """What makes `files` of a message."""

    def named(self, written: Any, base: Path) -> list[dict[str, Any]]:
        """From what was written. Raises Unfit, NotYet."""


class NoEvidence:
    """Where there is no folder of the department's: only what a message says already."""

    def named(self, written: Any, base: Path) -> list[dict[str, Any]]:
        """`files` as they are. Raises Unfit where a file is named that would have to be fetched."""
        del base
        listed = _listed(written)
        if not all(isinstance(one, Mapping) for one in listed):
            raise Unfit("在中心运行的连接器不能附带佐证文件。请在网页收件箱补充，或改由部门运行连接器")
        return [dict(one) for one in listed]


class Evidence:
    """Brings files."""

    def __init__(self, door: HubDoor, state: State) -> None:
        self._door = door
        self._state = state
        self._away: tuple[float, str] = (0.0, "")

    def named(self, written: Any, base: Path) -> list[dict[str, Any]]:
        """`files` of a message from names of files, or from what a message says already. Raises Unfit, NotYet."""
        return [
            dict(one) if isinstance(one, Mapping) else self._brought(base / str(one).strip())
            for one in _listed(written)
        ]

    def _brought(self, path: Path) -> dict[str, Any]:
        try:
            size = path.stat().st_size
            if not 0 < size <= LARGEST:
                raise Unfit(f"佐证文件 {path.name} 有 {size} 字节，应不为空、不超过 {LARGEST >> 20} MiB")
            sha256 = _digest(path)
        except OSError as error:
            raise Unfit(f"佐证文件 {path} 读不出来：{error.strerror or error}") from error
        known = self._state.evidence(sha256)
        if known is None:
            known = self._bring(path, sha256)
            self._state.note_evidence(known)
        return {**known, "name": path.name}

    def _bring(self, path: Path, sha256: str) -> dict[str, Any]:
        until, words = self._away
        if time.monotonic() < until:
            raise NotYet(words)
        try:
            answer = self._door.ask(
                "POST", "/evidence", params={"name": path.name, "sha256": sha256}, content=_pieces(path)
            )
        except (httpx.HTTPError, ConnectorError, OSError) as error:
            raise self._wait(str(error) or type(error).__name__) from error
        if answer.status_code in (200, 201):
            document: dict[str, Any] = answer.json()
            return document
        if answer.status_code in (413, 422):
            raise Unfit(f"佐证文件 {path.name}：{said(answer)}")
        raise self._wait(said(answer))

    def _wait(self, words: str) -> NotYet:
        self._away = (time.monotonic() + AGAIN_S, f"佐证文件暂时送不到平台：{words}")
        return NotYet(self._away[1])


def _listed(written: Any) -> list[Any]:
    if isinstance(written, str):
        if written.lstrip().startswith("["):
            try:
                written = loads(written)
            except Malformed as error:
                raise Unfit(f"files 应为文件名，几个之间用顿号隔开：{error}") from error
        else:
            written = [part for part in _SEPARATORS.split(written) if part.strip()]
    if not isinstance(written, list) or not all(isinstance(one, str | Mapping) for one in written):
        raise Unfit("files 应为文件名，几个之间用顿号隔开")
    return written


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
