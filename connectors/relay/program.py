"""The relay as a program: wakes on NOTIFY, drains, seals the ledger, keeps the outbox's partitions, waits out faults.

Guarantees: goes on by itself when the database or the broker is back, and says in `programs` what it waits for.
On `stop_event` the batch in hand is finished, its rows are marked, the shards are free for the others.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from connectors.bus import BusSettings, Producer, ensure_topics, require_fast_checksums
from connectors.errors import BusUnavailable, ConnectorError, Misconfigured
from connectors.heartbeat import Heartbeat
from connectors.pace import Backoff
from connectors.relay.drain import Batches, Drain
from connectors.relay.housekeeping import Housekeeper, Housekeeping
from connectors.relay.sealing import Sealing
from connectors.relay.topic_watch import TopicWatch
from connectors.session import Session, SessionLost
from hub.department import Department, topic_in, topic_out
from hub.exchange.outbox import CHANNEL
from hub.exchange.outbox_partitions import ensure as ensure_partitions
from hub.exchange.resend import resend_lost
from hub.ports import Clock, Desk, Signer
from hub.seal_ledger import HeadStore
from storage.intake.finish import Intake

NAME = "relay"
SAFETY_POLL_S = 1.0
_log = structlog.get_logger(__name__)


def instance_name() -> str:
    """Who we are among several: host and process."""
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True)
class RelayConfig:
    """What the composition root hands in. Without `heads` and `signer` nothing is sealed here."""

    database_url: str
    bus: BusSettings
    area: str
    clock: Clock
    heads: HeadStore | None = None
    signer: Signer | None = None
    intake: Intake | None = None  # None: files are not this relay's business
    desk: Desk | None = None  # None: nor are licences that run out
    instance: str = field(default_factory=instance_name)
    sizes: Batches = field(default_factory=Batches)
    rebalance_s: float = 1.0
    housekeeping_s: float = 600.0
    topics_s: float = 5.0
    chores_s: float = 60.0


def run(config: RelayConfig, stop_event: threading.Event) -> None:
    """Relay until `stop_event` is set."""
    require_fast_checksums()
    engine = create_engine(config.database_url, pool_size=2, pool_pre_ping=True)
    heartbeat = Heartbeat(engine, NAME, config.instance)
    sealing = Sealing(engine, config.heads, config.signer, config.clock)
    sealing.start(stop_event)
    watch = TopicWatch(engine, config.bus, config.area, config.clock)
    housekeeper = Housekeeper(engine, config.clock, config.intake, config.desk, watch)
    keeping = Housekeeping(housekeeper, every_s=config.chores_s)
    keeping.start(stop_event)
    producer = Producer(config.bus)
    backoff = Backoff()
    try:
        while not stop_event.is_set():
            try:
                _serve(config, engine, producer, _Voice(heartbeat, keeping), backoff, stop_event)
            except (SessionLost, SQLAlchemyError) as error:
                _log.warning("relay.database", error=str(error)[:300])
                heartbeat.say("waiting", "等待数据库恢复")
            except (BusUnavailable, Misconfigured) as error:
                _log.warning("relay.broker", error=error.message)
                heartbeat.say("waiting", f"等待消息代理：{error.message}")
            if not stop_event.is_set():
                backoff.wait(stop_event)
    finally:
        producer.close()
        sealing.join()
        keeping.join()
        heartbeat.say("stopped")
        engine.dispose()


def _serve(
    config: RelayConfig,
    engine: Engine,
    producer: Producer,
    voice: _Voice,
    backoff: Backoff,
    stop: threading.Event,
) -> None:
    """One database session, until it or the broker fails."""
    session = Session(config.database_url, name=f"shenguan {NAME}")
    try:
        session.listen(CHANNEL)
        drain = Drain(session, producer, config.bus, sizes=config.sizes)
        chores = _Chores(config, engine)
        rebalanced = -config.rebalance_s
        while not stop.is_set():
            if time.monotonic() - rebalanced >= config.rebalance_s:
                drain.shards.rebalance()
                rebalanced = time.monotonic()
                chores.run()
            sent = drain.step()
            if drain.remade:
                chores.refill(drain.remade)
                drain.remade = set()
            backoff.succeeded()
            voice.running(drain)
            if not sent:
                session.wait(SAFETY_POLL_S)
    finally:
        session.close()


@dataclass(frozen=True)
class _Voice:
    """What the relay says of itself while it runs."""

    heartbeat: Heartbeat
    keeping: Housekeeping

    def running(self, drain: Drain) -> None:
        """All is well, but for what is parked; and the last round of housekeeping."""
        parked = f"{drain.parking.parked} 个办件的消息被搁置" if drain.parking.parked else None
        self.heartbeat.say("running", "；".join(filter(None, (parked, self.keeping.told))) or None)


class _Chores:
    """What has to be done now and then: partitions ahead of time, topics of new departments."""

    def __init__(self, config: RelayConfig, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self._kept_at: float | None = None
        self._looked_at: float | None = None
        self._topics: set[str] = set()

    def run(self) -> None:
        now = time.monotonic()
        if self._kept_at is None or now - self._kept_at >= self._config.housekeeping_s:
            with self._engine.begin() as tx:
                made = ensure_partitions(tx, self._config.clock())
            self._kept_at = now
            if made:
                _log.info("relay.partitions", made=made)
        if self._looked_at is None or now - self._looked_at >= self._config.topics_s:
            self._ensure_topics()
            self._looked_at = now

    def refill(self, made: Iterable[str]) -> None:
        """Topics that had to be made: a new department has nothing to lose, another gets again what it has not."""
        with self._engine.begin() as tx:
            if lost := resend_lost(tx, sorted(made), self._config.clock()):
                _log.warning("relay.refilled", topics=sorted(made), rows=lost)

    def _ensure_topics(self) -> None:
        with self._engine.connect() as tx:
            codes = tx.execute(select(Department.code).where(Department.active)).scalars().all()
        area = self._config.area
        wanted = {topic for code in codes for topic in (topic_in(area, code), topic_out(area, code))}
        if fresh := wanted - self._topics:
            try:
                if made := ensure_topics(self._config.bus, fresh):
                    _log.info("relay.topics", made=made)
                    self.refill(made)
            except ConnectorError as error:
                if isinstance(error, BusUnavailable | Misconfigured):
                    raise
                _log.warning("relay.topics", error=error.message)  # made by hand there, perhaps
            self._topics |= fresh
