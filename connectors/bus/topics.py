"""Topics: made when they are missing, with the number of partitions that is configured.

Guarantees: what exists is left as it is; two programs may do it at once. Does not delete anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from connectors.bus.faults import FOREIGN, translate
from connectors.bus.opening import opened
from connectors.bus.reach import require_reachable
from connectors.bus.settings import BusSettings


class TopicFacts(NamedTuple):
    """A topic as the broker has it now. The id is another one when the topic was made anew; None where brokers give none."""

    topic_id: str | None
    partitions: tuple[int, ...]


def describe_topics(settings: BusSettings, topics: Iterable[str]) -> dict[str, TopicFacts]:
    """Those of `topics` that exist. Raises `BusUnavailable` when nobody answers."""
    wanted = sorted(set(topics))
    if not wanted:
        return {}
    require_reachable(settings)
    try:
        with contextlib.closing(opened(KafkaAdminClient, **settings.client())) as admin:
            return _described(admin, wanted)
    except FOREIGN as error:
        raise translate(error) from error


def missing_topics(settings: BusSettings, topics: Iterable[str]) -> list[str]:
    """Which of these the broker does not have."""
    wanted = set(topics)
    return sorted(wanted - describe_topics(settings, wanted).keys())


def ensure_topics(settings: BusSettings, topics: Iterable[str]) -> list[str]:
    """Make what is missing; returns the names that were made."""
    wanted = sorted(set(topics))
    if not wanted:
        return []
    require_reachable(settings)
    try:
        with contextlib.closing(opened(KafkaAdminClient, **settings.client())) as admin:
            missing = sorted(set(wanted) - _described(admin, wanted).keys())
            for topic in missing:
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


def _described(admin: Any, wanted: Sequence[str]) -> dict[str, TopicFacts]:
    return {
        topic["name"]: TopicFacts(
            str(topic["topic_id"]) if topic.get("topic_id") else None,
            tuple(sorted(partition["partition_index"] for partition in topic["partitions"])),
        )
        for topic in admin.describe_topics(list(wanted))
        if not topic["error_code"] and topic["partitions"]
    }
