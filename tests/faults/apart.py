"""A hub without a supervisor, each program a process of its own, set up by settings and commands as a production one is.

For faults in which nobody shall start the victim again at once: a database that stays away, a broker that comes back empty,
a relay that is stopped and goes on later. PostgreSQL and the broker (in memory) are this installation's own; the object
store is the test run's. One department, scjg, joined by the commands that an outsider uses.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, insert

from hub.item import ServiceItem
from hub.ports import Desk
from shenguan import wiring
from shenguan.embedded import ports
from shenguan.embedded.broker import Broker
from shenguan.embedded.postgres import Postgres
from shenguan.embedded.process import Child, spawn
from shenguan.settings import Settings
from storage.signing import generate_private_key
from tests.connectors.waiting import until

DEPARTMENT = "scjg"


class Apart:
    """Start and stop everything yourself; `close` ends whatever is left."""

    def __init__(self, folder: Path, store: Mapping[str, str], area: str) -> None:
        self.folder = folder
        self.area = area
        names = ("postgres", "broker", "pages")  # "web" would be 8080, as everybody else's
        at = ports.choose(names, remembered={}, configured={})
        self.postgres = Postgres(
            folder / "postgres", port=at["postgres"], password=secrets.token_hex(12), log=folder / "postgres.log"
        )  # fmt: skip
        self.broker = Broker(folder / "broker", port=at["broker"], log=folder / "broker.log")
        self._children: dict[Child, str] = {}
        self._own = self._settings(at["pages"], store)

    def start(self) -> None:
        """Servers, tables, the department."""
        self.postgres.start()
        self.broker.start()
        url = self.postgres.ensure_database(self._own["SHENGUAN_DATABASE_URL"].split(":")[2].split("@")[0])
        assert url == self._own["SHENGUAN_DATABASE_URL"]
        self.command("migrate")
        home = self.folder / DEPARTMENT
        self.command("department", "keygen", DEPARTMENT, "--out", str(home))
        self.command(
            "department", "add", DEPARTMENT, "示范县市场监督管理局", "--role", "supervising",
            "--public-key", str(home / "public-key.pem"),
        )  # fmt: skip
        (home / "trust-bundle.json").write_text(self.command("trust-bundle", "--json"), "utf-8")
        (home / "connector.toml").write_text(self._connector(), "utf-8")
        values = {name.removeprefix("SHENGUAN_").lower(): value for name, value in self._own.items()}
        self.settings = Settings.model_validate(values)
        self.engine: Engine = create_engine(self.settings.database_url, pool_pre_ping=True)
        self.desk: Desk = wiring.desk_of(self.settings)
        with self.engine.begin() as tx:
            tx.execute(insert(ServiceItem).values(code="XK-001", name="食品经营许可"))

    @property
    def store(self) -> Path:
        """scjg's own database."""
        return self.folder / DEPARTMENT / "scjg.sqlite"

    def run(self, *arguments: str) -> Child:
        """Start a program of ours."""
        log = self.folder / f"{arguments[0]}-{len(self._children)}.log"
        child = spawn([sys.executable, "-m", "shenguan", *arguments], log=log, env=self._env())
        self._children[child] = arguments[0]
        return child

    def children(self, name: str) -> list[Child]:
        """The programs of this name that were started and not ended."""
        return [child for child, called in self._children.items() if called == name]

    def connector(self) -> Child:
        """Start scjg's connector."""
        return self.run("connector", "run", str(self.folder / DEPARTMENT / "connector.toml"))

    def end(self, child: Child) -> None:
        """Let a program finish what it is doing."""
        child.end(signal.SIGTERM, 60)
        del self._children[child]

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run a command; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "shenguan", *arguments],
            env=self._env(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{arguments}: {done.returncode} {done.stderr} {done.stdout}"
        return done.stdout

    def status(self, code: int = 0) -> dict[str, Any]:
        """`status --json`."""
        found: dict[str, Any] = json.loads(self.command("status", "--json", code=code))
        return found

    def until_heard(self, *names: str) -> None:
        """Until these programs have said in the database that they run."""

        def heard() -> bool:
            parts = json.loads(self._status_now())["parts"]
            return all(parts[name]["state"] == "ok" for name in names)

        until(heard, every=0.5)

    def said(self, lines: int = 8) -> str:
        """The end of everybody's log, shown when a test fails."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"--- {log.name}\n" + "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])
            for log in logs
        )

    def close(self) -> None:
        """End everything."""
        for child in self._children:
            child.tell(signal.SIGCONT)
            child.kill()
        if hasattr(self, "engine"):
            self.engine.dispose()
        self.broker.kill()
        self.postgres.kill()

    def _status_now(self) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "shenguan", "status", "--json"],
            env=self._env(), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        return done.stdout

    def _env(self) -> dict[str, str]:
        rest = {name: value for name, value in os.environ.items() if not name.startswith("SHENGUAN_")}
        return rest | self._own

    def _settings(self, web: int, store: Mapping[str, str]) -> dict[str, str]:
        key = self.folder / "hub.pem"
        key.write_bytes(generate_private_key())
        word = secrets.token_hex(16)
        values = {
            "mode": "production", "data": str(self.folder / "data"), "area": self.area,
            "database_url": self.postgres.url(user="shenguan", password=word, database="shenguan"),
            "kafka_bootstrap": self.broker.bootstrap,
            "kafka_fetch_max_wait_ms": "10", "s3_endpoint": store["endpoint"], "s3_bucket": store["bucket"],
            "s3_access_key": store["access_key"], "s3_secret_key": store["secret_key"],
            "public_url": f"http://127.0.0.1:{web}", "web_port": str(web), "web_secret": secrets.token_hex(32),
            "cookie_secure": "false", "key_encryption_key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "identity_key": base64.b64encode(secrets.token_bytes(32)).decode(), "hub_signing_key": str(key),
        }  # fmt: skip
        return {f"SHENGUAN_{name.upper()}": value for name, value in values.items()}

    def _connector(self) -> str:
        return f"""\
[department]
code = "{DEPARTMENT}"
area = "{self.area}"
key_file = "private-key.pem"

[hub]
trust_bundle = "trust-bundle.json"

[broker]
bootstrap = "{self.broker.bootstrap}"
fetch_max_wait_ms = 10

[adapter]
kind = "table"
database = "sqlite:///scjg.sqlite"
"""


def wait(seconds: float) -> None:
    """A fault that shall last; nothing is expected to have happened after it."""
    time.sleep(seconds)
