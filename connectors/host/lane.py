"""One connector on the host: what came for it, and what it does with it whenever a thread is lent to it.

Guarantees: at most one thread at a time; the batch in hand is finished before anything about the connector changes; what
came stays in hand, or on the broker, until its receipts are out. A lane that fails waits longer each time, alone.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from connectors.bus import Message, Position
from connectors.bus.consumer import next_offsets
from connectors.department.events import instant
from connectors.department.held import try_held
from connectors.department.state import SINCE, State
from connectors.errors import ConnectorError
from connectors.host import facts as book
from connectors.host.facts import Facts
from connectors.host.postgres_store import PostgresStore
from connectors.host.running import Running, Shared, load
from hub.department import topic_in
from hub.errors import HubError
from schemas import Malformed, loads

BATCH = 200
MOST_MESSAGES, MOST_BYTES = 400, 2 << 20  # in hand; what is beyond waits on the broker
SLICE_S = 1.0  # of a thread, before the others have their turn
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
COUNT_EVERY_S = 600.0
PLACES, STARTED = "host.places", "host.started"
_log = structlog.get_logger(__name__)


class Lane:
    """The main loop looks at it and puts messages in; `work` runs in a thread."""

    def __init__(self, facts: Facts, shared: Shared) -> None:
        self.facts = facts
        self.topic = topic_in(shared.config.desk.area, facts.department)
        self.busy = False
        self.ready = False  # its places are known
        self.start_at: datetime | None = None  # of partitions that have no place yet
        self.places: dict[str, dict[str, int]] = {}  # topic id -> partition -> next offset
        self.topic_id = ""
        self.fetched = True  # not left alone by the reader
        self.inbox: deque[Message] = deque()
        self.next_at = 0.0  # monotonic: when there is something to do though nothing comes
        self.failing = False
        self.state, self.words = "waiting", "正在启动"
        self.waiting = 0  # held back
        self.oldest_held_at: str | None = None
        self.running: Running | None = None
        self._shared = shared
        self._store = PostgresStore(facts.code)
        self._state: State | None = None
        self._wait_s = FIRST_WAIT_S
        self._speak_at = 0.0
        self._count_at = 0.0
        self._counted_day = ""
        self._came = self._gone = 0  # bytes, each counted by one thread
        self._resting = False  # something is in hand and has to wait for its time

    @property
    def live(self) -> bool:
        """Whether it is to work at all."""
        return self.facts.state == "live"

    @property
    def full(self) -> bool:
        """Whether no more is to be fetched for it now."""
        return len(self.inbox) >= MOST_MESSAGES or self._came - self._gone >= MOST_BYTES

    def wants(self, now: float) -> bool:
        """Whether a thread would have something to do."""
        if self.busy or (not self.live and self.ready):
            return False
        if self.failing or not self.ready:
            return now >= self.next_at
        return (bool(self.inbox) and not self._resting) or now >= self.next_at or self._outdated

    def put(self, message: Message) -> None:
        """One more has come."""
        self.inbox.append(message)
        self._came += len(message.value)

    def forget_inbox(self) -> None:
        """It will be read again."""
        self.inbox.clear()
        self._came = self._gone = 0

    def done_places(self) -> dict[Position, int]:
        """Behind what is dealt with, for whoever reads this topic next."""
        return {(self.topic, int(number)): at for number, at in self.places.get(self.topic_id, {}).items()}

    def oldest_at(self) -> str | None:
        """When the oldest thing that waits was sent or came."""
        said = [self.oldest_held_at] if self.oldest_held_at else []
        if self.inbox:
            with suppress(Malformed, KeyError, TypeError, IndexError):  # not ours, and soon in quarantine
                said.append(str(loads(self.inbox[0].value)["time"]))
        return min(said, default=None)

    @property
    def _outdated(self) -> bool:
        return self.running is None or self.running.facts != self.facts

    # In a thread

    def work(self) -> None:
        """Whatever is to be done now. Never raises."""
        try:
            with self._bound():
                self._prepare()
                if self.live:
                    self._go_on()
        except (ConnectorError, HubError) as error:
            self._failed(error.message if isinstance(error, ConnectorError) else str(error))
        except (SQLAlchemyError, psycopg.Error) as error:
            self._failed(f"数据库暂时不可用：{str(error)[:200]}")
        except Exception as error:  # whatever it is, the other connectors go on
            _log.exception("host.lane", connector=self.facts.code)
            self._failed(f"意外错误（{type(error).__name__}）：{str(error)[:200]}")
        else:
            self.failing, self._wait_s = False, FIRST_WAIT_S

    def rewind(self, to: datetime) -> None:
        """Deliver again what came since then, once it is read again; the places are the caller's to move."""
        with self._bound():
            assert self._state is not None
            self._state.deliver_again(instant(to))
        with self._shared.engine.begin() as tx:
            book.rewound(tx, self.facts.code, to)

    def close(self) -> None:
        """Let go of every endpoint."""
        if self.running is not None:
            self.running.close()
            self.running = None

    @contextmanager
    def _bound(self) -> Iterator[None]:
        with self._shared.pool.connection() as connection, self._store.bound(connection):
            if self._state is None:
                self._state = State(self._store)
            yield

    def _prepare(self) -> None:
        assert self._state is not None
        if not self.ready:
            self._begin(self._state)
        elif self.running is not None and not self._outdated and self.running.signs(self._shared):
            return
        facts = self.facts
        self.close()
        self.running = load(facts, self._state, self._shared)
        with self._shared.engine.begin() as tx:
            again = book.asked_again(tx, facts.code)
            given_up = book.dismissed(tx, facts.code, self._state.mapped.held())
        for flow, ref in again:
            self._state.mapped.try_again(flow, ref)
        if given_up:
            self._state.mapped.give_up(given_up)
        if again:
            self.running.collecting.look_now()
        self._speak_at = 0.0
        self.ready = True

    def _begin(self, state: State) -> None:
        """Where to go on, or for a connector that has just gone live, where it was told to start."""
        said = state.note(PLACES)
        self.places = json.loads(said) if said else {}
        started = self.facts.live_since.isoformat() if self.facts.live_since else "-"
        if state.note(STARTED) == started:
            return
        start = self.facts.start_at if self.facts.start_kind == "since" else None
        state.set_note(SINCE, instant(start) if start else "")
        if self.facts.start_kind == "unsigned":
            with self._shared.engine.connect() as tx:
                for ids in book.signed_before(tx, self._shared.config.desk, self.facts.department):
                    state.note_elsewhere(ids)
        else:
            self.start_at = self.facts.start_at
            self.places = {}
            if not state.is_new():
                state.deliver_again(instant(self.start_at) if self.start_at else "0001-01-01T00:00:00.000Z")
        state.set_note(STARTED, started)

    def _go_on(self) -> None:
        running, state = self.running, self._state
        assert running is not None
        assert state is not None
        self.next_at, self._resting = time.monotonic() + COUNT_EVERY_S, False
        clock = self._shared.config.desk.clock
        if until := running.timetable.quiet_until(clock()):
            self.state, self.words, self._resting = "quiet", "", True
            self._wake_in((until - clock()).total_seconds())
            return
        while receipts := state.unsent_receipts():
            running.receiver.send_receipts(receipts)
        try:
            self._take()
        finally:  # what the department has to say goes out though its own system is away
            self._speak()
            self._tell_refusals()
        away = running.collecting.words
        self.state, self.words = ("waiting", away) if away else ("running", "")

    def _take(self) -> None:
        running, state = self.running, self._state
        assert running is not None
        assert state is not None
        until = time.monotonic() + SLICE_S
        while self.inbox and time.monotonic() < until:
            most = running.bucket.most(min(BATCH, len(self.inbox)))
            if not most:
                self._resting = True
                self._wake_in(running.bucket.wait())
                return
            batch = [self.inbox[number] for number in range(most)]
            running.bucket.spend(running.receiver.take(batch))
            behind = {str(number): offset for (_, number), offset in next_offsets(batch).items()}
            # A new mapping each time: the main loop reads it meanwhile. Only the topic as it is now counts.
            self.places = {self.topic_id: {**self.places.get(self.topic_id, {}), **behind}}
            state.set_note(PLACES, json.dumps(self.places))
            for message in batch:
                self.inbox.popleft()
                self._gone += len(message.value)
            self._count_at = min(self._count_at or time.monotonic() + 5, time.monotonic() + 5)
            self._speak_at = 0.0 if any(b"count.asked" in one.value for one in batch) else self._speak_at

    def _speak(self) -> None:
        """What is held, what the department has to say, what was counted: each when it is its time."""
        running, now = self.running, time.monotonic()
        assert running is not None
        due = running.collecting.due_at()
        clock = self._shared.config.desk.clock
        if now >= self._speak_at or (due is not None and clock() >= due):
            try_held(running.parts, running.receiver)
            sent = running.sender.send()
            today = instant(clock())[:10]
            if (self._count_at and now >= self._count_at) or today != self._counted_day:
                running.counter.report()
                self._count_at, self._counted_day = 0.0, today
            due = running.collecting.due_at()
            self._speak_at = now if sent else now + COUNT_EVERY_S
        if due is not None:
            self._wake_in(max(0.0, (due - clock()).total_seconds()))
        self._wake_in(self._speak_at - now)
        if self._count_at:
            self._wake_in(self._count_at - now)
            self._speak_at = min(self._speak_at, self._count_at)

    def _tell_refusals(self) -> None:
        state = self._state
        assert state is not None
        self.waiting, self.oldest_held_at = state.mapped.oldest_held()
        while untold := state.mapped.untold(BATCH):
            with self._shared.engine.begin() as tx:
                book.write_refusals(tx, self._shared.config.desk, self.facts.code, untold)
            state.mapped.note_told(untold)

    def _wake_in(self, seconds: float) -> None:
        self.next_at = min(self.next_at, time.monotonic() + seconds)

    def _failed(self, words: str) -> None:
        _log.warning("host.waits", connector=self.facts.code, words=words)
        self.state, self.words, self.failing = "waiting", words, True
        self.next_at = time.monotonic() + self._wait_s
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)

    def report(self, lag: int) -> dict[str, Any]:
        """How it is, as the tables have it."""
        figures = self._shared.figures_of(self.facts.code)
        measures, unmapped = figures.changed()
        moments = ("last_contact_at", "last_delivered_at", "last_collected_at")
        said = {name: getattr(figures, name) for name in moments}
        return {
            "instance": self._shared.config.instance,
            "version": self.facts.version,
            "state": self.state if self.live else "paused",
            "words": self.words or None,
            "waiting": self.waiting + len(self.inbox),
            "lag": lag,
            "oldest_waiting_at": self.oldest_at(),
            "measures": measures,
            "unmapped": unmapped,
            **{name: instant(at) if at else None for name, at in said.items()},
        }
