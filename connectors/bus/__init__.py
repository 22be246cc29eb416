"""The one door to Kafka: a producer, a consumer and topics, small enough to be moved to another client.

Guarantees: values and headers are raw bytes, never changed; the producer waits for all replicas and may repeat;
offsets are committed only when told. Errors are `connectors.errors`. No other package of ours imports kafka.
"""

from __future__ import annotations

from connectors.bus.consumer import Consumer, Message, Position
from connectors.bus.producer import Producer, Record
from connectors.bus.reader import Dated, Reader, Span
from connectors.bus.settings import BusSettings, require_fast_checksums
from connectors.bus.topics import TopicFacts, describe_topics, ensure_topics, missing_topics

__all__ = [
    "BusSettings",
    "Consumer",
    "Dated",
    "Message",
    "Position",
    "Producer",
    "Reader",
    "Record",
    "Span",
    "TopicFacts",
    "describe_topics",
    "ensure_topics",
    "missing_topics",
    "require_fast_checksums",
]
