"""From the topic into the department's system: verify, drop what is known, deliver, receipt, and only then the offset.

Guarantees: the receipt of a package, or of whatever else is told, leaves only after it is delivered, and always leaves:
after a crash in between it comes again, is not delivered twice, and its receipt, if one was made, goes out with the same
bytes.
What the department's system cannot take as it is is held: it has arrived, it is signed for once it is delivered.
What cannot be used goes to our own quarantine. Neither holds up anything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.bus import Message
from connectors.department.adapters.port import Held
from connectors.department.events import Signed, event, instant, local_day, sign
from connectors.department.judge import CountAsked, LicenceChanged, Package, Returned, Told, Unusable, judge
from connectors.department.parts import Parts, publish
from connectors.department.state import REWOUND, SINCE, Received
from schemas.drafts.identity import deterministic_id

_log = logging.getLogger(__name__)


class Receiver:
    """Deals with batches of messages from the hub."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def take(self, messages: Sequence[Message]) -> int:
        """All of a batch; returns how many new messages were delivered. Raises when it has to be tried again."""
        parts, at = self._parts, self._parts.clock()
        arrived: dict[str, Package | Told] = {}
        for message in messages:
            verdict = judge(message, parts.trust, area=parts.config.area, code=parts.config.code, at=at)
            if isinstance(verdict, Package | Told):
                arrived.setdefault(verdict.event_id, verdict)
            elif isinstance(verdict, Returned):
                self._problem(verdict)
            else:
                self._quarantine(verdict)
        known = parts.state.receipts_of(list(arrived))
        again = parts.state.wanted_again(arrived) | self._rewound(arrived.values(), known)
        before = (known.keys() | parts.state.elsewhere(one for one in arrived if one not in known)) - again
        fresh = self._wanted([one for one in arrived.values() if one.event_id not in before], known)
        if fresh:
            held = self.deliver(fresh)
            new = [one for one in fresh if one.event_id not in known]
            made = [(received(one), self._receipt(one, at, held=one.event_id in held)) for one in new]
            asked = [(one.event_id, one.data) for one in fresh if isinstance(one, CountAsked)]
            if held:
                values = {one.event_id: one.value for one in fresh}
                parts.state.mapped.note_held([(one, values[key]) for key, one in held.items()], parts.version)
            packages = [one for one in new if isinstance(one, Package)]
            parts.state.note_received(made, self._files(packages), asked)
            if again:
                parts.state.note_again(again)
            known |= {got.event_id: receipt for got, receipt in made}
        self.send_receipts(known)
        return len(fresh)

    def _wanted(self, fresh: Sequence[Package | Told], known: Mapping[str, object]) -> list[Package | Told]:
        """Without what the hub said before the start that was chosen: that is not delivered, and not signed for."""
        since = self._parts.state.note(SINCE) if fresh else None
        if not since:
            return list(fresh)
        start = datetime.fromisoformat(since)
        unknown = (one for one in fresh if one.event_id not in known)
        older = {one.event_id for one in unknown if datetime.fromisoformat(one.event["time"]) < start}
        if older:
            self._parts.state.note_elsewhere(older)
        return [one for one in fresh if one.event_id not in older]

    def deliver(self, messages: Sequence[Package | Told]) -> dict[str, Held]:
        """Packages first: the others speak of them. Who asks for counts is answered by the connector itself.

        Gives what the department's system could not take as it is.
        """
        adapter = self._parts.adapter
        packages = [one for one in messages if isinstance(one, Package)]
        changes = [one for one in messages if isinstance(one, LicenceChanged)]
        others = [one for one in messages if not isinstance(one, Package | LicenceChanged | CountAsked)]
        held: list[Held] = []
        if packages:
            held += adapter.deliver(packages) or ()
        if changes:
            held += adapter.changed(changes) or ()
        if others:
            held += adapter.told(others) or ()
        return {one.event_id: one for one in held}

    def _rewound(self, messages: Iterable[Package | Told], known: Mapping[str, Signed]) -> set[str]:
        """Those that somebody else signed for, and that are to be delivered here all the same."""
        since = self._parts.state.note(REWOUND)
        if since is None:
            return set()
        start = datetime.fromisoformat(since)
        return {
            one.event_id
            for one in messages
            if one.event_id not in known and datetime.fromisoformat(one.event["time"]) >= start
        }

    def send_receipts(self, receipts: dict[str, Signed]) -> None:
        """Publish receipts, new ones and repeated ones alike, and note that they are out."""
        topic = self._parts.config.topic_out
        outcomes = publish(self._parts.producer, [receipt.record(topic) for receipt in receipts.values()])
        safe = [event_id for event_id, outcome in zip(receipts, outcomes, strict=True) if outcome is None]
        self._parts.state.note_receipted(safe)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def _receipt(self, message: Package | Told, at: datetime, *, held: bool) -> Signed:
        """Arrived when we had it, signed when it was delivered."""
        now = self._parts.clock()
        receipts = [{"kind": "arrived", "at": instant(at), "by": None, "reason": None}]
        if not held:
            receipts.append({"kind": "signed", "at": instant(max(now, at)), "by": None, "reason": None})
        kinds = [str(one["kind"]) for one in receipts]
        return receipt_event(self._parts, received(message), receipts, at=now, identity=kinds)

    def _files(self, packages: Sequence[Package]) -> list[dict[str, Any]]:
        if not self._parts.config.files.fetch:
            return []
        return [
            {
                "material_id": material["id"],
                "case_no": package.case_no,
                "name": material["material_name"],
                "media_type": material["media_type"],
                "href": material["href"],
                "sha256": material["sha256"],
                "size": material["size"],
            }
            for package in packages
            for material in package.data["materials"]
        ]

    def _problem(self, verdict: Returned) -> None:
        data = verdict.data
        words = f"平台未采用：{data['message']}。{data['expected']}"
        if self._parts.state.note_problem(verdict.event_id, data):
            shown = self._parts.adapter.returned(data["event_id"], words)
            _log.warning(
                "平台未采用我们的一条消息（%s）：%s%s",
                data["cause"],
                words,
                "" if shown else "（未能对应到本部门的记录）",
            )

    def _quarantine(self, unusable: Unusable) -> None:
        message = unusable.message
        self._parts.state.quarantine(message, unusable.sha256, cause=unusable.cause, words=unusable.words)
        _log.warning(
            "已隔离 %s 分区 %s 偏移 %s（%s）：%s",
            message.topic, message.partition, message.offset, unusable.cause, unusable.words,
        )  # fmt: skip


def receipt_event(
    parts: Parts,
    package: Received,
    receipts: list[dict[str, Any]],
    *,
    at: datetime,
    identity: Sequence[object],
) -> Signed:
    """A signed receipt.v1 about one message; the same `identity` gives the same id."""
    event_id = deterministic_id(parts.config.code, package.event_id, *identity)
    data = {
        "event_id": package.event_id,
        **({"push_id": package.push_id} if package.push_id else {}),
        "package_sha256": package.sha256,
        "receipts": receipts,
    }
    document = event(parts.config.source, "receipt.v1", package.case_no, data, event_id=event_id, at=at)
    return sign(document, parts.signer)


def received(message: Package | Told) -> Received:
    """A message as receipts need to name it."""
    push_id = message.push_id if isinstance(message, Package) else ""
    return Received(
        message.event_id,
        push_id,
        message.case_no,
        message.sha256,
        message.event["type"],
        local_day(message.event["time"]),
    )
