"""What a request leaves of a list: its search, its choices, its days - and how the rows that are left are found in order.

Guarantees: where a condition holds for few rows of a big list and nothing else narrows, a page and its count cost as much as
the rows they show and count, however big the table is and however many rows fulfil it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, literal, nulls_last, or_, select

from hub.workday import LOCAL

if TYPE_CHECKING:
    from admin.listing import Column, Listing


@dataclass(frozen=True, slots=True)
class Walk:
    """A condition of which an index says what rows fulfil it, in the list's own order.

    `rows` are distinct: the moment by which the list is ordered, then the key by which it orders those of one moment; `by`
    and `to` are these columns of the list. `where` says the same of one row, where a list is searched or sorted otherwise.
    """

    rows: Select[Any]
    by: Any
    to: Any
    where: ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is left of a list: what holds of each row, and where a walk finds them, only of the days that are asked for."""

    conditions: Sequence[ColumnElement[bool]]
    order: Sequence[Any]
    walk: Walk | None = None
    upwards: bool = False

    def of(self, query: Select[Any]) -> Select[Any]:
        """What is left of a query of the list's rows, in no order."""
        if self.walk is not None:
            rows = self.walk.rows.subquery()
            query = query.join(rows, self.walk.to == rows.c[1])
        return query.where(*self.conditions)

    def page(self, query: Select[Any], limit: int, offset: int = 0) -> Select[Any]:
        """As many of them, in their order."""
        if self.walk is None:
            return self.of(query).order_by(*self.order).limit(limit).offset(offset)
        walked = self._in_order(self.walk.rows, self.walk.rows.selected_columns)
        if not self.conditions:  # the walk alone knows which they are
            walked = walked.limit(limit).offset(offset)
        rows = walked.subquery()
        found = self._in_order(query.join(rows, self.walk.to == rows.c[1]).where(*self.conditions), rows.c)
        return found if not self.conditions else found.limit(limit).offset(offset)

    def counted(self, query: Select[Any]) -> Select[Any]:
        """One row for each of them, however it is found soonest."""
        if self.walk is not None and not self.conditions:
            return self._in_order(self.walk.rows, self.walk.rows.selected_columns)
        left = self.of(query)
        found = select(literal(1)).select_from(*left.get_final_froms())
        return found if left.whereclause is None else found.where(left.whereclause)

    def _in_order(self, query: Select[Any], columns: Any) -> Select[Any]:
        moment, key = columns
        return query.order_by(moment.asc() if self.upwards else moment.desc(), key.desc())


def narrowing(listing: Listing, args: Mapping[str, str], extra: Sequence[ColumnElement[bool]]) -> Narrowing:
    """What a request leaves of a list."""
    words = (args.get("q") or "").strip()[:80].split()
    conditions = [*extra, *(_holding(listing, word) for word in words)]
    sort, walk = _sort(listing, args), None
    for choice in listing.choices:
        if not (value := args.get(choice.key)):
            continue
        condition = choice.where(value[:64])
        if not isinstance(condition, Walk):
            conditions.append(condition)
        elif words or walk is not None or (sort is not None and sort.sort is not condition.by):
            conditions.append(condition.where)
        else:
            walk = condition
    upwards = sort is not None and args.get("dir") == "asc"
    order = _order(listing, sort, upwards)
    if listing.day is None:
        return Narrowing(conditions, order, walk, upwards)
    if walk is None:
        return Narrowing([*conditions, *_days(listing.day[1], args)], order)
    within = walk.rows.where(*_days(walk.rows.selected_columns[0], args))
    return Narrowing(conditions, order, replace(walk, rows=within), upwards)


def _holding(listing: Listing, word: str) -> ColumnElement[bool]:
    if listing.searched is not None:
        return listing.searched(word)
    literal_word = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(*(column.ilike(f"%{literal_word}%") for column in listing.search))


def _sort(listing: Listing, args: Mapping[str, str]) -> Column | None:
    return next((c for c in listing.columns if c.sort is not None and c.key == args.get("sort")), None)


def _order(listing: Listing, sort: Column | None, upwards: bool) -> Sequence[Any]:
    if sort is None:
        return listing.order
    way = sort.sort.asc() if upwards else sort.sort.desc()
    # An index gives the order of a column without gaps either way; "nulls last" would keep it from that.
    gaps = getattr(sort.sort, "nullable", True)
    return (nulls_last(way) if gaps else way, *listing.order)


def _days(column: Any, args: Mapping[str, str]) -> list[ColumnElement[bool]]:
    stamped = hasattr(column.type, "timezone")
    first, last = _day(args.get("from")), _day(args.get("to"))
    found = []
    if first is not None:
        found.append(column >= (_midnight(first) if stamped else first))
    if last is not None:
        after = last + timedelta(days=1)
        found.append(column < (_midnight(after) if stamped else after))
    return found


def _midnight(value: date) -> datetime:
    return datetime(value.year, value.month, value.day, tzinfo=LOCAL)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
