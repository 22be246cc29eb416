"""Serving the admin with gunicorn: threads, since every open clerk's page holds one.

Guarantees: a worker finishes what it is doing on SIGTERM and lets live streams go at once; nothing stays behind when the
parent ends the process group. Makes no permissions: that is the migrate step's.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from admin.app import create_app
from admin.config import AdminConfig
from hub.report_program import forget_gone, report

THREADS = 64
BEAT_SECONDS = 5.0


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # untyped package
    """gunicorn told by values instead of a command line or the environment."""

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
        _beat(app)
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
        "graceful_timeout": 8,
        "timeout": 60,
        "keepalive": 5,
        "loglevel": "warning",
        "proc_name": "shenguan-web",
        "control_socket_disable": True,
        "worker_exit": _let_go,
        "worker_int": _let_go_now,
    }
    _Gunicorn(config, options).run()


def _let_go_now(worker: Any) -> None:
    _let_go(None, worker)


def _let_go(server: Any, worker: Any) -> None:
    del server, worker
    app = getattr(_Gunicorn, "app_of_worker", None)
    if app is not None:
        app.extensions["shenguan"].live.stop()
        app.extensions["web_beat"].set()


def _beat(app: Flask) -> None:
    """Say every few seconds that this worker is there."""
    stopping = threading.Event()
    app.extensions["web_beat"] = stopping
    engine, instance = app.extensions["shenguan"].engine, f"{os.uname().nodename}:{os.getpid()}"

    def run() -> None:
        while True:
            ending = stopping.is_set()
            try:
                with engine.begin() as tx:
                    report(tx, "web", instance, "stopped" if ending else "running")
                    if not ending:
                        forget_gone(tx)
            except Exception:  # noqa: S110 - the database is down: /healthz says so, and we go on
                pass
            if ending:
                return
            stopping.wait(BEAT_SECONDS)

    threading.Thread(target=run, name="web-beat", daemon=True).start()
