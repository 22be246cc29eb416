"""Collects both ends of a run into a History: the hub's tables, the departments' own stores, the numbered topic, the ledger.

Guarantees: reads only; waits, with a bound, until nothing moves any more, and says what still did when it does not end.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import Connection, Engine, select, text

from hub.case import Decision
from hub.exchange.outbox import OutboxRow
from hub.feedback.finding import Finding
from hub.licensing.licence import FROZEN, Hold, Licence
from hub.noticing.notice import Notice
from hub.pushing.push import Push as PushRow
from hub.pushing.push import Receipt as ReceiptRow
from schemas import loads
from tests.faults.history import Delivered, History, Push, Receipt, by_key
from tests.faults.load import Log, numbers_topic

_WAITING = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS unpublished,
  (SELECT count(*) FROM pushes WHERE state IN ('owed', 'arrived')) AS unsigned,
  (SELECT count(*) FROM parked_keys) AS parked,
  (SELECT count(*) FROM ledger_unsealed) AS unsealed,
  (SELECT count(*) FROM findings) AS findings,
  (SELECT count(*) FROM quarantine) AS quarantined
"""


def waiting(engine: Engine, *, findings: int, sealed: bool = True) -> dict[str, int]:
    """What still moves; empty when all is quiet and every finding is there."""
    with engine.connect() as tx:
        found = dict(tx.execute(text(_WAITING)).one()._mapping)
    found["findings"] = findings - found["findings"]
    if not sealed:
        del found["unsealed"]
    return {name: count for name, count in found.items() if count}


def until_quiet(engine: Engine, log: Log, *, seconds: float, sealed: bool = True) -> float:
    """Wait until nothing moves; how long it took. Errors of a part that is just coming back are waited out."""
    begun, left = time.monotonic(), "nothing could be asked"
    while time.monotonic() - begun < seconds:
        try:
            moving = waiting(engine, findings=len(log.reported), sealed=sealed)
        except Exception as error:
            left = f"{type(error).__name__}: {error}"
        else:
            if not moving:
                return time.monotonic() - begun
            left = str(moving)
        time.sleep(0.2)
    raise AssertionError(f"not quiet after {seconds} s: {left}")


def collect(engine: Engine, log: Log, *, stores: dict[str, Path], area: str, bootstrap: str) -> History:
    """Everything the verdict needs."""
    history = History(
        acknowledged=set(log.acknowledged),
        attempted=set(log.attempted),
        departments=tuple(stores),
        delivered={code: list(_delivered(store)) for code, store in stores.items()},
        reported=list(log.reported),
        numbered=dict(log.numbered),
        seen=_seen(bootstrap, numbers_topic(area), expected=sum(log.numbered.values())),
    )
    with engine.connect() as tx:
        _from_hub(tx, history)
    return history


def _from_hub(tx: Connection, history: History) -> None:
    history.decisions = list(tx.execute(select(Decision.case_no)).scalars())
    history.pushes = [
        Push(str(row.event_id), row.case_no, row.department, row.state)
        for row in tx.execute(select(PushRow.event_id, PushRow.case_no, PushRow.department, PushRow.state))
    ]
    packages = select(OutboxRow.event_id).where(
        OutboxRow.event_type == "approval.decided.v1", OutboxRow.topic.not_like("%.numbers.in")
    )
    history.outbox = [str(event_id) for event_id in tx.execute(packages).scalars()]
    receipts = select(PushRow.event_id, ReceiptRow.kind, ReceiptRow.event_id.label("receipt")).join(
        PushRow, PushRow.id == ReceiptRow.push_id
    )
    history.receipts = [Receipt(str(row.event_id), row.kind, row.receipt) for row in tx.execute(receipts)]
    findings = select(Finding.department, Finding.finding_no, Finding.case_no)
    history.findings = [(row.department, row.finding_no, row.case_no) for row in tx.execute(findings)]
    notices = select(Notice.case_no).where(Notice.audience == "clerk")
    history.notices = [str(case_no) for case_no in tx.execute(notices).scalars()]
    held = select(Licence.case_no, Hold.department).join(Licence, Licence.id == Hold.licence_id)
    history.held = [(row.case_no, row.department) for row in tx.execute(held.where(Hold.lifted_at.is_(None)))]
    history.frozen = list(tx.execute(select(Licence.case_no).where(Licence.status == FROZEN)).scalars())


def _delivered(store: Path) -> Iterable[Delivered]:
    if store.is_dir():
        for file in (store / "inbox").glob("*.json"):
            event = loads(file.read_bytes())  # a file that is not whole fails here
            yield Delivered(event["id"], event["subject"])
        return
    with closing(sqlite3.connect(store, timeout=60)) as db:
        for event_id, case_no, package in db.execute("SELECT event_id, case_no, package FROM shenguan_inbox"):
            assert loads(package)["case"]["project_no"] == case_no
            yield Delivered(event_id, case_no)


def _seen(bootstrap: str, topic: str, *, expected: int) -> dict[str, list[int]]:
    """The whole numbered topic, read by a plain client that has nothing of ours in it.

    The embedded broker was once seen to give an end that did not yet count a record it had acknowledged; so a topic that
    seems short is read again for a while before anything is called lost.
    """
    if not expected:
        return {}
    deadline = time.monotonic() + 60
    while True:
        found = [(message.key.decode(), int(message.value)) for message in read_topic(bootstrap, topic)]
        if len(set(found)) >= expected or time.monotonic() > deadline:
            return by_key(found)
        print(f"{topic} seems short: {len(set(found))} of {expected}; reading it again")
        time.sleep(0.5)


def read_topic(bootstrap: str, topic: str, *, seconds: float = 120.0) -> list[Any]:
    """Every record of a topic, each partition from its beginning to its end of now."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=50, request_timeout_ms=30_000
    )
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends, found = consumer.end_offsets(places), list[Any]()
        deadline = time.monotonic() + seconds
        while any(consumer.position(place) < ends[place] for place in places):
            assert time.monotonic() < deadline, f"{topic} was not read to its end"
            for records in consumer.poll(300, max_records=5000).values():
                found += records
    finally:
        consumer.close()
    return sorted(found, key=lambda message: (message.partition, message.offset))
