"""A prefix in a bucket passes the adapter contract against the embedded object store."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.formats import Reading, Writing, read_rows, write_file
from schemas.connector.document import Endpoint, Flow
from storage.objects import ObjectStore
from tests.adapters.contract import (
    Checks,
    Collects,
    Delivers,
    Refuses,
    Rehearses,
    RehearsesCollecting,
    Settles,
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
        place: dict[str, Any] = {"folder": "in"}
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


class TestS3(Checks, Delivers, Refuses, Collects, Settles, Rehearses, RehearsesCollecting):
    """The contract."""
