"""The three embedded parts of one data directory, put together.

Guarantees: the same directory gives the same ports (while they are free), secrets and data at every start; the
database and the store start side by side, the broker as soon as the store answers. Holds no lock: the supervisor does.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shenguan.embedded import ports
from shenguan.embedded.broker import BUCKET, Broker, ObjectStorage
from shenguan.embedded.object_store import PORTS, ObjectStore
from shenguan.embedded.part import Part
from shenguan.embedded.postgres import DATABASE, ROLE, Postgres
from shenguan.secrets_folder import SecretsFolder

NAMES = ("postgres", "broker", "web", *PORTS)


class Installation:
    """Database, object store and broker below `data`."""

    def __init__(self, data: Path) -> None:
        kept = SecretsFolder(data)
        self.data = data
        self.logs = data / "logs"
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.ports = ports.remember(data / "ports.json", NAMES)
        self._database_password = kept.text("database_password")
        self.postgres = Postgres(
            data / "postgres",
            port=self.ports["postgres"],
            password=kept.text("postgres_password"),
            log=self.logs / "postgres.log",
        )
        self.object_store = ObjectStore(
            data / "object_store",
            ports=self.ports,
            access_key=kept.text("s3_access_key"),
            secret_key=kept.text("s3_secret_key"),
            log=self.logs / "object_store.log",
        )
        self.broker = Broker(
            data / "broker",
            port=self.ports["broker"],
            log=self.logs / "broker.log",
            storage=ObjectStorage(
                self.object_store.endpoint, self.object_store.access_key, self.object_store.secret_key
            ),
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """In the order in which they depend on each other."""
        return self.postgres, self.object_store, self.broker

    def database_url(self) -> str:
        """The address of the programs' database, with their password in it."""
        return self.postgres.url(user=ROLE, password=self._database_password, database=DATABASE)

    def addresses(self) -> dict[str, str]:
        """What run.json says: where everything is, and no secret."""
        return {
            "database": f"postgresql://shenguan@{ports.HOST}:{self.postgres.port}/{DATABASE}",
            "kafka_bootstrap": self.broker.bootstrap,
            "s3_endpoint": self.object_store.endpoint,
            "web_port": str(self.ports["web"]),
            "public_url": f"http://{ports.HOST}:{self.ports['web']}",
        }

    def start(self, changed: Callable[[Part, str], None], tick: Callable[[], None] = lambda: None) -> None:
        """Start all parts; `changed` hears "starting" and "running" of each. Raises PartFailed."""

        def begin(part: Part) -> None:
            changed(part, "starting")
            part.start(tick)

        def database() -> None:
            begin(self.postgres)
            self.postgres.ensure_database(self._database_password)
            changed(self.postgres, "running")

        def messages() -> None:
            begin(self.object_store)
            self.object_store.ensure_bucket(BUCKET)
            changed(self.object_store, "running")
            begin(self.broker)
            changed(self.broker, "running")

        with ThreadPoolExecutor(2) as side_by_side:
            for done in [side_by_side.submit(database), side_by_side.submit(messages)]:
                done.result()
