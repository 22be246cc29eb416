"""The intake as a program: polls every department's answers, judges, takes in, and only then commits the offsets.

Guarantees: nothing is committed that is not in the database; new departments are read without a restart; a revoked key
stops with the next batch. Waits out a broker or a database that is away, saying so in `programs`.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import zlib
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from connectors.bus import BusSettings, Consumer, Message, Position, ensure_topics
from connectors.bus.consumer import next_offsets
from connectors.errors import BusUnavailable, ConnectorError, Misconfigured
from connectors.heartbeat import Heartbeat
from connectors.pace import Backoff
from connectors.session import Session, SessionLost
from connectors.shares import INTAKE, Shares
from hub.department import Department, topic_out
from hub.exchange.take_in import TakenIn
from hub.exchange.take_safely import StoreAway, take_safely
from hub.ports import Desk
from hub.register_department import KeyFacts, trusted_keys
from storage.judging import Judge
from storage.signing import TrustedKey, TrustedKeys

NAME = "intake"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class IntakeConfig:
    """What the composition root hands in."""

    database_url: str
    bus: BusSettings
    desk: Desk
    instance: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    batch: int = 500
    poll_ms: int = 500
    topics_s: float = 2.0  # how often departments, topics and shares are looked at

    @property
    def group(self) -> str:
        """Under this name the broker remembers how far the area's intakes have come."""
        return f"{self.desk.area}.hub.intake"


def run(config: IntakeConfig, stop_event: threading.Event) -> None:
    """Take in until `stop_event` is set; the batch in hand is finished."""
    engine = create_engine(config.database_url, pool_size=2, pool_pre_ping=True)
    heartbeat = Heartbeat(engine, NAME, config.instance)
    intake = Intake(config, engine)
    backoff = Backoff()
    try:
        while not stop_event.is_set():
            try:
                intake.step()
            except (StoreAway, SessionLost, SQLAlchemyError) as error:
                _log.warning("intake.database", error=str(error)[:300])
                heartbeat.say("waiting", "等待数据库恢复")
                backoff.wait(stop_event)
            except (BusUnavailable, Misconfigured) as error:
                _log.warning("intake.broker", error=error.message)
                heartbeat.say("waiting", f"等待消息代理：{error.message}")
                backoff.wait(stop_event)
            else:
                backoff.succeeded()
                heartbeat.say("running")
    finally:
        intake.close()
        heartbeat.say("stopped")
        engine.dispose()


class Intake:
    """One consumer and one database, step by step."""

    def __init__(self, config: IntakeConfig, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self._consumer = Consumer(config.bus, config.group)
        self._session: Session | None = None
        self._shares: Shares | None = None
        self._facts: tuple[KeyFacts, ...] | None = None
        self._keys = TrustedKeys({})
        self._made: set[str] = set()
        self._looked_at: float | None = None

    def step(self) -> TakenIn | None:
        """Poll once and deal with what came; None when nothing did."""
        self._follow_departments()
        if not self._made:
            time.sleep(min(self._config.poll_ms / 1000, 0.5))  # no department yet: nothing can arrive
            return None
        messages = self._consumer.poll(self._config.batch, self._config.poll_ms)
        return self._take(messages) if messages else None

    def warm(self) -> None:
        """Take up the partitions ahead of the first message."""
        self._follow_departments()

    def _take(self, messages: list[Message]) -> TakenIn:
        desk = self._config.desk
        try:
            self._refresh_keys()
            arrived, refused = Judge(desk.area, self._keys).sort(messages, desk.clock())
            taken = take_safely(self._engine, arrived, refused, desk)
        except (StoreAway, SQLAlchemyError):
            self._consumer.rewind(messages)
            raise
        self._consumer.commit(next_offsets(messages))
        if taken.quarantined:
            _log.warning("intake.quarantined", count=taken.quarantined)
        return taken

    def close(self) -> None:
        """Let go of the partitions, so that others take over at once."""
        self._consumer.close()
        self._drop_session()

    def _refresh_keys(self) -> None:
        with self._engine.connect() as tx:
            facts = tuple(trusted_keys(tx))
        if facts != self._facts:
            self._keys = TrustedKeys.of(
                TrustedKey(
                    key.kid, key.department, key.public_pem, key.valid_from, key.valid_to, key.revoked_at
                )
                for key in facts
            )
            self._facts = facts

    def _follow_departments(self) -> None:
        now = time.monotonic()
        if self._looked_at is not None and now - self._looked_at < self._config.topics_s:
            return
        with self._engine.connect() as tx:
            codes = tx.execute(select(Department.code)).scalars().all()
        wanted = {topic_out(self._config.desk.area, code) for code in codes}
        if fresh := wanted - self._made:
            try:
                ensure_topics(self._config.bus, fresh)
            except ConnectorError as error:
                if isinstance(error, BusUnavailable | Misconfigured):
                    raise
                _log.warning("intake.topics", error=error.message)
            self._made |= fresh
            _log.info("intake.follows", topics=sorted(wanted))
        self._share(sorted(wanted))
        self._looked_at = now

    def _share(self, topics: list[str]) -> None:
        """Read our share of all partitions; whoever else is alive reads the rest."""
        pieces: dict[int, list[Position]] = {}
        for position in self._consumer.partitions(topics):
            pieces.setdefault(_piece(position), []).append(position)
        try:
            if self._session is None:
                self._session = Session(self._config.database_url, name=f"shenguan {NAME}")
                self._shares = Shares(self._session, INTAKE)
            assert self._shares is not None
            self._shares.rebalance(pieces)
        except SessionLost:
            self._drop_session()
            self._consumer.assign(())
            raise
        self._consumer.assign(position for piece in self._shares.held for position in pieces[piece])

    def _drop_session(self) -> None:
        session, self._session, self._shares = self._session, None, None
        if session is not None:
            session.close()


def _piece(position: Position) -> int:
    topic, number = position
    return zlib.crc32(f"{topic}/{number}".encode()) >> 1
