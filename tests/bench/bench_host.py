"""What an idle connector costs on the host: CPU of the process with 1, 199 and 200 of them, none of which has work to do.

Each has a flow out and a flow in that is collected every minute; the windows are long enough for a whole round of both.
The broker keeps everything in memory (named in the result); what it and the database spend is not in the figures.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import create_engine

from connectors.adapters import KINDS
from connectors.bus import BusSettings
from connectors.host.program import Host
from hub.ports import Desk
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.bench.bench_relay import _database
from tests.connectors.hosted import HostedHub, with_custody
from tests.connectors.test_mapped import a_document
from tests.session_parts import Owner


def run(*, connectors: int = 200, windows: int = 3, seconds: float = 20.0) -> dict[str, object]:
    """CPU in percent of one core: with one connector, with all but one, with all."""
    folder = Path(tempfile.mkdtemp(prefix="bench-host-"))
    servers = Owner(folder)
    KINDS["tiny"] = ("tests.connectors.tiny_adapter", "")
    try:
        hub = _hub(servers, folder)
        found: dict[str, list[float]] = {}
        for number in range(connectors):
            if number in (1, connectors - 1):
                found[str(number)] = _measured(hub, number, windows, seconds)
            hub.join(f"d{number}", document=a_document(poll_seconds=60))
        found[str(connectors)] = _measured(hub, connectors, windows, seconds)
        percent = {name: round(statistics.median(values), 2) for name, values in found.items()}
        one, nearly, full = percent["1"], percent[str(connectors - 1)], percent[str(connectors)]
        return {
            "broker": "tansu memory://",
            "cpu_percent": percent,
            "windows": {name: [round(value, 2) for value in values] for name, values in found.items()},
            "last_percent": round(full - nearly, 2),
            "each_percent": round((full - one) / (connectors - 1), 4),
        }
    finally:
        servers.close()


def _hub(servers: Owner, folder: Path) -> HostedHub:
    url = _database(servers)
    bus = BusSettings(servers.get("broker")["bootstrap"], fetch_max_wait_ms=500)
    signer = Signer.from_pem("hub", generate_private_key())
    vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
    desk = Desk("990101", "http://127.0.0.1:1", signer, vault, lambda: datetime.now(UTC))
    return HostedHub(create_engine(url), with_custody(desk), bus, signer, folder / "connectors", url)


def _measured(hub: HostedHub, count: int, windows: int, seconds: float) -> list[float]:
    """A host with so many connectors, all of them taken up and idle: percent of a core, window by window."""
    host = Host(hub.config(follow_s=5.0, tell_s=2.0))
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            host.step()

    thread = threading.Thread(target=turn)
    thread.start()
    try:
        until = time.monotonic() + 300
        while not (
            len(host.lanes) == count and all(one.ready and one.topic_id for one in host.lanes.values())
        ):
            assert time.monotonic() < until, "the connectors were not taken up"
            time.sleep(0.2)
        time.sleep(5)
        spent = []
        for _ in range(windows):
            before = time.process_time()
            time.sleep(seconds)
            spent.append((time.process_time() - before) / seconds * 100)
        return spent
    finally:
        stop.set()
        thread.join()
        host.close()


@click.command()
@click.option("--connectors", default=200)
@click.option("--seconds", default=20.0)
def main(connectors: int, seconds: float) -> None:
    """Print it."""
    click.echo(run(connectors=connectors, seconds=seconds))


if __name__ == "__main__":
    main()
