"""The county as it runs: hub, relay, intake, the departments' connectors, the web, and the outsider; and its one clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from connectors.bus import BusSettings
from connectors.department.config import ConnectorConfig
from connectors.department.program import run_configured
from connectors.intake import program as intake
from connectors.relay import program as relay
from hub.deciding.decide import decide
from hub.ports import Desk
from schemas import asyncapi, dumps
from storage.custody import KeyCustody
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.connectors.waiting import running, until
from tests.county.bodies import BODIES, Item, at_local, decision
from tests.county.voices import FolderVoice, TableVoice, Voice, WebVoice
from tests.county.year import Owed

AREA_LETTERS = "990101"


class Clock:
    """Everyone's clock; it only goes forward."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def to(self, now: datetime) -> None:
        """It is `now`."""
        self._now = max(self._now, now)


_STANDING = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL),
  (SELECT count(*) FROM pushes WHERE state IN ('owed', 'arrived')),
  (SELECT count(*) FROM announcements WHERE signed_at IS NULL AND kind <> 'count.asked.v1'),
  (SELECT count(*) FROM quarantine WHERE state = 'held')
"""
_NEW = """
SELECT p.id, p.event_id, p.case_no, p.department, c.item_code, l.identifier, d.decided_on
FROM pushes p JOIN cases c USING (case_no) JOIN decisions d ON d.id = p.decision_id
LEFT JOIN licences l ON l.case_no = p.case_no AND l.previous_id IS NULL
WHERE (d.decided_on >= :first OR p.came_from IS NOT NULL) AND p.state NOT IN ('held', 'owed', 'arrived')
"""


@dataclass
class County:
    """One county in one folder, on the test run's servers."""

    engine: Engine
    database_url: str
    bus: BusSettings
    area: str
    folder: Path
    served: Callable[
        [Desk], AbstractContextManager[str]
    ]  # the hub's web, for who comes over REST; gives its address
    pems: dict[str, bytes] = field(default_factory=dict)
    clock: Clock = field(default_factory=lambda: Clock(at_local(date(2026, 1, 1), 8)))

    def __post_init__(self) -> None:
        self.pems = {code: generate_private_key() for code in ("hub", *BODIES)}
        self.signers = {code: Signer.from_pem(code, pem) for code, pem in self.pems.items()}
        vault = IdentityVault(os.urandom(32), KeyEncryption(os.urandom(32)))
        self.desk = Desk(
            self.area,
            "http://127.0.0.1:1",
            self.signers["hub"],
            vault,
            self.clock,
            custody=KeyCustody(KeyEncryption(os.urandom(32))),
        )

    def decide(self, numbers: Sequence[int], day: date, items: Sequence[Item], chance: Any) -> None:
        """These decisions, in one transaction."""
        cases = [decision(number, day, chance.choice(items), self.area, chance) for number in numbers]
        with self.engine.begin() as tx:
            decide(tx, cases, self.desk, actor="user:approver")

    @contextmanager
    def runs(self) -> Iterator[dict[str, Voice]]:
        """Everything runs; gives the voices of those who do not speak for themselves."""
        with ExitStack() as stack:
            config = relay.RelayConfig(
                self.database_url, self.bus, self.area, clock=self.clock, housekeeping_s=3600
            )
            stack.enter_context(running(lambda stop: relay.run(config, stop), seconds=60))
            taking = intake.IntakeConfig(self.database_url, self.bus, self.desk, poll_ms=100)
            stack.enter_context(running(lambda stop: intake.run(taking, stop), seconds=60))
            address = stack.enter_context(self.served(self.desk))
            voices: dict[str, Voice] = {}
            for code, (_, _, how) in BODIES.items():
                if how in ("table", "folder", "rest"):
                    voices[code] = self._connector(stack, code, how, address)
                elif how == "web":
                    voices[code] = WebVoice(self.engine, self.desk, code)
            stack.enter_context(self._outsider("wlj"))
            yield voices

    def _connector(self, stack: ExitStack, code: str, how: str, address: str) -> Voice:
        home = self.folder / code
        home.mkdir()
        (home / "key.pem").write_bytes(self.pems[code])
        hub = self.signers["hub"]
        (home / "trust.json").write_bytes(dumps({"area": self.area, "keys": {hub.kid: hub.public_pem}}))
        config = ConnectorConfig(
            code=code,
            area=self.area,
            key_file=home / "key.pem",
            state_dir=home / "state",
            trust_bundle=str(home / "trust.json"),
            bus=None if how == "rest" else self.bus,
            public_url=address if how == "rest" else None,
            adapter="folder" if how == "folder" else "table",
            database="" if how == "folder" else f"sqlite:///{home / 'own.sqlite'}",
            folder=home / "exchange",
            poll_ms=300,
        )
        stack.enter_context(running(lambda stop: run_configured(config, stop, clock=self.clock), seconds=60))
        health = home / "state" / "state.json"
        until(lambda: health.exists() and b'"running"' in health.read_bytes())
        return FolderVoice(home / "exchange") if how == "folder" else TableVoice(home / "own.sqlite")

    @contextmanager
    def _outsider(self, code: str) -> Iterator[None]:
        """A process that cannot import this project: another folder, an isolated interpreter."""
        home = self.folder / code
        home.mkdir()
        program = home / "outsider.py"
        program.write_bytes((Path(__file__).with_name("outsider.py")).read_bytes())
        (home / "key.pem").write_bytes(self.pems[code])
        (home / "asyncapi.json").write_bytes(asyncapi.PATH.read_bytes())
        hub, own = self.signers["hub"], self.signers[code]
        settings = {
            "area": self.area,
            "code": code,
            "bootstrap": self.bus.bootstrap,
            "private_key": str(home / "key.pem"),
            "kid": own.kid,
            "hub_keys": {hub.kid: hub.public_pem},
            "asyncapi": str(home / "asyncapi.json"),
            "stop": str(home / "stop"),
            "report": str(home / "report.json"),
        }
        (home / "settings.json").write_text(json.dumps(settings), "utf-8")
        with (home / "outsider.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", str(program), str(home / "settings.json")],
                cwd=home,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                stdout=log,
                stderr=log,
            )
            try:
                yield
            finally:
                (home / "stop").touch()
                ended = process.wait(120)
        assert ended == 0, (home / "outsider.log").read_text("utf-8")[-2000:]

    def standing(self) -> tuple[int, ...]:
        """Unpublished, unsigned pushes, unsigned announcements, quarantined."""
        with self.engine.connect() as tx:
            return tuple(tx.execute(text(_STANDING)).one())

    def waiting(self) -> dict[str, list[Any]]:
        """What stands in the way, for whoever reads a failure."""
        asked = {
            "unpublished": "SELECT topic, event_type, key FROM outbox WHERE published_at IS NULL LIMIT 5",
            "pushes": "SELECT department, state, case_no FROM pushes WHERE state IN ('owed', 'arrived') LIMIT 5",
            "announcements": "SELECT department, kind, key FROM announcements WHERE signed_at IS NULL LIMIT 5",
            "quarantine": "SELECT department, cause, message FROM quarantine WHERE state = 'held' LIMIT 5",
            "parked": "SELECT topic, key, cause FROM parked_keys LIMIT 5",
        }
        with self.engine.connect() as tx:
            return {name: list(tx.execute(text(query)).all()) for name, query in asked.items()}

    def count(self, query: str, **values: Any) -> int:
        """One number."""
        with self.engine.connect() as tx:
            return int(tx.execute(text(query), values).scalar_one())

    def fresh(self, known: set[Any], first: date) -> list[Owed]:
        """Pushes of decisions from this day on, and reassigned ones, that were signed for and are not known yet."""
        with self.engine.connect() as tx:
            rows = tx.execute(text(_NEW), {"first": first}).all()
        return [Owed(*row) for row in rows if row[0] not in known]
