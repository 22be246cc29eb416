"""Connector 部门连接器: how one department is joined, as versions of one document (schemas.connector.document).

A version is a draft, is published once, and is superseded; never changed after that. At most one connector of a department
is live or paused at a time: it is the one that signs for what comes.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

#: 草稿, 运行中, 已暂停, 已停用. Tests run on any version in any state but the last.
STATES = ("draft", "live", "paused", "retired")
RUNS_AT = ("host", "department")
#: From where a connector that goes live delivers: what is not signed for, what was decided since a moment, everything.
STARTS = ("unsigned", "since", "all")
VERSION_STATES = ("draft", "published", "superseded")
#: Whoever changes something that a running connector must know sends its code on this channel.
CHANGED = "shenguan_connectors"


class Connector(Base):
    """One connector."""

    __tablename__ = "connectors"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z][a-z0-9-]{1,40}$'", name="code_form"),
        one_of("state", STATES),
        one_of("runs_at", RUNS_AT),
        one_of("start_kind", STARTS),
        CheckConstraint("(start_kind = 'since') = (start_at IS NOT NULL)", name="start_complete"),
        CheckConstraint("state NOT IN ('live', 'paused') OR version IS NOT NULL", name="live_has_version"),
        ForeignKeyConstraint(
            ["code", "version"],
            ["connector_versions.connector", "connector_versions.version"],
            name="fk_connectors_version",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        Index(
            "uq_connectors_department",
            "department",
            unique=True,
            postgresql_where=text("state IN ('live', 'paused')"),
        ),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"), index=True)
    title: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    runs_at: Mapped[str] = mapped_column(server_default=text("'host'"))
    version: Mapped[int | None] = mapped_column(Integer)  # the published one that runs
    start_kind: Mapped[str] = mapped_column(server_default=text("'unsigned'"))
    start_at: Mapped[datetime | None]
    live_since: Mapped[datetime | None]
    paused_why: Mapped[str | None]
    paused_at: Mapped[datetime | None]
    # A rewind that was asked for: the host delivers again whatever was sent since; it clears the request when done.
    rewind_to: Mapped[datetime | None]
    rewind_why: Mapped[str | None]
    changed_no: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))  # grows with every change
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    def __str__(self) -> str:
        return self.title


class ConnectorVersion(Base):
    """One version of a connector's document."""

    __tablename__ = "connector_versions"
    __table_args__ = (
        one_of("state", VERSION_STATES),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published_at_known"),
        Index(
            "uq_connector_versions_draft",
            "connector",
            unique=True,
            postgresql_where=text("state = 'draft'"),
        ),
    )

    connector: Mapped[str] = mapped_column(ForeignKey("connectors.code"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    document: Mapped[dict[str, object]]
    saves: Mapped[int] = mapped_column(
        Integer, server_default=text("1")
    )  # of a draft: who saves must know the last
    note: Mapped[str | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    saved_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]


class ConnectorSecret(Base):
    """A password, token or private key of an endpoint, sealed; nobody reads it back but the host."""

    __tablename__ = "connector_secrets"

    connector: Mapped[str] = mapped_column(ForeignKey("connectors.code"), primary_key=True)
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


JOB_KINDS = ("check", "columns", "sample", "dry_run", "sandbox")
JOB_STATES = ("waiting", "running", "done", "failed", "cancelled")


class ConnectorJob(Base):
    """Something that the host is asked to try with a version, while a person waits for it in the browser."""

    __tablename__ = "connector_jobs"
    __table_args__ = (
        one_of("kind", JOB_KINDS),
        one_of("state", JOB_STATES),
        Index(
            "ix_connector_jobs_waiting", "asked_at", postgresql_where=text("state IN ('waiting', 'running')")
        ),
        Index("ix_connector_jobs_connector", "connector", "asked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    connector: Mapped[str] = mapped_column(ForeignKey("connectors.code"))
    version: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    params: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    taken_by: Mapped[str | None]
    beat_at: Mapped[datetime | None]  # an old one: whoever took it died
    finished_at: Mapped[datetime | None]
    steps: Mapped[list[dict[str, object]]] = mapped_column(server_default=text("'[]'"))
    result: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    words: Mapped[str | None]  # how it ended, in one sentence


class ConnectorHealth(Base):
    """How a connector is right now, by its own word; an old `beat_at` says that it says nothing any more."""

    __tablename__ = "connector_health"
    __table_args__ = (one_of("state", ("running", "waiting", "quiet", "paused", "stopped")),)

    connector: Mapped[str] = mapped_column(ForeignKey("connectors.code"), primary_key=True)
    instance: Mapped[str]
    version: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str]
    words: Mapped[str | None]
    beat_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_contact_at: Mapped[datetime | None]  # with the department's own system
    last_delivered_at: Mapped[datetime | None]
    last_collected_at: Mapped[datetime | None]
    oldest_waiting_at: Mapped[datetime | None]  # the oldest thing that came and is not delivered
    waiting: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lag: Mapped[int] = mapped_column(
        Integer, server_default=text("0")
    )  # messages on the topic behind our place
    certificate_until: Mapped[datetime | None]


class ConnectorMeasure(Base):
    """What one flow did in one minute."""

    __tablename__ = "connector_measures"
    __table_args__ = (Index("ix_connector_measures_at", "at"),)

    connector: Mapped[str] = mapped_column(ForeignKey("connectors.code"), primary_key=True)
    flow: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)  # the minute's beginning
    records: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    refused: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    failed: Mapped[int] = mapped_column(
        Integer, server_default=text("0")
    )  # attempts that found the other side away
    busy_ms: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    oldest_age_s: Mapped[int | None] = mapped_column(Integer)


class ConnectorRefusal(Base):
    """A record that could not be mapped, taken or sent: kept with its cause until somebody deals with it."""

    __tablename__ = "connector_refusals"
    __table_args__ = (
        one_of("direction", ("out", "in")),
        one_of("settled_as", ("taken", "dismissed")),
        Index(
            "uq_connector_refusals_open",
            "connector",
            "flow",
            "ref",
            unique=True,
            postgresql_where=text("settled_at IS NULL"),
        ),
        Index("ix_connector_refusals_at", "connector", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    connector: Mapped[str] = mapped_column(ForeignKey("connectors.code"))
    flow: Mapped[str]
    direction: Mapped[str]
    ref: Mapped[str]  # out: the event id; in: where it stands at the department ('a.csv:17')
    cause: Mapped[str]
    words: Mapped[str]
    faults: Mapped[list[dict[str, object]]] = mapped_column(server_default=text("'[]'"))  # field by field
    record: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    times: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    again: Mapped[bool] = mapped_column(
        server_default=text("false")
    )  # somebody asked to have it tried once more
    settled_at: Mapped[datetime | None]
    settled_as: Mapped[str | None]
    settled_by: Mapped[str | None]
    settled_why: Mapped[str | None]


class ConnectorUnmapped(Base):
    """A value that no pair of a code table names: reported, never guessed."""

    __tablename__ = "connector_unmapped"

    connector: Mapped[str] = mapped_column(ForeignKey("connectors.code"), primary_key=True)
    code_table: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    flow: Mapped[str]
    times: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    first_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
