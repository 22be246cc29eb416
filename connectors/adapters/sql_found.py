"""What a table has of rows that were delivered: for whoever wants to see it beside what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from connectors.adapters.port import Outgoing
from connectors.adapters.sql_table import Shape
from connectors.adapters.sql_values import Unfit


def found(
    connection: Connection, shape: Shape, keys: Sequence[str], delivery: str, batch: Sequence[Outgoing]
) -> list[dict[str, Any] | None] | None:
    """A row for each, or None where there is none; None altogether where no column tells them apart."""
    named = tuple(keys) or ((delivery,) if delivery else ())
    if not named:
        return None
    where = " AND ".join(f"{shape.quote(name)} = :k{number}" for number, name in enumerate(named))
    rows: list[dict[str, Any] | None] = []
    for one in batch:
        values = {**one.record, **({delivery: one.key} if delivery else {})}
        wanted = [name for name in one.record if name in shape.fields]
        statement = f"SELECT {shape.names(wanted or named)} FROM {shape.quoted} WHERE {where}"  # noqa: S608 - quoted
        try:
            given = {f"k{at}": shape.fields[name].convert(values.get(name)) for at, name in enumerate(named)}
        except Unfit:  # it was refused
            rows.append(None)
            continue
        row = connection.execute(text(statement), given).first()
        # As the other side would show it: its own types are no difference.
        rows.append(None if row is None else dict(zip(wanted, row, strict=bool(wanted))))
    return rows
