"""A connector with a document, at a department: tells the hub how it is, and hears what people there decided.

Guarantees: nothing waits for it: while the hub's door does not answer, or knows nothing of such a connector, work goes on.
A refusal is told until the hub has it. What people decide at the hub (pause, rewind, try again, a new version) is done
within a minute, and only where the hub signed it as the answer to what was asked just now.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Sequence
from typing import Any

from connectors.department.events import instant
from connectors.department.hub_door import HubDoor, said
from connectors.department.line import PLACE
from connectors.department.mapped_state import Refused, cleaned
from connectors.department.newer import fresh_nonce, newer_than, signed_answer
from connectors.department.open_mapped import OpenMapped
from connectors.department.parts import Parts
from connectors.department.renewal import Renewal
from connectors.department.state import REWOUND
from connectors.errors import ConnectorError
from schemas.connector.document import ConnectorDocument
from schemas.mapping.masking import masked

EVERY_S, SOON_S, PATIENCE_S = 60.0, 5.0, 5.0
MOST, MOST_UNTOLD = 200, 2_000
_log = logging.getLogger(__name__)


class Reporter:
    """Speaks with the hub's door now and then."""

    def __init__(self, parts: Parts, mapped: OpenMapped, door: HubDoor, renewal: Renewal) -> None:
        self._parts = parts
        self._mapped = mapped
        self._door = door
        self._renewal = renewal
        self._next_at = 0.0
        self._tag = ""
        self._measures: list[dict[str, Any]] = []  # untold
        self._unmapped: list[dict[str, Any]] = []
        self.paused = False
        self.newer: ConnectorDocument | None = None  # published since, to be run instead

    def turn(self, state: str, words: str | None) -> None:
        """Tell and hear, if it is time. Never raises ConnectorError."""
        if time.monotonic() < self._next_at or self._parts.config.hub_address is None:
            return
        self._next_at = time.monotonic() + EVERY_S
        try:
            self._hear()
            if self._tell(state, words):
                self._next_at = time.monotonic() + SOON_S
        except ConnectorError as error:
            _log.info("自报没有送到，稍后再试：%s", error.message)

    def _hear(self) -> None:
        tag = {"If-None-Match": self._tag} if self._tag else {}
        nonce = fresh_nonce()
        asked = {"params": {"nonce": nonce}, "headers": tag, "timeout": PATIENCE_S}
        answer = self._door.ask("GET", "/connector", **asked)
        if answer.status_code != 200:
            return  # nothing new, or a hub that knows this connector only by its file
        parts = self._parts
        signature = answer.headers.get("signature")
        told = signed_answer(parts.trust, answer.content, signature, nonce, at=parts.clock())
        self._tag = answer.headers.get("ETag", "")
        if told["code"] != self._mapped.document.code:
            return
        paused = told["state"] == "paused"
        if paused != self.paused:
            _log.warning("中心要求暂停，停止收发。" if paused else "中心要求恢复，继续收发。")
        self.paused = paused
        self._rewind(told.get("rewind_to"))
        self.newer = newer_than(self._mapped.document, told.get("document"))

    def _rewind(self, to: str | None) -> None:
        """Everything is read again from the start; what is not wanted again is dropped by its id."""
        state = self._parts.state
        if to is None or state.note(REWOUND) == to:
            return
        if self._parts.config.bus is not None:
            _log.warning("中心要求重送；经消息代理收取的连接器请由中心补发（shenguan resend）。")
        count = state.deliver_again(to)
        state.set_note(PLACE, "")
        _log.warning("中心要求重送 %s 以来的 %s 条。", to, count)

    def _tell(self, state: str, words: str | None) -> bool:
        """True when there is more to tell."""
        mapped = self._parts.state.mapped
        untold = mapped.untold(MOST)
        measures, unmapped = self._mapped.figures.changed()
        self._measures = [*self._measures, *measures][-MOST_UNTOLD:]
        self._unmapped = [*self._unmapped, *unmapped][-MOST_UNTOLD:]
        report = self._report(state, words, untold)
        answer = self._door.ask("POST", "/connector/health", json=report, timeout=PATIENCE_S)
        if answer.status_code != 200:
            raise ConnectorError(said(answer))
        mapped.note_told(untold)
        self._measures, self._unmapped = [], []
        for one in answer.json()["again"]:
            mapped.try_again(one["flow"], one["ref"])
        return len(untold) == MOST

    def _report(self, state: str, words: str | None, untold: Sequence[Refused]) -> dict[str, Any]:
        figures = self._mapped.figures
        held, oldest = self._parts.state.mapped.oldest_held()
        names = ("last_contact_at", "last_delivered_at", "last_collected_at")
        moments = {name: getattr(figures, name) for name in names}
        moments["certificate_until"] = self._renewal.until
        report: dict[str, Any] = {
            "instance": f"{socket.gethostname()}-{os.getpid()}"[:100],
            "state": "paused" if self.paused else state,
            "waiting": held,
            "measures": self._measures,
            "unmapped": self._unmapped,
            "refusals": [refusal_said(one) for one in untold if one.state != "taken"],
            "taken": [{"flow": one.flow or "-", "ref": one.ref} for one in untold if one.state == "taken"],
            **{name: instant(at) for name, at in moments.items() if at is not None},
        }
        if words:
            report["words"] = words[:1000]
        if oldest:
            report["oldest_waiting_at"] = oldest
        return report


def refusal_said(one: Refused) -> dict[str, Any]:
    """A refusal as the hub keeps it; people see values masked."""
    told: dict[str, Any] = {
        "flow": one.flow or "-",
        "direction": one.direction,
        "ref": one.ref,
        "cause": one.cause,
        "words": one.words[:2000],
        "faults": [{**fault, "value": _shown(fault.get("value"))} for fault in one.faults],
        "times": one.times,
    }
    said: dict[str, Any] = cleaned(told if one.record is None else told | {"record": masked(one.record)})
    return said


def _shown(value: Any) -> Any:
    return masked({"value": value})["value"]
