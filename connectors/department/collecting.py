"""From the department's places to drafts: collected behind a place, mapped, said, settled, and only then the place moves.

Guarantees: a place moves on when everything before it is said, refused or set aside, and what was refused is written down
in the same transaction. What waits (for a file of evidence, for the broker) is set aside and holds up nothing. A place that
is away is asked again later, more and more seldom; the others meanwhile as ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

from connectors.adapters.port import Adapter, Answer, Incoming
from connectors.department.adapters.port import Draft, Kind
from connectors.department.figures import Figures
from connectors.department.flow_files import FlowFiles
from connectors.department.mapped_state import Aside, MappedState, Refused
from connectors.department.timetable import Timetable
from connectors.errors import ConnectorError
from schemas.connector.document import Flow
from schemas.mapping import Compiled

LONGEST_S = 60.0
MOST_ASIDE = 2_000  # waiting drafts; with more nothing new is collected
SKIPPED = "按线路的条件不报送"
_log = logging.getLogger(__name__)


@dataclass
class _Batch:
    """What one look at a place gave, until all of it is answered."""

    place: str
    again: bool = False  # of records that were refused before
    waiting: dict[str, tuple[Incoming, Aside]] = field(default_factory=dict)  # by the draft's ref
    answers: list[Answer] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass
class _Source:
    """One flow."""

    flow: Flow
    mapping: Compiled
    files: FlowFiles
    due_at: datetime | None = None  # None: at once
    last_at: datetime | None = None
    wait_s: float = 1.0
    words: str = ""  # why it is away
    batch: _Batch | None = None


class Means(NamedTuple):
    """What collecting works with."""

    state: MappedState
    adapter: Callable[[Flow], Adapter]
    figures: Figures
    timetable: Timetable
    clock: Callable[[], datetime]
    base: Path  # where files that a record names are looked for


class Collecting:
    """All flows of one connector that bring something."""

    def __init__(self, flows: Iterable[tuple[Flow, Compiled]], means: Means) -> None:
        self._state, self._adapter, self._figures, self._timetable, self._clock, self._base = means
        self._sources = {
            flow.name: _Source(flow, mapping, FlowFiles(flow, self._adapter)) for flow, mapping in flows
        }
        self._aside: dict[str, Aside] = {}  # given as drafts, not answered yet

    @property
    def words(self) -> str:
        """Which places are away, and why; '' when none is."""
        return "；".join(one.words for one in self._sources.values() if one.words)

    def due_at(self) -> datetime | None:
        """When to ask for drafts next; None: there is nothing to collect."""
        if not self._sources:
            return None
        now = self._clock()
        return min(one.due_at or now for one in self._sources.values())

    def look_now(self) -> None:
        """Somebody asked: do not wait for the timetable."""
        for source in self._sources.values():
            source.due_at = None

    def drafts(self, limit: int) -> list[Draft]:
        """What was set aside, then what is found behind each place."""
        if not self._sources:
            return []
        waiting = self._state.aside(MOST_ASIDE)
        drafts = [self._draft_aside(one) for one in waiting[:limit] if one.flow in self._sources]
        for source in self._sources.values():
            self._finish(source)
            drafts += self._again(source)
            if source.batch is None and len(waiting) < MOST_ASIDE and len(drafts) < limit:
                drafts += self._look(source, limit - len(drafts))
        return drafts

    def sent(self, answered: Sequence[tuple[Draft, str]]) -> None:
        """They are safe under these event ids."""
        said: list[tuple[str, Aside]] = []
        for draft, event_id in answered:
            if draft.ref in self._aside:
                aside = self._aside.pop(draft.ref)
                self._settle(aside.flow, [Answer(Incoming(aside.ref, aside.record), event_id)])
                said.append((event_id, aside))
                continue
            batch, incoming, aside = self._waiting(draft.ref)
            batch.answers.append(Answer(incoming, event_id))
            said.append((event_id, aside))
        self._state.note_said(said)
        self._finish_answered()

    def refused(self, draft: Draft, words: str) -> None:
        """It cannot be said as it is."""
        if draft.ref in self._aside:
            aside = self._aside.pop(draft.ref)
            refused = Refused(aside.flow, aside.ref, "in", "unfit", words, (), aside.record)
            self._settle(aside.flow, [Answer(Incoming(aside.ref, aside.record), None, words)])
            self._state.note_refused(refused, aside)
            self._figures.collected(aside.flow, 0, 1, 0)
            return
        batch, incoming, aside = self._waiting(draft.ref)
        _refuse(batch, aside.flow, incoming, "unfit", words)
        self._figures.collected(aside.flow, 0, 1, 0)
        self._finish_answered()

    def returned(self, event_id: str, words: str) -> bool:
        """The hub gave it back; true when we know from where it came."""
        origin = self._state.origin(event_id)
        if origin is None:
            return False
        flow, ref = origin
        self._state.note_refused(Refused(flow, ref, "in", "returned", words))
        if flow in self._sources:
            self._settle(flow, [Answer(Incoming(ref), None, words)])
        return True

    def _look(self, source: _Source, limit: int) -> list[Draft]:
        """What is behind the place, as drafts; records that cannot be mapped are answered at once."""
        now = self._clock()
        if source.due_at is not None and now < source.due_at:
            return []
        began = time.monotonic()
        flow = source.flow
        place = self._state.place(flow.name)
        try:
            found = self._adapter(flow).collect(place, limit)
        except Exception as error:  # whatever it is, the other flows go on
            self._away(source, error, began)
            return []
        source.words, source.wait_s, source.last_at = "", 1.0, now
        source.due_at = None if found.more else self._timetable.collect_at(now, now)
        if not found.records and found.place == place:
            self._figures.collected(flow.name, 0, 0, 0)
            return []
        batch = source.batch = _Batch(found.place)
        drafts = [draft for one in found.records for draft in self._read(source, batch, one)]
        took = int((time.monotonic() - began) * 1000)
        self._figures.collected(flow.name, len(drafts), len(batch.refused), took)
        if not drafts:
            self._finish(source)
        return drafts

    def _read(self, source: _Source, batch: _Batch, incoming: Incoming) -> list[Draft]:
        flow = source.flow
        if incoming.fault:
            _refuse(batch, flow.name, incoming, "format", incoming.fault)
            return []
        mapped = source.mapping.apply(incoming.record)
        for one in mapped.unmapped:
            self._figures.unmapped(one.table, "in", one.value, flow.name)
        if mapped.faults:
            words = "；".join(one.words for one in mapped.faults[:5])
            _refuse(batch, flow.name, incoming, "mapping", words, [asdict(one) for one in mapped.faults])
            return []
        if not mapped.records:
            batch.answers.append(Answer(incoming, None, SKIPPED, skipped=True))
            return []
        drafts = []
        for number, fields in enumerate(mapped.records):
            aside = Aside(flow.name, incoming.ref, number, fields, incoming.record)
            drafts.append(self._draft(aside))
            batch.waiting[drafts[-1].ref] = (incoming, aside)
        return drafts

    def _again(self, source: _Source) -> list[Draft]:
        """Refused records that somebody wants tried once more: from what was kept of them."""
        if source.batch is not None:
            return []
        refused = self._state.to_map_again(source.flow.name, 50)
        if not refused:
            return []
        batch = source.batch = _Batch(self._state.place(source.flow.name), again=True)
        source.due_at = None
        return [
            draft
            for one in refused
            for draft in self._read(source, batch, Incoming(one.ref, one.record or {}))
        ]

    def _finish(self, source: _Source) -> None:
        """Set aside what of the batch is unanswered, tell the other side what became of the rest, move on."""
        batch = source.batch
        if batch is None:
            return
        if batch.answers and not self._settle(source.flow.name, batch.answers):
            return  # away: the place stays, and it is told again
        aside = [one for _, one in batch.waiting.values()]
        skipped = [one.incoming.ref for one in batch.answers if one.skipped] if batch.again else []
        self._state.move(source.flow.name, batch.place, batch.refused, aside, skipped)
        source.batch = None

    def _finish_answered(self) -> None:
        for source in self._sources.values():
            if source.batch is not None and not source.batch.waiting:
                self._finish(source)

    def _settle(self, flow: str, answers: Sequence[Answer]) -> bool:
        source = self._sources.get(flow)
        if source is None:
            return True
        try:
            self._adapter(source.flow).settle(answers)
        except Exception as error:
            self._away(source, error, time.monotonic())
            return False
        return True

    def _away(self, source: _Source, error: Exception, began: float) -> None:
        if not isinstance(error, ConnectorError):
            _log.exception("适配器 %s 出错", source.flow.endpoint)
        said = error.message if isinstance(error, ConnectorError) else f"{type(error).__name__}：{error}"
        source.words = f"线路“{source.flow.name}”收取不到：{said}"[:500]
        source.due_at = self._clock() + timedelta(seconds=source.wait_s)
        source.wait_s = min(source.wait_s * 2, LONGEST_S)
        self._figures.failed(source.flow.name, int((time.monotonic() - began) * 1000))

    def _waiting(self, ref: str) -> tuple[_Batch, Incoming, Aside]:
        for source in self._sources.values():
            if source.batch is not None and ref in source.batch.waiting:
                incoming, aside = source.batch.waiting.pop(ref)
                return source.batch, incoming, aside
        raise KeyError(ref)

    def _draft(self, aside: Aside) -> Draft:
        source = self._sources[aside.flow]
        ref, kind = f"{aside.flow}\x1f{aside.ref}\x1f{aside.nr}", cast(Kind, source.flow.message)
        return Draft(ref, kind, aside.fields, base=self._base, fetch=source.files.fetch)

    def _draft_aside(self, aside: Aside) -> Draft:
        draft = self._draft(aside)
        self._aside[draft.ref] = aside
        return draft


def _refuse(
    batch: _Batch,
    flow: str,
    incoming: Incoming,
    cause: str,
    words: str,
    faults: Sequence[dict[str, Any]] = (),
) -> None:
    record = dict(incoming.record) or None
    batch.refused.append(Refused(flow, incoming.ref, "in", cause, words, faults, record))
    batch.answers.append(Answer(incoming, None, words))
