"""The programs of bench_effect, each a process of its own: the relay, a department's connector, a bare consumer, Debezium.

`python -m tests.bench.effect_parts PART settings.json`. Each notes at which moment (CLOCK_MONOTONIC, the same for all
processes of a machine) it had which message, and writes the moments down when it is told to stop (SIGTERM).
"""

from __future__ import annotations

import base64
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from connectors.bus import BusSettings, Consumer, Producer
from connectors.bus.producer import Record
from connectors.department import program
from connectors.department.adapters import Draft, TableAdapter
from connectors.department.config import ConnectorConfig
from connectors.department.judge import Package
from connectors.relay import program as relay
from shenguan.cli.stopping import spare_what_is_loaded

GROUP = "bench.effect"


class Noting(TableAdapter):
    """A table whose deliveries are timed: the effect is there when the department's database has committed it."""

    moments: dict[str, float]

    def deliver(self, packages: Sequence[Package]) -> None:
        super().deliver(packages)
        at = time.monotonic()
        for one in packages:
            self.moments.setdefault(one.case_no, at)

    def drafts(self, limit: int) -> list[Draft]:
        del limit
        return []


def main() -> None:
    """One part, until SIGTERM."""
    part, settings = sys.argv[1], json.loads(Path(sys.argv[2]).read_text("utf-8"))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    moments: dict[str, float] = {}
    bus = BusSettings(settings["bootstrap"], fetch_max_wait_ms=settings["fetch_max_wait_ms"], partitions=1)
    spare_what_is_loaded()  # as every program of ours does when it begins
    {"relay": _relay, "connector": _connector, "consumer": _consumer, "debezium": _debezium}[part](
        settings, bus, stop, moments
    )
    if moments:
        Path(settings["moments"]).write_text(json.dumps(moments), "utf-8")


def _relay(settings: Any, bus: BusSettings, stop: threading.Event, moments: dict[str, float]) -> None:
    del moments
    config = relay.RelayConfig(
        settings["database_url"], bus, settings["area"], clock=lambda: datetime.now(UTC)
    )
    relay.run(config, stop)


def _connector(settings: Any, bus: BusSettings, stop: threading.Event, moments: dict[str, float]) -> None:
    home = Path(settings["home"])
    config = ConnectorConfig(
        code=settings["code"],
        area=settings["area"],
        key_file=home / "key.pem",
        state_dir=home / "state",
        trust_bundle=str(home / "trust.json"),
        bus=bus,
        adapter="table",
        database=f"sqlite:///{home / 'own.sqlite'}",
    )

    def opened(config: ConnectorConfig) -> Noting:
        made = Noting(config.database)
        made.moments = moments
        return made

    with patch.object(program, "open_adapter", opened):
        program.run_configured(config, stop)


def _consumer(settings: Any, bus: BusSettings, stop: threading.Event, moments: dict[str, float]) -> None:
    """Produce -> consume and nothing else, with the same client and settings as the connector's."""
    consumer = Consumer(bus, GROUP)
    consumer.assign([(settings["topic"], 0)])
    Path(settings["moments"]).with_suffix(".up").touch()
    while not stop.is_set():
        for message in consumer.poll(500, 200):
            moments.setdefault((message.key or b"").decode(), time.monotonic())
    consumer.close()


def _debezium(settings: Any, bus: BusSettings, stop: threading.Event, moments: dict[str, float]) -> None:
    """The same outbox through Debezium's embedded engine, its rows produced with our producer."""
    del moments
    from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine  # optional: needs Java

    producer = Producer(bus)

    class Forward(BasePythonChangeHandler):  # type: ignore[misc]
        def handleJsonBatch(self, records: Any) -> None:  # noqa: N802 - Debezium's name
            rows = [row for one in records if (row := _row(str(one.value())))]
            for outcome in producer.publish(rows):
                if outcome is not None:
                    raise outcome

    engine = DebeziumJsonEngine(properties=settings["debezium"], handler=Forward())
    threading.Thread(target=engine.run, daemon=True).start()
    stop.wait()


def _row(value: str) -> Record | None:
    event = json.loads(value)
    row = event.get("payload", event)
    row = row.get("after", row)
    if not row or "topic" not in row:
        return None
    headers = [("signature", row["signature"].encode()), ("kid", row["kid"].encode()),
               ("content-type", b"application/cloudevents+json; charset=UTF-8")]  # fmt: skip
    return Record(row["topic"], row["key"].encode(), base64.b64decode(row["value"]), headers)


if __name__ == "__main__":
    main()
