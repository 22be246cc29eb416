"""HTTP passes the contract suite against a real server over TLS: one record at a time, and several at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.adapters import open_adapter
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter
from schemas.connector.document import Endpoint, Flow
from schemas.connector.kinds import secret_faults, settings_faults
from tests.adapters.contract import (
    Checks,
    Collects,
    Delivers,
    GivesFiles,
    Refuses,
    Rehearses,
    RehearsesCollecting,
    Settles,
)
from tests.adapters.counterpart import Counterpart, Record, Trouble, as_text, record
from tests.connectors.adapters import pki
from tests.connectors.adapters.http_system import API_KEY, CLIENT_SECRET, HttpSystem

IN = {"path": "/findings", "list_path": "data.list", "id_field": "id", "settle_path": "/findings/answers"}
IN |= {"files_at": "/files/{name}"}
OUT = {"path": "/receive", "wrap": "data", "success_field": "code", "success_values": "0"}


class HttpCounterpart(Counterpart):
    """The system, and how it is reached with an API key."""

    secrets = (API_KEY, CLIENT_SECRET, "wrong-key-000")

    def __init__(self, folder: Path, ca: pki.Pair, out: dict[str, Any]) -> None:
        self.system = HttpSystem(pki.make(ca).context(folder))
        self.system.start()
        self._ca = ca.pem
        self._out = out

    def open(self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False) -> Adapter:
        place = {**(self._out if out else IN)}
        if trouble == "place":
            place["path"] = "/nowhere"
        endpoint = Endpoint(
            "oa",
            "http",
            {
                "address": self.system.address,
                "auth": "api_key",
                "authority": self._ca,
                "check_path": "/nowhere" if trouble == "place" else "/health",
                "patience_seconds": 60,
                **({} if out else {"sandbox_address": self.system.address + "/trial"}),
            },
            {"api_key": "sealed"},
        )
        flow = Flow("f", "out" if out else "in", "approval.decided.v1" if out else "finding", "oa", place)
        assert settings_faults("http", "settings", endpoint.settings) == []
        assert secret_faults(endpoint) == []
        assert settings_faults("http", flow.direction, place) == []
        key = "wrong-key-000" if trouble == "secret" else API_KEY
        return open_adapter(endpoint, flow, Outside({"api_key": key}, loopback_allowed=True, sandbox=sandbox))

    def there(self, *, sandbox: bool = False) -> list[Record]:
        time.sleep(0.001)  # who looks all the time leaves the server, in this very process, no time to answer
        return [as_text(one) for one in list(self.system.taken[sandbox].values())]

    def put(self, records: Sequence[Record], *, sandbox: bool = False) -> None:
        self.system.listed[sandbox] += [dict(one) for one in records]

    def put_file(self, name: str, content: bytes) -> None:
        self.system.files[f"/files/{name}"] = content

    def settled(self) -> dict[str, tuple[bool, str]]:
        return dict(self.system.settled)

    def refused_record(self, number: int) -> Record:
        return record(number, day="bad")

    def break_it(self) -> None:
        self.system.stop()

    def mend_it(self) -> None:
        self.system.start()

    def close(self) -> None:
        self.system.stop()


@pytest.fixture(scope="module")
def ca() -> pki.Pair:
    return pki.authority()


class TestOneByOne(Checks, Delivers, Refuses, Collects, Settles, Rehearses, RehearsesCollecting, GivesFiles):
    """One request for each record."""

    @pytest.fixture
    def counterpart(self, tmp_path: Path, ca: pki.Pair) -> Iterator[Counterpart]:
        made = HttpCounterpart(tmp_path, ca, OUT)
        yield made
        made.close()


class TestSeveralAtOnce(Delivers, Refuses):
    """A list in each request."""

    @pytest.fixture
    def counterpart(self, tmp_path: Path, ca: pki.Pair) -> Iterator[Counterpart]:
        made = HttpCounterpart(tmp_path, ca, {**OUT, "together": True, "batch_size": 20})
        yield made
        made.close()


def test_an_endpoint_without_a_flow_can_be_checked(tmp_path: Path, ca: pki.Pair) -> None:
    """Claim: before there is any flow, the endpoint itself is reached and signed in to."""
    system = HttpSystem(pki.make(ca).context(tmp_path))
    system.start()
    settings = {"address": system.address, "auth": "api_key", "authority": ca.pem, "check_path": "/health"}
    outside = Outside({"api_key": API_KEY}, loopback_allowed=True)
    adapter = open_adapter(Endpoint("oa", "http", settings), None, outside)
    assert [(one.layer, one.ok) for one in adapter.check()] == [
        ("address", True), ("tcp", True), ("tls", True), ("sign_in", True), ("permission", True), ("shape", True),
    ]  # fmt: skip
    assert adapter.columns() == ()
    adapter.close()
    system.stop()
