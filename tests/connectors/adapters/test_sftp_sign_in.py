"""Signing in to an SFTP server by password, with a server of paramiko's own; everything else is tried against OpenSSH."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.adapters.port import AdapterUnavailable, Step
from schemas.connector.document import Endpoint, Flow


class _Doorman(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == ("scjg", "示范-口令 1")
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Files(paramiko.SFTPServerInterface):
    def list_folder(self, path: str) -> Any:
        return [paramiko.SFTPAttributes.from_stat(os.stat("/"), "folder")]

    def canonicalize(self, path: str) -> str:
        return path


@dataclass
class Server:
    port: int
    key: paramiko.PKey

    def open(self, password: str, flow: Flow | None = None, **settings: Any) -> Adapter:
        said = {"host": "127.0.0.1", "port": self.port, "user": "scjg", "host_key": self.key.fingerprint}
        outside = Outside({"password": password}, loopback_allowed=True)
        return open_adapter(Endpoint("e", "sftp", {**said, **settings}), flow, outside)


@pytest.fixture
def server() -> Iterator[Server]:
    """Answers until it is closed."""
    key = paramiko.ECDSAKey.generate()
    listening = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def answer() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transports.append(transport)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            # a caller who does not like the key may hang up at any byte
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Doorman())

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    yield Server(listening.getsockname()[1], key)
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    answering.join(60)
    for transport in transports:
        transport.close()
        transport.join(60)


def steps(adapter: Adapter) -> list[Step]:
    try:
        return list(adapter.check())
    finally:
        adapter.close()


def test_the_right_password_opens(server: Server) -> None:
    """Claim: every layer holds, Chinese and blanks in the password included."""
    found = steps(server.open("示范-口令 1"))
    assert [(one.layer, one.ok) for one in found] == [
        ("address", True), ("tcp", True), ("tls", True), ("sign_in", True), ("permission", True),
    ]  # fmt: skip


def test_a_wrong_password_is_said_without_saying_it(server: Server) -> None:
    """Claim: the sign-in fails with advice; the password stands in no word, neither then nor when delivering."""
    found = steps(server.open("wrong-wrong"))
    assert (found[-1].layer, found[-1].ok) == ("sign_in", False)
    assert "wrong-wrong" not in repr(found)
    adapter = server.open("wrong-wrong", Flow("f", "in", "x", "e", {"folder": ""}))
    with pytest.raises(AdapterUnavailable, match="拒绝了用户 scjg 的登录") as caught:
        adapter.collect("", 1)
    assert "wrong-wrong" not in repr(caught.value)


def test_no_password_is_given_to_a_stranger(server: Server, tmp_path: Path) -> None:
    """Claim: a server with another key is turned away before name and password, and its fingerprint is told."""
    found = steps(server.open("示范-口令 1", host_key="SHA256:" + "A" * 43))
    assert (found[-1].layer, found[-1].ok, found[-1].detail) == ("tls", False, server.key.fingerprint)


def test_an_address_that_is_not_allowed_is_not_dialled(server: Server) -> None:
    """Claim: this machine and the clouds' metadata are refused before anything is sent."""
    for host in ("127.0.0.1", "169.254.169.254", "localhost"):
        said = {"host": host, "port": server.port, "user": "scjg", "host_key": server.key.fingerprint}
        (*_, last) = steps(open_adapter(Endpoint("e", "sftp", said), None, Outside({"password": "x"})))
        assert (last.layer, last.ok) == ("address", False)
