"""A transaction on the hub's database, as the commands need it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

ACTOR = "user:cli"  # whoever may read the hub's secrets on its machine


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open, commit at the end, roll back when anything is raised."""
    from shenguan import wiring
    from shenguan.settings import load

    engine = wiring.engine_of(load(wiring.NEEDS["database"]))
    try:
        with engine.begin() as tx:
            yield tx
    finally:
        engine.dispose()
