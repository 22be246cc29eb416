"""The adapter for the national platform's front database: rows of `up_pro_*` as the exchange wants them.

Guarantees: the same thing (a case, a step of it) is one row for ever, its `row_guid` made of what makes it that thing; told
first it is an I, changed a U, withdrawn a D; told again unchanged it is not touched, so that the exchange does not carry it
twice. Rows that a correction no longer names are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, inspect

from connectors.adapters.filled import filled
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, AdapterUnavailable, Column, Outgoing, Refusal, Step
from connectors.adapters.sql import SqlAdapter
from connectors.adapters.sql_server import Server
from connectors.adapters.sql_table import Shape
from connectors.adapters.sql_values import LOCAL, Unfit, plain
from connectors.errors import Misconfigured
from schemas.connector.document import Endpoint, Flow
from schemas.connector.up_tables import COMMON, KEY, ddl, up_tables
from schemas.drafts.identity import deterministic_id

#: Rows that are asked for at once.
ROWS = 500
#: Of these it is not a change that they are another: the exchange's own.
_OWN = frozenset({"cd_time", "cd_batch", "cd_operation", "data_source", KEY})


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> Adapter:
    """The adapter of this endpoint for this flow. Raises Misconfigured."""
    server = Server.of(endpoint.settings, outside)
    if flow is None:
        return SqlAdapter(server)
    place = filled("up_tables", flow.direction, flow.place)
    if place["table"] not in up_tables():
        raise Misconfigured(f"线路“{flow.name}”没有选择前置库的表，可选：{'、'.join(up_tables())}。")
    if flow.direction == "in":
        inner = filled("sql", "in", {**place, "cursor_column": KEY})
        return SqlAdapter(server, flow, inner)
    settings = filled("up_tables", "settings", endpoint.settings)
    return UpTables(server, flow, place["table"], settings)


class UpTables(SqlAdapter):
    """One of the tables, written to."""

    def __init__(self, server: Server, flow: Flow, table: str, settings: Mapping[str, Any]) -> None:
        super().__init__(server, flow, filled("sql", "out", {"table": table, "key_columns": KEY}))
        self._table = up_tables()[table]
        self._source = settings["data_source"]
        self._may_make = bool(settings["create_tables"])
        if self._targets:
            self._targets = list(dict.fromkeys([*self._targets, *COMMON]))
        self._there = not self._may_make

    def check(self) -> Iterator[Step]:
        for step in super().check():
            if step.layer == "shape" and not step.ok and self._may_make and self._is_missing():
                words = f"表 {self._table.name} 还没有，第一次送达时由连接器建立。"
                yield replace(step, ok=True, words=words, advice="")
            else:
                yield step

    def _is_missing(self) -> bool:
        schema = self._server.schema
        return not self._session.run(lambda tx: inspect(tx).has_table(self._table.name, schema))

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        if batch:
            self._make_table()
        answers: list[Refusal | None] = [None] * len(batch)
        part: dict[str, int] = {}
        for index, one in enumerate(batch):
            try:
                guid = self._guid(one.record)
            except Unfit as unfit:
                answers[index] = Refusal(unfit.cause, f"{unfit}。")
                continue
            if guid in part:  # told twice: one after the other, should the second be refused
                self._put(batch, part, answers)
                part = {}
            part[guid] = index
        self._put(batch, part, answers)
        return answers

    def _put(self, batch: Sequence[Outgoing], part: Mapping[str, int], answers: list[Refusal | None]) -> None:
        """Write what of these has to be written, and note the answers."""
        if not part or self._writer is None:
            return
        told = {guid: batch[index] for guid, index in part.items()}
        rows = self._session.run(lambda connection: self._rows(connection, told))
        for row, answer in zip(rows, self._writer.deliver(rows), strict=True):
            answers[part[row.key]] = answer

    def _guid(self, record: Mapping[str, Any]) -> str:
        if given := record.get(KEY):
            return str(given)
        missing = [name for name in self._table.business if record.get(name) in (None, "")]
        if missing:
            raise Unfit(f"缺少 {'、'.join(missing)}，无法编出 {KEY}")
        return deterministic_id(self._table.name, *(record[name] for name in self._table.business))

    def _rows(self, connection: Connection, told: Mapping[str, Outgoing]) -> list[Outgoing]:
        """What has to be written of these, each with its operation."""
        assert self._writer is not None
        shape = self._writer.prepared(connection).shape
        shape.need((KEY, "cd_operation"))
        there = self._known(connection, shape, list(told))
        now = self._server.outside.clock().astimezone(LOCAL)
        common = {
            "cd_time": now.isoformat(timespec="seconds"),
            "cd_batch": now.strftime("%Y%m%d%H%M%S%f"),
            "data_source": self._source or None,
        }
        common = {name: value for name, value in common.items() if name in shape.fields}
        rows = []
        for guid, one in told.items():
            known = there.get(guid)
            operation = _operation(shape, known, one.record)
            if operation is None:
                continue
            kept = {
                name: plain(known[name]) for name in shape.fields if known and not shape.fields[name].optional
            }
            record = {**kept, **common, **one.record, KEY: guid, "cd_operation": operation}
            rows.append(replace(one, key=guid, record=record))
        return rows

    def _known(
        self, connection: Connection, shape: Shape, guids: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        mark = "?" if self._server.dialect == "sqlite" else "%s"
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(guids), ROWS):
            part = guids[start : start + ROWS]
            rows = connection.exec_driver_sql(
                f"SELECT * FROM {shape.quoted} WHERE {shape.quote(KEY)}"  # noqa: S608 - quoted
                f" IN ({', '.join([mark] * len(part))})",
                tuple(part),
            )
            found |= {str(row[KEY]): dict(row) for row in rows.mappings()}
        return found

    def found(self, batch: Sequence[Outgoing]) -> list[dict[str, Any] | None] | None:
        rows = super().found([replace(one, record={**one.record, KEY: self._known_as(one)}) for one in batch])
        for one, row in zip(batch, rows or (), strict=False):
            if row is not None and KEY not in one.record:
                del row[KEY]
        return rows

    def _known_as(self, one: Outgoing) -> str | None:
        try:
            return self._guid(one.record)
        except Unfit:
            return None

    def _make_table(self) -> None:
        """Where the connector may, and the table is not there."""
        if self._there:
            return
        if self._is_missing():
            dialect: Any = self._server.dialect
            self._session.run(lambda tx: tx.exec_driver_sql(ddl(self._table.name, dialect)))
        self._there = True

    def columns(self) -> Sequence[Column]:
        """Those of the table over there, with their titles; of one that cannot be seen yet, those that it should have."""
        titles = {one.name: one for one in self._table.columns}
        try:
            real = super().columns()
        except AdapterUnavailable:
            return [
                Column(one.name, one.kind, one.required and one.name not in COMMON, one.length, one.title)
                for one in self._table.columns
            ]
        return [
            replace(
                one,
                title=one.title or (titles[one.name].title if one.name in titles else ""),
                required=one.required and one.name not in COMMON,
            )
            for one in real
        ]


def _operation(shape: Shape, there: Mapping[str, Any] | None, record: Mapping[str, Any]) -> str | None:
    """I, U or D; None: it is there as it is told."""
    gone = there is None or there["cd_operation"] == "D"
    if record.get("cd_operation") == "D":
        return None if gone else "D"
    if there is None or gone:
        return "I"
    return None if all(_same(shape, there, name, record[name]) for name in record) else "U"


def _same(shape: Shape, there: Mapping[str, Any], name: str, told: Any) -> bool:
    if name in _OWN:
        return True
    if name not in shape.fields:
        return False  # the writer says that it is not there
    try:
        fitting = shape.fields[name].convert(told)
    except Unfit:
        return False  # the writer says why it does not fit
    return bool(plain(fitting) == plain(there[name]))
