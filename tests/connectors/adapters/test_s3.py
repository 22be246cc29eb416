"""A prefix in a bucket passes the adapter contract against the embedded object store."""

from __future__ import annotations

import contextlib
import io
import itertools
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.adapters.port import Answer
from connectors.errors import Misconfigured
from connectors.formats import Reading, Writing, read_rows, write_file
from schemas.connector.document import Endpoint, Flow
from storage.objects import ObjectStore
from tests.adapters.contract import (
    Checks,
    Collects,
    Delivers,
    GivesFiles,
    Refuses,
    Rehearses,
    RehearsesCollecting,
    Settles,
    collect_all,
)
from tests.adapters.counterpart import FIELDS, Counterpart, Record, Trouble, as_text, record
from tests.adapters.wire import Wire


class Prefix(Counterpart):
    """A department with an object store."""

    fails_at = {"away": "tcp", "secret": "sign_in", "place": "shape"}  # noqa: RUF012
    tells_null = False

    def __init__(self, parts: Any, bucket: str) -> None:
        host, _, port = parts.s3_endpoint.removeprefix("http://").partition(":")
        self.wire = Wire(host, int(port))
        self.secrets = (parts.s3_secret_key, "wrong" * 8)
        self.store = ObjectStore(
            parts.s3_endpoint, access_key=parts.s3_access_key, secret_key=parts.s3_secret_key, bucket=bucket
        )
        self.store.ensure_bucket()
        self.keys = {"access_key": parts.s3_access_key, "secret_key": parts.s3_secret_key}
        self._files = itertools.count(1)

    def open(self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False) -> Adapter:
        place: dict[str, Any] = {"folder": "in", "files_at": "files"}
        if out:
            place = {"folder": "out", "format": "csv", "per": "batch", "formula_safe": False}
        settings = {
            "endpoint": f"http://{self.wire.host}:{self.wire.port}",
            "bucket": "not-there" if trouble == "place" else self.store.bucket,
            "prefix": "exchange/示范",
        }
        keys = {**self.keys, "secret_key": "wrong" * 8} if trouble == "secret" else self.keys
        flow = Flow("f", "out" if out else "in", "x", "e", place)
        return open_adapter(
            Endpoint("e", "s3", settings), flow, Outside(keys, loopback_allowed=True, sandbox=sandbox)
        )

    def there(self, *, sandbox: bool = False) -> list[Record]:
        prefix = f"exchange/示范/{'sandbox/' if sandbox else ''}out/"
        names = [one.name for one in self.store.list(prefix) if "/." not in one.name]
        return [as_text(one, tells_null=False) for name in names for one in self._records(name)]

    def put(self, records: Sequence[Record], *, sandbox: bool = False) -> None:
        file = io.BytesIO()
        write_file(file, "csv", FIELDS, records, Writing(formula_safe=False))
        name = f"d-{next(self._files):03d}.csv"
        self.store.put_bytes(f"exchange/示范/{'sandbox/' if sandbox else ''}in/{name}", file.getvalue())

    def put_file(self, name: str, content: bytes) -> None:
        self.store.put_bytes(f"exchange/示范/in/files/{name}", content)

    def settled(self) -> dict[str, tuple[bool, str]]:
        names = [one.name for one in self.store.list("exchange/示范/in/")]
        shown: dict[str, tuple[bool, str]] = {}
        for name in names:
            if "/done/" in name or ("/failed/" in name and not name.endswith(".problems.csv")):
                shown |= {str(one["id"]): (True, "") for one in self._records(name)}
        for name in names:
            if name.endswith(".problems.csv"):
                shown |= {str(one["id"]): (False, str(one["说明"])) for one in self._records(name)}
        return shown

    def refused_record(self, number: int) -> Record:
        return record(number, note="空\0字符")

    def break_it(self) -> None:
        self.wire.cut()

    def mend_it(self) -> None:
        self.wire.mend()

    def _records(self, name: str) -> list[dict[str, Any]]:
        rows = read_rows(io.BytesIO(self.store.get_bytes(name)), "csv", Reading())
        return [dict(found) for _, found, fault in rows if fault is None]


@pytest.fixture
def counterpart(parts: Any, bucket: str) -> Iterator[Prefix]:
    made = Prefix(parts, bucket)
    yield made
    made.wire.cut()


class TestS3(Checks, Delivers, Refuses, Collects, Settles, Rehearses, RehearsesCollecting, GivesFiles):
    """The contract."""


def test_an_object_replaced_while_it_was_listed_is_read_as_it_is(counterpart: Prefix) -> None:
    """Claim: what changed between the listing and the reading is left for the next time, never mixed."""
    adapter = counterpart.open(out=False)
    counterpart.put([record(1)])
    shelf = adapter._shelf  # type: ignore[attr-defined]
    (listed,) = shelf.files("in")
    counterpart.store.put_bytes("exchange/示范/in/d-001.csv", b"id,name\nk-2,x\n")
    assert shelf.fetch("in", listed, io.BytesIO(), 1 << 20) is False
    assert [one.record["id"] for one in collect_all(adapter)[0]] == ["k-2"]
    adapter.close()


def test_a_crash_between_copy_and_removal_reads_nothing_twice(counterpart: Prefix) -> None:
    """Claim: an object that lies in done and still in the inbox is put away again, not read again."""
    adapter = counterpart.open(out=False)
    counterpart.put([record(1)])
    found, place = collect_all(adapter)
    adapter.settle([Answer(found[0], "e")])
    done = "exchange/示范/in/done/d-001.csv"
    counterpart.store.put_bytes("exchange/示范/in/d-001.csv", counterpart.store.get_bytes(done))
    assert collect_all(adapter, place)[0] == []
    names = [one.name.rpartition("/")[2] for one in counterpart.store.list("exchange/示范/in/")]
    assert names == ["d-001-2.csv", "d-001.csv"]
    adapter.close()


def test_only_allowed_addresses_are_dialled(counterpart: Prefix) -> None:
    """Claim: this machine and the clouds' metadata are refused, in the check and in every verb."""
    for host in (f"127.0.0.1:{counterpart.wire.port}", "169.254.169.254"):
        settings = {"endpoint": f"http://{host}", "bucket": counterpart.store.bucket}
        flow = Flow("f", "in", "x", "e", {})
        adapter = open_adapter(Endpoint("e", "s3", settings), flow, Outside(counterpart.keys))
        (*_, last) = adapter.check()
        assert (last.layer, last.ok) == ("address", False)
        with pytest.raises(Misconfigured, match="不允许连接"):
            adapter.collect("", 1)
        adapter.close()


def test_what_is_no_object_store_is_said(counterpart: Prefix, parts: Any) -> None:
    """Claim: a port on which something else answers fails at the sign-in, with advice."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.settimeout(60)
                with connection, contextlib.suppress(OSError):
                    connection.recv(4096)
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
                    )

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        settings = {"endpoint": f"http://127.0.0.1:{listening.getsockname()[1]}", "bucket": "some-bucket"}
        adapter = open_adapter(
            Endpoint("e", "s3", settings), None, Outside(counterpart.keys, loopback_allowed=True)
        )
        (*_, last) = adapter.check()
        adapter.close()
        listening.shutdown(socket.SHUT_RDWR)
        answering.join()
    assert (last.layer, last.ok) == ("sign_in", False), last
    assert last.advice
