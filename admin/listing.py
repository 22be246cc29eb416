"""Lists of facts: search, filter, sort and page over one SELECT.

Guarantees: a page costs one query for its rows and one bounded query for the count, however big the table; a sort or
filter that the listing does not declare is ignored. Does not change anything: facts change through use cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select
from werkzeug.datastructures import MultiDict

from admin import cells
from admin.narrowing import Walk, narrowing
from schemas import code_table

COUNTED = 10_000
PAGE_SIZES = (25, 50, 100)
DEEPEST = 400
EXPORTED = 50_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how it is called, shown and sorted."""

    key: str
    title: Any
    show: Callable[[Any], Any]
    sort: Any = None
    text: Callable[[Any], str] | None = None  # in an export; else the row's own value
    narrow: bool = False  # also on a small screen
    wider: bool = False  # only on a large one

    @property
    def width(self) -> str:
        """The class of its cells."""
        return "" if self.narrow else "wider" if self.wider else "wide"


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter by one of several values; `conditions` where a value is more than equality."""

    key: str
    title: Any
    column: Any
    options: Callable[[Connection], Sequence[tuple[str, Any]]]
    conditions: Mapping[str, Callable[[], ColumnElement[bool] | Walk]] = field(default_factory=dict)

    narrow: Callable[[str], ColumnElement[bool]] | None = None

    def where(self, value: str) -> ColumnElement[bool] | Walk:
        """The condition for a chosen value."""
        if self.narrow is not None:
            return self.narrow(value)
        return self.conditions[value]() if value in self.conditions else self.column == value


@dataclass(frozen=True, slots=True)
class Listing:
    """One list, declared."""

    title: Any
    query: Callable[[], Select[Any]]
    columns: tuple[Column, ...]
    order: tuple[Any, ...]
    search: tuple[Any, ...] = ()
    search_hint: Any = ""
    searched: Callable[[str], ColumnElement[bool]] | None = (
        None  # instead, where the columns have a better way
    )
    choices: tuple[Choice, ...] = ()
    day: tuple[Any, Any] | None = None  # (label, timestamptz or date column)
    href: Callable[[Any], str | None] = lambda _row: None
    empty: Any = ""
    most: int = COUNTED  # rows that are counted, and can be paged through
    slim: Callable[[], Select[Any]] | None = None  # what is counted: without joins that only show things
    tail: Callable[[Any], Any] | None = None  # the last cell: buttons


@dataclass(slots=True)
class Page:
    """One page of a list, ready to be shown."""

    listing: Listing
    rows: Sequence[Row[Any]]
    number: int
    size: int
    count: int
    args: MultiDict[str, str]
    options: dict[str, Sequence[tuple[str, Any]]]

    @property
    def capped(self) -> bool:
        """Whether there are more than we count."""
        return self.count > self.listing.most

    @property
    def last(self) -> int:
        """The number of the last page that can be opened."""
        return min(max(1, -(-min(self.count, self.listing.most) // self.size)), DEEPEST)

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        keys = {"q", "from", "to", *(choice.key for choice in self.listing.choices)}
        return any(self.args.get(key) for key in keys)

    def link(self, **changes: Any) -> str:
        """This list with other parameters."""
        kept = {key: value for key, value in self.args.items() if value and key not in changes}
        kept.update({key: str(value) for key, value in changes.items() if value is not None})
        return "?" + urlencode(kept)

    def sort_link(self, column: Column) -> str:
        """This list by that column; the other way round on a second click."""
        same = self.args.get("sort") == column.key
        return self.link(
            sort=column.key, dir="asc" if same and self.args.get("dir") == "desc" else "desc", page=None
        )


def open_page(tx: Connection, listing: Listing, *extra: ColumnElement[bool]) -> Page:
    """The page that the request asks for."""
    args = request.args
    size = _number(args.get("size"), PAGE_SIZES[0])
    size = size if size in PAGE_SIZES else PAGE_SIZES[0]
    number = min(max(1, _number(args.get("page"), 1)), DEEPEST)
    left = narrowing(listing, args, extra)
    counted = left.counted((listing.slim or listing.query)()).limit(listing.most + 1).subquery()
    count = tx.scalar(select(func.count()).select_from(counted)) or 0
    rows = tx.execute(left.page(listing.query(), size, (number - 1) * size)).all()
    options = {choice.key: choice.options(tx) for choice in listing.choices}
    return Page(listing, rows, number, size, count, args, options)


def every_row(tx: Connection, listing: Listing, *extra: ColumnElement[bool]) -> Iterator[list[str]]:
    """The titles, then the rows of the whole filtered list as texts, at most EXPORTED of them."""
    yield [str(column.title) for column in listing.columns]
    chosen = narrowing(listing, request.args, extra).page(listing.query(), EXPORTED)
    for row in tx.execution_options(yield_per=500).execute(chosen):
        yield [_text(column, row) for column in listing.columns]


def narrowed(listing: Listing, args: Mapping[str, str], *extra: ColumnElement[bool]) -> Select[Any]:
    """The query with the request's search, choices and days."""
    return narrowing(listing, args, extra).of(listing.query())


def _text(column: Column, row: Any) -> str:
    value = column.text(row) if column.text else getattr(row, column.key)
    if isinstance(value, datetime):
        return cells.local(value, "%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def _number(text: str | None, fallback: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else fallback


def codes(table: str, only: Sequence[str] | None = None) -> Callable[[Connection], Sequence[tuple[str, Any]]]:
    """The options of a code table."""

    def options(tx: Connection) -> Sequence[tuple[str, Any]]:
        del tx
        return [(k, gettext(v)) for k, v in code_table(table).items() if only is None or k in only]

    return options


def words(kind: str) -> Callable[[Connection], Sequence[tuple[str, Any]]]:
    """The options of one of our own vocabularies."""
    return lambda _tx: [(key, gettext(text)) for key, (text, _tone) in cells.WORDS[kind].items()]
