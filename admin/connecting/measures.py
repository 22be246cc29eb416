"""A connector's measures over an hour, a day or thirty days, and their picture: bars as plain SVG, made on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from hub.connecting.connector import ConnectorMeasure
from hub.workday import LOCAL

#: span -> (width of one bar in seconds, how many bars, how a bar is labelled)
SPANS = {"hour": (60, 60, "%H:%M"), "day": (1800, 48, "%H:%M"), "month": (86_400, 30, "%m-%d")}
WIDTH, HEIGHT, FOOT = 720, 150, 18


@dataclass(frozen=True, slots=True)
class Bar:
    """What was done in one piece of time."""

    at: datetime
    label: str
    records: int
    refused: int
    failed: int
    oldest: int | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rectangle of the picture."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    words: str


def bars(tx: Connection, code: str, span: str, now: datetime) -> list[Bar]:
    """The pieces of the span, oldest first; empty pieces are zeros."""
    width, count, pattern = SPANS[span]
    # Days begin at midnight in Shanghai, which has no summer time.
    offset = int(LOCAL.utcoffset(now).total_seconds())  # type: ignore[union-attr]
    last = (int(now.timestamp()) + offset) // width
    piece = func.floor((func.extract("epoch", ConnectorMeasure.at) + offset) / width)
    query = (
        select(
            piece.label("piece"),
            func.sum(ConnectorMeasure.records).label("records"),
            func.sum(ConnectorMeasure.refused).label("refused"),
            func.sum(ConnectorMeasure.failed).label("failed"),
            func.max(ConnectorMeasure.oldest_age_s).label("oldest"),
        )
        .where(
            ConnectorMeasure.connector == code,
            ConnectorMeasure.at >= now - timedelta(seconds=width * count),
        )
        .group_by(piece)
    )
    found: dict[int, Any] = {int(row.piece): row for row in tx.execute(query)}
    made = []
    for number in range(last - count + 1, last + 1):
        at = datetime.fromtimestamp(number * width - offset, LOCAL)
        row = found.get(number)
        made.append(
            Bar(
                at,
                at.strftime(pattern),
                int(row.records) if row else 0,
                int(row.refused) if row else 0,
                int(row.failed) if row else 0,
                row.oldest if row else None,
            )
        )
    return made


def records_chart(pieces: Sequence[Bar]) -> tuple[list[Drawn], int]:
    """Taken records, with refused ones on top; and the value of the whole height."""
    most = max((one.records + one.refused for one in pieces), default=0)
    top = _rounded(most)
    drawn: list[Drawn] = []
    for number, one in enumerate(pieces):
        base = 0.0
        for tone, value in (("good", one.records), ("bad", one.refused)):
            if value:
                drawn.append(_bar(number, len(pieces), base, value, top, tone, f"{one.label} {value:,}"))
                base += value
    return drawn, top


def oldest_chart(pieces: Sequence[Bar]) -> tuple[list[Drawn], int]:
    """The age of the oldest undelivered item in seconds; and the value of the whole height."""
    top = _rounded(max((one.oldest or 0 for one in pieces), default=0))
    return [
        _bar(number, len(pieces), 0, one.oldest, top, "warn", f"{one.label} {one.oldest:,} s")
        for number, one in enumerate(pieces)
        if one.oldest
    ], top


def _bar(number: int, count: int, base: float, value: float, top: int, tone: str, words: str) -> Drawn:
    step, usable = WIDTH / count, HEIGHT - FOOT
    height = max(1.5, usable * value / top)
    y = usable - usable * base / top - height
    return Drawn(
        round(number * step + step * 0.1, 1), round(y, 1), round(step * 0.8, 1), round(height, 1), tone, words
    )


def _rounded(most: float) -> int:
    """The next round number."""
    top = 1
    while top < most:
        top = next((top * factor for factor in (2, 5) if top * factor >= most), top * 10)
    return top
