"""A wire to a server that can be cut and mended, and made slow: how tests take a shared server away from one adapter."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class Wire:
    """Forwards a port of this machine to another one."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._listening: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        #: Seconds by which every answer of the server comes late.
        self.delay = 0.0
        self.host, self.port = "127.0.0.1", 0
        self.mend()

    def cut(self) -> None:
        """Nobody gets through any more, and those who were connected lose their connection."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _hang_up(end)

    def mend(self) -> None:
        """It works again, under the same port."""
        if self._listening is not None:
            return
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self.host, self.port))
        listening.listen(50)
        self.port = listening.getsockname()[1]
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._to)
            except OSError:
                _hang_up(near)
                continue
            with self._lock:
                if self._listening is not listening:
                    near.close()
                    far.close()
                    return
                self._open |= {near, far}
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, late: bool) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                if late and self.delay:
                    time.sleep(self.delay)
                sink.sendall(block)
        for end in (source, sink):
            _hang_up(end)
        with self._lock:
            self._open -= {source, sink}


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
