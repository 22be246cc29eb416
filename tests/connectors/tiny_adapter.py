"""A kind of endpoint for tests of what runs adapters: tables of one SQLite file, in both directions, that can be away.

What is delivered goes into `place.table` (key, subject, record as JSON), rows of `place.table` with an id are collected.
A file `<database>.away` beside it makes the endpoint unavailable; a record with `refuse` set is refused; a file
`<database>.kill` kills the process right after a delivery.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from connectors.adapters.outside import Outside
from connectors.adapters.port import (
    Adapter,
    AdapterUnavailable,
    Answer,
    Collected,
    Incoming,
    Outgoing,
    Record,
    Refusal,
    Step,
)
from schemas.connector.document import Endpoint, Flow

OUT = (
    "CREATE TABLE IF NOT EXISTS {} (n INTEGER PRIMARY KEY, key TEXT UNIQUE, subject TEXT, record TEXT,"
    " times INTEGER DEFAULT 1)"
)
IN = "CREATE TABLE IF NOT EXISTS {} (id INTEGER PRIMARY KEY, record TEXT, event_id TEXT, words TEXT)"


class Tiny(Adapter):
    def __init__(self, path: Path, table: str) -> None:
        self._path, self._table = path, table

    @contextmanager
    def _open(self, tables: str) -> Iterator[sqlite3.Connection]:
        if self._path.with_suffix(".away").exists():
            raise AdapterUnavailable("本部门的小库不在")
        with closing(sqlite3.connect(self._path, timeout=60)) as db, db:
            db.execute(tables.format(self._table))
            yield db

    def check(self) -> Iterator[Step]:
        yield Step("name", True, "找到了小库")
        away = self._path.with_suffix(".away").exists()
        yield Step("sign_in", not away, "不在" if away else "可以登录", "请启动小库" if away else "")

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        with self._open(OUT) as db:
            answers = [self._put(db, one) for one in batch]
        with suppress(FileNotFoundError):
            self._path.with_suffix(".kill").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return answers

    def _put(self, db: sqlite3.Connection, one: Outgoing) -> Refusal | None:
        if one.record.get("refuse"):
            return Refusal("shape", "小库没有这一列")
        db.execute(
            f"INSERT INTO {self._table} (key, subject, record) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET times = times + 1, record = excluded.record",
            (one.key, one.subject, json.dumps(dict(one.record), ensure_ascii=False)),
        )
        return None

    def found(self, batch: Sequence[Outgoing]) -> list[Record | None]:
        with self._open(OUT) as db:
            rows = dict(db.execute(f"SELECT key, record FROM {self._table}").fetchall())
        return [json.loads(rows[one.key]) if one.key in rows else None for one in batch]

    def collect(self, place: str, limit: int) -> Collected:
        with self._open(IN) as db:
            rows = db.execute(
                f"SELECT id, record FROM {self._table} WHERE id > ? ORDER BY id LIMIT ?",
                (int(place or 0), limit + 1),
            ).fetchall()
        records = [Incoming(f"id={row[0]}", json.loads(row[1])) for row in rows[:limit]]
        return Collected(records, str(rows[:limit][-1][0]) if records else place, len(rows) > limit)

    def settle(self, answers: Sequence[Answer]) -> None:
        with self._open(IN) as db:
            db.executemany(
                f"UPDATE {self._table} SET event_id = ?, words = ? WHERE id = ?",
                [(one.event_id, one.words, int(one.incoming.ref[3:])) for one in answers],
            )


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> Adapter:
    table = str(flow.place.get("table", "arrived")) if flow else "arrived"
    path = outside.base / str(endpoint.settings["database"])
    return Tiny(path, f"{table}_sandbox" if outside.sandbox else table)
