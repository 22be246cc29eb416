"""Lists of facts: search, filter, sort and page over one SELECT.

Guarantees: a page costs one query for its rows and one bounded query for the count, however big the table; a sort or
filter that the listing does not declare is ignored. Does not change anything: facts change through use cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext
from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal, nulls_last, or_, select
from werkzeug.datastructures import MultiDict

from admin import cells
from hub.workday import LOCAL
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
    conditions: Mapping[str, Callable[[], ColumnElement[bool]]] = field(default_factory=dict)

    narrow: Callable[[str], ColumnElement[bool]] | None = None

    def where(self, value: str) -> ColumnElement[bool]:
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
    chosen = narrowed(listing, args, *extra)
    slim = chosen if listing.slim is None else listing.slim()
    counted = select(literal(1)).select_from(*slim.get_final_froms())
    if chosen.whereclause is not None:
        counted = counted.where(chosen.whereclause)
    count = tx.scalar(select(func.count()).select_from(counted.limit(listing.most + 1).subquery())) or 0
    rows = tx.execute(_ordered(listing, chosen, args).limit(size).offset((number - 1) * size)).all()
    options = {choice.key: choice.options(tx) for choice in listing.choices}
    return Page(listing, rows, number, size, count, args, options)


def every_row(tx: Connection, listing: Listing, *extra: ColumnElement[bool]) -> Iterator[list[str]]:
    """The titles, then the rows of the whole filtered list as texts, at most EXPORTED of them."""
    yield [str(column.title) for column in listing.columns]
    chosen = _ordered(listing, narrowed(listing, request.args, *extra), request.args).limit(EXPORTED)
    for row in tx.execution_options(yield_per=500).execute(chosen):
        yield [_text(column, row) for column in listing.columns]


def narrowed(listing: Listing, args: Mapping[str, str], *extra: ColumnElement[bool]) -> Select[Any]:
    """The query with the request's search, choices and days."""
    query = listing.query()
    for condition in extra:
        query = query.where(condition)
    words = (args.get("q") or "").strip()[:80]
    for word in words.split():
        if listing.searched is not None:
            query = query.where(listing.searched(word))
            continue
        literal_word = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(or_(*(column.ilike(f"%{literal_word}%") for column in listing.search)))
    for choice in listing.choices:
        if value := args.get(choice.key):
            query = query.where(choice.where(value[:64]))
    if listing.day is not None:
        query = _within(query, listing.day[1], args)
    return query


def _within(query: Select[Any], column: Any, args: Mapping[str, str]) -> Select[Any]:
    stamped = hasattr(column.type, "timezone")
    first, last = _day(args.get("from")), _day(args.get("to"))
    if first is not None:
        query = query.where(column >= (_midnight(first) if stamped else first))
    if last is not None:
        after = last + timedelta(days=1)
        query = query.where(column < (_midnight(after) if stamped else after))
    return query


def _midnight(value: date) -> datetime:
    return datetime(value.year, value.month, value.day, tzinfo=LOCAL)


def _ordered(listing: Listing, query: Select[Any], args: Mapping[str, str]) -> Select[Any]:
    wanted = next((c for c in listing.columns if c.sort is not None and c.key == args.get("sort")), None)
    if wanted is None:
        return query.order_by(*listing.order)
    way = wanted.sort.asc() if args.get("dir") == "asc" else wanted.sort.desc()
    # An index gives the order of a column without gaps either way; "nulls last" would keep it from that.
    gaps = getattr(wanted.sort, "nullable", True)
    return query.order_by(nulls_last(way) if gaps else way, *listing.order)


def _text(column: Column, row: Any) -> str:
    value = column.text(row) if column.text else getattr(row, column.key)
    if isinstance(value, datetime):
        return cells.local(value, "%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def _number(text: str | None, fallback: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else fallback


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def codes(table: str, only: Sequence[str] | None = None) -> Callable[[Connection], Sequence[tuple[str, Any]]]:
    """The options of a code table."""

    def options(tx: Connection) -> Sequence[tuple[str, Any]]:
        del tx
        return [(k, gettext(v)) for k, v in code_table(table).items() if only is None or k in only]

    return options


def words(kind: str) -> Callable[[Connection], Sequence[tuple[str, Any]]]:
    """The options of one of our own vocabularies."""
    return lambda _tx: [(key, gettext(text)) for key, (text, _tone) in cells.WORDS[kind].items()]
