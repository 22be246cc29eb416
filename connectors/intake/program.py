"""The intake as a program: polls every department's answers, judges, takes in, and only then commits the offsets.

Guarantees: nothing is committed that is not in the database; new departments are read without a restart; a revoked key
stops with the next batch. Waits out a broker or a database that is away, saying so in `programs`.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from connectors.bus import BusSettings, Consumer, Message, ensure_topics, missing_topics
from connectors.bus.consumer import next_offsets
from connectors.errors import BusUnavailable, ConnectorError, Misconfigured
from connectors.heartbeat import Heartbeat
from connectors.intake.apply import StoreAway, apply
from connectors.intake.judge import Judge
from connectors.pace import Backoff
from hub.department import Department, topic_out
from hub.ports import Desk
from hub.register_department import KeyFacts, trusted_keys
from hub.take_in import TakenIn
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
    topics_s: float = 2.0
    probe_s: float = 5.0

    @property
    def group(self) -> str:
        """All intakes of an area share the work."""
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
            except (StoreAway, SQLAlchemyError) as error:
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
        self._facts: tuple[KeyFacts, ...] | None = None
        self._keys = TrustedKeys({})
        self._made: set[str] = set()
        self._looked_at: float | None = None
        self._heard_at = time.monotonic()

    def step(self) -> TakenIn | None:
        """Poll once and deal with what came; None when nothing did."""
        self._follow_departments()
        if not self._made:
            time.sleep(min(self._config.poll_ms / 1000, 0.5))  # no department yet: nothing can arrive
            return None
        messages = self._consumer.poll(self._config.batch, self._config.poll_ms)
        now = time.monotonic()
        if not messages:
            if now - self._heard_at >= self._config.probe_s:
                missing_topics(self._config.bus, self._made)  # raises when nobody answers
                self._heard_at = now
            return None
        self._heard_at = now
        return self._take(messages)

    def warm(self, seconds: float = 15.0) -> None:
        """Join the group ahead of the first message, waiting at most `seconds`."""
        self._follow_departments()
        deadline = time.monotonic() + seconds
        while not self._consumer.assigned() and time.monotonic() < deadline:
            self._consumer.rewind(self._consumer.poll(1, 200))

    def _take(self, messages: list[Message]) -> TakenIn:
        desk = self._config.desk
        try:
            self._refresh_keys()
            arrived, refused = Judge(desk.area, self._keys).sort(messages, desk.clock())
            taken = apply(self._engine, arrived, refused, desk)
        except (StoreAway, SQLAlchemyError):
            self._consumer.rewind(messages)
            raise
        self._consumer.commit(next_offsets(messages))
        if taken.quarantined:
            _log.warning("intake.quarantined", count=taken.quarantined)
        return taken

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._consumer.close()

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
        self._consumer.follow(wanted)
        self._looked_at = now
