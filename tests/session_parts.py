"""The embedded servers of one test run: started when first asked for, shared by all workers, gone at its end.

The pytest process that controls the run owns them and answers on a Unix socket whose path is in the environment;
workers ask there. Nothing is left running even when that process is killed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shenguan.embedded import ports
from shenguan.embedded.broker import Broker
from shenguan.embedded.object_store import PORTS, ObjectStore
from shenguan.embedded.part import Part, PartFailed
from shenguan.embedded.postgres import ROLE, Postgres

ENVIRONMENT = "SHENGUAN_TEST_PARTS"
TEMPLATE = "template_hub"


@dataclass
class Owner:
    """Starts each server at its first use, keeps it, stops it at the end."""

    directory: Path
    _started: dict[str, dict[str, str]] = field(default_factory=dict)
    _parts: list[Part] = field(default_factory=list)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: str) -> dict[str, str]:
        """The addresses of `postgres`, `template`, `object_store`, `broker`, `mariadb` or `sftp`."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._started:
                self._started[name] = getattr(self, f"_start_{name}")()
            return self._started[name]

    def close(self) -> None:
        # The data are thrown away: a kill is the quickest stop.
        for part in reversed(self._parts):
            part.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, make: Callable[[dict[str, int]], Part], names: tuple[str, ...]) -> Part:
        """Start a part; a port that somebody took in between is worth a second and a third try."""
        for attempt in range(3):
            part = make(ports.choose(names, remembered={}, configured={}))
            try:
                part.start()
            except PartFailed:
                if attempt == 2:
                    raise
                continue
            self._parts.append(part)
            return part
        raise AssertionError("unreachable")

    def _start_postgres(self) -> dict[str, str]:
        password = secrets.token_urlsafe(16)

        def make(port: dict[str, int]) -> Part:
            return Postgres(
                self.directory / "postgres",
                port=port["postgres"],
                password=password,
                log=self.directory / "postgres.log",
                fsync=False,
            )

        server = self._run(make, ("postgres",))
        assert isinstance(server, Postgres)
        role_password = secrets.token_urlsafe(16)
        mine = server.ensure_database(role_password, createdb=True)
        return {"admin": server.url(), "role": mine, "password": role_password}

    def _start_template(self) -> dict[str, str]:
        """One migrated database that every test's own is copied from."""
        from sqlalchemy import create_engine
        from sqlalchemy.engine import make_url

        from hub.migrations import upgrade

        self.get("postgres")
        server = next(part for part in self._parts if isinstance(part, Postgres))
        with server.connect() as connection:
            connection.execute(f"create database {TEMPLATE} owner {ROLE}")
        url = make_url(self._started["postgres"]["role"]).set(database=TEMPLATE)
        engine = create_engine(url)
        try:
            upgrade(engine)
        finally:
            engine.dispose()  # a database with connections cannot be copied
        return {"database": TEMPLATE}

    def _start_object_store(self) -> dict[str, str]:
        access, secret = secrets.token_hex(10), secrets.token_hex(20)

        def make(port: dict[str, int]) -> Part:
            return ObjectStore(
                self.directory / "object_store",
                ports=port,
                access_key=access,
                secret_key=secret,
                log=self.directory / "object_store.log",
            )

        store = self._run(make, PORTS)
        assert isinstance(store, ObjectStore)
        return {"endpoint": store.endpoint, "access_key": access, "secret_key": secret}

    def _start_broker(self) -> dict[str, str]:
        def make(port: dict[str, int]) -> Part:
            return Broker(self.directory / "broker", port=port["broker"], log=self.directory / "broker.log")

        broker = self._run(make, ("broker",))
        assert isinstance(broker, Broker)
        return {"bootstrap": broker.bootstrap}

    def _start_mariadb(self) -> dict[str, str]:
        """Of Debian's package: only for tests/adapters."""
        from tests.adapters.servers import MariaDB, new_password

        password, at = new_password(), self.directory / "mariadb"

        def make(port: dict[str, int]) -> Part:
            return MariaDB(at, port=port["mariadb"], password=password, log=self.directory / "mariadb.log")

        server = self._run(make, ("mariadb",))
        assert isinstance(server, MariaDB)
        certificate = str(server.certificate)
        return {
            "host": ports.HOST,
            "port": str(server.port),
            "password": password,
            "certificate": certificate,
        }

    def _start_sftp(self) -> dict[str, str]:
        """Of Debian's package: only for tests/adapters."""
        from tests.adapters.servers import Sftp

        def make(port: dict[str, int]) -> Part:
            return Sftp(self.directory / "sftp", port=port["sftp"], log=self.directory / "sftp.log")

        server = self._run(make, ("sftp",))
        assert isinstance(server, Sftp)
        return {
            "host": ports.HOST,
            "port": str(server.port),
            "user": server.user,
            "key": str(server.key),
            "host_key": server.host_key.with_suffix(".pub").read_text().strip(),
            "files": str(server.files),
        }


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        name = self.rfile.readline().decode().strip()
        server = self.server
        assert isinstance(server, Answering)
        try:
            answer: dict[str, object] = {"ok": server.owner.get(name)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(answer).encode())


class Answering(socketserver.ThreadingUnixStreamServer):
    """Answers the workers of this run."""

    daemon_threads = True

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        super().__init__(str(owner.directory / "ask"), _Handler)


class Session:
    """What the controlling process holds for the length of the run."""

    def __init__(self) -> None:
        self.owner = Owner(Path(tempfile.mkdtemp(prefix="shenguan-test-")))
        self._server = Answering(self.owner)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        os.environ[ENVIRONMENT] = str(self.owner.directory / "ask")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.owner.close()
        os.environ.pop(ENVIRONMENT, None)


def ask(name: str) -> dict[str, str]:
    """The addresses of a server of this run, started now if it is not yet there."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(600)  # of a busy machine, for three tries
        connection.connect(os.environ[ENVIRONMENT])
        connection.sendall(name.encode() + b"\n")
        answer = json.loads(b"".join(iter(lambda: connection.recv(65536), b"")))
    if "error" in answer:
        raise RuntimeError(f"the test server {name} did not start: {answer['error']}")
    found: dict[str, str] = answer["ok"]
    return found
