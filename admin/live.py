"""Notices as they happen: one LISTEN thread per process, any number of pages.

Guarantees: a page that names the last notice it saw gets every later one that is for its reader, once, in order of id - also
over a lost connection, on either side. The database is asked again every second, so a lost NOTIFY costs a second. A
stream holds no database connection while it waits. Does not keep notices: the table does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from hub.noticing.notice import CHANNEL, Notice
from hub.noticing.reader import Reader

PING_SECONDS = 5.0  # a page that went away is noticed by the second ping it does not take
POLL_SECONDS = 1.0
STREAMS_PER_USER = 6
BATCH = 200
# A notice with a smaller id may commit after one with a larger: look back that far, and drop what was seen.
LOOK_BACK = 500
_UNSEEN = text("notices.id <> ALL(CAST(:seen AS bigint[]))")  # one parameter, however many there are
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Stream:
    """One open page."""

    user: str
    reader: Reader
    closed: bool = False
    waiting: list[dict[str, Any]] = field(default_factory=list)
    woken: threading.Event = field(default_factory=threading.Event)


class LiveBoard:
    """Hands fresh notices to every open page of this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: list[Stream] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._seen: set[int] = set()
        self._high = 0
        self.listening = False

    def open(self, user: str, reader: Reader) -> Stream:
        """A new stream; the user's oldest one ends where there are too many. The thread starts with the first."""
        stream = Stream(user, reader)
        with self._lock:
            own = [other for other in self._streams if other.user == user]
            for oldest in own[: max(0, len(own) - STREAMS_PER_USER + 1)]:
                self._end(oldest)
            if self._thread is None or not self._thread.is_alive():
                self._begin()  # before the page asks what it missed: what comes in between is handed out
                self._stopping.clear()
            self._streams.append(stream)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="live-notices", daemon=True)
                self._thread.start()
        return stream

    def close(self, stream: Stream) -> None:
        """The page is gone."""
        with self._lock:
            self._end(stream)

    def _end(self, stream: Stream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
        stream.closed = True
        stream.woken.set()

    def let_go(self) -> None:
        """Let the thread and every stream end soon; takes no lock, so a signal handler may call it."""
        self._stopping.set()
        for stream in tuple(self._streams):
            stream.woken.set()

    def stop(self) -> None:
        """The same, and wait for the thread."""
        self.let_go()
        if self._thread is not None:
            self._thread.join(5)

    @property
    def stopping(self) -> bool:
        """Whether streams should end."""
        return self._stopping.is_set()

    def missed(self, reader: Reader, after: int) -> list[dict[str, Any]]:
        """Notices later than `after`, oldest first."""
        query = select(Notice.__table__).where(Notice.id > after, reader.shown_to())
        with self._engine.connect() as tx:
            return [_shown(row) for row in tx.execute(query.order_by(Notice.id).limit(BATCH))]

    def newest(self) -> int:
        """The largest id there is."""
        with self._engine.connect() as tx:
            return tx.scalar(select(func.max(Notice.id))) or 0

    def _run(self) -> None:
        wait = 0.2
        while not self._stopping.is_set():
            try:
                self._listen()
                wait = 0.2
            except Exception as error:
                self.listening = False
                _log.warning("窗口提醒的监听中断，将自动重连：%s", type(error).__name__)
                self._stopping.wait(wait)
                wait = min(wait * 2, 5.0)

    def _listen(self) -> None:
        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()  # a connection of its own: LISTEN must never go back into the pool
        with driver:
            driver.autocommit = True
            driver.execute(f"LISTEN {CHANNEL}")
            self.listening = True
            while not self._stopping.is_set():
                with self._engine.connect() as tx:
                    self._hand_out(tx)
                for _ in driver.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass

    def _begin(self) -> None:
        """What is there before anybody looks on is old news; after a lost connection, nothing is."""
        with self._engine.connect() as tx:
            self._high = tx.scalar(select(func.max(Notice.id))) or 0
            recent = select(Notice.id).where(Notice.id > self._high - LOOK_BACK)
            self._seen = set(tx.execute(recent).scalars())

    def _hand_out(self, tx: Connection) -> None:
        rows = tx.execute(
            select(Notice.__table__)
            .where(Notice.id > self._high - LOOK_BACK)
            .where(_UNSEEN.bindparams(seen=[seen for seen in self._seen if seen > self._high - LOOK_BACK]))
            .order_by(Notice.id)
            .limit(BATCH)
        ).all()
        for row in rows:
            shown = _shown(row)
            self._seen.add(row.id)
            self._high = max(self._high, row.id)
            with self._lock:
                for stream in self._streams:
                    if stream.reader.sees(row):
                        stream.waiting.append(shown)
                        stream.woken.set()
        if len(self._seen) > 4 * LOOK_BACK:
            self._seen = {seen for seen in self._seen if seen > self._high - LOOK_BACK}


def follow(board: LiveBoard, stream: Stream, after: int | None) -> Iterator[dict[str, Any] | None]:
    """Notices for one page, None for a ping; ends when the server stops."""
    last: set[int] = set()
    if after is not None:
        position = after
        while batch := board.missed(stream.reader, position):
            for shown in batch:
                position = shown["id"]
                last.add(position)
                yield shown
    quiet_since = time.monotonic()
    while not board.stopping and not stream.closed:
        stream.woken.wait(min(PING_SECONDS, 1.0))
        stream.woken.clear()
        fresh, stream.waiting = stream.waiting, []
        for shown in fresh:
            if shown["id"] not in last:
                yield shown
        if fresh:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since >= PING_SECONDS:
            quiet_since = time.monotonic()
            yield None


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "audience": row.audience,
        "severity": row.severity,
        "title": row.title,
        "body": row.body,
        "case_no": row.case_no,
        "at": row.created_at.isoformat(),
    }
