"""Serving the admin with gunicorn: threads, since every open clerk's page holds one.

Guarantees: a worker finishes what it is doing on SIGTERM and lets live streams go at once; nothing stays behind when the
parent ends the process group. Makes no permissions: that is the migrate step's.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, ClassVar

from flask import Flask
from gunicorn.app.base import BaseApplication

from admin.app import create_app
from admin.config import AdminConfig
from hub.noticing.stand_in import StandIn
from hub.report_program import forget_gone, report

THREADS = 64
BEAT_SECONDS = 5.0


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # untyped package
    """gunicorn told by values instead of a command line or the environment."""

    app_of_worker: ClassVar[Flask | None] = None

    def __init__(self, config: AdminConfig, options: dict[str, Any]) -> None:
        self._config = config
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Each worker builds its own app: connections and threads do not survive a fork."""
        app = create_app(self._config)
        app.extensions["web_beat"] = _Beat(app)
        app.extensions["web_beat"].start()
        _Gunicorn.app_of_worker = app
        return app


def serve(config: AdminConfig, *, host: str, port: int, workers: int = 1, threads: int = THREADS) -> None:
    """Serve until told to stop."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = {
        "bind": [address],
        "worker_class": "gthread",
        "workers": workers,
        "threads": threads,
        "graceful_timeout": 15,
        "timeout": 60,
        "keepalive": 2,
        "loglevel": "warning",
        "proc_name": "shenguan-web",
        "control_socket_disable": True,
        "post_worker_init": _watch_for_the_end,
        "worker_exit": _at_exit,
    }
    _Gunicorn(config, options).run()


def _watch_for_the_end(worker: Any) -> None:
    """On SIGTERM live streams end first: gunicorn would wait for them as for any other answer."""
    del worker
    before = signal.getsignal(signal.SIGTERM)

    def handler(number: int, frame: FrameType | None) -> None:
        _let_go()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, handler)


def _let_go() -> None:
    app = _Gunicorn.app_of_worker
    if app is not None:
        app.extensions["shenguan"].live.let_go()
        app.extensions["web_beat"].stopping.set()


def _at_exit(server: Any, worker: Any) -> None:
    del server, worker
    _let_go()
    app = _Gunicorn.app_of_worker
    if app is not None:
        app.extensions["web_beat"].join(2)


class _Beat(threading.Thread):
    """Says every few seconds that this worker is there, and at the end that it has stopped; notices if nobody looks."""

    def __init__(self, app: Flask) -> None:
        super().__init__(name="web-beat", daemon=True)
        self.stopping = threading.Event()
        self._engine = app.extensions["shenguan"].engine
        self._stand_in = StandIn(self._engine, "web")
        self._instance = f"{os.uname().nodename}:{os.getpid()}"

    def run(self) -> None:
        while True:
            ending = self.stopping.is_set()
            try:
                with self._engine.begin() as tx:
                    report(tx, "web", self._instance, "stopped" if ending else "running")
                    if not ending:
                        forget_gone(tx)
                if not ending:
                    self._stand_in.look()
            except Exception:  # noqa: S110 - the database is down: /healthz says so, and we go on
                pass
            if ending:
                return
            self.stopping.wait(BEAT_SECONDS)
