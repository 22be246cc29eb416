"""What was accepted is there after a `kill -9`, at the same address."""

from __future__ import annotations

import io
import os
import signal
import stat

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from minio import Minio

from shenguan.embedded.installation import Installation
from shenguan.embedded.part import Part
from shenguan.embedded.ports import is_open
from shenguan.embedded.postgres import _attached
from shenguan.embedded.process import wait_until


def kill_hard(part: Part) -> None:
    """`kill -9` from outside, as a fault does it, and start again in the same place."""
    assert part.pid
    os.kill(part.pid, signal.SIGKILL)
    assert wait_until(lambda: not part.running, seconds=60)
    assert part.returncode == -signal.SIGKILL
    part.kill()
    part.start()


def test_database_keeps_what_was_committed(installation: Installation):
    """Rows committed before the kill are there after it, the open transaction's are not."""
    server = installation.postgres
    address = server.url()
    with server.connect() as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("truncate kept")
        connection.execute("insert into kept values (1)")
    torn = psycopg.connect(address.replace("+psycopg", ""))
    torn.execute("insert into kept values (2)")
    kill_hard(server)
    with pytest.raises(psycopg.OperationalError):
        torn.execute("select 1")
    torn.close()
    assert server.url() == address
    with server.connect() as connection:
        assert connection.execute("select n from kept").fetchall() == [(1,)]


def test_programs_get_a_role_without_power(installation: Installation):
    """The role of our programs owns its database and may read no file of the server."""
    url = installation.postgres.ensure_database("word-of-the-role").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("create table mine (n int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select pg_read_file('/etc/hostname')")


def test_database_asks_for_the_password(installation: Installation):
    """No connection without the right password, also from this machine."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(installation.postgres.url(password="wrong").replace("+psycopg", ""))


def test_stale_lock_of_an_unrelated_process(installation: Installation):
    """A postmaster.pid whose number now belongs to something else does not stop the database from starting."""
    server = installation.postgres
    server.kill()
    lock = server.directory / "data" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    assert wait_until(lambda: _attached(int(lines[6].split()[1])) == 0, seconds=60)
    lines[0] = str(os.getppid())
    lock.write_text("\n".join(lines) + "\n")
    server.start()
    assert server.healthy()


def test_store_keeps_objects_and_refuses_strangers(installation: Installation):
    """An acknowledged object is there after the kill; a wrong key gets nothing."""
    store = installation.object_store
    client = Minio(
        endpoint=store.endpoint.removeprefix("http://"),
        access_key=store.access_key,
        secret_key=store.secret_key,
        secure=False,
    )
    store.ensure_bucket("kept")
    store.ensure_bucket("kept")
    body = os.urandom(300_000)
    client.put_object(bucket_name="kept", object_name="a/材料", data=io.BytesIO(body), length=len(body))
    endpoint = store.endpoint
    kill_hard(store)
    assert store.endpoint == endpoint
    answer = client.get_object(bucket_name="kept", object_name="a/材料")
    try:
        assert answer.read() == body
    finally:
        answer.close()
        answer.release_conn()
    right, store.secret_key = store.secret_key, "wrong" * 8
    try:
        assert not store.healthy()
    finally:
        store.secret_key = right
    assert stat.S_IMODE((store.directory / "s3.json").stat().st_mode) == 0o600


@pytest.mark.faults
def test_broker_keeps_records_and_offsets(installation: Installation):
    """Acknowledged records and committed offsets are there after broker and store were both killed."""
    broker = installation.broker
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    for n in range(50):
        producer.send("kept", key=b"k", value=str(n).encode(), partition=0).get(timeout=60)
    producer.close()
    first = _consume(broker.bootstrap, 20)
    assert first == [str(n) for n in range(20)]
    bootstrap = broker.bootstrap
    kill_hard(installation.object_store)
    kill_hard(broker)
    assert broker.bootstrap == bootstrap
    assert _consume(bootstrap, 30) == [str(n) for n in range(20, 50)]


def _consume(bootstrap: str, count: int) -> list[str]:
    """Read that many records of the group and commit exactly these."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id="kept",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_poll_records=1,  # a poll may give fewer than asked: only one by one are they exactly as many
    )
    try:
        consumer.assign([TopicPartition("kept", 0)])
        values: list[str] = []

        def enough() -> bool:
            for records in consumer.poll(timeout_ms=500).values():
                values.extend(record.value.decode() for record in records)
            return len(values) >= count

        assert wait_until(enough, seconds=60)
        consumer.commit()
        return values
    finally:
        consumer.close()


def test_stop_closes_every_port_and_leaves_no_socket(installation: Installation):
    """After a stop no port is open; a later start finds the same ones and works."""
    numbers = [n for name, n in installation.ports.items() if name != "web"]
    assert sum(is_open(n) for n in numbers) >= 9
    for part in reversed(installation.parts):
        part.stop()
    assert not [n for n in numbers if is_open(n)]
    # Another installation on this machine may hold the port that everybody prefers for the web.
    before, after = installation.ports, Installation(installation.data).ports
    assert {**after, "web": 0} == {**before, "web": 0}
    installation.start(lambda part, state: None)
    assert all(part.healthy() for part in installation.parts)
