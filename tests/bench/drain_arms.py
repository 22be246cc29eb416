"""The arms of the relay benchmark: the relay's own inner loop, and the bare loop it is held against.

Both empty a backlog of the same rows, 1000 at a time, into the same topics with the same client settings and headers. The
bare loop knows neither shards, lanes, order per key, parked keys nor partitions: one plain table, SKIP LOCKED, one producer.
"""

from __future__ import annotations

import secrets
import time
import uuid

import psycopg
from kafka import KafkaProducer

from connectors.bus import BusSettings, Producer
from connectors.relay.drain import CONTENT_TYPE, Drain
from connectors.session import Session, libpq_url
from hub.exchange.outbox import BULK, LIVE, shard_of

BATCH = 1000
_COLUMNS = "shard, lane, topic, key, event_id, event_type, value, signature, kid"
_BARE = """
CREATE TABLE IF NOT EXISTS bare_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL, value bytea NOT NULL,
  signature text NOT NULL, kid text NOT NULL, published_at timestamptz);
CREATE INDEX IF NOT EXISTS bare_waiting ON bare_outbox (id) WHERE published_at IS NULL
"""


def fill(database_url: str, topics: list[str], *, count: int, size: int, bulk: bool = False) -> None:
    """The same `count` rows into the outbox and into the bare table."""
    value, signature, kid = secrets.token_bytes(size), "x" * 140, "hub-0123456789abcdef"
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        for statement in _BARE.split(";"):
            connection.execute(statement)
        connection.execute("TRUNCATE bare_outbox")
        connection.execute("TRUNCATE outbox")
        with connection.cursor().copy(f"COPY outbox ({_COLUMNS}) FROM STDIN") as copy:
            for number in range(count):
                key = f"99010120261120{number:012d}"
                topic = topics[number % len(topics)]
                lane = BULK if bulk else LIVE
                copy.write_row(
                    (
                        shard_of(key),
                        lane,
                        topic,
                        key,
                        uuid.uuid4(),
                        "approval.decided.v1",
                        value,
                        signature,
                        kid,
                    )
                )
        connection.execute(
            "INSERT INTO bare_outbox (topic, key, value, signature, kid)"
            " SELECT topic, key, value, signature, kid FROM outbox ORDER BY id"
        )
        connection.execute("VACUUM ANALYZE outbox")
        connection.execute("VACUUM ANALYZE bare_outbox")
        connection.execute("CHECKPOINT") if _superuser(connection) else None


def _superuser(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


def bare(database_url: str, bus: BusSettings, count: int) -> tuple[float, float]:
    """Wall and CPU seconds of the bare loop over everything in its table."""
    producer = KafkaProducer(
        bootstrap_servers=bus.bootstrap,
        acks="all",
        batch_size=bus.batch_size,
        linger_ms=5,
        metrics_enabled=False,
    )
    for topic in _topics(database_url):
        producer.partitions_for(topic)
    with psycopg.connect(libpq_url(database_url)) as connection:
        begun, cpu = time.perf_counter(), time.process_time()
        done = 0
        while True:
            rows = connection.execute(
                "SELECT id, topic, key, value, signature, kid FROM bare_outbox WHERE published_at IS NULL"
                f" ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED"
            ).fetchall()
            if not rows:
                break
            futures = [
                producer.send(
                    topic,
                    value=value,
                    key=key.encode(),
                    headers=[
                        ("signature", signature.encode()),
                        ("kid", kid.encode()),
                        ("content-type", CONTENT_TYPE),
                    ],
                )
                for _, topic, key, value, signature, kid in rows
            ]
            producer.flush()
            assert all(future.succeeded() for future in futures)
            connection.execute(
                "UPDATE bare_outbox SET published_at = now() WHERE id = ANY(%s)", ([row[0] for row in rows],)
            )
            connection.commit()
            done += len(rows)
        taken = time.perf_counter() - begun, time.process_time() - cpu
    producer.close()
    assert done == count, f"{done} of {count}"
    return taken


def ours(database_url: str, bus: BusSettings, count: int) -> tuple[float, float]:
    """Wall and CPU seconds of the relay's loop, all shards held."""
    producer, session = Producer(bus), Session(database_url, name="bench")
    try:
        drain = Drain(session, producer, bus)
        drain.shards.rebalance()
        producer.warm(_topics(database_url))
        begun, cpu = time.perf_counter(), time.process_time()
        done = 0
        while sent := drain.step():
            done += sent
        taken = time.perf_counter() - begun, time.process_time() - cpu
    finally:
        session.close()
        producer.close()
    assert done == count, f"{done} of {count}"
    return taken


def _topics(database_url: str) -> list[str]:
    with psycopg.connect(libpq_url(database_url)) as connection:
        return [row[0] for row in connection.execute("SELECT DISTINCT topic FROM bare_outbox").fetchall()]
