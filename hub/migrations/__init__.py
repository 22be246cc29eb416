"""Forward-only migrations of the hub's own tables (plain Alembic; Flask-AppBuilder keeps its `ab_*` tables itself).

Guarantees: `upgrade` is safe to run twice and by two programs at once (an advisory lock). Offers no downgrade.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

import hub.tables  # noqa: F401 - registers every table
from hub.model import Base

_LOCK = 0x5348454E  # any constant: two migrating programs wait for each other


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`."""
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            command.upgrade(_config(connection), revision)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


def differences(engine: Engine) -> list[object]:
    """What the models say and the migrated database does not; empty when they match."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def ours(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave Flask-AppBuilder's tables and the outbox's partitions out of every comparison."""
    del thing, compare_to
    table_like = kind == "table" and reflected and name is not None
    return not (
        table_like
        and name is not None
        and (name.startswith(("ab_", "outbox_")) or name not in Base.metadata.tables)
    )
