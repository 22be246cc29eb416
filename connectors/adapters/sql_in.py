"""Rows out of a table, page after page, and what became of them written back.

How new rows are found, and what is promised:

- With a status column, rows whose status says so are read until it says otherwise: nothing is ever overlooked. A place only
  says how far a sweep over them has come; the next sweep begins at the start.
- Without one, by a number that grows or a time of change. A row that is committed late, with a smaller number or an earlier
  time than what was read already, is still found while it is among the last 500 rows (of times: within `overlap_seconds`
  as well): a place holds what of these was seen. Numbers given out in no order are not for this: such a table needs a
  status.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy import types as sql

from connectors.adapters.port import Answer, Collected, Incoming
from connectors.adapters.sql_out import SANDBOX
from connectors.adapters.sql_session import Session
from connectors.adapters.sql_table import SchemaChanged, Shape
from connectors.adapters.sql_values import Unfit, is_bits, plain
from connectors.errors import Misconfigured
from schemas import dumps, loads

WINDOW = 500
#: What orders rows: the cursor's value and, for times, the key's.
Point = tuple[Any, ...]


class Reader:
    """One table of one flow."""

    def __init__(self, session: Session, place: dict[str, Any], *, sandbox: bool) -> None:
        self._session = session
        self.table = place["table"] + (SANDBOX if sandbox else "")
        self._sandbox = sandbox
        self.cursor = place["cursor_column"]
        self.by_time = place["cursor_kind"] == "time"
        self.key = place["key_column"] if self.by_time else self.cursor
        self.status = place["status_column"]
        self._place = place
        self._overlap = dt.timedelta(seconds=place["overlap_seconds"])
        if self.by_time and not self.key:
            raise Misconfigured("按修改时间读取时必须填写“主键列”。")

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that the settings name."""
        place = self._place
        names = (self.cursor, self.key, self.status, place["filter_column"])
        return tuple(dict.fromkeys(name for name in (*names, *self.written) if name))

    @property
    def written(self) -> tuple[str, ...]:
        """Those that `settle` writes."""
        if not self.status:
            return ()
        names = (self.status, self._place["words_column"], self._place["event_column"])
        return tuple(name for name in names if name)

    def collect(self, place: str, limit: int) -> Collected:
        """As the port says."""
        for last in (False, True):
            try:
                return self._session.run(lambda connection: self._collect(connection, place, limit))
            except SchemaChanged:
                self._session.forget()
                if last:
                    raise
        raise AssertionError("unreachable")

    def _collect(self, connection: Connection, place: str, limit: int) -> Collected:
        if self._sandbox and not inspect(connection).has_table(self.table, self._session.server.schema):
            return Collected([], place, False)  # nothing was put there to rehearse with
        shape = self._session.shape(connection, self.table)
        shape.need(self.named)
        low, seen = self._read_place(shape, place)
        found = self._points(connection, shape, low, limit + len(seen) + 1)
        new = [point for point in found if point not in seen]
        page, more = new[:limit], len(new) > limit
        records = self._rows(connection, shape, page)
        if self.status:
            return Collected(records, _written([page[-1]], page[-1]) if more and page else "", more)
        return Collected(records, self._place_behind(low, seen, page) if page else place, more)

    def _read_place(self, shape: Shape, place: str) -> tuple[Point | None, set[Point]]:
        if not place:
            return None, set()
        try:
            held = loads(place)
            kinds = [None if self._loose else shape.fields[name].type for name in self._ordered]
            low = _point(held["low"], kinds) if held["low"] is not None else None
            return low, {_point(one, kinds) for one in held["seen"]}
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise Misconfigured(f"读取位置不是这张表的：{place[:60]}。请重新设定起点。") from error

    @property
    def _loose(self) -> bool:
        """SQLite gives every moment as the text that was put in."""
        return self._session.server.dialect == "sqlite"

    @property
    def _ordered(self) -> tuple[str, ...]:
        return (self.cursor, self.key) if self.by_time else (self.cursor,)

    def _points(self, connection: Connection, shape: Shape, low: Point | None, limit: int) -> list[Point]:
        """The next rows from `low` on, in order; of those that were seen some may be among them."""
        columns = [shape.quote(name) for name in self._ordered]
        where, values = self._filter(shape)
        where += [f"{columns[0]} IS NOT NULL"]
        if low is not None and len(columns) == 2:
            where.append(f"({columns[0]} > ? OR ({columns[0]} = ? AND {columns[1]} > ?))")
            values += [low[0], low[0], low[1]]
        elif low is not None:
            where.append(f"{columns[0]} > ?")
            values.append(low[0])
        order = ", ".join(columns)
        statement = (
            f"SELECT {order} FROM {shape.quoted} WHERE {' AND '.join(where)}"  # noqa: S608 - quoted
            f" ORDER BY {order} LIMIT {int(limit)}"
        )
        found = connection.exec_driver_sql(self._marked(statement), tuple(values))
        return [tuple(row) for row in found]

    def _filter(self, shape: Shape) -> tuple[list[str], list[Any]]:
        where, values = [], []
        pairs = [(self._place["filter_column"], self._place["filter_value"])]
        pairs.append((self.status, self._place["status_new"]))
        for name, value in pairs:
            if not name:
                continue
            quoted, field = shape.quote(name), shape.fields[name]
            if value != "":
                where.append(f"{quoted} = ?")
                values.append(self._fitting(field.convert, value))
            elif isinstance(field.type, sql.String):
                where.append(f"({quoted} IS NULL OR {quoted} = '')")
            else:
                where.append(f"{quoted} IS NULL")
        return where, values

    def _fitting(self, convert: Any, value: str) -> Any:
        try:
            return convert(value)
        except Unfit as unfit:
            raise Misconfigured(f"{unfit}。请改正这一流向的筛选或状态设置。") from unfit

    def _rows(self, connection: Connection, shape: Shape, page: Sequence[Point]) -> list[Incoming]:
        if not page:
            return []
        keys = [point[-1] for point in page]
        marks = ", ".join("?" * len(keys))
        statement = f"SELECT * FROM {shape.quoted} WHERE {shape.quote(self.key)} IN ({marks})"  # noqa: S608
        found = connection.exec_driver_sql(self._marked(statement), tuple(keys))
        names = list(found.keys())
        place = {name: number for number, name in enumerate(names)}
        rows = {tuple(row[place[name]] for name in self._ordered): row for row in found}
        # A row that was changed in between has moved on; it comes at its new place.
        bits = frozenset(name for name, field in shape.fields.items() if is_bits(field.type))
        return [self._incoming(names, rows[point], bits) for point in page if point in rows]

    def _incoming(self, names: Sequence[str], row: Any, bits: frozenset[str]) -> Incoming:
        record = {name: plain(value) for name, value in zip(names, row, strict=True)}
        for name, value in zip(names, row, strict=True):
            if name in bits and isinstance(value, bytes):
                record[name] = int.from_bytes(value)
        return Incoming(f"{self.table} {self.key}={record[self.key]}", record)

    def _place_behind(self, low: Point | None, seen: set[Point], page: Sequence[Point]) -> str:
        """What was seen of the last rows; everything up to `low` is behind us for good."""
        window = sorted({*seen, *page})
        kept = window[-WINDOW:]
        if self.by_time and isinstance(window[-1][0], dt.datetime):
            since = window[-1][0] - self._overlap
            kept = [one for one in kept if one[0] >= since] or window[-1:]
        gone = window[: len(window) - len(kept)]
        return _written(kept, gone[-1] if gone else low)

    def settle(self, answers: Sequence[Answer]) -> None:
        """As the port says; without a status column there is no room for it."""
        if self.status and answers:
            self._session.run(lambda connection: self._settle(connection, answers))

    def _settle(self, connection: Connection, answers: Sequence[Answer]) -> None:
        shape = self._session.shape(connection, self.table)
        shape.need(self.named)
        columns = [self.status]
        columns += [name for name in (self._place["words_column"], self._place["event_column"]) if name]
        changes = ", ".join(f"{shape.quote(name)} = ?" for name in columns)
        statement = f"UPDATE {shape.quoted} SET {changes} WHERE {shape.quote(self.key)} = ?"  # noqa: S608
        for one in answers:
            said = {
                self.status: self._place["status_sent" if one.event_id else "status_refused"],
                self._place["words_column"]: one.words or None,
                self._place["event_column"]: one.event_id,
            }
            values = [self._cut(shape, name, said[name]) for name in columns]
            key = shape.fields[self.key].convert(one.incoming.record[self.key])
            connection.exec_driver_sql(self._marked(statement), (*values, key))

    def _cut(self, shape: Shape, name: str, value: str | None) -> Any:
        field = shape.fields[name]
        length = getattr(field.type, "length", None)
        if value is not None and length:
            value = value[:length]
        fitting = self._fitting(field.convert, value or "")
        return "" if fitting is None and not field.nullable else fitting

    def _marked(self, statement: str) -> str:
        """Statements here are written with '?' for every value."""
        return statement if self._session.server.dialect == "sqlite" else statement.replace("?", "%s")


def _written(seen: Sequence[Point], low: Point | None) -> str:
    return dumps(
        {"low": None if low is None else _plain_point(low), "seen": [_plain_point(one) for one in seen]}
    ).decode()


def _plain_point(point: Point) -> list[Any]:
    return [value if isinstance(value, int) else str(value) for value in point]


def _point(held: Sequence[Any], kinds: Sequence[sql.TypeEngine[Any] | None]) -> Point:
    return tuple(_value(one, kind) for one, kind in zip(held, kinds, strict=True))


def _value(held: Any, kind: sql.TypeEngine[Any] | None) -> Any:
    if isinstance(held, int):
        return held
    if isinstance(kind, sql.DateTime):
        return dt.datetime.fromisoformat(held)
    if isinstance(kind, sql.Date):
        return dt.date.fromisoformat(held)
    if isinstance(kind, sql.Numeric):
        return Decimal(held)
    return held
