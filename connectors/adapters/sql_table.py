"""One table of the other side, as it is now: its columns, what is unique in it, whether it keeps transactions; and how
statements for it are written.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, MetaData, Table, inspect
from sqlalchemy import types as sql
from sqlalchemy.exc import NoSuchTableError, SAWarning

from connectors.adapters.port import Column
from connectors.adapters.sql_values import Convert, converter, for_sqlite, told
from connectors.errors import AdapterUnavailable

#: Engines of MySQL that write half of a transaction when it breaks off.
HALF_COMMITTING = frozenset({"myisam", "aria", "memory", "csv", "archive", "merge", "mrg_myisam"})


class SchemaChanged(AdapterUnavailable):
    """对方的表与映射不一致。数据没有丢失，恢复一致后会自动继续。"""


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `optional`: it may be left out; `apart`: left out, it is never the same in two rows."""

    name: str
    type: sql.TypeEngine[Any]
    nullable: bool
    optional: bool
    apart: bool
    convert: Convert
    comment: str | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A table, and how it is named in statements of its database."""

    name: str
    fields: dict[str, Field]
    uniques: tuple[tuple[str, ...], ...]  # the columns of every unique index, the primary key first
    indexed: frozenset[str]  # columns that an index begins with
    engine: str  # of MySQL; '' elsewhere
    quoted: str
    quote: Callable[[str], str] = field(repr=False)

    @property
    def transactional(self) -> bool:
        """Whether what is rolled back is gone."""
        return self.engine not in HALF_COMMITTING

    def is_unique(self, columns: Iterable[str]) -> bool:
        """Whether the table itself keeps these from coming twice, these alone."""
        wanted = set(columns)
        return any(set(one) == wanted for one in self.uniques)

    def names(self, columns: Iterable[str]) -> str:
        """For a statement."""
        return ", ".join(self.quote(name) for name in columns)

    def need(self, columns: Iterable[str]) -> None:
        """Raises SchemaChanged when a column is not there, with those that are."""
        missing = [name for name in columns if name not in self.fields]
        if missing:
            near = [one for name in missing for one in get_close_matches(name, self.fields, 1, 0.5)]
            hint = (
                f"是否改成了“{'”、“'.join(near)}”？"
                if near
                else f"现有：{'、'.join(list(self.fields)[:30])}。"
            )
            raise SchemaChanged(
                f"表 {self.name} 中没有字段“{'”、“'.join(missing)}”，可能已改名。{hint}"
                "请在映射中改选字段，或请对方恢复原名；数据没有丢失，改好后会自动继续。"
            )

    def told(self) -> list[Column]:
        """The columns as the port tells them."""
        return [
            told(one.name, one.type, required=not one.optional, comment=one.comment)
            for one in self.fields.values()
        ]


def shape_of(connection: Connection, name: str, schema: str | None) -> Shape:
    """The table or view as it is. Raises SchemaChanged where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", SAWarning
        )  # a kind of column that SQLAlchemy does not know: passed on as it is
        try:
            table = Table(name, MetaData(), autoload_with=connection, schema=schema, resolve_fks=False)
        except NoSuchTableError as error:
            raise SchemaChanged(_no_table(connection, name, schema)) from error
        # SQLite's indexes behind UNIQUE in a column's definition show only when asked for.
        more = {"include_auto_indexes": True} if connection.dialect.name == "sqlite" else {}
        indexes = inspect(connection).get_indexes(name, schema, **more)
        constraints = inspect(connection).get_unique_constraints(name, schema)
    primary = tuple(str(column.name) for column in table.primary_key)
    unique = [_columns(one) for one in indexes if one.get("unique") and not _partial(one)]
    unique += [_columns(one) for one in constraints]
    first = {_columns(one)[:1] for one in indexes} | {one[:1] for one in unique} | {primary[:1]}
    quote = connection.dialect.identifier_preparer.quote_identifier
    engine = table.kwargs.get("mysql_engine") or table.kwargs.get("mariadb_engine") or ""
    return Shape(
        name=name,
        fields={str(one.name): _field(one, primary, connection.dialect.name) for one in table.columns},
        uniques=tuple(dict.fromkeys(one for one in (primary, *unique) if one)),
        indexed=frozenset(one[0] for one in first if one),
        engine=str(engine).lower(),
        quoted=f"{quote(schema)}.{quote(name)}" if schema else quote(name),
        quote=quote,
    )


def _columns(index: Any) -> tuple[str, ...]:
    return tuple(str(name or "") for name in index["column_names"])  # an expression has no name


def _partial(index: Any) -> bool:
    return any(key.endswith("_where") for key in index.get("dialect_options", {}))


def _field(column: Any, primary: Sequence[str], dialect: str) -> Field:
    numbered = bool(column.identity) or column.autoincrement is True or column.computed is not None
    # The primary key of SQLite that is an INTEGER numbers itself.
    alone = dialect == "sqlite" and primary == (column.name,) and isinstance(column.type, sql.INTEGER)
    numbered = numbered or alone
    given = column.server_default is not None
    kind = column.type
    name = str(column.name)  # SQLAlchemy's own kind of text is no key in JSON
    convert = converter(name, kind)
    return Field(
        name=name,
        type=kind,
        nullable=column.nullable,
        optional=column.nullable or given or numbered,
        apart=numbered or (column.nullable and not given),
        convert=for_sqlite(convert) if dialect == "sqlite" else convert,
        comment=column.comment,
    )


def _no_table(connection: Connection, name: str, schema: str | None) -> str:
    inspector = inspect(connection)
    there = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    near = get_close_matches(name, there, 3, 0.5) or sorted(there)[:10]
    hint = f"能看到的有：{'、'.join(near)}。" if near else "该用户在这个库中看不到任何表。"
    return f"没有名为 {name} 的表，或该用户看不到它。{hint}请核对表名，或请对方授权；数据没有丢失。"
