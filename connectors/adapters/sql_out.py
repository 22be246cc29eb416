"""Records into a table: fitted to its columns, in one transaction, a row that the database refuses found and left out.

Guarantees: what is taken is committed when `deliver` returns; a batch is there whole or, where the connection broke, not at
all, and the same batch again brings it in without a second row. Not of a table on an engine without transactions: there a
broken batch may be there in part until it is delivered again; it is written only where its own key keeps rows apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, inspect
from sqlalchemy import Table as Definition
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connectors.adapters.port import Outgoing, Refusal
from connectors.adapters.sql_errors import DatabaseFault, fault_of
from connectors.adapters.sql_session import RowFault, Session
from connectors.adapters.sql_table import SchemaChanged, Shape, shape_of
from connectors.adapters.sql_values import Convert, Unfit
from connectors.adapters.sql_write import LEDGER, Row, Table

SANDBOX = "_sandbox"


class Writer:
    """One table of one flow."""

    def __init__(self, session: Session, place: dict[str, Any], *, sandbox: bool) -> None:
        self._session = session
        self._real = place["table"]
        self.table = self._real + SANDBOX if sandbox else self._real
        self.keys = tuple(name.strip() for name in place["key_columns"].split(",") if name.strip())
        self._update = place["existing"] == "update"
        self.delivery = place["delivery_column"]
        self._prepared: Table | None = None
        self._converts: dict[tuple[str, ...], list[Convert]] = {}

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        """As the port says."""
        if not batch:
            return []
        for last in (False, True):
            try:
                return self._attempt(batch)
            except SchemaChanged:
                self.forget()
                if last:
                    raise
        raise AssertionError("unreachable")

    def forget(self) -> None:
        """Look at the table again."""
        self._session.forget()
        self._prepared = None
        self._converts.clear()

    def _attempt(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        try:
            return self._session.run(partial(self._write, batch, apart=False))
        except RowFault:
            return self._session.run(partial(self._write, batch, apart=True))

    def _write(
        self, batch: Sequence[Outgoing], connection: Connection, *, apart: bool
    ) -> list[Refusal | None]:
        table = self.prepared(connection)
        answers: list[Refusal | None] = [None] * len(batch)
        first: dict[str, int] = {}
        rows = []
        for index, one in enumerate(batch):
            if first.setdefault(one.key, index) != index:
                continue
            try:
                rows.append(self._row(table.shape, index, one))
            except Unfit as unfit:
                answers[index] = Refusal(unfit.cause, f"{unfit}。")
        if apart:
            _put_apart(connection, table, rows, answers)
        else:
            table.put(connection, rows)
        return [answers[first[one.key]] for one in batch]

    def _row(self, shape: Shape, at: int, one: Outgoing) -> Row:
        record = {**one.record, self.delivery: one.key} if self.delivery else one.record
        names = tuple(record)
        converts = self._converts.get(names)
        if converts is None:
            converts = self._converts[names] = self._look(shape, names)
        values = [convert(given) for convert, given in zip(converts, record.values(), strict=True)]
        if None in values:
            return self._thin(shape, Row(at, one.key, names, tuple(values)))
        return Row(at, one.key, names, tuple(values))

    def _look(self, shape: Shape, names: tuple[str, ...]) -> list[Convert]:
        """What makes records with these fields fit; Unfit where a field is missing that the table wants."""
        if not names:
            raise Unfit("映射没有给这条记录任何字段，请在映射中至少选择一个字段")
        if not shape.fields.keys() >= set(names):
            shape.need(names)
        missing = [name for name, field in shape.fields.items() if not field.optional and name not in names]
        if missing:
            raise Unfit(f"对方的必填字段没有来源：{'、'.join(missing)}")
        for name in self.keys:
            if name not in names:
                raise Unfit(f"键列 {name} 没有来源，无法判断是否已有这一行")
        return [shape.fields[name].convert for name in names]

    def _thin(self, shape: Shape, row: Row) -> Row:
        """A row with empty fields: those that may not be empty are left to their defaults, or refuse it."""
        kept = []
        for name, value in zip(row.columns, row.values, strict=True):
            field = shape.fields[name]
            if value is None and name in self.keys:
                raise Unfit(f"键列 {name} 为空，无法判断是否已有这一行")
            if value is None and not field.nullable:
                if not field.optional:
                    raise Unfit(f"字段 {name} 必填，这里为空")
                continue
            kept.append((name, value))
        return row._replace(columns=tuple(name for name, _ in kept), values=tuple(value for _, value in kept))

    def prepared(self, connection: Connection) -> Table:
        """The table and how to write it, looked at once. Raises SchemaChanged."""
        if self._prepared is None:
            if self.table != self._real:
                self._make_sandbox(connection)
            shape = self._session.shape(connection, self.table)
            shape.need(self.keys)
            if why := self.unsafe(shape):
                raise SchemaChanged(f"{why}数据没有丢失，改好后会自动继续。")
            dialect = self._session.server.dialect
            ledger = None if self.keys else self._ledger(connection)
            self._prepared = Table(shape, dialect, self.keys, self._update, ledger)
        return self._prepared

    def unsafe(self, shape: Shape) -> str | None:
        """Why rows could come twice into this table, and what to do; None: they cannot."""
        if self.keys and not shape.is_unique(self.keys):
            names = "、".join(self.keys)
            return (
                f"表 {shape.name} 没有以 {names} 为键的唯一索引，同一条记录可能写成两行。"
                f"请对方建唯一索引（{names}），或清空“键列”改用平台的登记表。"
            )
        if not self.keys and not shape.transactional:
            return (
                f"表 {shape.name} 用的是 {shape.engine} 引擎，中断时会留下半批数据。"
                "请对方改用 InnoDB，或填写有唯一索引的“键列”。"
            )
        return None

    def _ledger(self, connection: Connection) -> Shape:
        schema = self._session.server.schema
        if not inspect(connection).has_table(LEDGER, schema):
            made = Definition(
                LEDGER,
                MetaData(),
                Column("target", String(128), primary_key=True),
                Column("delivery", String(200), primary_key=True),
                schema=schema,
                mysql_engine="InnoDB",
                mysql_charset="utf8mb4",
                comment="审管通：已经送达的记录，请勿删除",
            )
            self._make(connection, made, "请对方授权建表，或填写“键列”。")
        return self._session.shape(connection, LEDGER)

    def _make_sandbox(self, connection: Connection) -> None:
        schema = self._session.server.schema
        if inspect(connection).has_table(self.table, schema):
            return
        real = shape_of(connection, self._real, schema)
        quoted = real.quote(self.table)
        quoted = f"{real.quote(schema)}.{quoted}" if schema else quoted
        if self._session.server.dialect == "postgresql":
            self._execute(connection, f"CREATE TABLE {quoted} (LIKE {real.quoted} INCLUDING ALL)")
        elif self._session.server.dialect == "mysql":
            self._execute(connection, f"CREATE TABLE {quoted} LIKE {real.quoted}")
        else:
            written = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
            (made,) = connection.exec_driver_sql(written, (self._real,)).one()
            self._execute(connection, f"CREATE TABLE {quoted} {made[made.index('(') :]}")
            for number, unique in enumerate(real.uniques):
                name = real.quote(f"{self.table}_{number}")
                self._execute(connection, f"CREATE UNIQUE INDEX {name} ON {quoted} ({real.names(unique)})")

    def _execute(self, connection: Connection, statement: str) -> None:
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            raise _cannot_make(self.table, fault_of(error), _SANDBOX_ADVICE) from error

    def _make(self, connection: Connection, table: Definition, advice: str) -> None:
        try:
            table.create(connection, checkfirst=True)
        except SQLAlchemyError as error:
            raise _cannot_make(table.name, fault_of(error), advice) from error


_SANDBOX_ADVICE = "请对方建一张结构相同的表供演练使用，或授权建表。"


def _cannot_make(name: str, fault: DatabaseFault, advice: str) -> SchemaChanged:
    return SchemaChanged(f"不能建立表 {name}：{fault.words}。{advice}")


def _put_apart(
    connection: Connection, table: Table, rows: Sequence[Row], answers: list[Refusal | None]
) -> None:
    """Halves of halves, until the rows that the database refuses stand alone."""
    waiting = [list(rows)]
    while waiting:
        part = waiting.pop()
        if not part:
            continue
        point = connection.begin_nested()
        try:
            table.put(connection, part)
            point.commit()
        except DBAPIError as error:
            fault = fault_of(error)
            if fault.kind != "row":
                raise
            with contextlib.suppress(DBAPIError):
                point.rollback()
            if len(part) == 1:
                answers[part[0].at] = Refusal(fault.cause, f"对方数据库不接受这条记录：{fault.words}。")
            else:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
