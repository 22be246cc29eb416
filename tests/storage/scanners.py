"""A scanner to speak with: Debian's clamd with a signature database of our own where it is installed, else a small peer
that speaks clamd's documented protocol (INSTREAM) over a real socket. Tests that need malware use EVIL, which is none.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.storage import intake_samples as samples

EVIL = samples.pdf("this stands for malware")
NAME = "Shenguan.Test"


def clamd_path() -> str | None:
    """The real one, if it is on this machine."""
    return os.environ.get("SHENGUAN_TEST_CLAMD") or shutil.which("clamd")


@contextmanager
def clamd(folder: Path) -> Iterator[str]:
    """The real clamd on a Unix socket in `folder`; gives its address."""
    path = clamd_path()
    assert path is not None
    (folder / "db").mkdir()
    (folder / "db" / "ours.hdb").write_text(f"{hashlib.md5(EVIL).hexdigest()}:{len(EVIL)}:{NAME}\n")
    address = folder / "clamd.sock"
    config = folder / "clamd.conf"
    config.write_text(
        f"LocalSocket {address}\nDatabaseDirectory {folder}/db\nForeground yes\nStreamMaxLength 4M\n"
        f"TemporaryDirectory {folder}\n"
    )
    with subprocess.Popen(
        [path, "--config-file", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as daemon:
        try:
            for _ in range(1200):
                if address.exists():
                    break
                assert daemon.poll() is None, "clamd did not start"
                time.sleep(0.05)
            yield str(address)
        finally:
            daemon.terminate()
            daemon.wait(60)


@contextmanager
def peer(*, most: int = 4 << 20, says: bytes | None = None) -> Iterator[str]:
    """The protocol, on a TCP port. `says`: what it answers whatever it is sent."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if self._exactly(10) != b"zINSTREAM\0":
                self.request.sendall(b"UNKNOWN COMMAND\0")
                return
            content = b""
            while size := struct.unpack(">I", self._exactly(4))[0]:
                content += self._exactly(size)
                if len(content) > most:
                    self.request.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            found = f"stream: {NAME} FOUND\0".encode() if content == EVIL else b"stream: OK\0"
            self.request.sendall(says if says is not None else found)

        def _exactly(self, size: int) -> bytes:
            got = b""
            while len(got) < size and (piece := self.request.recv(size - len(got))):
                got += piece
            return got

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(60)


def nowhere() -> str:
    """An address at which nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"
