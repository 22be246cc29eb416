"""LicenceBatch 批量制证: many licences from one import, issued by as many processes as there are, resumable at any row."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

#: reading: rows still come in; ready: may be started; running; paused; done: no row waits; stopped: given up by a person.
BATCH_STATES = ("reading", "ready", "running", "paused", "done", "stopped")
#: waiting -> issued | unchanged (there was one with this content) | refused (with the sentences).
ROW_STATES = ("waiting", "issued", "unchanged", "refused")
CHANNEL = "shenguan_licence_batch"


class LicenceBatch(Base):
    """One import."""

    __tablename__ = "licence_batches"
    __table_args__ = (one_of("state", BATCH_STATES), one_of("operation", ("issue", "import")))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    operation: Mapped[str]  # issue: make and sign them here; import: register what others issued
    type_code: Mapped[str | None] = mapped_column(ForeignKey("licence_types.code"))  # of an issue
    type_version: Mapped[int | None] = mapped_column(SmallInteger)
    department: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))
    source_name: Mapped[str]
    source_sha256: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default=text("'reading'"))
    heading: Mapped[dict[str, object]] = mapped_column(
        server_default=text("'{}'")
    )  # the sheet's own headings
    total: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    cause: Mapped[str | None]  # what a running batch waits for, or why a file could not be read
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    read_at: Mapped[datetime | None]  # the last rows that came in
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class LicenceBatchRow(Base):
    """One row of it. What it says is sealed: it names people."""

    __tablename__ = "licence_batch_rows"
    __table_args__ = (
        one_of("state", ROW_STATES),
        CheckConstraint(
            "(state IN ('issued', 'unchanged')) = (licence_id IS NOT NULL)", name="issued_is_a_licence"
        ),
        CheckConstraint("(state = 'refused') = (problem IS NOT NULL)", name="refused_says_why"),
        Index("ix_licence_batch_rows_waiting", "batch_id", "row", postgresql_where=text("state = 'waiting'")),
        Index("ix_licence_batch_rows_state", "batch_id", "state"),
        Index("ix_licence_batch_rows_key", "key"),
    )

    batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("licence_batches.id", ondelete="CASCADE"), primary_key=True
    )
    row: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[bytes]  # keyed hash of what the row says: the same row twice is one
    payload: Mapped[bytes]  # sealed JSON
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    number: Mapped[str | None]  # reserved before printing: a second attempt is the same licence
    claimed_by: Mapped[uuid.UUID | None]  # the attempt that works on it
    claimed_until: Mapped[datetime | None]  # later than that it is anybody's again
    licence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"))
    problem: Mapped[str | None]  # see batch_rows.told
    done_at: Mapped[datetime | None]


class LicenceCounter(Base):
    """The last serial number given, by type, issuer and period of its number rule. Gaps may be; no number comes twice."""

    __tablename__ = "licence_counters"

    type_code: Mapped[str] = mapped_column(ForeignKey("licence_types.code"), primary_key=True)
    issuer_code: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)  # '' or '2026' or '202611', as the rule's dates say
    last: Mapped[int] = mapped_column(Integer, server_default=text("0"))
