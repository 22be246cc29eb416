"""A connector host as a process of its own, to be killed: `python -m tests.connectors.host_process <settings.json>`."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from connectors.adapters import KINDS
from connectors.bus import BusSettings
from connectors.host.program import run
from connectors.host.settings import HostConfig
from hub.ports import Desk
from storage.custody import KeyCustody
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer


def main(path: Path) -> None:
    given = json.loads(path.read_text())
    KINDS["tiny"] = ("tests.connectors.tiny_adapter", "")
    kek = KeyEncryption(bytes(range(32)))
    hub = Signer.from_pem("hub", given["hub_pem"].encode())
    vault = IdentityVault(bytes(range(32)), kek)
    desk = Desk(
        given["area"], "http://127.0.0.1:1", hub, vault, lambda: datetime.now(UTC), custody=KeyCustody(kek)
    )
    bus = BusSettings(given["bootstrap"], fetch_max_wait_ms=10)
    config = HostConfig(
        given["database_url"], bus, desk, {hub.kid: hub.public_pem}, Path(given["folder"]), instance="killed"
    )
    run(config, threading.Event())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
