"""The relay: outbox -> Kafka. `program.run` is the whole of it."""

from __future__ import annotations
