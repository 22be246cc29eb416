"""Malware: the port a scanner is behind, and clamd's own protocol for it (INSTREAM), streaming.

Guarantees: constant memory; no answer is no clean bill (Unavailable, to be asked again); what clamd finds is named.
clamd itself passes what is beyond its MaxScanSize or MaxFileSize: set them, and StreamMaxLength, to the upload limit.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Protocol

from hub.errors import Rejected, Unavailable

_PIECE = 256 << 10
_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 300.0
_ANSWER_LONGEST = 4096


class Scanner(Protocol):
    """Looks for malware."""

    def scan(self, file: IO[bytes]) -> str | None:
        """The name of what was found; None: clean. Raises Unavailable, or Rejected for what it will never look at."""

    def version(self) -> str:
        """What answers. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """clamd at `/path/of/its/socket` or `host:port`."""

    address: str

    def scan(self, file: IO[bytes]) -> str | None:
        """The name of what was found; None: clean."""
        file.seek(0)
        with self._talk() as clamd:
            clamd.sendall(b"zINSTREAM\0")
            try:
                while piece := file.read(_PIECE):
                    clamd.sendall(struct.pack(">I", len(piece)) + piece)
                clamd.sendall(struct.pack(">I", 0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has said why already, in its answer
            answer = _answer(clamd)
        if answer == "stream: OK":
            return None
        if answer.endswith(" FOUND"):
            return answer.removeprefix("stream: ").removesuffix(" FOUND")
        if "size limit exceeded" in answer:
            raise Rejected(
                "文件超过病毒查杀程序的大小上限，无法查毒。请缩小文件，或请系统管理员调高 clamd 的 StreamMaxLength。"
            )
        raise Unavailable(f"病毒查杀程序的回答无法理解：{answer[:200]!r}")

    def version(self) -> str:
        """clamd's version and the date of its signatures."""
        with self._talk() as clamd:
            clamd.sendall(b"zVERSION\0")
            return _answer(clamd)

    @contextmanager
    def _talk(self) -> Iterator[socket.socket]:
        try:
            with self._connect() as clamd:
                yield clamd
        except OSError as error:
            raise Unavailable(
                f"病毒查杀程序（{self.address}）没有回答，文件先留着，恢复后会自动继续。"
            ) from error

    def _connect(self) -> socket.socket:
        if self.address.startswith("/"):
            clamd = socket.socket(socket.AF_UNIX)
            try:
                clamd.settimeout(_CONNECT_SECONDS)
                clamd.connect(self.address)
            except OSError:
                clamd.close()
                raise
        else:
            host, _, port = self.address.rpartition(":")
            clamd = socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS)
        clamd.settimeout(_ANSWER_SECONDS)
        return clamd


def _answer(clamd: socket.socket) -> str:
    said = b""
    while b"\0" not in said and len(said) < _ANSWER_LONGEST and (piece := clamd.recv(_ANSWER_LONGEST)):
        said += piece
    if not said:
        raise ConnectionResetError("no answer")
    return said.partition(b"\0")[0].decode("utf-8", "replace").strip()
