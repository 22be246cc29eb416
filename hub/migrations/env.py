"""Alembic's entry: it runs on the connection that `upgrade` hands in."""

from __future__ import annotations

from alembic import context

from hub.migrations import ours
from hub.model import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, include_object=ours, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
