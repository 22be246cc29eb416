"""The adapter for tables of a department's own database: PostgreSQL, MySQL/MariaDB, SQLite.

Guarantees: see `sql_out` for what is delivered and `sql_in` for what is collected. Not a guarantee: that a server which is
slow answers; after `timeout_seconds` it is taken as away, and the same is asked again later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.adapters.filled import filled
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Answer, Collected, Column, Outgoing, Refusal, Step
from connectors.adapters.sql_check import check
from connectors.adapters.sql_found import found
from connectors.adapters.sql_in import Reader
from connectors.adapters.sql_out import Writer
from connectors.adapters.sql_server import Server
from connectors.adapters.sql_session import Session
from connectors.adapters.sql_table import shape_of
from connectors.errors import Misconfigured
from schemas.connector.document import Endpoint, Flow


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> Adapter:
    """The adapter of this endpoint for this flow. Raises Misconfigured."""
    server = Server.of(endpoint.settings, outside)
    if flow is None:
        return SqlAdapter(server)
    place = filled("sql", flow.direction, flow.place)
    if not place["table"]:
        raise Misconfigured(f"流向“{flow.name}”没有填写表名。")
    return SqlAdapter(server, flow, place)


class SqlAdapter(Adapter):
    """One table, in one direction; or none, then only its server is checked."""

    def __init__(self, server: Server, flow: Flow | None = None, place: dict[str, Any] | None = None) -> None:
        self._server = server
        self._session = Session(server)
        self._writer: Writer | None = None
        self._reader: Reader | None = None
        self._targets: list[str] = []
        if flow is None or place is None:
            return
        sandbox = server.outside.sandbox
        if flow.direction == "out":
            self._writer = Writer(self._session, place, sandbox=sandbox)
            self._targets = [rule.target for rule in flow.fields]
            if self._targets and place["delivery_column"]:
                self._targets.append(place["delivery_column"])
        else:
            self._reader = Reader(self._session, place, sandbox=sandbox)

    def check(self) -> Iterator[Step]:
        return check(self._server, self._writer, self._reader, self._targets)

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        if self._writer is None:
            raise Misconfigured("这一流向不是送出的，不能写入。")
        return self._writer.deliver(batch)

    def collect(self, place: str, limit: int) -> Collected:
        if self._reader is None:
            raise Misconfigured("这一流向不是采集的，不能读取。")
        return self._reader.collect(place, limit)

    def settle(self, answers: Sequence[Answer]) -> None:
        if self._reader is not None:
            self._reader.settle(answers)

    def columns(self) -> Sequence[Column]:
        chosen = self._writer or self._reader
        if chosen is None:
            return []
        schema = self._server.schema
        return self._session.run(lambda connection: shape_of(connection, chosen.table, schema).told())

    def found(self, batch: Sequence[Outgoing]) -> list[dict[str, Any] | None] | None:
        writer = self._writer
        if writer is None:
            return None
        return self._session.run(
            lambda connection: found(
                connection, writer.prepared(connection).shape, writer.keys, writer.delivery, batch
            )
        )

    def close(self) -> None:
        self._session.close()
        if self._writer is not None:
            self._writer.forget()
