"""A department's system behind a connector document: what comes is mapped and delivered flow by flow.

Guarantees: a message that a mapping or the other side does not take is given back as held, and nothing else waits for it;
what no flow is for is held too, never signed for in silence. What a flow's condition leaves out counts as handed over.
`OwnSystem` in the other direction is `collecting`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.adapters import Adapter
from connectors.adapters.port import Outgoing, Refusal
from connectors.department.adapters.port import Draft, Held
from connectors.department.collecting import Collecting, Means
from connectors.department.figures import Figures
from connectors.department.judge import PACKAGES, TOLD, LicenceChanged, Package, Told
from connectors.department.mapped_state import MappedState
from connectors.department.timetable import Timetable
from connectors.errors import AdapterUnavailable, ConnectorError, Misconfigured
from schemas.connector.document import ConnectorDocument, Faults, Flow
from schemas.mapping import Compiled, compile_flow

AT_ONCE = 500  # records handed to an adapter in one call
DECIDED, CORRECTED = "approval.decided.v1", "approval.corrected.v1"
Opener = Callable[[Flow], Adapter]
_log = logging.getLogger(__name__)


class MappedSystem:
    """One connector's flows, in both directions; each flow has an adapter of its own, opened at first use."""

    def __init__(
        self,
        document: ConnectorDocument,
        state: MappedState,
        opener: Opener,
        figures: Figures,
        clock: Callable[[], datetime],
        *,
        base: Path = Path(),
    ) -> None:
        self._opener = opener
        self._figures = figures
        self._opened: dict[str, Adapter] = {}
        self._away: set[str] = set()  # systems that the last attempt found away
        compiled = {flow.name: (flow, _compiled(flow, document)) for flow in document.flows if flow.active}
        self._out: dict[str, list[tuple[Flow, Compiled]]] = {}
        for flow, mapping in compiled.values():
            if flow.direction == "out":
                self._out.setdefault(flow.message, []).append((flow, mapping))
        # A flow that is there and switched off says: we know of such messages, and do not want them.
        self._unwanted = {one.message for one in document.flows if one.direction == "out" and not one.active}
        self.collecting = Collecting(
            [one for one in compiled.values() if one[0].direction == "in"],
            Means(state, self._adapter, figures, Timetable(document.running), clock, base),
        )  # fmt: skip

    def prepare(self) -> None:
        """Nothing to make: tables and folders are the department's own."""

    def deliver(self, packages: Sequence[Package]) -> list[Held]:
        """Packages, corrected ones among them; one flow after the other."""
        return self._hand_over(packages)

    def changed(self, changes: Sequence[LicenceChanged]) -> list[Held]:
        """What became of licences."""
        return self._hand_over(changes)

    def told(self, messages: Sequence[Told]) -> list[Held]:
        """Everything else."""
        return self._hand_over(messages)

    def drafts(self, limit: int) -> list[Draft]:
        """What was collected; a place that is away is asked again later and holds up no other."""
        return self.collecting.drafts(limit)

    def sent(self, answered: Sequence[tuple[Draft, str]]) -> None:
        """These are safe."""
        self.collecting.sent(answered)

    def refused(self, draft: Draft, words: str) -> None:
        """This cannot be said as it is."""
        self.collecting.refused(draft, words)

    def returned(self, event_id: str | None, words: str) -> bool:
        """The hub could not take it."""
        return event_id is not None and self.collecting.returned(event_id, words)

    def close(self) -> None:
        """Let go of every endpoint."""
        opened, self._opened = self._opened, {}
        for adapter in opened.values():
            adapter.close()

    def _hand_over(self, messages: Sequence[Package | Told]) -> list[Held]:
        held: dict[str, Held] = {}
        batches: dict[str, tuple[Flow, list[tuple[str, Outgoing]]]] = {}
        for message in messages:
            flows = self._flows(message.event["type"])
            if not flows and message.event["type"] not in self._unwanted:
                words = f"没有接收“{_title(message.event['type'])}”的线路，收到的消息已留存。请增加线路，或说明理由不再处理"
                held[message.event_id] = Held(message.event_id, "", "no_flow", words)
            for flow, mapping in flows:
                records = self._mapped(message, flow, mapping, held)
                batches.setdefault(flow.name, (flow, []))[1].extend(records)
        self._hand_all(list(batches.values()), held)
        return list(held.values())

    def _hand_all(
        self, batches: list[tuple[Flow, list[tuple[str, Outgoing]]]], held: dict[str, Held]
    ) -> None:
        """One system that is away keeps nothing of this batch from the others; whoever is well gets it once more at most:
        what was away the last time is asked first, and nobody else while it still is. Raises what the first one said."""
        away: dict[str, ConnectorError] = {}
        for flow, batch in sorted(batches, key=lambda one: one[0].endpoint not in self._away):
            if flow.endpoint in away:
                continue
            try:
                for start in range(0, len(batch), AT_ONCE):
                    self._hand(flow, batch[start : start + AT_ONCE], held)
            except ConnectorError as error:
                if flow.endpoint in self._away:
                    raise
                away[flow.endpoint] = error
            else:
                self._away.discard(flow.endpoint)
        self._away = set(away)
        for first in away.values():
            raise first

    def _flows(self, kind: str) -> list[tuple[Flow, Compiled]]:
        """A corrected package goes where decisions go, unless it has a flow of its own."""
        return self._out.get(kind) or (self._out.get(DECIDED, []) if kind == CORRECTED else [])

    def _mapped(
        self, message: Package | Told, flow: Flow, mapping: Compiled, held: dict[str, Held]
    ) -> Iterator[tuple[str, Outgoing]]:
        mapped = mapping.apply(out_record(message.event))
        for one in mapped.unmapped:
            self._figures.unmapped(one.table, "out", one.value, flow.name)
        if mapped.faults:
            words = "；".join(one.words for one in mapped.faults[:5])
            faults = [asdict(one) for one in mapped.faults]
            held.setdefault(message.event_id, Held(message.event_id, flow.name, "mapping", words, faults))
            return
        for number, record in enumerate(mapped.records):
            key = f"{message.event_id}:{number}" if flow.each else message.event_id
            yield message.event_id, Outgoing(key, message.case_no, record)

    def _hand(self, flow: Flow, records: Sequence[tuple[str, Outgoing]], held: dict[str, Held]) -> None:
        began = time.monotonic()
        try:
            with foreign(flow):
                answers = self._adapter(flow).deliver([one for _, one in records])
        except ConnectorError:
            self._figures.failed(flow.name, _ms(began))
            raise
        refused: list[tuple[str, Refusal]] = [
            (event_id, answer)
            for (event_id, _), answer in zip(records, answers, strict=True)
            if answer is not None
        ]
        for event_id, refusal in refused:
            held.setdefault(event_id, Held(event_id, flow.name, refusal.cause, refusal.words))
        self._figures.delivered(flow.name, len(records) - len(refused), len(refused), _ms(began))

    def _adapter(self, flow: Flow) -> Adapter:
        if flow.name not in self._opened:
            self._opened[flow.name] = self._opener(flow)
        return self._opened[flow.name]


def out_record(event: dict[str, Any]) -> dict[str, Any]:
    """What the mapping of an out flow sees: the message's data, and the event itself beside it."""
    about = {"id": event["id"], "type": event["type"], "time": event["time"], "subject": event["subject"]}
    return {**event["data"], "event": about}


@contextmanager
def foreign(flow: Flow) -> Iterator[None]:
    """Whatever an adapter does not foresee is taken as being away: nothing is lost, and it is said."""
    try:
        yield
    except ConnectorError:
        raise
    except Exception as error:
        _log.exception("适配器 %s 出错", flow.endpoint)
        raise AdapterUnavailable(
            f"线路“{flow.name}”的系统出现意外错误（{type(error).__name__}）：{str(error)[:200]}。数据没有丢失，稍后自动再试。"
        ) from error


def _compiled(flow: Flow, document: ConnectorDocument) -> Compiled:
    try:
        return compile_flow(document, flow)
    except Faults as error:
        raise Misconfigured(f"线路“{flow.name}”的字段映射有误：{error}") from error


def _title(kind: str) -> str:
    return PACKAGES.get(kind) or TOLD[kind][1]


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
