"""Reports what was counted: of itself after midnight, and whenever the hub asks.

Guarantees: a question is answered even if a crash comes between; the same answer has the same id.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.department.events import LOCAL, Signed, event, instant, report_id, sign
from connectors.department.parts import Parts, publish
from connectors.department.tally import Figure, Tally, days_of
from schemas import violations

TYPE = "count.reported.v1"
LOOK_EVERY_S = 600.0
START_AFTER_S = 60.0  # what has piled up is taken first
MOST_FIGURES = 366  # of one message
MOST_IDS = 10_000  # of one message: it stays well below a megabyte


class Counter:
    """Tells the hub what this connector counted."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tally = Tally(parts.state)
        self._look_at = time.monotonic() + START_AFTER_S
        self._day = self._today()

    def report(self) -> None:
        """Answer what is asked; once a day, and now and then for what came late, report by itself."""
        for asked in self._tally.asked():
            figures = [figure for day in days_of(asked) for figure in self._tally.of_day(day)]
            self._tell(figures, with_ids=asked.with_ids)
            self._tally.answered(asked.event_id)
        now, today = self._parts.clock(), self._today()
        if today != self._day or time.monotonic() >= self._look_at:
            if due := self._tally.due(now):
                self._tell(due, with_ids=False)
                self._tally.note_told(due)
            self._day, self._look_at = today, time.monotonic() + LOOK_EVERY_S

    def _today(self) -> str:
        return self._parts.clock().astimezone(LOCAL).date().isoformat()

    def _tell(self, figures: Sequence[Figure], *, with_ids: bool) -> None:
        config = self._parts.config
        signed = [
            self._signed(list(part), with_ids=with_ids) for part in _messages(figures, with_ids=with_ids)
        ]
        outcomes = publish(self._parts.producer, [one.record(config.topic_out) for one in signed])
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def _signed(self, figures: Sequence[Figure], *, with_ids: bool) -> Signed:
        config, now = self._parts.config, self._parts.clock()
        days = [figure.told(with_ids=with_ids) for figure in figures]
        data: dict[str, Any] = {"counted_at": instant(now), "days": days}
        subject = f"count-{self._today()}"
        # The figures alone make the id, and the hour: told again later, it is said anew.
        event_id = report_id(config.code, "count", instant(now)[:13], {"days": days})
        document = event(config.source, TYPE, subject, data, event_id=event_id, at=now)
        assert not violations(TYPE, document)
        return sign(document, self._parts.signer)


def _messages(figures: Sequence[Figure], *, with_ids: bool) -> Iterator[list[Figure]]:
    part: list[Figure] = []
    ids = 0
    for figure in figures:
        more = len(figure.ids) if with_ids else 0
        if part and (len(part) == MOST_FIGURES or ids + more > MOST_IDS):
            yield part
            part, ids = [], 0
        part.append(figure)
        ids += more
    if part:
        yield part
