"""Topics: made when they are missing, with the number of partitions that is configured.

Guarantees: what exists is left as it is; two programs may do it at once. Does not delete anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from connectors.bus.faults import FOREIGN, translate
from connectors.bus.reach import require_reachable
from connectors.bus.settings import BusSettings


def ensure_topics(settings: BusSettings, topics: Iterable[str]) -> list[str]:
    """Make what is missing; returns the names that were made."""
    return _look(settings, topics, make=True)


def missing_topics(settings: BusSettings, topics: Iterable[str]) -> list[str]:
    """Which of these the broker does not have."""
    return _look(settings, topics, make=False)


def _look(settings: BusSettings, topics: Iterable[str], *, make: bool) -> list[str]:
    wanted = sorted(set(topics))
    if not wanted:
        return []
    require_reachable(settings)
    try:
        with contextlib.closing(KafkaAdminClient(**settings.client())) as admin:
            missing = sorted(set(wanted) - set(admin.list_topics()))
            for topic in missing if make else []:
                # One by one: a topic that another program has just made must not stop the rest.
                shape = {
                    "num_partitions": settings.partitions,
                    "replication_factor": settings.replication_factor,
                }
                with contextlib.suppress(TopicAlreadyExistsError):
                    admin.create_topics({topic: shape}, timeout_ms=settings.request_timeout_ms)
            return missing
    except FOREIGN as error:
        raise translate(error) from error
