"""Outbox 发件箱: the final signed bytes, written in the transaction of the fact they tell of.

Guarantees: bytes never change; published rows are kept, so the hub refills a wiped broker. Rows of one key never
overtake each other: key -> shard, one relay per shard at a time. Does not publish: the relay does.
"""

from __future__ import annotations

import uuid
import zlib
from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base

SHARDS = 16
LIVE, BULK = 0, 1
CHANNEL = "shenguan_outbox"


def shard_of(key: str) -> int:
    """Which shard a key belongs to; stable for ever, since rows remember it."""
    return zlib.crc32(key.encode()) % SHARDS


class OutboxRow(Base):
    """One message to one topic. Partitioned by month of `created_at`."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_unpublished",
            "shard",
            "lane",
            "id",
            postgresql_where=text("published_at IS NULL"),
        ),
        Index("ix_outbox_unpublished_key", "key", postgresql_where=text("published_at IS NULL")),
        Index("ix_outbox_event_id", "event_id"),
        # Who reads by cursor: in the order of (tx, id), no further than the oldest transaction that still runs.
        Index("ix_outbox_topic", "topic", "tx", "id"),
        # Reconciling reads whole days; rows lie nearly in this order, and a BRIN costs a writer next to nothing.
        Index("ix_outbox_said_at", "said_at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(primary_key=True, server_default=text("now()"))
    shard: Mapped[int] = mapped_column(SmallInteger)
    lane: Mapped[int] = mapped_column(SmallInteger)
    topic: Mapped[str]
    key: Mapped[str]
    event_id: Mapped[uuid.UUID]
    event_type: Mapped[str]
    value: Mapped[bytes]
    signature: Mapped[str]
    kid: Mapped[str]
    published_at: Mapped[datetime | None]
    said_at: Mapped[datetime] = mapped_column(server_default=text("now()"))  # the event's `time`
    tx: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )  # the transaction that wrote it


class ParkedKey(Base):
    """A key of a topic that keeps failing: its rows wait here with the cause, the others go on."""

    __tablename__ = "parked_keys"

    topic: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    cause: Mapped[str]
    attempts: Mapped[int]
    parked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    next_try_at: Mapped[datetime | None]  # None: only a person's decision lets it go on
