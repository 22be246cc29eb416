"""The layers below every protocol, each failing in its own way against real sockets, with words and advice."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.adapters.outside import Outside
from connectors.adapters.port import Step
from connectors.adapters.reachable import Target, reach
from connectors.adapters.tls import Identity, tls_context
from connectors.errors import Misconfigured
from tests.connectors.adapters import pki

OPEN = Outside(loopback_allowed=True)
Serve = Callable[..., int]


@pytest.fixture(scope="module")
def ca() -> pki.Pair:
    return pki.authority()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that shakes hands (or, without a context, says nothing), until the test ends."""
    with contextlib.ExitStack() as held:
        yield lambda context=None: held.enter_context(_server(context))


@contextlib.contextmanager
def _server(context: ssl.SSLContext | None) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.settimeout(60)
            with connection, contextlib.suppress(OSError):
                if context is None:
                    connection.recv(1)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                else:
                    with context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(60)


def steps(target: Target, outside: Outside = OPEN) -> list[Step]:
    found = list(reach(target, outside, timeout=60))
    assert all(one.ok for one in found[:-1])
    return found


def test_a_good_place_passes_every_layer(ca: pki.Pair, serve: Serve, tmp_path: Path) -> None:
    """Address, TCP and TLS are said in this order, with the certificate's days; few days left come with advice."""
    port = serve(pki.make(ca).context(tmp_path))
    found = steps(Target("127.0.0.1", port, tls_context(ca.pem)))
    assert [(one.layer, one.ok) for one in found] == [("address", True), ("tcp", True), ("tls", True)]
    assert "还有 90 天到期" in found[-1].words
    assert found[-1].advice == ""
    port = serve(pki.make(ca, days=3).context(tmp_path))
    assert "还有 3 天到期" in steps(Target("127.0.0.1", port, tls_context(ca.pem)))[-1].advice


def test_a_name_is_a_layer_of_its_own(serve: Serve) -> None:
    """A host name says what it resolves to; one that does not resolve stops there."""
    found = steps(Target("localhost", serve()))
    assert [one.layer for one in found] == ["address", "name", "tcp"]
    assert "127.0.0.1" in found[1].words
    found = steps(Target("nobody.invalid", 80))
    assert [(one.layer, one.ok) for one in found] == [("address", True), ("name", False)]
    assert "IP 地址" in found[-1].advice


def test_a_forbidden_address_is_not_even_tried() -> None:
    """The first layer refuses it, with a sentence."""
    (only,) = steps(Target("169.254.169.254", 80))
    assert (only.layer, only.ok) == ("address", False)
    assert "元数据" in only.words


def test_a_closed_port_says_so() -> None:
    """Refused and silent ports are told apart."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    last = steps(Target("127.0.0.1", port))[-1]
    assert (last.layer, last.ok) == ("tcp", False)
    assert "没有程序在听" in last.words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("expired", "已过期"),
        ("wrong name", "不是签给这个主机名"),
        ("self-signed", "自签"),
        ("unknown authority", "签发机构不受本机信任"),
        ("old protocol", "没有共同的 TLS 版本"),
        ("no tls", "说的不是 TLS"),
    ],
)
def test_every_bad_handshake_has_its_cause(
    ca: pki.Pair, serve: Serve, tmp_path: Path, kind: str, words: str
) -> None:
    """Each of the usual faults of certificates and handshakes is named, with advice."""
    pairs = {
        "expired": pki.make(ca, days=-1),
        "wrong name": pki.make(ca, host="other.test"),
        "self-signed": pki.make(),
        "unknown authority": pki.make(pki.authority("else.test")),
        "old protocol": pki.make(ca),
    }
    context = pairs[kind].context(tmp_path) if kind in pairs else None
    if kind == "old protocol" and context is not None:
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    last = steps(Target("127.0.0.1", serve(context), tls_context(ca.pem)))[-1]
    assert (last.layer, last.ok) == ("tls", False)
    assert words in last.words
    assert last.advice


def test_a_self_signed_certificate_can_be_trusted_itself(serve: Serve, tmp_path: Path) -> None:
    """Pasted as the authority, a server's own certificate is enough; there is no switch that trusts everybody."""
    own = pki.make()
    assert steps(Target("127.0.0.1", serve(own.context(tmp_path)), tls_context(own.pem)))[-1].ok


def test_the_name_on_the_certificate_can_be_set(ca: pki.Pair, serve: Serve, tmp_path: Path) -> None:
    """Reached by number, a certificate is checked for the name that was set."""
    port = serve(pki.make(ca, host="oa.example.test").context(tmp_path))
    assert steps(Target("127.0.0.1", port, tls_context(ca.pem), "oa.example.test"))[-1].ok


def test_pasted_certificates_that_are_none_are_refused_with_words(ca: pki.Pair) -> None:
    """Neither a broken authority nor a key of another certificate passes."""
    with pytest.raises(Misconfigured, match="CA 证书"):
        tls_context("not a certificate")
    with pytest.raises(Misconfigured, match="不成对"):
        tls_context(ca.pem, Identity(pki.make(ca).pem, pki.make(ca).key_pem))
