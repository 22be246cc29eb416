"""Ports are chosen once and kept."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shenguan.embedded import ports


def occupied() -> tuple[socket.socket, int]:
    taken = socket.socket()
    taken.bind((ports.HOST, 0))
    taken.listen()
    return taken, taken.getsockname()[1]


def test_remembered_ports_come_back(tmp_path: Path):
    """A second start gets the same numbers; a name added later gets one of its own."""
    file = tmp_path / "ports.json"
    first = ports.remember(file, ["postgres", "broker"])
    second = ports.remember(file, ["postgres", "broker", "filer"])
    assert {name: second[name] for name in first} == first
    assert len(set(second.values())) == 3


def test_taken_port_is_replaced_when_nobody_configured_it(tmp_path: Path):
    """A remembered port that somebody took meanwhile is chosen anew."""
    file = tmp_path / "ports.json"
    taken, port = occupied()
    with taken:
        file.write_text(json.dumps({"broker": port}))
        assert ports.remember(file, ["broker"])["broker"] != port


def test_two_who_choose_at_the_same_moment_choose_differently() -> None:
    """What another process has chosen and does not use yet is not chosen, until that process has gone."""
    chooses = "from shenguan.embedded.ports import choose; print(*choose('a', remembered={}, configured={}).values())"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", f"{chooses}; input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert ports.is_free(port)
        assert ports.choose(["b"], remembered={"b": port}, configured={})["b"] != port
        other.communicate("\n")
    assert ports.choose(["b"], remembered={"b": port}, configured={})["b"] == port


def test_what_another_users_killed_store_left_behind_is_avoided(monkeypatch: pytest.MonkeyPatch):
    """A port whose socket in /tmp is another user's is chosen anew, one's own and root's choice are kept."""
    port = ports.choose(["filer"], remembered={}, configured={})["filer"]
    left = Path(f"/tmp/seaweedfs-filer-{port}.sock")
    owner = os.geteuid()
    left.touch()
    try:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        assert ports.choose(["filer"], remembered={"filer": port}, configured={})["filer"] != port
        for reader in (owner, 0):
            monkeypatch.setattr(os, "geteuid", lambda reader=reader: reader)
            assert ports.choose(["filer"], remembered={"filer": port}, configured={}) == {"filer": port}
    finally:
        left.unlink()


def test_damaged_memory_is_no_obstacle(tmp_path: Path):
    """A damaged file of ports means new ports, not a failure."""
    file = tmp_path / "ports.json"
    for content in ("", "[1]", '{"broker": "x"}', "\x00"):
        file.write_text(content)
        assert ports.is_free(ports.remember(file, ["broker"])["broker"])


def test_configured_port_is_used_or_refused(monkeypatch: pytest.MonkeyPatch):
    """What the administrator set is never silently replaced; the refusal names the setting."""
    taken, port = occupied()
    with taken, pytest.raises(ports.PortTaken, match="SHENGUAN_PORT_WEB"):
        ports.choose(["web"], remembered={}, configured={"web": port})
    assert ports.choose(["web"], remembered={}, configured={"web": port}) == {"web": port}
    monkeypatch.setenv("SHENGUAN_PORT_WEB", "many")
    with pytest.raises(ValueError, match="SHENGUAN_PORT_WEB=many"):
        ports.configured()
