"""SFTP passes the adapter contract against OpenSSH, and trusts nobody but the key that was set."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ed25519

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.adapters.port import Answer
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow
from tests.adapters.conftest import SftpAt
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
    deliver,
)
from tests.adapters.counterpart import Trouble, record
from tests.adapters.wire import Wire
from tests.connectors.adapters.test_folder import IN, OUT, Folder


def fingerprint(host_key: str) -> str:
    """As ssh-keygen shows it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def another_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.OpenSSH, pem.NoEncryption()).decode()


class Sftp(Folder):
    """The same folder, behind an SFTP server."""

    fails_at = {"away": "tcp", "secret": "sign_in", "place": "shape"}  # noqa: RUF012

    def __init__(self, at: SftpAt) -> None:
        self.at, self.wire = at, Wire(at.host, at.port)
        super().__init__(at.home, {"format": "csv", "per": "batch"})
        self.secrets = (at.key.splitlines()[1],)
        self.settings = {
            "host": self.wire.host,
            "port": self.wire.port,
            "user": at.user,
            "sign_in": "key",
            "host_key": fingerprint(at.host_key),
            "root": f"{at.home.name}/exchange",
        }

    def open(
        self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False, **settings: Any
    ) -> Adapter:
        place = {**OUT, **self.place} if out else {**IN, "format": self.kind}
        if trouble == "place":
            place["folder"] = "nowhere"
        key = another_key() if trouble == "secret" else self.at.key
        outside = Outside({"private_key": key}, loopback_allowed=True, sandbox=sandbox)
        flow = Flow("f", "out" if out else "in", "x", "e", place)
        return open_adapter(Endpoint("e", "sftp", {**self.settings, **settings}), flow, outside)

    def break_it(self) -> None:
        self.wire.cut()

    def mend_it(self) -> None:
        self.wire.mend()


@pytest.fixture
def counterpart(sftp_server: SftpAt) -> Iterator[Sftp]:
    made = Sftp(sftp_server)
    yield made
    made.wire.cut()


class TestSftp(Checks, Delivers, Refuses, Collects, Settles, Rehearses, RehearsesCollecting, GivesFiles):
    """The contract."""


def test_an_unknown_server_is_shown_and_refused(counterpart: Sftp) -> None:
    """Claim: without a fingerprint, or with another one, nothing is delivered, and the one that was shown is named."""
    shown = fingerprint(counterpart.at.host_key)
    for wrong in ("", "SHA256:" + "A" * 43):
        adapter = counterpart.open(host_key=wrong)
        (*_, last) = adapter.check()
        assert (last.layer, last.ok) == ("tls", False)
        assert shown in last.words
        with pytest.raises(AdapterUnavailable):
            deliver(adapter, [record(1)])
        adapter.close()
    assert counterpart.there() == []


def test_something_else_on_the_port(counterpart: Sftp) -> None:
    """Claim: a port on which something else answers is said to be no SFTP server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            for _ in range(2):  # the look at the port, then the handshake
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        adapter = counterpart.open(port=listening.getsockname()[1])
        (*_, last) = adapter.check()
        adapter.close()
        answering.join()
    assert (last.layer, last.ok) == ("tls", False)


def test_a_broken_wire_leaves_no_half_file(counterpart: Sftp) -> None:
    """Claim: cut off in the middle of a large file, nothing is seen; delivered again, it is there once."""
    adapter = counterpart.open()
    batch = [record(n, note="长" * 20_000) for n in range(40)]
    counterpart.wire.delay = 0.05
    threading.Timer(0.4, counterpart.break_it).start()
    with pytest.raises(AdapterUnavailable):
        deliver(adapter, batch)
    assert counterpart.there() == []
    counterpart.wire.delay = 0
    counterpart.mend_it()
    assert deliver(adapter, batch) == [None] * 40
    assert counterpart.there() == batch
    adapter.close()


def test_names_that_are_no_utf8(counterpart: Sftp) -> None:
    """Claim: a name in GBK, as old Windows servers give it, holds up nothing: read, answered, put away under its name."""
    inbox = counterpart.root / "in"
    odd = os.fsdecode("检查结果".encode("gbk")) + ".csv"
    (inbox / odd).write_text("id,name\n1,甲\n")
    (inbox / "检查 结果.csv").write_text("id,name\n2,乙\n")
    adapter = counterpart.open(out=False)
    found, place = collect_all(adapter)
    assert sorted(str(one.record["id"]) for one in found) == ["1", "2"]
    adapter.settle([Answer(one, "e") for one in found])
    assert sorted(path.name for path in (inbox / "done").iterdir()) == sorted([odd, "检查 结果.csv"])
    assert collect_all(adapter, place)[0] == []
    adapter.close()


def test_a_key_of_another_kind_is_said(counterpart: Sftp) -> None:
    """Claim: what is no private key is refused with words, none of them from the key."""
    flow = Flow("f", "out", "x", "e", {**OUT, **counterpart.place})
    outside = Outside({"private_key": "-----BEGIN NOTHING-----\nc2VjcmV0\n"}, loopback_allowed=True)
    with pytest.raises(Misconfigured, match="私钥读不懂") as caught:
        open_adapter(Endpoint("e", "sftp", counterpart.settings), flow, outside)
    assert "c2VjcmV0" not in str(caught.value)
