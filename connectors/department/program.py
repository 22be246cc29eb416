"""The department connector as a program: one loop that receives and sends, and waits out what is away.

Guarantees: offsets follow receipts, receipts follow delivery. One connector per state folder (a lock). On `stop_event` the
batch in hand is finished and committed. Goes on by itself when broker, own system or trust list are back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from connectors.bus import Consumer, Message, Producer
from connectors.department.adapters import open_adapter
from connectors.department.config import ConnectorConfig, read_config, validate_config
from connectors.department.count import Counter
from connectors.department.evidence import Evidence, OverRest
from connectors.department.files import Files
from connectors.department.health import Health, read_health
from connectors.department.held import try_held
from connectors.department.hub_door import HubDoor
from connectors.department.line import BrokerLine, Line, RestLine, signed_before
from connectors.department.newer import as_kept, keep
from connectors.department.open_mapped import open_mapped, version_of
from connectors.department.parts import Parts
from connectors.department.receive import Receiver
from connectors.department.renewal import Renewal
from connectors.department.reporting import Reporter
from connectors.department.send import Sender
from connectors.department.state import State
from connectors.department.trust import TrustBundle
from connectors.errors import ConnectorError, Misconfigured
from connectors.pace import Backoff
from schemas.connector.document import ConnectorDocument

__all__ = ["read_health", "run", "run_configured", "validate_config"]

BATCH = 500
POLL_MS = 200
STATE_FILE, HEALTH_FILE = "state.sqlite", "state.json"
_log = logging.getLogger(__name__)


def run(config_path: Path | str, stop_event: threading.Event) -> None:
    """Run the connector that `config_path` describes until `stop_event` is set. Raises `Misconfigured` at once."""
    run_configured(read_config(config_path), stop_event)


def run_configured(
    config: ConnectorConfig,
    stop_event: threading.Event,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """The same with settings in hand."""
    config.state_dir.mkdir(parents=True, exist_ok=True)
    with _alone(config.state_dir / "lock"):
        given = config.document
        config = as_kept(config)
        connector = Connector(config, clock)
        try:
            while (newer := connector.run(stop_event)) is not None and given is not None:
                connector, config = _changed(connector, config, newer, clock)
                keep(config, newer, version_of(given))
        finally:
            connector.close()


def _changed(
    before: Connector, config: ConnectorConfig, newer: ConnectorDocument, clock: Callable[[], datetime]
) -> tuple[Connector, ConnectorConfig]:
    """The same connector by another version of its document, from where it stood."""
    _log.warning("中心发布了新版本，从现在起按它运行。")
    before.close()
    after = replace(config, document=newer)
    return Connector(after, clock), after


class Connector:
    """Everything one connector holds open."""

    def __init__(self, config: ConnectorConfig, clock: Callable[[], datetime]) -> None:
        self._config = config
        state_path = config.state_dir / STATE_FILE
        self._state = State(state_path)
        signer = config.signer()
        self._door = HubDoor(config, signer, clock)
        self._line = self._open_line()
        self._mapped = None if config.document is None else open_mapped(config, self._state.mapped, clock)
        self._parts = Parts(
            config=config,
            signer=signer,
            trust=TrustBundle(config.trust_bundle, config.state_dir / "trust.json"),
            state=self._state,
            adapter=self._mapped.system if self._mapped else open_adapter(config),
            producer=self._line,
            clock=clock,
            version=self._mapped.version if self._mapped else "",
        )
        self._renewal = Renewal(config, clock)
        self._reporter = (
            Reporter(self._parts, self._mapped, self._door, self._renewal) if self._mapped else None
        )
        self._receiver = Receiver(self._parts)
        self._sender = Sender(self._parts, Evidence(OverRest(self._door), self._state))
        self._counter = Counter(self._parts)
        self._files = Files(config, signer, state_path)
        facts = {"department": config.code, "area": config.area, "adapter": config.adapter, "kid": signer.kid}
        self.health = Health(config.state_dir / HEALTH_FILE, facts, self._state.counts)
        self._ready = False
        self._looked_at = 0.0

    def _open_line(self) -> Line:
        config = self._config
        if config.bus is None:
            return RestLine(config, self._door, self._state)
        consumer = Consumer(config.bus, f"{config.area}.{config.code}.connector")
        return BrokerLine(config, consumer, Producer(config.bus))

    def run(self, stop: threading.Event) -> ConnectorDocument | None:
        """Until told to stop, or until the hub has published another version of the document: gives that."""
        backoff = Backoff()
        self.health.say("waiting", "正在启动")
        ended = threading.Event()  # for the files: told to stop, or this version ends
        self._files.start(ended)
        newer: ConnectorDocument | None = None
        while newer is None and not stop.is_set():
            try:
                self._step()
            except ConnectorError as error:
                _log.warning("等待：%s", error.message)
                self._say("waiting", error.message)
                backoff.wait(stop)
            else:
                backoff.succeeded()
                self._say("running", self._mapped.system.collecting.words or None if self._mapped else None)
            newer = self._reporter.newer if self._reporter else None
        ended.set()
        self._files.join()
        self.health.say("stopped" if newer is None else "waiting")
        return newer

    def _say(self, state: str, words: str | None) -> None:
        self.health.say(state, words)
        if self._reporter is not None and self._ready:
            self._reporter.turn(state, words)
        self._renewal.look()

    def close(self) -> None:
        """Leave everything in order."""
        self._line.close()
        self._door.close()
        self._parts.adapter.close()
        self._state.close()

    def _step(self) -> None:
        if not self._ready:
            self._parts.adapter.prepare()
            self._learn_place()
            self._finish_yesterday()
            self._ready = True
        now = time.monotonic()
        quiet, most = self._pace()
        timeout_ms = min(POLL_MS, self._config.poll_ms)
        problem: ConnectorError | None = None
        if not most:
            time.sleep(timeout_ms / 1000)
        elif messages := self._line.receive(most, timeout_ms):
            self.health.heard()
            try:
                self._take(messages)
            except ConnectorError as error:  # what the department has to say goes out all the same
                problem = error
        if not quiet and now - self._looked_at >= self._config.poll_ms / 1000:
            self._speak()
            self._looked_at = now
        if problem is not None:
            raise problem

    def _pace(self) -> tuple[bool, int]:
        """Whether it is quiet now, and how many messages may be taken."""
        if self._mapped is None:
            return False, BATCH
        if self._reporter is not None and self._reporter.paused:
            return True, 0
        quiet = self._mapped.timetable.quiet_until(self._parts.clock()) is not None
        return quiet, 0 if quiet else self._mapped.bucket.most(BATCH)

    def _speak(self) -> None:
        if self._mapped is not None:
            try_held(self._parts, self._receiver)
        self._sender.send()
        self._counter.report()

    def _take(self, messages: Sequence[Message]) -> None:
        try:
            fresh = self._receiver.take(messages)
        except ConnectorError:
            self._line.again(messages)
            raise
        if self._mapped is not None:
            self._mapped.bucket.spend(fresh)
        self._line.done(messages)

    def _learn_place(self) -> None:
        """A new machine on a broker: what the department signed for before, it need not deliver again.

        Without an address of the hub, or while that does not answer, everything on the topic is delivered once more.
        """
        if self._config.bus is None or self._config.hub_address is None or not self._state.is_new():
            return
        try:
            for event_ids in signed_before(self._door):
                self._state.note_elsewhere(event_ids)
        except ConnectorError as error:
            _log.warning("未能取得已签收的位置，将从主题开头收起：%s", error.message)

    def _finish_yesterday(self) -> None:
        """Receipts that were made before a crash and may not have left."""
        while receipts := self._state.unsent_receipts():
            self._receiver.send_receipts(receipts)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Misconfigured(
                f"状态文件夹 {path.parent} 已有一个连接器在使用，不能同时运行两个。"
            ) from error
        yield
    finally:
        os.close(handle)
