"""The servers that all other tests stand on."""

from __future__ import annotations

import socket

import psycopg
from sqlalchemy.engine import make_url

from shenguan.embedded.ports import is_open


def test_each_test_gets_a_database_of_its_own(parts, empty_database_url):
    """The database is empty, UTF-8, in UTC, and its owner is no superuser."""
    url = make_url(empty_database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select current_setting('server_encoding'), current_setting('timezone'), usesuper,"
            " (select count(*) from pg_tables where schemaname = 'public')"
            " from pg_user where usename = current_user"
        ).fetchone()
    assert row == ("UTF8", "UTC", False, 0)


def test_broker_and_store_answer(parts):
    """The addresses handed out are open, on the loopback address only."""
    for address in (parts.kafka_bootstrap, parts.s3_endpoint.removeprefix("http://")):
        host, port = address.split(":")
        assert host == "127.0.0.1"
        assert is_open(int(port))
        outside = socket.gethostbyname(socket.gethostname())
        if not outside.startswith("127."):
            with socket.socket() as probe:
                probe.settimeout(1)
                assert probe.connect_ex((outside, int(port))) != 0
