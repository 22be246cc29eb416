"""The connector host as a program: one loop that follows the connectors, fetches for all of them and lends them threads.

Guarantees: a connector runs on one host at a time (a lock of the database; a dead host's are taken over as soon as the
server drops its session). What changes in the admin is followed within seconds, between two batches. One whose department
is away waits alone: its partitions are left unread once enough is in hand, and lanes that fail never hold more than half
of the threads. An idle connector costs nothing but its place in the fetch.
"""

from __future__ import annotations

import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import structlog
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.bus import Position, TopicFacts
from connectors.bus.many_reader import ManyReader
from connectors.department.trust import HUB
from connectors.errors import ConnectorError
from connectors.heartbeat import Heartbeat
from connectors.host.facts import Facts, connectors_to_run
from connectors.host.jobs import Errands
from connectors.host.lane import Lane
from connectors.host.publisher import SharedPublisher
from connectors.host.running import Shared
from connectors.host.settings import NAME, HostConfig
from connectors.pace import Backoff
from connectors.session import Session, SessionLost, libpq_url
from connectors.shares import HOST, Shares
from hub.connecting.connector import CHANGED
from hub.connecting.take_report import keep_report
from storage.signing import TrustedKey, TrustedKeys

FETCH_MS, FETCHED = 200, 500
TOPICS_S, MISSING_S = 30.0, 2.0  # how often topics are looked at; where one is missing
IDLE_TOLD_S = 60.0
NOTED_S = 5.0
_log = structlog.get_logger(__name__)


def run(config: HostConfig, stop_event: threading.Event) -> None:
    """Run until `stop_event` is set; the batches in hand are finished."""
    host = Host(config)
    backoff = Backoff()
    host.errands.start()
    try:
        while not stop_event.is_set():
            try:
                host.step()
            except (SessionLost, SQLAlchemyError, psycopg.Error) as error:
                _log.warning("host.database", error=str(error)[:300])
                host.let_go()
                host.heartbeat.say("waiting", "等待数据库恢复")
                backoff.wait(stop_event)
            except ConnectorError as error:
                _log.warning("host.broker", error=error.message)
                host.heartbeat.say("waiting", f"等待消息代理：{error.message}")
                backoff.wait(stop_event)
            else:
                backoff.succeeded()
                host.heartbeat.say("running")
    finally:
        host.close()


class Host:
    """All lanes of one process. Its methods belong to one thread."""

    def __init__(self, config: HostConfig) -> None:
        self._config = config
        self._engine = create_engine(config.database_url, pool_size=config.workers + 4, pool_pre_ping=True)
        pool: ConnectionPool[Any] = ConnectionPool(
            libpq_url(config.database_url),
            kwargs={"autocommit": True, "application_name": f"shenguan {NAME} state"},
            min_size=0, max_size=config.workers + 1, timeout=10, open=True,
        )  # fmt: skip
        keys = [TrustedKey(kid, HUB, pem) for kid, pem in config.hub_keys.items()]
        self._shared = Shared(config, self._engine, pool, SharedPublisher(config.bus), TrustedKeys.of(keys))
        self._reader = ManyReader(config.bus)
        self._threads = ThreadPoolExecutor(config.workers, thread_name_prefix="lane")
        self.lanes: dict[str, Lane] = {}
        self._leaving: list[Lane] = []  # busy still, and no longer ours afterwards
        self._session: Session | None = None
        self._shares: Shares | None = None
        self._topics: dict[str, TopicFacts] = {}
        self._follow_at = self._topics_at = self._tell_at = self._note_at = 0.0
        self._told: dict[str, tuple[float, object]] = {}
        self._noted: dict[str, dict[Position, int]] = {}
        self.heartbeat = Heartbeat(self._engine, NAME, config.instance)
        self.errands = Errands(config, self._engine)

    def step(self) -> None:
        """One turn: follow, lend threads, fetch, tell."""
        now = time.monotonic()
        if self._changed() or now >= self._follow_at:
            self._follow()
            self._follow_at = now + self._config.follow_s
        self._rewind()
        self._read(now)
        self._lend()
        found = self._reader.poll(FETCHED, FETCH_MS)
        lanes = {lane.topic: lane for lane in self.lanes.values()} if found else {}
        for message in found:
            if message.topic in lanes:
                lanes[message.topic].put(message)
        self._lend()
        if now >= self._tell_at:
            self._tell(now)
            self._tell_at = now + self._config.tell_s
        if now >= self._note_at:
            self._note()
            self._note_at = now + NOTED_S

    def let_go(self) -> None:
        """The session is lost, and every lock with it: nothing may go on that another host may have taken."""
        self._drop_session()
        for lane in [*self.lanes.values(), *self._leaving]:
            self._wait_for(lane)
            lane.close()
        self.lanes, self._leaving, self._topics = {}, [], {}
        self._follow_at = 0.0
        self._reader.read({})

    def close(self) -> None:
        """Finish what is in hand and leave everything in order."""
        self.errands.stop()
        self._threads.shutdown(wait=True)
        try:
            self._tell(time.monotonic(), stopped=True)
            self._note()
        except (SQLAlchemyError, ConnectorError) as error:
            _log.warning("host.stopping", error=str(error)[:200])
        for lane in self.lanes.values():
            lane.close()
        self._reader.close()
        self._shared.publisher.close()
        self._drop_session()
        self.heartbeat.say("stopped")
        self._shared.pool.close()
        self._engine.dispose()

    # Which connectors

    def _changed(self) -> bool:
        return self._session is not None and self._session.wait(0)

    def _follow(self) -> None:
        if self._session is None:
            session = Session(self._config.database_url, name=f"shenguan {NAME}")
            self._session, self._shares = session, Shares(session, HOST)
            session.listen(CHANGED)
        with self._engine.connect() as tx:
            found = {_piece(one.code): one for one in connectors_to_run(tx)}
        assert self._shares is not None
        busy = {_piece(one.facts.code) for one in (*self.lanes.values(), *self._leaving) if one.busy}
        self._shares.rebalance(found, busy=busy)
        ours = {found[piece].code: found[piece] for piece in self._shares.held if piece in found}
        for code in [code for code in self.lanes if code not in ours]:
            self._leaving.append(self.lanes.pop(code))
            self._topics_at = 0.0
        for one in [one for one in self._leaving if not one.busy]:
            self._leaving.remove(one)
            one.close()
        leaving = {one.facts.code for one in self._leaving}
        for code, facts in ours.items():
            if code in self.lanes:
                self.lanes[code].facts = facts
            elif code not in leaving:
                self._take_on(facts)

    def _take_on(self, facts: Facts) -> None:
        self.lanes[facts.code] = Lane(facts, self._shared)
        self._topics_at = 0.0
        _log.info("host.takes", connector=facts.code, department=facts.department)

    # What is read

    def _read(self, now: float) -> None:
        """Every lane's partitions, each from its place; none of lanes that are paused or have enough in hand."""
        fresh = [one for one in self.lanes.values() if one.ready and not one.topic_id]
        if now >= self._topics_at or fresh:
            self._topics = self._reader.topics(one.topic for one in self.lanes.values() if one.ready)
            places: dict[Position, int] = {}
            for lane in self.lanes.values():
                if lane.topic in self._topics:
                    places |= self._places(lane, self._topics[lane.topic])
            self._reader.read(places)
            missing = any(not one.topic_id for one in self.lanes.values())
            self._topics_at = now + (MISSING_S if missing else TOPICS_S)
        for lane in self.lanes.values():
            if not lane.topic_id:
                continue
            if lane.fetched and (lane.full or not lane.live):
                self._reader.pause(self._positions(lane))
                lane.fetched = False
            elif not lane.fetched and lane.live and len(lane.inbox) < FETCHED // 4:
                self._reader.resume(self._positions(lane))
                lane.fetched = True

    def _places(self, lane: Lane, facts: TopicFacts) -> dict[Position, int]:
        topic_id = facts.topic_id or "-"
        positions = [(lane.topic, number) for number in facts.partitions]
        if lane.topic_id not in ("", topic_id):  # made anew: old places would skip what it begins with
            self._wait_for(lane)
            lane.forget_inbox()
            self._reader.seek(dict.fromkeys(positions, 0))
        lane.topic_id = topic_id
        known = lane.done_places()
        unknown = [one for one in positions if one not in known]
        start = self._reader.since(unknown, lane.start_at) if unknown and lane.start_at else {}
        return {one: known.get(one, start.get(one, 0)) for one in positions}

    def _positions(self, lane: Lane) -> list[Position]:
        facts = self._topics.get(lane.topic)
        return [(lane.topic, number) for number in facts.partitions] if facts else []

    def _rewind(self) -> None:
        for lane in self.lanes.values():
            to = lane.facts.rewind_to
            if to is None or lane.busy or not lane.topic_id:
                continue
            places = self._reader.since(self._positions(lane), to)
            lane.rewind(to)
            lane.forget_inbox()
            self._reader.seek(places)
            lane.facts = lane.facts._replace(rewind_to=None)
            _log.info("host.rewinds", connector=lane.facts.code, to=to.isoformat())

    # Who works

    def _lend(self) -> None:
        now = time.monotonic()
        doubtful = sum(one.busy and one.failing for one in self.lanes.values())
        for lane in self.lanes.values():
            if not lane.wants(now) or (lane.facts.rewind_to and lane.topic_id):
                continue
            if lane.failing:
                if doubtful >= max(1, self._config.workers // 2):
                    continue
                doubtful += 1
            lane.busy = True
            self._threads.submit(_work, lane)

    @staticmethod
    def _wait_for(lane: Lane) -> None:
        until = time.monotonic() + 60
        while lane.busy and time.monotonic() < until:
            time.sleep(0.01)

    # What is told

    def _tell(self, now: float, *, stopped: bool = False) -> None:
        """Health and figures of lanes in which something changed; of the others once a minute."""
        reports = []
        for code, lane in self.lanes.items():
            lag = sum(self._reader.behind(one) for one in self._positions(lane))
            shape = (lane.state, lane.words, lane.live, lane.waiting, len(lane.inbox), lag)
            told_at, told = self._told.get(code, (0.0, None))
            figures = self._shared.figures_of(code)
            if stopped or shape != told or figures.fresh or now - told_at >= IDLE_TOLD_S:
                self._told[code] = (now, shape)
                reports.append((code, lane.report(lag) | ({"state": "stopped"} if stopped else {})))
        if reports:
            with self._engine.begin() as tx:
                for code, report in reports:
                    keep_report(tx, self._config.desk, code, report)

    def _note(self) -> None:
        """Places, under the name of the department's own group: so it may go on by itself from there."""
        for lane in self.lanes.values():
            places = lane.done_places()
            if places and self._noted.get(lane.topic) != places:
                group = f"{self._config.desk.area}.{lane.facts.department}.connector"
                self._reader.note(group, places)
                self._noted[lane.topic] = places

    def _drop_session(self) -> None:
        session, self._session, self._shares = self._session, None, None
        if session is not None:
            session.close()


def _work(lane: Lane) -> None:
    try:
        lane.work()
    finally:
        lane.busy = False


def _piece(code: str) -> int:
    return zlib.crc32(code.encode()) >> 1
