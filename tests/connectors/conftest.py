"""A hub with two departments, a broker, and a department's connector settings, all real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import Engine, insert

from connectors.bus import BusSettings, Message, Producer, ensure_topics
from connectors.department.config import ConnectorConfig
from connectors.department.program import Connector, run_configured
from connectors.intake.program import IntakeConfig
from connectors.relay.program import RelayConfig
from hub.item import ServiceItem
from hub.ports import Desk
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department
from schemas import dumps
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.connectors.waiting import PATIENCE_S, until

CODES = {"scjg": "示范县市场监督管理局", "zhzf": "示范县综合行政执法局"}


@pytest.fixture
def bus(parts: Any) -> BusSettings:
    return BusSettings(parts.kafka_bootstrap, fetch_max_wait_ms=10)


@pytest.fixture(scope="session")
def pems() -> dict[str, bytes]:
    return {code: generate_private_key() for code in ("hub", *CODES)}


@pytest.fixture(scope="session")
def signers(pems: dict[str, bytes]) -> dict[str, Signer]:
    return {code: Signer.from_pem(code, pem) for code, pem in pems.items()}


@pytest.fixture
def desk(area: str, signers: dict[str, Signer]) -> Desk:
    vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
    return Desk(area, "http://127.0.0.1:1", signers["hub"], vault, lambda: datetime.now(UTC))


@pytest.fixture
def county(engine: Engine, signers: dict[str, Signer]) -> Engine:
    """Two supervising departments, each owed every decision."""
    with engine.begin() as tx:
        for code, name in CODES.items():
            key = signers[code]
            add_department(
                tx, code=code, name=name, roles=["supervising"], public_pem=key.public_pem, kid=key.kid, actor="user:t"
            )  # fmt: skip
            add_rule(tx, f"推送{name}", {code: 3}, actor="user:test")
        tx.execute(insert(ServiceItem).values(code="XK-001", name="食品经营许可"))
    return engine


@pytest.fixture
def relay_config(database_url: str, bus: BusSettings, area: str) -> RelayConfig:
    return RelayConfig(database_url, bus, area, clock=lambda: datetime.now(UTC), rebalance_s=0.2)


@pytest.fixture
def intake_config(database_url: str, bus: BusSettings, desk: Desk) -> IntakeConfig:
    return IntakeConfig(database_url, bus, desk, poll_ms=100, topics_s=0.3)


@pytest.fixture
def connector_config(
    tmp_path: Path, pems: dict[str, bytes], signers: dict[str, Signer], bus: BusSettings, area: str
) -> Callable[..., ConnectorConfig]:
    """Settings of a department's connector; its own folder, the hub's keys in a file."""

    def make(code: str = "scjg", **changes: Any) -> ConnectorConfig:
        folder = tmp_path / code
        folder.mkdir(exist_ok=True)
        (folder / "key.pem").write_bytes(pems[code])
        hub = signers["hub"]
        (folder / "trust.json").write_bytes(dumps({"area": area, "keys": {hub.kid: hub.public_pem}}))
        settings: dict[str, Any] = {
            "code": code,
            "area": area,
            "key_file": folder / "key.pem",
            "state_dir": folder / "state",
            "trust_bundle": str(folder / "trust.json"),
            "bus": bus,
            "adapter": "table",
            "database": f"sqlite:///{folder / 'own.sqlite'}",
            "folder": folder / "exchange",
            "poll_ms": 200,
        }
        return ConnectorConfig(**{**settings, **changes})

    return make


@pytest.fixture
def topics(bus: BusSettings, area: str) -> list[str]:
    """The topics of both departments, made."""
    names = [f"{area}.{code}.{way}" for code in CODES for way in ("in", "out")]
    ensure_topics(bus, names)
    return names


class Tap:
    """Reads whole topics from their beginning without joining a group, as an outsider with a Kafka client would."""

    def __init__(self, bus: BusSettings, topics: list[str]) -> None:
        self._client = KafkaConsumer(
            bootstrap_servers=bus.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=10,
            max_partition_fetch_bytes=8 << 20,
            metrics_enabled=False,
        )
        partitions = [TopicPartition(t, p) for t in topics for p in self._client.partitions_for_topic(t)]
        self._client.assign(partitions)
        self._client.seek_to_beginning()
        self.messages: list[Message] = []

    def _poll(self) -> int:
        found = [
            Message(r.topic, r.partition, r.offset, r.key, r.value, dict(r.headers))
            for records in self._client.poll(timeout_ms=200, max_records=1000).values()
            for r in records
        ]
        self.messages += found
        return len(found)

    def until(self, count: int, *, seconds: float = PATIENCE_S) -> list[Message]:
        """At least `count` messages in all."""
        until(lambda: self._poll() is not None and len(self.messages) >= count, seconds=seconds, every=0)
        return self.messages

    def quiet(self, rounds: int = 3) -> list[Message]:
        """What is there once nothing more comes."""
        silent = 0
        while silent < rounds:
            silent = 0 if self._poll() else silent + 1
        return self.messages

    def close(self) -> None:
        self._client.close(autocommit=False)


@pytest.fixture
def tap(bus: BusSettings) -> Any:
    opened: list[Tap] = []

    def make(*names: str) -> Tap:
        opened.append(Tap(bus, list(names)))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def producer(bus: BusSettings) -> Any:
    made = Producer(bus)
    yield made
    made.close()


@pytest.fixture
def start_connector() -> Callable[[ConnectorConfig], Callable[[Any], None]]:
    return lambda config: lambda stop: run_configured(config, stop)


@pytest.fixture
def config(connector_config: Callable[..., ConnectorConfig], topics: list[str]) -> ConnectorConfig:
    """The settings of the department's connector."""
    return connector_config()


@pytest.fixture
def connector(config: ConnectorConfig) -> Iterator[Connector]:
    """A connector that is ready and not running."""
    config.state_dir.mkdir(exist_ok=True)
    made = Connector(config, lambda: datetime.now(UTC))
    made._parts.adapter.prepare()
    yield made
    made.close()
