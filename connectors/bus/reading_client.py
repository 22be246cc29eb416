"""The Kafka client that reads, as each of our readers opens and lets go of it.

Guarantees: it commits nothing by itself, makes no topics, and begins at the first message where no place is known.
"""

from __future__ import annotations

import contextlib
from typing import Any

from kafka import KafkaConsumer

from connectors.bus.faults import FOREIGN, translate
from connectors.bus.opening import opened
from connectors.bus.reach import require_reachable
from connectors.bus.settings import BusSettings


def open_client(
    settings: BusSettings, group: str | None, *, fetch_bytes: int, topics_known_ms: int = 300_000
) -> Any:
    """A client that is assigned nothing yet; with a group only to keep offsets. Raises ConnectorError."""
    require_reachable(settings)
    try:
        return opened(
            KafkaConsumer,
            **settings.client(),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=settings.fetch_max_wait_ms,
            max_partition_fetch_bytes=fetch_bytes,
            metadata_max_age_ms=topics_known_ms,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
    except FOREIGN as error:
        raise translate(error) from error


def close_client(client: Any) -> None:
    """Let go of it, or of none; what it says on the way out is nobody's concern."""
    if client is not None:
        try:
            client.close(autocommit=False, timeout_ms=2_000)
        except FOREIGN:
            with contextlib.suppress(*FOREIGN):
                client._client.close()  # it gave up half way, its thread still running
