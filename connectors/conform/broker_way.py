"""A trial over a broker: our messages in `<area>.<department>.in`, the department's in `.out`; topics are made."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.bus import BusSettings, Message, Producer, Reader, Record, Span, ensure_topics
from connectors.conform.letters import CONTENT_TYPE, Letter
from connectors.conform.verdict import Line
from connectors.conform.workshop import Workshop
from connectors.errors import ConnectorError

_MOST = 10_000


class BrokerWay:
    """Listens to what is said from now on: what lies in the topic from earlier trials is not judged."""

    def __init__(self, shop: Workshop, bus: BusSettings) -> None:
        self._shop = shop
        ensure_topics(bus, [shop.topic_in, shop.topic_out])
        self._producer, self._reader = Producer(bus), Reader(bus)
        self._begin = {n: span.end for n, span in self._reader.spans(shop.topic_out).items()}
        self._heard: list[Message] = []

    def send(self, sent: Sequence[Letter]) -> None:
        """One after the other: they stand in the topic in this order, whatever their keys."""
        for letter in sent:
            headers = [("kid", letter.kid.encode()), ("content-type", CONTENT_TYPE.encode())]
            if letter.signature is not None:
                headers.append(("signature", letter.signature.encode()))
            record = Record(self._shop.topic_in, letter.key.encode(), letter.value, headers)
            (outcome,) = self._producer.publish([record])
            if outcome is not None:
                raise ConnectorError(f"“{letter.title}”送不到消息代理上：{outcome}")

    def heard(self) -> Sequence[Message]:
        """Read on from where the last look ended."""
        spans = self._reader.spans(self._shop.topic_out)
        fresh = {n: Span(self._begin.get(n, span.first), span.end) for n, span in spans.items()}
        for one in self._reader.read(self._shop.topic_out, fresh, _MOST):
            self._heard.append(one.message)
            self._begin[one.message.partition] = one.message.offset + 1
        return self._heard

    def complaints(self) -> Sequence[Line]:
        """Nothing beside."""
        return ()

    def close(self) -> None:
        """Let go of the broker."""
        self._producer.close()
        self._reader.close()
