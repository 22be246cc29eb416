"""Statements that put rows into a table so that the same rows again change nothing, in as few round trips as each database
allows.

Which way a table is written is decided by what the table itself keeps apart:

- its key columns are unique: insert or update by them;
- on MySQL, where another unique index could be hit as well, ON DUPLICATE KEY would change the wrong row: look first, then
  insert and update apart;
- no key was named: our own list of what was delivered, `shenguan_delivered`, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy import types as sql

from connectors.adapters.sql_table import Shape
from schemas import dumps, loads

LEDGER = "shenguan_delivered"
#: Rows of one statement.
ROWS = 500


class Row(NamedTuple):
    """One record of a batch, as its table takes it; `columns` are the same for all that are written together."""

    at: int  # in its batch
    key: str
    columns: tuple[str, ...]
    values: tuple[Any, ...]


class Table(NamedTuple):
    """The table that is written, and how."""

    shape: Shape
    dialect: str
    keys: tuple[str, ...]  # unique in it; none: by the ledger
    update: bool  # a row that is there is brought up to date
    ledger: Shape | None = None

    def put(self, connection: Connection, rows: Sequence[Row]) -> None:
        """All of them, in order; whatever the driver raises comes through."""
        for columns, same in groupby(rows, key=lambda row: row.columns):
            run = list(same)
            if self.ledger is not None:
                self._by_ledger(connection, self.ledger, columns, run)
            elif self.dialect == "mysql" and self._could_hit_another(columns):
                self._split(connection, columns, run)
            else:
                self._insert(connection, columns, [row.values for row in run], self._on_conflict(columns))

    def _could_hit_another(self, columns: tuple[str, ...]) -> bool:
        fields = self.shape.fields
        return any(
            set(unique) != set(self.keys)
            and not any(name in fields and name not in columns and fields[name].apart for name in unique)
            for unique in self.shape.uniques
        )

    def _insert(
        self,
        connection: Connection,
        columns: tuple[str, ...],
        rows: Sequence[tuple[Any, ...]],
        after: str = "",
    ) -> None:
        names = self.shape.names(columns)
        begin = f"INSERT INTO {self.shape.quoted} ({names}) "
        if self.dialect != "postgresql":
            mark = "?" if self.dialect == "sqlite" else "%s"
            values = f"VALUES ({', '.join([mark] * len(columns))})"
            connection.exec_driver_sql(
                begin + values + after, list(rows)
            )  # pymysql makes one statement of them
            return
        # One value however many rows: nothing to prepare, which poolers do not like, and as fast as the driver's own way.
        many = f"SELECT {names} FROM json_populate_recordset(NULL::{self.shape.quoted}, %s::json)"  # noqa: S608
        for part in self._parts(columns, rows):
            connection.exec_driver_sql(begin + many + after, (self._as_json(columns, part),))

    def _as_json(self, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> str:
        """Exact numbers and bytes as the text that PostgreSQL reads; what is JSON already, as itself."""
        records = [dict(zip(columns, row, strict=True)) for row in rows]
        for name in columns:
            write = _writer(self.shape.fields[name].type)
            for record in records if write else ():
                if write and record[name] is not None:
                    record[name] = write(record[name])
        return dumps(records).decode()

    def _parts(
        self, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
    ) -> Iterator[list[tuple[Any, ...]]]:
        """As many as one statement takes; the same key twice would be an error in one of PostgreSQL's."""
        places = [columns.index(name) for name in self.keys]
        part: list[tuple[Any, ...]] = []
        seen: set[tuple[Any, ...]] = set()
        for row in rows:
            key = tuple(row[place] for place in places)
            if len(part) == ROWS or (places and key in seen):
                yield part
                part, seen = [], set()
            part.append(row)
            seen.add(key)
        if part:
            yield part

    def _on_conflict(self, columns: tuple[str, ...]) -> str:
        quote = self.shape.quote
        others = [quote(name) for name in columns if name not in self.keys] if self.update else []
        if self.dialect == "mysql":
            kept = quote(self.keys[0])
            changes = ", ".join(f"{name} = VALUES({name})" for name in others) or f"{kept} = {kept}"
            return f" ON DUPLICATE KEY UPDATE {changes}"
        changes = ", ".join(f"{name} = excluded.{name}" for name in others)
        target = f" ON CONFLICT ({self.shape.names(self.keys)}) DO "
        return target + (f"UPDATE SET {changes}" if changes else "NOTHING")

    def _by_ledger(
        self, connection: Connection, ledger: Shape, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        known = set()
        for start in range(0, len(rows), ROWS):
            part = [row.key for row in rows[start : start + ROWS]]
            mark = "?" if self.dialect == "sqlite" else "%s"
            found = connection.exec_driver_sql(
                f"SELECT delivery FROM {ledger.quoted} WHERE target = {mark}"  # noqa: S608 - quoted
                f" AND delivery IN ({', '.join([mark] * len(part))})",
                (self.shape.name, *part),
            )
            known |= {key for (key,) in found}
        new = [row for row in rows if row.key not in known]
        if not new:
            return
        listed = [(self.shape.name, row.key) for row in new]
        self._replace(shape=ledger, ledger=None)._insert(connection, ("target", "delivery"), listed)
        self._insert(connection, columns, [row.values for row in new])

    def _split(self, connection: Connection, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        places = [columns.index(name) for name in self.keys]
        latest: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row in rows:
            key = tuple(row.values[place] for place in places)
            latest[key] = row.values if self.update else latest.get(key, row.values)
        keys = list(latest)
        there: set[tuple[Any, ...]] = set()
        for start in range(0, len(keys), ROWS):
            part = keys[start : start + ROWS]
            one = f"({', '.join(['%s'] * len(places))})"
            found = connection.exec_driver_sql(
                f"SELECT {self.shape.names(self.keys)} FROM {self.shape.quoted}"  # noqa: S608 - quoted
                f" WHERE ({self.shape.names(self.keys)}) IN ({', '.join([one] * len(part))}) FOR UPDATE",
                tuple(value for key in part for value in key),
            )
            there |= {tuple(row) for row in found}
        new = [values for key, values in latest.items() if key not in there]
        old = [(*values, *key) for key, values in latest.items() if key in there]
        if new:
            self._insert(connection, columns, new)
        if old and self.update:
            changes = ", ".join(f"{self.shape.quote(name)} = %s" for name in columns)
            where = " AND ".join(f"{self.shape.quote(name)} = %s" for name in self.keys)
            connection.exec_driver_sql(f"UPDATE {self.shape.quoted} SET {changes} WHERE {where}", old)  # noqa: S608


def _writer(kind: sql.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(kind, sql.JSON):
        return loads
    if isinstance(kind, sql.LargeBinary):
        return lambda value: "\\x" + value.hex()
    return str if isinstance(kind, sql.Numeric) else None
