"""What the composition root hands to a host."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connectors.bus import BusSettings
from hub.ports import Desk
from storage.intake.finish import Intake

NAME = "host"


def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True)
class HostConfig:
    """Addresses, the hub's own keys, and what a connector on the hub's machine may reach."""

    database_url: str
    bus: BusSettings
    desk: Desk
    hub_keys: Mapping[str, str]  # kid -> public PEM: who may speak for the hub
    folder: Path  # below it, a folder for each connector that exchanges files on this machine
    intake: Intake | None = None  # what takes in evidence; without it drafts that name files wait
    instance: str = field(default_factory=_instance)
    loopback_allowed: bool = False
    private_allowed: bool = True
    closed: frozenset[tuple[str, int]] = frozenset()  # (address, port) of the hub's own parts
    workers: int = 8
    follow_s: float = 5.0  # how often connectors are looked at where nothing wakes us
    tell_s: float = 2.0  # how often changes of health are written
