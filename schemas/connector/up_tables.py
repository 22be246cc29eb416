"""The case tables `up_pro_*` of the national platform's front database 前置库, as data, and the statements that make them.

Lengths and names are those of the national exchange; what a place's own tables have beside them does not matter here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from schemas.encoding import loads

Dialect = Literal["mysql", "postgresql", "sqlite"]
#: What the exchange wants of every row; the connector fills it in.
KEY = "row_guid"
COMMON = (KEY, "cd_operation", "cd_time", "cd_batch", "data_source")
_MOMENT = {"mysql": "DATETIME", "postgresql": "TIMESTAMP(0)", "sqlite": "TIMESTAMP"}


@dataclass(frozen=True, slots=True)
class UpColumn:
    """One column. `kind`: text or moment."""

    name: str
    kind: str
    title: str
    title_en: str
    length: int | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class UpTable:
    """One table. `business`: what makes two rows the same thing, so that a correction finds the row it corrects."""

    name: str
    title: str
    title_en: str
    business: tuple[str, ...]
    columns: tuple[UpColumn, ...]


@cache
def up_tables() -> Mapping[str, UpTable]:
    """All of them, by name."""
    said: dict[str, Any] = loads((files("schemas") / "connector" / "up_tables.json").read_bytes())
    return {
        name: UpTable(
            name,
            one["title"],
            one["title_en"],
            tuple(one["business"]),
            tuple(UpColumn(**column) for column in one["columns"]),
        )
        for name, one in said["tables"].items()
    }


def ddl(table: str, dialect: Dialect) -> str:
    """The statement that makes a table, for a database administrator or for a connector that may."""
    made = up_tables()[table]
    lines = [_column(one, dialect) for one in made.columns]
    lines.append(f"PRIMARY KEY ({KEY})")
    tail = f" COMMENT='{made.title}' DEFAULT CHARSET=utf8mb4 ENGINE=InnoDB" if dialect == "mysql" else ""
    return f"CREATE TABLE {table} (\n  " + ",\n  ".join(lines) + f"\n){tail}"


def _column(column: UpColumn, dialect: Dialect) -> str:
    kind = _MOMENT[dialect] if column.kind == "moment" else f"VARCHAR({column.length})"
    needed = " NOT NULL" if column.required else " NULL"
    comment = f" COMMENT '{column.title}'" if dialect == "mysql" else ""
    return f"{column.name} {kind}{needed}{comment}"
