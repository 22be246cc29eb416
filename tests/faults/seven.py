"""Seven departments at one hub, each with a connector and a temper of its own, in threads of the test.

Two are quick, two are slow, one can be away, one sends garbage beside its answers, one says again and again everything that
it has ever said. Garbage is of every kind there is; what it says is counted, so that the hub's count can be held against it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from connectors.bus import BusSettings, Producer, Record
from connectors.department.config import ConnectorConfig
from connectors.department.program import Connector
from connectors.errors import ConnectorError
from connectors.relay.drain import CONTENT_TYPE
from hub.department import topic_out
from hub.item import ServiceItem
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department
from schemas import dumps
from storage.signing import Signer, generate_private_key
from tests.connectors.waiting import running
from tests.faults.stores import read_topic

QUICK, SLOW, AWAY, NOISY, AGAIN = ("quicka", "quickb"), ("slowa", "slowb"), "away", "noisy", "again"
CODES = (*QUICK, *SLOW, AWAY, NOISY, AGAIN)
PAUSES = {"slowa": 0.7, "slowb": 1.5}  # between two looks into its topic


@dataclass
class Seven:
    """Their keys, settings and stores."""

    folder: Path
    area: str
    bus: BusSettings
    signers: dict[str, Signer] = field(default_factory=dict)
    configs: dict[str, ConnectorConfig] = field(default_factory=dict)
    garbage: int = 0
    repeated: int = 0

    def join(self, engine: Engine, hub: Signer) -> None:
        """Register all of them, each owed every decision."""
        with engine.begin() as tx:
            for code in CODES:
                pem = generate_private_key()
                key = self.signers[code] = Signer.from_pem(code, pem)
                add_department(
                    tx, code=code, name=f"示范县{code}局", roles=["supervising"], public_pem=key.public_pem, kid=key.kid,
                    actor="user:t",
                )  # fmt: skip
                self.configs[code] = self._config(code, pem, hub)
            add_rule(tx, "全部推送", dict.fromkeys(CODES, 3), actor="user:test")
            tx.execute(insert(ServiceItem).values(code="XK-001", name="食品经营许可"))

    @property
    def stores(self) -> dict[str, Path]:
        """Each one's own database."""
        return {code: self.folder / code / "own.sqlite" for code in CODES}

    @contextmanager
    def at_work(self, *codes: str) -> Iterator[None]:
        """These connectors run for the length of the block."""
        with ExitStack() as stack:
            for code in codes:
                stack.enter_context(running(lambda stop, code=code: self._connect(code, stop)))  # type: ignore[misc]
            yield

    @contextmanager
    def troubled(self, case_no: str) -> Iterator[None]:
        """One sends garbage and one repeats itself for the length of the block."""
        with (
            running(lambda stop: self._litter(case_no, stop)),
            running(lambda stop: self._repeat(stop)),
        ):
            yield

    def _connect(self, code: str, stop: threading.Event) -> None:
        config = self.configs[code]
        config.state_dir.mkdir(exist_ok=True)
        connector = Connector(config, lambda: datetime.now(UTC))
        try:
            while not stop.is_set():
                try:
                    connector._step()
                except ConnectorError:
                    stop.wait(0.2)
                stop.wait(PAUSES.get(code, 0.0))
        finally:
            connector.close()

    def _litter(self, case_no: str, stop: threading.Event) -> None:
        """About forty a second, of every kind there is."""
        chance, producer = random.Random(7), Producer(self.bus)
        own, other = self.signers[NOISY], self.signers[QUICK[0]]
        stranger = Signer.from_pem(NOISY, generate_private_key())
        topic = topic_out(self.area, NOISY)
        try:
            while not stop.wait(0.1):
                said = dumps({"type": "finding.reported.v1", "specversion": "1.0", "n": chance.random()})
                noise = [
                    self._record(topic, case_no, chance.randbytes(200), "x..y", own.kid),
                    self._record(topic, case_no, said, own.sign(said), own.kid),  # fits no schema
                    self._record(topic, case_no, said, other.sign(said), other.kid),  # somebody else's key
                    self._record(topic, case_no, said, stranger.sign(said), stranger.kid),  # nobody's
                ]
                self.garbage += sum(error is None for error in producer.publish(noise))
        finally:
            producer.close()

    def _repeat(self, stop: threading.Event) -> None:
        """Everything it has ever said, from the first."""
        producer, topic = Producer(self.bus), topic_out(self.area, AGAIN)
        said = [
            Record(topic, message.key, message.value, list(message.headers))
            for message in read_topic(self.bus.bootstrap, topic)
        ]
        try:
            while not stop.wait(0.3):
                self.repeated += sum(error is None for error in producer.publish(said))
        finally:
            producer.close()

    @staticmethod
    def _record(topic: str, key: str, value: bytes, signature: str, kid: str) -> Record:
        headers = [("signature", signature.encode()), ("kid", kid.encode()), ("content-type", CONTENT_TYPE)]
        return Record(topic, key.encode(), value, headers)

    def _config(self, code: str, pem: bytes, hub: Signer) -> ConnectorConfig:
        folder = self.folder / code
        folder.mkdir()
        (folder / "key.pem").write_bytes(pem)
        (folder / "trust.json").write_bytes(dumps({"area": self.area, "keys": {hub.kid: hub.public_pem}}))
        settings: dict[str, Any] = {
            "code": code, "area": self.area, "key_file": folder / "key.pem", "state_dir": folder / "state",
            "trust_bundle": str(folder / "trust.json"), "bus": self.bus, "adapter": "table",
            "database": f"sqlite:///{folder / 'own.sqlite'}", "folder": folder / "exchange", "poll_ms": 100,
        }  # fmt: skip
        return ConnectorConfig(**settings)
