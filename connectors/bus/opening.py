"""How a Kafka client of any kind is opened.

Guarantees: one that does not come about leaves nothing running. (The library begins its thread first and then asks the
broker; where that answers late or not at all the thread would go on for ever, one more with every try.)
"""

from __future__ import annotations

from typing import Any

from kafka.net.compat import KafkaNetClient


def opened(kind: Any, **settings: Any) -> Any:
    """A `KafkaProducer`, `KafkaConsumer` or `KafkaAdminClient`. Raises what the library raises."""
    begun: list[KafkaNetClient] = []

    def network(**how: Any) -> KafkaNetClient:
        begun.append(KafkaNetClient(**how))
        return begun[-1]

    try:
        return kind(kafka_client=network, **settings)
    except BaseException:
        for one in begun:
            one.close()
        raise
