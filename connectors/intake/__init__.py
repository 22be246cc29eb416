"""The intake: Kafka -> hub. `program.run` is the whole of it."""

from __future__ import annotations
