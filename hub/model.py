"""What every table shares: one metadata, names for constraints, UTC times.

Guarantees: every time in storage is timezone-aware UTC. Does not know sessions: use cases take a Connection.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, DateTime, LargeBinary, MetaData, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The hub's own tables. Flask-AppBuilder keeps its `ab_*` tables in a metadata of its own."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {
        str: Text(),
        datetime: DateTime(timezone=True),
        bytes: LargeBinary(),
        dict[str, object]: JSONB(none_as_null=True),
        list[dict[str, object]]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text()),
    }


Small = SmallInteger


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A CHECK that repeats a vocabulary in the database, so that no program can write another word."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
