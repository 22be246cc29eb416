"""Few round trips: several questions, or rows of several tables, sent to PostgreSQL at once.

Guarantees: all in the caller's transaction; errors are SQLAlchemy's, whatever the driver raised. Few rows go by INSERT
statements in one pipeline, many by COPY, which writes twice as many a second. Measured on a live decision: twelve
statements one by one took 7.6 ms, three round trips 2 ms. Speaks to psycopg through SQLAlchemy's connection: the only
place in the hub that knows what the driver can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from schemas import dumps

COPY_FROM = 20  # rows of a table; measured: below this a pipeline of INSERTs is cheaper

Row = Mapping[str, Any]
Question = tuple[
    str, Mapping[str, Any]
]  # a statement with psycopg's named placeholders, and what stands for them


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for one table; what a row does not name is NULL. `once`: those that are there already are left alone."""

    model: type[DeclarativeBase]
    rows: Sequence[Row]
    once: bool = False


def listed(values: Iterable[object]) -> str:
    """An array as PostgreSQL writes it down, for a placeholder whose type the statement says or the column beside it.

    For long lists that are sent with every batch: measured, the driver's own way takes two to seven times as long.
    """
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def ask(tx: Connection, *questions: Question) -> list[list[Any]]:
    """The answers to several SELECTs (psycopg placeholders), in one round trip."""
    with _driver(tx) as driver, driver.pipeline():
        cursors = [driver.cursor() for _ in questions]
        for cursor, (statement, parameters) in zip(cursors, questions, strict=True):
            cursor.execute(statement, parameters)
        return [cursor.fetchall() for cursor in cursors]


def tell(tx: Connection, *statements: Question) -> None:
    """Several statements that change rows, in this order, in one round trip."""
    with _driver(tx) as driver, driver.pipeline(), driver.cursor() as cursor:
        for statement, parameters in statements:
            cursor.execute(statement, parameters)


def write(tx: Connection, *tables: Rows) -> None:
    """Write rows table by table, in this order, in as few round trips as can be."""
    waiting: list[Rows] = []
    for one in tables:
        if len(one.rows) >= COPY_FROM and not one.once:
            _insert(tx, waiting)
            waiting = []
            _copy(tx, one)
        elif one.rows:
            waiting.append(one)
    _insert(tx, waiting)


def _insert(tx: Connection, tables: Sequence[Rows]) -> None:
    if not tables:
        return
    with _driver(tx) as driver, driver.pipeline(), driver.cursor() as cursor:
        for one in tables:
            names = _names(one.rows)
            statement = _insert_statement(one.model, names, one.once)
            values = list(_values(one, names))
            if len(values) == 1:
                cursor.execute(statement, values[0])
            else:
                cursor.executemany(statement, values)


def _copy(tx: Connection, one: Rows) -> None:
    names = _names(one.rows)
    listed = ", ".join(f'"{name}"' for name in names)
    statement = f"COPY {one.model.__tablename__} ({listed}) FROM STDIN"
    with _driver(tx) as driver, driver.cursor() as cursor, cursor.copy(statement) as copy:
        for values in _values(one, names):
            copy.write_row(values)


def _names(rows: Sequence[Row]) -> tuple[str, ...]:
    """Every column that a row names: rows for one table may come from several use cases."""
    first = rows[0].keys()
    if all(row.keys() == first for row in rows):
        return tuple(first)
    return tuple({name: None for row in rows for name in row})


def _values(one: Rows, names: tuple[str, ...]) -> Iterator[list[Any]]:
    documents = _documents(one.model, names)
    whole = len(names) > 1 and all(len(row) == len(names) for row in one.rows)  # every row names every column
    picked = itemgetter(*names) if whole else None
    for row in one.rows:
        values = list(picked(row)) if picked else [row.get(name) for name in names]
        for at in documents:
            values[at] = None if values[at] is None else dumps(values[at]).decode()
        yield values


@cache
def _documents(model: type[DeclarativeBase], names: tuple[str, ...]) -> tuple[int, ...]:
    columns = model.__table__.c
    return tuple(at for at, name in enumerate(names) if isinstance(columns[name].type, JSONB))


@cache
def _insert_statement(model: type[DeclarativeBase], names: tuple[str, ...], once: bool) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join(["%s"] * len(names))
    conflict = " ON CONFLICT DO NOTHING" if once else ""
    return f"INSERT INTO {model.__tablename__} ({listed}) VALUES ({marks}){conflict}"  # noqa: S608 - our own names


@contextmanager
def _driver(tx: Connection) -> Iterator[Any]:
    """psycopg's connection under `tx`, its errors translated."""
    errors: Any = tx.dialect.loaded_dbapi
    try:
        yield tx.connection.driver_connection
    except errors.Error as error:
        raise DBAPIError.instance("(several)", None, error, errors.Error) from error
