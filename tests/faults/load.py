"""What goes on while things are killed: decisions, numbered messages, findings of both departments, decisions by web form.

Guarantees: everything is remembered as what it was to its writer: begun, and confirmed. Whoever is refused or cut off tries
the same again, as a window or a department would. Random choices come from the seed alone; their timing does not.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, create_engine, insert
from sqlalchemy.exc import InterfaceError, OperationalError

from hub.deciding.decide import ACCEPTED, decide
from hub.deciding.decided_case import DecidedCase
from hub.errors import HubError
from hub.exchange.outbox import BULK, LIVE, OutboxRow, shard_of
from hub.ports import Desk
from shenguan.sample_words import OFFICES, uscc
from tests.faults.history import Reported
from tests.hub.builders import a_case

KEYS = 8  # of the numbered messages
FIRST_DAY = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)


Worker = Callable[[threading.Event], None]


@dataclass
class Log:
    """What was done, by everybody, since the installation began."""

    attempted: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    numbered: dict[str, int] = field(default_factory=dict)
    reported: list[Reported] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # not faults: what the writers were told meanwhile
    next_case: int = 1
    next_finding: int = 1


class Load:
    """Threads that work until told to stop. `with Load(...)` runs them for the length of the block."""

    def __init__(self, *workers: Worker) -> None:
        self._stop = threading.Event()
        self._broken: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._guard, args=(worker,), daemon=True) for worker in workers
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(240)
        assert not any(thread.is_alive() for thread in self._threads), "a writer did not come to an end"
        if self._broken:
            raise self._broken[0]

    def _guard(self, worker: Worker) -> None:
        try:
            worker(self._stop)
        except BaseException as error:
            self._broken.append(error)


@dataclass
class Decider:
    """Decides: one case a transaction in the live lane, now and then ten in the bulk lane, each with numbered messages."""

    database_url: str
    desk: Desk
    log: Log
    seed: int
    pause: float = 0.03

    def __call__(self, stop: threading.Event) -> None:
        """Until told to stop; what was begun is finished."""
        chance = random.Random(self.seed)
        engine = create_engine(self.database_url, pool_pre_ping=True, connect_args={"connect_timeout": 3})
        try:
            while not stop.is_set():
                bulk = chance.random() < 0.1
                cases = [self._case() for _ in range(10 if bulk else 1)]
                keys = [f"number-{chance.randrange(KEYS)}" for _ in range(2)]
                self._until_confirmed(engine, cases, BULK if bulk else LIVE, keys)
                stop.wait(self.pause * chance.uniform(0.5, 1.5))
        finally:
            engine.dispose()

    def _case(self) -> DecidedCase:
        case = a_case(self.log.next_case, area=self.desk.area)
        self.log.next_case += 1
        return case

    def _until_confirmed(self, engine: Any, cases: list[DecidedCase], lane: int, keys: list[str]) -> None:
        names = {case.case_no for case in cases}
        self.log.attempted |= names
        for attempt in range(200):
            try:
                with engine.begin() as tx:
                    outcomes = decide(tx, cases, self.desk, actor="user:faults", lane=lane)
                    fresh = {outcome.verdict for outcome in outcomes} == {ACCEPTED}
                    numbers = self._number(tx, keys) if fresh else {}
            except (OperationalError, InterfaceError, HubError) as error:
                self.log.errors.append(f"decide: {type(error).__name__}")
                threading.Event().wait(min(0.1 * (attempt + 1), 1.0))
                continue
            if not fresh:  # the commit before had gone through, its confirmation had not
                numbers = {key: self.log.numbered.get(key, 0) + keys.count(key) for key in keys}
            self.log.numbered.update(numbers)
            self.log.acknowledged |= names
            return
        raise AssertionError(f"never confirmed: {names}")

    def _number(self, tx: Connection, keys: list[str]) -> dict[str, int]:
        """Consecutive numbers per key on a topic that only the test reads: order, and all or nothing with the decision."""
        counts = dict(self.log.numbered)
        for key in keys:
            tx.execute(
                insert(OutboxRow).values(numbered_row(numbers_topic(self.desk.area), key, counts.get(key, 0)))
            )
            counts[key] = counts.get(key, 0) + 1
        return {key: counts[key] for key in keys}


def numbers_topic(area: str) -> str:
    """Where the numbered messages go."""
    return f"{area}.numbers.in"


def numbered_row(topic: str, key: str, number: int) -> dict[str, Any]:
    """An outbox row whose value is a number."""
    return {
        "shard": shard_of(key), "lane": LIVE, "topic": topic, "key": key, "event_id": uuid.uuid4(),
        "event_type": "approval.decided.v1", "value": str(number).encode(), "signature": "s..s", "kid": "hub-0",
    }  # fmt: skip


@dataclass
class Reporter:
    """A department's inspectors: they look at what arrived and write down what they found."""

    department: str
    store: Path  # its SQLite file, or its exchange folder
    log: Log
    seed: int
    pause: float = 0.12

    def __call__(self, stop: threading.Event) -> None:
        """Until told to stop."""
        chance = random.Random(self.seed)
        while not stop.wait(self.pause * chance.uniform(0.5, 1.5)):
            arrived = self._arrived()
            if arrived:
                self._report(chance.choice(arrived[-60:]), chance)

    def _arrived(self) -> list[str]:
        if self.store.is_dir():
            names = sorted(path.name for path in (self.store / "inbox").glob("*.json"))
            return [name.split("__")[0] for name in names]
        with closing(sqlite3.connect(self.store, timeout=60)) as db:
            return [row[0] for row in db.execute("SELECT case_no FROM shenguan_inbox ORDER BY case_no")]

    def _report(self, case_no: str, chance: random.Random) -> None:
        number = f"F-{self.log.next_finding:06d}"
        self.log.next_finding += 1
        at = FIRST_DAY + timedelta(minutes=chance.randrange(60 * 24 * 15))
        check_result, handling = chance.choice([("1", "1"), ("2", "2"), ("3", "2"), ("3", "3"), ("2", "3")])
        finding = Reported(self.department, number, case_no, at.isoformat(), check_result, handling)
        said = {
            "finding_no": number, "project_no": case_no, "inspected_at": finding.inspected_at,
            "inspectors": "示例己(990101-001)", "check_result": check_result, "handling": handling,
        }  # fmt: skip
        if self.store.is_dir():
            draft = self.store / "outbox" / f"{number}.tmp"
            draft.write_text(json.dumps(said, ensure_ascii=False), "utf-8")
            draft.rename(draft.with_suffix(".json"))
        else:
            with closing(sqlite3.connect(self.store, timeout=60)) as db, db:
                marks = ", ".join("?" * len(said))
                db.execute(
                    f"INSERT INTO shenguan_findings ({', '.join(said)}) VALUES ({marks})", list(said.values())
                )
        self.log.reported.append(finding)


@dataclass
class WebDecider:
    """An approver at the web form, who submits again whatever was not confirmed."""

    url: str
    password: str
    log: Log
    seed: int
    confirmed: int = 0

    def __call__(self, stop: threading.Event) -> None:
        """Until told to stop; what was begun is finished: it may be decided although no answer came."""
        number = 0
        with httpx.Client(base_url=self.url, timeout=30, follow_redirects=True, trust_env=False) as client:
            while not stop.is_set():
                number += 1
                self._until_confirmed(client, f"示网〔2026〕{self.seed}-{number}号")

    def _until_confirmed(self, client: httpx.Client, document_no: str) -> None:
        begun = time.monotonic()
        while not self._submitted(client, document_no):
            if time.monotonic() - begun > 230:
                raise AssertionError(f"never confirmed: {document_no}")
            threading.Event().wait(0.2)

    def _submitted(self, client: httpx.Client, document_no: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            page = client.get("/decide/")
            if "/login" in page.url.path:
                form = {"username": "approver", "password": self.password, "csrf_token": _token(page)}
                client.post("/login/", data=form)
                return False
            answer = client.post(
                "/decide/", data={**_FORM, "XK_WSH": document_no, "csrf_token": _token(page)}
            )
            shown = re.search(r"/cases/(?:show/)?(\d[\w-]+)", str(answer.url))
            known = re.search(r"已经登记过（办件 ([\w-]+)）", answer.text)
            found = shown or known
            if found:
                self.log.attempted.add(found[1])
                self.log.acknowledged.add(found[1])
                self.confirmed += 1
            return bool(found)
        self.log.errors.append("web: no answer")
        return False


def _token(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    return found[1] if found else ""


_FORM = {
    "item": "XK-001", "XK_XKLB": "普通", "XK_XDR_LB": "legal", "XK_XDR_MC": "示例饮食有限公司",
    "XK_XDR_SHXYM": uscc("91", "MA300000"), "XK_FRDB": "示例甲", "XK_XKWS": "准予行政许可决定书", "XK_JDRQ": "2026-11-20",
    "XK_NR": "示例：热食类食品制售", "XK_XKJG": OFFICES[0].name, "XK_XKJGDM": OFFICES[0].code, "XK_XKZS": "食品经营许可证",
    "XK_XKBH": "JY0001", "XK_YXQZ": "2026-11-20", "XK_YXQZI": "2031-11-19",
}  # fmt: skip
